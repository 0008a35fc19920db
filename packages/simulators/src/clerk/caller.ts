/** Who calls the Frontend API, and the resources that nearly every answer to them carries. */

import type { Announcer } from './announcements.ts'
import type { Billing } from './billing.ts'
import type { Browser, BrowserSession, Browsers } from './browsers.ts'
import type { Directory, SimulatedUser } from './directory.ts'
import { json, type Route, type RouteCall, readCookies } from './http.ts'
import { organizationResource, type ResolvedMembership } from './organization-resources.ts'
import {
  clientResource,
  errorBody,
  type FrontendApiError,
  sessionResource,
  signInResource,
  signUpResource,
} from './resources.ts'
import type { TokenMinter } from './tokens.ts'

/** What the routes stand on. */
export type FrontendApiParts = {
  directory: Directory
  browsers: Browsers
  tokens: TokenMinter
  announcer: Announcer
  billing: Billing
  instanceId: string
  appUrl: string
  publishableKey: () => string
  now: () => number
}

/** A call whose browser is known. */
export type BrowserCall = RouteCall & { browser: Browser }

/** A call of somebody who is signed in. */
export type SignedInCall = BrowserCall & { session: BrowserSession; user: SimulatedUser }

/** Makes routes that know their caller, and the answers that they share. */
export type Frontend = {
  /** A route for any browser; one that comes for the first time gets its cookie. */
  route: (method: string, pattern: string, handle: (call: BrowserCall) => Response) => Route
  /** A route for the browser's session, and for the one that the path names if it names one; else 401. */
  signedInRoute: (method: string, pattern: string, handle: (call: SignedInCall) => Response) => Route
  /** `{ response, client }`: the answer to everything that may change who is signed in. */
  answer: (call: BrowserCall, response: object) => Response
  /** The answer of the few endpoints that have no envelope. */
  bare: (response: object) => Response
  client: (call: BrowserCall) => object
  session: (call: SignedInCall) => object
  /** A session token; for another organization than the active one where it is given. */
  token: (call: SignedInCall, organizationId?: string | null) => string
  /** The browser's session, if it has one. */
  signedIn: (call: BrowserCall) => SignedInCall | undefined
  memberships: (user: SimulatedUser) => ResolvedMembership[]
}

/** Refuses in Clerk's words. */
export function refuse(error: FrontendApiError): Response {
  return json(errorBody(error), error.status)
}

const SIGNED_OUT: FrontendApiError = {
  status: 401,
  code: 'authentication_invalid',
  message: 'You are signed out.',
}

/** Makes the shared half of the Frontend API. */
export function createFrontend({ directory, browsers, tokens, appUrl, now }: FrontendApiParts): Frontend {
  const signedIn = (call: BrowserCall): SignedInCall | undefined => {
    const { session } = call.browser
    const user = session ? directory.userById(session.userId) : undefined
    const asked = call.params.sessionId ?? session?.id
    return session && user && session.id === asked ? { ...call, session, user } : undefined
  }
  const memberships = (user: SimulatedUser) => resolveMemberships(directory, user)
  const token: Frontend['token'] = ({ session, user, request }, organizationId = session.organizationId) =>
    tokens.forSession({
      sessionId: session.id,
      user,
      organization: organizationId ? directory.organizationById(organizationId) : undefined,
      authorizedParty: request.headers.get('origin') ?? new URL(appUrl).origin,
      signedInAt: session.createdAt,
    })
  const session: Frontend['session'] = (call) =>
    sessionResource({
      session: call.session,
      user: call.user,
      memberships: memberships(call.user),
      token: token(call),
      now: now(),
    })
  const client: Frontend['client'] = (call) => {
    // The client is the browser's whole state, whichever session the path names.
    const current = signedIn({ ...call, params: {} })
    const { signIn, signUp } = call.browser
    const signingIn = signIn ? directory.userById(signIn.userId) : undefined
    return clientResource(call.browser, {
      session: current ? session(current) : null,
      signIn: signIn && signingIn ? signInResource(signIn, signingIn, null) : null,
      signUp: signUp ? signUpResource(signUp) : null,
    })
  }
  const route: Frontend['route'] = (method, pattern, handle) => ({
    method,
    pattern,
    handle: (call) => {
      const browser = browserOf(call, browsers)
      const response = handle({ ...call, browser })
      response.headers.append('set-cookie', clientCookie(browser))
      return response
    },
  })
  const signedInRoute: Frontend['signedInRoute'] = (method, pattern, handle) =>
    route(method, pattern, (call) => {
      const caller = signedIn(call)
      return caller ? handle(caller) : refuse(SIGNED_OUT)
    })
  const answer: Frontend['answer'] = (call, response) => json({ response, client: client(call) })
  return {
    route,
    signedInRoute,
    answer,
    bare: json,
    client,
    session,
    token,
    signedIn,
    memberships,
  }
}

/** A user's memberships of organizations that still exist. */
export function resolveMemberships(directory: Directory, user: SimulatedUser): ResolvedMembership[] {
  return user.memberships.flatMap((membership) => {
    const organization = directory.organizationById(membership.organizationId)
    return organization ? [{ organization: organizationResource(directory, organization), membership }] : []
  })
}

/**
 * The browser of a call: by what the app's middleware or a test says, by the cookie that we gave it, or anew.
 * Real development instances go by `__clerk_db_jwt`, but clerk-js sends that only to hosts of Clerk's own.
 */
function browserOf({ url, request }: RouteCall, browsers: Browsers): Browser {
  const cookies = readCookies(request)
  const id =
    url.searchParams.get('__clerk_db_jwt') ?? cookies.get('__client') ?? cookies.get('__clerk_db_jwt') ?? ''
  return /^dvb_\w{1,64}$/.test(id) ? browsers.find(id) : browsers.create()
}

function clientCookie(browser: Browser): string {
  return `__client=${browser.id}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000`
}
