/**
 * The ledger in SQLite: one SQL over a small synchronous driver, so that a file on a server and a Durable
 * Object's storage hold the same tables. Accounts and open holds are kept in memory too: a warm command reads
 * only whether its id was used before, and an account that many commands of one transaction change is
 * written once.
 */
import { type Account, type GrantRecord, type Hold, newAccount } from '../core/account.ts'
import type { Catalog } from '../core/catalog.ts'
import type { Command, ReplyOf } from '../core/command.ts'
import type { Retired, Spent } from '../core/draft.ts'
import type { Entry } from '../core/entry.ts'
import type { KeyUse } from '../core/idempotency.ts'
import type { Payment } from '../core/payment.ts'
import type { Refusal } from '../core/refusal.ts'
import { LEASE_AHEAD_MS } from '../core/reserve.ts'
import type { Result } from '../core/result.ts'
import type { EntryPage, EntryQuery, PaymentPage, PaymentQuery, UsageQuery, UsageSum } from '../ports.ts'
import { createRecent, type Recent } from './recent.ts'
import { type OverdueHold, type Rows, runCommand } from './rows.ts'
import type { SqliteDriver } from './sqlite-driver.ts'
import { FORGET_KEYS, selectKeyUse, writeKeyUses } from './sqlite-idempotency.ts'
import {
  ENTRY,
  PAYMENT,
  selectEntries,
  selectPayments,
  selectState,
  selectUsage,
  textOf,
} from './sqlite-reads.ts'

export type LedgerOptions = {
  catalog: Catalog
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
  payments(accountId: string, query: PaymentQuery): PaymentPage
  usage(accountId: string, query: UsageQuery): UsageSum[]
  /** Open holds whose lease ended at or before `now`, the oldest first, then by account and id. */
  overdue(now: number, limit: number): OverdueHold[]
  /** When the first lease of an open hold ends; null when none is open. */
  earliestLease(): number | null
}

/** An account's row, null while it has none; the sequence of its newest entry; its open holds that were seen. */
type Known = { account: Account | null; lastEntry: number | null; holds: Map<string, Hold> }

/**
 * What is remembered between transactions. `nextSequence` is null until it is needed. `torn` is why the transaction
 * under way must not commit, whatever becomes of its other commands.
 */
type Memory = { accounts: Recent<Known>; nextSequence: number | null; torn: { cause: unknown } | null }

/** What a transaction will write for one account. A hold that is null is to be deleted. */
type Pending = {
  known: Known
  accountChanged: boolean
  holds: Map<string, Hold | null>
  entries: Map<string, Entry>
  records: Map<string, GrantRecord>
  payments: Map<string, Payment>
  spent: Spent[]
  /** First uses of Idempotency-Keys by the keys' hashes; null where one is to be deleted. */
  keyUses: Map<string, KeyUse | null>
}

/** Opens the ledger over a migrated database. */
export function openLedger(driver: SqliteDriver, { catalog, accountsCachedMax }: LedgerOptions): Ledger {
  const memory: Memory = { accounts: createRecent<Known>(accountsCachedMax), nextSequence: null, torn: null }
  const pending = new Map<string, Pending>()
  const rows = ledgerRows(driver, memory, pending)
  const forget = () => {
    memory.accounts.clear()
    memory.nextSequence = null
  }
  return {
    transaction(work) {
      let begun = false
      try {
        return driver.transaction(() => {
          begun = true
          if (driver.changedElsewhere()) forget()
          const value = work()
          if (memory.torn) throw memory.torn.cause
          for (const [accountId, changes] of pending) flush(driver, memory, accountId, changes)
          return value
        })
      } catch (error) {
        // Memory is ahead of what was committed.
        if (begun) forget()
        throw error
      } finally {
        pending.clear()
        memory.torn = null
      }
    },
    apply: (accountId, command, now) => runCommand(rows, accountId, command, { now, catalog }),
    read: (accountId, now) => selectState<Account>(driver, ACCOUNT, accountId) ?? newAccount(accountId, now),
    entries: (accountId, query) => selectEntries(driver, accountId, query),
    payments: (accountId, query) => selectPayments(driver, accountId, query),
    usage: (accountId, query) => selectUsage(driver, accountId, query),
    overdue: (now, limit) =>
      driver
        .execute(
          `SELECT account_id, id FROM holds WHERE lease_until <= ? OR lease_until > ?
           ORDER BY lease_until, account_id, id LIMIT ?`,
          now,
          now + LEASE_AHEAD_MS,
          limit,
        )
        .map((row) => ({ accountId: textOf(row.account_id), holdId: textOf(row.id) })),
    earliestLease() {
      const lease = driver.execute('SELECT min(lease_until) AS lease FROM holds')[0]?.lease
      return typeof lease === 'number' ? lease : null
    },
  }
}

