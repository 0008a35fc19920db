/** The models that the caller's plan may use, as OpenAI's wire lists them. */
import type { Hono } from 'hono'
import { type Model, planAllows } from '../core/catalog.ts'
import { resolvePlan } from '../core/plans.ts'
import { refusal } from '../core/refusal.ts'
import { err, ok } from '../core/result.ts'
import type { Pipeline } from '../pipeline/call.ts'
import { type Caller, forCaller } from './caller.ts'
import type { Env } from './env.ts'

/** Adds `GET /v1/models` and `/v1/models/{id}`, and the same without `/v1`. */
export function modelRoutes(routes: Hono<Env>, pipeline: Pipeline): void {
  const list = forCaller(pipeline, async (caller, context) =>
    ok(context.json({ object: 'list', data: modelsOf(pipeline, caller).map(shown) })),
  )
  const one = forCaller(pipeline, async (caller, context) => {
    const id = context.req.param('id') ?? ''
    const model = modelsOf(pipeline, caller).find((each) => each.id === id)
    if (model) return ok(context.json(shown(model)))
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

function shown({ id, provider }: Model): Record<string, unknown> {
  return { id, object: 'model', created: 0, owned_by: provider }
}
