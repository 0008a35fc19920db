/** What only the real runtime shows: objects that are evicted, alarms that ring, failures that cross RPC. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { createDurableObjectStore } from '@faregate/gateway/stores/durable-object'
import { beforeEach, expect, test } from 'vitest'
import {
  grantOf,
  reserveOf,
  START,
  settleOf,
} from '../../../packages/gateway/src/stores/conformance/fixtures.ts'
import { accepted, accountId } from '../../../packages/gateway/src/stores/conformance/harness.ts'
import { conditions } from './worker.ts'

const LEASE_MS = 60_000
const store = createDurableObjectStore(env.ACCOUNTS)

beforeEach(() => {
  conditions.clock = () => START
  conditions.creditUsd = '0.01'
  conditions.logged.length = 0
})

function objectOf(account: string) {
  return env.ACCOUNTS.getByName(account)
}

test('an evicted object goes on where it was, and its alarm still lapses its holds', async () => {
  const account = accountId()
  await accepted(store, account, grantOf(5000))
  await accepted(store, account, reserveOf(1000, 'lost'))
  await accepted(store, account, reserveOf(1000, 'kept'))
  await evictDurableObject(objectOf(account))
  expect(await accepted(store, account, settleOf('kept', 700))).toMatchObject({
    charged: 700,
    available: 3300,
  })
  await evictDurableObject(objectOf(account))
  conditions.clock = () => START + LEASE_MS
  expect(await runDurableObjectAlarm(objectOf(account))).toBe(true)
  const { open, totals } = await store.read(account)
  expect([open.total, totals.charged]).toEqual([0, 800])
  expect(await runDurableObjectAlarm(objectOf(account))).toBe(false)
})

test('a lapse comes by itself when the runtime rings', async () => {
  const account = accountId()
  conditions.clock = () => Date.now() - LEASE_MS + 300
  await accepted(store, account, grantOf(5000))
  await accepted(store, account, reserveOf(1000))
  conditions.clock = Date.now
  await expect.poll(async () => (await store.read(account)).open.total, { timeout: 20_000 }).toBe(0)
  expect((await store.read(account)).totals.charged).toBe(100)
})

test('an object that was only read stores nothing', async () => {
  const account = accountId()
  await store.read(account)
  await store.entries(account, { limit: 10 })
  await store.ready()
  const tables = await runInDurableObject(objectOf(account), (_, { storage }) =>
    storage.sql.exec('SELECT name FROM sqlite_master').toArray(),
  )
  expect(tables).toEqual([])
})

test('an answer that is lost is asked for again; a rule that breaks is no outage', async () => {
  const account = accountId()
  await accepted(store, account, grantOf(5000))
  conditions.losses.push(new Error('Network connection lost.'))
  expect(await accepted(store, account, reserveOf(1000))).toMatchObject({ available: 4000 })
  conditions.losses.push(new Error('lost'), new Error('lost'))
  await expect(store.apply(account, reserveOf(1000))).rejects.toMatchObject({ name: 'StoreUnavailable' })
  const impossible = reserveOf(500, 'impossible', { inputTokens: Number.NaN })
  await expect(store.apply(account, impossible)).rejects.toMatchObject({ name: 'LedgerFault' })
})

test('another price of a credit is refused with the reason, and the holds are not forgotten', async () => {
  const account = accountId()
  await accepted(store, account, grantOf(5000))
  await accepted(store, account, reserveOf(1000))
  await evictDurableObject(objectOf(account))
  conditions.creditUsd = '0.02'
  const error = await store.apply(account, grantOf(1)).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'StoreUnavailable', message: expect.stringContaining('credit.usd') })
  expect(await runDurableObjectAlarm(objectOf(account))).toBe(true)
  expect(conditions.logged).toEqual([expect.stringContaining('the sweep for lapsed leases failed')])
  conditions.creditUsd = '0.01'
  conditions.clock = () => START + LEASE_MS
  expect(await runDurableObjectAlarm(objectOf(account))).toBe(true)
  expect((await store.read(account)).open.total).toBe(0)
})

test('a reserve and its settlement change six rows, and one more with an Idempotency-Key', async () => {
  const account = accountId()
  await accepted(store, account, grantOf(50_000))
  await accepted(store, account, reserveOf(1000))
  const idempotency = { keyHash: 'key', requestHash: 'hello' }
  const written = await runInDurableObject(objectOf(account), async (object, { storage }) => {
    const changes = () => Number(storage.sql.exec('SELECT total_changes() AS changes').one().changes)
    const before = changes()
    await object.apply(account, reserveOf(1000, 'req'))
    await object.apply(account, settleOf('req', 500))
    const between = changes()
    await object.apply(account, reserveOf(1000, 'with key', { idempotency }))
    await object.apply(account, settleOf('with key', 500))
    return [between - before, changes() - between]
  })
  expect(written).toEqual([6, 7])
})
