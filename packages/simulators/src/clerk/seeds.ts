/** The users and the organization that exist before anybody signs up, and the plans that they are on. */
import type { SimulatedOrganization, SimulatedUser } from './directory.ts'

/** The one password of every seeded user; it is shown on the sign-in page. */
export const SEEDED_PASSWORD = 'faregate'

/** When the seeds came to be: in the past of every test's clock. */
const SEEDED_AT = Date.UTC(2026, 0, 1)

/** The seeded organization. */
export const ACME: SimulatedOrganization = {
  id: 'org_acme',
  slug: 'acme',
  name: 'Acme',
  createdBy: 'user_team',
  createdAt: SEEDED_AT,
  updatedAt: SEEDED_AT,
}

/** The seeded users. */
export const SEEDED_USERS: SimulatedUser[] = [
  seed('free', 'Ada', 'Lovelace', 'on the free plan'),
  seed('pro', 'Grace', 'Hopper', 'on the pro plan'),
  {
    ...seed('team', 'Katherine', 'Johnson', 'in Acme, which has the team plan and pays'),
    memberships: [{ organizationId: ACME.id, role: 'admin', createdAt: SEEDED_AT }],
    startsIn: ACME.id,
  },
  seed('broke', 'Charles', 'Babbage', 'with no credits left'),
]

/** Plan slugs of seeded payers that are on another plan than Clerk's default one. */
export const SEEDED_PLANS: Record<string, string> = {
  user_pro: 'pro',
  // A plan without an allowance: what this user has, somebody must have granted or sold.
  user_broke: 'pay_as_you_go',
  [ACME.id]: 'team',
}

/** A user whom only a token names; undefined for what is no user's id. */
export function stranger(id: string): SimulatedUser | undefined {
  if (!isId('user', id)) return undefined
  return { ...seed('', 'Some', 'One', ''), id, email: `${id}@example.com` }
}

/** An organization that only a token names; undefined for what is no organization's id. */
export function unknownOrganization(id: string): SimulatedOrganization | undefined {
  if (!isId('org', id)) return undefined
  return { ...ACME, id, slug: id.slice('org_'.length).toLowerCase(), name: id, createdBy: null }
}

function seed(name: string, firstName: string, lastName: string, about: string): SimulatedUser {
  return {
    id: `user_${name}`,
    name,
    firstName,
    lastName,
    email: `${firstName.toLowerCase()}@example.com`,
    password: SEEDED_PASSWORD,
    passwordHash: null,
    memberships: [],
    startsIn: null,
    about,
    createdAt: SEEDED_AT,
    updatedAt: SEEDED_AT,
  }
}

function isId(prefix: string, text: string): boolean {
  return new RegExp(`^${prefix}_[A-Za-z0-9_-]{1,64}$`).test(text)
}
