/** What an object does with its alarm, and what the client makes of failures, over a stand-in for the runtime. */
import { expect, test } from 'vitest'
import { LEASE_MS } from '../core/reserve.ts'
import { StoreUnavailable } from '../ports.ts'
import { fakeStorage } from './conformance/fake-storage.ts'
import { catalog, grantOf, keyOf, reserveOf, START, settleOf, usageOf } from './conformance/fixtures.ts'
import { type AccountStub, createAccountLedger, createDurableObjectStore } from './durable-object.ts'

const DAY_MS = 86_400_000

function fakeObject(options: { creditUsd?: string } = {}) {
  const { database, storage, alarm } = fakeStorage()
  const time = { now: START }
  const logged: string[] = []
  const settings = { creditUsd: '0.01', ...options }
  const wake = () =>
    createAccountLedger({
      storage,
      name: 'a',
      settings: () => ({ catalog, ...settings }),
      clock: () => time.now,
      log: (problem) => logged.push(problem),
    })
  const ring = async (object: { alarm(): Promise<void> }) => {
    alarm.at = null
    await object.alarm()
  }
  return { database, alarm, time, logged, settings, wake, ring }
}

test('the alarm is set for the first hold and left alone by the others', async () => {
  const { alarm, time, wake } = fakeObject()
  const object = wake()
  await object.apply('a', grantOf(100_000))
  expect(alarm).toMatchObject({ at: null, sets: 0 })
  for (let index = 0; index < 20; index += 1) {
    await object.apply('a', reserveOf(1000, `req_${index}`))
    await object.apply('a', { kind: 'checkpoint', holdId: `req_${index}`, usage: usageOf(10) })
    if (index % 2 === 0) await object.apply('a', settleOf(`req_${index}`, 500))
    time.now += 100
  }
  expect(alarm).toMatchObject({ at: START + LEASE_MS, sets: 1 })
  const restarted = wake()
  await restarted.apply('a', reserveOf(1000))
  expect(alarm.sets).toBe(1)
})

test('an alarm that finds renewed leases is set again to the earliest of them, and ends with the last hold', async () => {
  const { alarm, time, wake, ring } = fakeObject()
  const object = wake()
  await object.apply('a', grantOf(100_000))
  await object.apply('a', reserveOf(1000, 'one'))
  await object.apply('a', reserveOf(1000, 'two'))
  time.now += 40_000
  await object.apply('a', { kind: 'checkpoint', holdId: 'two', usage: usageOf(300) })
  time.now += 10_000
  await object.apply('a', { kind: 'checkpoint', holdId: 'one', usage: usageOf(300) })
  time.now = START + LEASE_MS
  await ring(object)
  expect(alarm.at).toBe(START + 40_000 + LEASE_MS)
  expect((await object.read('a')).open.total).toBe(2)
  time.now = START + 40_000 + LEASE_MS
  await ring(object)
  expect([(await object.read('a')).open.total, alarm.at]).toEqual([1, START + 50_000 + LEASE_MS])
  time.now = START + 50_000 + LEASE_MS
  await ring(object)
  expect([(await object.read('a')).open.total, alarm.at]).toEqual([0, null])
})

test('keys that had their day are forgotten by an alarm of their own, and wait for no other', async () => {
  const { database, alarm, time, wake, ring } = fakeObject()
  const keys = () => database.prepare('SELECT count(*) AS count FROM idempotency').get()?.count
  const object = wake()
  const answered = async (id: string) => {
    const idempotency = { keyHash: `key of ${id}`, requestHash: 'hello' }
    await object.apply('a', reserveOf(1000, id, { idempotency }))
    await object.apply('a', settleOf(id, 500))
  }
  await object.apply('a', grantOf(100_000))
  await answered('first')
  expect(alarm.at).toBe(START + LEASE_MS)
  time.now = START + LEASE_MS
  await ring(object)
  expect(alarm.at).toBe(START + DAY_MS)
  time.now = START + DAY_MS / 2
  await answered('second')
  expect(alarm.at).toBe(time.now + LEASE_MS)
  time.now += LEASE_MS
  await ring(object)
  expect([alarm.at, keys()]).toEqual([START + DAY_MS, 2])
  time.now = START + DAY_MS
  await ring(object)
  expect([alarm.at, keys()]).toEqual([START + 1.5 * DAY_MS, 1])
  time.now = START + 1.5 * DAY_MS
  await ring(object)
  expect([alarm.at, keys()]).toEqual([null, 0])
})

test('a hold that was left without an alarm gets one with the next command', async () => {
  const { alarm, wake } = fakeObject()
  await wake().apply('a', grantOf(100_000))
  alarm.fails = true
  await expect(wake().apply('a', reserveOf(1000))).rejects.toThrow('no alarm today')
  alarm.fails = false
  await wake().apply('a', grantOf(1))
  expect(alarm.at).toBe(START + LEASE_MS)
})

