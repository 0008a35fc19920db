/** Credits that the operator gives and takes back: once each, into debt and out of it. */
import { expect, it } from 'vitest'
import { account, asOperator, call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import {
  accountIdOf,
  adminPath,
  entriesOf,
  expectConserved,
  expectUntouched,
  giveCredits,
  showAccount,
} from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import { ADMIN_KEY, type Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const CHAT = '/v1/chat/completions'

type Moved = { id: string; credits: number; available: number; debt: number }

async function post(stack: Stack, id: string, what: string, body: object, key?: string): Promise<Response> {
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  return call(stack, ADMIN_KEY, adminPath(id, `/${what}`), { body: { reason: 'test', ...body }, headers })
}

async function moved(answer: Response): Promise<Moved> {
  const text = await answer.text()
  expect(answer.status, text).toBe(201)
  return JSON.parse(text) as Moved
}

/** Spends credits of a user on the plan `none`: 1 microcredit for each token of input. */
async function spend(stack: Stack, user: string, promptTokens: number): Promise<Response> {
  const token = await tokenOf(stack, user, 'none')
  const padding = 'x'.repeat(promptTokens)
  const content = JSON.stringify({ script: { promptTokens, completionTokens: 0 }, key: user, padding })
  return call(stack, token, CHAT, { body: keyed(user, {}, { messages: [{ role: 'user', content }] }) })
}

export function grants(stack: () => Stack): void {
  it.concurrent('201: one Idempotency-Key in parallel is one grant; other credits under it are 409', async () => {
    const id = accountIdOf(newUser())
    const key = `order ${id}`
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => moved(await post(stack(), id, 'grants', { credits: 2.5 }, key))),
    )
    expect(new Set(answers.map((answer) => answer.id)).size).toBe(1)
    for (const answer of answers) expect(answer).toMatchObject({ credits: 2.5, available: 2.5, debt: 0 })
    for (const credits of [2.4, 2.500001, '25']) {
      await expectRefusal(await post(stack(), id, 'grants', { credits }, key), {
        status: 409,
        code: 'idempotency_conflict',
      })
    }
    await moved(await post(stack(), id, 'grants', { credits: '2.5' }, `${key} 2`))
    expect(await expectConserved(stack(), id)).toBe(5_000_000)
  })

  it.concurrent('201: keys that begin alike are two grants', async () => {
    const id = accountIdOf(newUser())
    const long = 'k'.repeat(200)
    await moved(await post(stack(), id, 'grants', { credits: 1 }, long))
    const second = await post(stack(), id, 'grants', { credits: 1 }, `${long}2`)
    await expectRefusal(second, { status: 400, code: 'invalid_value', param: 'idempotency-key' })
    expect(await expectConserved(stack(), id)).toBe(1_000_000)
  })

  it.concurrent('201: without a key each grant is its own; accounts do not share keys', async () => {
    const ids = [accountIdOf(newUser()), accountIdOf(newUser())]
    for (const id of ids) {
      await Promise.all([1, 2, 3].map(async () => moved(await post(stack(), id, 'grants', { credits: 1 }))))
      await moved(await post(stack(), id, 'grants', { credits: 1 }, 'shared'))
      expect(await expectConserved(stack(), id)).toBe(4_000_000)
    }
  })

  grantBounds(stack)
}

function grantBounds(stack: () => Stack): void {
  it.concurrent('201: a grant that expires is shown as gone at once, and recorded with the next command', async () => {
    const user = newUser()
    const id = accountIdOf(user)
    const expiresAt = new Date(Date.now() + 1500).toISOString()
    await moved(await post(stack(), id, 'grants', { credits: 1, expiresAt }))
    const token = await tokenOf(stack(), user, 'none')
    const view = await account(stack(), token)
    expect(view.credits).toMatchObject({
      available: 1,
      grants: [{ source: 'operator', remaining: 1, expiresAt }],
    })
    await until('it expires', 5000, async () => (await account(stack(), token)).credits.available === 0)
    await expectRefusal(await spend(stack(), user, 100), { status: 402, code: 'insufficient_credits' })
    expect((await entriesOf(stack(), id)).map(({ kind }) => kind)).toEqual(['grant'])
    await giveCredits(stack(), id, 2)
    expect((await entriesOf(stack(), id)).map(({ kind, credits }) => [kind, credits])).toEqual([
      ['grant', 2],
      ['expire', -1],
      ['grant', 1],
    ])
    expect(await expectConserved(stack(), id)).toBe(2_000_000)
  })

  it.concurrent('400: an account can be granted so much in all, and no more', async () => {
    const id = accountIdOf(newUser())
    await giveCredits(stack(), id, 1_000_000_000)
    await expectRefusal(await post(stack(), id, 'grants', { credits: 1 }), {
      status: 400,
      code: 'invalid_value',
      param: 'credits',
    })
    expect(await expectConserved(stack(), id)).toBe(1e15)
  })
}

