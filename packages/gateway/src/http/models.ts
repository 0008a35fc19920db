/** The models that the caller's plan may use, as OpenAI's wire lists them. */
import type { Hono } from 'hono'
import { type Model, planAllows, priceAt } from '../core/catalog.ts'
import { creditsOf } from '../core/credits.ts'
import { resolvePlan } from '../core/plans.ts'
import { type PricedKind, type PriceLine, priceLines, tierLines } from '../core/price-view.ts'
import type { Price } from '../core/pricing.ts'
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

/** The name of each kind's price: credits for so many of it. */
const names: Record<PricedKind, string> = {
  input: 'creditsPerMillionInputTokens',
  cachedInput: 'creditsPerMillionCachedInputTokens',
  cacheWrite: 'creditsPerMillionCacheWriteTokens',
  longCacheWrite: 'creditsPerMillionLongCacheWriteTokens',
  audioInput: 'creditsPerMillionAudioInputTokens',
  cachedAudioInput: 'creditsPerMillionCachedAudioInputTokens',
  imageInput: 'creditsPerMillionImageInputTokens',
  output: 'creditsPerMillionOutputTokens',
  audioOutput: 'creditsPerMillionAudioOutputTokens',
  imageOutput: 'creditsPerMillionImageOutputTokens',
  toolCall: 'creditsPerThousandToolCalls',
  audioSecond: 'creditsPerMinuteOfAudio',
  character: 'creditsPerMillionCharacters',
  answer: 'creditsPerRequest',
}

/**
 * What callers pay now, the operator's markup included, in credits. Input, output and request are always there, 0 where
 * they are not asked for; another kind where it costs something of its own. `longContext` holds what a whole request
 * costs once its input is longer, `serviceTiers` what other tiers cost, in percent.
 */
function priceView(price: Price) {
  const tiers = tierLines(price)
  return {
    [names.input]: 0,
    [names.output]: 0,
    [names.answer]: 0,
    ...figures(priceLines(price)),
    ...(tiers.length > 0 && {
      longContext: tiers.map(({ inputTokensAbove, lines }) => ({ inputTokensAbove, ...figures(lines) })),
    }),
    ...(price.serviceTiers && { serviceTiers: price.serviceTiers }),
  }
}

function figures(lines: readonly PriceLine[]): Record<string, number> {
  return Object.fromEntries(lines.map(({ kind, microcredits }) => [names[kind], creditsOf(microcredits)]))
}
