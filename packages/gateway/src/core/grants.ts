/** Credits that come and go other than by use: grants, revocations after refunds, and disputes that were won. */
import {
  type Account,
  availableOf,
  burnOrder,
  GRANTS_MAX,
  type GrantRecord,
  type Grant as GrantState,
} from './account.ts'
import type { Found, Grant, GrantReply, Restore, Revoke } from './command.ts'
import { CREDITS_MAX, creditsOf, MICROCREDITS } from './credits.ts'
import {
  addGrant,
  type Context,
  closeDraft,
  type Decision,
  type Draft,
  openDraft,
  unchanged,
} from './draft.ts'
import type { Entry } from './entry.ts'
import { type Refusal, refusal } from './refusal.ts'
import { err, ok, type Result } from './result.ts'

type Outcome = Result<Decision<GrantReply>, Refusal>

/** Decides a grant. */
export function grant(account: Account, command: Grant, found: Found, context: Context): Outcome {
  if (found.entry) return repeat(account, found.entry, 'grant')
  const { id, source, credits, expiresAt, reason } = command
  if (expiresAt !== null && expiresAt <= context.now) {
    return err(refusal('invalid_value', 'expiresAt must be in the future.', { param: 'expiresAt' }))
  }
  const draft = openDraft(account, context)
  const refused = roomRefusal(draft.account, credits)
  if (refused) return err(refused)
  addGrant(draft, { id, source, credits, expiresAt, reason })
  return ok(closeDraft(draft, { entryId: id, moved: credits, ...balances(draft.account) }))
}

/** Decides a revocation. */
export function revoke(account: Account, command: Revoke, found: Found, context: Context): Outcome {
  if (found.entry) {
    return isSame(found.entry, command) ? repeat(account, found.entry, 'revoke') : err(usedId(command.id))
  }
  const draft = openDraft(account, context)
  const taken =
    command.grantId === null ? revokeAvailable(draft, command) : revokeGrant(draft, command, found)
  if (!taken.ok) return taken
  const { id, grantId, reason } = command
  draft.account.totals.revoked += taken.value
  draft.entries.push({
    id,
    at: draft.now,
    kind: 'revoke',
    credits: taken.value === 0 ? 0 : -taken.value,
    ...(grantId !== null && { grantId }),
    reason,
  })
  return ok(closeDraft(draft, { entryId: id, moved: taken.value, ...balances(draft.account) }))
}

/** Decides a restoration: what a revocation took comes back, and repays the debt that it made. */
export function restore(account: Account, command: Restore, found: Found, context: Context): Outcome {
  if (found.entry) return repeat(account, found.entry, 'grant')
  const record = found.grant
  if (!record) return err(unknownGrant(command.grantId))
  if (command.credits > record.revoked) {
    return err(
      refusal('invalid_value', `Only ${creditsOf(record.revoked)} credits of this grant were revoked.`),
    )
  }
  const draft = openDraft(account, context)
  const refused = roomRefusal(draft.account, command.credits)
  if (refused) return err(refused)
  const { id, credits, reason } = command
  const source = record.source === 'allowance' ? 'operator' : record.source
  addGrant(draft, { id, source, credits, expiresAt: null, reason, restores: record.id })
  // The returned credits are the old grant's again: they count against its own limit of what can be revoked.
  draft.records = [{ ...record, revoked: record.revoked - credits }]
  return ok(closeDraft(draft, { entryId: id, moved: credits, ...balances(draft.account) }))
}

/**
 * Sees to it that a purchase finds room: what was paid for is never refused. Two purchases that nobody draws on become
 * one; a later refund of the one that is gone takes from the other, as it takes from any purchase.
 */
export function makeRoom(account: Account): void {
  if (account.grants.filter(({ source }) => source !== 'allowance').length < GRANTS_MAX) return
  const idle = account.grants.filter(
    ({ source, held, expiresAt }) => source === 'purchase' && held === 0 && expiresAt === null,
  )
  const [oldest, next] = idle.sort(burnOrder)
  if (!oldest || !next) return
  next.available += oldest.available
  oldest.available = 0
  account.grants = account.grants.filter((grant) => grant !== oldest)
}

