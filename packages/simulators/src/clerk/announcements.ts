/** What happens to users, organizations and sessions, as webhook events with the payloads of Clerk's Backend API. */
import type { Browser, BrowserSession } from './browsers.ts'
import type { Directory, Invitation, Membership, SimulatedOrganization, SimulatedUser } from './directory.ts'
import type { Events } from './events.ts'
import { invitationResource, membershipResource, organizationResource } from './organization-resources.ts'
import { userResource } from './resources.ts'

type Change = 'created' | 'updated' | 'deleted'
type SessionChange = 'created' | 'ended' | 'removed' | 'revoked'

/** Tells the world. Call it after a change, and before a deletion. */
export type Announcer = {
  user: (change: Change, user: SimulatedUser) => void
  organization: (change: Change, organization: SimulatedOrganization) => void
  membership: (change: Change, user: SimulatedUser, membership: Membership) => void
  invitation: (
    change: 'created' | 'accepted' | 'revoked',
    invitation: Invitation,
    user?: SimulatedUser,
  ) => void
  session: (change: SessionChange, session: BrowserSession, browser: Browser) => void
}

/** Makes the announcer of one instance. */
export function createAnnouncer(directory: Directory, events: Pick<Events, 'emit'>): Announcer {
  return {
    user: (change, user) =>
      events.emit(
        `user.${change}`,
        change === 'deleted' ? deletedObject('user', { id: user.id }) : userPayload(user),
      ),
    organization: (change, organization) =>
      events.emit(
        `organization.${change}`,
        change === 'deleted'
          ? deletedObject('organization', { id: organization.id, slug: organization.slug })
          : organizationPayload(directory, organization),
      ),
    membership: (change, user, membership) => {
      const organization = directory.organizationById(membership.organizationId)
      if (!organization) return
      events.emit(`organizationMembership.${change}`, {
        ...membershipResource(user, {
          organization: organizationPayload(directory, organization),
          membership,
        }),
        private_metadata: {},
      })
    },
    invitation: (change, invitation, user) =>
      events.emit(`organizationInvitation.${change}`, {
        ...invitationResource(invitation),
        private_metadata: {},
        ...(user ? { user_id: user.id } : {}),
      }),
    session: (change, session, browser) =>
      events.emit(`session.${change}`, sessionPayload(change, session, browser, directory)),
  }
}

function deletedObject(object: string, named: { id: string; slug?: string }): object {
  return { deleted: true, ...named, object }
}

function organizationPayload(directory: Directory, organization: SimulatedOrganization): object {
  return { ...organizationResource(directory, organization), private_metadata: {} }
}

function userPayload(user: SimulatedUser): object {
  return {
    ...userResource(user, []),
    // A real instance leaves them out of the event; each membership has its own.
    organization_memberships: null,
    private_metadata: {},
    password_last_updated_at: user.createdAt,
    banned: false,
    locked: false,
    deprovisioned: false,
    lockout_expires_in_seconds: null,
    verification_attempts_remaining: 100,
    last_active_at: user.updatedAt,
  }
}

function sessionPayload(
  change: SessionChange,
  session: BrowserSession,
  browser: Browser,
  directory: Directory,
): object {
  const user = directory.userById(session.userId)
  return {
    id: session.id,
    object: 'session',
    client_id: browser.clientId,
    user_id: session.userId,
    user: user ? userPayload(user) : null,
    status: change === 'created' ? 'active' : change,
    ...(session.organizationId ? { last_active_organization_id: session.organizationId } : {}),
    actor: null,
    last_active_at: session.lastActiveAt,
    expire_at: session.createdAt + 7 * 24 * 3_600_000,
    abandon_at: session.createdAt + 28 * 24 * 3_600_000,
    created_at: session.createdAt,
    updated_at: session.lastActiveAt,
  }
}
