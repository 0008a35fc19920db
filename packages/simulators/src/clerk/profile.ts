/** The signed-in user's own account: name, password, devices, invitations, and its deletion. */
import type { BrowserSession } from './browsers.ts'
import { type Frontend, type FrontendApiParts, refuse, type SignedInCall } from './caller.ts'
import type { Route } from './http.ts'
import { membershipResource, receivedInvitationResource } from './organization-resources.ts'
import { page } from './pages.ts'
import { hashPassword, isPassword, PASSWORD_LENGTH_MIN } from './passwords.ts'
import { type FrontendApiError, userResource } from './resources.ts'
import { passwordTooShort } from './sign-up.ts'

const WRONG_PASSWORD: FrontendApiError = {
  status: 422,
  code: 'form_password_validation_failed',
  message: 'Incorrect password.',
  param: 'current_password',
}
const NO_INVITATION: FrontendApiError = {
  status: 404,
  code: 'resource_not_found',
  message: 'There is no such invitation.',
}
const NO_SESSION: FrontendApiError = {
  status: 404,
  code: 'resource_not_found',
  message: 'There is no such session.',
}

/** The routes under `/v1/me`, but for those of organizations and billing. */
export function profileRoutes(parts: FrontendApiParts, frontend: Frontend): Route[] {
  const { signedInRoute } = frontend
  const me = (call: SignedInCall) =>
    frontend.answer(call, userResource(call.user, frontend.memberships(call.user)))
  return [
    signedInRoute('GET', '/v1/me', me),
    signedInRoute('PATCH', '/v1/me', (call) => {
      const { first_name: firstName, last_name: lastName } = call.fields
      parts.directory.updateUser(call.user, {
        ...(firstName === undefined ? {} : { firstName: firstName?.trim() || null }),
        ...(lastName === undefined ? {} : { lastName: lastName?.trim() || null }),
      })
      parts.announcer.user('updated', call.user)
      return me(call)
    }),
    signedInRoute('DELETE', '/v1/me', (call) => deleteAccount(parts, frontend, call)),
    signedInRoute('POST', '/v1/me/change_password', (call) => changePassword(parts, call) ?? me(call)),
    // A bare list: this endpoint is older than Clerk's envelope.
    signedInRoute('GET', '/v1/me/sessions/active', (call) =>
      frontend.bare(parts.browsers.ofUser(call.user.id).map(({ session }) => activeDevice(session))),
    ),
    // Not named `:sessionId`: that would ask for the caller's own.
    signedInRoute('POST', '/v1/me/sessions/:deviceId/revoke', (call) => {
      const [revoked] = revoke(parts, call, ({ id }) => id === call.params.deviceId)
      return revoked
        ? frontend.answer(call, { ...activeDevice(revoked), status: 'revoked' })
        : refuse(NO_SESSION)
    }),
    signedInRoute('GET', '/v1/me/organization_invitations', (call) => {
      const data = invitationsOf(parts, call).flatMap((invitation) => {
        const organization = parts.directory.organizationById(invitation.organizationId)
        return organization ? [receivedInvitationResource(invitation, organization)] : []
      })
      return frontend.answer(call, page(data, call.url))
    }),
    signedInRoute('POST', '/v1/me/organization_invitations/:invitationId/accept', (call) =>
      acceptInvitation(parts, frontend, call),
    ),
    signedInRoute('GET', '/v1/me/organization_suggestions', (call) =>
      frontend.answer(call, page([], call.url)),
    ),
    signedInRoute('GET', '/v1/me/organization_creation_defaults', (call) =>
      frontend.answer(call, {
        advisory: null,
        form: { name: '', slug: '', logo: null, blur_hash: null },
      }),
    ),
    signedInRoute('GET', '/v1/me/organization_memberships', (call) => {
      const data = frontend.memberships(call.user).map((each) => membershipResource(call.user, each))
      return frontend.answer(call, page(data, call.url))
    }),
  ]
}

/** Changes the password, or says why not. */
function changePassword(parts: FrontendApiParts, call: SignedInCall): Response | undefined {
  const { current_password: current, new_password: next } = call.fields
  if (!isPassword(call.user, current ?? '')) return refuse(WRONG_PASSWORD)
  if ((next ?? '').length < PASSWORD_LENGTH_MIN) return refuse(passwordTooShort('new_password'))
  parts.directory.updateUser(call.user, { passwordHash: hashPassword(next ?? '') })
  if (call.fields.sign_out_of_other_sessions === 'true') {
    revoke(parts, call, ({ id }) => id !== call.session.id)
  }
  parts.announcer.user('updated', call.user)
  return undefined
}

function deleteAccount(parts: FrontendApiParts, frontend: Frontend, call: SignedInCall): Response {
  const { directory, announcer } = parts
  for (const membership of [...call.user.memberships]) {
    announcer.membership('deleted', call.user, membership)
    directory.leave(call.user, membership.organizationId)
  }
  announcer.user('deleted', call.user)
  parts.billing.close(call.user.id)
  for (const { browser } of parts.browsers.ofUser(call.user.id)) parts.browsers.signOut(browser)
  directory.removeUser(call.user)
  return frontend.answer(call, { id: call.user.id, object: 'user', deleted: true })
}

function invitationsOf({ directory }: FrontendApiParts, { user }: SignedInCall) {
  return directory.invitations().filter(({ email, status }) => email === user.email && status === 'pending')
}

function acceptInvitation(parts: FrontendApiParts, frontend: Frontend, call: SignedInCall): Response {
  const invitation = invitationsOf(parts, call).find(({ id }) => id === call.params.invitationId)
  const organization = invitation && parts.directory.organizationById(invitation.organizationId)
  if (!invitation || !organization) return refuse(NO_INVITATION)
  parts.directory.answerInvitation(invitation, 'accepted')
  parts.announcer.invitation('accepted', invitation, call.user)
  const membership = parts.directory.join(call.user, organization.id, invitation.role)
  parts.announcer.membership('created', call.user, membership)
  return frontend.answer(call, receivedInvitationResource(invitation, organization))
}

/** Signs the user out of some of their browsers. */
function revoke(
  { browsers, announcer }: FrontendApiParts,
  { user }: SignedInCall,
  isMeant: (session: BrowserSession) => boolean,
): BrowserSession[] {
  const meant = browsers.ofUser(user.id).filter(({ session }) => isMeant(session))
  for (const { browser, session } of meant) {
    browsers.signOut(browser)
    announcer.session('revoked', session, browser)
  }
  return meant.map(({ session }) => session)
}

function activeDevice(session: BrowserSession): object {
  return {
    id: session.id,
    object: 'session',
    status: 'active',
    expire_at: session.createdAt + 7 * 24 * 3_600_000,
    abandon_at: session.createdAt + 28 * 24 * 3_600_000,
    last_active_at: session.lastActiveAt,
    actor: null,
    user: null,
    latest_activity: {
      id: `sess_activity_${session.id}`,
      object: 'session_activity',
      browser_name: 'Browser',
      browser_version: '',
      device_type: 'Computer',
      ip_address: '127.0.0.1',
      city: '',
      country: '',
      is_mobile: false,
    },
  }
}
