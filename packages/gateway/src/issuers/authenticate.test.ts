import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Credentials, Issuer } from '../ports.ts'
import {
  clerkClaims,
  down,
  fakeWeb,
  jwksOf,
  makeKey,
  now,
  nowSeconds,
  pemOf,
  rawToken,
  sign,
  type TestKey,
} from './__fixtures__/tokens.ts'
import { type AuthenticatorOptions, createAuthenticator } from './authenticate.ts'
import { type ClerkOptions, createClerkIssuer } from './clerk.ts'
import { createFaregateKey } from './faregate-key.ts'
import { createOidcIssuer } from './oidc.ts'

const app = 'https://app.shop.test'
const jwksUrl = 'https://clerk.shop.test/.well-known/jwks.json'
const acme = 'https://auth.example.com'
let clerkKey: TestKey
let acmeKey: TestKey
let pem: string

beforeAll(async () => {
  clerkKey = await makeKey('RS256', 'ins_1')
  acmeKey = await makeKey('ES256', 'es')
  pem = await pemOf(clerkKey)
})

/** Counts what reaches an issuer. */
function counted(issuer: Issuer) {
  const seen: Credentials[] = []
  const verify: Issuer['verify'] = (credentials, at) => {
    seen.push(credentials)
    return issuer.verify(credentials, at)
  }
  return { seen, issuer: { ...issuer, verify } }
}

function setUp(options: Partial<AuthenticatorOptions> = {}, clerk: Partial<ClerkOptions> = {}) {
  const web = fakeWeb({ [jwksUrl]: jwksOf(clerkKey), [`${acme}/jwks`]: jwksOf(acmeKey) })
  const { seen, issuer } = counted(
    createClerkIssuer({
      publishableKey: `pk_test_${btoa('clerk.shop.test$')}`,
      authorizedParties: [app, 'https://two.shop.test'],
      payer: 'organization',
      fetch: web.fetch,
      ...clerk,
    }),
  )
  const oidc = createOidcIssuer({
    name: 'acme',
    issuer: acme,
    jwksUrl: `${acme}/jwks`,
    algorithms: ['ES256'],
    payer: 'user',
    fetch: web.fetch,
  })
  const authenticate = createAuthenticator({ issuers: [issuer, oidc], ...options })
  /** The account, or the refusal's code. */
  const who = async (token: string, origin?: string, at = now) => {
    const headers = new Headers({
      authorization: `Bearer ${token}`,
      ...(origin === undefined ? {} : { origin }),
    })
    const result = await authenticate(headers, at)
    return result.ok ? result.value.accountId : result.error.code
  }
  return { web, seen, authenticate, who }
}

describe('where the token is', () => {
  it('in Authorization, x-api-key or x-goog-api-key', async () => {
    const { authenticate } = setUp()
    const token = await sign(clerkKey, clerkClaims())
    const ways: Record<string, string>[] = [
      { authorization: `Bearer ${token}` },
      { authorization: `bearer  ${token} ` },
      { 'x-api-key': token },
      { 'x-goog-api-key': token },
      { authorization: `Bearer ${token}`, 'x-api-key': token, 'x-goog-api-key': token },
      { authorization: 'Bearer ', 'x-api-key': token },
    ]
    for (const headers of ways) {
      expect(await authenticate(new Headers(headers), now)).toMatchObject({
        ok: true,
        value: { accountId: 'clerk:user_2a', payer: 'user', member: 'clerk:user_2a' },
      })
    }
  })

  it('401 for none, two that differ, another scheme, and one that is too long', async () => {
    const { authenticate, seen } = setUp()
    const token = await sign(clerkKey, clerkClaims())
    const ways: Record<string, string>[] = [
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer  ', 'x-api-key': '' },
      { authorization: `Bearer ${token}`, 'x-api-key': 'another' },
      { 'x-api-key': token, 'x-goog-api-key': 'another' },
      { authorization: `Basic ${token}` },
      { authorization: token },
      { authorization: `Bearer ${token}, Bearer ${token}` },
      { authorization: `Bearer ${'x'.repeat(8193)}` },
      { cookie: `__session=${token}` },
    ]
    for (const headers of ways) {
      const result = await authenticate(new Headers(headers), now)
      expect(result, JSON.stringify(headers)).toMatchObject({ ok: false, error: { code: 'invalid_token' } })
      expect(JSON.stringify(result)).not.toContain(token)
    }
    expect(seen).toEqual([])
    const none = await authenticate(new Headers(), now)
    expect(none).toMatchObject({ error: { message: expect.stringContaining('Authorization: Bearer') } })
  })

  it('401 for the keys that are sent by mistake, with what to send instead', async () => {
    const { authenticate } = setUp()
    for (const token of ['ak_abc', 'mt_abc', 'oat_abc', 'sk-abc', 'pk_test_abc', 'sk_live_abc']) {
      const result = await authenticate(new Headers({ 'x-api-key': token }), now)
      expect(result).toMatchObject({
        error: { code: 'invalid_token', message: expect.stringContaining('session token') },
      })
    }
  })
})

