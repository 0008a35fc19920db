/** The end of an account in a file: nothing in the tables names who it was, and whatever fails, it is all or nothing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { availableOf } from '../core/account.ts'
import { StoreUnavailable } from '../ports.ts'
import { catalog, grantOf, keyOf, reserveOf, settleOf } from './conformance/fixtures.ts'
import { accepted, allEntries, allPayments, allUsage } from './conformance/harness.ts'
import { openPaymentOf, paidOf } from './conformance/purchases.ts'
import { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from './node-sqlite.ts'
import type { SqliteDriver } from './sqlite-driver.ts'

const gone = 'clerk:user_gone'
const close = { kind: 'closeAccount', pseudonym: 'closed:1', block: true } as const

let folder = ''
let stores: SqliteStore[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faregate-closing-'))
})

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  stores = []
  rmSync(folder, { recursive: true })
})

function open(options: Partial<SqliteStoreOptions> = {}): SqliteStore {
  const path = join(folder, 'ledger.db')
  const store = createSqliteStore({ path, catalog, creditUsd: '0.01', sweepMs: 3_600_000, ...options })
  stores.push(store)
  return store
}

/** Every row of every table, as text. */
function rawRows(): string[] {
  const database = new DatabaseSync(join(folder, 'ledger.db'))
  const tables = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).all()
  const rows = tables.flatMap(({ name }) =>
    database
      .prepare(`SELECT * FROM ${name}`)
      .all()
      .map((row) => `${name} ${JSON.stringify(row)}`),
  )
  database.close()
  return rows
}

/** Someone with a purchase, a key, use by two members, and a reason that names them; and a neighbour. */
async function fill(store: SqliteStore, account = gone): Promise<void> {
  await accepted(store, 'clerk:user_near', grantOf(500, 'bought'))
  await accepted(store, account, openPaymentOf('pay_1', { member: account }))
  await accepted(store, account, paidOf('pay_1'))
  await accepted(store, account, { ...grantOf(900, 'gift'), reason: 'for clerk:user_gone' })
  await accepted(store, account, { ...keyOf('key_1'), member: account, name: 'key of clerk:user_gone' })
  await accepted(store, account, reserveOf(400, 'one', { member: account }))
  await accepted(store, account, reserveOf(400, 'two', { member: null, keyHash: 'hash-key_1' }))
  await accepted(store, account, settleOf('one', 300))
  await accepted(store, account, settleOf('two', 200))
  await accepted(store, account, { kind: 'setCustomer', customer: 'cus_of_user_gone', replaces: null })
}

/** All that can be read of an account. */
async function booksOf(store: SqliteStore, id: string): Promise<unknown> {
  const books = [await allEntries(store, id), await allPayments(store, id), await allUsage(store, id)]
  return { state: { ...(await store.read(id)), createdAt: 0, windows: null }, books }
}

/** A driver that fails at the `n`-th statement from now, as often as it comes to that. */
function failing() {
  const plan = { left: Number.POSITIVE_INFINITY, failed: 0 }
  const wrapDriver = (driver: SqliteDriver): SqliteDriver => ({
    ...driver,
    execute(sql, ...parameters) {
      plan.left -= 1
      if (plan.left === 0) {
        plan.failed += 1
        throw new StoreUnavailable('disk I/O error')
      }
      return driver.execute(sql, ...parameters)
    },
  })
  return { plan, wrapDriver }
}

/** How many of these entries the closing itself has written. */
function closedLines(entries: { id: string }[]): number {
  return entries.filter(({ id }) => id.endsWith(':closed')).length
}

