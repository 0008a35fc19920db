/** What an account's owner can take along and take away: who may buy, purchases, the download, and deletion. */
import { expect, it } from 'vitest'
import { account, asOperator, call, entries, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { accountIdOf, adminPath, entriesOf, giveCredits, showAccount } from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const CHAT = '/v1/chat/completions'

type Deleted = { deleted: boolean; id: string; unspentPurchasedCredits: number; reference: string }
type Export = {
  account: Record<string, unknown>
  entries: { id: string }[]
  payments: unknown[]
  usage: { requests: number }[]
}

export function accountData(stack: () => Stack): void {
  buyers(stack)
  purchases(stack)
  downloads(stack)
  deletion(stack)
  undeleted(stack)
  operatorsDeletion(stack)
}

async function asMember(stack: Stack, user: string, organization: string, role: string): Promise<string> {
  const claims = { o: { id: organization, rol: role, slg: 'x' }, pla: 'o:team' }
  return stack.clerk.mint({ user, overrides: { claims } })
}

async function keyOf(stack: Stack, token: string): Promise<string> {
  const made = await call(stack, token, '/v1/keys', { body: { name: 'key-canary' } })
  expect(made.status).toBe(201)
  return ((await made.json()) as { key: string }).key
}

async function remove(stack: Stack, token: string): Promise<Deleted> {
  const answer = await call(stack, token, '/v1/account', { method: 'DELETE' })
  const text = await answer.text()
  expect(answer.status, text).toBe(200)
  return JSON.parse(text) as Deleted
}

function buyers(stack: () => Stack): void {
  it.concurrent('200: who pays, and who may buy', async () => {
    const user = newUser()
    const organization = `org_buy${user}`
    const own = await tokenOf(stack(), user)
    expect(await account(stack(), own)).toMatchObject({ payer: 'user', canBuy: true })
    expect(await account(stack(), await keyOf(stack(), own))).toMatchObject({ payer: 'user', canBuy: false })
    for (const [role, canBuy] of [
      ['admin', true],
      ['member', false],
    ] as const) {
      const token = await asMember(stack(), user, organization, role)
      expect(await account(stack(), token)).toMatchObject({ payer: 'organization', canBuy })
      expect(await account(stack(), await keyOf(stack(), token))).toMatchObject({ canBuy: false })
    }
  })
}

function purchases(stack: () => Stack): void {
  it.concurrent('200: an account without purchases lists none', async () => {
    const user = newUser()
    const answer = await call(stack(), await tokenOf(stack(), user), '/v1/account/payments?limit=10')
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ data: [], nextCursor: null })
    const shown = await asOperator(stack(), adminPath(accountIdOf(user), '/payments'))
    expect(await shown.json()).toEqual({ data: [], nextCursor: null })
  })

  it.concurrent.each([
    ['limit=0', 'limit'],
    ['limit=501', 'limit'],
    [`cursor=${encodeURIComponent("' OR 1=1")}`, 'cursor'],
  ])('400: payments?%s', async (query, param) => {
    const answer = await call(stack(), await tokenOf(stack(), newUser()), `/v1/account/payments?${query}`)
    await expectRefusal(answer, { status: 400, code: 'invalid_value', param })
  })

  it.concurrent('404: a payment that is not there cannot be resolved', async () => {
    const path = adminPath(accountIdOf(newUser()), '/payments/pay_none/resolve')
    const answer = await asOperator(stack(), path, { credits: 0 })
    await expectRefusal(answer, { status: 404, code: 'not_found', says: 'pay_none' })
  })
}

function downloads(stack: () => Stack): void {
  it.concurrent('200: everything about an account as one document, without a secret', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const key = await keyOf(stack(), token)
    await giveCredits(stack(), accountIdOf(user), 0.1)
    expect((await call(stack(), token, CHAT, { body: keyed(user) })).status).toBe(200)
    const answer = await call(stack(), token, '/v1/account/export')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    const day = new Date().toISOString().slice(0, 8)
    expect(answer.headers.get('content-disposition')).toContain(
      `attachment; filename="faregate-export-${day}`,
    )
    const text = await answer.text()
    for (const secret of [key, key.slice(-43), token.slice(-40), 'hash', 'upstreamPicoUsd']) {
      expect(text).not.toContain(secret)
    }
    const all = JSON.parse(text) as Export
    expect(all.account).toMatchObject({
      id: accountIdOf(user),
      payer: 'user',
      keys: [{ name: 'key-canary', creditsSpent: 0 }],
    })
    expect(all.entries).toEqual(await entries(stack(), token))
    expect(all.entries).toHaveLength(3)
    expect(all.payments).toEqual([])
    expect(all.usage).toMatchObject([{ requests: 1 }])
    const shown = await asOperator(stack(), adminPath(accountIdOf(user), '/export'))
    const theirs = (await shown.json()) as Export
    expect(theirs.entries).toEqual(all.entries)
    expect(theirs.account).toMatchObject({ totals: { granted: 10.1 } })
    await expectRefusal(await call(stack(), key, '/v1/account/export'), { status: 403, code: 'not_allowed' })
  })
}

