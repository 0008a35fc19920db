/** A config and an environment that are right, for tests to spoil. */
import { generateKeyPairSync } from 'node:crypto'
import type { ConfigError } from './errors.ts'
import type { FaregateConfig } from './faregate-config.ts'
import { resolveConfig, type Settings } from './resolve.ts'

export const publishableKey = `pk_test_${btoa('clerk.example.com$')}`

/** Clerk's JWT public key of a made-up instance, as PEM. */
export function publicPem(): string {
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString()
}

/** The environment of an operator with Clerk, OpenAI and an admin key. */
export const goodEnv: Record<string, string | undefined> = {
  CLERK_PUBLISHABLE_KEY: publishableKey,
  OPENAI_API_KEY: 'sk-of-openai',
  FAREGATE_ADMIN_KEY: 'an-admin-key-of-length',
}

/** The contract's example (design.md section 4), with a price where it leaves that to the catalogue. */
export const contractExample: FaregateConfig = {
  credit: { usd: 0.01, name: 'credits' },
  markupPercent: 25,
  providers: {
    openai: { type: 'openai' },
    anthropic: { type: 'anthropic' },
    local: { type: 'openai-compatible', baseUrl: 'http://127.0.0.1:11434/v1', apiKeyEnv: 'LOCAL_KEY' },
  },
  models: {
    fast: {
      provider: 'openai',
      upstreamModel: 'gpt-5-mini',
      outputTokensMax: 8192,
      price: { input: 0.25, cachedInput: 0.025, output: 2 },
    },
    house: {
      provider: 'local',
      upstreamModel: 'llama3',
      price: { input: 0.1, cachedInput: 0.05, output: 0.4 },
    },
    picture: { provider: 'openai', upstreamModel: 'gpt-image-2', price: { creditsPerRequest: 4 } },
  },
  plans: {
    free: {
      slugs: ['free_user'],
      models: ['fast'],
      allowance: { credits: 50, every: 'month' },
      limits: {
        requestsPerMinute: 10,
        tokensPerMinute: 60000,
        concurrentRequests: 2,
        creditsPerDay: 20,
        models: { fast: { requestsPerMinute: 10 } },
      },
    },
    pro: {
      slugs: ['pro'],
      stripePrices: ['price_1'],
      models: '*',
      allowance: { credits: 2000, every: 'month' },
      limits: {},
      keys: { ttlSecondsMax: 7776000 },
    },
    team: {
      slugs: ['team'],
      for: 'organization',
      models: '*',
      allowance: { credits: 10000, every: 'month' },
      limits: {},
    },
  },
  defaultPlan: 'free',
  identity: {
    authorizedParties: ['http://localhost:3000'],
    payer: 'organization',
    issuers: {
      acme: {
        issuer: 'https://auth.example.com',
        audience: 'ai',
        algorithms: ['ES256'],
        tokenLifetimeMaxSeconds: 3600,
        planClaim: 'app_metadata.plan',
      },
    },
  },
  cors: { origins: ['http://localhost:3000'] },
  creditPacks: { starter: { name: 'Starter', credits: 1000, price: { usd: 10 } } },
  payments: { buyRoles: ['admin'], automaticTax: false, promotionCodes: true },
  unknownParameters: 'refuse',
}

/** The least that a config can say. */
export const smallest: FaregateConfig = {
  credit: { usd: '0.01' },
  providers: { openai: { type: 'openai' } },
  models: { 'gpt-5-mini': { provider: 'openai', price: { input: 0.25, output: 2 } } },
  plans: { free: { models: '*' } },
  defaultPlan: 'free',
}

export type Path = readonly (string | number)[]

/** A copy with one place set anew; `undefined` removes it. */
export function withPlace(config: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(config)) {
    return config.map((item: unknown, index) => (index === key ? withPlace(item, rest, value) : item))
  }
  const old: [string, unknown][] = Object.entries(config ?? {})
  const at = old.findIndex(([name]) => name === key)
  const next = withPlace(old[at]?.[1], rest, value)
  const entry: [string, unknown][] = next === undefined ? [] : [[String(key), next]]
  // In the order in which an operator wrote it: of two that collide, the later is told.
  return Object.fromEntries(
    at < 0 ? [...old, ...entry] : [...old.slice(0, at), ...entry, ...old.slice(at + 1)],
  )
}

/** The settings of a config that must be right. */
export function settingsOf(
  config: unknown,
  env = goodEnv,
  mode: 'production' | 'development' = 'production',
): Settings {
  const settings = resolveConfig(config, env, mode)
  if (!settings.ok) throw new Error(JSON.stringify(settings.error))
  return settings.value
}

/** What is wrong with a config. */
export function errorsIn(
  config: unknown,
  env = goodEnv,
  mode: 'production' | 'development' = 'production',
): ConfigError[] {
  const settings = resolveConfig(config, env, mode)
  return settings.ok ? [] : settings.error
}
