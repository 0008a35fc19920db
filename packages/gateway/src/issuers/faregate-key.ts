/**
 * Faregate's own keys, for what a one-minute session token cannot serve: agents, cron jobs, command lines.
 * A key names its account, so that the account alone decides whether it still holds and no other look-up is
 * needed; only its hash is ever stored.
 *
 * Format: `fg_<base64url of the account id>_<43 characters: base64url of 32 random bytes>`. Base64url holds
 * `_` itself, so a key is read by fixed lengths from both ends, never by splitting.
 */
import { decodeBase64url, encodeBase64url, isCanonicalBase64url } from './base64url.ts'
import { type Sha256, webSha256 } from './sha256.ts'

const prefix = 'fg_'
const secretBytes = 32
const secretLength = 43
const accountIdLengthMax = 320

// What the issuers here can make: `clerk:user_…`, `clerk:org_…`, `<name>:user:…`, `<name>:org:…`.
const accountIdShape = /^[A-Za-z0-9_-]+:(?:user_|org_|user:|org:)[^\p{Cc}\p{Cs}]+$/u

/** What a key says about itself; `hash` is SHA-256 of the whole key, hexadecimal. */
export type ParsedFaregateKey = { accountId: string; hash: string }

/** Whether the text claims to be a Faregate key, well-formed or not. */
export function isFaregateKey(token: string): boolean {
  return token.startsWith(prefix)
}

/** Makes a key for an account: shown once; the account keeps `hash`. Throws for what is no account id. */
export async function createFaregateKey(
  accountId: string,
  sha256: Sha256 = webSha256,
): Promise<{ key: string; hash: string }> {
  if (!isAccountId(accountId)) throw new Error('a Faregate key needs the id of an account')
  const secret = encodeBase64url(crypto.getRandomValues(new Uint8Array(secretBytes)))
  const key = `${prefix}${encodeBase64url(new TextEncoder().encode(accountId))}_${secret}`
  return { key, hash: await sha256(key) }
}

/** Reads a key; null when it is not one. Says nothing about whether its account knows the key. */
export async function parseFaregateKey(
  token: string,
  sha256: Sha256 = webSha256,
): Promise<ParsedFaregateKey | null> {
  const separator = token.length - secretLength - 1
  if (!isFaregateKey(token) || separator <= prefix.length || token.charAt(separator) !== '_') return null
  if (!isCanonicalBase64url(token.slice(separator + 1))) return null
  const bytes = decodeBase64url(token.slice(prefix.length, separator))
  if (bytes === null) return null
  const accountId = decodeUtf8(bytes)
  if (accountId === null || !isAccountId(accountId)) return null
  return { accountId, hash: await sha256(token) }
}

/** Who pays for an account: `organization` for `clerk:org_…` and `<name>:org:…`. */
export function payerOf(accountId: string): 'user' | 'organization' {
  return /^[^:]+:org[_:]/.test(accountId) ? 'organization' : 'user'
}

/** Whether the text can be an account's id, as the issuers here make them. */
export function isAccountId(text: string): boolean {
  return text.length <= accountIdLengthMax && accountIdShape.test(text)
}

function decodeUtf8(bytes: Uint8Array<ArrayBuffer>): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}
