/** `POST /v1/quotes`: what a model request would cost, sent as it would be sent there. Nothing is spent or written. */
import { type Context, Hono } from 'hono'
import { creditsOf } from '../core/credits.ts'
import { refusal } from '../core/refusal.ts'
import type { Pipeline } from '../pipeline/call.ts'
import { quote } from '../pipeline/quote.ts'
import type { Endpoint } from '../ports.ts'
import type { Env } from './env.ts'
import { callOf, type ModelRoute } from './model-call.ts'
import { refuse } from './respond.ts'

const usual = '/v1/chat/completions'

/** Adds the route, and the same without `/v1`. `endpoint` in the query is the path that the body is meant for. */
export function quoteRoutes(routes: Hono<Env>, pipeline: Pipeline, modelRoutes: readonly ModelRoute[]): void {
  const quoted = new Hono<Env>()
  for (const { paths, endpoint } of modelRoutes) {
    for (const path of paths) quoted.post(path, (context) => serveQuote(pipeline, endpoint, context))
  }
  quoted.notFound(({ req, env }) => refuse(unknownEndpoint(req.path), env.requestId))
  quoted.onError((error) => {
    throw error
  })
  for (const path of ['/quotes', '/v1/quotes']) {
    routes.post(path, ({ req, env }) => {
      const endpoint = req.query('endpoint') ?? usual
      if (!endpoint.startsWith('/')) return refuse(unknownEndpoint(endpoint), env.requestId)
      const [pathname = '', search = ''] = endpoint.split(/\?(.*)/s)
      const url = new URL(req.url)
      url.pathname = pathname
      url.search = search
      return quoted.fetch(new Request(url, req.raw), env)
    })
  }
}

async function serveQuote(pipeline: Pipeline, endpoint: Endpoint, context: Context<Env>): Promise<Response> {
  const { requestId } = context.env
  const found = await quote(pipeline, callOf(endpoint, context))
  if (!found.ok) return refuse(found.error, requestId)
  const { likely, most, inputTokensMax, outputTokensMax, affordable } = found.value
  const answer = {
    model: found.value.model,
    endpoint: context.req.path,
    credits: { likely: creditsOf(likely), most: creditsOf(most) },
    tokens: { inputMax: inputTokensMax, outputMax: outputTokensMax },
    affordable,
  }
  return Response.json(answer, { headers: { 'x-request-id': requestId } })
}

function unknownEndpoint(path: string) {
  const shown = path.length > 100 ? `${path.slice(0, 100)}…` : path
  const message = `No model is served at ${shown}: 'endpoint' must be the path of a model request, such as ${usual}.`
  return refusal('unsupported_endpoint', message, { param: 'endpoint' })
}
