/** The server killed at random under load, and its store locked from outside: the books balance all the same. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, keyed, newUser, tokenOf } from './harness/calls.ts'
import { OUTPUT_CAP, type Receipt, randomFrom, randomRequest, sendRequest } from './harness/load.ts'
import {
  type AdminEntry,
  accountIdOf,
  adminPath,
  entriesOf,
  expectConserved,
  expectUntouched,
  micro,
  showAccount,
} from './harness/operator.ts'
import { expectRefusal, retryAfter } from './harness/refusals.ts'
import { ADMIN_KEY, type Stack, startStack } from './harness/stack.ts'
import { until } from './harness/until.ts'

const CHAT = '/v1/chat/completions'
const ROUNDS = 5
const USERS = 12
const seed = Number(process.env['FAREGATE_CRASH_SEED'] ?? Date.now() % 1_000_000)

let stack: Stack
beforeAll(async () => {
  stack = await startStack('server')
})
afterAll(() => stack.stop())

/** Everything that was acknowledged over all rounds. */
type Seen = { receipts: Map<string, Receipt[]>; grants: Map<string, string[]>; lost: number }

/** One user's part of a round: requests one after another until the gateway is gone. */
async function ask(user: string, random: () => number, seen: Seen, going: () => boolean): Promise<void> {
  for (let count = 0; going(); count += 1) {
    const name = `${user}#${random()}`
    const receipt = await sendRequest(stack, user, randomRequest(random, name))
    if (receipt) seen.receipts.get(user)?.push(receipt)
    else seen.lost += 1
    if (count % 3 === 0 && going()) await grantOnce(user, `gift ${user} ${random()}`, seen)
  }
}

/** A grant of 0.000001 credits. Its key is remembered whether or not the answer came. */
async function grantOnce(user: string, key: string, seen: Seen): Promise<boolean> {
  seen.grants.get(user)?.push(key)
  return sendGrant(user, key)
}

async function sendGrant(user: string, key: string): Promise<boolean> {
  const answer = await call(stack, ADMIN_KEY, adminPath(accountIdOf(user), '/grants'), {
    body: { credits: 0.000001, reason: 'gift' },
    headers: { 'idempotency-key': key },
  }).catch(() => null)
  return answer?.status === 201
}

/** Load from all users, a kill in the midst of it, and a start on the same data. */
async function round(users: string[], random: () => number, seen: Seen): Promise<void> {
  let going = true
  const before = stack.provider.bills().length
  const target = before + 10 + Math.floor(random() * 120)
  const load = Promise.all(
    users.map((user) => ask(user, randomFrom(Math.floor(random() * 2 ** 32)), seen, () => going)),
  )
  await until('the load is well under way', 20_000, () => stack.provider.bills().length >= target)
  going = false
  await stack.kill('SIGKILL')
  await load
  await stack.start()
}

/** Every acknowledged charge is there, once, with its sum; returns the entries. */
async function checkReceipts(user: string, receipts: Receipt[]): Promise<AdminEntry[]> {
  const entries = await entriesOf(stack, accountIdOf(user))
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  expect(byId.size).toBe(entries.length)
  for (const { requestId, charged, held } of receipts) {
    const entry = byId.get(requestId)
    if (charged !== null)
      expect(entry).toMatchObject({ kind: 'charge', credits: -charged, ended: 'complete' })
    if (entry) expect(-entry.credits).toBeLessThanOrEqual(held)
  }
  return entries
}

/** What a crash left behind was charged its input at least, its hold at most, and is marked. */
function checkLapsed(entries: AdminEntry[]): number {
  const lapsed = entries.filter(({ ended }) => ended === 'lapsed')
  for (const { credits, estimated, usage, kind } of lapsed) {
    const input = usage?.inputTokens ?? 0
    expect({ kind, estimated }).toEqual({ kind: 'charge', estimated: true })
    expect(input).toBeGreaterThan(100)
    expect(-micro(credits)).toBeGreaterThanOrEqual(input)
    expect(-micro(credits)).toBeLessThanOrEqual(input + 2 * OUTPUT_CAP)
  }
  return lapsed.length
}

