/**
 * Reads a JSON Web Token before anything is trusted, verified or fetched. Everything that can be refused
 * from the text alone is refused here: size, shape, sloppy base64url, algorithms that are not pinned, headers
 * that bring their own key, and times that have passed. So junk costs no signature check and no request.
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { decodeBase64url, isCanonicalBase64url } from './base64url.ts'

/** The longest token that is looked at, in characters (a Clerk session token is under 4 KiB). */
export const tokenLengthMax = 8192

const subjectLengthMax = 255
const issuerLengthMax = 1024
const keyIdLengthMax = 256

// They would let a token choose its own key, or demand rules that nobody here knows.
const headersRefused = ['crit', 'jku', 'jwk', 'x5u', 'x5c']

/** A token's parts as they stand, nothing verified. */
export type ParsedToken = {
  alg: string
  kid: string | undefined
  header: Record<string, unknown>
  claims: Record<string, unknown>
  /** The `iss` claim. */
  issuer: string
}

/** The registered claims that every token must have, in whole seconds since 1970. */
export type Lifetime = { subject: string; issuedAt: number; expiresAt: number }

/** A refusal of the token itself. */
export function invalidToken(message: string): { ok: false; error: Refusal } {
  return err(refusal('invalid_token', message))
}

/** Takes a token apart, strictly. Nothing in the result may be believed before the signature was checked. */
export function parseToken(token: string): Result<ParsedToken, Refusal> {
  if (token.length > tokenLengthMax) {
    return invalidToken(`The token is longer than ${tokenLengthMax} characters. Keep custom claims small.`)
  }
  const foreign = foreignCredential(token)
  if (foreign !== null) return invalidToken(foreign)
  const parts = token.split('.')
  const [head, body, signature] = parts
  if (parts.length !== 3 || !head || !body || !signature) {
    return invalidToken('This is not a session token: it must have three parts divided by dots.')
  }
  const header = decodeJson(head)
  const claims = decodeJson(body)
  if (header === null || claims === null || !isCanonicalBase64url(signature)) {
    return invalidToken('The token is damaged: its parts are not unpadded base64url of JSON objects.')
  }
  const { alg, kid } = header
  if (typeof alg !== 'string') return invalidToken('The token names no algorithm.')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > keyIdLengthMax)) {
    return invalidToken('The token names its key in a way that cannot be read.')
  }
  const refused = headersRefused.find((name) => Object.hasOwn(header, name))
  if (refused !== undefined)
    return invalidToken(`The token's header has "${refused}", which is not accepted.`)
  const issuer = claims.iss
  if (typeof issuer !== 'string' || issuer === '' || issuer.length > issuerLengthMax) {
    return invalidToken('The token does not say who issued it ("iss").')
  }
  return ok({ alg, kid, header, claims, issuer })
}

/** Checks the subject and the times against `now` (ms). Tells apart what has expired from what is invalid. */
export function readLifetime(
  claims: Record<string, unknown>,
  rule: { lifetimeMaxSeconds: number; clockSkewSeconds: number },
  now: number,
): Result<Lifetime, Refusal> {
  const { sub, iat, exp, nbf } = claims
  if (!isPlainText(sub, subjectLengthMax)) {
    return invalidToken(`The token names no subject ("sub") of 1 to ${subjectLengthMax} characters.`)
  }
  if (!isSeconds(iat) || !isSeconds(exp) || (nbf !== undefined && !isSeconds(nbf))) {
    return invalidToken('The token needs "iat" and "exp", and "nbf" if there is one, in whole seconds.')
  }
  if (exp <= iat || exp - iat > rule.lifetimeMaxSeconds) {
    return invalidToken(
      `The token lives for ${exp - iat} seconds; between 1 and ${rule.lifetimeMaxSeconds} are accepted.`,
    )
  }
  const skewMs = rule.clockSkewSeconds * 1000
  if (now >= exp * 1000 + skewMs) {
    return err(
      refusal('token_expired', 'The token has expired. Get a fresh one (getToken()) for each request.'),
    )
  }
  if (iat * 1000 > now + skewMs) return invalidToken('The token was issued in the future: check the clocks.')
  if (nbf !== undefined && nbf * 1000 > now + skewMs)
    return invalidToken('The token is not valid yet ("nbf").')
  return ok({ subject: sub, issuedAt: iat, expiresAt: exp })
}

/** Whether a value is text of 1 to `lengthMax` characters with no control characters or broken surrogates. */
export function isPlainText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length <= lengthMax && /^[^\p{Cc}\p{Cs}]+$/u.test(value)
}

/** Whether a parsed JSON value is an object, not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function decodeJson(part: string): Record<string, unknown> | null {
  const bytes = decodeBase64url(part)
  if (bytes === null) return null
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    )
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

// The credentials that people send by mistake, by their published prefixes, with the remedy.
const foreignPrefixes: readonly (readonly [prefix: string, name: string])[] = [
  ['ak_', 'a Clerk API key'],
  ['mt_', 'a Clerk machine-to-machine token'],
  ['oat_', 'an OAuth access token'],
  ['sk_live_', "your identity or billing provider's secret key, which must never leave your server"],
  ['sk_test_', "your identity or billing provider's secret key, which must never leave your server"],
  ['pk_live_', 'a publishable key'],
  ['pk_test_', 'a publishable key'],
  ['sk-', "a model provider's key, which belongs in the gateway's environment and nowhere else"],
]

function foreignCredential(token: string): string | null {
  const found = foreignPrefixes.find(([prefix]) => token.startsWith(prefix))
  if (found === undefined) return null
  return `This is ${found[1]}. Send the user's session token (getToken()) or a Faregate key (fg_…) instead.`
}
