/**
 * A stand-in for Clerk, for development without keys and for tests: an issuer of session tokens with its JWKS, and
 * enough of the Frontend API that Clerk's real components sign seeded users in, keep them signed in and sign them out.
 * It listens on loopback, keeps its users in the open and must never be started in production.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CLERK_JS_PATH, CLERK_UI_PATH, serveAsset } from './clerk/assets.ts'
import { type Browser, createBrowsers } from './clerk/browsers.ts'
import { createDirectory } from './clerk/directory.ts'
import { frontendApiRoutes } from './clerk/frontend-api.ts'
import {
  corsHeaders,
  json,
  listen,
  matchRoute,
  type Route,
  type RouteCall,
  readFields,
} from './clerk/http.ts'
import { createSigningKeys, type StoredKey } from './clerk/keys.ts'
import { createTokenMinter, TOKEN_LIFE_SECONDS, type TokenRequest } from './clerk/tokens.ts'

export { SEEDED_PASSWORD } from './clerk/directory.ts'
export { type SignedEvent, signClerkEvent } from './clerk/sign-event.ts'
export type { TokenRequest } from './clerk/tokens.ts'

/** What an endpoint does instead of its work: answer 500, or never answer. */
export type Fault = 'ok' | 'error' | 'hang'

/** How the simulator is started. */
export type ClerkSimulatorOptions = {
  /** 0, the default, takes any free port. */
  port?: number
  /** The address to listen on; browsers come by `http://localhost:PORT` all the same. */
  host?: string
  /** The web app that users sign in to: the default `azp` of tokens, and where sign-in returns to. */
  appUrl?: string
  /** A JSON file that keeps keys and sessions, so that a restart signs nobody out. Without it all is new. */
  stateFile?: string
  /** The clock, in ms. */
  now?: () => number
}

/** A running simulator. */
export type ClerkSimulator = {
  url: string
  publishableKey: string
  secretKey: string
  issuer: string
  /** The current public key as PEM: `CLERK_JWT_KEY`. Rotation changes it. */
  readonly jwtKey: string
  /** The variables that point `apps/next` and the gateway here. */
  readonly environment: Record<string, string>
  mint: (request?: TokenRequest) => Promise<string>
  /** Signs with a new key from now on; the old one leaves the JWKS unless `keepPrevious`. */
  rotateKeys: (options?: { keepPrevious?: boolean }) => void
  /** Calls so far by route pattern, e.g. `requests['/.well-known/jwks.json']`; files and unknown paths are 'other'. */
  requests: Record<string, number>
  /** Set to break an endpoint: the two JWKS routes, or the token refresh. */
  faults: { jwks: Fault; tokens: Fault }
  stop: () => Promise<void>
}

type State = { keys: StoredKey[]; browsers: Browser[] }

/** Starts a simulated Clerk instance. */
export async function startClerkSimulator(options: ClerkSimulatorOptions = {}): Promise<ClerkSimulator> {
  const { appUrl = 'http://localhost:3000', stateFile, now = Date.now } = options
  const state = stateFile ? readState(stateFile) : undefined
  const keys = createSigningKeys(state?.keys)
  const save = () => {
    if (stateFile) writeState(stateFile, { keys: keys.stored(), browsers: browsers.all() })
  }
  const browsers = createBrowsers({ now, changed: save, ...(state ? { stored: state.browsers } : {}) })
  const directory = createDirectory()
  const address = { host: '' }
  const issuer = () => `https://${address.host}`
  const publishableKey = () => `pk_test_${Buffer.from(`${address.host}$`).toString('base64')}`
  const tokens = createTokenMinter({ keys, directory, issuer, appUrl, now })
  const requests: Record<string, number> = {}
  const faults: ClerkSimulator['faults'] = { jwks: 'ok', tokens: 'ok' }
  const routes = [
    ...issuerRoutes({ jwks: keys.jwks, mint: tokens.mint, users: directory.users, now }),
    ...frontendApiRoutes({ directory, browsers, tokens, appUrl, publishableKey, now }),
  ]
  const handler = createHandler({ routes, appOrigin: new URL(appUrl).origin, requests, faults })
  const server = await listen(handler, { port: options.port ?? 0, host: options.host ?? '127.0.0.1' })
  // Clerk's libraries take a publishable key for one only if its host has a dot, which localhost has not.
  address.host = `127.0.0.1:${server.port}`
  const url = `http://localhost:${server.port}`
  const secretKey = `sk_test_${createHash('sha256').update(keys.currentPem()).digest('base64url').slice(0, 40)}`
  save()
  return {
    url,
    publishableKey: publishableKey(),
    secretKey,
    issuer: issuer(),
    get jwtKey() {
      return keys.currentPem()
    },
    get environment() {
      return environmentOf(url, publishableKey(), secretKey, keys.currentPem())
    },
    mint: async (request = {}) => tokens.mint(request),
    rotateKeys: (rotation) => {
      keys.rotate(rotation)
      save()
    },
    requests,
    faults,
    stop: server.stop,
  }
}

