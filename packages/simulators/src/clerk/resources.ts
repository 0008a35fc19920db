/** The JSON that Clerk's Frontend API answers with, in the shapes that `@clerk/clerk-js` 6 reads. */
import type { Browser, BrowserSession, SignInAttempt } from './browsers.ts'
import type { SimulatedOrganization, SimulatedUser } from './directory.ts'

const SESSION_LIFE_MS = 7 * 24 * 3_600_000

/** An organization and the user's role there. */
export type ResolvedMembership = { organization: SimulatedOrganization; role: string }

/** An error as Clerk's components show it; `param` puts it under its field. */
export type FrontendApiError = { status: number; code: string; message: string; param?: string }

/** Clerk's error body. */
export function errorBody(error: FrontendApiError): object {
  const { code, message, param } = error
  return {
    errors: [{ code, message, long_message: message, ...(param ? { meta: { param_name: param } } : {}) }],
    clerk_trace_id: 'simulated',
  }
}

/** A user with email, password and organizations. */
export function userResource(user: SimulatedUser, memberships: ResolvedMembership[], at: number): object {
  const emailId = `idn_${user.id.slice('user_'.length)}`
  return {
    id: user.id,
    object: 'user',
    external_id: null,
    primary_email_address_id: emailId,
    primary_phone_number_id: null,
    primary_web3_wallet_id: null,
    image_url: '',
    has_image: false,
    username: null,
    email_addresses: [
      {
        id: emailId,
        object: 'email_address',
        email_address: user.email,
        verification: { status: 'verified', strategy: 'admin' },
        linked_to: [],
        matches_sso_connection: false,
      },
    ],
    phone_numbers: [],
    web3_wallets: [],
    external_accounts: [],
    enterprise_accounts: [],
    passkeys: [],
    organization_memberships: memberships.map((membership) => membershipResource(user, membership, at)),
    password_enabled: true,
    profile_image_id: '',
    first_name: user.firstName,
    last_name: user.lastName,
    totp_enabled: false,
    backup_code_enabled: false,
    two_factor_enabled: false,
    public_metadata: {},
    unsafe_metadata: {},
    last_sign_in_at: at,
    create_organization_enabled: false,
    create_organizations_limit: null,
    delete_self_enabled: false,
    legal_accepted_at: null,
    timezone: null,
    updated_at: at,
    created_at: at,
  }
}

/** What others see of a user. */
export function publicUserData(user: SimulatedUser): object {
  return {
    first_name: user.firstName,
    last_name: user.lastName,
    image_url: '',
    has_image: false,
    identifier: user.email,
    user_id: user.id,
  }
}

/** A user's membership, with its organization. */
export function membershipResource(user: SimulatedUser, membership: ResolvedMembership, at: number): object {
  const { organization, role } = membership
  return {
    id: `orgmem_${organization.id}_${user.id}`,
    object: 'organization_membership',
    organization: {
      id: organization.id,
      object: 'organization',
      image_url: '',
      has_image: false,
      name: organization.name,
      slug: organization.slug,
      public_metadata: {},
      created_at: at,
      updated_at: at,
      members_count: 1,
      pending_invitations_count: 0,
      admin_delete_enabled: false,
      max_allowed_memberships: 5,
    },
    permissions: [],
    public_metadata: {},
    public_user_data: publicUserData(user),
    role: `org:${role}`,
    role_name: role,
    created_at: at,
    updated_at: at,
  }
}

/** A session with the token that the browser is to use next. */
export function sessionResource(options: {
  session: BrowserSession
  user: SimulatedUser
  memberships: ResolvedMembership[]
  token: string
  now: number
}): object {
  const { session, user, now } = options
  return {
    id: session.id,
    object: 'session',
    status: 'active',
    factor_verification_age: [Math.floor((now - session.createdAt) / 60_000), -1],
    expire_at: session.createdAt + SESSION_LIFE_MS,
    abandon_at: session.createdAt + 4 * SESSION_LIFE_MS,
    last_active_at: session.lastActiveAt,
    last_active_token: tokenResource(options.token),
    last_active_organization_id: session.organizationId,
    actor: null,
    tasks: null,
    user: userResource(user, options.memberships, session.createdAt),
    public_user_data: publicUserData(user),
    created_at: session.createdAt,
    updated_at: session.lastActiveAt,
  }
}

/** A session token. */
export function tokenResource(token: string): { object: 'token'; jwt: string } {
  return { object: 'token', jwt: token }
}

/** A sign-in by password, waiting for it or complete. */
export function signInResource(
  attempt: SignInAttempt,
  user: SimulatedUser,
  createdSessionId: string | null,
): object {
  return {
    id: attempt.id,
    object: 'sign_in',
    status: createdSessionId ? 'complete' : 'needs_first_factor',
    supported_identifiers: ['email_address'],
    identifier: user.email,
    user_data: { first_name: user.firstName, last_name: user.lastName, image_url: '', has_image: false },
    supported_first_factors: [{ strategy: 'password' }],
    supported_second_factors: null,
    first_factor_verification: null,
    second_factor_verification: null,
    created_session_id: createdSessionId,
    timezone: null,
  }
}

/** A browser's client: its session if it has one, and the sign-in under way. */
export function clientResource(browser: Browser, session: object | null, signIn: object | null): object {
  return {
    id: browser.clientId,
    object: 'client',
    sessions: session ? [session] : [],
    sign_in: signIn,
    sign_up: null,
    last_active_session_id: browser.session?.id ?? null,
    last_authentication_strategy: null,
    cookie_expires_at: null,
    captcha_bypass: true,
    created_at: browser.createdAt,
    // clerk-js makes __client_uat of it; newer than the token's iat means a handshake on every page.
    updated_at: browser.updatedAt,
  }
}
