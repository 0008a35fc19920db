/** The operator's routes: who may use them, credits given and taken back, plans, blocks and keys. */
import { expect, it } from 'vitest'
import { account, asOperator, call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import {
  accountIdOf,
  adminPath,
  entriesOf,
  expectUntouched,
  giveCredits,
  showAccount,
} from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import { PROVIDER_KEY, type Stack } from '../harness/stack.ts'
import { grants, revocations } from './admin-credits.ts'

const CHAT = '/v1/chat/completions'

export function admin(stack: () => Stack): void {
  whoMay(stack)
  grants(stack)
  revocations(stack)
  badInput(stack)
  plansAndBlocks(stack)
  operatorKeys(stack)
}

const grant = { credits: 5, reason: 'welcome' }
const routes: [method: string, rest: string, body: unknown][] = [
  ['GET', '', undefined],
  ['GET', '/entries', undefined],
  ['POST', '/grants', grant],
  ['POST', '/revocations', { reason: 'refund' }],
  ['POST', '/keys', {}],
  ['DELETE', '/keys/key_1', undefined],
  ['PUT', '/plan', { plan: 'pro' }],
  ['PUT', '/blocked', { blocked: true }],
  ['GET', '/payments', undefined],
  ['POST', '/payments/pay_1/resolve', { credits: 5 }],
  ['GET', '/usage', undefined],
  ['GET', '/export', undefined],
  ['DELETE', '', undefined],
]

function whoMay(stack: () => Stack): void {
  it.concurrent.each(routes)(
    '401: %s /admin/accounts/{id}%s for everybody else',
    async (method, rest, body) => {
      const user = newUser()
      const id = accountIdOf(user)
      const token = await tokenOf(stack(), user)
      const tokens = ['', 'wrong', token, PROVIDER_KEY, 'admin-canary-012345678', 'admin-canary-0123456789x']
      for (const given of tokens) {
        const answer = await call(stack(), given, adminPath(id, rest), { method, body })
        await expectRefusal(answer, { status: 401, code: 'invalid_token', says: 'FAREGATE_ADMIN_KEY' })
      }
      // The same before anything is said about the account id or the body.
      const bad = await call(stack(), 'wrong', `/admin/accounts/nonsense${rest}`, {
        method,
        body: body && '{',
      })
      await expectRefusal(bad, { status: 401, code: 'invalid_token' })
      const elsewhere = await fetch(stack().url + adminPath(id, rest), {
        method,
        headers: { 'x-api-key': 'admin-canary-0123456789', cookie: 'key=admin-canary-0123456789' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      await expectRefusal(elsewhere, { status: 401, code: 'invalid_token' })
      await expectUntouched(stack(), id)
      expect(await showAccount(stack(), id)).toMatchObject({ blocked: false, recordedPlan: null, keys: [] })
    },
  )

  it.concurrent('200: an account that nobody has seen is shown, and stays unseen', async () => {
    const id = accountIdOf(newUser())
    expect(await showAccount(stack(), id)).toMatchObject({
      id,
      plan: 'free',
      credits: { available: 10, held: 0, debt: 0 },
      recordedPlan: null,
      claimedPlan: null,
      totals: { granted: 0 },
    })
    await expectUntouched(stack(), id)
  })
}

const bad: [method: string, rest: string, body: unknown, param: string | undefined][] = [
  ['POST', '/grants', { reason: 'x' }, 'credits'],
  ['POST', '/grants', { credits: 0, reason: 'x' }, 'credits'],
  ['POST', '/grants', { credits: -5, reason: 'x' }, 'credits'],
  ['POST', '/grants', { credits: '1e999', reason: 'x' }, 'credits'],
  ['POST', '/grants', { credits: 0.0000001, reason: 'x' }, 'credits'],
  ['POST', '/grants', { credits: 1_000_000_001, reason: 'x' }, 'credits'],
  ['POST', '/grants', { credits: 'ten', reason: 'x' }, 'credits'],
  ['POST', '/grants', { credits: true, reason: 'x' }, 'credits'],
  ['POST', '/grants', { credits: 5 }, 'reason'],
  ['POST', '/grants', { credits: 5, reason: '' }, 'reason'],
  ['POST', '/grants', { credits: 5, reason: 'x'.repeat(501) }, 'reason'],
  ['POST', '/grants', { ...grant, expiresAt: 'tomorrow' }, 'expiresAt'],
  ['POST', '/grants', { ...grant, expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  ['POST', '/grants', { ...grant, expires: '2030-01-01T00:00:00Z' }, 'expires'],
  ['POST', '/grants', [grant], undefined],
  ['POST', '/revocations', { grantId: 7, reason: 'x' }, 'grantId'],
  ['POST', '/revocations', { credits: 0, reason: 'x' }, 'credits'],
  ['POST', '/revocations', {}, 'reason'],
  ['PUT', '/plan', {}, 'plan'],
  ['PUT', '/plan', { plan: 'gold' }, 'plan'],
  ['PUT', '/plan', { plan: 'pro', until: 'later' }, 'until'],
  ['PUT', '/blocked', { blocked: 'yes' }, 'blocked'],
  ['PUT', '/blocked', {}, 'blocked'],
  ['POST', '/keys', { ttlSeconds: 1 }, 'ttlSeconds'],
  ['GET', '/entries?limit=0', undefined, 'limit'],
  ['GET', '/entries?limit=many', undefined, 'limit'],
  ['GET', '/payments?limit=0', undefined, 'limit'],
  ['POST', '/payments/pay_1/resolve', {}, 'credits'],
  ['POST', '/payments/pay_1/resolve', { credits: -1 }, 'credits'],
  ['GET', '/usage?by=hour', undefined, 'by'],
  ['DELETE', '?block=perhaps', undefined, 'block'],
]

function badInput(stack: () => Stack): void {
  it.concurrent.each(bad)('400: %s %s %j names %s', async (method, rest, body, param) => {
    const id = accountIdOf(newUser())
    const answer = await asOperator(stack(), adminPath(id, rest), body, method)
    await expectRefusal(answer, { status: 400, code: 'invalid_value', ...(param && { param }) })
    await expectUntouched(stack(), id)
  })

  it.concurrent.each(['{', '{"credits":1e999', 'credits=5', '\u0000'])(
    '400: the body %j is not JSON',
    async (body) => {
      const id = accountIdOf(newUser())
      const answer = await asOperator(stack(), adminPath(id, '/grants'), body)
      await expectRefusal(answer, { status: 400, code: 'invalid_json' })
      await expectUntouched(stack(), id)
    },
  )

  it.concurrent.each([
    'user_2a',
    'clerk:',
    'clerk:user_',
    'clerk:mch_1',
    'clerk:user_a b',
    'acme:user:',
    'a\u0001:user:b',
    'acme:user:a\u0001',
  ])('400: %j is no account id, on any route', async (id) => {
    for (const [method, rest, body] of routes) {
      await expectRefusal(await asOperator(stack(), adminPath(id, rest), body, method), {
        status: 400,
        code: 'invalid_value',
        param: 'id',
        says: 'clerk:user_2a',
      })
    }
  })
}

function plansAndBlocks(stack: () => Stack): void {
  it.concurrent('200: a plan until a time, and until it is taken away', async () => {
    const user = newUser()
    const path = adminPath(accountIdOf(user), '/plan')
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const set = await asOperator(stack(), path, { plan: 'pro', until }, 'PUT')
    expect(await set.json()).toMatchObject({ plan: 'pro', recordedPlan: { plan: 'pro', until } })
    const past = await asOperator(stack(), path, { plan: 'pro', until: '2020-01-01T00:00:00Z' }, 'PUT')
    expect(await past.json()).toMatchObject({ plan: 'free' })
    const none = await asOperator(stack(), path, { plan: null }, 'PUT')
    expect(await none.json()).toMatchObject({ plan: 'free', recordedPlan: null })
  })

  it.concurrent('403 then 200: blocked and let go', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const path = adminPath(accountIdOf(user), '/blocked')
    const blocked = await asOperator(stack(), path, { blocked: true }, 'PUT')
    expect(await blocked.json()).toMatchObject({ blocked: true })
    await expectRefusal(await call(stack(), token, CHAT, { body: keyed(user) }), {
      status: 403,
      code: 'blocked',
    })
    expect(await account(stack(), token)).toMatchObject({ blocked: true })
    await expectUntouched(stack(), accountIdOf(user))
    expect(stack().provider.billFor(user)).toBeUndefined()
    await asOperator(stack(), path, { blocked: false }, 'PUT')
    expect((await call(stack(), token, CHAT, { body: keyed(user) })).status).toBe(200)
  })
}

function operatorKeys(stack: () => Stack): void {
  it.concurrent("201: the operator makes a user's key beyond the plan's bounds, and ends it", async () => {
    const user = newUser()
    const id = accountIdOf(user)
    const body = { name: 'backend', ttlSeconds: 30 * 86_400, creditsMax: 500 }
    const made = await asOperator(stack(), adminPath(id, '/keys'), body)
    expect(made.status).toBe(201)
    const { key, id: keyId } = (await made.json()) as { key: string; id: string }
    const answer = await call(stack(), key, CHAT, { body: keyed(user) })
    expect(answer.status, await answer.text()).toBe(200)
    const [charge] = await entriesOf(stack(), id)
    expect(charge).toMatchObject({ kind: 'charge', keyId, member: id })
    const { keys } = await showAccount(stack(), id)
    expect(keys).toMatchObject([{ id: keyId }])
    expect(JSON.stringify(keys)).not.toContain(key.slice(-40))
    const gone = await asOperator(stack(), adminPath(id, `/keys/${keyId}`), undefined, 'DELETE')
    expect(await gone.json()).toEqual({ id: keyId, deleted: true })
    await expectRefusal(await call(stack(), key, CHAT, { body: keyed(user) }), {
      status: 401,
      code: 'invalid_token',
    })
  })

  it.concurrent('201: a key of an organization names its member', async () => {
    const organization = `org_${newUser()}`
    const member = accountIdOf(newUser())
    await giveCredits(stack(), accountIdOf(organization), 1)
    const made = await asOperator(stack(), adminPath(accountIdOf(organization), '/keys'), { member })
    const { key } = (await made.json()) as { key: string }
    const answer = await call(stack(), key, CHAT, { body: keyed(member) })
    expect(answer.status, await answer.text()).toBe(200)
    const [charge] = await entriesOf(stack(), accountIdOf(organization))
    expect(charge).toMatchObject({ kind: 'charge', member })
  })
}