describe('which issuer', () => {
  it('the one that handles iss', async () => {
    const { who } = setUp()
    const claims = { iss: acme, sub: '42', iat: nowSeconds, exp: nowSeconds + 60 }
    expect(await who(await sign(acmeKey, claims))).toBe('acme:user:42')
    expect(await who(await sign(clerkKey, clerkClaims()))).toBe('clerk:user_2a')
  })

  it('401 for an issuer that nobody handles, without a fetch', async () => {
    const { who, web, seen } = setUp()
    expect(await who(await sign(clerkKey, clerkClaims({ iss: 'https://evil.test' })))).toBe('invalid_token')
    expect(await who(rawToken({ alg: 'RS256' }, { iss: 7 }))).toBe('invalid_token')
    expect(await who('a.b.c')).toBe('invalid_token')
    expect(seen).toEqual([])
    expect(web.asked).toEqual([])
  })

  it('asks an issuer that handles every iss last, wherever it stands in the list', async () => {
    const { who } = setUp({}, { publishableKey: undefined, jwtKey: pem })
    const claims = { iss: acme, sub: '42', iat: nowSeconds, exp: nowSeconds + 60 }
    expect(await who(await sign(acmeKey, claims))).toBe('acme:user:42')
    expect(await who(await sign(clerkKey, clerkClaims({ iss: 'https://some.test' })))).toBe('clerk:user_2a')
  })

  it("refuses one issuer's signature under another's name", async () => {
    const { who } = setUp()
    const claims = { iss: acme, sub: '42', iat: nowSeconds, exp: nowSeconds + 60 }
    expect(await who(await sign(clerkKey, claims))).toBe('invalid_token')
    expect(await who(await sign({ ...clerkKey, kid: 'es' }, claims))).toBe('invalid_token')
  })

  it("passes on the issuer's 403 and 503", async () => {
    const { who } = setUp()
    expect(await who(await sign(clerkKey, clerkClaims({ sts: 'pending' })))).toBe('session_pending')
    const act = { sub: 'user_support' }
    expect(await who(await sign(clerkKey, clerkClaims({ act })))).toBe('impersonation_refused')
    const dead = setUp({}, { fetch: fakeWeb({ [jwksUrl]: down }).fetch })
    expect(await dead.who(await sign(clerkKey, clerkClaims()))).toBe('identity_unavailable')
  })
})

