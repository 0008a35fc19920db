/**
 * Auto top-up: when what is available falls below a threshold, one pack is bought with the card that is on file. One
 * attempt at a time, a few a day, and none after one that failed until its owner says so again.
 */
import { type Account, type AccountBilling, availableOf } from './account.ts'
import type { BeginTopUp, SetAutoTopUp, TopUpReply } from './command.ts'
import { type Context, closeDraft, type Decision, openDraft, unchanged } from './draft.ts'
import { dayOf } from './limits.ts'
import { newPayment, type Payment } from './payment.ts'
import { type Refusal, refusal } from './refusal.ts'
import { err, ok, type Result } from './result.ts'

/** `on`: waits for the balance to fall. `under_way`: the provider was asked. `stopped`: the last attempt failed. */
export type TopUp = {
  pack: string
  /** Microcredits below which a pack is bought. */
  threshold: number
  state: 'on' | 'under_way' | 'stopped'
  /** The payment under way, and since when (ms). */
  attempt: { paymentId: string; at: number } | null
  /** Not before this time (ms): the day's cap is reached. */
  notBefore: number
  /** Why it stopped, in the provider's code. */
  reason: string | null
}

const DAY_MS = 86_400_000

/** An attempt that is not known to have ended is made again, as the same one, after this long. */
export const TOP_UP_RETRY_MS = 60_000

/** How long the provider remembers an attempt, so that asking again cannot pay twice. */
const TOP_UP_MEMORY_MS = 20 * 3_600_000

/** Decides a change of auto top-up by its owner. */
export function setAutoTopUp(
  account: Account,
  { topUp }: SetAutoTopUp,
  context: Context,
): Result<Decision<{ account: Account }>, Refusal> {
  const known = account.billing.topUp
  if (known?.state === 'under_way') {
    const message = 'A top-up is under way. Change it when that has ended, in a minute at most.'
    return err(refusal('idempotency_conflict', message))
  }
  if (topUp !== null && !account.billing.savedCard) {
    return err(
      refusal('no_saved_card', 'There is no card on file. Buy a pack once, then turn auto top-up on.'),
    )
  }
  const draft = openDraft(account, context)
  draft.account.billing.topUp = topUp && { ...topUp, state: 'on', attempt: null, notBefore: 0, reason: null }
  return ok(closeDraft(draft, { account: draft.account }))
}

/** Whether a top-up should be begun, or one under way be asked after, at `now`. */
export function isTopUpDue(account: Account, now: number): boolean {
  const { topUp } = account.billing
  if (!topUp || topUp.state === 'stopped' || account.blocked) return false
  if (availableOf(account) >= topUp.threshold || now < topUp.notBefore) return false
  return topUp.attempt === null || now - topUp.attempt.at >= TOP_UP_RETRY_MS
}

/**
 * Decides whether to buy now: writes the payment down and answers it, or null. One that may still be under way is
 * answered again, so that the provider is asked by the same name and pays once.
 */
export function beginTopUp(
  account: Account,
  command: BeginTopUp,
  context: Context,
): Result<Decision<TopUpReply>, Refusal> {
  const draft = openDraft(account, context)
  const { billing } = draft.account
  const { topUp } = billing
  const nothing: TopUpReply = { paymentId: null, offer: null }
  const offer = topUp ? command.offers[topUp.pack] : undefined
  const attempt = topUp?.attempt ?? null
  const begun = attempt?.paymentId === command.id
  if (!topUp || !(begun || isTopUpDue(draft.account, context.now))) return ok(unchanged(nothing))
  if (attempt && offer && context.now - attempt.at < TOP_UP_MEMORY_MS) {
    return ok(unchanged({ paymentId: attempt.paymentId, offer }))
  }
  if (attempt || !offer) {
    stopTopUp(billing, attempt ? 'no_answer' : 'pack_not_sold')
    return ok(closeDraft(draft, nothing))
  }
  const day = dayOf(context.now)
  const count = billing.topUpDay.day === day ? billing.topUpDay.count + 1 : 1
  if (count > command.perDayMax) {
    billing.topUp = { ...topUp, notBefore: (day + 1) * DAY_MS }
    return ok(closeDraft(draft, nothing))
  }
  const { id } = command
  billing.topUpDay = { day, count }
  billing.topUp = { ...topUp, state: 'under_way', attempt: { paymentId: id, at: context.now } }
  const sold = { id, kind: 'topUp', member: null, pack: topUp.pack, currency: 'usd', ...offer } as const
  draft.payment = newPayment(sold, context.now)
  return ok(closeDraft(draft, { paymentId: id, offer }))
}

/** Stops it until its owner turns it on again. Changes `billing`. */
export function stopTopUp(billing: AccountBilling, reason = 'payment_reversed'): void {
  if (billing.topUp) billing.topUp = { ...billing.topUp, state: 'stopped', attempt: null, reason }
}

/** Ends the attempt that a payment was, now that it is paid or has failed. Changes `billing`. */
export function afterPayment(billing: AccountBilling, { id, state, failure }: Payment): void {
  const { topUp } = billing
  if (!topUp || topUp.attempt?.paymentId !== id) return
  if (state === 'paid') billing.topUp = { ...topUp, state: 'on', attempt: null, reason: null }
  else if (state === 'failed') stopTopUp(billing, failure ?? 'failed')
}
