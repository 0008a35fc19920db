/**
 * A small HTTP server and router on web-standard Request and Response, for simulators only.
 * It listens on loopback, reads bodies of at most 64 KiB and answers browsers of this machine alone.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const BODY_BYTES_MAX = 65_536

/** What a route gets: the request with its method, form fields and path parameters worked out. */
export type RouteCall = {
  request: Request
  url: URL
  /** From the path pattern, e.g. `{ sessionId }` for `/v1/client/sessions/:sessionId/tokens`. */
  params: Record<string, string>
  /** Form or JSON body, its values as strings; null where JSON said null. */
  fields: Record<string, string | null>
  /** All values of a form field, where it may be given more than once. */
  values: (name: string) => string[]
}

/** One line of a simulator's surface. The pattern is also the name under which calls are counted. */
export type Route = {
  method: string
  pattern: string
  handle: (call: RouteCall) => Response | Promise<Response>
}

/** A listening server; `stop` also ends connections that a fault keeps waiting. */
export type ListeningServer = { port: number; stop: () => Promise<void> }

/** Answers JSON. */
export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store' } })
}

/** Finds the route for a method and path, with the path's parameters. */
export function matchRoute(routes: Route[], method: string, pathname: string) {
  for (const route of routes) {
    const params = route.method === method ? matchPattern(route.pattern, pathname) : undefined
    if (params) return { route, params }
  }
  return undefined
}

function matchPattern(pattern: string, pathname: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = pathname.split('/')
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? ''
    if (part.startsWith(':')) params[part.slice(1)] = value
    else if (part !== value) return undefined
  }
  return params
}

/** Reads a form or JSON body into flat string fields; a body that is neither gives none. */
export async function readBody(request: Request): Promise<Pick<RouteCall, 'fields' | 'values'>> {
  const text = await request.text()
  if (request.headers.get('content-type')?.includes('json')) {
    return { fields: parseJsonFields(text), values: () => [] }
  }
  const form = new URLSearchParams(text)
  return { fields: Object.fromEntries(form), values: (name) => form.getAll(name) }
}

function parseJsonFields(text: string): RouteCall['fields'] {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return {}
    return Object.fromEntries(
      Object.entries(parsed).map(([name, value]) => [name, value === null ? null : String(value)]),
    )
  } catch {
    return {}
  }
}

/** The cookies of a request, the first of each name. */
export function readCookies(request: Request): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of (request.headers.get('cookie') ?? '').split(/;\s*/)) {
    const [name, ...value] = pair.split('=')
    if (name && !cookies.has(name)) cookies.set(name, value.join('='))
  }
  return cookies
}

/** Whether an origin is this machine's: pages of other origins get no answer from a simulator. */
export function isLoopbackOrigin(origin: string): boolean {
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin)
}

/** Headers that let a loopback page, or the app itself, read an answer with its cookies. */
export function corsHeaders(request: Request, appOrigin: string): Record<string, string> {
  const origin = request.headers.get('origin')
  if (!origin || !(isLoopbackOrigin(origin) || origin === appOrigin)) return { vary: 'origin' }
  return {
    vary: 'origin',
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': request.headers.get('access-control-request-headers') ?? 'content-type',
    'access-control-expose-headers': 'authorization, clerk-db-jwt',
  }
}

/** Serves a web-standard handler on a loopback address. */
export async function listen(
  handler: (request: Request) => Promise<Response>,
  options: { port: number; host: string },
): Promise<ListeningServer> {
  const server = createServer((incoming, outgoing) => {
    void relay(handler, incoming, outgoing)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => resolve())
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the simulator has no address')
  return {
    port: address.port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function relay(
  handler: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    const request = await toRequest(incoming)
    const response = request ? await handler(request) : new Response('body too large', { status: 413 })
    const setCookies = response.headers.getSetCookie()
    outgoing.writeHead(response.status, {
      ...Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie')),
      ...(setCookies.length > 0 ? { 'set-cookie': setCookies } : {}),
    })
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  } catch (error) {
    outgoing.writeHead(500, { 'content-type': 'text/plain' })
    outgoing.end(error instanceof Error ? error.message : 'the simulator failed')
  }
}

async function toRequest(incoming: IncomingMessage): Promise<Request | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > BODY_BYTES_MAX) return undefined
    chunks.push(buffer)
  }
  const method = incoming.method ?? 'GET'
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? 'localhost'}`)
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(url, { method, headers, ...(hasBody ? { body: Buffer.concat(chunks) } : {}) })
}
