/**
 * Clerk's session tokens. Everything that `verifyToken()` of Clerk's own SDK lets through is refused here
 * when it is no session of a user: JWT templates, machine and OAuth tokens, pending sessions, impersonation,
 * tokens of another web origin, tokens that live too long.
 *
 * Keys come from the instance's JWKS, or with `jwtKey` from the operator's environment and no network at all.
 */
import { importSPKI } from 'jose'
import { type Refusal, refusal } from '../core/refusal.ts'
import { assert, err, ok, type Result } from '../core/result.ts'
import type { Fetch, Identity, Issuer } from '../ports.ts'
import { activeOrganization, planOf, sessionObjection, standingObjection } from './clerk-claims.ts'
import { parseJwtKey, parsePublishableKey } from './clerk-keys.ts'
import { createJwksSource, type KeySource } from './jwks.ts'
import { type TokenRules, type VerifiedToken, verifyToken } from './jwt.ts'

export { parseJwtKey, parsePublishableKey } from './clerk-keys.ts'

const name = 'clerk'
const lifetimeMaxSeconds = 600
const clockSkewSeconds = 5

/** What the operator says about their Clerk instance. One of the first four names its keys. */
export type ClerkOptions = {
  /** `pk_test_…` or `pk_live_…`: gives the issuer and the JWKS URL. */
  publishableKey?: string | undefined
  /** The instance's JWT public key (PEM; literal `\n` and one line accepted): no network then. */
  jwtKey?: string | undefined
  /** The exact `iss`, where it is not the publishable key's host (a proxied Frontend API). */
  issuer?: string | undefined
  jwksUrl?: string | undefined
  /** The web origins whose tokens are accepted, e.g. `https://app.example.com`. */
  authorizedParties: readonly string[]
  /** Who pays while an organization is active. */
  payer: 'user' | 'organization'
  /** Accept tokens of someone who is signed in as the user (`act`). */
  allowImpersonation?: boolean | undefined
  fetch: Fetch
  /** Keeps a read of the keys alive after its request (`waitUntil` on Workers). */
  keepAlive?: ((work: Promise<unknown>) => void) | undefined
  /** Told why a read of the keys failed, for the operator's log: an address and a reason, never a token. */
  onKeysFailure?: ((problem: string) => void) | undefined
}

/** An issuer for one Clerk instance. Throws when its keys cannot be read or none is given. */
export function createClerkIssuer(options: ClerkOptions): Issuer {
  const issuer = issuerOf(options)
  // A pinned key belongs to one instance, so that any issuer it signs for is that instance.
  const handles = (claim: string) => (issuer === null ? isHttps(claim) : claim === issuer)
  const authorizedParties = options.authorizedParties.map((party) => party.replace(/\/+$/, ''))
  const rules: TokenRules = {
    algorithms: ['RS256', 'RS384', 'RS512'],
    lifetimeMaxSeconds,
    clockSkewSeconds,
    handles,
    precheck: sessionObjection,
    keys: keysOf(options, issuer),
  }
  return {
    name,
    handles,
    async verify({ token, origin }, now) {
      const verified = await verifyToken(token, rules, now)
      if (!verified.ok) return verified
      const { claims, validUntil } = verified.value
      const party = checkParty(claims.azp, origin, authorizedParties)
      if (!party.ok) return party
      const objection = standingObjection(claims, options.allowImpersonation ?? false)
      if (objection !== null) return err(objection)
      const identity = identityOf(verified.value, options.payer)
      return identity.ok
        ? ok({ identity: identity.value, expiresAt: validUntil, azp: party.value })
        : identity
    },
  }
}

function issuerOf({ issuer, publishableKey, jwtKey }: ClerkOptions): string | null {
  if (issuer !== undefined) return issuer
  if (publishableKey !== undefined) {
    const parsed = parsePublishableKey(publishableKey)
    assert(parsed.ok, 'CLERK_PUBLISHABLE_KEY is not a Clerk publishable key')
    return `https://${parsed.value.frontendApi}`
  }
  assert(jwtKey !== undefined, 'Clerk needs a publishable key, a JWT key or an issuer')
  return null
}

function keysOf(options: ClerkOptions, issuer: string | null): KeySource {
  const { jwtKey, jwksUrl, fetch, keepAlive, onKeysFailure } = options
  if (jwtKey !== undefined) return pinnedKey(jwtKey)
  assert(issuer !== null, 'Clerk needs an issuer where no JWT key is given')
  const url = jwksUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`
  return createJwksSource({ location: { jwksUrl: url }, fetch, keepAlive, onKeysFailure })
}

/** One key for every token, whatever its `kid`. */
function pinnedKey(jwtKey: string): KeySource {
  const pem = parseJwtKey(jwtKey)
  assert(pem.ok, 'CLERK_JWT_KEY is not an RSA public key in PEM')
  const imported = new Map<string, Promise<CryptoKey>>()
  return async ({ alg }) => {
    const key = imported.get(alg) ?? importSPKI(pem.value, alg)
    imported.set(alg, key)
    try {
      return ok(await key)
    } catch {
      // The operator's key is broken: nobody can say whether the token is good.
      return err({ reason: 'unavailable', retryAfterMs: 60_000 })
    }
  }
}

/**
 * Holds the token's `azp` (the web origin that it was made for) against the request. A browser names its
 * `Origin`, so there `azp` must be the same and listed; servers and phones send none, and their tokens may
 * lack `azp`, but one that is there must be listed where the operator has a list.
 */
function checkParty(
  azp: unknown,
  origin: string | null,
  authorizedParties: readonly string[],
): Result<string | null, Refusal> {
  const party = azp ?? null
  const refused = (message: string) => err(refusal('invalid_token', message))
  if (party !== null && typeof party !== 'string') return refused('The token\'s "azp" cannot be read.')
  const listed = authorizedParties.length === 0 || (party !== null && authorizedParties.includes(party))
  if (party !== null && !listed) {
    return refused('The token was made for a web origin that is not in identity.authorizedParties.')
  }
  if (origin !== null && party !== origin) {
    return refused('The token was not made for the web origin that sends it ("azp"). Sign in there.')
  }
  return ok(party)
}

function identityOf(
  { claims, lifetime }: VerifiedToken,
  payer: 'user' | 'organization',
): Result<Identity, Refusal> {
  const organization = activeOrganization(claims)
  if (!organization.ok) return organization
  const member = `${name}:${lifetime.subject}`
  const paying = payer === 'organization' ? organization.value : null
  // The plan is the payer's own: a team's plan must not give each of its members the team's allowance.
  const plan = planOf(claims.pla, paying === null ? 'u' : 'o')
  if (!plan.ok) return plan
  return ok({
    accountId: paying === null ? member : `${name}:${paying.id}`,
    payer: paying === null ? 'user' : 'organization',
    member,
    ...(plan.value === null ? {} : { planClaim: plan.value }),
    ...(paying === null || paying.role === null ? {} : { role: paying.role }),
  })
}

function isHttps(claim: string): boolean {
  return URL.canParse(claim) && new URL(claim).protocol === 'https:'
}
