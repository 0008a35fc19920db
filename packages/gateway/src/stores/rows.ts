/**
 * What every store has in common: a few rows that are read and written synchronously inside one transaction,
 * and the one way a command runs over them. A backend brings only the rows.
 */
import type { Account, GrantRecord, Hold } from '../core/account.ts'
import type { Catalog } from '../core/catalog.ts'
import {
  type Command,
  type Found,
  grantOfPayment,
  idempotencyKeyOf,
  lookupOf,
  type ReplyOf,
} from '../core/command.ts'
import { decide } from '../core/decide.ts'
import type { Decision } from '../core/draft.ts'
import type { Entry } from '../core/entry.ts'
import type { FirstUse, KeyUse } from '../core/idempotency.ts'
import type { Payment } from '../core/payment.ts'
import type { Refusal } from '../core/refusal.ts'
import { ok, type Result } from '../core/result.ts'

/** The rows of a store, within a transaction. `account` gives a fresh one at `now` for an id never seen. */
export type Rows = {
  account(id: string, now: number): Account
  hold(accountId: string, id: string): Hold | undefined
  entry(accountId: string, id: string): Entry | undefined
  grant(accountId: string, id: string): GrantRecord | undefined
  payment(accountId: string, id: string): Payment | undefined
  /** The first use of an Idempotency-Key, by the key's hash, however old. */
  keyUse(accountId: string, keyHash: string): KeyUse | undefined
  write(accountId: string, decision: Decision<unknown>): void
}

/** An open hold whose lease ran out. */
export type OverdueHold = { accountId: string; holdId: string }

/** Looks up, decides and writes one command. To be called inside a transaction that commits or rolls back as one. */
export function runCommand<C extends Command>(
  rows: Rows,
  accountId: string,
  command: C,
  context: { now: number; catalog: Catalog },
): Result<ReplyOf<C>, Refusal> {
  const { holdId, entryId, grantId, paymentId, accountId: otherId } = lookupOf(command)
  const found: Found = {}
  if (holdId !== undefined) found.hold = rows.hold(accountId, holdId)
  if (entryId !== undefined && !found.hold) found.entry = rows.entry(accountId, entryId)
  if (grantId !== undefined) found.grant = rows.grant(accountId, grantId)
  if (paymentId !== undefined) {
    found.payment = rows.payment(accountId, paymentId)
    const paidBy = grantOfPayment(command, found.payment)
    if (paidBy !== undefined) found.grant = rows.grant(accountId, paidBy)
  }
  const keyHash = idempotencyKeyOf(command, found.hold)
  if (keyHash !== undefined) found.first = firstUse(rows, accountId, keyHash)
  if (otherId !== undefined) found.other = rows.account(otherId, context.now)
  const result = decide(rows.account(accountId, context.now), command, found, context)
  if (!result.ok) return result
  const { account, hold } = result.value
  if (account || hold) rows.write(accountId, result.value)
  return ok(ownReply(result.value.reply))
}

/** The first use of a key, with what became of its request. */
function firstUse(rows: Rows, accountId: string, keyHash: string): FirstUse | undefined {
  const use = rows.keyUse(accountId, keyHash)
  if (!use) return undefined
  const hold = rows.hold(accountId, use.requestId)
  return hold ? { use, hold } : { use, entry: rows.entry(accountId, use.requestId) }
}

/** A whole account, key, payment or subscription in a reply is what the store remembers; the caller gets a copy. */
function ownReply<Reply extends object>(reply: Reply): Reply {
  const remembered = ['account', 'key', 'payment', 'subscription'].some((name) => name in reply)
  return remembered ? structuredClone(reply) : reply
}
