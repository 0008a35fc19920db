/**
 * What a request would cost, found by deciding its reserve on a copy of the account and keeping nothing. Rate limits
 * that a wait would mend do not count, and a balance that is too short is an answer, not a refusal.
 */
import type { Account } from './account.ts'
import type { Reserve } from './command.ts'
import type { Context } from './draft.ts'
import { emptyWindows } from './limits.ts'
import type { Refusal } from './refusal.ts'
import { reserve } from './reserve.ts'
import { ok, type Result } from './result.ts'

/** `most` in microcredits: what the hold is, or would be if it were affordable. The cap is per choice. */
export type Quote = { most: number; outputTokensMax: number; affordable: boolean }

/** The quote, or the refusal that neither credits nor a wait would mend. */
export function quoteReserve(account: Account, command: Reserve, context: Context): Result<Quote, Refusal> {
  const calm: Account = {
    ...account,
    debt: 0,
    open: { total: 0, models: {} },
    windows: emptyWindows(context.now),
  }
  const decided = reserve(calm, command, {}, context)
  if (decided.ok) return ok(quoteOf(decided.value.reply.hold, account.debt === 0))
  if (decided.error.code !== 'insufficient_credits') return decided
  const wealthy = reserve(withoutEnd(calm), command, {}, context)
  return wealthy.ok ? ok(quoteOf(wealthy.value.reply.hold, false)) : wealthy
}

function quoteOf(hold: { amount: number; outputTokensMax: number }, affordable: boolean): Quote {
  return { most: hold.amount, outputTokensMax: hold.outputTokensMax, affordable }
}

/** The account with more credits than any request can cost, and keys that may spend them. */
function withoutEnd(account: Account): Account {
  const available = Number.MAX_SAFE_INTEGER
  return {
    ...account,
    grants: [{ id: 'quote', source: 'operator', at: 0, expiresAt: null, available, held: 0 }],
    keys: account.keys.map((key) => ({ ...key, creditsMax: null })),
  }
}
