/** Clerk's session tokens, version 2, as its Frontend API mints them: RS256, one minute, signed by the instance. */
import { randomBytes } from 'node:crypto'
import type { Directory, SimulatedOrganization, SimulatedUser } from './directory.ts'
import type { SigningKeys } from './keys.ts'

/** How long a session token lives, in seconds. */
export const TOKEN_LIFE_SECONDS = 60

/** Clerk tags the class of a token in its header; handshake tokens carry the same tag. */
const SESSION_TOKEN_CATEGORY = 'cl_B7d4PD111AAA'

/** What a token is to say. Everything may be left out. */
export type TokenRequest = {
  /** A seeded name ('free', 'pro', 'team', 'broke'), an email address or any `user_…` id. Default: 'free'. */
  user?: string | undefined
  /** A plan slug, or a whole `pla` claim if it holds a colon. Default: the plan of whoever pays. */
  plan?: string | undefined
  /** A slug or any `org_…` id; null for none. Default: the one the user starts in. */
  organization?: string | null | undefined
  /** Claims and header parameters to set; `undefined` takes one away. */
  overrides?: { claims?: Record<string, unknown>; header?: Record<string, unknown> } | undefined
}

/** A session, as far as its token tells of it. */
export type TokenSession = {
  sessionId: string
  user: SimulatedUser
  organization: SimulatedOrganization | undefined
  /** Origin of the page that asked, or the app's. */
  authorizedParty: string
  /** When the password was checked, in ms. */
  signedInAt: number
  plan?: string | undefined
}

/** Mints tokens for the directory's users. */
export type TokenMinter = {
  /** A token for tests and tools; throws for a user or organization that cannot be. */
  mint: (request: TokenRequest) => string
  /** The token of a signed-in browser. */
  forSession: (session: TokenSession) => string
  /** The token in which a handshake hands its cookies back to the app. */
  handshake: (cookies: string[]) => string
}

/** Makes the minter of one simulated instance. */
export function createTokenMinter(options: {
  keys: SigningKeys
  directory: Directory
  /** The plan of whoever pays, by user or organization id; undefined where tokens tell of no plan. */
  planSlug: (payerId: string) => string | undefined
  issuer: () => string
  appUrl: string
  now: () => number
}): TokenMinter {
  const { keys, directory, now } = options
  const header = () => ({
    alg: 'RS256',
    cat: SESSION_TOKEN_CATEGORY,
    kid: keys.currentKeyId(),
    typ: 'JWT',
  })
  const claims = (session: TokenSession) => ({
    ...sessionClaims(session, options.issuer(), now()),
    ...planClaim(session, session.plan ?? options.planSlug((session.organization ?? session.user).id)),
  })
  return {
    mint: ({ user = 'free', organization, plan, overrides }) => {
      const who = directory.userByReference(user)
      if (!who) throw new Error(`no user '${user}': give a seeded name or an id that starts with user_`)
      const reference = organization === undefined ? who.startsIn : organization
      const payer = reference ? directory.organizationByReference(reference) : undefined
      if (reference && !payer) throw new Error(`no organization '${reference}': give a slug or an org_ id`)
      const session = {
        sessionId: `sess_${randomBytes(12).toString('hex')}`,
        user: who,
        organization: payer,
        authorizedParty: new URL(options.appUrl).origin,
        signedInAt: now(),
        plan,
      }
      return keys.sign({ ...header(), ...overrides?.header }, { ...claims(session), ...overrides?.claims })
    },
    forSession: (session) => keys.sign(header(), claims(session)),
    handshake: (cookies) => keys.sign(header(), { handshake: cookies }),
  }
}

function sessionClaims(session: TokenSession, issuer: string, now: number): Record<string, unknown> {
  const issuedAt = Math.floor(now / 1000)
  const { organization, user } = session
  const role = user.memberships.find((member) => member.organizationId === organization?.id)?.role ?? 'admin'
  return {
    azp: session.authorizedParty,
    exp: issuedAt + TOKEN_LIFE_SECONDS,
    fva: [Math.floor((now - session.signedInAt) / 60_000), -1],
    iat: issuedAt,
    iss: issuer,
    jti: randomBytes(10).toString('hex'),
    nbf: issuedAt - 10,
    ...(organization ? { o: { id: organization.id, rol: role, slg: organization.slug } } : {}),
    sid: session.sessionId,
    sts: 'active',
    sub: user.id,
    v: 2,
  }
}

/** Clerk puts the payer's scope before the slug; without Billing there is no such claim. */
function planClaim({ organization }: TokenSession, plan: string | undefined): { pla?: string } {
  if (plan === undefined) return {}
  return { pla: plan.includes(':') ? plan : `${organization ? 'o' : 'u'}:${plan}` }
}
