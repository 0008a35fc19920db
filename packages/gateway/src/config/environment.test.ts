import { expect, test } from 'vitest'
import { formatConfigErrors } from './errors.ts'
import { contractExample, errorsIn, goodEnv, publishableKey, settingsOf, smallest } from './test-kit.ts'

type Row = { name: string; value: string; says: RegExp }

const wrong: Row[] = [
  { name: 'PORT', value: 'http', says: /a port from 0 to 65535/ },
  { name: 'PORT', value: '65536', says: /a port/ },
  { name: 'PORT', value: '-1', says: /a port/ },
  { name: 'PORT', value: '80.5', says: /a port/ },
  { name: 'HOST', value: 'http://localhost', says: /without scheme/ },
  {
    name: 'DATABASE_URL',
    value: 'postgres://u:p@db/x',
    says: /Postgres, which Faregate cannot use yet: use a SQLite file/,
  },
  { name: 'DATABASE_URL', value: 'postgresql://db/x', says: /Postgres/ },
  { name: 'DATABASE_URL', value: 'mysql://db/x', says: /must be file: and a path/ },
  { name: 'DATABASE_URL', value: './data/f.db', says: /must be file: and a path/ },
  { name: 'DATABASE_URL', value: 'file:', says: /must name a file/ },
  { name: 'DATABASE_URL', value: 'file:./data/', says: /must name a file/ },
  { name: 'DATABASE_URL', value: 'file::memory:', says: /must outlive the process/ },
  { name: 'DATABASE_URL', value: 'file:x?mode=memory', says: /must outlive the process/ },
  { name: 'DATABASE_URL', value: 'file://host/x.db', says: /of this machine/ },
  { name: 'FAREGATE_ADMIN_KEY', value: 'too-short', says: /fewer than 16 characters.*openssl rand -hex 32/ },
  { name: 'FAREGATE_ADMIN_KEY', value: 'an-admin-key-of-length,', says: /fewer than 16/ },
  { name: 'FAREGATE_ADMIN_KEY', value: 'long enough but spaced out', says: /a header cannot carry/ },
  { name: 'STRIPE_WEBHOOK_SECRET', value: '', says: /set but empty.*remove the line/ },
  { name: 'STRIPE_SECRET_KEY', value: 'pk_test_1', says: /must be a secret key/ },
  { name: 'CLERK_WEBHOOK_SIGNING_SECRET', value: ' ', says: /set but empty/ },
  { name: 'CLERK_WEBHOOK_SIGNING_SECRET', value: 'sk_test_abc', says: /not the signing secret.*whsec_/ },
  { name: 'CLERK_WEBHOOK_SIGNING_SECRET', value: 'whsec_', says: /not the signing secret/ },
  { name: 'CLERK_WEBHOOK_SIGNING_SECRET', value: 'whsec_c2hvcnQ=', says: /not the signing secret/ },
  { name: 'FAREGATE_DEV_MODE', value: '1', says: /never run in production/ },
  { name: 'FAREGATE_DEV_ANYTHING', value: 'x', says: /never run in production/ },
  { name: 'CLERK_PUBLISHABLE_KEY', value: 'sk_test_abc', says: /not a Clerk publishable key/ },
  { name: 'CLERK_PUBLISHABLE_KEY', value: 'pk_test_!', says: /not a Clerk publishable key/ },
  { name: 'CLERK_JWT_KEY', value: 'abc', says: /not an RSA public key/ },
  {
    name: 'CLERK_JWT_KEY',
    value: '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----',
    says: /not an RSA public key/,
  },
  { name: 'OPENAI_BASE_URL', value: 'http://openai.example.com/v1', says: /must begin with https/ },
  { name: 'OPENAI_BASE_URL', value: 'openai', says: /must be an address/ },
  { name: 'OPENAI_API_KEY', value: 'sk-one sk-two', says: /copy it again/ },
]

test.each(wrong)('$name=$value is refused', ({ name, value, says }) => {
  const errors = errorsIn(smallest, { ...goodEnv, [name]: value })
  expect(errors).toEqual([{ path: name, message: expect.stringMatching(says) }])
})

test('all that is wrong in the environment is told with what is wrong in the config', () => {
  const names = [...new Set(wrong.map(({ name }) => name))]
  const env = Object.fromEntries(wrong.map(({ name, value }) => [name, value]))
  const paths = errorsIn({ ...smallest, defaultPlan: 'fre' }, env).map(({ path }) => path)
  // A key is not looked at while its address is wrong.
  expect(paths).toEqual(
    expect.arrayContaining([...names.filter((name) => name !== 'OPENAI_API_KEY'), 'defaultPlan']),
  )
})

test('nobody to accept is an error that names both ways', () => {
  const [error, ...others] = errorsIn(smallest, { OPENAI_API_KEY: 'sk' })
  expect(others).toEqual([])
  expect(error?.path).toBe('identity')
  expect(error?.message).toMatch(/CLERK_PUBLISHABLE_KEY.*CLERK_JWT_KEY.*identity\.issuers/)
  const web = errorsIn(smallest, { OPENAI_API_KEY: 'sk', NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: publishableKey })
  expect(web[0]?.message).toMatch(/only the web app reads that/)
  // A secret key alone does not say which instance's tokens to accept.
  expect(errorsIn(smallest, { OPENAI_API_KEY: 'sk', CLERK_SECRET_KEY: 'sk_test_1' })).toHaveLength(1)
})