describe('the cache of verified tokens', () => {
  it('verifies a token once', async () => {
    const { who, seen } = setUp()
    const token = await sign(clerkKey, clerkClaims())
    for (let turn = 0; turn < 5; turn += 1) expect(await who(token, app)).toBe('clerk:user_2a')
    expect(seen).toHaveLength(1)
  })

  it('401 token_expired once the token has expired, cached or not', async () => {
    const { who } = setUp()
    const token = await sign(clerkKey, clerkClaims())
    expect(await who(token)).toBe('clerk:user_2a')
    expect(await who(token, undefined, now + 64_999)).toBe('clerk:user_2a')
    expect(await who(token, undefined, now + 65_000)).toBe('token_expired')
    expect(await setUp().who(token, undefined, now + 65_000)).toBe('token_expired')
  })

  it('outlives an outage of the issuer', async () => {
    const { who, web } = setUp()
    const token = await sign(clerkKey, clerkClaims())
    await who(token)
    web.answers[jwksUrl] = down
    expect(await who(token, undefined, now + 30_000)).toBe('clerk:user_2a')
  })

  it('401 for a cached token from another Origin', async () => {
    const { who } = setUp()
    const token = await sign(clerkKey, clerkClaims())
    expect(await who(token, app)).toBe('clerk:user_2a')
    expect(await who(token)).toBe('clerk:user_2a')
    for (const origin of ['https://two.shop.test', 'https://evil.test', 'null', `${app}/`, `${app} x`]) {
      expect(await who(token, origin), origin).toBe('invalid_token')
    }
    expect(await who(token, app)).toBe('clerk:user_2a')
    // A token with no azp is good for a server, and stays refused to a browser.
    const bare = await sign(clerkKey, clerkClaims({ azp: undefined }))
    expect(await who(bare)).toBe('clerk:user_2a')
    expect(await who(bare, app)).toBe('invalid_token')
    expect(await who(bare, '')).toBe('invalid_token')
  })

  it('tells apart tokens that begin alike (LiteLLM CVE-2026-35030)', async () => {
    const { who } = setUp()
    const one = await sign(clerkKey, clerkClaims({ sub: 'user_one' }))
    const two = await sign(clerkKey, clerkClaims({ sub: 'user_two' }))
    expect(one.slice(0, 100)).toBe(two.slice(0, 100))
    expect(await who(one)).toBe('clerk:user_one')
    expect(await who(two)).toBe('clerk:user_two')
    expect(await who(one)).toBe('clerk:user_one')
    const body = one.split('.')[1]
    const forged = [two.split('.')[0], body, two.split('.')[2]].join('.')
    expect(await who(forged)).toBe('invalid_token')
  })

  it('keeps successes only', async () => {
    const { who, seen } = setUp()
    const pending = await sign(clerkKey, clerkClaims({ sts: 'pending' }))
    await who(pending)
    await who(pending)
    expect(seen).toHaveLength(2)
    const early = await sign(clerkKey, clerkClaims({ nbf: nowSeconds + 10 }))
    expect(await who(early)).toBe('invalid_token')
    expect(await who(early, undefined, now + 10_000)).toBe('clerk:user_2a')
  })

  it('is bounded, and drops the oldest', async () => {
    const { who, seen } = setUp({ cacheSize: 2 })
    const tokens = await Promise.all(
      ['a', 'b', 'c'].map((sub) => sign(clerkKey, clerkClaims({ sub: `user_${sub}` }))),
    )
    for (const token of tokens) await who(token)
    expect(seen).toHaveLength(3)
    for (const token of tokens.slice(1)) await who(token)
    expect(seen).toHaveLength(3)
    await who(tokens[0] ?? '')
    expect(seen).toHaveLength(4)
    const none = setUp({ cacheSize: 0 })
    await none.who(tokens[0] ?? '')
    await none.who(tokens[0] ?? '')
    expect(none.seen).toHaveLength(2)
  })

  it('hashes the whole token with the function that the runtime brings, and keeps no token', async () => {
    const hashed: string[] = []
    const sha256 = (text: string) => {
      hashed.push(text)
      return createHash('sha256').update(text).digest('hex')
    }
    const { who, seen } = setUp({ sha256 })
    const token = await sign(clerkKey, clerkClaims())
    await who(token)
    await who(token)
    expect(hashed).toEqual([token, token])
    expect(seen).toHaveLength(1)
  })

  it('hands out identities that nobody can change', async () => {
    const { authenticate } = setUp()
    const token = await sign(clerkKey, clerkClaims())
    const result = await authenticate(new Headers({ authorization: `Bearer ${token}` }), now)
    expect(result.ok && Object.isFrozen(result.value)).toBe(true)
  })
})

describe('Faregate keys', () => {
  it('name their account and carry their hash; the account decides the rest', async () => {
    const { authenticate, seen } = setUp()
    for (const [accountId, payer] of [
      ['clerk:user_2a', 'user'],
      ['clerk:org_7', 'organization'],
      ['acme:org:7', 'organization'],
    ] as const) {
      const { key, hash } = await createFaregateKey(accountId)
      const result = await authenticate(new Headers({ authorization: `Bearer ${key}`, origin: app }), now)
      expect(result).toEqual({ ok: true, value: { accountId, payer, keyHash: hash } })
    }
    expect(seen).toEqual([])
  })

  it('401 for a damaged one', async () => {
    const { who } = setUp()
    const { key } = await createFaregateKey('clerk:user_2a')
    for (const damaged of ['fg_', 'fg_abc', key.slice(0, -1), `${key}A`]) {
      expect(await who(damaged)).toBe('invalid_token')
    }
  })
})

it('no refusal repeats the token, whatever is sent', async () => {
  const { authenticate } = setUp()
  const token = await sign(clerkKey, clerkClaims({ sub: 'user_canary', email: 'canary@shop.test' }))
  const mutants = [token.slice(1), token.slice(0, -1), `${token}x`, token.replace('.', ''), `x${token}`]
  for (const mutant of mutants) {
    const result = await authenticate(new Headers({ authorization: `Bearer ${mutant}` }), now)
    expect(result.ok).toBe(false)
    expect(JSON.stringify(result)).not.toMatch(/canary|eyJ/)
  }
})
