/** Databases that an earlier version wrote come up with what is new, and go on working. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Account, availableOf, newAccount } from '../core/account.ts'
import type { Entry } from '../core/entry.ts'
import { catalog, grantOf, reserveOf, START, settleOf } from './conformance/fixtures.ts'
import { accepted, allEntries, allPayments, allUsage } from './conformance/harness.ts'
import { openPaymentOf, pack, paidOf, subscriptionOf } from './conformance/purchases.ts'
import { createAccountLedger } from './durable-object.ts'
import { migrate } from './migrations.ts'
import { createSqliteStore } from './node-sqlite.ts'
import type { SqliteDriver } from './sqlite-driver.ts'

const DAY_MS = 86_400_000
const today = Math.floor(START / DAY_MS)

let folder = ''
let path = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faregate-migrations-'))
  path = join(folder, 'ledger.db')
})

afterEach(() => rmSync(folder, { recursive: true }))

function driverOf(database: DatabaseSync): SqliteDriver {
  return {
    execute: (sql, ...parameters) => database.prepare(sql).all(...parameters),
    transaction(work) {
      database.exec('BEGIN')
      try {
        const value = work()
        database.exec('COMMIT')
        return value
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    changedElsewhere: () => false,
  }
}

/** The first migration as it was released: to be left as it is, like the migration itself. */
const first = {
  statements: [
    `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE accounts (
      id TEXT PRIMARY KEY, version INTEGER NOT NULL, last_entry INTEGER, state TEXT NOT NULL
    ) STRICT`,
    `CREATE TABLE holds (
      account_id TEXT NOT NULL, id TEXT NOT NULL, lease_until INTEGER NOT NULL, state TEXT NOT NULL,
      PRIMARY KEY (account_id, id)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE entries (
      sequence INTEGER PRIMARY KEY, account_id TEXT NOT NULL, previous INTEGER, id TEXT NOT NULL,
      at INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (id, account_id)
    ) STRICT`,
    `CREATE TABLE grants (
      account_id TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (account_id, id)
    ) STRICT, WITHOUT ROWID`,
  ],
  shared: [`CREATE INDEX holds_by_lease ON holds (lease_until)`],
}

function chargeOf(id: string, over: Partial<Entry>, tokens: [number, number] = [100, 50]): Entry {
  const [inputTokens, outputTokens] = tokens
  const usage = { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens }
  const base = { at: START, kind: 'charge', credits: -150, member: 'm1', model: 'fast', usage } as const
  return { id, requestId: id, ended: 'complete', ...base, ...over }
}

const entries: Entry[] = [
  { id: 'bought', at: START - DAY_MS, kind: 'grant', credits: 10_000, grantId: 'bought', source: 'purchase' },
  chargeOf('old', { at: START - DAY_MS / 2 - 1 }),
  chargeOf('a', {}),
  chargeOf('b', { member: 'm2', credits: -70 }),
  chargeOf('c', { model: 'slow' }),
  chargeOf('free', { credits: 0 }),
  chargeOf('read', { credits: 0 }, [30, 0]),
  chargeOf('released', { credits: 0, ended: 'error' }, [0, 0]),
  { id: 'taken', at: START, kind: 'revoke', credits: -10, reason: 'r' },
]

/** A database as the first version left it: an account with entries, and one without. */
function writeFirst(database: DatabaseSync, shared: boolean): void {
  const driver = driverOf(database)
  migrate(driver, { creditUsd: '0.01', shared, steps: [first] })
  const { subscriptions: _s, billing: _b, ...old } = newAccount('a', START - 9 * DAY_MS)
  const available = 10_000 - 150 * 3 - 70 - 10
  const grant = { id: 'bought', source: 'purchase', at: START, expiresAt: null, available, held: 0 }
  const totals = { granted: 10_000, revoked: 10, charged: 520, expired: 0 }
  const insert = database.prepare(
    'INSERT INTO entries (sequence, account_id, previous, id, at, body) VALUES (?, ?, ?, ?, ?, ?)',
  )
  for (const [index, entry] of entries.entries()) {
    insert.run(index + 1, 'a', index || null, entry.id, entry.at, JSON.stringify(entry))
  }
  const account = database.prepare(
    'INSERT INTO accounts (id, version, last_entry, state) VALUES (?, ?, ?, ?)',
  )
  account.run('a', 8, entries.length, JSON.stringify({ ...old, version: 8, grants: [grant], totals }))
  if (shared) account.run('b', 1, null, JSON.stringify({ ...old, id: 'b', version: 1, blocked: true }))
  const record = { id: 'bought', source: 'purchase', granted: 10_000, revoked: 10 }
  database.prepare('INSERT INTO grants VALUES (?, ?, ?)').run('a', 'bought', JSON.stringify(record))
}

