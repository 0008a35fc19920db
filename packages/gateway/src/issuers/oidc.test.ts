import { beforeAll, describe, expect, it } from 'vitest'
import {
  down,
  fakeWeb,
  jwksOf,
  makeKey,
  now,
  nowSeconds,
  rawToken,
  replaceAt,
  sign,
  type TestKey,
} from './__fixtures__/tokens.ts'
import { createOidcIssuer, type OidcOptions } from './oidc.ts'

const issuer = 'https://auth.example.com'
const jwksUrl = `${issuer}/jwks`
const configuration = `${issuer}/.well-known/openid-configuration`
let es256: TestKey
let eddsa: TestKey
let rs256: TestKey

beforeAll(async () => {
  es256 = await makeKey('ES256', 'es')
  eddsa = await makeKey('EdDSA', 'ed')
  rs256 = await makeKey('RS256', 'rs')
})

function setUp(options: Partial<OidcOptions> = {}) {
  const web = fakeWeb({
    [configuration]: () => Response.json({ issuer, jwks_uri: jwksUrl }),
    [jwksUrl]: jwksOf(es256, eddsa, rs256),
  })
  const made = createOidcIssuer({
    name: 'acme',
    issuer,
    algorithms: ['ES256'],
    payer: 'organization',
    fetch: web.fetch,
    ...options,
  })
  return { web, issuer: made }
}

const claims = (more: Record<string, unknown> = {}) => ({
  iss: issuer,
  sub: '42',
  iat: nowSeconds,
  exp: nowSeconds + 300,
  ...more,
})

async function verdict(token: string, options: Partial<OidcOptions> = {}, at = now) {
  const { issuer: made, web } = setUp(options)
  const result = await made.verify({ token, origin: null }, at)
  return { got: result.ok ? result.value.identity : result.error.code, asked: web.asked, result }
}

async function claimsVerdict(more: Record<string, unknown>, options: Partial<OidcOptions> = {}) {
  return (await verdict(await sign(es256, claims(more)), options)).got
}

const user = { accountId: 'acme:user:42', payer: 'user', member: 'acme:user:42' }

describe('signatures', () => {
  it('ES256 with a discovered JWKS URL', async () => {
    const { result, asked } = await verdict(await sign(es256, claims({ azp: 'client-1' })))
    const value = { identity: user, expiresAt: (nowSeconds + 305) * 1000, azp: 'client-1' }
    expect(result).toEqual({ ok: true, value })
    expect(asked).toEqual([configuration, jwksUrl])
  })

  it('EdDSA (Better Auth) and RS256 with a given JWKS URL', async () => {
    const ed = await verdict(await sign(eddsa, claims()), { algorithms: ['EdDSA'], jwksUrl })
    expect(ed).toMatchObject({ got: user, asked: [jwksUrl] })
    const rs = await verdict(await sign(rs256, claims()), { algorithms: ['ES256', 'RS256'], jwksUrl })
    expect(rs).toMatchObject({ got: user, asked: [jwksUrl] })
  })

  it('401 without a fetch for an algorithm that is not listed', async () => {
    for (const key of [eddsa, rs256]) {
      expect(await verdict(await sign(key, claims()))).toMatchObject({ got: 'invalid_token', asked: [] })
    }
    for (const alg of ['none', 'HS256', 'ES384']) {
      expect(await verdict(rawToken({ alg, kid: 'es' }, claims()))).toMatchObject({
        got: 'invalid_token',
        asked: [],
      })
    }
  })

  it('401 for a key that its issuer does not publish, 503 when the issuer cannot be reached', async () => {
    const stranger = await makeKey('ES256', 'es')
    expect((await verdict(await sign(stranger, claims()))).got).toBe('invalid_token')
    expect((await verdict(await sign(es256, claims(), { kid: 'none' }))).got).toBe('invalid_token')
    const web = fakeWeb({ [configuration]: down })
    expect((await verdict(await sign(es256, claims()), { fetch: web.fetch })).got).toBe(
      'identity_unavailable',
    )
  })

  it('never verifies with any one character changed', async () => {
    for (const [key, alg] of [
      [es256, 'ES256'],
      [eddsa, 'EdDSA'],
    ] as const) {
      const token = await sign(key, claims())
      const { issuer: made } = setUp({ algorithms: [alg], jwksUrl })
      expect((await made.verify({ token, origin: null }, now)).ok).toBe(true)
      for (let index = 0; index < token.length; index += 1) {
        for (const character of ['A', 'B', '_', '9', '.']) {
          const mutant = replaceAt(token, index, character)
          if (mutant === token) continue
          expect((await made.verify({ token: mutant, origin: null }, now)).ok, `character ${index}`).toBe(
            false,
          )
        }
      }
    }
  })
})

