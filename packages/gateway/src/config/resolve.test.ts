import { expect, test } from 'vitest'
import rootConfig from '../../../../faregate.config.ts'
import { charge } from '../core/pricing.ts'
import { databasePathOf } from './environment.ts'
import {
  contractExample,
  errorsIn,
  goodEnv,
  publicPem,
  publishableKey,
  settingsOf,
  smallest,
} from './test-kit.ts'

test("the contract's example resolves", () => {
  const settings = settingsOf(contractExample)
  expect([...settings.catalog.models.keys()]).toEqual(['fast', 'house', 'picture'])
  expect([...settings.catalog.planBySlug.keys()]).toEqual(['free_user', 'pro', 'team'])
  expect(settings.catalog.defaultPlan.id).toBe('free')
  expect(settings.stripePrices).toEqual(new Map([['price_1', 'pro']]))
  expect(settings.creditPacks.get('starter')).toEqual({
    id: 'starter',
    name: 'Starter',
    credits: 1_000_000_000,
    usdCents: 1000,
  })
  expect(settings.payments).toEqual({
    buyRoles: ['admin'],
    automaticTax: false,
    promotionCodes: true,
    autoTopUpsPerDay: 3,
    meter: null,
    stripe: null,
  })
  expect(settings.identity.oidc).toEqual([
    {
      name: 'acme',
      issuer: 'https://auth.example.com',
      audience: ['ai'],
      algorithms: ['ES256'],
      tokenLifetimeMaxSeconds: 3600,
      planClaim: 'app_metadata.plan',
      payer: 'organization',
    },
  ])
})

test("the repository's own config resolves, with nothing to warn of but a development instance", () => {
  const env = { ...goodEnv, STRIPE_SECRET_KEY: 'sk_test_1', STRIPE_WEBHOOK_SECRET: 'whsec_0123456789' }
  const settings = settingsOf(rootConfig, env)
  expect(settings.warnings).toEqual([expect.stringContaining('pk_test_')])
  expect(settingsOf(rootConfig, env, 'development').warnings).toEqual([])
  expect(settings.cors.origins).toEqual(['http://localhost:3000'])
})

test('the same config as JSON means the same', () => {
  for (const config of [contractExample, smallest, rootConfig]) {
    expect(settingsOf(JSON.parse(JSON.stringify(config)))).toEqual(settingsOf(config))
  }
})

test('what is left out has its default', () => {
  const settings = settingsOf(smallest)
  expect(settings).toMatchObject({
    mode: 'production',
    creditUsd: '0.01',
    creditName: 'credits',
    cors: { origins: [] },
    unknownParameters: 'refuse',
    timeouts: { headersMs: 600_000, idleMs: 180_000, totalMs: 900_000 },
    body: { bytesMax: 4_194_304, timeoutMs: 15_000 },
    upload: { bytesMax: 27_262_976, timeoutMs: 120_000 },
    drain: { concurrentMax: 100, timeMs: 20_000 },
    idempotency: { storeAnswers: false },
    payments: { buyRoles: ['admin'], automaticTax: false, promotionCodes: false },
    host: '0.0.0.0',
    port: 8080,
    databaseUrl: 'file:./data/faregate.db',
  })
  expect(settings.identity).toEqual({
    clerk: { publishableKey, authorizedParties: [], payer: 'organization', allowImpersonation: false },
    oidc: [],
  })
  expect(settings.catalog.models.get('gpt-5-mini')).toMatchObject({
    upstreamModel: 'gpt-5-mini',
    outputTokensMax: null,
    outputTokensDefault: 4096,
    reasoning: true,
    onDisconnect: 'abort',
    allowParameters: [],
  })
  expect(settings.catalog.plans.get('free')).toEqual({
    id: 'free',
    slugs: ['free'],
    audience: 'anyone',
    models: '*',
    allowance: 0,
    limits: { models: {} },
    outputTokensMax: null,
    keys: { ttlSecondsMax: 900, creditsMax: 100_000_000, countMax: 10 },
  })
  expect(settingsOf(smallest, goodEnv, 'development').host).toBe('127.0.0.1')
})

