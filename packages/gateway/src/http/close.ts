/** Ends an account, for its owner, for the operator, or because the identity provider says that its owner is gone. */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok } from '../core/result.ts'
import { type Log, nameOf } from '../pipeline/call.ts'
import type { BeforeClose, Closer, Store } from '../ports.ts'

export type CloserOptions = { store: Store; log: Log; beforeClose?: BeforeClose | undefined }

/** Makes the one way to end an account: what it still pays for elsewhere ends first, then its books move away. */
export function createCloser({ store, log, beforeClose = async () => {} }: CloserOptions): Closer {
  return async (accountId, { block }) => {
    const account = await store.read(accountId)
    const pseudonym = `deleted:${crypto.randomUUID().replaceAll('-', '')}`
    if (account.version === 0 && !block) return ok({ pseudonym, unspentPurchased: 0 })
    // Nothing is cancelled for an account that could not be closed afterwards.
    if (account.open.total > 0) return err(underWay(account.open.total))
    try {
      await beforeClose(accountId)
    } catch (error) {
      log('error', 'before_close_failed', { account: accountId, error: nameOf(error) })
      return err(notCancelled)
    }
    return store.apply(accountId, { kind: 'closeAccount', pseudonym, block })
  }
}

function underWay(count: number): Refusal {
  const message = `${count} requests are under way. Close the account when they have ended.`
  return refusal('requests_under_way', message, { retryAfterMs: 30_000 })
}

const notCancelled = refusal(
  'payments_unavailable',
  'What this account subscribed to could not be cancelled, so that nothing was deleted. Try again in a moment.',
  { retryAfterMs: 30_000 },
)