describe('claims', () => {
  it('401 token_expired from 5 s after exp on, and the skew can be set', async () => {
    const token = await sign(es256, claims())
    const exp = (nowSeconds + 300) * 1000
    expect((await verdict(token, {}, exp + 4_999)).got).toEqual(user)
    expect((await verdict(token, {}, exp + 5_000)).got).toBe('token_expired')
    expect((await verdict(token, { clockSkewSeconds: 0 }, exp)).got).toBe('token_expired')
  })

  it('401 for a longer life than is accepted', async () => {
    expect(await claimsVerdict({ exp: nowSeconds + 600 })).toEqual(user)
    expect(await claimsVerdict({ exp: nowSeconds + 601 })).toBe('invalid_token')
    const options = { tokenLifetimeMaxSeconds: 3_600 }
    expect(await claimsVerdict({ exp: nowSeconds + 3_600 }, options)).toEqual(user)
    expect(await claimsVerdict({ exp: nowSeconds + 3_601 }, options)).toBe('invalid_token')
  })

  it.each(['exp', 'iat', 'sub', 'iss'])('401 without %s', async (claim) => {
    expect(await claimsVerdict({ [claim]: undefined })).toBe('invalid_token')
  })

  it('401 before nbf', async () => {
    expect(await claimsVerdict({ nbf: nowSeconds + 5 })).toEqual(user)
    expect(await claimsVerdict({ nbf: nowSeconds + 6 })).toBe('invalid_token')
  })

  it('401 for another issuer, one with a slash more included', async () => {
    expect(await claimsVerdict({ iss: `${issuer}/` })).toBe('invalid_token')
    expect(await claimsVerdict({ iss: 'https://evil.test' })).toBe('invalid_token')
    expect(await claimsVerdict({ iss: [issuer] })).toBe('invalid_token')
  })

  it('401 for another audience where one is expected', async () => {
    const one = { audience: 'ai' }
    expect(await claimsVerdict({ aud: 'ai' }, one)).toEqual(user)
    expect(await claimsVerdict({ aud: ['web', 'ai'] }, one)).toEqual(user)
    expect(await claimsVerdict({ aud: 'web' }, { audience: ['ai', 'web'] })).toEqual(user)
    for (const aud of [undefined, 'web', [], ['web'], [['ai']], { 0: 'ai' }, 7]) {
      expect(await claimsVerdict({ aud }, one)).toBe('invalid_token')
    }
    expect(await claimsVerdict({ aud: 'anything' })).toEqual(user)
  })

  it('401 for a subject that is empty, too long or not plain text', async () => {
    expect(await claimsVerdict({ sub: 'x'.repeat(255) })).toMatchObject({ payer: 'user' })
    for (const sub of ['', 'x'.repeat(256), 'a\u0000b', 'a\nb', '\ud800', 42, ['42']]) {
      expect(await claimsVerdict({ sub }), JSON.stringify(sub)).toBe('invalid_token')
    }
  })

  it('401 for other kinds of signed statements', async () => {
    for (const typ of ['logout+jwt', 'dpop+jwt', 7]) {
      expect((await verdict(await sign(es256, claims(), { typ }))).got).toBe('invalid_token')
    }
    for (const typ of [undefined, 'jwt', 'at+jwt', 'application/at+jwt']) {
      expect((await verdict(await sign(es256, claims(), { typ }))).got).toEqual(user)
    }
  })
})

describe('plan, organization and role', () => {
  const paths = { planClaim: 'app_metadata.plan', organizationClaim: 'org.id', roleClaim: 'org.role' }

  it('are read at their paths', async () => {
    const more = { app_metadata: { plan: 'pro' }, org: { id: '7', role: 'admin' } }
    const team = { accountId: 'acme:org:7', payer: 'organization', member: 'acme:user:42' }
    expect(await claimsVerdict(more, paths)).toEqual({ ...team, planClaim: 'pro', role: 'admin' })
    expect(await claimsVerdict(more, { ...paths, payer: 'user' })).toEqual({ ...user, planClaim: 'pro' })
    expect(await claimsVerdict(more)).toEqual(user)
  })

  it('may be absent', async () => {
    for (const more of [{}, { app_metadata: null, org: 7 }, { app_metadata: { plan: null } }]) {
      expect(await claimsVerdict(more, paths)).toEqual(user)
    }
    expect(
      await claimsVerdict({}, { planClaim: 'constructor.name', organizationClaim: '__proto__' }),
    ).toEqual(user)
  })

  it('401 when they are not text', async () => {
    for (const plan of [7, {}, [], '', true]) {
      expect(await claimsVerdict({ app_metadata: { plan } }, paths)).toBe('invalid_token')
    }
    expect(await claimsVerdict({ org: { id: 7 } }, paths)).toBe('invalid_token')
    expect(await claimsVerdict({ org: { id: '7', role: 7 } }, paths)).toBe('invalid_token')
  })
})

describe('options', () => {
  it('throws for what cannot be meant', () => {
    expect(() => setUp({ name: 'a:b' })).toThrow('name')
    expect(() => setUp({ issuer: 'auth' })).toThrow('URL')
    expect(() => setUp({ algorithms: [] })).toThrow('algorithm')
    expect(() => setUp({ algorithms: ['HS256'] })).toThrow('asymmetric')
    expect(() => setUp({ algorithms: ['ES256', 'none'] })).toThrow('asymmetric')
  })
})
