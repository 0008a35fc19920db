/** Who is calling and who pays: tokens that are accepted, the accounts they open, and where they may come from. */
import { expect, it } from 'vitest'
import { account, call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { accountIdOf, entriesOf, expectUntouched, setPlan, showAccount } from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { refusedTokens } from './identity-refused.ts'

const APP = 'http://localhost:3000'
const CHAT = '/v1/chat/completions'
const nowSeconds = () => Math.floor(Date.now() / 1000)

export function identity(stack: () => Stack): void {
  refusedTokens(stack)
  acceptedTokens(stack)
  origins(stack)
  payers(stack)
  plans(stack)
  cache(stack)
}

function acceptedTokens(stack: () => Stack): void {
  const good: [string, () => { claims?: Record<string, unknown>; header?: Record<string, unknown> }][] = [
    ['expired 2 s ago (5 s of skew)', () => ({ claims: { iat: nowSeconds() - 62, exp: nowSeconds() - 2 } })],
    ['valid in 2 s', () => ({ claims: { nbf: nowSeconds() + 2 } })],
    ['a life of 10 minutes', () => ({ claims: { exp: nowSeconds() + 600, iat: nowSeconds() } })],
    ['RS512', () => ({ header: { alg: 'RS512' } })],
    ['a header that nobody knows yet', () => ({ header: { oiat: 1 } })],
    ['no azp, from a server or a phone', () => ({ claims: { azp: undefined } })],
    ['no sts, as in tokens of version 1', () => ({ claims: { sts: undefined } })],
    ['nobody acting (act: null)', () => ({ claims: { act: null } })],
  ]
  it.concurrent.each(good)('200: %s', async (_name, overrides) => {
    const user = newUser()
    const token = await stack().clerk.mint({ user, overrides: overrides() })
    const answer = await call(stack(), token, CHAT, { body: keyed(user) })
    expect(answer.status, await answer.text()).toBe(200)
    expect(stack().provider.billFor(user)?.complete).toBe(true)
  })

  it.concurrent.each(['x-api-key', 'x-goog-api-key', 'authorization'])(
    '200: the token in %s, once or twice the same',
    async (name) => {
      const token = await tokenOf(stack(), newUser())
      const value = name === 'authorization' ? `bearer   ${token} ` : token
      for (const headers of [{ [name]: value }, { 'x-api-key': token, [name]: value }]) {
        const answer = await fetch(`${stack().url}/v1/account`, { headers })
        expect(answer.status, await answer.text()).toBe(200)
      }
    },
  )

  it.concurrent('401: the token is no cookie and no query parameter', async () => {
    const token = await tokenOf(stack(), newUser())
    const answers = await Promise.all([
      fetch(`${stack().url}/v1/account`, { headers: { cookie: `__session=${token}` } }),
      fetch(`${stack().url}/v1/account?token=${token}&api_key=${token}&access_token=${token}`),
    ])
    for (const answer of answers) await expectRefusal(answer, { status: 401, code: 'invalid_token' })
  })
}

function origins(stack: () => Stack): void {
  it.concurrent('200: a browser of the app reads the answer and its headers', async () => {
    const token = await tokenOf(stack(), newUser())
    const answer = await call(stack(), token, CHAT, { body: keyed('x'), headers: { origin: APP } })
    expect(answer.status, await answer.text()).toBe(200)
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP)
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id')
  })

  it.concurrent('401: a refusal can be read by the app and by nobody else', async () => {
    const seen = await Promise.all(
      [APP, 'https://evil.example', 'null'].map(async (origin) => {
        const answer = await call(stack(), 'junk', CHAT, { body: keyed('x'), headers: { origin } })
        await expectRefusal(answer, { status: 401, code: 'invalid_token' })
        return answer.headers.get('access-control-allow-origin')
      }),
    )
    expect(seen).toEqual([APP, null, null])
  })

  it.concurrent('204: a preflight of the app, and one of another page without permission', async () => {
    const ask = (origin: string) =>
      fetch(stack().url + CHAT, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,x-stainless-os,x-stainless-new-one',
        },
      })
    const [allowed, refused] = await Promise.all([ask(APP), ask('https://evil.example')])
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe(APP)
    for (const name of ['authorization', 'x-stainless-os', 'x-stainless-new-one', 'idempotency-key']) {
      expect(allowed.headers.get('access-control-allow-headers')).toContain(name)
    }
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    expect(refused.headers.get('access-control-allow-headers')).toBeNull()
  })
}