describe('kill -9 under load', () => {
  it('no charge is lost or doubled, the books balance, and within a minute nothing is held', async () => {
    console.info(`crash test: FAREGATE_CRASH_SEED=${seed}`)
    const random = randomFrom(seed)
    const users = Array.from({ length: USERS }, () => newUser())
    const empty = () => new Map(users.map((user) => [user, []]))
    const seen: Seen = { receipts: empty(), grants: empty(), lost: 0 }
    for (let count = 0; count < ROUNDS; count += 1) await round(users, random, seen)
    const shortKey = await makeShortKey()
    for (const user of users) await checkReceipts(user, seen.receipts.get(user) ?? [])
    for (const user of users) await checkGrants(user, seen.grants.get(user) ?? [])
    const heldAtFirst = await heldBy(users)
    await until('nothing is held', 75_000, async () => (await heldBy(users)) === 0)
    let lapsed = 0
    for (const user of users) {
      const entries = await checkReceipts(user, seen.receipts.get(user) ?? [])
      lapsed += checkLapsed(entries)
      checkAgainstBills(user, entries)
      await expectConserved(stack, accountIdOf(user))
    }
    const acknowledged = [...seen.receipts.values()].flat()
    console.info(`${acknowledged.length} receipts, ${seen.lost} lost answers, ${lapsed} lapsed`)
    // The kills did hit requests under way, and the load did get through in between.
    expect(heldAtFirst).toBeGreaterThan(0)
    expect(lapsed).toBeGreaterThanOrEqual(ROUNDS)
    expect(acknowledged.filter(({ charged }) => charged !== null).length).toBeGreaterThan(ROUNDS * 3)
    await expectExpired(shortKey)
  }, 200_000)
})

async function heldBy(users: string[]): Promise<number> {
  const views = await Promise.all(users.map((user) => showAccount(stack, accountIdOf(user))))
  return views.reduce((sum, { credits }) => sum + micro(credits.held), 0)
}

/** Sent again with their keys, grants whose answer was lost are there once, and so are the others. */
async function checkGrants(user: string, keys: string[]): Promise<void> {
  for (const key of keys) expect(await sendGrant(user, key)).toBe(true)
  const entries = await entriesOf(stack, accountIdOf(user))
  const gifts = entries.filter(({ kind, source }) => kind === 'grant' && source === 'operator')
  expect(gifts.map(({ id }) => id).sort()).toEqual(keys.map((key) => `operator:${key}`).sort())
  expect(entries.filter(({ source, kind }) => kind === 'grant' && source === 'allowance')).toHaveLength(1)
}

/** The provider's own books: nothing reached it without a hold, and what it served whole was charged exactly. */
function checkAgainstBills(user: string, entries: AdminEntry[]): void {
  const bills = stack.provider.bills().filter(({ keys }) => keys.some((key) => key.startsWith(`${user}#`)))
  const charges = entries.filter(({ kind }) => kind === 'charge')
  expect(charges.length).toBeGreaterThanOrEqual(bills.length)
  const costs = bills
    .filter(({ complete }) => complete)
    .map((bill) => bill.promptTokens + 2 * bill.completionTokens)
  for (const { ended, credits } of charges) {
    if (ended !== 'complete') continue
    const found = costs.indexOf(-micro(credits))
    expect(found).toBeGreaterThanOrEqual(0)
    costs.splice(found, 1)
  }
  // Charged and not lapsed means sent.
  expect(
    charges.filter(({ ended, credits }) => ended !== 'lapsed' && credits < 0).length,
  ).toBeLessThanOrEqual(bills.length)
}

/** A key of the shortest life there is; it lives while the leases run out. */
async function makeShortKey(): Promise<{ key: string; madeAt: number }> {
  const token = await tokenOf(stack, newUser(), 'pro')
  const answer = await call(stack, token, '/v1/keys', { body: { ttlSeconds: 60 } })
  const { key, createdAt } = (await answer.json()) as { key: string; createdAt: string }
  expect((await call(stack, key, '/v1/account')).status).toBe(200)
  return { key, madeAt: Date.parse(createdAt) }
}