test('an alarm of an object that cannot be opened does not fail, and comes again', async () => {
  const { alarm, time, logged, settings, wake, ring } = fakeObject()
  await wake().apply('a', grantOf(100_000))
  await wake().apply('a', reserveOf(1000))
  settings.creditUsd = '0.02'
  time.now += LEASE_MS
  await ring(wake())
  expect(logged).toEqual(['the sweep for lapsed leases failed'])
  expect(alarm.at).toBeGreaterThan(time.now)
  settings.creditUsd = '0.01'
  await ring(wake())
  expect((await wake().read('a')).open.total).toBe(0)
})

test('one hold that cannot lapse does not keep the others, and is tried again', async () => {
  const { database, alarm, time, logged, wake, ring } = fakeObject()
  await wake().apply('a', grantOf(100_000))
  for (const id of ['broken', 'sound']) await wake().apply('a', reserveOf(1000, id))
  database.exec(
    `UPDATE holds SET state = json_set(state, '$.draws[0].grantId', 'nobody') WHERE id = 'broken'`,
  )
  time.now += LEASE_MS
  await ring(wake())
  expect(logged).toEqual(['the hold broken could not lapse'])
  expect((await wake().read('a')).open.total).toBe(1)
  expect(alarm.at).toBeGreaterThan(time.now)
})

test('an object that was only read has no tables', async () => {
  const { database, wake } = fakeObject()
  await wake().read('a')
  await wake().entries('a', { limit: 10 })
  expect(database.prepare('SELECT count(*) AS tables FROM sqlite_master').get()).toEqual({ tables: 0 })
})

test('an object takes commands of its own account alone, and none at another price of a credit', async () => {
  const { settings, wake } = fakeObject()
  await expect(wake().apply('b', grantOf(1))).rejects.toThrow("the object of a is not b's")
  await wake().apply('a', grantOf(1))
  settings.creditUsd = '0.010'
  await wake().apply('a', grantOf(1))
  settings.creditUsd = '0.02'
  await expect(wake().apply('a', grantOf(1))).rejects.toThrow(StoreUnavailable)
})

/** A namespace whose calls do what they should, and then fail as often as `failures` says. */
function failing(failures: Error[]) {
  const { wake } = fakeObject()
  const object = wake()
  let stubs = 0
  const stub: AccountStub = {
    async apply(accountId, command) {
      const result = await object.apply(accountId, command)
      const failure = failures.shift()
      if (failure) throw failure
      return result
    },
    read: (accountId) => object.read(accountId),
    entries: (accountId, query) => object.entries(accountId, query),
    payments: (accountId, query) => object.payments(accountId, query),
    usage: (accountId, query) => object.usage(accountId, query),
    keepAnswer: (accountId, key, answer) => object.keepAnswer(accountId, key, answer),
    answer: (accountId, key) => object.answer(accountId, key),
  }
  const store = createDurableObjectStore({
    getByName() {
      stubs += 1
      return stub
    },
  })
  return { store, stubs: () => stubs }
}

test('a command whose answer was lost is asked again, through a fresh stub, and has one effect', async () => {
  const failures: Error[] = []
  const { store, stubs } = failing(failures)
  const commands = [
    grantOf(5000, 'bought'),
    reserveOf(1000, 'req'),
    { kind: 'checkpoint', holdId: 'req', usage: usageOf(200) } as const,
    settleOf('req', 600),
    { kind: 'revoke', id: 'refund', grantId: 'bought', credits: 1000, reason: 'r' } as const,
    { kind: 'restore', id: 'won', grantId: 'bought', credits: 500, reason: 'r' } as const,
    keyOf('key'),
    { kind: 'setPlan', plan: 'monthly', until: null } as const,
    { kind: 'setBlocked', blocked: true } as const,
  ]
  for (const command of commands) {
    failures.push(new Error('Network connection lost.'))
    const before = stubs()
    expect(await store.apply('a', command)).toMatchObject({ ok: true })
    expect(stubs() - before).toBe(2)
  }
  const { totals, keys } = await store.read('a')
  expect(totals).toEqual({ granted: 5500, revoked: 1000, charged: 600, expired: 0 })
  expect(keys).toHaveLength(1)
})

test('an object that does not answer is store unavailable', async () => {
  const lost = () => new Error('Network connection lost.')
  const { store } = failing([lost(), lost()])
  await expect(store.apply('a', grantOf(1))).rejects.toThrow(StoreUnavailable)
})

test('an overloaded object, and the end of a key, are not asked twice', async () => {
  const failures: Error[] = [Object.assign(new Error('overloaded'), { overloaded: true })]
  const { store, stubs } = failing(failures)
  await expect(store.apply('a', grantOf(1))).rejects.toThrow(StoreUnavailable)
  expect(stubs()).toBe(1)
  await store.apply('a', keyOf('key'))
  failures.push(new Error('Network connection lost.'))
  const before = stubs()
  await expect(store.apply('a', { kind: 'revokeKey', id: 'key', member: null })).rejects.toThrow(
    StoreUnavailable,
  )
  expect(stubs() - before).toBe(1)
})

test('a broken rule is not an outage', async () => {
  const { store } = failing([])
  await store.apply('a', grantOf(1000))
  const impossible = reserveOf(500, 'req', { price: { ...reserveOf(500).price, input: Number.NaN } })
  const error = await store.apply('a', impossible).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(Error)
  expect(error).not.toBeInstanceOf(StoreUnavailable)
})
