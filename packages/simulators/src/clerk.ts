/**
 * A stand-in for Clerk, for development without keys and for tests: an issuer of session tokens with its JWKS, and
 * enough of the Frontend API that Clerk's real components sign users up and in, show and change their profile, run
 * organizations, and sell plans through Clerk Billing with the test card; what happens goes out as signed webhooks.
 * It listens on loopback, keeps its users in the open and must never be started in production.
 */
import { createHash } from 'node:crypto'
import { createAnnouncer } from './clerk/announcements.ts'
import { CLERK_JS_PATH, CLERK_UI_PATH, serveAsset } from './clerk/assets.ts'
import { createBilling } from './clerk/billing.ts'
import { createBrowsers } from './clerk/browsers.ts'
import { devRoutes } from './clerk/dev-routes.ts'
import { createDirectory } from './clerk/directory.ts'
import { createEvents, type Events, type WebhookTarget } from './clerk/events.ts'
import { frontendApiRoutes } from './clerk/frontend-api.ts'
import { corsHeaders, json, listen, matchRoute, type Route, readBody } from './clerk/http.ts'
import { createSigningKeys } from './clerk/keys.ts'
import { readState, writeState } from './clerk/state.ts'
import { createTokenMinter, type TokenRequest } from './clerk/tokens.ts'

export type { Events, SentEvent, WebhookTarget } from './clerk/events.ts'
export { SEEDED_PASSWORD } from './clerk/seeds.ts'
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
  /** Who is told of what happens, and the `whsec_…` secret that signs it. */
  webhook?: WebhookTarget
  /** False turns Clerk Billing off: no plans, and no `pla` claim in tokens. Default: on. */
  billing?: boolean
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
  /** What happened and who was told. */
  events: Events
  stop: () => Promise<void>
}

const INSTANCE_ID = 'ins_simulated'

/** Starts a simulated Clerk instance. */
export async function startClerkSimulator(options: ClerkSimulatorOptions = {}): Promise<ClerkSimulator> {
  const { appUrl = 'http://localhost:3000', stateFile, now = Date.now, webhook } = options
  const address = { host: '' }
  const issuer = () => `https://${address.host}`
  const publishableKey = () => `pk_test_${Buffer.from(`${address.host}$`).toString('base64')}`
  const events = createEvents({ now, instanceId: INSTANCE_ID, target: webhook })
  const instance = createInstance({
    stateFile,
    now,
    events,
    appUrl,
    issuer,
    billing: options.billing ?? true,
  })
  const { keys, directory, billing, tokens, save } = instance
  const requests: Record<string, number> = {}
  const faults: ClerkSimulator['faults'] = { jwks: 'ok', tokens: 'ok' }
  const routes = [
    ...issuerRoutes(keys.jwks),
    ...devRoutes({ mint: tokens.mint, directory, billing, now }),
    ...frontendApiRoutes({
      ...instance,
      announcer: createAnnouncer(directory, events),
      instanceId: INSTANCE_ID,
      appUrl,
      publishableKey,
      now,
    }),
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
      return {
        ...environmentOf(url, publishableKey(), secretKey, keys.currentPem()),
        ...(webhook ? { CLERK_WEBHOOK_SIGNING_SECRET: webhook.secret } : {}),
      }
    },
    mint: async (request = {}) => tokens.mint(request),
    rotateKeys: (rotation) => {
      keys.rotate(rotation)
      save()
    },
    requests,
    faults,
    events,
    stop: async () => {
      await Promise.all([server.stop(), events.stop()])
    },
  }
}

/** The instance itself: its keys, people, sessions and subscriptions, kept in the state file if there is one. */
function createInstance(options: {
  stateFile: string | undefined
  now: () => number
  events: Events
  appUrl: string
  issuer: () => string
  billing: boolean
}) {
  const { stateFile, now, events, appUrl, issuer } = options
  const state = stateFile ? readState(stateFile) : undefined
  const save = () => {
    if (!stateFile) return
    writeState(stateFile, {
      keys: keys.stored(),
      browsers: browsers.all(),
      directory: directory.stored(),
      billing: billing.stored(),
    })
  }
  const keys = createSigningKeys(state?.keys)
  const browsers = createBrowsers({ now, changed: save, ...(state ? { stored: state.browsers } : {}) })
  const directory = createDirectory({ now, changed: save, stored: state?.directory })
  const billing = createBilling({
    enabled: options.billing,
    now,
    directory,
    events,
    instanceId: INSTANCE_ID,
    stored: state?.billing,
    changed: save,
  })
  const tokens = createTokenMinter({ keys, directory, planSlug: billing.planSlug, issuer, appUrl, now })
  return { keys, browsers, directory, billing, tokens, save }
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

/** The issuer's side: published keys, and the scripts of the components. */
function issuerRoutes(published: () => object): Route[] {
  const jwks = () => json(published())
  return [
    { method: 'GET', pattern: '/.well-known/jwks.json', handle: jwks },
    { method: 'GET', pattern: '/v1/jwks', handle: jwks },
    {
      method: 'GET',
      pattern: '/npm/@clerk/:package/dist/:file',
      handle: ({ params }) => serveAsset(params.package ?? '', params.file ?? ''),
    },
  ]
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
    return match.route.handle({ request, url, params: match.params, ...(await readBody(request)) })
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