/** The rows of the transaction under way: what it will write stands over what is known, and that over the tables. */
function ledgerRows(driver: SqliteDriver, memory: Memory, pending: Map<string, Pending>): Rows {
  const load = (accountId: string): Known => {
    const found = pending.get(accountId)?.known ?? memory.accounts.get(accountId)
    if (found) return found
    const loaded = selectAccount(driver, accountId)
    memory.accounts.set(accountId, loaded)
    return loaded
  }
  return {
    account: (id, now) => load(id).account ?? newAccount(id, now),
    hold(accountId, id) {
      const { account, holds } = load(accountId)
      const hold = holds.get(id)
      // Ended in this transaction: its row is still there, but not for the next command.
      if (pending.get(accountId)?.holds.get(id) === null) return undefined
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
    payment: (accountId, id) =>
      pending.get(accountId)?.payments.get(id) ?? selectState<Payment>(driver, PAYMENT, accountId, id),
    keyUse(accountId, keyHash) {
      const changed = pending.get(accountId)?.keyUses.get(keyHash)
      return changed === undefined ? selectKeyUse(driver, accountId, keyHash) : (changed ?? undefined)
    },
    write(accountId, { account, entries, records, hold, payment, spent, keyUse, retired }) {
      if (retired) retireWhole(driver, memory, pending, accountId, retired)
      const known = load(accountId)
      const changes = pending.get(accountId) ?? emptyPending(known)
      const repeated = entries.find(({ id }) => changes.entries.has(id))
      if (repeated) throw new Error(`the entry ${repeated.id} would be written twice`)
      pending.set(accountId, changes)
      if (account) known.account = account
      changes.accountChanged ||= account !== null
      for (const entry of entries) changes.entries.set(entry.id, entry)
      for (const record of records) changes.records.set(record.id, record)
      if (payment) changes.payments.set(payment.id, payment)
      if (spent) changes.spent.push(spent)
      if (keyUse && 'put' in keyUse) changes.keyUses.set(keyUse.put.keyHash, keyUse.put)
      else if (keyUse) changes.keyUses.set(keyUse.drop, null)
      if (!hold) return
      if ('put' in hold) known.holds.set(hold.put.id, hold.put)
      else known.holds.delete(hold.drop)
      changes.holds.set('put' in hold ? hold.put.id : hold.drop, 'put' in hold ? hold.put : null)
    },
  }
}

function emptyPending(known: Known): Pending {
  return {
    known,
    accountChanged: false,
    holds: new Map(),
    entries: new Map(),
    records: new Map(),
    payments: new Map(),
    spent: [],
    keyUses: new Map(),
  }
}

/** Unlike all else, this changes tables at once; so when it fails midway, what it did must not be committed. */
function retireWhole(...[driver, memory, pending, accountId, retired]: Parameters<typeof retire>): void {
  try {
    retire(driver, memory, pending, accountId, retired)
  } catch (cause) {
    memory.torn = { cause }
    throw cause
  }
}

/**
 * Moves all that is under an account's id to another one, without what names a person. What the transaction has
 * changed of the account before comes with it; the account itself begins anew.
 */
function retire(
  driver: SqliteDriver,
  memory: Memory,
  pending: Map<string, Pending>,
  accountId: string,
  { id, account, entries }: Retired,
): void {
  const known =
    pending.get(accountId)?.known ?? memory.accounts.get(accountId) ?? selectAccount(driver, accountId)
  const changes = pending.get(accountId) ?? emptyPending(known)
  for (const entry of entries) changes.entries.set(entry.id, entry)
  flush(driver, memory, accountId, { ...changes, accountChanged: false })
  for (const sql of [RETIRE_GRANTS, RETIRE_PAYMENTS]) driver.execute(sql, id, accountId)
  driver.execute(RETIRE_ENTRIES, id, id, known.lastEntry ?? 0, accountId)
  driver.execute(RETIRE_USAGE, id, id, accountId)
  for (const sql of [DELETE_USAGE, FORGET_KEYS]) driver.execute(sql, accountId)
  driver.execute(UPSERT_ACCOUNT, id, account.version, known.lastEntry, JSON.stringify(account))
  pending.delete(accountId)
  memory.accounts.delete(id)
  memory.accounts.set(accountId, { account: null, lastEntry: null, holds: new Map() })
}

const RETIRE_GRANTS = 'UPDATE grants SET account_id = ? WHERE account_id = ?'
const RETIRE_PAYMENTS = `UPDATE payments SET account_id = ?, state = json_replace(state, '$.member', NULL)
  WHERE account_id = ?`
/** Along the chain, since entries have no index by account. */
const RETIRE_ENTRIES = `UPDATE entries
  SET account_id = ?1, body = json_replace(json_remove(body, '$.keyId', '$.reason'), '$.member', ?2)
  WHERE sequence IN (
    WITH RECURSIVE chain (sequence, previous) AS (
      SELECT sequence, previous FROM entries WHERE sequence = ?3 AND account_id = ?4
      UNION ALL
      SELECT older.sequence, older.previous
      FROM chain JOIN entries AS older ON older.sequence = chain.previous
    ) SELECT sequence FROM chain
  )`
const RETIRE_USAGE = `INSERT INTO usage
  (account_id, day, model, member, requests, input_tokens, output_tokens, credits)
  SELECT ?1, day, model, ?2, sum(requests), sum(input_tokens), sum(output_tokens), sum(credits)
  FROM usage WHERE account_id = ?3 GROUP BY day, model`
const DELETE_USAGE = 'DELETE FROM usage WHERE account_id = ?'

const ACCOUNT = 'SELECT last_entry, state FROM accounts WHERE id = ?'
const HOLD = 'SELECT state FROM holds WHERE account_id = ? AND id = ?'
const GRANT = 'SELECT state FROM grants WHERE account_id = ? AND id = ?'

function flush(driver: SqliteDriver, memory: Memory, accountId: string, changes: Pending): void {
  const { known, accountChanged, holds, entries, records, payments, spent, keyUses } = changes
  for (const entry of entries.values()) {
    const sequence = memory.nextSequence ?? selectNextSequence(driver)
    memory.nextSequence = sequence + 1
    const { id, at } = entry
    driver.execute(INSERT_ENTRY, sequence, accountId, known.lastEntry, id, at, JSON.stringify(entry))
    known.lastEntry = sequence
  }
  if (accountChanged && known.account) {
    const { version } = known.account
    driver.execute(UPSERT_ACCOUNT, accountId, version, known.lastEntry, JSON.stringify(known.account))
  }
  for (const [id, hold] of holds) {
    if (hold) driver.execute(UPSERT_HOLD, accountId, id, hold.leaseUntil, JSON.stringify(hold))
    else driver.execute(DELETE_HOLD, accountId, id)
  }
  for (const record of records.values()) {
    driver.execute(UPSERT_GRANT, accountId, record.id, JSON.stringify(record))
  }
  for (const payment of payments.values()) {
    driver.execute(UPSERT_PAYMENT, accountId, payment.id, JSON.stringify(payment))
  }
  writeKeyUses(driver, accountId, keyUses)
  for (const { day, model, member, ...sum } of summed(spent)) {
    const { requests, inputTokens, outputTokens, credits } = sum
    driver.execute(ADD_USAGE, accountId, day, model, member, requests, inputTokens, outputTokens, credits)
  }
}

/** What one transaction spent, one row for each day, model and member. */
function summed(spent: Spent[]): (Spent & { requests: number })[] {
  const sums = new Map<string, Spent & { requests: number }>()
  for (const each of spent) {
    const key = JSON.stringify([each.day, each.model, each.member])
    const sum = sums.get(key)
    if (!sum) {
      sums.set(key, { ...each, requests: 1 })
      continue
    }
    sum.requests += 1
    sum.inputTokens += each.inputTokens
    sum.outputTokens += each.outputTokens
    sum.credits += each.credits
  }
  return [...sums.values()]
}

const INSERT_ENTRY =
  'INSERT INTO entries (sequence, account_id, previous, id, at, body) VALUES (?, ?, ?, ?, ?, ?)'
const UPSERT_ACCOUNT = `INSERT INTO accounts (id, version, last_entry, state) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE
  SET version = excluded.version, last_entry = excluded.last_entry, state = excluded.state`
const UPSERT_HOLD = `INSERT INTO holds (account_id, id, lease_until, state) VALUES (?, ?, ?, ?)
  ON CONFLICT (account_id, id) DO UPDATE SET lease_until = excluded.lease_until, state = excluded.state`
const DELETE_HOLD = 'DELETE FROM holds WHERE account_id = ? AND id = ?'
const UPSERT_GRANT = `INSERT INTO grants (account_id, id, state) VALUES (?, ?, ?)
  ON CONFLICT (account_id, id) DO UPDATE SET state = excluded.state`

const UPSERT_PAYMENT = `INSERT INTO payments (account_id, id, state) VALUES (?, ?, ?)
  ON CONFLICT (account_id, id) DO UPDATE SET state = excluded.state`
const ADD_USAGE = `INSERT INTO usage
  (account_id, day, model, member, requests, input_tokens, output_tokens, credits)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (account_id, day, model, member) DO UPDATE SET
    requests = requests + excluded.requests, input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens, credits = credits + excluded.credits`

function selectNextSequence(driver: SqliteDriver): number {
  return Number(driver.execute('SELECT max(sequence) AS newest FROM entries')[0]?.newest ?? 0) + 1
}

function selectAccount(driver: SqliteDriver, id: string): Known {
  const row = driver.execute(ACCOUNT, id)[0]
  if (!row) return { account: null, lastEntry: null, holds: new Map() }
  const lastEntry = typeof row.last_entry === 'number' ? row.last_entry : null
  return { account: JSON.parse(textOf(row.state)) as Account, lastEntry, holds: new Map() }
}
