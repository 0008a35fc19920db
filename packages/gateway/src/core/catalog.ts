/** What the operator sells, resolved from the config at start: models with prices, and plans with limits. */
import type { Price } from './pricing.ts'

/** Limits of one plan, or of one model within it; an absent one does not limit. */
export type Limits = {
  requestsPerMinute?: number
  tokensPerMinute?: number
  concurrentRequests?: number
  /** Microcredits per UTC day. */
  creditsPerDay?: number
}

export type Plan = {
  id: string
  /** Slugs of the issuer's or the billing provider's plans that mean this one. */
  slugs: readonly string[]
  /** Whether the plan serves organizations; only then does an organization get its allowance. */
  audience: 'anyone' | 'organization'
  models: '*' | readonly string[]
  /** Microcredits granted each month; 0 for none. */
  allowance: number
  limits: Limits & { models: Readonly<Record<string, Limits>> }
  outputTokensMax: number | null
  /** What users of the plan may make for themselves. `creditsMax` in microcredits, null for no cap. */
  keys: { ttlSecondsMax: number; creditsMax: number | null; countMax: number }
}

/** A price, and since when it holds, in milliseconds since 1970. */
export type DatedPrice = { from: number; price: Price }

export type Model = {
  id: string
  provider: string
  upstreamModel: string
  /** The prices by when they began to hold (ms since 1970), oldest first; the first began before all time. */
  prices: readonly [DatedPrice, ...DatedPrice[]]
  /** The most output tokens that the model, or the operator, allows for one choice. */
  outputTokensMax: number | null
  /** The cap given to a request that names none, if the balance can pay it. */
  outputTokensDefault: number
  /** Whether the model may reason out of sight, so that silence may be paid work. */
  reasoning: boolean
  /** What to do with the upstream when the client hangs up mid-answer. */
  onDisconnect: 'abort' | 'drain'
  /** Parameters beyond the endpoint's allow-list that the operator lets through. */
  allowParameters: readonly string[]
  /** What pictures and sound may be. */
  media: {
    /** Whether they may come from addresses that the provider fetches. */
    remote: boolean
    /** The most tokens of one picture, or null where the wire's own bound holds. */
    imageTokensMax: number | null
    /** The most seconds of one recording, or null where the wire's own bound holds. */
    audioSecondsMax: number | null
  }
  /** Tools that the provider runs: the most calls of a request, and the most input tokens that each adds; null: none. */
  tools: { callsMax: number; inputTokensPerCall: number } | null
}

export type Catalog = {
  models: ReadonlyMap<string, Model>
  plans: ReadonlyMap<string, Plan>
  planBySlug: ReadonlyMap<string, Plan>
  defaultPlan: Plan
}

/** The price that holds at `now`. */
export function priceAt({ prices }: Model, now: number): Price {
  return (prices.findLast(({ from }) => from <= now) ?? prices[0]).price
}

/** Whether a plan may use a model. */
export function planAllows(plan: Plan, modelId: string): boolean {
  return plan.models === '*' || plan.models.includes(modelId)
}
