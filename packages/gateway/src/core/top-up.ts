/**
 * Auto top-up: when what is available falls below a threshold, one pack is bought with the card that is on file. One
 * attempt at a time, a few a day, and none after one that failed until its owner says so again.
 */
import { type Account, type AccountBilling, availableOf, type TopUp } from './account.ts'
import type { BeginTopUp, Found, SetAutoTopUp, TopUpReply } from './command.ts'
import { type Context, closeDraft, type Decision, openDraft, unchanged } from './draft.ts'
import { dayOf } from './limits.ts'
import { newPayment, type Payment } from './payment.ts'
import { type Refusal, refusal } from './refusal.ts'
import { err, ok, type Result } from './result.ts'

const DAY_MS = 86_400_000

/** An attempt that is not known to have ended is made again, as the same one, after this long. */
export const TOP_UP_RETRY_MS = 60_000

/** How long the provider remembers an attempt, so that asking again cannot pay twice. */
const TOP_UP_MEMORY_MS = 20 * 3_600_000

/** The reason of one that its owner turned off while it was under way: to everybody it is off. */
export const TURNED_OFF = 'turned_off'

/** Decides a change of auto top-up by its owner. */
export function setAutoTopUp(
  account: Account,
  { topUp }: SetAutoTopUp,
  context: Context,
): Result<Decision<{ account: Account }>, Refusal> {
  const known = account.billing.topUp
  const underWay = known && attemptOf(known, context.now) !== null
  if (underWay && topUp !== null) {
    const message = 'A top-up is under way. Change it when that has ended, in a minute as a rule.'
    return err(refusal('idempotency_conflict', message))
  }
  if (topUp !== null && !account.billing.savedCard) {
    return err(
      refusal('no_saved_card', 'There is no card on file. Buy a pack once, then turn auto top-up on.'),
    )
  }
  const draft = openDraft(account, context)
  // Off is off at once. What was asked for already is remembered, so that on again does not ask for another.
  draft.account.billing.topUp = underWay
    ? { ...known, state: 'stopped', reason: TURNED_OFF }
    : topUp && { ...topUp, state: 'on', attempt: null, notBefore: 0, reason: null }
  return ok(closeDraft(draft, { account: draft.account }))
}

/** The attempt that may still be under way at `now`. */
function attemptOf({ state, reason, attempt }: TopUp, now: number): TopUp['attempt'] {
  const open = state === 'under_way' || reason === TURNED_OFF
  return open && attempt && now - attempt.at < TOP_UP_MEMORY_MS ? attempt : null
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
  found: Found,
  context: Context,
): Result<Decision<TopUpReply>, Refusal> {
  const draft = openDraft(account, context)
  const { billing } = draft.account
  const { topUp } = billing
  const nothing: TopUpReply = { paymentId: null, offer: null }
  if (!topUp) return ok(unchanged(nothing))
  const underWay = topUp.state === 'under_way'
  const begun = underWay && topUp.attempt?.paymentId === command.id
  // A payment of this id that is no longer under way has had its answer, and its row is not written anew.
  const isDue = begun || (!found.payment && isTopUpDue(draft.account, context.now))
  if (!isDue) return ok(unchanged(nothing))
  const attempt = attemptOf(topUp, context.now)
  if (attempt) return ok(unchanged({ paymentId: attempt.paymentId, offer: { ...attempt.offer } }))
  const offer = command.offers[topUp.pack]
  if (underWay || !offer) {
    stopTopUp(billing, underWay ? 'no_answer' : 'pack_not_sold', topUp.attempt)
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
  billing.topUp = {
    ...topUp,
    state: 'under_way',
    attempt: { paymentId: id, at: context.now, offer: { ...offer } },
  }
  const sold = { id, kind: 'topUp', member: null, pack: topUp.pack, currency: 'usd', ...offer } as const
  draft.payment = newPayment(sold, context.now)
  return ok(closeDraft(draft, { paymentId: id, offer }))
}

/** Stops it until its owner turns it on again, or until the attempt that failed is paid after all. Changes `billing`. */
export function stopTopUp(
  billing: AccountBilling,
  reason = 'payment_reversed',
  attempt: TopUp['attempt'] = null,
): void {
  if (billing.topUp) billing.topUp = { ...billing.topUp, state: 'stopped', attempt, reason }
}

/**
 * Ends the attempt that a payment was, now that it is paid or has failed. One that has to be looked at gives no
 * credits, so that the next would be bought at once: it stops too. Changes `billing`.
 */
export function afterPayment(billing: AccountBilling, { id, state, failure, problem }: Payment): void {
  const { topUp } = billing
  if (!topUp || topUp.attempt?.paymentId !== id) return
  if (topUp.reason === TURNED_OFF && (state === 'paid' || state === 'failed')) billing.topUp = null
  else if (problem !== null) stopTopUp(billing, 'checking')
  else if (state === 'paid') billing.topUp = { ...topUp, state: 'on', attempt: null, reason: null }
  else if (state === 'failed') stopTopUp(billing, failure ?? 'failed', topUp.attempt)
}
