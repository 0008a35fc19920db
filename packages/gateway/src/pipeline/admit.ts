/** Admission: finds the model, bounds what the request can cost, and holds that many credits, or refuses. */
import { priceAt } from '../core/catalog.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { type Identity, type ModelRequest, StoreUnavailable } from '../ports.ts'
import type { Admitted, Call, Pipeline } from './call.ts'

/** Reserves credits for the request; nothing has been sent yet. */
export async function admit(
  pipeline: Pipeline,
  call: Call,
  identity: Identity,
  ask: ModelRequest,
): Promise<Result<Admitted, Refusal>> {
  const model = pipeline.catalog.models.get(ask.model)
  const provider = model && pipeline.providers.get(model.provider)
  if (!model || !provider) return err(modelNotFound(pipeline, ask.model))
  if (provider.paths[call.endpoint.id] === undefined) {
    const message = `The model ${ask.model} is not served at this endpoint. GET /v1/models lists the models.`
    return err(refusal('unsupported_endpoint', message, { param: 'model' }))
  }
  const { base, perItem } = provider.overheadTokens
  const reserved = await pipeline.store.apply(identity.accountId, {
    kind: 'reserve',
    id: call.requestId,
    member: identity.member ?? null,
    payer: identity.payer,
    planClaim: identity.planClaim ?? null,
    keyHash: identity.keyHash ?? null,
    model: model.id,
    price: priceAt(model, pipeline.clock()),
    // Byte-level tokenizers make at most one token of a byte; the provider's own framing comes on top.
    inputTokens: ask.forwardedBytesMax + base + perItem * ask.items,
    choices: ask.choices,
    output: { asked: ask.outputTokensAsked, default: model.outputTokensDefault, max: model.outputTokensMax },
  })
  if (!reserved.ok) {
    if (reserved.error.topUpDue && pipeline.topUp) call.waitUntil(pipeline.topUp(identity.accountId))
    return reserved
  }
  const { unknownPlanClaim } = reserved.value
  if (unknownPlanClaim !== null) {
    pipeline.log('warn', 'unknown_plan_claim', { claim: unknownPlanClaim, plan: reserved.value.plan })
  }
  return ok({ identity, model, provider, ask, reply: reserved.value })
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
