/**
 * Plans from the config: every name they use exists, no slug means two of them, and the default serves
 * everyone.
 */
import type { Limits, Plan } from '../core/catalog.ts'
import { MICROCREDITS, microcreditsOf } from '../core/credits.ts'
import { assert } from '../core/result.ts'
import { type ConfigError, pathOf, suggestion } from './errors.ts'
import type { PlanPart, Sections } from './sections.ts'

const keyTtlDefaultSeconds = 900
const keyCreditsDefault = 100 * MICROCREDITS
const keyCountDefault = 10

type Found = {
  plans: Map<string, Plan>
  planBySlug: Map<string, Plan>
  /** Plan ids by the Stripe prices that mean them. */
  stripePrices: Map<string, string>
  defaultPlan: Plan | null
  errors: ConfigError[]
}

/** Resolves all plans; `defaultPlan` is null when an error says why. */
export function resolvePlans(sections: Sections): Found {
  const found: Found = {
    plans: new Map(),
    planBySlug: new Map(),
    stripePrices: new Map(),
    defaultPlan: null,
    errors: [],
  }
  for (const [id, config] of sections.plans) {
    if (config === undefined) continue
    const plan = planOf(id, config)
    found.plans.set(id, plan)
    claimSlugs(plan, config, found)
    claimStripePrices(plan, config, found)
    found.errors.push(...modelErrors(id, config, sections))
  }
  found.defaultPlan = defaultPlanOf(sections, found)
  return found
}

function planOf(id: string, config: PlanPart): Plan {
  const { limits, keys } = config
  const models: Record<string, Limits> = {}
  for (const [model, ofModel] of Object.entries(limits?.models ?? {})) models[model] = limitsOf(ofModel)
  const allowance = config.allowance ? microcredits(config.allowance.credits) : 0
  return {
    id,
    slugs: config.slugs ? [...new Set(config.slugs)] : [id],
    audience: config.for ?? 'anyone',
    models: config.models === '*' ? '*' : [...new Set(config.models ?? [])],
    allowance,
    limits: { ...limitsOf(limits ?? {}), models },
    outputTokensMax: config.outputTokensMax ?? null,
    keys: {
      ttlSecondsMax: keys?.ttlSecondsMax ?? keyTtlDefaultSeconds,
      creditsMax: keyCredits(keys?.creditsMax, allowance),
      countMax: keys?.countMax ?? keyCountDefault,
    },
  }
}

function keyCredits(creditsMax: number | string | undefined, allowance: number): number | null {
  if (creditsMax === 'unlimited') return null
  if (creditsMax !== undefined) return microcredits(creditsMax)
  return allowance > 0 ? allowance : keyCreditsDefault
}

type LimitsConfig = Omit<NonNullable<PlanPart['limits']>, 'models'>

function limitsOf(config: LimitsConfig): Limits {
  const { requestsPerMinute, tokensPerMinute, concurrentRequests, creditsPerDay } = config
  return {
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute }),
    ...(concurrentRequests !== undefined && { concurrentRequests }),
    ...(creditsPerDay !== undefined && { creditsPerDay: microcredits(creditsPerDay) }),
  }
}

function microcredits(credits: number | string): number {
  const value = microcreditsOf(credits)
  assert(value !== null, 'the schema lets no amount of credits through that is none')
  return value
}

function claimSlugs(plan: Plan, config: PlanPart, found: Found): void {
  const path = config.slugs ? pathOf(['plans', plan.id, 'slugs']) : pathOf(['plans', plan.id])
  const fail = (message: string) => found.errors.push({ path, message })
  if (plan.slugs.length === 0)
    fail("is empty: list the slugs, or leave it out if the slug is the plan's name")
  if ((config.slugs ?? []).length > plan.slugs.length) fail('lists a slug twice: remove one')
  for (const slug of plan.slugs) {
    const scoped = /^(?:u|o|uo|ou):(.+)$/.exec(slug)?.[1]
    const other = found.planBySlug.get(slug)
    if (scoped !== undefined) fail(`"${slug}" has a scope, which is not part of a slug: write "${scoped}"`)
    if (other) fail(`"${slug}" already means the plan ${other.id}: a slug may mean one plan only`)
    else found.planBySlug.set(slug, plan)
  }
}

function claimStripePrices(plan: Plan, config: PlanPart, found: Found): void {
  for (const price of config.stripePrices ?? []) {
    const other = found.stripePrices.get(price)
    if (other === undefined) found.stripePrices.set(price, plan.id)
    else {
      found.errors.push({
        path: pathOf(['plans', plan.id, 'stripePrices']),
        message: `"${price}" ${other === plan.id ? 'is listed twice' : `already means the plan ${other}`}: a price may stand once only`,
      })
    }
  }
}

function modelErrors(id: string, config: PlanPart, sections: Sections): ConfigError[] {
  const unknown = (path: readonly PropertyKey[], model: string): ConfigError[] =>
    sections.models.has(model)
      ? []
      : [
          {
            path: pathOf(['plans', id, ...path]),
            message: `"${model}" is not in models; ${suggestion(model, sections.models.keys())}`,
          },
        ]
  const named = config.models === '*' ? [] : (config.models ?? [])
  const limited = Object.keys(config.limits?.models ?? {})
  return [
    ...[...new Set(named)].flatMap((model) => unknown(['models'], model)),
    ...limited.flatMap((model) => unknown(['limits', 'models', model], model)),
  ]
}

function defaultPlanOf(sections: Sections, found: Found): Plan | null {
  const id = sections.defaultPlan
  if (id === undefined) return null
  const plan = found.plans.get(id)
  const fail = (message: string) => {
    found.errors.push({ path: 'defaultPlan', message })
    return null
  }
  if (plan === undefined) {
    // A plan that is there but wrong was told already.
    return sections.plans.has(id)
      ? null
      : fail(`"${id}" is not in plans; ${suggestion(id, sections.plans.keys())}`)
  }
  if (plan.audience === 'organization') {
    return fail(
      `"${id}" is for organizations, but users without one are on it too: name a plan that serves everyone`,
    )
  }
  return plan
}