test('credits and limits become integers', () => {
  const { plans } = settingsOf(contractExample).catalog
  expect(plans.get('free')).toMatchObject({
    allowance: 50_000_000,
    limits: { requestsPerMinute: 10, creditsPerDay: 20_000_000, models: { fast: { requestsPerMinute: 10 } } },
    keys: { creditsMax: 50_000_000 },
  })
  expect(plans.get('team')?.audience).toBe('organization')
  expect(plans.get('pro')?.keys).toEqual({
    ttlSecondsMax: 7_776_000,
    creditsMax: 2_000_000_000,
    countMax: 10,
  })
  const keys = (creditsMax: number | string) =>
    settingsOf({ ...smallest, plans: { free: { models: '*', keys: { creditsMax } } } }).catalog.defaultPlan
      .keys
  expect(keys('0.000001').creditsMax).toBe(1)
  expect(keys('unlimited').creditsMax).toBeNull()
})

test('a price is integers with its markup, and names itself', () => {
  const { models } = settingsOf(contractExample).catalog
  const price = models.get('fast')?.prices[0].price
  expect(price).toEqual({
    input: 250_000,
    cachedInput: 25_000,
    cacheWrite: 250_000,
    output: 2_000_000,
    perRequest: 0,
    // 1.25 × USD, and a credit is a cent: 125 microcredits for each micro-USD.
    rate: { numerator: 1, denominator: 8000 },
    version: 'config:0.25,0.025,0.25,2+25%',
  })
  const usage = { inputTokens: 1_000_000, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0 }
  expect(price && charge(price, usage)).toBe(31_250_000)
  expect(models.get('picture')?.prices[0].price).toMatchObject({
    perRequest: 4_000_000,
    output: 0,
    version: 'config:4/request',
  })
  const free = { ...smallest, models: { house: { provider: 'openai', price: 'free' } } }
  expect(settingsOf(free).catalog.models.get('house')?.prices[0].price).toMatchObject({
    output: 0,
    version: 'free',
  })
})

test("a model's own markup stands in place of the general one", () => {
  const model = { provider: 'openai', price: { input: 1, output: 1 }, markupPercent: '12.5' }
  const settings = settingsOf({ ...smallest, markupPercent: 25, models: { own: model } })
  // 1.125 × 100 credits for a dollar: 112.5 microcredits for 10⁶ pico-USD.
  expect(settings.catalog.models.get('own')?.prices[0].price.rate).toEqual({
    numerator: 9,
    denominator: 80_000,
  })
})

test('decimals are read as written, however they are written', () => {
  for (const usd of [0.01, '0.01', '0.0100', 1e-2, '1e-2', '00.01']) {
    expect(settingsOf({ ...smallest, credit: { usd } }).creditUsd).toBe('0.01')
  }
  expect(settingsOf({ ...smallest, credit: { usd: 1e-7 } }).creditUsd).toBe('0.0000001')
  expect(settingsOf({ ...smallest, credit: { usd: '10' } }).creditUsd).toBe('10')
  const price = { input: '0.1', output: 0.30000000000000004 }
  const settings = settingsOf({ ...smallest, models: { odd: { provider: 'openai', price } } })
  // Rounded up to a whole pico-USD for each token.
  expect(settings.catalog.models.get('odd')?.prices[0].price).toMatchObject({
    input: 100_000,
    output: 300_001,
  })
})

test('providers are called with their keys, at their addresses', () => {
  const { providers } = settingsOf(contractExample, {
    ...goodEnv,
    OPENAI_BASE_URL: 'https://eu.example.com/v1/',
  })
  expect([...providers.keys()]).toEqual(['openai', 'local'])
  expect(providers.get('openai')).toMatchObject({
    baseUrl: 'https://eu.example.com/v1',
    headers: { authorization: 'Bearer sk-of-openai' },
    paths: { 'chat-completions': '/chat/completions' },
  })
  expect(providers.get('local')).toMatchObject({ baseUrl: 'http://127.0.0.1:11434/v1', headers: {} })
  const keyed = settingsOf(contractExample, { ...goodEnv, LOCAL_KEY: ' local-key\n' })
  expect(keyed.providers.get('local')?.headers).toEqual({ authorization: 'Bearer local-key' })
  expect(settingsOf(smallest).providers.get('openai')?.baseUrl).toBe('https://api.openai.com/v1')
})

