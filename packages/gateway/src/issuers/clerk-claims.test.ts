import { describe, expect, it } from 'vitest'
import { clerkBench, publishableKey, user } from './__fixtures__/clerk-bench.ts'
import { clerkClaims, makeKey, pemOf, sign } from './__fixtures__/tokens.ts'
import { type ClerkOptions, parseJwtKey, parsePublishableKey } from './clerk.ts'

const { key, stranger, pem, setUp, verdict, claimsVerdict } = await clerkBench()

describe('what is no session of a user', () => {
  it('401 for a JWT template, a machine token, an OAuth token and another version', async () => {
    expect(await claimsVerdict({ sid: undefined, v: undefined, sts: undefined })).toBe('invalid_token')
    expect(await claimsVerdict({ sid: 'other_9' })).toBe('invalid_token')
    expect(await claimsVerdict({ sub: 'mch_2a' })).toBe('invalid_token')
    expect(await claimsVerdict({ sub: 'user_' })).toBe('invalid_token')
    expect(await claimsVerdict({ sub: 'user_2a:x' })).toBe('invalid_token')
    expect(await claimsVerdict({ v: 1 })).toBe('invalid_token')
    expect(await claimsVerdict({ v: 3 })).toBe('invalid_token')
    for (const header of [
      { cat: 'cl_B7d4PD333AAA' },
      { cat: 7 },
      { typ: 'at+jwt' },
      { typ: 'application/at+jwt' },
    ]) {
      const token = await sign(key, clerkClaims(), header)
      expect(await verdict(token)).toMatchObject({ got: 'invalid_token', asked: 0 })
    }
  })

  it.each(['ak_1a2b', 'mt_1a2b', 'oat_1a2b', 'sk_live_1a2b', 'pk_test_1a2b', 'sk-proj-1a2b'])(
    '401 for %s, naming what to send and not what was sent',
    async (token) => {
      const { result, asked } = await verdict(token)
      expect(asked).toBe(0)
      expect(result).toMatchObject({ ok: false, error: { code: 'invalid_token' } })
      const message = result.ok ? '' : result.error.message
      expect(message).toMatch(/getToken\(\)/)
      expect(message).not.toContain('1a2b')
    },
  )

  it('403 session_pending for a pending session, 401 for another state', async () => {
    expect(await claimsVerdict({ sts: 'pending' })).toBe('session_pending')
    expect(await claimsVerdict({ sts: undefined })).toEqual(user)
    expect(await claimsVerdict({ sts: 'revoked' })).toBe('invalid_token')
  })

  it('403 impersonation_refused for act, unless allowed', async () => {
    const act = { sub: 'user_support', iss: 'https://dashboard.clerk.com' }
    expect(await claimsVerdict({ act })).toBe('impersonation_refused')
    expect(await claimsVerdict({ act: {} })).toBe('impersonation_refused')
    expect(await claimsVerdict({ act: '' })).toBe('impersonation_refused')
    expect(await claimsVerdict({ act }, { options: { allowImpersonation: true } })).toEqual(user)
  })

  it('tells neither of a token that is not verified', async () => {
    const pending = await sign(stranger, clerkClaims({ sts: 'pending' }))
    expect((await verdict(pending)).got).toBe('invalid_token')
  })
})