describe('an account that was closed', () => {
  test('leaves no row that names it, but for the one that keeps the rules', async () => {
    const store = open()
    await fill(store)
    const named = () => rawRows().filter((row) => row.includes('user_gone') || row.includes('key_1'))
    expect(named().length).toBeGreaterThan(8)
    await accepted(store, gone, close)
    const [left, ...more] = named()
    expect(more).toEqual([])
    expect(left).toMatch(/^accounts /)
    expect(left).not.toContain('closed:1')
    expect(left).not.toContain('cus_of')
    expect(await booksOf(store, 'clerk:user_near')).toMatchObject({ books: [[{ id: 'bought' }], [], {}] })
  })

  test('is the same for a store that is opened again, and for one that knew the account of before', async () => {
    const [store, witness] = [open(), open()]
    await fill(store)
    await accepted(witness, gone, grantOf(10, 'seen'))
    await accepted(store, gone, close)
    const books = await booksOf(store, 'closed:1')
    // The witness remembers the account as it was; it must not write that, nor on its chain of entries.
    await accepted(witness, gone, { kind: 'setBlocked', blocked: false })
    expect(await accepted(witness, gone, grantOf(7, 'gift'))).toMatchObject({ available: 7 })
    const again = open()
    expect(await booksOf(again, 'closed:1')).toEqual(books)
    expect((await allEntries(again, gone)).map(({ id }) => id)).toEqual(['gift'])
    expect(await accepted(store, gone, grantOf(5, 'more'))).toMatchObject({ available: 12 })
  })
})

describe('a closing that fails midway', () => {
  test('moves all or nothing, wherever it fails, and so is what was asked together with it', async () => {
    const { plan, wrapDriver } = failing()
    const store = open({ wrapDriver })
    const outcomes: string[] = []
    for (let at = 1; at < 200; at += 1) {
      const [id, pseudonym] = [`clerk:user_${at}`, `closed:${at}`]
      await fill(store, id)
      const filled = (await allEntries(store, id)).map((entry) => entry.id)
      Object.assign(plan, { left: at, failed: 0 })
      const results = await Promise.allSettled([
        store.apply(id, grantOf(40, 'before')),
        store.apply(id, { ...close, pseudonym }),
        store.apply(id, grantOf(3, 'after')),
      ])
      plan.left = Number.POSITIVE_INFINITY
      const [before, closed, after] = results.map(({ status }) => status === 'fulfilled')
      const [kept, moved] = [await allEntries(store, id), await allEntries(store, pseudonym)]
      const ids = (closed ? moved : kept).map((entry) => entry.id)
      expect(ids).toEqual(expect.arrayContaining(filled))
      expect([ids.includes('before'), kept.some((entry) => entry.id === 'after')]).toEqual([before, after])
      expect(kept.length + moved.length).toBe(
        filled.length + Number(before) + Number(after) + closedLines(moved),
      )
      expect((await allPayments(store, closed ? pseudonym : id)).map((each) => each.id)).toEqual(['pay_1'])
      expect(rawRows().some((row) => row.includes(`"${pseudonym}"`))).toBe(closed)
      outcomes.push(results.map(({ status }) => (status === 'fulfilled' ? '+' : '-')).join(''))
      if (plan.failed === 0) break
    }
    // It has failed in every way: a look-up alone, and tables midway with all that was under way.
    expect(outcomes.at(-1)).toBe('+++')
    expect(new Set(outcomes)).toEqual(new Set(['-++', '+-+', '++-', '---', '+++']))
    expect(outcomes.filter((each) => each === '---').length).toBeGreaterThan(8)
  })

  test('over a row that the tables refuse fails alone, and the rest goes on', async () => {
    const store = open()
    await fill(store)
    const before = await booksOf(store, gone)
    // A line that should not be there: the books cannot be moved over it.
    const meddler = new DatabaseSync(join(folder, 'ledger.db'))
    meddler.exec(
      `INSERT INTO entries (sequence, account_id, id, at, body) VALUES (99, 'closed:1', 'two', 0, '{}')`,
    )
    meddler.close()
    const results = await Promise.allSettled([
      store.apply('clerk:user_near', grantOf(10)),
      store.apply(gone, close),
      store.apply('clerk:user_new', grantOf(20)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await booksOf(store, gone)).toEqual(before)
    expect(rawRows().filter((row) => row.includes('closed:1'))).toHaveLength(1)
    expect(availableOf(await store.read('clerk:user_near'))).toBe(510)
    expect(await accepted(store, gone, { ...close, pseudonym: 'closed:2' })).toMatchObject({
      pseudonym: 'closed:2',
    })
  })
})