/** The sums of what `entries` charged: what was released was never answered. */
const sums = {
  day: [
    { key: today - 1, requests: 1, inputTokens: 100, outputTokens: 50, credits: 150 },
    { key: today, requests: 5, inputTokens: 430, outputTokens: 200, credits: 370 },
  ],
  model: [
    { key: 'fast', requests: 5, inputTokens: 430, outputTokens: 200, credits: 370 },
    { key: 'slow', requests: 1, inputTokens: 100, outputTokens: 50, credits: 150 },
  ],
  member: [
    { key: 'm1', requests: 5, inputTokens: 430, outputTokens: 200, credits: 450 },
    { key: 'm2', requests: 1, inputTokens: 100, outputTokens: 50, credits: 70 },
  ],
}
const defaults = (({ subscriptions, billing }: Account) => ({ subscriptions, billing }))(newAccount('x', 0))

test('a file of the first version comes up with sums and defaults, once, and goes on working', async () => {
  const database = new DatabaseSync(path)
  writeFirst(database, true)
  database.close()
  const clock = () => START
  const open = () => createSqliteStore({ path, catalog, creditUsd: '0.01', clock, sweepMs: 3_600_000 })
  let store = open()
  expect(await allUsage(store, 'a')).toEqual(sums)
  await store.close()
  store = open()
  expect(await allUsage(store, 'a')).toEqual(sums)
  expect(await allUsage(store, 'b')).toEqual({ day: [], model: [], member: [] })
  for (const id of ['a', 'b']) expect(await store.read(id)).toMatchObject({ id, ...defaults })
  expect(await store.read('b')).toMatchObject({ blocked: true, version: 1 })
  expect((await allEntries(store, 'a')).toReversed()).toEqual(entries)
  const before = availableOf(await store.read('a'))
  await accepted(store, 'a', reserveOf(1000, 'new', { member: 'm2' }))
  await accepted(store, 'a', settleOf('new', 300))
  await accepted(store, 'a', openPaymentOf('pay'))
  await accepted(store, 'a', paidOf('pay'))
  await accepted(store, 'a', { kind: 'recordSubscription', subscription: subscriptionOf(START) })
  await accepted(store, 'a', { kind: 'revoke', id: 're', grantId: 'bought', credits: null, reason: 'r' })
  expect(availableOf(await store.read('a'))).toBe(before - 300 + pack.credits - 9990)
  expect((await allUsage(store, 'a')).member[1]).toMatchObject({ key: 'm2', requests: 2, credits: 370 })
  expect(await allPayments(store, 'a')).toHaveLength(1)
  await accepted(store, 'a', { kind: 'closeAccount', pseudonym: 'closed', block: false })
  expect((await allUsage(store, 'closed')).member).toMatchObject([
    { key: 'closed', requests: 7, credits: 820 },
  ])
  await store.close()
})

test('an object of the first version does too', async () => {
  const database = new DatabaseSync(':memory:')
  writeFirst(database, false)
  const ledger = createAccountLedger({
    storage: {
      sql: { exec: (query, ...bindings) => ({ toArray: () => database.prepare(query).all(...bindings) }) },
      transactionSync: (work) => driverOf(database).transaction(work),
      getAlarm: async () => null,
      setAlarm: async () => {},
    },
    name: 'a',
    settings: () => ({ catalog, creditUsd: '0.01' }),
    clock: () => START,
  })
  expect(await ledger.usage('a', { from: 0, to: 1_000_000, by: 'day' })).toEqual(sums.day)
  expect(await ledger.read('a')).toMatchObject(defaults)
  expect((await ledger.apply('a', grantOf(5))).ok).toBe(true)
  expect((await ledger.apply('a', openPaymentOf('pay'))).ok).toBe(true)
  expect((await ledger.payments('a', { limit: 5 })).data).toMatchObject([{ id: 'pay' }])
})

test('a migration that fails midway changes nothing, and is done whole the next time', () => {
  const database = new DatabaseSync(path)
  writeFirst(database, true)
  const driver = driverOf(database)
  const tables = () => database.prepare('SELECT name, sql FROM sqlite_master ORDER BY name').all()
  const rows = () => database.prepare('SELECT * FROM accounts ORDER BY id').all()
  const before = [tables(), rows()]
  const torn: SqliteDriver = {
    ...driver,
    execute(sql, ...parameters) {
      const value = driver.execute(sql, ...parameters)
      if (sql.startsWith('UPDATE accounts')) throw new Error('the power failed')
      return value
    },
  }
  expect(() => migrate(torn, { creditUsd: '0.01', shared: true })).toThrow('the power failed')
  expect([tables(), rows()]).toEqual(before)
  migrate(driver, { creditUsd: '0.01', shared: true })
  expect(tables().length).toBeGreaterThan(before[0]?.length ?? 0)
  database.close()
})
