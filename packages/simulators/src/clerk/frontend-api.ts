/** Clerk's Frontend API, as far as signing in, staying signed in, switching organization and signing out need it. */
import { type Browser, type BrowserSession, type Browsers, randomId } from './browsers.ts'
import type { Directory, SimulatedUser } from './directory.ts'
import { environmentResource } from './environment.ts'
import { cookieSuffix, handshakeCookies, handshakeTarget } from './handshake.ts'
import { json, type Route, type RouteCall, readCookies } from './http.ts'
import {
  clientResource,
  errorBody,
  type FrontendApiError,
  membershipResource,
  type ResolvedMembership,
  sessionResource,
  signInResource,
  tokenResource,
} from './resources.ts'
import type { TokenMinter } from './tokens.ts'

/** What the routes stand on. */
export type FrontendApiParts = {
  directory: Directory
  browsers: Browsers
  tokens: TokenMinter
  appUrl: string
  publishableKey: () => string
  now: () => number
}

type SignedIn = { browser: Browser; session: BrowserSession; user: SimulatedUser }
type Handler = (call: RouteCall) => Response | Promise<Response>

/** The routes of the Frontend API. */
export function frontendApiRoutes(parts: FrontendApiParts): Route[] {
  const api = createResponder(parts)
  const route = (method: string, pattern: string, handle: Handler): Route => ({ method, pattern, handle })
  const environment = () => json(environmentResource(parts.appUrl))
  const createDevBrowser = () => {
    const { id } = parts.browsers.create()
    return json({ id, object: 'dev_browser', token: id })
  }
  const signOut = (call: RouteCall) => {
    const browser = api.browserOf(call)
    if (!browser) return api.refuse(NO_BROWSER)
    parts.browsers.signOut(browser)
    return json(api.withClient(call, browser, api.client(call, browser)))
  }
  return [
    route('GET', '/v1/environment', environment),
    route('PATCH', '/v1/environment', environment),
    route('POST', '/v1/dev_browser', createDevBrowser),
    route('GET', '/v1/client/handshake', (call) => handshake(parts, api, call)),
    ...['GET', 'PUT', 'POST', 'PATCH'].map((method) =>
      route(method, '/v1/client', (call) => {
        const browser = api.browserOf(call)
        return browser ? json({ response: api.client(call, browser), client: null }) : api.refuse(NO_BROWSER)
      }),
    ),
    route('DELETE', '/v1/client', signOut),
    route('DELETE', '/v1/client/sessions', signOut),
    route('POST', '/v1/client/sessions/:sessionId/end', signOut),
    route('POST', '/v1/client/sessions/:sessionId/remove', signOut),
    route('POST', '/v1/client/sign_ins', (call) => createSignIn(parts, api, call)),
    route('GET', '/v1/client/sign_ins/:signInId', (call) => showSignIn(api, call)),
    route('POST', '/v1/client/sign_ins/:signInId/attempt_first_factor', (call) =>
      attemptPassword(parts, api, call),
    ),
    route('POST', '/v1/client/sessions/:sessionId/touch', (call) => touch(parts, api, call)),
    route('POST', '/v1/client/sessions/:sessionId/tokens', (call) => refreshToken(parts, api, call)),
    route('GET', '/v1/me/organization_memberships', (call) => listMemberships(api, call)),
  ]
}

const NO_BROWSER: FrontendApiError = {
  status: 401,
  code: 'dev_browser_unauthenticated',
  message: 'No development browser. POST /v1/dev_browser and send its id as __clerk_db_jwt.',
}
const SIGNED_OUT: FrontendApiError = {
  status: 401,
  code: 'authentication_invalid',
  message: 'You are signed out.',
}

type Responder = ReturnType<typeof createResponder>

/** Reads who asks and builds the resources that nearly every answer carries. */
function createResponder({ directory, browsers, tokens, appUrl, now }: FrontendApiParts) {
  const browserOf = ({ url, request }: RouteCall): Browser | undefined => {
    const id = url.searchParams.get('__clerk_db_jwt') ?? readCookies(request).get('__clerk_db_jwt')
    return id && /^dvb_\w{1,64}$/.test(id) ? browsers.find(id) : undefined
  }
  const memberships = (user: SimulatedUser): ResolvedMembership[] =>
    user.memberships.flatMap(({ organizationId, role }) => {
      const organization = directory.organizationById(organizationId)
      return organization ? [{ organization, role }] : []
    })
  const signedInOf = (call: RouteCall): SignedIn | undefined => {
    const browser = browserOf(call)
    const session = browser?.session
    const user = session ? directory.userById(session.userId) : undefined
    const asked = call.params.sessionId ?? session?.id
    return browser && session && user && session.id === asked ? { browser, session, user } : undefined
  }
  const token = (
    call: RouteCall,
    { session, user }: Omit<SignedIn, 'browser'>,
    organizationId?: string | null,
  ) => {
    const active = organizationId === undefined ? session.organizationId : organizationId
    return tokens.forSession({
      sessionId: session.id,
      user,
      organization: active ? directory.organizationById(active) : undefined,
      authorizedParty: call.request.headers.get('origin') ?? new URL(appUrl).origin,
      signedInAt: session.createdAt,
    })
  }
  const session = (call: RouteCall, signedIn: Omit<SignedIn, 'browser'>) =>
    sessionResource({
      ...signedIn,
      memberships: memberships(signedIn.user),
      token: token(call, signedIn),
      now: now(),
    })
  const client = (call: RouteCall, browser: Browser): object => {
    const user = browser.session ? directory.userById(browser.session.userId) : undefined
    const signingIn = browser.signIn ? directory.userById(browser.signIn.userId) : undefined
    return clientResource(
      browser,
      browser.session && user ? session(call, { session: browser.session, user }) : null,
      browser.signIn && signingIn ? signInResource(browser.signIn, signingIn, null) : null,
    )
  }
  return {
    browserOf,
    signedInOf,
    memberships,
    token,
    session,
    client,
    withClient: (call: RouteCall, browser: Browser, response: object) => ({
      response,
      client: client(call, browser),
    }),
    refuse: (error: FrontendApiError) => json(errorBody(error), error.status),
    userById: directory.userById,
  }
}

