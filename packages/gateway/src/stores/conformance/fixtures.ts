/** What the conformance tests sell, and the commands that they send. */
import type { Catalog, Model, Plan } from '../../core/catalog.ts'
import type { CreateKey, Grant, Reserve, Settle } from '../../core/command.ts'
import type { Price } from '../../core/pricing.ts'

/** Each token costs one microcredit. */
export const price: Price = {
  input: 1_000_000,
  cachedInput: 1_000_000,
  cacheWrite: 1_000_000,
  output: 1_000_000,
  perRequest: 0,
  rate: { numerator: 1, denominator: 1_000_000 },
  version: 'test-1',
}

const model: Model = {
  id: 'fast',
  provider: 'simulated',
  upstreamModel: 'fast-1',
  prices: [{ from: Number.NEGATIVE_INFINITY, price }],
  outputTokensMax: null,
  outputTokensDefault: 4096,
  reasoning: false,
  onDisconnect: 'abort',
  allowParameters: [],
  media: { remote: false, imageTokensMax: null, audioSecondsMax: null },
  tools: null,
}

const bare: Plan = {
  id: 'bare',
  slugs: ['bare'],
  audience: 'anyone',
  models: '*',
  allowance: 0,
  limits: { models: {} },
  outputTokensMax: null,
  keys: { ttlSecondsMax: 86_400, creditsMax: null, countMax: 10 },
}

const monthly: Plan = {
  ...bare,
  id: 'monthly',
  slugs: ['monthly'],
  allowance: 100_000,
  limits: { requestsPerMinute: 20, concurrentRequests: 8, models: {} },
}

const plans = [bare, monthly]

/** One model; a plan without limits, which is the default, and one with an allowance and limits. */
export const catalog: Catalog = {
  models: new Map([[model.id, model]]),
  plans: new Map(plans.map((plan) => [plan.id, plan])),
  planBySlug: new Map(plans.map((plan) => [plan.id, plan])),
  defaultPlan: bare,
}

/** When the injected clocks start: so late that no real alarm rings for them. */
export const START = Date.UTC(2036, 10, 18, 12)

let serial = 0

/** An id that no other test of this run, or of another, has used. */
export function uniqueId(prefix: string): string {
  serial += 1
  return `${prefix}_${serial}_${Math.random().toString(36).slice(2, 10)}`
}

/** A grant of microcredits. */
export function grantOf(credits: number, id = uniqueId('grant')): Grant {
  return { kind: 'grant', id, credits, source: 'purchase', reason: 'test', expiresAt: null }
}

/** A reserve that holds exactly `amount` microcredits: 100 of input, the rest of output. */
export function reserveOf(amount: number, id = uniqueId('req'), more: Partial<Reserve> = {}): Reserve {
  return {
    kind: 'reserve',
    id,
    member: 'test:user:member',
    payer: 'user',
    planClaim: null,
    keyHash: null,
    model: model.id,
    price,
    inputTokens: 100,
    choices: 1,
    output: { asked: amount - 100, default: 4096, max: null },
    ...more,
  }
}

/** A settlement that charges `amount` microcredits. */
export function settleOf(holdId: string, amount: number): Settle {
  return { kind: 'settle', holdId, usage: usageOf(amount), ended: 'complete', estimated: false }
}

/** Usage that costs `amount` microcredits. */
export function usageOf(amount: number): Settle['usage'] {
  const inputTokens = Math.min(100, amount)
  return { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: amount - inputTokens }
}

/** A key without a cap. */
export function keyOf(id = uniqueId('key')): CreateKey {
  const name = 'test'
  const by = 'operator'
  const member = 'test:user:member'
  return {
    kind: 'createKey',
    id,
    name,
    hash: `hash-${id}`,
    member,
    payer: 'user',
    planClaim: null,
    by,
    ttlSeconds: null,
    creditsMax: null,
  }
}
