/** The HTTP surface: every route of the contract, refusals in the wire's words, CORS on every answer. */
import { type Context, Hono } from 'hono'
import { type Refusal, refusal } from '../core/refusal.ts'
import type { Call, Pipeline } from '../pipeline/call.ts'
import { nameOf } from '../pipeline/call.ts'
import { run } from '../pipeline/run.ts'
import { type Closer, type Endpoint, StoreUnavailable, type Webhook } from '../ports.ts'
import { accountRoutes } from './account.ts'
import { adminRoutes } from './admin.ts'
import { billingRoutes, type Sales } from './billing.ts'
import { allowOrigin, preflight } from './cors.ts'
import type { Env } from './env.ts'
import { keyRoutes } from './keys.ts'
import { callOf, type ModelRoute } from './model-call.ts'
import { modelRoutes } from './models.ts'
import { quoteRoutes } from './quotes.ts'
import { internalError, refuse } from './respond.ts'
import { webhookRoute } from './webhooks.ts'

/** The most headers, and bytes in them, that a request may have. */
const HEADERS_MAX = 100
const HEADER_BYTES_MAX = 16_384

export type AppOptions = {
  pipeline: Pipeline
  modelRoutes: readonly ModelRoute[]
  corsOrigins: readonly string[]
  /** Accepted admin keys; with none the admin routes do not exist. */
  adminKeys: readonly string[]
  /** The roles of an organization's members who may buy for it, and end its account. */
  buyRoles: readonly string[]
  /** What is sold, and by whom. */
  sales: Sales
  close: Closer
  /** Who takes in signed events, by path. */
  webhooks: Readonly<Record<string, Webhook>>
  /** Mints a development token; only in dev mode. */
  devToken?: ((request: Request) => Promise<Response>) | undefined
}

export type App = (request: Request, waitUntil: Call['waitUntil']) => Promise<Response>

/** Makes the one function that serves every request. */
export function createApp(options: AppOptions): App {
  const { pipeline } = options
  const origins = new Set(options.corsOrigins)
  const routes = createRoutes(options)
  return async (request, waitUntil) => {
    if (request.method === 'OPTIONS') return preflight(request, origins)
    const requestId = newRequestId(pipeline.clock())
    const response = await serve(routes, request, { requestId, waitUntil }, pipeline)
    allowOrigin(request, response, origins)
    return response
  }
}

/** Begins with the time, so that ids of one moment lie together in a store's index; 80 bits of it are random. */
function newRequestId(now: number): string {
  return `req_${now.toString(36).padStart(9, '0')}${crypto.randomUUID().replaceAll('-', '').slice(12)}`
}

async function serve(
  routes: Hono<Env>,
  request: Request,
  env: Env['Bindings'],
  pipeline: Pipeline,
): Promise<Response> {
  const tooLarge = headersRefusal(request.headers)
  if (tooLarge) return refuse(tooLarge, env.requestId)
  try {
    return await routes.fetch(request, env)
  } catch (error) {
    return failure(error, env.requestId, pipeline)
  }
}

/** What a handler threw: the store being away is 503; anything else is our fault, and its text stays in the house. */
function failure(error: unknown, requestId: string, { log }: Pipeline): Response {
  if (error instanceof StoreUnavailable) {
    const message = 'The credit ledger cannot be reached. Nothing was done. Try again in a moment.'
    return refuse(refusal('store_unavailable', message, { retryAfterMs: 1000 }), requestId)
  }
  // Only frames: a message may have several lines, and quote what was asked.
  const frames = error instanceof Error ? error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) : []
  const where = frames?.slice(0, 3).join(' ')
  log('error', 'internal_error', { requestId, error: nameOf(error), where })
  return refuse(internalError(), requestId)
}

function createRoutes(options: AppOptions): Hono<Env> {
  const { pipeline, adminKeys, webhooks, devToken } = options
  const routes = new Hono<Env>()
  routes.onError((error) => {
    throw error
  })
  for (const { paths, endpoint } of options.modelRoutes) {
    for (const path of paths) routes.post(path, (context) => serveModel(pipeline, endpoint, context))
  }
  quoteRoutes(routes, pipeline, options.modelRoutes)
  modelRoutes(routes, pipeline)
  accountRoutes(routes, options)
  keyRoutes(routes, pipeline)
  billingRoutes(routes, options)
  if (adminKeys.length > 0) adminRoutes(routes, options)
  for (const [path, receive] of Object.entries(webhooks)) webhookRoute(routes, path, receive)
  if (devToken) routes.post('/dev/token', ({ req }) => devToken(req.raw))
  routes.get('/healthz', (context) => context.json({ status: 'ok' }))
  routes.get('/readyz', async (context) => {
    await pipeline.store.ready()
    return context.json({ status: 'ready' })
  })
  routes.notFound(({ req, env }) => refuse(unsupported(req.method, req.path), env.requestId))
  return routes
}

async function serveModel(pipeline: Pipeline, endpoint: Endpoint, context: Context<Env>): Promise<Response> {
  const { refusal: words, requestIdHeader } = endpoint.wire
  const answer = await run(pipeline, callOf(endpoint, context))
  const response = answer.ok ? answer.value : refuse(answer.error, context.env.requestId, words)
  const id = response.headers.get('x-request-id')
  if (requestIdHeader !== undefined && id !== null) response.headers.set(requestIdHeader, id)
  return response
}

function unsupported(method: string, path: string): Refusal {
  const shown = path.length > 100 ? `${path.slice(0, 100)}…` : path
  return refusal(
    'unsupported_endpoint',
    `${method} ${shown} is not served here. POST /v1/chat/completions and GET /v1/models, /v1/account are.`,
  )
}

function headersRefusal(headers: Headers): Refusal | null {
  let count = 0
  let bytes = 0
  headers.forEach((value, name) => {
    count += 1
    bytes += name.length + value.length
  })
  if (count <= HEADERS_MAX && bytes <= HEADER_BYTES_MAX) return null
  const message = `A request may have ${HEADERS_MAX} headers and ${HEADER_BYTES_MAX} bytes in them.`
  return refusal('headers_too_large', message)
}
