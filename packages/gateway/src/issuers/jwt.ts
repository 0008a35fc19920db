/**
 * Verifies one token against one issuer's rules: the order that every issuer here shares. What the text
 * alone can refuse comes first (token.ts), then the key, then the signature (jose, with the algorithm pinned
 * to the one that the guards let through); claims are handed on only when all of it held.
 */
import { compactVerify } from 'jose'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { KeySource } from './jwks.ts'
import { invalidToken, type Lifetime, type ParsedToken, parseToken, readLifetime } from './token.ts'

/** What one issuer accepts. */
export type TokenRules = {
  algorithms: readonly string[]
  lifetimeMaxSeconds: number
  clockSkewSeconds: number
  handles(issuerClaim: string): boolean
  /** Extra checks on header and claims that need no signature; they run before any key is fetched. */
  precheck?(token: ParsedToken): Refusal | null
  keys: KeySource
}

/** A token whose signature, issuer and times hold; `validUntil` in milliseconds, with the allowed skew. */
export type VerifiedToken = { claims: Record<string, unknown>; lifetime: Lifetime; validUntil: number }

/** Verifies a token. 401 for a bad one, 503 `identity_unavailable` when no key can be had to judge it. */
export async function verifyToken(
  token: string,
  rules: TokenRules,
  now: number,
): Promise<Result<VerifiedToken, Refusal>> {
  const parsed = parseToken(token)
  if (!parsed.ok) return parsed
  const { alg, kid, claims } = parsed.value
  if (!rules.algorithms.includes(alg)) {
    return invalidToken(`The token's algorithm is not accepted; ${rules.algorithms.join(', ')} is expected.`)
  }
  if (!rules.handles(parsed.value.issuer)) return invalidToken('The token comes from another issuer.')
  const lifetime = readLifetime(claims, rules, now)
  if (!lifetime.ok) return lifetime
  const objection = rules.precheck?.(parsed.value) ?? null
  if (objection !== null) return err(objection)

  const key = await rules.keys({ alg, kid }, now)
  if (!key.ok) return err(keyRefusal(key.error))
  if (!(await signatureHolds(token, alg, key.value))) {
    return invalidToken('The signature of the token does not hold. Get a fresh token and send it unchanged.')
  }
  const validUntil = (lifetime.value.expiresAt + rules.clockSkewSeconds) * 1000
  return ok({ claims, lifetime: lifetime.value, validUntil })
}

async function signatureHolds(token: string, alg: string, key: CryptoKey): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [alg] })
    return true
  } catch {
    // jose throws for a bad signature and for a key that is too weak or of another kind: none of it verifies.
    return false
  }
}

function keyRefusal(fault: { reason: 'unknown' } | { reason: 'unavailable'; retryAfterMs: number }): Refusal {
  if (fault.reason === 'unknown') {
    return refusal('invalid_token', 'The token is signed with a key that its issuer does not publish.')
  }
  return refusal(
    'identity_unavailable',
    'The identity provider cannot be reached to check the token. Try again in a moment.',
    { retryAfterMs: fault.retryAfterMs },
  )
}