/** A step of what a payment's reversals have taken: positive takes credits back, negative returns what was taken. */
export type Reversal = { id: string; credits: number; reason: string }

/** Takes from a purchase, or returns to it, with an entry. Gives what was moved, signed. Changes the draft. */
export function reverseGrant(draft: Draft, record: GrantRecord, { id, credits, reason }: Reversal): number {
  const others = draft.records.filter((other) => other.id !== record.id)
  if (credits < 0) {
    const returned = Math.min(-credits, record.revoked)
    if (returned === 0) return 0
    makeRoom(draft.account)
    const back = { id, source: 'purchase', credits: returned, expiresAt: null, reason } as const
    addGrant(draft, { ...back, restores: record.id })
    draft.records = [...others, { ...record, revoked: record.revoked - returned }]
    return -returned
  }
  draft.records = others
  const taken = takeBack(draft, record, credits)
  if (taken === 0) return 0
  draft.account.totals.revoked += taken
  draft.entries.push({ id, at: draft.now, kind: 'revoke', credits: -taken, grantId: record.id, reason })
  return taken
}

function roomRefusal(account: Account, credits: number): Refusal | null {
  if (account.grants.filter(({ source }) => source !== 'allowance').length >= GRANTS_MAX) {
    return refusal(
      'too_many_grants',
      `The account has ${GRANTS_MAX} unspent grants. Give more once some are spent.`,
    )
  }
  if (account.totals.granted + credits <= CREDITS_MAX * MICROCREDITS) return null
  return refusal('invalid_value', `An account can be granted ${CREDITS_MAX} credits in all.`, {
    param: 'credits',
  })
}

/** A revocation that names its grant. */
function revokeGrant(draft: Draft, command: Revoke, found: Found): Result<number, Refusal> {
  if (!found.grant) return err(unknownGrant(command.grantId ?? ''))
  return ok(takeBack(draft, found.grant, command.credits ?? Number.POSITIVE_INFINITY))
}

/** From the grant's remainder, then other purchases, then debt; never more than the grant gave. */
function takeBack(draft: Draft, record: GrantRecord, credits: number): number {
  const amount = Math.min(credits, record.granted - record.revoked)
  const { account } = draft
  const isOwn = ({ id, restores }: GrantState) => id === record.id || restores === record.id
  const own = account.grants.filter(isOwn)
  const others = account.grants.filter((other) => !isOwn(other) && other.source === 'purchase')
  const left = take([...own, ...others.sort(burnOrder)], amount)
  account.debt += left
  draft.records.push({ ...record, revoked: record.revoked + amount })
  return amount
}

/** From whatever is available, in burn order; never debt. */
function revokeAvailable(draft: Draft, command: Revoke): Result<number, Refusal> {
  const { account } = draft
  const amount = Math.min(command.credits ?? Number.POSITIVE_INFINITY, availableOf(account))
  take(account.grants.sort(burnOrder), amount)
  return ok(amount)
}

/** Takes up to `amount` from what these grants have available; returns what could not be taken. */
function take(grants: GrantState[], amount: number): number {
  let left = amount
  for (const grant of grants) {
    const taken = Math.min(left, grant.available)
    grant.available -= taken
    left -= taken
  }
  return left
}

function unknownGrant(id: string): Refusal {
  return refusal('not_found', `There is no grant ${id} on this account. GET its entries to see their ids.`)
}

/** The first time's answer again; a conflict when the id belongs to something else that was done. */
function repeat(account: Account, entry: Entry, kind: Entry['kind']): Outcome {
  const { id, credits } = entry
  if (entry.kind === kind) {
    return ok(unchanged({ entryId: id, moved: Math.abs(credits), ...balances(account) }))
  }
  return err(usedId(id))
}

/** Whether an entry is this revocation's: it keeps what was taken, which is never more than was asked for. */
function isSame(entry: Entry, { grantId, credits }: Revoke): boolean {
  return (entry.grantId ?? null) === grantId && (credits === null || -entry.credits <= credits)
}

function usedId(id: string): Refusal {
  return refusal('idempotency_conflict', `The id ${id} is that of another entry. Use a new one.`)
}

function balances(account: Account): { available: number; debt: number } {
  return { available: availableOf(account), debt: account.debt }
}