describe('plan, organization and payer', () => {
  const team = { accountId: 'clerk:org_7', payer: 'organization', member: 'clerk:user_2a' }
  const o = { id: 'org_7', slg: 'acme', rol: 'admin', per: 'use,manage', fpm: '3' }

  it('the user pays on the u: plan', async () => {
    expect(await claimsVerdict({ pla: 'u:pro' })).toEqual({ ...user, planClaim: 'pro' })
    expect(await claimsVerdict({ pla: 'uo:pro' })).toEqual({ ...user, planClaim: 'pro' })
    expect(await claimsVerdict({ pla: 'o:team, u:pro' })).toEqual({ ...user, planClaim: 'pro' })
    expect(await claimsVerdict({ pla: 'o:team' })).toEqual(user)
    expect(await claimsVerdict({ pla: '' })).toEqual(user)
  })

  it('the active organization pays on the o: plan', async () => {
    const claims = { o, pla: 'o:team,u:pro' }
    expect(await claimsVerdict(claims)).toEqual({ ...team, planClaim: 'team', role: 'admin' })
    expect(await claimsVerdict({ o, pla: 'ou:all' })).toEqual({ ...team, planClaim: 'all', role: 'admin' })
    expect(await claimsVerdict({ o, pla: 'u:pro' })).toEqual({ ...team, role: 'admin' })
    expect(await claimsVerdict({ o: { id: 'org_7' } })).toEqual(team)
  })

  it('the user pays where config says so, on their own plan and with no role', async () => {
    const options: Partial<ClerkOptions> = { payer: 'user' }
    expect(await claimsVerdict({ o, pla: 'o:team,u:pro' }, { options })).toEqual({
      ...user,
      planClaim: 'pro',
    })
    expect(await claimsVerdict({ o, pla: 'o:team' }, { options })).toEqual(user)
  })

  it('claims of version 1', async () => {
    const v1 = { v: undefined, org_id: 'org_7', org_role: 'org:admin', org_slug: 'acme' }
    expect(await claimsVerdict(v1)).toEqual({ ...team, role: 'admin' })
    expect(await claimsVerdict({ v: undefined, org_id: null })).toEqual(user)
    // Version 2 has no such claim: a custom one must not choose the payer.
    expect(await claimsVerdict({ org_id: 'org_7', org_role: 'org:admin' })).toEqual(user)
    expect(await claimsVerdict({ v: undefined, o })).toEqual(user)
  })

  it.each([
    { pla: 'pro' },
    { pla: 'u:pro,team' },
    { pla: 'u:' },
    { pla: ':pro' },
    { pla: 'u:pro,' },
    { pla: 7 },
    { pla: ['u:pro'] },
    { o: 'org_7' },
    { o: {} },
    { o: { id: 'user_7' } },
    { o: { id: 7 } },
    { o: { id: 'org_7', rol: 7 } },
    { o: { id: 'org_7:x' } },
    { o: [] },
    { v: undefined, org_id: 'seven' },
  ])('401 for malformed claims: %o', async (claims) => {
    expect(await claimsVerdict(claims)).toBe('invalid_token')
  })
})

describe('keys of the operator', () => {
  it('reads publishable keys', () => {
    expect(parsePublishableKey(publishableKey)).toEqual({
      ok: true,
      value: { frontendApi: 'clerk.shop.test', live: false },
    })
    const live = `pk_live_${btoa('clerk.example.com$').replaceAll('=', '')}`
    expect(parsePublishableKey(` ${live}\n`)).toEqual({
      ok: true,
      value: { frontendApi: 'clerk.example.com', live: true },
    })
    expect(parsePublishableKey(`pk_test_${btoa('127.0.0.1:4401$')}`)).toMatchObject({ ok: true })
  })

  it.each([
    '',
    'pk_test_',
    'pk_test_***',
    'sk_test_abc',
    `pk_test_${btoa('clerk.shop.test')}`,
    `pk_test_${btoa('localhost$')}`,
    `pk_test_${btoa('evil.test/path$')}`,
    `pk_test_${btoa('user@evil.test$')}`,
    `pk_other_${btoa('clerk.shop.test$')}`,
  ])('refuses the publishable key %j', (text) => {
    expect(parsePublishableKey(text)).toMatchObject({ ok: false })
    expect(() => setUp({ publishableKey: text })).toThrow('CLERK_PUBLISHABLE_KEY')
  })

  it('refuses a JWT key that is none, and no keys at all', async () => {
    const elliptic = await pemOf(await makeKey('ES256', 'x'))
    for (const jwtKey of ['', 'nonsense', '-----BEGIN PUBLIC KEY-----', elliptic, pem.slice(0, 200)]) {
      expect(parseJwtKey(jwtKey)).toMatchObject({ ok: false })
      expect(() => setUp({ jwtKey })).toThrow('CLERK_JWT_KEY')
    }
    expect(() => setUp({ publishableKey: undefined })).toThrow('Clerk needs')
  })

  it('503 for a JWT key that is only nearly one', async () => {
    const jwtKey = pem.replace(/A/, 'B')
    expect(parseJwtKey(jwtKey)).toMatchObject({ ok: true })
    expect((await verdict(await sign(key, clerkClaims()), { options: { jwtKey } })).got).toBe(
      'identity_unavailable',
    )
  })
})