function handshake(parts: FrontendApiParts, api: Responder, call: RouteCall): Response {
  const target = handshakeTarget(call.url.searchParams.get('redirect_url'), new URL(parts.appUrl).origin)
  if (!target) {
    return api.refuse({ status: 400, code: 'url_not_allowed', message: 'redirect_url is not the app.' })
  }
  const id = call.url.searchParams.get('__clerk_db_jwt')
  const browser = (id ? api.browserOf(call) : undefined) ?? parts.browsers.create()
  const user = browser.session ? parts.directory.userById(browser.session.userId) : undefined
  const token = browser.session && user ? api.token(call, { session: browser.session, user }) : null
  const cookies = handshakeCookies(browser, token, cookieSuffix(parts.publishableKey()))
  target.searchParams.set('__clerk_handshake', parts.tokens.handshake(cookies))
  return new Response(null, { status: 307, headers: { location: target.href, 'cache-control': 'no-store' } })
}

function createSignIn(parts: FrontendApiParts, api: Responder, call: RouteCall): Response {
  const browser = api.browserOf(call)
  if (!browser) return api.refuse(NO_BROWSER)
  const user = parts.directory.userByEmail(call.fields.identifier ?? '')
  if (!user) {
    return api.refuse({
      status: 422,
      code: 'form_identifier_not_found',
      message: "Couldn't find your account.",
      param: 'identifier',
    })
  }
  browser.signIn = { id: `sia_${randomId()}`, userId: user.id }
  if (call.fields.password) return completeSignIn(parts, api, call, browser)
  return json(api.withClient(call, browser, signInResource(browser.signIn, user, null)))
}

function showSignIn(api: Responder, call: RouteCall): Response {
  const browser = api.browserOf(call)
  const attempt = browser?.signIn
  const user = attempt ? api.userById(attempt.userId) : undefined
  if (!browser || !attempt || !user || attempt.id !== call.params.signInId) return api.refuse(NO_SIGN_IN)
  return json(api.withClient(call, browser, signInResource(attempt, user, null)))
}

const NO_SIGN_IN: FrontendApiError = {
  status: 404,
  code: 'resource_not_found',
  message: 'No sign in was found. Start again with your email address.',
}

function attemptPassword(parts: FrontendApiParts, api: Responder, call: RouteCall): Response {
  const browser = api.browserOf(call)
  if (!browser) return api.refuse(NO_BROWSER)
  if (browser.signIn?.id !== call.params.signInId) return api.refuse(NO_SIGN_IN)
  return completeSignIn(parts, api, call, browser)
}

function completeSignIn(
  parts: FrontendApiParts,
  api: Responder,
  call: RouteCall,
  browser: Browser,
): Response {
  const attempt = browser.signIn
  const user = attempt ? parts.directory.userById(attempt.userId) : undefined
  if (!attempt || !user) return api.refuse(NO_SIGN_IN)
  if (call.fields.password !== user.password) {
    return api.refuse({
      status: 422,
      code: 'form_password_incorrect',
      message: 'Password is incorrect. Try again, or use another method.',
      param: 'password',
    })
  }
  const session = parts.browsers.signIn(browser, user)
  return json(api.withClient(call, browser, signInResource(attempt, user, session.id)))
}

/** The organization that a form names: undefined if it names none, null for the personal account. */
function namedOrganization(call: RouteCall, field: string): string | null | undefined {
  const value = call.fields[field]
  return value === undefined ? undefined : value || null
}

function isMember(user: SimulatedUser, organizationId: string | null | undefined): boolean {
  return (
    !organizationId || user.memberships.some((membership) => membership.organizationId === organizationId)
  )
}

const NOT_A_MEMBER: FrontendApiError = {
  status: 403,
  code: 'organization_not_found_or_unauthorized',
  message: 'You are not a member of this organization.',
}

function touch(parts: FrontendApiParts, api: Responder, call: RouteCall): Response {
  const signedIn = api.signedInOf(call)
  if (!signedIn) return api.refuse(SIGNED_OUT)
  const organizationId = namedOrganization(call, 'active_organization_id')
  if (!isMember(signedIn.user, organizationId)) return api.refuse(NOT_A_MEMBER)
  const next = organizationId === undefined ? signedIn.session.organizationId : organizationId
  parts.browsers.activate(signedIn.session, next)
  return json(api.withClient(call, signedIn.browser, api.session(call, signedIn)))
}

function refreshToken(parts: FrontendApiParts, api: Responder, call: RouteCall): Response {
  const signedIn = api.signedInOf(call)
  if (!signedIn) return api.refuse(SIGNED_OUT)
  const organizationId = namedOrganization(call, 'organization_id')
  if (!isMember(signedIn.user, organizationId)) return api.refuse(NOT_A_MEMBER)
  signedIn.session.lastActiveAt = parts.now()
  return json(tokenResource(api.token(call, signedIn, organizationId)))
}

function listMemberships(api: Responder, call: RouteCall): Response {
  const signedIn = api.signedInOf(call)
  if (!signedIn) return api.refuse(SIGNED_OUT)
  const data = api
    .memberships(signedIn.user)
    .map((membership) => membershipResource(signedIn.user, membership, signedIn.session.createdAt))
  return json(api.withClient(call, signedIn.browser, { data, total_count: data.length }))
}
