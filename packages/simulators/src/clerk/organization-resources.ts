/** The JSON of organizations, their members and invitations, as `@clerk/clerk-js` reads it and webhooks carry it. */
import type { Directory, Invitation, Membership, SimulatedOrganization, SimulatedUser } from './directory.ts'

/** Members of one organization: the free limit of a real instance. */
export const MEMBERSHIPS_MAX = 5

/** An organization and the user's place there, with the figures that the components show. */
export type ResolvedMembership = { organization: object; membership: Membership }

const ADMIN_PERMISSIONS = [
  'org:sys_profile:manage',
  'org:sys_profile:delete',
  'org:sys_memberships:read',
  'org:sys_memberships:manage',
  'org:sys_domains:read',
  'org:sys_domains:manage',
  'org:sys_billing:read',
  'org:sys_billing:manage',
]
const MEMBER_PERMISSIONS = ['org:sys_memberships:read', 'org:sys_billing:read']

/** A silhouette, for users without a name: Clerk's components make initials of a name, and a broken image of neither. */
const SILHOUETTE =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" fill="#8a8f98"/>' +
  '<circle cx="16" cy="12" r="5" fill="#fff"/><path d="M6 28a10 9 0 0 1 20 0z" fill="#fff"/></svg>'

/** The picture of a user; empty where the components make one of the name. */
export function imageUrlOf(user: SimulatedUser): string {
  return user.firstName || user.lastName
    ? ''
    : `data:image/svg+xml;base64,${Buffer.from(SILHOUETTE).toString('base64')}`
}

/** The roles of every organization, as keys without `org:`. */
export const ROLES = ['admin', 'member']

/** Clerk's system permissions of a role. */
export function permissionsOf(role: string): string[] {
  return role === 'admin' ? ADMIN_PERMISSIONS : MEMBER_PERMISSIONS
}

/** An organization. */
export function organizationResource(directory: Directory, organization: SimulatedOrganization): object {
  const { id } = organization
  const pending = directory
    .invitations()
    .filter((invitation) => invitation.organizationId === id && invitation.status === 'pending')
  return {
    id,
    object: 'organization',
    image_url: '',
    has_image: false,
    name: organization.name,
    slug: organization.slug,
    public_metadata: {},
    ...(organization.createdBy ? { created_by: organization.createdBy } : {}),
    created_at: organization.createdAt,
    updated_at: organization.updatedAt,
    members_count: directory.members(id).length,
    pending_invitations_count: pending.length,
    admin_delete_enabled: true,
    max_allowed_memberships: MEMBERSHIPS_MAX,
  }
}

/** What others see of a user. */
export function publicUserData(user: SimulatedUser): object {
  return {
    first_name: user.firstName,
    last_name: user.lastName,
    image_url: imageUrlOf(user),
    has_image: false,
    identifier: user.email,
    user_id: user.id,
  }
}

/** A user's membership, with its organization. */
export function membershipResource(
  user: SimulatedUser,
  { organization, membership }: ResolvedMembership,
): object {
  return {
    id: `orgmem_${membership.organizationId.slice('org_'.length)}_${user.id.slice('user_'.length)}`,
    object: 'organization_membership',
    organization,
    permissions: permissionsOf(membership.role),
    public_metadata: {},
    public_user_data: publicUserData(user),
    role: `org:${membership.role}`,
    role_name: roleName(membership.role),
    created_at: membership.createdAt,
    updated_at: membership.createdAt,
  }
}

/** A role with its permissions. */
export function roleResource(role: string): object {
  return {
    id: `role_${role}`,
    object: 'role',
    key: `org:${role}`,
    name: roleName(role),
    description: `${roleName(role)} of the organization`,
    is_creator_eligible: role === 'admin',
    permissions: permissionsOf(role).map((key) => ({
      id: `perm_${key}`,
      object: 'permission',
      key,
      name: key,
      description: key,
      type: 'system',
      created_at: 0,
      updated_at: 0,
    })),
    created_at: 0,
    updated_at: 0,
  }
}

/** An invitation, as the organization's admins see it. */
export function invitationResource(invitation: Invitation): object {
  return {
    id: invitation.id,
    object: 'organization_invitation',
    email_address: invitation.email,
    organization_id: invitation.organizationId,
    public_metadata: {},
    status: invitation.status,
    role: `org:${invitation.role}`,
    role_name: roleName(invitation.role),
    url: null,
    created_at: invitation.createdAt,
    updated_at: invitation.createdAt,
  }
}

/** An invitation, as whoever is invited sees it. */
export function receivedInvitationResource(
  invitation: Invitation,
  organization: SimulatedOrganization,
): object {
  const { id, name, slug } = organization
  return {
    ...invitationResource(invitation),
    public_organization_data: { id, name, slug, image_url: '', has_image: false },
  }
}

function roleName(role: string): string {
  return role.charAt(0).toUpperCase() + role.slice(1)
}
