/**
 * Turns a config and an environment into settings that the rest can trust. Pure: reading files and variables
 * is the apps' job. Every error is named at once, so that an operator does not mend them one start at a time.
 */
import type { Catalog } from '../core/catalog.ts'
import { microcreditsOf, parseDecimal } from '../core/credits.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Provider } from '../ports.ts'
import { type Environment, type Listening, type Mode, readEnvironment, valueOf } from './environment.ts'
import { type ConfigError, pathOf } from './errors.ts'
import { type IdentitySettings, resolveIdentity } from './resolve-identity.ts'
import { resolveModels } from './resolve-models.ts'
import { type PaymentSettings, resolvePayments } from './resolve-payments.ts'
import { resolvePlans } from './resolve-plans.ts'
import { decimalText, resolveRate } from './resolve-prices.ts'
import { resolveProviders } from './resolve-providers.ts'
import { readSections, type Sections } from './sections.ts'

/** Credits for sale. `credits` in microcredits, the price in US cents. */
export type CreditPack = { id: string; name: string; credits: number; usdCents: number }

/** Everything the composition roots need, checked. */
export type Settings = {
  mode: Mode
  catalog: Catalog
  /** The price of a credit as one decimal text (`0.01`), to compare with what is stored with the data. */
  creditUsd: string
  /** What users see a credit called. */
  creditName: string
  /** By name; those without a key that no model uses are left out. */
  providers: Map<string, Provider>
  identity: IdentitySettings
  cors: { origins: string[] }
  unknownParameters: 'refuse' | 'drop'
  timeouts: { headersMs: number; idleMs: number; totalMs: number }
  body: { bytesMax: number; timeoutMs: number }
  /** The same for requests that carry a file. */
  upload: { bytesMax: number; timeoutMs: number }
  /** How far answers are read on after their clients have left. */
  drain: { concurrentMax: number; timeMs: number }
  /** Whether answers are kept for a day, for repeats of their Idempotency-Keys. */
  idempotency: { storeAnswers: boolean }
  /** Keys of the admin routes; none, and the routes do not exist. */
  adminKeys: string[]
  creditPacks: Map<string, CreditPack>
  payments: PaymentSettings
  /** Plan ids by the Stripe prices that mean them. */
  stripePrices: Map<string, string>
  host: string
  port: number
  /** `file:` and a path; see `databasePathOf`. */
  databaseUrl: string
  /** What is allowed and perhaps not meant, in sentences for the log. */
  warnings: string[]
}

/** Checks a config (of a module or of JSON) with its environment. */
export function resolveConfig(
  config: unknown,
  env: Environment,
  mode: Mode,
): Result<Settings, ConfigError[]> {
  const { sections, errors: shapeErrors } = readSections(config)
  const models = resolveModels(sections)
  const plans = resolvePlans(sections)
  const providers = resolveProviders(sections.providers, models.used, env)
  const identity = resolveIdentity(sections.identity, sections.issuersNamed, env, mode)
  const { listening, errors: environmentErrors } = readEnvironment(env, mode)
  const packs = resolvePacks(sections)
  const payments = resolvePayments(sections, plans.stripePrices.size > 0, env)
  const errors = [
    ...shapeErrors,
    ...untold(shapeErrors, [
      ...generalErrors(sections),
      ...providers.errors,
      ...models.errors,
      ...plans.errors,
      ...packs.errors,
    ]),
    ...identity.errors,
    ...environmentErrors,
    ...payments.errors,
  ]
  const { defaultPlan } = plans
  const creditUsd = sections.credit?.usd
  if (errors.length > 0 || defaultPlan === null || creditUsd === undefined) return err(errors)
  const catalog = { models: models.models, plans: plans.plans, planBySlug: plans.planBySlug, defaultPlan }
  const found = { catalog, identity: identity.identity, listening, stripePrices: plans.stripePrices }
  return ok({
    ...settingsOf(sections, found),
    mode,
    creditUsd: decimalText(creditUsd),
    providers: providers.providers,
    creditPacks: packs.packs,
    payments: payments.payments,
    warnings: [
      ...models.warnings,
      ...identity.warnings,
      ...payments.warnings,
      ...furtherWarnings(sections, catalog, env),
    ],
  })
}

/**
 * Without what was already told at that place or within it: a price that cannot be read is not also missing.
 */
function untold(told: readonly ConfigError[], errors: readonly ConfigError[]): ConfigError[] {
  const within = (path: string, place: string) =>
    path === place || path === 'config' || path.startsWith(`${place}.`) || path.startsWith(`${place}[`)
  return errors.filter((error) => !told.some(({ path }) => within(path, error.path)))
}

