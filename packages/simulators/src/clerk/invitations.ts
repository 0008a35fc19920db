/** Inviting people to an organization. No email is sent: whoever has the address sees the invitation when signed in. */
import { type Frontend, type FrontendApiParts, refuse } from './caller.ts'
import type { Invitation } from './directory.ts'
import type { Route } from './http.ts'
import { invitationResource, MEMBERSHIPS_MAX, ROLES } from './organization-resources.ts'
import type { MemberCall, MemberRoute } from './organizations.ts'
import { page } from './pages.ts'
import type { FrontendApiError } from './resources.ts'
import { isEmailAddress } from './sign-up.ts'

const MANAGE = 'org:sys_memberships:manage'
const NO_INVITATION: FrontendApiError = {
  status: 404,
  code: 'resource_not_found',
  message: 'There is no such invitation.',
}

/** The routes of an organization's invitations. */
export function invitationRoutes(
  parts: FrontendApiParts,
  frontend: Frontend,
  memberRoute: MemberRoute,
): Route[] {
  const { directory, announcer } = parts
  const path = '/invitations'
  const ofOrganization = ({ organization }: MemberCall) =>
    directory.invitations().filter(({ organizationId }) => organizationId === organization.id)
  return [
    memberRoute('GET', path, MANAGE, (call) => {
      const statuses = call.url.searchParams.getAll('status')
      const data = ofOrganization(call)
        .filter(({ status }) => statuses.length === 0 || statuses.includes(status))
        .map(invitationResource)
      return frontend.answer(call, page(data, call.url))
    }),
    memberRoute('POST', path, MANAGE, (call) => {
      const invited = invite(parts, call)
      const [first] = Array.isArray(invited) ? invited : []
      return first ? frontend.answer(call, invitationResource(first)) : refuse(asError(invited))
    }),
    memberRoute('POST', `${path}/bulk`, MANAGE, (call) => {
      const invited = invite(parts, call)
      return Array.isArray(invited) ? frontend.answer(call, invited.map(invitationResource)) : refuse(invited)
    }),
    memberRoute('POST', `${path}/:invitationId/revoke`, MANAGE, (call) => {
      const invitation = ofOrganization(call).find(({ id }) => id === call.params.invitationId)
      if (!invitation) return refuse(NO_INVITATION)
      directory.answerInvitation(invitation, 'revoked')
      announcer.invitation('revoked', invitation)
      return frontend.answer(call, invitationResource(invitation))
    }),
  ]
}

function asError(invited: Invitation[] | FrontendApiError): FrontendApiError {
  return Array.isArray(invited) ? NO_INVITATION : invited
}

/** Invites every address of the form, or none. */
function invite(parts: FrontendApiParts, call: MemberCall): Invitation[] | FrontendApiError {
  const { directory, announcer } = parts
  const organizationId = call.organization.id
  const emails = call.values('email_address').map((email) => email.trim().toLowerCase())
  const role = call.fields.role?.replace(/^org:/, '') ?? ''
  const bad = emails.length === 0 ? '' : emails.find((email) => !isEmailAddress(email))
  if (bad !== undefined) return refusal('form_param_format_invalid', 'Give valid email addresses.')
  if (!ROLES.includes(role)) return refusal('form_param_value_invalid', 'There is no such role.', 'role')
  const members = directory.members(organizationId)
  const known = emails.find((email) => members.some(({ user }) => user.email === email))
  if (known) {
    return refusal('already_a_member_in_organization', `${known} is already a member of the organization.`)
  }
  const pending = directory
    .invitations()
    .filter((invitation) => invitation.organizationId === organizationId && invitation.status === 'pending')
  const twice = emails.find((email) => pending.some((invitation) => invitation.email === email))
  if (twice) return refusal('duplicate_record', `${twice} has been invited already.`)
  if (members.length + pending.length + emails.length > MEMBERSHIPS_MAX) {
    return refusal(
      'organization_membership_quota_exceeded',
      `An organization may have ${MEMBERSHIPS_MAX} members, invited ones included.`,
    )
  }
  return emails.map((email) => {
    const invitation = directory.invite({ organizationId, email, role })
    announcer.invitation('created', invitation)
    return invitation
  })
}

function refusal(code: string, message: string, param = 'email_address'): FrontendApiError {
  return { status: 422, code, message, param }
}
