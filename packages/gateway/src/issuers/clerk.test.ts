import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { app, clerkBench, jwksUrl, publishableKey, user } from './__fixtures__/clerk-bench.ts'
import {
  clerkClaims,
  down,
  fakeWeb,
  jwksOf,
  now,
  nowSeconds,
  rawToken,
  replaceAt,
  sign,
} from './__fixtures__/tokens.ts'
import { type ClerkOptions, createClerkIssuer } from './clerk.ts'

const { key, rs512, stranger, pem, setUp, verdict, claimsVerdict } = await clerkBench()

describe('a session token', () => {
  it('is accepted, with its expiry and party', async () => {
    const { result } = await verdict(await sign(key, clerkClaims()), { origin: app })
    expect(result).toEqual({
      ok: true,
      value: { identity: user, expiresAt: (nowSeconds + 65) * 1000, azp: app },
    })
  })

  it('is accepted with other algorithms of the RS256 family and with headers that nobody knows', async () => {
    expect((await verdict(await sign(rs512, clerkClaims()))).got).toEqual(user)
    const header = { cat: 'cl_B7d4PD111AAA', oiat: nowSeconds }
    expect((await verdict(await sign(key, clerkClaims(), header))).got).toEqual(user)
  })

  it('is verified with jwtKey alone: no network, any kid, any https issuer', async () => {
    const spellings = [pem, pem.replaceAll('\n', '\\n'), pem.replaceAll('\n', ''), `"${pem}"`]
    for (const jwtKey of spellings) {
      const options: Partial<ClerkOptions> = { publishableKey: undefined, jwtKey }
      const token = await sign(key, clerkClaims({ iss: 'https://other.test' }), { kid: 'renamed' })
      expect(await verdict(token, { options })).toMatchObject({ got: user, asked: 0 })
    }
    const options: Partial<ClerkOptions> = { publishableKey: undefined, jwtKey: pem }
    expect(await claimsVerdict({ iss: 'http://clerk.shop.test' }, { options })).toBe('invalid_token')
    expect(await claimsVerdict({ iss: 'clerk' }, { options })).toBe('invalid_token')
    const forged = await sign(stranger, clerkClaims())
    expect((await verdict(forged, { options })).got).toBe('invalid_token')
  })

  it('holds the issuer of the publishable key even with a jwtKey', async () => {
    const options = { jwtKey: pem }
    expect(await claimsVerdict({}, { options })).toEqual(user)
    expect(await claimsVerdict({ iss: 'https://other.test' }, { options })).toBe('invalid_token')
  })

  it('takes issuer and JWKS URL from the options where they are given', async () => {
    const web = fakeWeb({ 'http://127.0.0.1:1/keys': jwksOf(key) })
    const issuer = createClerkIssuer({
      publishableKey,
      issuer: 'http://127.0.0.1:1',
      jwksUrl: 'http://127.0.0.1:1/keys',
      authorizedParties: [],
      payer: 'user',
      fetch: web.fetch,
    })
    const token = await sign(key, clerkClaims({ iss: 'http://127.0.0.1:1' }))
    expect((await issuer.verify({ token, origin: null }, now)).ok).toBe(true)
    expect(issuer.handles('https://clerk.shop.test')).toBe(false)
  })
})