test("a provider's key is asked for only when a model uses it", () => {
  expect(errorsIn(contractExample, { ...goodEnv, ANTHROPIC_API_KEY: undefined })).toEqual([])
  expect(errorsIn(contractExample, { ...goodEnv, OPENAI_API_KEY: '' })).toEqual([
    { path: 'providers.openai', message: expect.stringMatching(/set OPENAI_API_KEY in the environment/) },
  ])
  const providers = { openai: { type: 'openai', apiKeyEnv: 'MY_KEY' } }
  expect(errorsIn({ ...smallest, providers })[0]?.message).toMatch(/set MY_KEY/)
})

test('dev mode allows its own variables and listens on loopback only', () => {
  const env = { ...goodEnv, FAREGATE_DEV_MODE: '1' }
  expect(errorsIn(smallest, env, 'development')).toEqual([])
  expect(errorsIn(smallest, { ...env, HOST: 'localhost' }, 'development')).toEqual([])
  expect(errorsIn(smallest, { ...env, HOST: '0.0.0.0' }, 'development')).toEqual([
    { path: 'HOST', message: expect.stringMatching(/must be loopback in dev mode/) },
  ])
})

test('no value of the environment, and no key that was put into the config, is ever shown', () => {
  const canary = 'canary 5e1f'
  const names = [
    ...wrong.map(({ name }) => name),
    'CLERK_SECRET_KEY',
    'NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY',
    'STRIPE_SECRET_KEY',
    'ANTHROPIC_BASE_URL',
    'LOCAL_KEY',
  ]
  const env = Object.fromEntries(names.map((name) => [name, canary]))
  const providers = {
    openai: { type: 'openai', apiKey: canary },
    named: { type: 'openai', apiKeyEnv: canary },
    inAddress: { type: 'openai', baseUrl: `http://u:${canary}@example.com` },
    asType: { type: canary },
    whole: canary,
  }
  const models = { one: { provider: 'openai', price: canary, markupPercent: canary, reasoning: canary } }
  const errors = errorsIn(
    { ...contractExample, providers, models, creditPacks: canary, timeouts: canary },
    env,
  )
  expect(errors.length).toBeGreaterThan(15)
  expect(formatConfigErrors(errors)).not.toContain(canary)
})

const stripe = { STRIPE_SECRET_KEY: 'sk_test_1', STRIPE_WEBHOOK_SECRET: 'whsec_0123456789' }

test("Stripe's key and its webhook secret come together", () => {
  const paths = (env: Record<string, string>) =>
    errorsIn(smallest, { ...goodEnv, ...env }).map(({ path }) => path)
  expect(paths(stripe)).toEqual([])
  expect(
    paths({ STRIPE_SECRET_KEY: 'rk_live_1', STRIPE_WEBHOOK_SECRET: 'whsec_01234567,whsec_76543210' }),
  ).toEqual([])
  expect(paths({ STRIPE_SECRET_KEY: stripe.STRIPE_SECRET_KEY })).toEqual(['STRIPE_WEBHOOK_SECRET'])
  expect(paths({ STRIPE_WEBHOOK_SECRET: stripe.STRIPE_WEBHOOK_SECRET })).toEqual(['STRIPE_SECRET_KEY'])
  expect(paths({ ...stripe, STRIPE_WEBHOOK_SECRET: 'we_1' })).toEqual(['STRIPE_WEBHOOK_SECRET'])
  expect(paths({ ...stripe, STRIPE_API_URL: 'http://stripe.example.com' })).toEqual(['STRIPE_API_URL'])
  expect(paths({ ...stripe, STRIPE_API_URL: 'http://localhost:4200' })).toEqual([])
})

test("a meter needs Stripe's key, and is told of only when the key is not what is wrong", () => {
  const config = { ...smallest, payments: { meter: { eventName: 'faregate_credits' } } }
  expect(settingsOf(config, { ...goodEnv, ...stripe }).payments.meter).toEqual({
    eventName: 'faregate_credits',
  })
  expect(errorsIn(config)).toEqual([
    { path: 'payments.meter', message: expect.stringMatching(/needs STRIPE_SECRET_KEY/) },
  ])
  const spoilt = { ...goodEnv, ...stripe, STRIPE_SECRET_KEY: 'pk_test_1' }
  expect(errorsIn(config, spoilt).map(({ path }) => path)).toEqual(['STRIPE_SECRET_KEY'])
})

test('packs that nobody can buy are told of', () => {
  const packs = { starter: { name: 'Starter', credits: 1000, price: { usd: 10 } } }
  const warnings = (env: Record<string, string>) =>
    settingsOf({ ...smallest, creditPacks: packs }, { ...goodEnv, ...env }).warnings.filter((warning) =>
      warning.includes('STRIPE'),
    )
  expect(warnings({})).toEqual([expect.stringMatching(/STRIPE_SECRET_KEY is not set/)])
  expect(warnings(stripe)).toEqual([])
})
