/**
 * Who exists in the simulated Clerk instance: users, organizations, memberships and invitations. It starts with the
 * four users that the sign-in page lists and that tests name; whoever signs up joins them and is kept.
 */
import { randomId } from './random-id.ts'
import { ACME, SEEDED_USERS, stranger, unknownOrganization } from './seeds.ts'

/** An organization. */
export type SimulatedOrganization = {
  id: string
  slug: string
  name: string
  createdBy: string | null
  createdAt: number
  updatedAt: number
}

/** A user's place in an organization; the role is without Clerk's `org:` prefix. */
export type Membership = { organizationId: string; role: string; createdAt: number }

/** A user, and where they start after signing in. Which plan they are on is billing's to know. */
export type SimulatedUser = {
  id: string
  /** Short name for tests and `/dev/token`; empty for users that signed up or that only a token names. */
  name: string
  firstName: string | null
  lastName: string | null
  email: string
  /** Of seeded users, until they change it: the sign-in page shows it. */
  password: string | null
  passwordHash: string | null
  memberships: Membership[]
  /** The organization that is active right after sign-in, if any. */
  startsIn: string | null
  /** One line for the sign-in page; empty for users who are not listed there. */
  about: string
  createdAt: number
  updatedAt: number
}

/** Somebody asked to join an organization by email address. */
export type Invitation = {
  id: string
  organizationId: string
  email: string
  role: string
  status: 'pending' | 'accepted' | 'revoked'
  createdAt: number
}

/** What a state file keeps of a directory. */
export type StoredDirectory = {
  users: SimulatedUser[]
  organizations: SimulatedOrganization[]
  invitations: Invitation[]
}

/** Looks users and organizations up, and changes them. */
export type Directory = {
  users: () => SimulatedUser[]
  userById: (id: string) => SimulatedUser | undefined
  userByEmail: (email: string) => SimulatedUser | undefined
  /** By seeded name, email address or id; any other `user_…` id is a user nobody knows. Undefined for other text. */
  userByReference: (reference: string) => SimulatedUser | undefined
  addUser: (user: {
    email: string
    passwordHash: string
    firstName: string | null
    lastName: string | null
  }) => SimulatedUser
  updateUser: (
    user: SimulatedUser,
    changes: { firstName?: string | null; lastName?: string | null; passwordHash?: string },
  ) => void
  removeUser: (user: SimulatedUser) => void
  organizationById: (id: string) => SimulatedOrganization | undefined
  /** By slug or id; any other `org_…` id is an organization nobody knows. */
  organizationByReference: (reference: string) => SimulatedOrganization | undefined
  addOrganization: (organization: {
    name: string
    slug: string
    creator: SimulatedUser
  }) => SimulatedOrganization
  updateOrganization: (organization: SimulatedOrganization, changes: { name?: string; slug?: string }) => void
  removeOrganization: (organization: SimulatedOrganization) => void
  members: (organizationId: string) => { user: SimulatedUser; membership: Membership }[]
  /** Makes a user a member, or gives a member another role. */
  join: (user: SimulatedUser, organizationId: string, role: string) => Membership
  leave: (user: SimulatedUser, organizationId: string) => void
  invitations: () => Invitation[]
  invite: (invitation: { organizationId: string; email: string; role: string }) => Invitation
  answerInvitation: (invitation: Invitation, status: 'accepted' | 'revoked') => void
  stored: () => StoredDirectory
}

type Options = { now: () => number; stored?: StoredDirectory | undefined; changed: () => void }

