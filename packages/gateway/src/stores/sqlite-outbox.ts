/**
 * The way out of the SQLite ledger: entries are never changed and are numbered as they commit, so that one number, the
 * cursor, says which of them a sink has had. It is written after the sink has said so; what is in between after a
 * crash is delivered again.
 */
import type { Entry } from '../core/entry.ts'
import type { OutboxRow } from './outbox.ts'
import type { SqliteDriver } from './sqlite-driver.ts'
import { textOf } from './sqlite-reads.ts'

/** How long one process may keep the way out for itself, in ms; renewed when half of it is gone. */
const CLAIM_MS = 15_000

const BEGIN_CURSOR = `INSERT INTO meta (key, value)
  SELECT 'meter_cursor', CAST(coalesce(max(sequence), 0) AS TEXT) FROM entries WHERE true
  ON CONFLICT (key) DO NOTHING`

/** Begins at the present end, unless there is a cursor: what was before there was a sink stays at home. */
export function beginCursor(driver: SqliteDriver): void {
  // Looked up first: an object's writes are billed, even those that change nothing.
  if (selectMeta(driver, 'meter_cursor') === undefined) driver.execute(BEGIN_CURSOR)
}

const AFTER_CURSOR = `SELECT sequence, account_id, body FROM entries
  WHERE sequence > (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'meter_cursor')
  ORDER BY sequence LIMIT ?`
const CUSTOMER = `SELECT state ->> '$.billing.customer' AS customer FROM accounts WHERE id = ?`

/** The next entries after the cursor, of every kind, the oldest first. */
export function selectOutbox(driver: SqliteDriver, limit: number): OutboxRow[] {
  const customers = new Map<string, string | null>()
  const customerOf = (accountId: string): string | null => {
    const known = customers.get(accountId)
    if (known !== undefined) return known
    const found = driver.execute(CUSTOMER, accountId)[0]?.customer
    const customer = typeof found === 'string' ? found : null
    customers.set(accountId, customer)
    return customer
  }
  return driver.execute(AFTER_CURSOR, limit).map((row) => {
    const accountId = textOf(row.account_id)
    const entry = JSON.parse(textOf(row.body)) as Entry
    return { sequence: Number(row.sequence), accountId, customer: customerOf(accountId), entry }
  })
}

const ADVANCE = `UPDATE meta SET value = ?1
  WHERE key = 'meter_cursor' AND CAST(value AS INTEGER) < CAST(?1 AS INTEGER)`

/** Moves the cursor on, never back, to the newest entry that is done. */
export function advanceCursor(driver: SqliteDriver, sequence: number): void {
  driver.execute(ADVANCE, String(sequence))
}

const PUT_CLAIM = `INSERT INTO meta (key, value) VALUES ('meter_claim', ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value`

/**
 * Whether this process, and no other on the file, may deliver now. Only inside a transaction that can write. The claim
 * spares the sink a second delivery of everything; nothing rests on it.
 */
export function claimOutbox(driver: SqliteDriver, owner: string, now: number): boolean {
  const [holder, end] = (selectMeta(driver, 'meter_claim') ?? '').split(' ')
  const left = Number(end) - now
  const alive = left > 0 && left <= CLAIM_MS
  if (alive && holder !== owner) return false
  if (!alive || left < CLAIM_MS / 2) driver.execute(PUT_CLAIM, `${owner} ${now + CLAIM_MS}`)
  return true
}

/** Gives up a claim, so that the next process need not wait for its end. */
export function releaseOutbox(driver: SqliteDriver, owner: string): void {
  driver.execute(`DELETE FROM meta WHERE key = 'meter_claim' AND value LIKE ? || ' %'`, owner)
}

function selectMeta(driver: SqliteDriver, key: string): string | undefined {
  const value = driver.execute('SELECT value FROM meta WHERE key = ?', key)[0]?.value
  return value === undefined ? undefined : textOf(value)
}
