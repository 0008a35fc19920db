/** The JSON that Clerk's Frontend API answers with, in the shapes that `@clerk/clerk-js` 6 reads. */
import type { Browser, BrowserSession, SignInAttempt, SignUpAttempt } from './browsers.ts'
import type { SimulatedUser } from './directory.ts'
import {
  imageUrlOf,
  membershipResource,
  publicUserData,
  type ResolvedMembership,
} from './organization-resources.ts'

const SESSION_LIFE_MS = 7 * 24 * 3_600_000

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
export function userResource(user: SimulatedUser, memberships: ResolvedMembership[]): object {
  const emailId = `idn_${user.id.slice('user_'.length)}`
  return {
    id: user.id,
    object: 'user',
    external_id: null,
    primary_email_address_id: emailId,
    primary_phone_number_id: null,
    primary_web3_wallet_id: null,
    image_url: imageUrlOf(user),
    has_image: false,
    username: null,
    email_addresses: [
      {
        id: emailId,
        object: 'email_address',
        email_address: user.email,
        reserved: false,
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
    organization_memberships: memberships.map((membership) => membershipResource(user, membership)),
    password_enabled: true,
    profile_image_id: '',
    first_name: user.firstName,
    last_name: user.lastName,
    totp_enabled: false,
    backup_code_enabled: false,
    two_factor_enabled: false,
    public_metadata: {},
    unsafe_metadata: {},
    last_sign_in_at: user.updatedAt,
    create_organization_enabled: true,
    create_organizations_limit: null,
    delete_self_enabled: true,
    legal_accepted_at: null,
    locale: null,
    timezone: null,
    updated_at: user.updatedAt,
    created_at: user.createdAt,
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
    user: userResource(user, options.memberships),
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
    user_data: {
      first_name: user.firstName,
      last_name: user.lastName,
      image_url: imageUrlOf(user),
      has_image: false,
    },
    supported_first_factors: [{ strategy: 'password' }],
    supported_second_factors: null,
    first_factor_verification: null,
    second_factor_verification: null,
    created_session_id: createdSessionId,
    timezone: null,
  }
}

/** A sign-up: complete with the session that it made, or else what it still owes. */
export function signUpResource(
  attempt: SignUpAttempt,
  created: { userId: string; sessionId: string } | null = null,
): object {
  const missing = [
    ...(attempt.email ? [] : ['email_address']),
    ...(attempt.passwordHash || created ? [] : ['password']),
  ]
  return {
    id: attempt.id,
    object: 'sign_up',
    status: created ? 'complete' : 'missing_requirements',
    required_fields: ['email_address', 'password'],
    optional_fields: ['first_name', 'last_name'],
    missing_fields: missing,
    // Nothing is sent, so nothing is to be verified: the environment says so too.
    unverified_fields: [],
    verifications: { email_address: null, phone_number: null, web3_wallet: null, external_account: null },
    username: null,
    first_name: attempt.firstName,
    last_name: attempt.lastName,
    email_address: attempt.email,
    phone_number: null,
    web3_wallet: null,
    external_account_strategy: null,
    external_account: null,
    has_password: attempt.passwordHash !== null,
    unsafe_metadata: {},
    created_session_id: created?.sessionId ?? null,
    created_user_id: created?.userId ?? null,
    abandon_at: null,
    legal_accepted_at: null,
    locale: null,
    timezone: null,
  }
}

/** A browser's client: its session if it has one, and the sign-in or sign-up under way. */
export function clientResource(
  browser: Browser,
  parts: { session: object | null; signIn: object | null; signUp: object | null },
): object {
  return {
    id: browser.clientId,
    object: 'client',
    sessions: parts.session ? [parts.session] : [],
    sign_in: parts.signIn,
    sign_up: parts.signUp,
    last_active_session_id: browser.session?.id ?? null,
    last_authentication_strategy: null,
    cookie_expires_at: null,
    captcha_bypass: true,
    created_at: browser.createdAt,
    // clerk-js makes __client_uat of it; newer than the token's iat means a handshake on every page.
    updated_at: browser.updatedAt,
  }
}
