/** Keys in a file: several stores on it admit one request, a commit that fails keeps nothing, and what is over is gone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Reserve } from '../core/command.ts'
import { StoreUnavailable } from '../ports.ts'
import { catalog, grantOf, reserveOf, settleOf, uniqueId } from './conformance/fixtures.ts'
import { accepted, createTestClock, type TestClock } from './conformance/harness.ts'
import { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from './node-sqlite.ts'

const DAY_MS = 86_400_000
const account = 'clerk:user_1'

let folder = ''
let stores: SqliteStore[] = []
let clock: TestClock

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faregate-idempotency-'))
  clock = createTestClock()
})

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  stores = []
  rmSync(folder, { recursive: true })
})

function open(options: Partial<SqliteStoreOptions> = {}): SqliteStore {
  const store = createSqliteStore({
    path: join(folder, 'ledger.db'),
    catalog,
    creditUsd: '0.01',
    clock: clock.wall,
    steadyClock: clock.steady,
    sweepMs: 3_600_000,
    ...options,
  })
  stores.push(store)
  return store
}

function query(sql: string): unknown[] {
  const database = new DatabaseSync(join(folder, 'ledger.db'))
  const rows = database.prepare(sql).all()
  database.close()
  return rows
}

function keyed(id: string, keyHash = 'key', requestHash = 'hello'): Reserve {
  return reserveOf(1000, id, { idempotency: { keyHash, requestHash } })
}

test('three stores on one file admit one request of each key', async () => {
  const three = [open(), open(), open()]
  await accepted(three[0] ?? open(), account, grantOf(100_000))
  const keys = Array.from({ length: 20 }, (_, index) => `key${index}`)
  const results = await Promise.all(
    keys.flatMap((key) =>
      three.map(async (store) => ({ key, result: await store.apply(account, keyed(uniqueId('req'), key)) })),
    ),
  )
  for (const key of keys) {
    const own = results.filter((each) => each.key === key).map(({ result }) => result)
    const [admitted, ...more] = own.flatMap((result) => (result.ok ? [result.value.hold.id] : []))
    expect(more).toEqual([])
    const told = own.flatMap((result) => (result.ok ? [] : [result.error.first]))
    const first = { requestId: admitted, repeated: false }
    expect(told).toEqual([first, first])
  }
})

test('a hold and its key commit together or not at all, and so do a release and its key', async () => {
  const plan = { left: Number.POSITIVE_INFINITY }
  const store = open({
    wrapDriver: (driver) => ({
      ...driver,
      execute(sql, ...parameters) {
        plan.left -= 1
        if (plan.left === 0) throw new StoreUnavailable('disk I/O error')
        return driver.execute(sql, ...parameters)
      },
    }),
  })
  await accepted(store, account, grantOf(1_000_000))
  const state = async (key: string) => {
    const { total } = (await store.read(account)).open
    return [total, query(`SELECT request_id FROM idempotency WHERE key_hash = '${key}'`).length]
  }
  const outcomes = new Set<string>()
  for (let at = 1; at < 20; at += 1) {
    const [id, key] = [`req${at}`, `key${at}`]
    plan.left = at
    const held = await store.apply(account, keyed(id, key)).catch(() => null)
    plan.left = Number.POSITIVE_INFINITY
    expect(await state(key)).toEqual(held ? [1, 1] : [0, 0])
    if (!held) await accepted(store, account, keyed(id, key))
    plan.left = at
    const released = await store.apply(account, { kind: 'release', holdId: id }).catch(() => null)
    plan.left = Number.POSITIVE_INFINITY
    expect(await state(key)).toEqual(released ? [0, 0] : [1, 1])
    if (!released) await accepted(store, account, { kind: 'release', holdId: id })
    outcomes.add(`${held !== null} ${released !== null}`)
  }
  expect(outcomes).toContain('false false')
  expect(outcomes).toContain('true true')
})

test('a sweep deletes what is over, some at a time, by an index, and never the key of a request under way', async () => {
  const statements = new Set<string>()
  const store = open({
    wrapDriver: (driver) => ({
      ...driver,
      execute(sql, ...parameters) {
        statements.add(sql)
        return driver.execute(sql, ...parameters)
      },
    }),
  })
  await accepted(store, account, grantOf(10_000_000))
  const ids = Array.from({ length: 620 }, (_, index) => `req${index}`)
  await Promise.all(ids.map((id) => accepted(store, account, keyed(id, `key of ${id}`))))
  await Promise.all(ids.slice(1).map((id) => accepted(store, account, settleOf(id, 200))))
  const answer = { status: 200, headers: {}, body: new TextEncoder().encode('the secret answer') }
  await store.keepAnswer(account, { keyHash: 'key of req7', requestId: 'req7' }, answer)
  const left = () => query('SELECT request_id AS id FROM idempotency')
  const sweepLater = async (ms: number) => {
    // The lease of the one under way is renewed, as its process does.
    clock.advance(ms)
    await accepted(store, account, {
      kind: 'checkpoint',
      holdId: 'req0',
      usage: settleOf('req0', 200).usage,
    })
    await store.sweep()
  }
  await sweepLater(DAY_MS - 1)
  expect(left()).toHaveLength(620)
  await sweepLater(1)
  expect(left()).toHaveLength(120)
  await sweepLater(1000)
  expect(left()).toEqual([{ id: 'req0' }])
  expect(query('SELECT * FROM idempotency WHERE body IS NOT NULL')).toEqual([])
  const [prunes] = [...statements].filter((sql) =>
    sql.startsWith('SELECT account_id, key_hash FROM idempotency'),
  )
  const plan = query(`EXPLAIN QUERY PLAN ${prunes?.replaceAll('?', '1')}`)
  expect(JSON.stringify(plan)).toContain('MULTI-INDEX OR')
})

test('a closed account leaves no key and no answer in the file', async () => {
  const store = open()
  await accepted(store, account, grantOf(10_000))
  await accepted(store, account, keyed('req'))
  await accepted(store, account, settleOf('req', 200))
  const answer = { status: 200, headers: {}, body: new TextEncoder().encode('the secret answer') }
  await store.keepAnswer(account, { keyHash: 'key', requestId: 'req' }, answer)
  expect(query('SELECT * FROM idempotency')).toHaveLength(1)
  await accepted(store, account, { kind: 'closeAccount', pseudonym: 'closed', block: false })
  expect(query('SELECT * FROM idempotency')).toEqual([])
})
