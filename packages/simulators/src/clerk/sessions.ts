/** A session's life: staying signed in, switching organization, signing out. */
import {
  type BrowserCall,
  type Frontend,
  type FrontendApiParts,
  refuse,
  type SignedInCall,
} from './caller.ts'
import type { SimulatedUser } from './directory.ts'
import { json, type Route, type RouteCall } from './http.ts'
import { type FrontendApiError, tokenResource } from './resources.ts'

const NOT_A_MEMBER: FrontendApiError = {
  status: 403,
  code: 'organization_not_found_or_unauthorized',
  message: 'You are not a member of this organization.',
}

/** The routes of a session and of its user's organizations. */
export function sessionRoutes(parts: FrontendApiParts, frontend: Frontend): Route[] {
  const { route, signedInRoute } = frontend
  const path = '/v1/client/sessions'
  const signOut = (change: 'ended' | 'removed') => (call: BrowserCall) => {
    const { session } = call.browser
    parts.browsers.signOut(call.browser)
    if (session) parts.announcer.session(change, session, call.browser)
    return frontend.answer(call, frontend.client(call))
  }
  return [
    route('DELETE', '/v1/client', signOut('removed')),
    route('DELETE', path, signOut('removed')),
    route('POST', `${path}/:sessionId/end`, signOut('ended')),
    route('POST', `${path}/:sessionId/remove`, signOut('removed')),
    signedInRoute('POST', `${path}/:sessionId/touch`, (call) => touch(parts, frontend, call)),
    signedInRoute('POST', `${path}/:sessionId/tokens`, (call) => refreshToken(parts, frontend, call)),
  ]
}

function touch(parts: FrontendApiParts, frontend: Frontend, call: SignedInCall): Response {
  const named = namedOrganization(call, 'active_organization_id')
  if (!isMember(call.user, named)) return refuse(NOT_A_MEMBER)
  parts.browsers.activate(call.session, named === undefined ? call.session.organizationId : named)
  return frontend.answer(call, frontend.session(call))
}

function refreshToken(parts: FrontendApiParts, frontend: Frontend, call: SignedInCall): Response {
  const organizationId = namedOrganization(call, 'organization_id')
  if (!isMember(call.user, organizationId)) return refuse(NOT_A_MEMBER)
  call.session.lastActiveAt = parts.now()
  return json(tokenResource(frontend.token(call, organizationId)))
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
