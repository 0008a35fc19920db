/**
 * The ledger in SQLite: one SQL over a small synchronous driver, so that a file on a server and a Durable
 * Object's storage hold the same tables. Accounts and open holds are kept in memory too: a warm command reads
 * only whether its id was used before, and an account that many commands of one transaction change is
 * written once.
 */
import { type Account, type GrantRecord, type Hold, newAccount } from '../core/account.ts'
import type { Catalog } from '../core/catalog.ts'
import type { Command, ReplyOf } from '../core/command.ts'
import type { Entry } from '../core/entry.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Result } from '../core/result.ts'
import type { EntryPage, EntryQuery } from '../ports.ts'
import { createRecent } from './recent.ts'
import { type OverdueHold, type Rows, runCommand } from './rows.ts'

export type SqlValue = string | number | null
export type SqlRow = Readonly<Record<string, unknown>>

/** What a runtime brings: `node:sqlite`, or a Durable Object's storage. */
export type SqliteDriver = {
  /** Runs one statement; it may be called with the same text very often. */
  execute(sql: string, ...parameters: SqlValue[]): SqlRow[]
  /** Runs `work` in one write transaction. Rolls back and throws on when `work` or the commit throws. */
  transaction<T>(work: () => T): T
  /** Whether another connection has written since this was last asked. Asked inside a transaction. */
  changedElsewhere(): boolean
}

export type LedgerOptions = {
  catalog: Catalog
  /** Whether many accounts share the database. */
  shared: boolean
  /** The most accounts that are kept in memory. */
  accountsCachedMax: number
}

export type Ledger = {
  /** Runs `work`, which may `apply`, and commits. When it throws nothing was written and nothing is remembered. */
  transaction<T>(work: () => T): T
  /** Decides one command; only inside `transaction`, and durable only when that has returned. */
  apply<C extends Command>(accountId: string, command: C, now: number): Result<ReplyOf<C>, Refusal>
  read(accountId: string, now: number): Account
  entries(accountId: string, query: EntryQuery): EntryPage
  /** Open holds whose lease ended at or before `now`, the oldest first. */
  overdue(now: number, limit: number): OverdueHold[]
  /** When the first lease of an open hold ends; null when none is open. */
  earliestLease(): number | null
}

/** The account is null while it has no row; of its open holds those that were seen. */
type Known = { account: Account | null; holds: Map<string, Hold> }

/** What a transaction will write for one account. A hold that is null is to be deleted. */
type Pending = {
  known: Known
  account: Account | null
  holds: Map<string, Hold | null>
  entries: Map<string, Entry>
  records: Map<string, GrantRecord>
}

const PAGE_MAX = 1000

/** Opens the ledger over a migrated database. */
export function openLedger(driver: SqliteDriver, options: LedgerOptions): Ledger {
  const { catalog, shared, accountsCachedMax } = options
  const known = createRecent<Known>(accountsCachedMax)
  const pending = new Map<string, Pending>()
  const rows = ledgerRows(driver, known, pending)
  return {
    transaction(work) {
      let begun = false
      try {
        return driver.transaction(() => {
          begun = true
          if (driver.changedElsewhere()) known.clear()
          const value = work()
          for (const [accountId, changes] of pending) flush(driver, accountId, changes)
          return value
        })
      } catch (error) {
        // Memory is ahead of what was committed.
        if (begun) known.clear()
        throw error
      } finally {
        pending.clear()
      }
    },
    apply: (accountId, command, now) => runCommand(rows, accountId, command, { now, catalog }),
    read: (accountId, now) => selectAccount(driver, accountId) ?? newAccount(accountId, now),
    entries: (accountId, query) => selectEntries(driver, accountId, query, shared),
    overdue: (now, limit) =>
      driver
        .execute(
          'SELECT account_id, id FROM holds WHERE lease_until <= ? ORDER BY lease_until LIMIT ?',
          now,
          limit,
        )
        .map((row) => ({ accountId: String(row.account_id), holdId: String(row.id) })),
    earliestLease() {
      const lease = driver.execute('SELECT min(lease_until) AS lease FROM holds')[0]?.lease
      return typeof lease === 'number' ? lease : null
    },
  }
}

