/**
 * The first uses of Idempotency-Keys in SQLite, with the answers that the operator lets be kept. An answer is part of
 * its key's row, so that it goes when the row goes: with the key, after a day, and with the account.
 */
import { KEY_AHEAD_MS, KEY_LIFE_MS, type KeyUse } from '../core/idempotency.ts'
import type { KeptAnswer, RequestKey } from '../ports.ts'
import type { SqliteDriver } from './sqlite-driver.ts'
import { textOf } from './sqlite-reads.ts'

const SELECT_USE = `SELECT request_hash, request_id, at FROM idempotency WHERE account_id = ? AND key_hash = ?`
const UPSERT_USE = `INSERT INTO idempotency (account_id, key_hash, request_hash, request_id, at)
  VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (account_id, key_hash) DO UPDATE SET request_hash = excluded.request_hash,
    request_id = excluded.request_id, at = excluded.at, status = NULL, headers = NULL, body = NULL`
const DELETE_USE = 'DELETE FROM idempotency WHERE account_id = ? AND key_hash = ?'

/** The first use of a key. */
export function selectKeyUse(driver: SqliteDriver, accountId: string, keyHash: string): KeyUse | undefined {
  const row = driver.execute(SELECT_USE, accountId, keyHash)[0]
  if (!row) return undefined
  const [requestHash, requestId] = [textOf(row.request_hash), textOf(row.request_id)]
  return { keyHash, requestHash, requestId, at: Number(row.at) }
}

/** Writes the first uses that a transaction made, and deletes those (null) that it let go. */
export function writeKeyUses(
  driver: SqliteDriver,
  accountId: string,
  uses: ReadonlyMap<string, KeyUse | null>,
): void {
  for (const [keyHash, use] of uses) {
    if (use) driver.execute(UPSERT_USE, accountId, keyHash, use.requestHash, use.requestId, use.at)
    else driver.execute(DELETE_USE, accountId, keyHash)
  }
}

/** Forgets all keys of an account that ends. */
export const FORGET_KEYS = 'DELETE FROM idempotency WHERE account_id = ?'

/** Uses that are over; not of requests under way, which keep their key whatever the clock does. */
const OVER = `SELECT account_id, key_hash FROM idempotency WHERE (at <= ? OR at > ?)
  AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.account_id = idempotency.account_id AND id = request_id)
  LIMIT ?`

/** Deletes uses that are over, at most `limit`; whether there may be more. Only inside a transaction. */
export function pruneKeyUses(driver: SqliteDriver, now: number, limit: number): boolean {
  const over = driver.execute(OVER, now - KEY_LIFE_MS, now + KEY_AHEAD_MS, limit)
  for (const row of over) driver.execute(DELETE_USE, textOf(row.account_id), textOf(row.key_hash))
  return over.length === limit
}

/** Whether there is something to prune. */
export function hasKeyUsesOver(driver: SqliteDriver, now: number): boolean {
  return driver.execute(OVER, now - KEY_LIFE_MS, now + KEY_AHEAD_MS, 1).length > 0
}

/** When the oldest use will be over, in milliseconds since 1970; null when there is none. */
export function nextKeyUseOver(driver: SqliteDriver): number | null {
  const oldest = driver.execute('SELECT min(at) AS oldest FROM idempotency')[0]?.oldest
  return typeof oldest === 'number' ? oldest + KEY_LIFE_MS : null
}

const KEEP = `UPDATE idempotency SET status = ?, headers = ?, body = ?
  WHERE account_id = ? AND key_hash = ? AND request_id = ?`
const SELECT_ANSWER = `SELECT status, headers, body FROM idempotency
  WHERE account_id = ? AND key_hash = ? AND request_id = ? AND body IS NOT NULL`

/** Keeps the answer of a request for as long as its key stands for it. */
export function updateAnswer(
  driver: SqliteDriver,
  accountId: string,
  { keyHash, requestId }: RequestKey,
  { status, headers, body }: KeptAnswer,
): void {
  driver.execute(KEEP, status, JSON.stringify(headers), body, accountId, keyHash, requestId)
}

/** The answer that was kept of a request, if one was. */
export function selectAnswer(
  driver: SqliteDriver,
  accountId: string,
  { keyHash, requestId }: RequestKey,
): KeptAnswer | null {
  const row = driver.execute(SELECT_ANSWER, accountId, keyHash, requestId)[0]
  if (!row) return null
  const headers = JSON.parse(textOf(row.headers)) as KeptAnswer['headers']
  return { status: Number(row.status), headers, body: bytesOf(row.body) }
}

/** The bytes of a column, as a file's driver or an object's storage gives them. */
function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (value instanceof Uint8Array) return new Uint8Array(value)
  throw new Error('the database has another type where it should have bytes')
}