export function revocations(stack: () => Stack): void {
  it.concurrent('402: a refund of what was spent makes debt; nothing is admitted until it is repaid', async () => {
    const user = newUser()
    const id = accountIdOf(user)
    const grantId = await giveCredits(stack(), id, 0.01)
    const used = await spend(stack(), user, 6000)
    expect(used.status, await used.text()).toBe(200)
    const key = `refund ${id}`
    const refund = () => post(stack(), id, 'revocations', { grantId }, key)
    const answers = await Promise.all(Array.from({ length: 10 }, async () => moved(await refund())))
    for (const answer of answers) expect(answer).toMatchObject({ credits: 0.01, available: 0, debt: 0.006 })
    await expectConserved(stack(), id)
    await expectRefusal(await spend(stack(), user, 100), {
      status: 402,
      code: 'account_in_debt',
      says: /owes 0\.006 credits.*Buy credits/,
    })
    // A month's allowance does not pay what is owed.
    const allowance = await call(stack(), await tokenOf(stack(), user, 'pro'), CHAT, { body: keyed(user) })
    await expectRefusal(allowance, { status: 402, code: 'account_in_debt' })
    expect(await moved(await post(stack(), id, 'grants', { credits: 0.004 }))).toMatchObject({
      available: 0,
      debt: 0.002,
    })
    await expectRefusal(await spend(stack(), user, 100), { status: 402, code: 'account_in_debt' })
    expect(await moved(await post(stack(), id, 'grants', { credits: 0.012 }))).toMatchObject({
      available: 0.01,
      debt: 0,
    })
    expect((await spend(stack(), user, 100)).status).toBe(200)
    expect(await expectConserved(stack(), id)).toBe(10_000 - 100)
  })

  amounts(stack)
  conflicts(stack)
}

function amounts(stack: () => Stack): void {
  it.concurrent('201: parts of a grant are taken back, in all never more than it gave', async () => {
    const id = accountIdOf(newUser())
    const grantId = await giveCredits(stack(), id, 3)
    await giveCredits(stack(), id, 4)
    const revoke = async (body: object) => moved(await post(stack(), id, 'revocations', body))
    expect(await revoke({ grantId, credits: 1 })).toMatchObject({ credits: 1, available: 6, debt: 0 })
    expect(await revoke({ grantId, credits: 50 })).toMatchObject({ credits: 2, available: 4, debt: 0 })
    expect(await revoke({ grantId })).toMatchObject({ credits: 0, available: 4, debt: 0 })
    expect(await expectConserved(stack(), id)).toBe(4_000_000)
  })

  it.concurrent('201: without a grant it takes what is there, and makes no debt', async () => {
    const id = accountIdOf(newUser())
    await giveCredits(stack(), id, 3)
    const revoke = async (body: object) => moved(await post(stack(), id, 'revocations', body))
    expect(await revoke({ credits: '0.5' })).toMatchObject({ credits: 0.5, available: 2.5, debt: 0 })
    expect(await revoke({ credits: 100 })).toMatchObject({ credits: 2.5, available: 0, debt: 0 })
    expect(await expectConserved(stack(), id)).toBe(0)
    expect((await showAccount(stack(), id)).totals.revoked).toBe(3)
  })
}

function conflicts(stack: () => Stack): void {
  it.concurrent('409: one Idempotency-Key for two different revocations', async () => {
    const id = accountIdOf(newUser())
    const first = await giveCredits(stack(), id, 3)
    const second = await giveCredits(stack(), id, 5)
    await moved(await post(stack(), id, 'revocations', { grantId: first }, 'refund'))
    await expectRefusal(await post(stack(), id, 'revocations', { grantId: second }, 'refund'), {
      status: 409,
      code: 'idempotency_conflict',
    })
    expect(await expectConserved(stack(), id)).toBe(5_000_000)
  })

  it.concurrent("404: a grant that is not there, or another account's", async () => {
    const id = accountIdOf(newUser())
    const others = await giveCredits(stack(), accountIdOf(newUser()), 1, { 'idempotency-key': 'its own' })
    for (const grantId of ['operator:none', others]) {
      await expectRefusal(await post(stack(), id, 'revocations', { grantId }), {
        status: 404,
        code: 'not_found',
      })
    }
    await expectUntouched(stack(), id)
  })

  it.concurrent('201: a refund while a request is under way leaves the request its credits', async () => {
    const user = newUser()
    const id = accountIdOf(user)
    const grantId = await giveCredits(stack(), id, 0.01)
    const token = await tokenOf(stack(), user, 'none')
    const body = keyed(user, { promptTokens: 50, completionTokens: 100, headersDelayMs: 600 })
    const under = call(stack(), token, CHAT, { body })
    await until('it is under way', 5000, async () => (await account(stack(), token)).credits.held > 0)
    const refunded = await moved(await post(stack(), id, 'revocations', { grantId }))
    expect(refunded.credits).toBe(0.01)
    expect(refunded.debt).toBeGreaterThan(0)
    const answer = await under
    expect(answer.status, await answer.text()).toBe(200)
    // What the hold gives back pays the debt that it caused: 250 were used.
    expect((await showAccount(stack(), id)).credits).toMatchObject({ available: 0, held: 0, debt: 0.00025 })
    await expectConserved(stack(), id)
    await asOperator(stack(), adminPath(id, '/grants'), { credits: 1, reason: 'sorry' })
  })
}