describe('times', () => {
  it('401 token_expired from 5 s after exp on', async () => {
    const token = await sign(key, clerkClaims())
    const exp = (nowSeconds + 60) * 1000
    expect((await verdict(token, { at: exp + 4_999 })).got).toEqual(user)
    expect(await verdict(token, { at: exp + 5_000 })).toMatchObject({ got: 'token_expired', asked: 0 })
  })

  it('401 before nbf and for an iat in the future, with 5 s allowed', async () => {
    expect(await claimsVerdict({ nbf: nowSeconds + 5 })).toEqual(user)
    expect(await claimsVerdict({ nbf: nowSeconds + 6 })).toBe('invalid_token')
    expect(await claimsVerdict({ iat: nowSeconds + 5 })).toEqual(user)
    expect(await claimsVerdict({ iat: nowSeconds + 6 })).toBe('invalid_token')
  })

  it('401 for a life over 10 minutes, or none', async () => {
    expect(await claimsVerdict({ exp: nowSeconds + 600 })).toEqual(user)
    expect(await claimsVerdict({ exp: nowSeconds + 601 })).toBe('invalid_token')
    expect(await claimsVerdict({ exp: nowSeconds })).toBe('invalid_token')
  })

  it.each(['exp', 'iat', 'sub', 'iss', 'sid'])('401 without %s, and no fetch', async (claim) => {
    const token = await sign(key, clerkClaims({ [claim]: undefined }))
    expect(await verdict(token)).toMatchObject({ got: 'invalid_token', asked: 0 })
  })

  it.each([
    { exp: `${nowSeconds + 60}` },
    { exp: nowSeconds + 60.5 },
    { exp: 1e300 },
    { iat: null },
    { iat: -1 },
    { nbf: 'x' },
    { nbf: null },
  ])('401 for times that are not whole seconds: %o', async (claims) => {
    expect(await claimsVerdict(claims)).toBe('invalid_token')
  })
})

describe('forgeries are 401 without a fetch', () => {
  it.each([
    { alg: 'none' },
    { alg: 'HS256' },
    { alg: 'RS1' },
    { alg: 'PS256' },
    { alg: 'ES256' },
    { alg: 'rs256' },
    { alg: ['RS256'] },
    {},
    { alg: 'RS256', crit: ['exp'] },
    { alg: 'RS256', crit: [] },
    { alg: 'RS256', jku: 'https://evil.test/jwks' },
    { alg: 'RS256', x5u: 'https://evil.test/x5u' },
    { alg: 'RS256', x5c: ['MII='] },
    { alg: 'RS256', jwk: { kty: 'RSA' } },
    { alg: 'RS256', kid: 7 },
    { alg: 'RS256', kid: 'x'.repeat(257) },
  ])('header %o', async (header) => {
    expect(await verdict(rawToken(header, clerkClaims()))).toMatchObject({ got: 'invalid_token', asked: 0 })
  })

  it('HS256 signed with the public key as secret', async () => {
    const secret = new TextEncoder().encode(pem)
    const token = await new SignJWT(clerkClaims()).setProtectedHeader({ alg: 'HS256' }).sign(secret)
    expect(await verdict(token, { options: { jwtKey: pem } })).toMatchObject({
      got: 'invalid_token',
      asked: 0,
    })
  })

  it('a signed token with jku, jwk or crit', async () => {
    for (const header of [{ jku: jwksUrl }, { jwk: stranger.jwk }, { x5u: jwksUrl }, { x5c: [] }]) {
      const token = await sign(key, clerkClaims(), header)
      expect(await verdict(token)).toMatchObject({ got: 'invalid_token', asked: 0 })
    }
  })

  it('padding, the other alphabet, stray bits, white space, missing and extra parts', async () => {
    const token = await sign(key, clerkClaims())
    const [head, body, signature] = token.split('.')
    const spellings = [
      `${token}=`,
      `${token}==`,
      `${head}=.${body}.${signature}`,
      `${token} `,
      ` ${token}`,
      `${token}\n`,
      `${head}.${body}`,
      `${head}.${body}.`,
      `.${body}.${signature}`,
      `${head}..${signature}`,
      `${token}.`,
      `${token}.${signature}`,
      '',
      '..',
      'a.b.c',
    ]
    for (const spelling of spellings) {
      expect(await verdict(spelling), JSON.stringify(spelling)).toMatchObject({
        got: 'invalid_token',
        asked: 0,
      })
    }
    // 256 bytes leave 4 stray bits in the last character of the signature: only one spelling is right.
    const accepted = []
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      const spelling = replaceAt(token, token.length - 1, last)
      if (typeof (await verdict(spelling)).got === 'object') accepted.push(spelling)
    }
    expect(accepted).toEqual([token])
  })

  it('over 8 KiB, even well signed', async () => {
    const token = await sign(key, clerkClaims({ more: 'x'.repeat(6_200) }))
    expect(token.length).toBeGreaterThan(8_192)
    expect(await verdict(token)).toMatchObject({ got: 'invalid_token', asked: 0 })
    const fits = await sign(key, clerkClaims({ more: 'x'.repeat(5_000) }))
    expect((await verdict(fits)).got).toEqual(user)
  })

  it('another issuer', async () => {
    const token = await sign(key, clerkClaims({ iss: 'https://clerk.other.test' }))
    expect(await verdict(token)).toMatchObject({ got: 'invalid_token', asked: 0 })
  })

  it('headers or claims that are no objects', async () => {
    for (const part of [null, [], 'x', 1]) {
      expect((await verdict(rawToken(part, clerkClaims()))).got).toBe('invalid_token')
      expect((await verdict(rawToken({ alg: 'RS256' }, part))).got).toBe('invalid_token')
    }
  })
})

