/** Organizations: creating one, renaming and deleting it, its members and their roles. */
import { type Frontend, type FrontendApiParts, refuse, type SignedInCall } from './caller.ts'
import type { SimulatedOrganization } from './directory.ts'
import type { Route } from './http.ts'
import {
  membershipResource,
  organizationResource,
  permissionsOf,
  ROLES,
  roleResource,
} from './organization-resources.ts'
import { page } from './pages.ts'
import type { FrontendApiError } from './resources.ts'

/** A call of a member of the organization that the path names. */
export type MemberCall = SignedInCall & { organization: SimulatedOrganization }

const NOT_A_MEMBER: FrontendApiError = {
  status: 403,
  code: 'organization_not_found_or_unauthorized',
  message: 'You are not a member of this organization.',
}
const NOT_ALLOWED: FrontendApiError = {
  status: 403,
  code: 'missing_permissions',
  message: 'Your role in this organization does not allow this.',
}
const NO_MEMBER: FrontendApiError = {
  status: 404,
  code: 'resource_not_found',
  message: 'There is no such member.',
}
const LAST_ADMIN: FrontendApiError = {
  status: 403,
  code: 'organization_minimum_permissions_needed',
  message: 'There has to be at least one member with the admin role.',
}
const NO_NAME: FrontendApiError = {
  status: 422,
  code: 'form_param_missing',
  message: 'name must be included.',
  param: 'name',
}
const SLUG_TAKEN: FrontendApiError = {
  status: 422,
  code: 'form_identifier_exists',
  message: 'This URL is taken. Please try another.',
  param: 'slug',
}

/** Makes a route of one organization, for members whose role has the permission. */
export type MemberRoute = (
  method: string,
  pattern: string,
  permission: string | null,
  handle: (call: MemberCall) => Response,
) => Route

/** Makes the makers of routes under `/v1/organizations/:organizationId`. */
export function createMemberRoute(parts: FrontendApiParts, frontend: Frontend): MemberRoute {
  return (method, pattern, permission, handle) =>
    frontend.signedInRoute(method, `/v1/organizations/:organizationId${pattern}`, (call) => {
      const membership = call.user.memberships.find(
        ({ organizationId }) => organizationId === call.params.organizationId,
      )
      const organization = membership && parts.directory.organizationById(membership.organizationId)
      if (!membership || !organization) return refuse(NOT_A_MEMBER)
      if (permission && !permissionsOf(membership.role).includes(permission)) return refuse(NOT_ALLOWED)
      return handle({ ...call, organization })
    })
}

/** The routes of organizations and their members. */
export function organizationRoutes(
  parts: FrontendApiParts,
  frontend: Frontend,
  memberRoute: MemberRoute,
): Route[] {
  const show = (call: MemberCall) =>
    frontend.answer(call, organizationResource(parts.directory, call.organization))
  const empty = (call: MemberCall) => frontend.answer(call, page([], call.url))
  const memberships = '/memberships'
  return [
    frontend.signedInRoute('POST', '/v1/organizations', (call) => create(parts, frontend, call)),
    frontend.signedInRoute('DELETE', '/v1/me/organization_memberships/:organizationId', (call) =>
      removeMember(parts, frontend, call, call.user.id),
    ),
    memberRoute('GET', '', null, show),
    memberRoute('PATCH', '', 'org:sys_profile:manage', (call) => rename(parts, call) ?? show(call)),
    memberRoute('DELETE', '', 'org:sys_profile:delete', (call) => remove(parts, frontend, call)),
    memberRoute('GET', '/roles', null, (call) =>
      frontend.answer(call, { ...page(ROLES.map(roleResource), call.url), has_role_set_migration: false }),
    ),
    memberRoute('GET', '/domains', null, empty),
    memberRoute('GET', '/membership_requests', null, empty),
    memberRoute('GET', '/enterprise_connections', null, (call) => frontend.answer(call, [])),
    memberRoute('GET', memberships, 'org:sys_memberships:read', (call) => listMembers(parts, frontend, call)),
    memberRoute('PATCH', `${memberships}/:userId`, 'org:sys_memberships:manage', (call) =>
      changeRole(parts, frontend, call),
    ),
    memberRoute('DELETE', `${memberships}/:userId`, 'org:sys_memberships:manage', (call) =>
      removeMember(parts, frontend, call, call.params.userId ?? ''),
    ),
  ]
}