type Resolved = {
  catalog: Catalog
  identity: IdentitySettings
  listening: Listening
  stripePrices: Map<string, string>
}

/** The settings that are the config's own words or their defaults. */
function settingsOf(sections: Sections, { catalog, identity, listening, stripePrices }: Resolved) {
  const totalMs = sections.timeouts?.totalMs ?? 900_000
  const origins = sections.cors?.origins ?? sections.identity?.authorizedParties ?? []
  return {
    catalog,
    identity,
    stripePrices,
    ...listening,
    creditName: sections.credit?.name ?? 'credits',
    cors: { origins: [...new Set(origins)] },
    unknownParameters: sections.unknownParameters ?? 'refuse',
    timeouts: {
      headersMs: Math.min(sections.timeouts?.headersMs ?? 600_000, totalMs),
      idleMs: Math.min(sections.timeouts?.idleMs ?? 180_000, totalMs),
      totalMs,
    },
    body: {
      bytesMax: sections.limits?.bodyBytesMax ?? 4 * 1024 * 1024,
      timeoutMs: sections.limits?.bodyTimeoutMs ?? 15_000,
    },
    upload: {
      bytesMax: sections.limits?.uploadBytesMax ?? 26 * 1024 * 1024,
      timeoutMs: sections.limits?.uploadTimeoutMs ?? 120_000,
    },
    drain: {
      concurrentMax: sections.drain?.concurrentMax ?? 100,
      timeMs: sections.drain?.timeMs ?? 20_000,
    },
    idempotency: { storeAnswers: sections.idempotency?.storeAnswers ?? false },
  }
}

function generalErrors(sections: Sections): ConfigError[] {
  const errors: ConfigError[] = []
  const usd = sections.credit?.usd
  if (usd !== undefined && parseDecimal(usd)?.digits === 0n) {
    errors.push({ path: 'credit.usd', message: 'is 0: give what one credit is sold for, e.g. 0.01' })
  } else if (usd !== undefined) {
    const alone = resolveRate(usd, 0)
    const general = resolveRate(usd, sections.markupPercent ?? 0)
    if (!alone.ok) errors.push({ path: 'credit.usd', message: 'has too many digits: use fewer decimals' })
    else if (!general.ok) errors.push({ path: 'markupPercent', message: general.error })
  }
  return errors
}

function resolvePacks(sections: Sections): { packs: Map<string, CreditPack>; errors: ConfigError[] } {
  const packs = new Map<string, CreditPack>()
  const errors: ConfigError[] = []
  for (const [id, config] of sections.creditPacks) {
    if (config === undefined) continue
    const credits = microcreditsOf(config.credits)
    const cents = centsOf(config.price.usd)
    if (credits === 0)
      errors.push({ path: pathOf(['creditPacks', id, 'credits']), message: 'is 0: give an amount' })
    if (cents === null) {
      const message = 'must be between 0.01 and 999999.99 US dollars, with at most 2 decimals'
      errors.push({ path: pathOf(['creditPacks', id, 'price', 'usd']), message })
    }
    if (credits && cents) packs.set(id, { id, name: config.name, credits, usdCents: cents })
  }
  return { packs, errors }
}

function centsOf(usd: number | string): number | null {
  const [, whole = '', part = ''] = /^(\d{1,6})(?:\.(\d{1,2}))?$/.exec(decimalText(usd)) ?? []
  const cents = Number(whole) * 100 + Number(part.padEnd(2, '0'))
  return cents > 0 ? cents : null
}

function furtherWarnings(sections: Sections, catalog: Catalog, env: Environment): string[] {
  const plans = [...catalog.plans.values()]
  const unsold = [...catalog.models.keys()].filter((id) =>
    plans.every(({ models }) => models !== '*' && !models.includes(id)),
  )
  const parties = sections.identity?.authorizedParties ?? []
  const foreign = (sections.cors?.origins ?? []).filter((origin) => !parties.includes(origin))
  return [
    ...unsold.map((id) => `No plan includes the model ${id}, so that nobody can call it.`),
    ...foreign.map(
      (origin) =>
        `cors.origins has ${origin}, which identity.authorizedParties lacks: Clerk's tokens from there are refused.`,
    ),
    ...(valueOf(env, 'FAREGATE_ADMIN_KEY') === undefined
      ? ['FAREGATE_ADMIN_KEY is not set, so that there are no admin routes.']
      : []),
  ]
}