function payers(stack: () => Stack): void {
  it.concurrent('200: with an active organization its account pays, and the entry names the member', async () => {
    const user = newUser()
    const organization = `org_${user}`
    const token = await stack().clerk.mint({ user, organization, plan: 'team' })
    const answer = await call(stack(), token, CHAT, { body: keyed(user) })
    expect(answer.status, await answer.text()).toBe(200)
    expect(await account(stack(), token)).toMatchObject({ id: accountIdOf(organization), plan: 'team' })
    const [charge, allowance] = await entriesOf(stack(), accountIdOf(organization))
    expect(charge).toMatchObject({ kind: 'charge', member: accountIdOf(user), model: 'fast' })
    expect(allowance).toMatchObject({ kind: 'grant', credits: 100, source: 'allowance' })
    await expectUntouched(stack(), accountIdOf(user))
  })

  it.concurrent('200: version 1 claims name the organization too', async () => {
    const user = newUser()
    const organization = `org_v1${user}`
    const claims = { v: undefined, pla: 'o:team', org_id: organization, org_role: 'org:admin' }
    const token = await stack().clerk.mint({ user, overrides: { claims } })
    expect((await account(stack(), token)).id).toBe(accountIdOf(organization))
  })

  it.concurrent('402: an organization on no plan of its own gets no allowance', async () => {
    const user = newUser()
    const organization = `org_poor${user}`
    // The user's own plan must not pay for the organization, and neither must the default plan.
    for (const pla of ['u:pro', 'u:free_user,o:nothing', undefined, 'o:free_user']) {
      const claims = { o: { id: organization, rol: 'admin', slg: 'x' }, pla }
      const token = await stack().clerk.mint({ user, overrides: { claims } })
      const answer = await call(stack(), token, CHAT, { body: keyed(user) })
      await expectRefusal(answer, { status: 402, code: 'insufficient_credits', says: 'buy credits' })
    }
    expect(stack().provider.billFor(user)).toBeUndefined()
    await expectUntouched(stack(), accountIdOf(organization))
    await expectUntouched(stack(), accountIdOf(user))
  })

  it.concurrent("200: an organization's plan pays for no user", async () => {
    const user = newUser()
    const token = await stack().clerk.mint({ user, plan: 'o:team,u:pro' })
    expect((await account(stack(), token)).plan).toBe('pro')
    const teamOnly = await stack().clerk.mint({ user: newUser(), plan: 'u:team' })
    expect(await account(stack(), teamOnly)).toMatchObject({ plan: 'free', credits: { available: 10 } })
  })
}

function plans(stack: () => Stack): void {
  it.concurrent('200: a claim that no plan lists means the default plan, with a warning', async () => {
    const user = newUser()
    const slug = `unheard_of_${user}`
    const token = await tokenOf(stack(), user, slug)
    const answer = await call(stack(), token, CHAT, { body: keyed(user) })
    expect(answer.status, await answer.text()).toBe(200)
    expect((await account(stack(), token)).plan).toBe('free')
    await until('the warning is logged', 5000, () => stack().log().includes(slug))
  })

  it.concurrent('200: the claim counts first, then what was recorded, then the default plan', async () => {
    const user = newUser()
    const silent = await stack().clerk.mint({ user, overrides: { claims: { pla: undefined } } })
    expect((await account(stack(), silent)).plan).toBe('free')
    await setPlan(stack(), accountIdOf(user), 'pro')
    expect((await account(stack(), silent)).plan).toBe('pro')
    expect((await account(stack(), await tokenOf(stack(), user, 'basic'))).plan).toBe('basic')
    await setPlan(stack(), accountIdOf(user), null)
    expect((await account(stack(), silent)).plan).toBe('free')
  })
}

function cache(stack: () => Stack): void {
  it.concurrent('200 then 401: a token that was accepted is still held against its origin and its signature', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const ask = (given: string, headers: Record<string, string> = {}) =>
      call(stack(), given, '/v1/account', { headers })
    expect((await ask(token)).status).toBe(200)
    expect((await ask(token, { origin: APP })).status).toBe(200)
    await expectRefusal(await ask(token, { origin: 'https://evil.example' }), {
      status: 401,
      code: 'invalid_token',
    })
    const flipped = token.slice(0, -20) + (token.at(-20) === 'A' ? 'B' : 'A') + token.slice(-19)
    await expectRefusal(await ask(flipped), { status: 401, code: 'invalid_token', says: 'signature' })
  })

  it.concurrent('200 then 401: a token that was accepted expires all the same', async () => {
    const user = newUser()
    const claims = { iat: nowSeconds() - 58, exp: nowSeconds() - 3 }
    const token = await stack().clerk.mint({ user, overrides: { claims } })
    expect((await call(stack(), token, '/v1/account')).status).toBe(200)
    const refused = await until('the token expires', 5000, async () => {
      const answer = await call(stack(), token, '/v1/account')
      return answer.status === 200 ? null : answer
    })
    await expectRefusal(refused, { status: 401, code: 'token_expired' })
  })

  it.concurrent('200: two users with tokens that begin alike have two accounts', async () => {
    const users = [newUser(), newUser()]
    const ids = await Promise.all(
      users.map(async (user) => (await account(stack(), await tokenOf(stack(), user))).id),
    )
    expect(ids).toEqual(users.map(accountIdOf))
    expect((await showAccount(stack(), ids[0] ?? '')).totals.charged).toBe(0)
  })
}
