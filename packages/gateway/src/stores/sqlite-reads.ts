/** Reads of the ledger's tables that no decision rests on: pages of entries and purchases, and sums of use. */
import type { Entry } from '../core/entry.ts'
import type { Payment } from '../core/payment.ts'
import type { EntryPage, EntryQuery, PaymentPage, PaymentQuery, UsageQuery, UsageSum } from '../ports.ts'
import type { SqliteDriver } from './sqlite-driver.ts'

const PAGE_MAX = 1000

export const ENTRY = 'SELECT body AS state FROM entries WHERE account_id = ? AND id = ?'

/** Reads one row's JSON. The tables are written by this module alone, so what is in them has its type. */
export function selectState<State>(driver: SqliteDriver, sql: string, ...keys: string[]): State | undefined {
  const state = driver.execute(sql, ...keys)[0]?.state
  return state === undefined ? undefined : (JSON.parse(textOf(state)) as State)
}

/** The text of a column that has nothing else. */
export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error('the database has another type where it should have text')
  return value
}

/** The sequence of the account's newest entry; null while it has none. */
export function selectLastEntry(driver: SqliteDriver, accountId: string): number | null {
  const last = driver.execute('SELECT last_entry FROM accounts WHERE id = ?', accountId)[0]?.last_entry
  return typeof last === 'number' ? last : null
}

/** Follows the account's chain of entries down from one that must be its own. */
const CHAIN = `WITH RECURSIVE chain (previous, body) AS (
    SELECT previous, body FROM entries WHERE sequence = ?1 AND account_id = ?2
    UNION ALL
    SELECT older.previous, older.body FROM chain JOIN entries AS older ON older.sequence = chain.previous
  ) SELECT previous, body FROM chain LIMIT ?3`

/** Newest first. The cursor is the sequence number of the next entry to show. */
export function selectEntries(driver: SqliteDriver, accountId: string, query: EntryQuery): EntryPage {
  const { limit, cursor, requestId } = query
  if (requestId !== undefined) {
    // The entry of a request has the request's id.
    const entry = selectState<Entry>(driver, ENTRY, accountId, requestId)
    return { data: entry && entry.requestId === requestId ? [entry] : [], nextCursor: null }
  }
  const from = cursor === undefined ? selectLastEntry(driver, accountId) : Number(cursor)
  if (from === null || !Number.isSafeInteger(from)) return { data: [], nextCursor: null }
  const count = Math.max(1, Math.min(limit, PAGE_MAX))
  const rows = driver.execute(CHAIN, from, accountId, count)
  const previous = rows.at(-1)?.previous
  return {
    data: rows.map((row) => JSON.parse(textOf(row.body)) as Entry),
    nextCursor: typeof previous === 'number' ? String(previous) : null,
  }
}

const PAYMENTS = `SELECT state FROM payments WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT ?`

/** Newest first, by ids, which begin with a time. The cursor is the id before which to go on. */
export function selectPayments(driver: SqliteDriver, accountId: string, query: PaymentQuery): PaymentPage {
  const { limit, cursor, id } = query
  if (id !== undefined) {
    const one = selectState<Payment>(driver, PAYMENT, accountId, id)
    return { data: one ? [one] : [], nextCursor: null }
  }
  const count = Math.max(1, Math.min(limit, PAGE_MAX))
  const rows = driver.execute(PAYMENTS, accountId, cursor ?? '\uffff', count + 1)
  const data = rows.slice(0, count).map((row) => JSON.parse(textOf(row.state)) as Payment)
  return { data, nextCursor: rows.length > count ? (data.at(-1)?.id ?? null) : null }
}

export const PAYMENT = 'SELECT state FROM payments WHERE account_id = ? AND id = ?'

/** Sums by a day, a model or a member; the names of the columns are these three and never a caller's text. */
export function selectUsage(driver: SqliteDriver, accountId: string, query: UsageQuery): UsageSum[] {
  const { from, to, by } = query
  const sql = `SELECT ${by} AS key, sum(requests) AS requests, sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens, sum(credits) AS credits
    FROM usage WHERE account_id = ? AND day BETWEEN ? AND ? GROUP BY 1 ORDER BY 1`
  return driver.execute(sql, accountId, from, to).map((row) => ({
    key: typeof row.key === 'number' ? row.key : textOf(row.key),
    requests: Number(row.requests),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    credits: Number(row.credits),
  }))
}