function environmentOf(url: string, publishableKey: string, secretKey: string, jwtKey: string) {
  return {
    NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: publishableKey,
    CLERK_PUBLISHABLE_KEY: publishableKey,
    CLERK_SECRET_KEY: secretKey,
    CLERK_JWT_KEY: jwtKey,
    // For whatever Clerk's server library asks of Clerk, so that it never asks the real one.
    CLERK_API_URL: url,
    NEXT_PUBLIC_CLERK_PROXY_URL: url,
    // Without these two the scripts would be asked for over https.
    NEXT_PUBLIC_CLERK_JS_URL: `${url}${CLERK_JS_PATH}`,
    NEXT_PUBLIC_CLERK_UI_URL: `${url}${CLERK_UI_PATH}`,
    NEXT_PUBLIC_CLERK_TELEMETRY_DISABLED: '1',
    NEXT_PUBLIC_CLERK_KEYLESS_DISABLED: '1',
    NEXT_PUBLIC_FAREGATE_SIMULATED_CLERK: '1',
  }
}

/** The issuer's side: published keys, and what only a simulator has. */
function issuerRoutes(parts: {
  jwks: () => object
  mint: (request: TokenRequest) => string
  users: () => { name: string; email: string; password: string; about: string }[]
  now: () => number
}): Route[] {
  const jwks = () => json(parts.jwks())
  return [
    { method: 'GET', pattern: '/.well-known/jwks.json', handle: jwks },
    { method: 'GET', pattern: '/v1/jwks', handle: jwks },
    { method: 'POST', pattern: '/dev/token', handle: ({ fields }) => devToken(parts, fields) },
    {
      method: 'GET',
      pattern: '/dev/users',
      handle: () =>
        json({
          users: parts.users().map(({ name, email, password, about }) => ({ name, email, password, about })),
        }),
    },
    {
      method: 'GET',
      pattern: '/npm/@clerk/:package/dist/:file',
      handle: ({ params }) => serveAsset(params.package ?? '', params.file ?? ''),
    },
  ]
}

function devToken(
  parts: { mint: (request: TokenRequest) => string; now: () => number },
  fields: RouteCall['fields'],
): Response {
  try {
    const token = parts.mint({
      user: fields.user ?? undefined,
      plan: fields.plan ?? undefined,
      organization: fields.organization,
    })
    const expiresAt = (Math.floor(parts.now() / 1000) + TOKEN_LIFE_SECONDS) * 1000
    return json({ token, expiresAt: new Date(expiresAt).toISOString() })
  } catch (error) {
    return json({ error: { message: error instanceof Error ? error.message : 'no such user' } }, 400)
  }
}

function createHandler(parts: {
  routes: Route[]
  appOrigin: string
  requests: Record<string, number>
  faults: ClerkSimulator['faults']
}): (request: Request) => Promise<Response> {
  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url)
    // clerk-js sends everything as GET or POST and names the real method in the query.
    const method = url.searchParams.get('_method') ?? request.method
    const match = matchRoute(parts.routes, method, url.pathname)
    const counted = match && !match.route.pattern.startsWith('/npm/') ? match.route.pattern : 'other'
    parts.requests[counted] = (parts.requests[counted] ?? 0) + 1
    if (!match) {
      return json(
        { errors: [{ code: 'resource_not_found', message: `${method} ${url.pathname} is not simulated` }] },
        404,
      )
    }
    const fault = faultOf(match.route.pattern, parts.faults)
    if (fault === 'hang') return new Promise<Response>(() => {})
    if (fault === 'error')
      return json({ errors: [{ code: 'internal_error', message: 'simulated fault' }] }, 500)
    return match.route.handle({ request, url, params: match.params, fields: await readFields(request) })
  }
  return async (request) => {
    const headers = corsHeaders(request, parts.appOrigin)
    const foreign = request.headers.has('origin') && !headers['access-control-allow-origin']
    const response = foreign
      ? json(
          { errors: [{ code: 'origin_invalid', message: 'this simulator answers local pages only' }] },
          403,
        )
      : request.method === 'OPTIONS'
        ? new Response(null, { status: 204 })
        : await answer(request)
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
    return response
  }
}

function faultOf(pattern: string, faults: ClerkSimulator['faults']): Fault {
  if (pattern.endsWith('/jwks.json') || pattern === '/v1/jwks') return faults.jwks
  return pattern.endsWith('/tokens') ? faults.tokens : 'ok'
}

function readState(file: string): State | undefined {
  try {
    // The simulator's own file, written whole by writeState: its shape is not in doubt.
    return JSON.parse(readFileSync(file, 'utf8')) as State
  } catch {
    return undefined
  }
}

function writeState(file: string, state: State): void {
  const temporary = `${file}.${process.pid}.tmp`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(temporary, JSON.stringify(state), { mode: 0o600 })
  renameSync(temporary, file)
}
