/** Clerk's Frontend API, as far as its components need it: what a browser asks first, then sign-in and the rest. */
import { billingRoutes } from './billing-routes.ts'
import { type BrowserCall, createFrontend, type Frontend, type FrontendApiParts, refuse } from './caller.ts'
import { environmentResource } from './environment.ts'
import { cookieSuffix, handshakeCookies, handshakeTarget } from './handshake.ts'
import { json, type Route } from './http.ts'
import { invitationRoutes } from './invitations.ts'
import { createMemberRoute, organizationRoutes } from './organizations.ts'
import { profileRoutes } from './profile.ts'
import { sessionRoutes } from './sessions.ts'
import { signInRoutes } from './sign-in.ts'
import { signUpRoutes } from './sign-up.ts'

/** The routes of the Frontend API. */
export function frontendApiRoutes(parts: FrontendApiParts): Route[] {
  const frontend = createFrontend(parts)
  const memberRoute = createMemberRoute(parts, frontend)
  const environment = () =>
    json(environmentResource({ appUrl: parts.appUrl, billing: parts.billing.enabled }))
  const client = (call: BrowserCall) => json({ response: frontend.client(call), client: null })
  return [
    { method: 'GET', pattern: '/v1/environment', handle: environment },
    { method: 'PATCH', pattern: '/v1/environment', handle: environment },
    { method: 'POST', pattern: '/v1/dev_browser', handle: () => createDevBrowser(parts) },
    ...['GET', 'PUT', 'POST'].map((method) => frontend.route(method, '/v1/client', client)),
    frontend.route('GET', '/v1/client/handshake', (call) => handshake(parts, frontend, call)),
    ...signInRoutes(parts, frontend),
    ...signUpRoutes(parts, frontend),
    ...sessionRoutes(parts, frontend),
    ...profileRoutes(parts, frontend),
    ...organizationRoutes(parts, frontend, memberRoute),
    ...invitationRoutes(parts, frontend, memberRoute),
    ...billingRoutes(parts, frontend, memberRoute),
  ]
}

function createDevBrowser(parts: FrontendApiParts): Response {
  const { id } = parts.browsers.create()
  return json({ id, object: 'dev_browser', token: id })
}

function handshake(parts: FrontendApiParts, frontend: Frontend, call: BrowserCall): Response {
  const target = handshakeTarget(call.url.searchParams.get('redirect_url'), new URL(parts.appUrl).origin)
  if (!target) {
    return refuse({ status: 400, code: 'url_not_allowed', message: 'redirect_url is not the app.' })
  }
  const caller = frontend.signedIn(call)
  const token = caller ? frontend.token(caller) : null
  const cookies = handshakeCookies(call.browser, token, cookieSuffix(parts.publishableKey()))
  target.searchParams.set('__clerk_handshake', parts.tokens.handshake(cookies))
  return new Response(null, { status: 307, headers: { location: target.href, 'cache-control': 'no-store' } })
}
