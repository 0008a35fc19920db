import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatConfigErrors, nearest, nearestOf, pathOf } from './errors.ts'
import { resolveConfig } from './resolve.ts'
import { contractExample, errorsIn, goodEnv, type Path, smallest, withPlace } from './test-kit.ts'

/** One thing wrong: what is set where, the place that the error names, and words of it. */
type Spoiled = { at: Path; to: unknown; path?: string; says: RegExp }

const fast: Path = ['models', 'fast']
const free: Path = ['plans', 'free']
const acme: Path = ['identity', 'issuers', 'acme']

const spoiled: Spoiled[] = [
  // What a credit is.
  { at: ['credit', 'usd'], to: undefined, says: /is missing: give the price of one credit/ },
  { at: ['credit', 'usd'], to: 0, says: /is 0: give/ },
  { at: ['credit', 'usd'], to: '0.000', says: /is 0: give/ },
  { at: ['credit', 'usd'], to: -0.01, says: /must not be negative/ },
  { at: ['credit', 'usd'], to: Number.NaN, says: /must be a decimal number/ },
  { at: ['credit', 'usd'], to: '1/100', says: /must be a decimal number/ },
  { at: ['credit', 'usd'], to: '0.0000000000000000000001', says: /too many digits/ },
  { at: ['credit', 'name'], to: '  ', says: /is empty/ },
  { at: ['credit', 'nam'], to: 'x', says: /unknown key; did you mean "name"\?/ },
  { at: ['markupPercent'], to: '25%', says: /must be a decimal number .* give a percentage/ },
  { at: ['markupPercent'], to: '0.1234567890123456789', says: /too many digits, together with credit\.usd/ },
  // Providers.
  {
    at: ['providers', 'openai', 'type'],
    to: 'opneai',
    says: /must be 'openai', 'anthropic', .* or 'openai-compatible'/,
  },
  {
    at: ['providers', 'openai', 'apiKey'],
    to: 'sk-1',
    says: /put it in the environment and name it with apiKeyEnv/,
  },
  { at: ['providers', 'openai', 'apiKeyEnv'], to: 'sk-proj-1', says: /the name of an environment variable/ },
  { at: ['providers', 'openai', 'baseUrl'], to: 'api.openai.com', says: /must be an address such as/ },
  { at: ['providers', 'openai', 'baseUrl'], to: 'ftp://x.example.com', says: /must begin with https/ },
  {
    at: ['providers', 'openai', 'baseUrl'],
    to: 'http://x.example.com/v1',
    says: /http is for loopback and private/,
  },
  {
    at: ['providers', 'openai', 'baseUrl'],
    to: 'https://u:p@x.example.com',
    says: /must not hold a user or password/,
  },
  { at: ['providers', 'openai', 'baseUrl'], to: 'https://x.example.com/?a', says: /without \? and #/ },
  { at: ['providers', 'openai', 'apiVersion'], to: 'v1', says: /a version of Azure's interface/ },
  { at: ['providers', 'local', 'baseUrl'], to: undefined, says: /is missing: give its address/ },
  {
    at: ['providers', 'a b'],
    to: { type: 'openai' },
    path: 'providers["a b"]',
    says: /only letters, digits/,
  },
  // Models.
  { at: ['models'], to: {}, says: /has none: name at least one model/ },
  { at: ['models'], to: [], says: /must be an object of models by name/ },
  {
    at: ['models', '-x'],
    to: { provider: 'openai', price: 'free' },
    says: /must begin with a letter or digit/,
  },
  {
    at: ['models', 'constructor'],
    to: { provider: 'openai', price: 'free' },
    says: /JavaScript keeps for itself/,
  },
  { at: ['models', 'x'.repeat(129)], to: {}, says: /longer than 128/ },
  { at: [...fast, 'provider'], to: 'opnai', says: /"opnai" is not in providers; did you mean "openai"\?/ },
  { at: [...fast, 'provider'], to: undefined, says: /is missing: give the name of a provider/ },
  {
    at: ['models', 'house', 'price'],
    to: undefined,
    says: /is missing: .* of type openai-compatible\. Give \{ input, output \}.*'free' if that is meant/,
  },
  { at: [...fast, 'price'], to: 'cheap', says: /or 'free'/ },
  { at: [...fast, 'price'], to: 0.25, says: /must be \{ input, output \}/ },
  { at: [...fast, 'price'], to: { input: 0, output: 0 }, says: /is 0: write price: 'free' if that is meant/ },
  { at: [...fast, 'price'], to: { creditsPerRequest: 0 }, says: /is 0: write price: 'free'/ },
  { at: [...fast, 'price'], to: { input: '1e20', output: 1 }, says: /too large to count/ },
  { at: [...fast, 'price', 'output'], to: undefined, says: /is missing: give USD per million/ },
  { at: [...fast, 'price', 'input'], to: -1, says: /must not be negative/ },
  { at: [...fast, 'price', 'cachedInputs'], to: 1, says: /unknown key; did you mean "cachedInput"\?/ },
  { at: ['models', 'picture', 'price', 'creditsPerRequest'], to: '0.0000001', says: /at most 6 decimals/ },
  { at: [...fast, 'markupPercent'], to: '1.0000000000000001', says: /too many digits/ },
  { at: [...fast, 'outputTokensMax'], to: 0, says: /must be between 1 and/ },
  { at: [...fast, 'outputTokensMax'], to: 1.5, says: /must be a whole number/ },
  { at: [...fast, 'outputTokensDefault'], to: 9000, says: /is above outputTokensMax \(8192\)/ },
  { at: [...fast, 'reasoning'], to: 'yes', says: /must be true or false/ },
  { at: [...fast, 'onDisconnect'], to: 'stop', says: /must be 'abort' or 'drain'/ },
  { at: [...fast, 'upstreamModel'], to: 'gpt 5', says: /name at the provider/ },
  { at: [...fast, 'allowParameters'], to: 'seed', says: /must be a list of parameter names/ },
  {
    at: ['models', 'gpt-4.1.'],
    to: { provider: 'openai' },
    path: 'models["gpt-4.1."].price',
    says: /is missing: .* has none for the model "gpt-4\.1\." of openai \(the nearest are gpt-4\.1, .*\)\. Give/,
  },
  // Plans.
  { at: ['plans'], to: undefined, says: /is missing/ },
  { at: [...free, 'models'], to: undefined, says: /is missing: give a list of model names, or '\*' for all/ },
  { at: [...free, 'models'], to: 'fast', says: /must be a list of model names, or '\*'/ },
  { at: [...free, 'models'], to: ['fsat'], says: /"fsat" is not in models; did you mean "fast"\?/ },
  { at: [...free, 'models'], to: ['zzzzzz'], says: /known here: fast, house, picture/ },
  { at: [...free, 'slugs'], to: ['pro'], path: 'plans.pro.slugs', says: /"pro" already means the plan free/ },
  { at: [...free, 'slugs'], to: ['a', 'a'], says: /lists a slug twice/ },
  { at: [...free, 'slugs'], to: [], says: /is empty/ },
  { at: [...free, 'slugs'], to: ['u:free_user'], says: /has a scope.*write "free_user"/ },
  { at: [...free, 'for'], to: 'organisation', says: /must be 'anyone' or 'organization'/ },
  { at: [...free, 'allowance', 'every'], to: 'week', says: /must be 'month'/ },
  { at: [...free, 'allowance', 'credits'], to: '0.1234567', says: /at most 6 decimals/ },
  { at: [...free, 'allowance', 'credits'], to: 2e9, says: /at most 1000000000 credits/ },
  { at: [...free, 'limits', 'requestsPerMinut'], to: 1, says: /did you mean "requestsPerMinute"\?/ },
  { at: [...free, 'limits', 'requestsPerMinute'], to: 0, says: /must be between 1 and/ },
  { at: [...free, 'limits', 'tokensPerMinute'], to: '60000', says: /must be a number/ },
  { at: [...free, 'limits', 'creditsPerDay'], to: -1, says: /must not be negative/ },
  {
    at: [...free, 'limits', 'models', 'fats'],
    to: {},
    says: /"fats" is not in models; did you mean "fast"\?/,
  },
  {
    at: ['plans', 'pro', 'stripePrices'],
    to: ['prod_1'],
    path: 'plans.pro.stripePrices[0]',
    says: /Stripe price/,
  },
  { at: ['plans', 'team', 'stripePrices'], to: ['price_1'], says: /"price_1" already means the plan pro/ },
  { at: ['plans', 'pro', 'keys', 'ttlSecondsMax'], to: 1e12, says: /must be between 60 and/ },
  { at: ['plans', 'pro', 'keys', 'countMax'], to: 101, says: /between 0 and 100/ },
  { at: ['defaultPlan'], to: 'fre', says: /"fre" is not in plans; did you mean "free"\?/ },
  { at: ['defaultPlan'], to: 'team', says: /is for organizations/ },
  { at: ['defaultPlan'], to: undefined, says: /is missing: give the name of a plan/ },
  // Identity and browsers.
  { at: ['identity', 'payer'], to: 'team', says: /must be 'organization' or 'user'/ },
  {
    at: ['identity', 'authorizedParties'],
    to: ['*'],
    path: 'identity.authorizedParties[0]',
    says: /any website/,
  },
  { at: ['cors', 'origins'], to: ['*'], path: 'cors.origins[0]', says: /any website could then spend/ },
  {
    at: ['cors', 'origins'],
    to: ['https://*.example.com'],
    path: 'cors.origins[0]',
    says: /must not have \*/,
  },
  {
    at: ['cors', 'origins'],
    to: ['https://a.com/'],
    path: 'cors.origins[0]',
    says: /as a browser sends it: https:\/\/a\.com$/,
  },
  {
    at: ['cors', 'origins'],
    to: ['https://A.com:443/x'],
    path: 'cors.origins[0]',
    says: /: https:\/\/a\.com$/,
  },
  { at: ['cors', 'origins'], to: ['a.com'], path: 'cors.origins[0]', says: /with its scheme/ },
  { at: ['cors', 'origins'], to: ['null'], path: 'cors.origins[0]', says: /sandboxed/ },
  { at: [...acme, 'audience'], to: undefined, says: /tokens made for other services would be accepted/ },
  { at: [...acme, 'audience'], to: [], says: /is empty/ },
  {
    at: [...acme, 'algorithms'],
    to: ['HS256'],
    path: 'identity.issuers.acme.algorithms[0]',
    says: /not safe here/,
  },
  {
    at: [...acme, 'algorithms'],
    to: ['none'],
    path: 'identity.issuers.acme.algorithms[0]',
    says: /not safe here/,
  },
  { at: [...acme, 'algorithms'], to: [], says: /is empty/ },
  { at: [...acme, 'issuer'], to: 'auth.example.com', says: /must be an address/ },
  { at: [...acme, 'jwksUrl'], to: 'http://auth.example.com/jwks', says: /must begin with https/ },
  { at: [...acme, 'planClaims'], to: 'x', says: /did you mean "planClaim"\?/ },
  {
    at: ['identity', 'issuers', 'clerk'],
    to: { issuer: 'https://x.example.com', audience: 'a', algorithms: ['RS256'] },
    says: /built-in Clerk/,
  },
  {
    at: ['identity', 'issuers', 'two'],
    to: { issuer: 'https://auth.example.com', audience: 'a', algorithms: ['RS256'] },
    path: 'identity.issuers.two.issuer',
    says: /is the issuer of "acme" too/,
  },
  // Sales and the rest.
  { at: ['creditPacks', 'starter', 'credits'], to: 0, says: /is 0: give an amount/ },
  { at: ['creditPacks', 'starter', 'price', 'usd'], to: '9.999', says: /at most 2 decimals/ },
  { at: ['creditPacks', 'starter', 'price', 'eur'], to: 9, says: /unknown key/ },
  { at: ['payments', 'buyRoles'], to: 'admin', says: /must be a list of roles/ },
  { at: ['payments', 'meter'], to: 'credits', says: /must be an object with eventName/ },
  {
    at: ['payments', 'meter'],
    to: { eventName: 'x'.repeat(101) },
    path: 'payments.meter.eventName',
    says: /not of the right form: give the event name of a meter/,
  },
  { at: ['unknownParameters'], to: 'allow', says: /must be 'refuse' or 'drop'/ },
  { at: ['timeouts'], to: { totalMs: -1 }, path: 'timeouts.totalMs', says: /must be between 1/ },
  {
    at: ['limits'],
    to: { bodyBytesMax: 5, bodyTimeoutMs: 1 },
    path: 'limits.bodyBytesMax',
    says: /between 1024/,
  },
  { at: ['limits'], to: { uploadBytesMax: 5 }, path: 'limits.uploadBytesMax', says: /between 1024/ },
  { at: ['idempotency', 'storeAnswers'], to: 'yes', says: /must be true or false/ },
  { at: ['idempotency'], to: true, says: /must be an object with storeAnswers/ },
  { at: ['drain'], to: 20, says: /must be an object with concurrentMax, timeMs/ },
  { at: ['provider'], to: {}, says: /unknown key; did you mean "providers"\?/ },
]

function placeOf(row: Spoiled): string {
  return row.path ?? pathOf(row.at)
}

test.each(
  spoiled.map((row) => ({ ...row, title: `${placeOf(row)} = ${JSON.stringify(row.to)?.slice(0, 40)}` })),
)('$title is refused by its place and in words', (row) => {
  const errors = errorsIn(withPlace(contractExample, row.at, row.to))
  const own = errors.filter(({ path }) => path === placeOf(row))
  expect(own.map(({ message }) => message).join('\n'), JSON.stringify(errors)).toMatch(row.says)
  // Nothing is told twice of one place.
  expect(own).toHaveLength(1)
})

/** Rows that stand by themselves: what one sets, no other sets or hides. */
const independent = spoiled.filter(
  ({ at, path, to }) => at.length > 1 && (path === undefined || to !== undefined),
)

function overlap(one: Spoiled, other: Spoiled): boolean {
  const [a, b] = [JSON.stringify(one.at).slice(0, -1), JSON.stringify(other.at).slice(0, -1)]
  return a.startsWith(b) || b.startsWith(a)
}

/** Pairs of which the one, rightly, takes away what the other is wrong against. */
function linked(one: Spoiled, other: Spoiled): boolean {
  const touches = (row: Spoiled, path: Path) => row.at.join('.').startsWith(path.join('.'))
  const either = (left: Path, right: Path) =>
    (touches(one, left) && touches(other, right)) || (touches(other, left) && touches(one, right))
  return (
    // The rate needs the credit; the default cap needs the cap; duplicates need the other of the pair; the catalogue
    // needs to know whose model it is.
    either(['providers', 'openai', 'type'], ['models', 'gpt-4.1.']) ||
    either(['credit', 'usd'], ['models', 'fast', 'markupPercent']) ||
    either(['models', 'fast', 'outputTokensMax'], ['models', 'fast', 'outputTokensDefault']) ||
    either(['models', 'fast', 'price'], ['models', 'fast', 'markupPercent']) ||
    either(['plans', 'pro', 'stripePrices'], ['plans', 'team', 'stripePrices']) ||
    either(acme, ['identity', 'issuers', 'two'])
  )
}

test('however many things are wrong, all are told at once', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(independent, { minLength: 1, maxLength: 12 }), (picked) => {
      const rows: Spoiled[] = []
      for (const row of picked) {
        if (!rows.some((other) => overlap(row, other) || linked(row, other))) rows.push(row)
      }
      const config = rows.reduce(
        (spoilt, { at, to }) => withPlace(spoilt, at, to),
        contractExample as unknown,
      )
      const errors = errorsIn(config)
      for (const row of rows) {
        const found = errors.some(({ path, message }) => path === placeOf(row) && row.says.test(message))
        expect(found, `${placeOf(row)} in ${JSON.stringify(errors)}`).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

test('whatever is given, the answer is settings or errors, never an exception', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, maxDepth: 4 }), (config) => {
      expect(resolveConfig(config, goodEnv, 'production').ok).toBe(false)
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.constantFrom(...spoiled), fc.anything(), ({ at }, value) => {
      expect(typeof resolveConfig(withPlace(contractExample, at, value), goodEnv, 'production').ok).toBe(
        'boolean',
      )
    }),
    { numRuns: 500 },
  )
})

test('a config that holds itself is refused', () => {
  const config: Record<string, unknown> = { ...smallest }
  config.models = { loop: config }
  expect(resolveConfig(config, goodEnv, 'production').ok).toBe(false)
})

test('no config at all is one error, not one for each field', () => {
  expect(errorsIn(undefined)).toEqual([
    { path: 'config', message: expect.stringMatching(/^is missing: give an object/) },
  ])
})

test('__proto__ in JSON is refused, at any depth', () => {
  const json = JSON.stringify(contractExample).replace(
    '"fast":{',
    '"__proto__":{"provider":"openai"},"fast":{',
  )
  expect(errorsIn(JSON.parse(json))).toContainEqual({
    path: 'models.__proto__',
    message: 'is a name that JavaScript keeps for itself',
  })
})

test('a price that would overflow with so small a credit is refused', () => {
  const config = withPlace(
    withPlace(contractExample, ['credit', 'usd'], '0.0000001'),
    [...fast, 'price', 'output'],
    1000,
  )
  expect(errorsIn(config)).toEqual([
    { path: 'models.fast.price', message: expect.stringMatching(/raise credit\.usd/) },
  ])
})

test('errors read as a list', () => {
  expect(formatConfigErrors([{ path: 'a.b', message: 'is missing' }])).toBe(
    'The configuration has one thing to put right:\n  a.b\n    is missing',
  )
  expect(formatConfigErrors(errorsIn({}))).toMatch(
    /^The configuration has 5 things to put right:\n {2}credit\n/,
  )
})

test('names are guessed only when they are near', () => {
  expect(nearest('requestPerMinutes', ['requestsPerMinute', 'tokensPerMinute'])).toBe('requestsPerMinute')
  expect(nearest('zebra', ['providers', 'models'])).toBeNull()
  expect(nearest('x', [])).toBeNull()
  expect(nearestOf('gpt-6', ['gpt-4.1', 'gpt-4', 'zebra', 'GPT-6'], 2)).toEqual(['GPT-6', 'gpt-4'])
})