async function expectExpired({ key, madeAt }: { key: string; madeAt: number }): Promise<void> {
  await until('the key is a minute old', 30_000, () => Date.now() >= madeAt + 60_000)
  for (const [path, body] of [[CHAT, keyed('expired')], ['/v1/account']] as const) {
    const answer = await call(stack, key, path, { ...(body && { body }) })
    await expectRefusal(answer, { status: 401, code: 'token_expired', says: 'Make a new one' })
  }
}

/** Runs `work` while another process, this one, holds the database's write lock. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  const database = new DatabaseSync(join(stack.folder, 'faregate.db'))
  try {
    database.exec('PRAGMA busy_timeout = 2000')
    database.exec('BEGIN IMMEDIATE')
    return await work()
  } finally {
    database.exec('ROLLBACK')
    database.close()
  }
}

describe('the store locked from outside', () => {
  it('503 then 200: nothing is sent while holds cannot be written, and it recovers by itself', async () => {
    const user = newUser()
    const token = await tokenOf(stack, user)
    const post = (stream: boolean) => call(stack, token, CHAT, { body: keyed(user, {}, { stream }) })
    await whileLocked(async () => {
      const answers = await Promise.all([post(false), post(true), post(false)])
      for (const answer of answers) {
        await expectRefusal(answer, {
          status: 503,
          code: 'store_unavailable',
          retry: true,
          says: 'nothing was sent',
        })
        expect(retryAfter(answer)).toBe(1)
      }
      await expectRefusal(await call(stack, token, '/v1/keys', { body: {} }), {
        status: 503,
        code: 'store_unavailable',
        retry: true,
        says: 'Nothing was done',
      })
      expect((await fetch(`${stack.url}/readyz`)).status).toBe(503)
      expect((await fetch(`${stack.url}/healthz`)).status).toBe(200)
      expect((await call(stack, token, '/v1/account')).status).toBe(200)
    })
    expect(stack.provider.billFor(user)).toBeUndefined()
    await expectUntouched(stack, accountIdOf(user))
    const answer = await post(false)
    expect(answer.status, await answer.text()).toBe(200)
    await expectConserved(stack, accountIdOf(user))
  })

  it('200: a lock shorter than two seconds is waited out', async () => {
    const user = newUser()
    const token = await tokenOf(stack, user)
    const answer = await whileLocked(async () => {
      const asked = call(stack, token, CHAT, { body: keyed(user) })
      const started = performance.now()
      await until('half a second has passed', 2000, () => performance.now() > started + 500)
      return { asked }
    })
    expect((await answer.asked).status).toBe(200)
  })

  it('200: an answer under way is given, and its charge is written once the lock is gone', async () => {
    const user = newUser()
    const token = await tokenOf(stack, user)
    const script = { promptTokens: 100, completionTokens: 50, headersDelayMs: 300 }
    const stream = { ...script, headersDelayMs: 0, firstChunkDelayMs: 300 }
    const asked = [keyed(user, script), keyed(user, stream, { stream: true })].map((body) =>
      call(stack, token, CHAT, { body }),
    )
    await until('both were sent', 5000, () => {
      return stack.provider.bills().filter(({ keys }) => keys.includes(user)).length === 2
    })
    await whileLocked(async () => {
      for (const answer of await Promise.all(asked)) {
        expect(answer.status).toBe(200)
        expect(await answer.text()).toContain('word')
      }
      expect((await showAccount(stack, accountIdOf(user))).credits.held).toBeGreaterThan(0)
    })
    await until('both are settled', 15_000, async () => {
      return (await showAccount(stack, accountIdOf(user))).credits.held === 0
    })
    const charges = (await entriesOf(stack, accountIdOf(user))).filter(({ kind }) => kind === 'charge')
    expect(charges.map(({ credits, ended }) => [credits, ended])).toEqual([
      [-0.0002, 'complete'],
      [-0.0002, 'complete'],
    ])
    await expectConserved(stack, accountIdOf(user))
  })
})
