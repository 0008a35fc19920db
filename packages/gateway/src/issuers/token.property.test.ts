import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clerkClaims, makeKey, now, pemOf, rawToken, sign } from './__fixtures__/tokens.ts'
import { decodeBase64url, encodeBase64url, isCanonicalBase64url } from './base64url.ts'
import { createClerkIssuer } from './clerk.ts'
import { parseFaregateKey } from './faregate-key.ts'
import { parseToken, readLifetime } from './token.ts'

const key = await makeKey('RS256', 'ins_1')
const token = await sign(key, clerkClaims())
const issuer = createClerkIssuer({
  jwtKey: await pemOf(key),
  authorizedParties: [],
  payer: 'organization',
  fetch: () => Promise.reject(new Error('no network')),
})
const verify = (text: string) => issuer.verify({ token: text, origin: null }, now)

describe('a valid token with anything done to it', () => {
  it('never verifies with bytes replaced, inserted, removed or swapped', async () => {
    expect((await verify(token)).ok).toBe(true)
    const edit = fc.record({
      at: fc.nat(token.length - 1),
      drop: fc.nat(3),
      insert: fc.oneof(
        fc.string({ maxLength: 3 }),
        fc.base64String({ maxLength: 8 }),
        fc.string({ unit: 'binary', maxLength: 2 }),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        let text = token
        for (const { at, drop, insert } of edits) text = text.slice(0, at) + insert + text.slice(at + drop)
        fc.pre(text !== token)
        expect((await verify(text)).ok).toBe(false)
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('whatever is sent', () => {
  it('is refused with 401 and never throws', async () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.json(), fc.json()).map(([header, claims]) => rawJson(header, claims)),
      fc.array(fc.base64String(), { minLength: 3, maxLength: 3 }).map((parts) => parts.join('.')),
    )
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const result = await verify(text)
        expect(result).toMatchObject({ ok: false, error: { code: 'invalid_token' } })
        expect(await parseFaregateKey(text)).toBeNull()
      }),
      { numRuns: 2_000 },
    )
  })

  it('never makes the claims checks throw', () => {
    const claim = fc.oneof(fc.anything(), fc.integer(), fc.constant(now / 1000), fc.string())
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('sub', 'iat', 'exp', 'nbf', 'iss'), claim), (claims) => {
        readLifetime(claims, { lifetimeMaxSeconds: 600, clockSkewSeconds: 5 }, now)
        const safe = JSON.stringify(claims, (_name, value) => (typeof value === 'bigint' ? 0 : value))
        parseToken(rawJson('{"alg":"RS256"}', safe))
      }),
    )
  })
})

describe('base64url', () => {
  it('has one spelling for each bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const text = encodeBase64url(bytes)
        expect(decodeBase64url(text)).toEqual(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64url'))
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ABQgwxyz09-_=+/ '.split('')) }), (text) => {
        const lax = Buffer.from(text, 'base64url').toString('base64url')
        expect(isCanonicalBase64url(text)).toBe(lax === text)
      }),
    )
  })
})

function rawJson(header: string, claims: string): string {
  const encode = (text: string) => encodeBase64url(new TextEncoder().encode(text))
  return `${encode(header)}.${encode(claims)}.${rawToken({}, {}).split('.')[2]}`
}
