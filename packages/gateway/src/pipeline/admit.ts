/** Admission: finds the model, bounds what the request can cost, and holds that many credits, or refuses. */
import type { Uses } from '../core/account.ts'
import { type Model, priceAt } from '../core/catalog.ts'
import type { Reserve } from '../core/command.ts'
import { type Price, pricesTokens } from '../core/pricing.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { type Identity, type ModelRequest, type Provider, StoreUnavailable } from '../ports.ts'
import type { Admitted, Asked, Call, Pipeline } from './call.ts'

/** Reserves credits for the request; nothing has been sent yet. */
export async function admit(
  pipeline: Pipeline,
  call: Call,
  identity: Identity,
  { ask, idempotency }: Asked,
): Promise<Result<Admitted, Refusal>> {
  const bounded = boundRequest(pipeline, call, identity, { ask, idempotency })
  if (!bounded.ok) return bounded
  const { model, provider, command } = bounded.value
  const reserved = await pipeline.store.apply(identity.accountId, command)
  if (!reserved.ok) {
    if (reserved.error.topUpDue && pipeline.topUp) call.waitUntil(pipeline.topUp(identity.accountId))
    return reserved
  }
  const { unknownPlanClaim } = reserved.value
  if (unknownPlanClaim !== null) {
    pipeline.log('warn', 'unknown_plan_claim', { claim: unknownPlanClaim, plan: reserved.value.plan })
  }
  return ok({ identity, model, provider, ask, idempotency, reply: reserved.value })
}

/** A request with bounds on all that it can use: what is to be reserved for it, or quoted. */
export type Bounded = { model: Model; provider: Provider; command: Reserve }

/** Finds the model and bounds the request; refuses what the model does not serve. Decides nothing of the account. */
export function boundRequest(
  pipeline: Pipeline,
  call: Call,
  identity: Identity,
  { ask, idempotency }: Asked,
): Result<Bounded, Refusal> {
  const model = pipeline.catalog.models.get(ask.model)
  const provider = model && pipeline.providers.get(model.provider)
  if (!model || !provider) return err(modelNotFound(pipeline, ask.model))
  if (provider.paths[call.endpoint.id] === undefined) {
    const message = `The model ${ask.model} is not served at this endpoint. GET /v1/models lists the models.`
    return err(refusal('unsupported_endpoint', message, { param: 'model' }))
  }
  const price = ask.free ? freePrice : priceAt(model, pipeline.clock())
  if (isForOtherUse(price, ask)) {
    const message = `The model ${ask.model} is priced by what this endpoint does not use (seconds heard, characters spoken), so it is not served here.`
    return err(refusal('unsupported_endpoint', message, { param: 'model' }))
  }
  const { base, perItem } = provider.overheadTokens
  // Byte-level tokenizers make at most one token of a byte; the provider's own framing comes on top.
  const textTokensMax = ask.forwardedBytesMax + base + perItem * ask.items + (ask.addedTokensMax ?? 0)
  const command: Reserve = {
    kind: 'reserve',
    id: call.requestId,
    member: identity.member ?? null,
    payer: identity.payer,
    planClaim: identity.planClaim ?? null,
    keyHash: identity.keyHash ?? null,
    model: model.id,
    price,
    inputTokens: textTokensMax + (ask.uses?.audioInputTokens ?? 0) + (ask.uses?.imageInputTokens ?? 0),
    ...usesOf(ask),
    choices: ask.choices,
    output: {
      asked: ask.outputTokensAsked,
      default: model.outputTokensDefault,
      max: model.outputTokensMax,
      ...(ask.outputFixed && { fixed: true as const }),
    },
    ...(idempotency && { idempotency }),
  }
  return ok({ model, provider, command })
}

const freePrice: Price = {
  input: 0,
  cachedInput: 0,
  cacheWrite: 0,
  output: 0,
  perRequest: 0,
  rate: { numerator: 0, denominator: 1 },
  version: 'free',
}

/** Whether the only thing that has a price is one that the request has none of, so that its answer would be free. */
function isForOtherUse(price: Price, { uses }: ModelRequest): boolean {
  const { character = 0, audioSecond = 0, perRequest } = price
  if (pricesTokens(price) || perRequest > 0 || character + audioSecond === 0) return false
  return !(character > 0 && uses?.characters) && !(audioSecond > 0 && uses?.audioSeconds)
}

/** What the request can use beside text: each choice is an answer that a price per request is asked for. */
function usesOf({ uses, choices }: ModelRequest): { uses?: Uses } {
  if (choices === 1) return uses ? { uses } : {}
  return { uses: { ...uses, answers: choices } }
}

/** The refusal for what a store that cannot be reached throws; other errors go on up. */
export function storeRefusal(error: unknown): Refusal {
  if (!(error instanceof StoreUnavailable)) throw error
  const message = 'The credit ledger cannot be reached, so nothing was sent. Try again in a moment.'
  return refusal('store_unavailable', message, { retryAfterMs: 1000 })
}

function modelNotFound({ catalog }: Pipeline, name: string): Refusal {
  const known = [...catalog.models.keys()].slice(0, 20).join(', ')
  const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name
  return refusal('model_not_found', `There is no model ${shown}. The models are ${known}.`, {
    param: 'model',
  })
}
