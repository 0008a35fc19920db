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

export type Model = {
  id: string
  provider: string
  upstreamModel: string
  price: Price
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
  /** The field that carries the output cap upstream. */
  outputCapField: 'max_completion_tokens' | 'max_tokens'
}

export type Catalog = {
  models: ReadonlyMap<string, Model>
  plans: ReadonlyMap<string, Plan>
  planBySlug: ReadonlyMap<string, Plan>
  defaultPlan: Plan
}

/** Whether a plan may use a model. */
export function planAllows(plan: Plan, modelId: string): boolean {
  return plan.models === '*' || plan.models.includes(modelId)
}
