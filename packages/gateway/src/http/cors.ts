/**
 * Cross-origin rules. Only listed origins may read answers, with a bearer token and never with cookies; every
 * answer carries the headers, refusals too, since a browser hides from its page what lacks them.
 */

const allowedHeaders = [
  'authorization',
  'content-type',
  'x-api-key',
  'user-agent',
  'idempotency-key',
  // Browsers take no wildcard beside `authorization`, so the SDKs' headers are named.
  ...['retry-count', 'lang', 'package-version', 'os', 'arch', 'runtime', 'runtime-version', 'timeout'].map(
    stainless,
  ),
  ...['helper-method', 'poll-helper', 'custom-poll-interval', 'helper'].map(stainless),
  'anthropic-version',
  'anthropic-beta',
  'anthropic-dangerous-direct-browser-access',
  'x-goog-api-key',
  'x-goog-api-client',
  'x-server-timeout',
  'openai-organization',
  'openai-project',
]

const exposedHeaders = [
  'x-request-id',
  'request-id',
  'retry-after',
  'content-disposition',
  'x-should-retry',
  'faregate-credits-held',
  'faregate-credits-available',
  'faregate-credits-charged',
  'faregate-output-tokens-max',
  'faregate-dropped-parameters',
  'faregate-first-request-id',
  'idempotent-replayed',
  ...['limit', 'remaining', 'reset'].flatMap((figure) => [
    `x-ratelimit-${figure}-requests`,
    `x-ratelimit-${figure}-tokens`,
  ]),
].join(', ')

const DAY_SECONDS = '86400'

function stainless(name: string): string {
  return `x-stainless-${name}`
}

/** The answer to a preflight. What an SDK newer than this list asks for in its own family is allowed too. */
export function preflight(request: Request, origins: ReadonlySet<string>): Response {
  const response = new Response(null, { status: 204 })
  if (!allowOrigin(request, response, origins)) return response
  const asked = (request.headers.get('access-control-request-headers') ?? '').toLowerCase().split(/\s*,\s*/)
  const family = asked.filter((name) => /^(x-stainless|anthropic|x-goog-api)-[a-z0-9-]{1,60}$/.test(name))
  const headers = [...new Set([...allowedHeaders, ...family.slice(0, 50)])]
  response.headers.set('access-control-allow-headers', headers.join(', '))
  response.headers.set('access-control-allow-methods', 'GET, POST, PUT, DELETE')
  response.headers.set('access-control-max-age', DAY_SECONDS)
  return response
}

/** Lets the page that asked read the answer, if its origin is listed. */
export function allowOrigin(request: Request, response: Response, origins: ReadonlySet<string>): boolean {
  const origin = request.headers.get('origin')
  if (origin === null) return false
  response.headers.append('vary', 'origin')
  if (!origins.has(origin)) return false
  response.headers.set('access-control-allow-origin', origin)
  response.headers.set('access-control-expose-headers', exposedHeaders)
  return true
}