function create(parts: FrontendApiParts, frontend: Frontend, call: SignedInCall): Response {
  const { directory, announcer } = parts
  const name = call.fields.name?.trim()
  if (!name) return refuse(NO_NAME)
  const asked = call.fields.slug?.trim().toLowerCase()
  if (asked && isTaken(parts, asked)) return refuse(SLUG_TAKEN)
  const organization = directory.addOrganization({
    name,
    slug: asked || freeSlug(parts, name),
    creator: call.user,
  })
  announcer.organization('created', organization)
  const membership = directory.join(call.user, organization.id, 'admin')
  announcer.membership('created', call.user, membership)
  parts.billing.open(organization.id)
  return frontend.answer(call, organizationResource(directory, organization))
}

function isTaken(parts: FrontendApiParts, slug: string): boolean {
  return parts.directory.organizationByReference(slug) !== undefined
}

function freeSlug(parts: FrontendApiParts, name: string): string {
  const wanted =
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'organization'
  let slug = wanted
  for (let count = 2; isTaken(parts, slug); count++) slug = `${wanted}-${count}`
  return slug
}

function rename(parts: FrontendApiParts, { fields, organization }: MemberCall): Response | undefined {
  const name = fields.name?.trim()
  const slug = fields.slug?.trim().toLowerCase()
  if (fields.name !== undefined && !name) return refuse(NO_NAME)
  if (slug && slug !== organization.slug && isTaken(parts, slug)) return refuse(SLUG_TAKEN)
  parts.directory.updateOrganization(organization, { ...(name ? { name } : {}), ...(slug ? { slug } : {}) })
  parts.announcer.organization('updated', organization)
  return undefined
}

function remove(parts: FrontendApiParts, frontend: Frontend, call: MemberCall): Response {
  const { organization } = call
  for (const { user, membership } of parts.directory.members(organization.id)) {
    parts.announcer.membership('deleted', user, membership)
  }
  parts.announcer.organization('deleted', organization)
  parts.billing.close(organization.id)
  parts.directory.removeOrganization(organization)
  parts.browsers.forgetOrganization(organization.id)
  return frontend.answer(call, {
    id: organization.id,
    object: 'organization',
    slug: organization.slug,
    deleted: true,
  })
}

function listMembers(parts: FrontendApiParts, frontend: Frontend, call: MemberCall): Response {
  const organization = organizationResource(parts.directory, call.organization)
  const query = call.url.searchParams.get('query')?.toLowerCase() ?? ''
  const roles = call.url.searchParams.getAll('role')
  const data = parts.directory
    .members(call.organization.id)
    .filter(({ user, membership }) => {
      const text = [user.firstName, user.lastName, user.email].join(' ').toLowerCase()
      return text.includes(query) && (roles.length === 0 || roles.includes(`org:${membership.role}`))
    })
    .map(({ user, membership }) => membershipResource(user, { organization, membership }))
  return frontend.answer(call, page(data, call.url))
}

function memberOf(parts: FrontendApiParts, organizationId: string, userId: string) {
  return parts.directory.members(organizationId).find(({ user }) => user.id === userId)
}

function isLastAdmin(parts: FrontendApiParts, organizationId: string, userId: string): boolean {
  const admins = parts.directory
    .members(organizationId)
    .filter(({ membership }) => membership.role === 'admin')
  return admins.length === 1 && admins[0]?.user.id === userId
}

function changeRole(parts: FrontendApiParts, frontend: Frontend, call: MemberCall): Response {
  const { id } = call.organization
  const member = memberOf(parts, id, call.params.userId ?? '')
  const role = call.fields.role?.replace(/^org:/, '') ?? ''
  if (!member || !ROLES.includes(role)) return refuse(NO_MEMBER)
  if (role !== 'admin' && isLastAdmin(parts, id, member.user.id)) return refuse(LAST_ADMIN)
  const membership = parts.directory.join(member.user, id, role)
  parts.announcer.membership('updated', member.user, membership)
  const organization = organizationResource(parts.directory, call.organization)
  return frontend.answer(call, membershipResource(member.user, { organization, membership }))
}

/** Takes a member out: themselves, or whom an admin names. */
function removeMember(
  parts: FrontendApiParts,
  frontend: Frontend,
  call: SignedInCall,
  userId: string,
): Response {
  const organizationId = call.params.organizationId ?? ''
  const member = memberOf(parts, organizationId, userId)
  const organization = parts.directory.organizationById(organizationId)
  if (!member || !organization) return refuse(NO_MEMBER)
  if (isLastAdmin(parts, organizationId, userId)) return refuse(LAST_ADMIN)
  parts.announcer.membership('deleted', member.user, member.membership)
  parts.directory.leave(member.user, organizationId)
  parts.browsers.forgetOrganization(organizationId, userId)
  return frontend.answer(
    call,
    membershipResource(member.user, {
      organization: organizationResource(parts.directory, organization),
      membership: member.membership,
    }),
  )
}
