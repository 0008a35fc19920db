/**
 * From a request's headers to who is calling and who pays. Verified tokens are kept, by the SHA-256 of the
 * whole token and the web origin that sent it, for as long as they hold: a prefix as key let one user be
 * another elsewhere (LiteLLM CVE-2026-35030), and a key without the origin would let a page use a token that
 * was made for another. Refusals are never kept, and no token is.
 *
 * Whether a Faregate key still holds is not decided here but by its account, inside `reserve`.
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import { assert, err, ok, type Result } from '../core/result.ts'
import type { Authenticate, Identity, Issuer } from '../ports.ts'
import { isFaregateKey, parseFaregateKey, payerOf } from './faregate-key.ts'
import { type Sha256, webSha256 } from './sha256.ts'
import { invalidToken, parseToken, tokenLengthMax } from './token.ts'

const originLengthMax = 512
// No issuer publishes this name; one that handles it handles every issuer, and must be asked last.
const anyIssuer = 'https://any.invalid'
const howToSend = 'Send a session token or a Faregate key as "Authorization: Bearer <token>".'

export type AuthenticatorOptions = {
  issuers: readonly Issuer[]
  /** The most verified tokens that are kept; the oldest go first. 10,000 by default. */
  cacheSize?: number | undefined
  /** A faster SHA-256 where the runtime has one; Web Crypto by default. */
  sha256?: Sha256 | undefined
}

type Verified = { identity: Identity; expiresAt: number }

type Authenticator = {
  issuers: readonly Issuer[]
  cacheSize: number
  sha256: Sha256
  verified: Map<string, Verified>
}

/** Makes the pipeline's first step. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { issuers, cacheSize = 10_000, sha256 = webSha256 } = options
  assert(cacheSize >= 0, 'the cache of verified tokens has a size')
  const authenticator: Authenticator = {
    issuers: issuers.toSorted((a, b) => Number(a.handles(anyIssuer)) - Number(b.handles(anyIssuer))),
    cacheSize,
    sha256,
    verified: new Map(),
  }
  return (headers, now) => authenticate(authenticator, headers, now)
}

async function authenticate(
  authenticator: Authenticator,
  headers: Headers,
  now: number,
): Promise<Result<Identity, Refusal>> {
  const found = tokenOf(headers)
  if (!found.ok) return found
  const token = found.value
  if (isFaregateKey(token)) return keyIdentity(token, authenticator.sha256)

  const origin = headers.get('origin')
  const hash = await authenticator.sha256(token)
  const cacheKey = origin === null ? hash : `${hash} ${origin}`
  const known = authenticator.verified.get(cacheKey)
  if (known !== undefined && now < known.expiresAt) return ok(known.identity)
  // Verified anew, so that what has expired is told as such.
  if (known !== undefined) authenticator.verified.delete(cacheKey)

  const verified = await verify(authenticator.issuers, { token, origin }, now)
  if (!verified.ok) return verified
  const { identity, expiresAt } = verified.value
  if ((origin?.length ?? 0) <= originLengthMax) {
    remember(authenticator, cacheKey, { identity: Object.freeze(identity), expiresAt })
  }
  return ok(identity)
}

/** The one token of a request, from any of the three headers that SDKs use. */
function tokenOf(headers: Headers): Result<string, Refusal> {
  const authorization = headers.get('authorization')?.trim() ?? ''
  const bearer = /^bearer(?:\s+(.*))?$/i.exec(authorization)
  if (authorization !== '' && bearer === null) {
    return invalidToken(`The Authorization header is of another scheme than Bearer. ${howToSend}`)
  }
  const sent = [bearer?.[1], headers.get('x-api-key'), headers.get('x-goog-api-key')]
  const tokens = new Set(sent.map((token) => token?.trim() ?? '').filter((token) => token !== ''))
  const [token] = tokens
  if (token === undefined) {
    return invalidToken(`No token was sent; a user who is signed out has none. ${howToSend}`)
  }
  if (tokens.size > 1) return invalidToken(`Two different tokens were sent. ${howToSend}`)
  if (token.length > tokenLengthMax)
    return invalidToken(`The token is longer than ${tokenLengthMax} characters.`)
  return ok(token)
}

async function keyIdentity(token: string, sha256: Sha256): Promise<Result<Identity, Refusal>> {
  const key = await parseFaregateKey(token, sha256)
  if (key === null) return invalidToken('This Faregate key is damaged: send it whole, as it was shown.')
  return ok({ accountId: key.accountId, payer: payerOf(key.accountId), keyHash: key.hash })
}

async function verify(
  issuers: readonly Issuer[],
  credentials: { token: string; origin: string | null },
  now: number,
): Promise<Result<Verified, Refusal>> {
  const parsed = parseToken(credentials.token)
  if (!parsed.ok) return parsed
  const issuer = issuers.find((one) => one.handles(parsed.value.issuer))
  if (issuer === undefined) {
    return err(
      refusal(
        'invalid_token',
        'The token comes from an issuer that this gateway does not know. Sign in to the app that it ' +
          'serves; if this is that app, its identity settings here name another instance.',
      ),
    )
  }
  return issuer.verify(credentials, now)
}

function remember({ verified, cacheSize }: Authenticator, key: string, value: Verified): void {
  if (cacheSize === 0) return
  if (verified.size >= cacheSize && !verified.has(key)) {
    const oldest = verified.keys().next()
    if (!oldest.done) verified.delete(oldest.value)
  }
  verified.set(key, value)
}
