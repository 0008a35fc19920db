/**
 * Who exists in the simulated Clerk instance: users, their passwords and plans, organizations and memberships.
 * The four seeded users are the ones that the sign-in page lists and that tests name.
 */

/** The one password of every seeded user; it is shown on the sign-in page. */
export const SEEDED_PASSWORD = 'faregate'

/** An organization and the plan slug it is subscribed to. */
export type SimulatedOrganization = { id: string; slug: string; name: string; plan: string }

/** A user's place in an organization; the role is without Clerk's `org:` prefix. */
export type Membership = { organizationId: string; role: string }

/** A user, the plan slug they are subscribed to themselves, and where they start after signing in. */
export type SimulatedUser = {
  id: string
  /** Short name for tests and `/dev/token`; empty for users that only a token names. */
  name: string
  firstName: string
  lastName: string
  email: string
  password: string
  plan: string
  memberships: Membership[]
  /** The organization that is active right after sign-in, if any. */
  startsIn: string | null
  /** One line for the sign-in page. */
  about: string
}

/** Looks users and organizations up; later issues add to it. */
export type Directory = {
  users: () => SimulatedUser[]
  userById: (id: string) => SimulatedUser | undefined
  userByEmail: (email: string) => SimulatedUser | undefined
  /** By seeded name or id; any other `user_…` id is a user on the free plan. Undefined for other text. */
  userByReference: (reference: string) => SimulatedUser | undefined
  organizationById: (id: string) => SimulatedOrganization | undefined
  /** By slug or id; any other `org_…` id is an organization on Clerk's default plan. */
  organizationByReference: (reference: string) => SimulatedOrganization | undefined
}

const ACME: SimulatedOrganization = { id: 'org_acme', slug: 'acme', name: 'Acme', plan: 'team' }

const SEEDED_USERS: SimulatedUser[] = [
  seed('free', 'Ada', 'Lovelace', 'free_user', 'on the free plan'),
  seed('pro', 'Grace', 'Hopper', 'pro', 'on the pro plan'),
  {
    ...seed('team', 'Katherine', 'Johnson', 'free_user', 'in Acme, which has the team plan and pays'),
    memberships: [{ organizationId: ACME.id, role: 'admin' }],
    startsIn: ACME.id,
  },
  // The slug is that of a plan without an allowance: what this user has, somebody must have granted or sold.
  seed('broke', 'Charles', 'Babbage', 'pay_as_you_go', 'with no credits left'),
]

function seed(name: string, firstName: string, lastName: string, plan: string, about: string): SimulatedUser {
  return {
    id: `user_${name}`,
    name,
    firstName,
    lastName,
    email: `${firstName.toLowerCase()}@example.com`,
    password: SEEDED_PASSWORD,
    plan,
    memberships: [],
    startsIn: null,
    about,
  }
}

/** The seeded users and organizations. */
export function createDirectory(): Directory {
  const users = new Map(SEEDED_USERS.map((user) => [user.id, user]))
  const organizations = new Map([[ACME.id, ACME]])
  const named = (name: string) => [...users.values()].find((user) => user.name === name)
  return {
    users: () => [...users.values()],
    userById: (id) => users.get(id),
    userByEmail: (email) => [...users.values()].find((user) => user.email === email.trim().toLowerCase()),
    userByReference: (reference) =>
      named(reference) ?? users.get(reference) ?? (isId('user', reference) ? stranger(reference) : undefined),
    organizationById: (id) => organizations.get(id),
    organizationByReference: (reference) =>
      [...organizations.values()].find(({ id, slug }) => id === reference || slug === reference) ??
      (isId('org', reference) ? unknownOrganization(reference) : undefined),
  }
}

function isId(prefix: string, text: string): boolean {
  return new RegExp(`^${prefix}_[A-Za-z0-9_-]{1,64}$`).test(text)
}

function stranger(id: string): SimulatedUser {
  return { ...seed('', 'Some', 'One', 'free_user', ''), id, email: `${id}@example.com` }
}

function unknownOrganization(id: string): SimulatedOrganization {
  return { id, slug: id.slice('org_'.length).toLowerCase(), name: id, plan: 'free_org' }
}