/** The rows of the transaction under way: what it will write stands over what is known, and that over the tables. */
function ledgerRows(
  driver: SqliteDriver,
  known: { get(id: string): Known | undefined; set(id: string, value: Known): void },
  pending: Map<string, Pending>,
): Rows {
  const load = (accountId: string): Known => {
    const found = pending.get(accountId)?.known ?? known.get(accountId)
    if (found) return found
    const loaded = { account: selectAccount(driver, accountId), holds: new Map() }
    known.set(accountId, loaded)
    return loaded
  }
  return {
    account: (id, now) => load(id).account ?? newAccount(id, now),
    hold(accountId, id) {
      const { account, holds } = load(accountId)
      const hold = holds.get(id)
      // The account counts its open holds, so once all are known a miss needs no look-up.
      if (hold || !account || holds.size >= account.open.total) return hold
      const stored = selectState<Hold>(driver, HOLD, accountId, id)
      if (stored) holds.set(id, stored)
      return stored
    },
    entry: (accountId, id) =>
      pending.get(accountId)?.entries.get(id) ?? selectState<Entry>(driver, ENTRY, accountId, id),
    grant: (accountId, id) =>
      pending.get(accountId)?.records.get(id) ?? selectState<GrantRecord>(driver, GRANT, accountId, id),
    write(accountId, { account, entries, records, hold }) {
      const memory = load(accountId)
      const changes = pending.get(accountId) ?? emptyPending(memory)
      const repeated = entries.find(({ id }) => changes.entries.has(id))
      if (repeated) throw new Error(`the entry ${repeated.id} would be written twice`)
      pending.set(accountId, changes)
      if (account) {
        memory.account = account
        changes.account = account
      }
      for (const entry of entries) changes.entries.set(entry.id, entry)
      for (const record of records) changes.records.set(record.id, record)
      if (!hold) return
      if ('put' in hold) memory.holds.set(hold.put.id, hold.put)
      else memory.holds.delete(hold.drop)
      changes.holds.set('put' in hold ? hold.put.id : hold.drop, 'put' in hold ? hold.put : null)
    },
  }
}

function emptyPending(known: Known): Pending {
  return { known, account: null, holds: new Map(), entries: new Map(), records: new Map() }
}

const ACCOUNT = 'SELECT state FROM accounts WHERE id = ?'
const HOLD = 'SELECT state FROM holds WHERE account_id = ? AND id = ?'
const ENTRY = 'SELECT body AS state FROM entries WHERE account_id = ? AND id = ?'
const GRANT = 'SELECT state FROM grants WHERE account_id = ? AND id = ?'

function flush(driver: SqliteDriver, accountId: string, { account, holds, entries, records }: Pending): void {
  if (account) {
    driver.execute(
      `INSERT INTO accounts (id, version, state) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state`,
      accountId,
      account.version,
      JSON.stringify(account),
    )
  }
  for (const [id, hold] of holds) {
    if (!hold) driver.execute('DELETE FROM holds WHERE account_id = ? AND id = ?', accountId, id)
    else {
      driver.execute(
        `INSERT INTO holds (account_id, id, lease_until, state) VALUES (?, ?, ?, ?)
         ON CONFLICT (account_id, id) DO UPDATE SET lease_until = excluded.lease_until, state = excluded.state`,
        accountId,
        id,
        hold.leaseUntil,
        JSON.stringify(hold),
      )
    }
  }
  for (const entry of entries.values()) {
    driver.execute(
      'INSERT INTO entries (account_id, id, at, body) VALUES (?, ?, ?, ?)',
      accountId,
      entry.id,
      entry.at,
      JSON.stringify(entry),
    )
  }
  for (const record of records.values()) {
    driver.execute(
      `INSERT INTO grants (account_id, id, state) VALUES (?, ?, ?)
       ON CONFLICT (account_id, id) DO UPDATE SET state = excluded.state`,
      accountId,
      record.id,
      JSON.stringify(record),
    )
  }
}

function selectAccount(driver: SqliteDriver, id: string): Account | null {
  return selectState<Account>(driver, ACCOUNT, id) ?? null
}

/** Reads one row's JSON. The tables are written by this module alone, so what is in them has its type. */
function selectState<State>(driver: SqliteDriver, sql: string, ...keys: string[]): State | undefined {
  const state = driver.execute(sql, ...keys)[0]?.state
  return state === undefined ? undefined : (JSON.parse(String(state)) as State)
}

/** Newest first. The cursor is the sequence number of the last entry that was shown. */
function selectEntries(
  driver: SqliteDriver,
  accountId: string,
  { limit, cursor, requestId }: EntryQuery,
  shared: boolean,
): EntryPage {
  if (requestId !== undefined) {
    // The entry of a request has the request's id.
    const entry = selectState<Entry>(driver, ENTRY, accountId, requestId)
    return { data: entry && entry.requestId === requestId ? [entry] : [], nextCursor: null }
  }
  const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor)
  if (!Number.isSafeInteger(before)) return { data: [], nextCursor: null }
  const count = Math.max(1, Math.min(limit, PAGE_MAX))
  // Without the hint an object of one account would sort all its entries, by way of the unique index.
  const rows = driver.execute(
    `SELECT sequence, body FROM entries ${shared ? 'INDEXED BY entries_by_account' : 'NOT INDEXED'}
     WHERE account_id = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`,
    accountId,
    before,
    count + 1,
  )
  const shown = rows.slice(0, count)
  const last = shown.at(-1)
  return {
    data: shown.map((row) => JSON.parse(String(row.body)) as Entry),
    nextCursor: rows.length > count && last ? String(last.sequence) : null,
  }
}
