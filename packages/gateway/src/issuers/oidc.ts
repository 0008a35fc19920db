/**
 * Tokens of any OpenID Connect issuer (Better Auth, Supabase, Auth0, Keycloak, one's own): algorithms,
 * audience, lifetime and the places of plan, organization and role are the operator's to say, and all else
 * is checked as for Clerk. The `azp` claim is a client id here, not a web origin, so it is not compared.
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import { assert, ok, type Result } from '../core/result.ts'
import type { Fetch, Identity, Issuer } from '../ports.ts'
import { createJwksSource } from './jwks.ts'
import { type TokenRules, type VerifiedToken, verifyToken } from './jwt.ts'
import { invalidToken, isPlainText, isRecord, type ParsedToken } from './token.ts'

const claimLengthMax = 255
const asymmetric = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519)$/
const typesAccepted = ['jwt', 'at+jwt']

/** What the operator says about an issuer. */
export type OidcOptions = {
  /** The first part of its account ids: letters, digits, `-` and `_`, at most 32. */
  name: string
  /** The exact `iss` of its tokens, a URL. */
  issuer: string
  /** Where its keys are; by default what `<issuer>/.well-known/openid-configuration` says. */
  jwksUrl?: string | undefined
  /** The signature algorithms accepted, e.g. `['ES256']`; asymmetric ones only. */
  algorithms: readonly string[]
  /** One of these must be in the token's `aud`. */
  audience?: string | readonly string[] | undefined
  /** The longest life of a token that is accepted; 600 s by default. */
  tokenLifetimeMaxSeconds?: number | undefined
  clockSkewSeconds?: number | undefined
  /** Paths of claims, e.g. `app_metadata.plan`. */
  planClaim?: string | undefined
  organizationClaim?: string | undefined
  roleClaim?: string | undefined
  /** Who pays when a token names an organization. */
  payer: 'user' | 'organization'
  fetch: Fetch
  /** Keeps a read of the keys alive after its request (`waitUntil` on Workers). */
  keepAlive?: ((work: Promise<unknown>) => void) | undefined
  /** Told why a read of the keys failed, for the operator's log: an address and a reason, never a token. */
  onKeysFailure?: ((problem: string) => void) | undefined
}

/** An issuer over OpenID Connect. Throws when the options cannot be meant. */
export function createOidcIssuer(options: OidcOptions): Issuer {
  const { name, issuer, algorithms, jwksUrl, fetch, keepAlive, onKeysFailure } = options
  assert(/^[A-Za-z0-9_-]{1,32}$/.test(name), 'an issuer needs a name of letters, digits, - and _')
  assert(URL.canParse(issuer), `issuer ${name} needs its "iss" as a URL`)
  assert(algorithms.length > 0, `issuer ${name} needs at least one algorithm`)
  assert(
    algorithms.every((alg) => asymmetric.test(alg)),
    `issuer ${name} may use asymmetric algorithms only`,
  )

  const handles = (issuerClaim: string) => issuerClaim === issuer
  const rules: TokenRules = {
    algorithms,
    lifetimeMaxSeconds: options.tokenLifetimeMaxSeconds ?? 600,
    clockSkewSeconds: options.clockSkewSeconds ?? 5,
    handles,
    precheck: (token) => typeObjection(token) ?? audienceObjection(token.claims.aud, options.audience),
    keys: createJwksSource({
      location: jwksUrl === undefined ? { issuer } : { jwksUrl },
      fetch,
      keepAlive,
      onKeysFailure,
    }),
  }
  return {
    name,
    handles,
    async verify({ token }, now) {
      const verified = await verifyToken(token, rules, now)
      if (!verified.ok) return verified
      const identity = identityOf(options, verified.value)
      if (!identity.ok) return identity
      const { azp } = verified.value.claims
      return ok({
        identity: identity.value,
        expiresAt: verified.value.validUntil,
        azp: typeof azp === 'string' ? azp : null,
      })
    },
  }
}

function identityOf(options: OidcOptions, { claims, lifetime }: VerifiedToken): Result<Identity, Refusal> {
  const plan = textAt(claims, options.planClaim)
  if (!plan.ok) return plan
  const organization = textAt(claims, options.organizationClaim)
  if (!organization.ok) return organization
  const role = textAt(claims, options.roleClaim)
  if (!role.ok) return role

  const member = `${options.name}:user:${lifetime.subject}`
  const byOrganization = options.payer === 'organization' && organization.value !== null
  return ok({
    accountId: byOrganization ? `${options.name}:org:${organization.value}` : member,
    payer: byOrganization ? 'organization' : 'user',
    member,
    ...(plan.value === null ? {} : { planClaim: plan.value }),
    ...(byOrganization && role.value !== null ? { role: role.value } : {}),
  })
}

/** The text at a path of claims; null when the path is not configured or leads nowhere. */
function textAt(claims: Record<string, unknown>, path: string | undefined): Result<string | null, Refusal> {
  if (path === undefined) return ok(null)
  let value: unknown = claims
  for (const step of path.split('.')) {
    if (!isRecord(value) || !Object.hasOwn(value, step)) return ok(null)
    value = value[step]
  }
  if (value === null) return ok(null)
  if (isPlainText(value, claimLengthMax)) return ok(value)
  return invalidToken(`The token's claim "${path}" is not text of 1 to ${claimLengthMax} characters.`)
}

// An issuer signs other things too with the same key (a logout token, a DPoP proof): they say so in `typ`.
function typeObjection({ header }: ParsedToken): Refusal | null {
  const { typ } = header
  if (typ === undefined) return null
  const plain = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : ''
  if (typesAccepted.includes(plain)) return null
  return refusal('invalid_token', 'The token is of another type than an access or session token ("typ").')
}

function audienceObjection(aud: unknown, expected: string | readonly string[] | undefined): Refusal | null {
  if (expected === undefined) return null
  const accepted: readonly unknown[] = typeof expected === 'string' ? [expected] : expected
  const present: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (present.some((one) => typeof one === 'string' && accepted.includes(one))) return null
  return refusal('invalid_token', 'The token is meant for another audience ("aud").')
}
