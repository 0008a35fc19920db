/** Keys, tokens and a JWKS endpoint for the issuers' tests: real signatures, no network, a clock in hand. */
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { Fetch } from '../../ports.ts'

/** The tests' now: milliseconds, and the same in seconds. */
export const now = 1_790_000_000_000
export const nowSeconds = now / 1000

export type TestKey = { alg: string; kid: string; privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK }

/** Makes a key pair and its public JWK. */
export async function makeKey(alg: string, kid: string): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** The public key as PEM, as Clerk shows it. */
export function pemOf(key: TestKey): Promise<string> {
  return exportSPKI(key.publicKey)
}

/** Signs claims as they are; `undefined` ones are left out. */
export function sign(
  key: TestKey,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ typ: 'JWT', kid: key.kid, ...header, alg: key.alg })
    .sign(key.privateKey)
}

/** Builds a token from raw parts, whatever they are. */
export function rawToken(header: unknown, claims: unknown, signature = 'c2lnbmF0dXJl'): string {
  const part = (value: unknown) =>
    btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  return `${part(header)}.${part(claims)}.${signature}`
}

/** Clerk session claims, version 2, as wire-facts.md shows them. */
export function clerkClaims(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: 'https://clerk.shop.test',
    sub: 'user_2a',
    sid: 'sess_9',
    azp: 'https://app.shop.test',
    iat: nowSeconds,
    nbf: nowSeconds - 10,
    exp: nowSeconds + 60,
    jti: 'f3',
    v: 2,
    fva: [3, -1],
    sts: 'active',
    ...more,
  }
}

/** Replaces the character at an index. */
export function replaceAt(text: string, index: number, character: string): string {
  return text.slice(0, index) + character + text.slice(index + 1)
}

/** A stand-in for the web: answers by URL, counts what is asked. One that throws is a broken network. */
export function fakeWeb(answers: Record<string, () => Response | Promise<Response>> = {}): {
  fetch: Fetch
  asked: string[]
  answers: Record<string, () => Response | Promise<Response>>
} {
  const asked: string[] = []
  const fetch: Fetch = async (input) => {
    const url = input instanceof Request ? input.url : String(input)
    asked.push(url)
    const answer = answers[url]
    if (answer === undefined) throw new TypeError(`nothing at ${url}`)
    return answer()
  }
  return { fetch, asked, answers }
}

/** A JWKS answer with these keys. */
export function jwksOf(...keys: TestKey[]): () => Response {
  return () => Response.json({ keys: keys.map(({ jwk }) => jwk) })
}

/** A network that refuses. */
export function down(): Response {
  throw new TypeError('connection refused')
}