describe('signatures', () => {
  it('401 for another key of the same id, an unknown id, a key for another algorithm', async () => {
    expect((await verdict(await sign(stranger, clerkClaims()))).got).toBe('invalid_token')
    expect((await verdict(await sign(key, clerkClaims(), { kid: 'ins_9' }))).got).toBe('invalid_token')
    expect((await verdict(await sign(key, clerkClaims(), { kid: 'ins_512' }))).got).toBe('invalid_token')
  })

  it('never verifies with any one character changed', async () => {
    const token = await sign(key, clerkClaims())
    const { issuer } = setUp({ jwtKey: pem })
    expect((await issuer.verify({ token, origin: app }, now)).ok).toBe(true)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.='
    let seed = 7
    for (let index = 0; index < token.length; index += 1) {
      for (let more = 0; more < 3; more += 1) {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
        const mutant = replaceAt(token, index, alphabet.charAt(seed % alphabet.length))
        if (mutant === token) continue
        const result = await issuer.verify({ token: mutant, origin: app }, now)
        expect(result.ok, `character ${index}`).toBe(false)
      }
    }
  })

  it('503 identity_unavailable, never 401, while the keys cannot be read', async () => {
    const web = fakeWeb({ [jwksUrl]: down })
    const token = await sign(key, clerkClaims())
    const { issuer } = setUp({ fetch: web.fetch })
    for (let at = 0; at < 3; at += 1) {
      const result = await issuer.verify({ token, origin: null }, now + at)
      expect(result).toMatchObject({ ok: false, error: { code: 'identity_unavailable' } })
    }
    expect(web.asked).toHaveLength(1)
    expect((await issuer.verify({ token, origin: null }, now + 20_000)).ok).toBe(false)
    web.answers[jwksUrl] = jwksOf(key)
    expect((await issuer.verify({ token, origin: null }, now + 30_000)).ok).toBe(true)
  })
})

describe('web origins (azp)', () => {
  const other = 'https://other.shop.test'
  const cases: [
    name: string,
    azp: string | undefined,
    origin: string | null,
    parties: string[],
    good: boolean,
  ][] = [
    ['azp listed, no Origin', app, null, [app], true],
    ['no azp, no Origin', undefined, null, [app], true],
    ['azp not listed, no Origin', other, null, [app], false],
    ['azp is the Origin and listed', app, app, [app], true],
    ['azp listed with a slash in the list', app, app, [`${app}/`], true],
    ['azp listed, another listed Origin', app, other, [app, other], false],
    ['azp is the Origin, not listed', other, other, [app], false],
    ['no azp with an Origin', undefined, app, [app], false],
    ['Origin null', undefined, 'null', [app], false],
    ['empty azp and Origin', '', '', [app], false],
    ['nothing configured, no Origin', other, null, [], true],
    ['nothing configured, azp is the Origin', other, other, [], true],
    ['nothing configured, another Origin', other, app, [], false],
    ['nothing configured, no azp with an Origin', undefined, app, [], false],
  ]
  it.each(cases)('%s', async (_name, azp, origin, authorizedParties, good) => {
    const got = await claimsVerdict({ azp }, { origin, options: { authorizedParties } })
    expect(got).toEqual(good ? user : 'invalid_token')
  })

  it('401 for an azp that is no text', async () => {
    expect(await claimsVerdict({ azp: [app] })).toBe('invalid_token')
  })
})