test("an address in the config stands over the environment's", () => {
  const providers = {
    openai: { type: 'openai', baseUrl: 'https://config.example.com/v1', apiKeyEnv: 'OTHER_KEY' },
  }
  const env = { ...goodEnv, OPENAI_BASE_URL: 'https://env.example.com/v1', OTHER_KEY: 'other' }
  expect(settingsOf({ ...smallest, providers }, env).providers.get('openai')).toMatchObject({
    baseUrl: 'https://config.example.com/v1',
    headers: { authorization: 'Bearer other' },
  })
})

test('servers nearby may have no key and no TLS; others may not', () => {
  const at = (baseUrl: string) =>
    errorsIn({
      ...smallest,
      providers: { near: { type: 'openai-compatible', baseUrl } },
      models: { house: { provider: 'near', price: 'free' } },
    }).map(({ path }) => path)
  for (const host of [
    'localhost',
    '127.0.0.1:11434',
    '[::1]:80',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.0.9',
    'ollama',
    'gpu.internal',
    '[fd00::1]',
  ]) {
    expect(at(`http://${host}/v1`), host).toEqual([])
  }
  for (const host of [
    'example.com',
    '172.32.0.1',
    '11.0.0.1',
    '169.254.169.254',
    '[2001:db8::1]',
    '127.0.0.1.example.com',
  ]) {
    expect(at(`http://${host}/v1`), host).toEqual(['providers.near.baseUrl'])
  }
  expect(at('https://example.com/v1')).toEqual(['providers.near'])
})

test('Clerk may be known by its JWT key alone', () => {
  const jwtKey = publicPem().trim()
  const env = { ...goodEnv, CLERK_PUBLISHABLE_KEY: '', CLERK_JWT_KEY: jwtKey }
  expect(settingsOf(smallest, env).identity.clerk).toEqual({
    jwtKey,
    authorizedParties: [],
    payer: 'organization',
    allowImpersonation: false,
  })
})

test('with issuers in the config no Clerk is needed', () => {
  const { identity } = settingsOf(contractExample, { OPENAI_API_KEY: 'sk' })
  expect(identity.clerk).toBeNull()
  expect(identity.oidc).toHaveLength(1)
})

test('CORS follows the authorized parties, unless it is told', () => {
  const identity = { authorizedParties: ['https://app.example.com', 'capacitor://localhost'] }
  expect(settingsOf({ ...smallest, identity }).cors.origins).toEqual(identity.authorizedParties)
  const told = settingsOf({ ...smallest, identity, cors: { origins: ['https://other.example.com'] } })
  expect(told.cors.origins).toEqual(['https://other.example.com'])
  expect(told.warnings.join()).toContain('https://other.example.com')
})

test('the environment says where to listen and what to write to', () => {
  const env = {
    ...goodEnv,
    PORT: '0',
    HOST: '::1',
    DATABASE_URL: 'file:/var/lib/f.db',
    FAREGATE_ADMIN_KEY: 'first-key-of-two-keys, second-key-of-two-keys',
  }
  expect(settingsOf(smallest, env)).toMatchObject({
    port: 0,
    host: '::1',
    databaseUrl: 'file:/var/lib/f.db',
    adminKeys: ['first-key-of-two-keys', 'second-key-of-two-keys'],
  })
  expect(settingsOf(smallest, { ...goodEnv, FAREGATE_ADMIN_KEY: ' ' }).adminKeys).toEqual([])
  expect(databasePathOf('file:./data/faregate.db')).toBe('./data/faregate.db')
  expect(databasePathOf('file:///var/f.db')).toBe('/var/f.db')
})

test('what may not be meant is warned of', () => {
  const models = { ...contractExample.models, lonely: { provider: 'anthropic', price: 'free' } }
  const plans = { free: { models: ['fast', 'house', 'picture'] } }
  const env = { ...goodEnv, ANTHROPIC_API_KEY: 'sk-ant', FAREGATE_ADMIN_KEY: undefined }
  const { warnings } = settingsOf({ ...contractExample, models, plans, identity: {} }, env)
  const all = warnings.join('\n')
  for (const words of [
    'No plan includes the model lonely',
    'authorizedParties is empty',
    'FAREGATE_ADMIN_KEY',
  ]) {
    expect(all).toContain(words)
  }
})