function deletion(stack: () => Stack): void {
  it.concurrent('200: a deleted account is gone, and signing in again brings no second allowance', async () => {
    const user = newUser()
    const id = accountIdOf(user)
    const token = await tokenOf(stack(), user)
    const key = await keyOf(stack(), token)
    await giveCredits(stack(), id, 5)
    expect((await call(stack(), token, CHAT, { body: keyed(user) })).status).toBe(200)
    const before = await showAccount(stack(), id)
    await expectRefusal(await call(stack(), key, '/v1/account', { method: 'DELETE' }), {
      status: 403,
      code: 'not_allowed',
      says: 'session token',
    })
    const deleted = await remove(stack(), token)
    expect(deleted).toEqual({
      deleted: true,
      id,
      unspentPurchasedCredits: 0,
      reference: expect.stringMatching(/^deleted:[0-9a-f]{32}$/),
    })
    const fresh = await tokenOf(stack(), user)
    expect(await account(stack(), fresh)).toMatchObject({
      credits: { available: 0, held: 0, debt: 0, grants: [] },
      blocked: false,
    })
    expect(await entriesOf(stack(), id)).toEqual([])
    expect((await showAccount(stack(), id)).keys).toEqual([])
    const refused = await call(stack(), fresh, CHAT, { body: keyed(user) })
    await expectRefusal(refused, { status: 402, code: 'insufficient_credits' })
    await expectRefusal(await call(stack(), key, '/v1/account'), { status: 401, code: 'invalid_token' })
    await expectBooks(stack(), deleted.reference, before.totals.granted)
  })

  it.concurrent("403: an organization's is deleted by those who may buy", async () => {
    const user = newUser()
    const organization = `org_del${user}`
    const member = await asMember(stack(), user, organization, 'member')
    expect((await call(stack(), member, CHAT, { body: keyed(user) })).status).toBe(200)
    await expectRefusal(await call(stack(), member, '/v1/account', { method: 'DELETE' }), {
      status: 403,
      code: 'not_allowed',
      says: 'admin',
    })
    expect((await entries(stack(), member)).length).toBeGreaterThan(0)
    const owner = await asMember(stack(), user, organization, 'admin')
    expect((await remove(stack(), owner)).id).toBe(accountIdOf(organization))
    expect(await entries(stack(), member)).toEqual([])
  })
}

function undeleted(stack: () => Stack): void {
  it.concurrent('409: while a request is under way nothing is deleted', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const client = new AbortController()
    const body = keyed(user, { chunks: 100, chunkDelayMs: 100 }, { stream: true })
    const running = await call(stack(), token, CHAT, { body, signal: client.signal })
    expect(running.status).toBe(200)
    const refused = await call(stack(), token, '/v1/account', { method: 'DELETE' })
    await expectRefusal(refused, { status: 409, code: 'requests_under_way', retry: true, says: /1 request/ })
    expect((await showAccount(stack(), accountIdOf(user))).credits.held).toBeGreaterThan(0)
    expect(await entries(stack(), token)).toHaveLength(1)
    client.abort()
    await until('nothing is under way', 10_000, async () => {
      const answer = await call(stack(), token, '/v1/account', { method: 'DELETE' })
      await answer.text()
      return answer.status === 200
    })
    expect(await entries(stack(), token)).toEqual([])
  })

  it.concurrent('200: an account that nobody has seen is deleted without a trace', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    expect(await remove(stack(), token)).toMatchObject({ deleted: true, unspentPurchasedCredits: 0 })
    expect(await account(stack(), token)).toMatchObject({ credits: { available: 10 } })
  })
}

/** The books of a deleted account, under the name that names nobody. A Worker's stay in their object, out of reach. */
async function expectBooks(stack: Stack, reference: string, granted: number): Promise<void> {
  if (stack.runtime === 'worker') return
  const books = await entriesOf(stack, reference)
  expect(books.map(({ kind }) => kind).sort()).toEqual(['charge', 'expire', 'expire', 'grant', 'grant'])
  for (const entry of books) expect([undefined, reference]).toContain(entry.member)
  expect(await showAccount(stack, reference)).toMatchObject({
    id: reference,
    blocked: true,
    credits: { available: 0, held: 0, debt: 0 },
    totals: { granted },
  })
  const given = await asOperator(stack, adminPath(reference, '/grants'), { credits: 1, reason: 'x' })
  await expectRefusal(given, { status: 400, code: 'invalid_value', param: 'id' })
}

function operatorsDeletion(stack: () => Stack): void {
  it.concurrent.each([
    ['', false],
    ['?block=false', false],
    ['?block=true', true],
  ])('200: DELETE /admin/accounts/{id}%s leaves it blocked: %s', async (query, blocked) => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    expect((await call(stack(), token, CHAT, { body: keyed(user) })).status).toBe(200)
    const answer = await asOperator(stack(), adminPath(accountIdOf(user), query), undefined, 'DELETE')
    expect(answer.status, await answer.clone().text()).toBe(200)
    expect(await answer.json()).toMatchObject({ deleted: true, id: accountIdOf(user) })
    expect(await account(stack(), token)).toMatchObject({ blocked })
    expect(await entriesOf(stack(), accountIdOf(user))).toEqual([])
    const refused = await call(stack(), token, CHAT, { body: keyed(user) })
    await expectRefusal(
      refused,
      blocked ? { status: 403, code: 'blocked' } : { status: 402, code: 'insufficient_credits' },
    )
  })
}