/** The seeded users and organizations, or what a state file kept; `changed` is told of every change. */
export function createDirectory({ now, stored, changed }: Options): Directory {
  // Copied: two simulators in one process share no user.
  const start = structuredClone(stored ?? { users: SEEDED_USERS, organizations: [ACME], invitations: [] })
  const users = new Map(start.users.map((user) => [user.id, user]))
  const organizations = new Map(start.organizations.map((organization) => [organization.id, organization]))
  const invitations = new Map(start.invitations.map((invitation) => [invitation.id, invitation]))
  return {
    ...createLookups(users, organizations),
    ...createUserChanges(users, { now, changed }),
    ...createOrganizationChanges({ users, organizations, invitations }, { now, changed }),
    invitations: () => [...invitations.values()],
    invite: (details) => {
      const invitation: Invitation = {
        id: `orginv_${randomId()}`,
        ...details,
        status: 'pending',
        createdAt: now(),
      }
      invitations.set(invitation.id, invitation)
      changed()
      return invitation
    },
    answerInvitation: (invitation, status) => {
      invitation.status = status
      changed()
    },
    stored: () => ({
      users: [...users.values()],
      organizations: [...organizations.values()],
      invitations: [...invitations.values()],
    }),
  }
}

function createLookups(users: Map<string, SimulatedUser>, organizations: Map<string, SimulatedOrganization>) {
  const byEmail = (email: string) =>
    [...users.values()].find((user) => user.email === email.trim().toLowerCase())
  return {
    users: () => [...users.values()],
    userById: (id: string) => users.get(id),
    userByEmail: byEmail,
    userByReference: (reference: string) =>
      [...users.values()].find((user) => user.name !== '' && user.name === reference) ??
      byEmail(reference) ??
      users.get(reference) ??
      stranger(reference),
    organizationById: (id: string) => organizations.get(id),
    organizationByReference: (reference: string) =>
      [...organizations.values()].find(({ id, slug }) => id === reference || slug === reference) ??
      unknownOrganization(reference),
    members: (organizationId: string) =>
      [...users.values()].flatMap((user) =>
        user.memberships
          .filter((membership) => membership.organizationId === organizationId)
          .map((membership) => ({ user, membership })),
      ),
  }
}

function createUserChanges(
  users: Map<string, SimulatedUser>,
  { now, changed }: { now: () => number; changed: () => void },
): Pick<Directory, 'addUser' | 'updateUser' | 'removeUser'> {
  return {
    addUser: ({ email, ...details }) => {
      const user: SimulatedUser = {
        id: `user_${randomId()}`,
        name: '',
        ...details,
        email: email.trim().toLowerCase(),
        password: null,
        memberships: [],
        startsIn: null,
        about: '',
        createdAt: now(),
        updatedAt: now(),
      }
      users.set(user.id, user)
      changed()
      return user
    },
    updateUser: (user, changes) => {
      Object.assign(user, changes, { updatedAt: now() })
      if (changes.passwordHash !== undefined) user.password = null
      changed()
    },
    removeUser: (user) => {
      users.delete(user.id)
      changed()
    },
  }
}

function createOrganizationChanges(
  held: {
    users: Map<string, SimulatedUser>
    organizations: Map<string, SimulatedOrganization>
    invitations: Map<string, Invitation>
  },
  { now, changed }: { now: () => number; changed: () => void },
): Pick<Directory, 'addOrganization' | 'updateOrganization' | 'removeOrganization' | 'join' | 'leave'> {
  const leave = (user: SimulatedUser, organizationId: string) => {
    user.memberships = user.memberships.filter((membership) => membership.organizationId !== organizationId)
    if (user.startsIn === organizationId) user.startsIn = null
    changed()
  }
  return {
    addOrganization: ({ name, slug, creator }) => {
      const organization = {
        id: `org_${randomId()}`,
        slug,
        name,
        createdBy: creator.id,
        createdAt: now(),
        updatedAt: now(),
      }
      held.organizations.set(organization.id, organization)
      changed()
      return organization
    },
    updateOrganization: (organization, changes) => {
      Object.assign(organization, changes, { updatedAt: now() })
      changed()
    },
    removeOrganization: ({ id }) => {
      held.organizations.delete(id)
      for (const user of held.users.values()) leave(user, id)
      for (const invitation of held.invitations.values()) {
        if (invitation.organizationId === id) held.invitations.delete(invitation.id)
      }
      changed()
    },
    join: (user, organizationId, role) => {
      const known = user.memberships.find((membership) => membership.organizationId === organizationId)
      const membership = known ?? { organizationId, role, createdAt: now() }
      membership.role = role
      if (!known) user.memberships.push(membership)
      changed()
      return membership
    },
    leave,
  }
}
