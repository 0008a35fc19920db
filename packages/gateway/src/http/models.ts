/** The models that the caller's plan may use, as OpenAI's wire lists them. */
import type { Hono } from 'hono'
import { type Model, planAllows, priceAt } from '../core/catalog.ts'
import { creditsOf } from '../core/credits.ts'
import { resolvePlan } from '../core/plans.ts'
import { charge, type Price } from '../core/pricing.ts'
import { refusal } from '../core/refusal.ts'
import { err, ok } from '../core/result.ts'
import type { Pipeline } from '../pipeline/call.ts'
import { type Caller, forCaller } from './caller.ts'
import type { Env } from './env.ts'

/** Adds `GET /v1/models` and `/v1/models/{id}`, and the same without `/v1`. */
export function modelRoutes(routes: Hono<Env>, pipeline: Pipeline): void {
  const show = (model: Model) => shown(model, priceAt(model, pipeline.clock()))
  const list = forCaller(pipeline, async (caller, context) =>
    ok(context.json({ object: 'list', data: modelsOf(pipeline, caller).map(show) })),
  )
  const one = forCaller(pipeline, async (caller, context) => {
    const id = context.req.param('id') ?? ''
    const model = modelsOf(pipeline, caller).find((each) => each.id === id)
    if (model) return ok(context.json(show(model)))
    return err(
      refusal('model_not_found', 'Your plan has no such model. GET /v1/models lists them.', {
        param: 'model',
      }),
    )
  })
  for (const prefix of ['', '/v1']) {
    routes.get(`${prefix}/models`, list)
    // A model's id may hold slashes.
    routes.get(`${prefix}/models/:id{.+}`, one)
  }
}

function modelsOf({ catalog, clock }: Pipeline, { identity, account }: Caller): Model[] {
  const { plan } = resolvePlan(account, identity.planClaim ?? null, identity.payer, catalog, clock())
  return [...catalog.models.values()].filter(({ id }) => planAllows(plan, id))
}

function shown({ id, provider }: Model, price: Price): Record<string, unknown> {
  return { id, object: 'model', created: 0, owned_by: provider, faregate: priceView(price) }
}

const MILLION = 1_000_000
const nothing = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0 }

/** What callers pay, the operator's markup included, in credits; a part that is not asked for is 0. */
function priceView(price: Price) {
  const tokens = { ...price, perRequest: 0 }
  return {
    creditsPerMillionInputTokens: creditsOf(charge(tokens, { ...nothing, inputTokens: MILLION })),
    creditsPerMillionOutputTokens: creditsOf(charge(tokens, { ...nothing, outputTokens: MILLION })),
    creditsPerRequest: creditsOf(price.perRequest),
  }
}
