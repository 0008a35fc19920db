/**
 * The end of an account: its books go on under another name, with nothing in them that names a person, and what
 * remains under its own name is only what keeps the rules: debt, blocks, limits, and which allowances were given.
 */
import { type Account, newAccount } from './account.ts'
import type { CloseAccount, CloseReply, Found } from './command.ts'
import { type Context, type Decision, openDraft, recordExpiry, unchanged } from './draft.ts'
import type { Entry } from './entry.ts'
import { type Refusal, refusal } from './refusal.ts'
import { err, ok, type Result } from './result.ts'

/**
 * Decides the end of an account. `block` keeps it shut for good, as for a user who is gone. Closing again what is
 * closed for good, and closing what was never seen, moves no books.
 */
export function closeAccount(
  account: Account,
  { pseudonym, block }: CloseAccount,
  found: Found,
  context: Context,
): Result<Decision<CloseReply>, Refusal> {
  if (account.open.total > 0) {
    const message = `${account.open.total} requests are under way. Close the account when they have ended.`
    return err(refusal('requests_under_way', message, { retryAfterMs: 30_000 }))
  }
  const nothing = { pseudonym, unspentPurchased: 0 }
  if (account.version === 0) {
    const shut: Account = { ...account, version: 1, blocked: true, closed: true }
    return ok({ ...unchanged(nothing), account: block ? shut : null })
  }
  if (isShutAndBare(account)) return ok(unchanged(nothing))
  if (found.other && found.other.version > 0) {
    const message = `There are books under the name ${pseudonym} already. Close the account under another one.`
    return err(refusal('idempotency_conflict', message))
  }
  const draft = openDraft(account, context)
  const unspentPurchased = draft.account.grants
    .filter(({ source }) => source === 'purchase')
    .reduce((sum, { available }) => sum + available, 0)
  for (const grant of draft.account.grants) {
    const amount = grant.available
    grant.available = 0
    if (amount > 0) recordExpiry(draft, grant, amount, `expire:${grant.id}:closed`)
  }
  const { debt, allowances, blocked, billing, windows, version } = draft.account
  const retired: Account = {
    ...newAccount(pseudonym, account.createdAt),
    version: version + 1,
    blocked: true,
    debt,
    totals: draft.account.totals,
  }
  const successor: Account = {
    ...newAccount(account.id, context.now),
    version: version + 1,
    blocked: blocked || block,
    ...((block || account.closed) && { closed: true as const }),
    allowances,
    debt,
    // A debt that was made before is not forgotten by closing: it stands as if it had been revoked anew.
    totals: { granted: 0, revoked: debt, charged: 0, expired: 0 },
  }
  // Limits go on counting, so that closing is no way around them.
  successor.windows = windows
  successor.billing.topUpDay = billing.topUpDay
  successor.billing.opened = billing.opened
  return ok({
    ...unchanged({ pseudonym, unspentPurchased }),
    account: successor,
    entries: debtEntries(successor, context.now),
    retired: { id: pseudonym, account: retired, entries: draft.entries },
  })
}

/** The line that explains a debt which outlives the books that it was made in. */
function debtEntries({ debt, version }: Account, now: number): Entry[] {
  if (debt === 0) return []
  // Not by the pseudonym: nothing that stays here says which books were this account's.
  return [{ id: `debt:${version}`, at: now, kind: 'revoke', credits: -debt, reason: 'debt carried over' }]
}

/** Whether nothing came to an account since it was closed for good. */
function isShutAndBare({ closed, totals, debt, keys, subscriptions, billing }: Account): boolean {
  const untouched = totals.granted === 0 && totals.charged === 0 && totals.revoked === debt
  return closed === true && untouched && keys.length + subscriptions.length + billing.checking === 0
}
