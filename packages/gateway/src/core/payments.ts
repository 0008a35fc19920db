/**
 * Purchases on the books. A payment is written down before the payment provider is asked; what the provider says
 * later is merged into it, and the credits follow: one grant when it is paid, keyed on the provider's own payment,
 * and whatever refunds and disputes make of it afterwards. All of that in one transaction.
 */
import type { Account, GrantRecord } from './account.ts'
import {
  type Found,
  type OpenPayment,
  type PaymentReply,
  paymentGrantId,
  type RecordPayment,
  type ResolvePayment,
} from './command.ts'
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
import { makeRoom, reverseGrant } from './grants.ts'
import { newPayment, type Payment, type PaymentFact, reversalTarget, withFact } from './payment.ts'
import { type Refusal, refusal } from './refusal.ts'
import { err, ok, type Result } from './result.ts'
import { afterPayment, stopTopUp } from './top-up.ts'

type Outcome = Result<Decision<PaymentReply>, Refusal>

/** The most payments that an account may begin in one hour. */
export const PAYMENTS_PER_HOUR = 30

const HOUR_MS = 3_600_000

/** Writes a purchase down before it is made. A repeat finds it there. */
export function openPayment(account: Account, command: OpenPayment, found: Found, context: Context): Outcome {
  if (found.payment) return ok(unchanged({ payment: found.payment }))
  const hour = Math.floor(context.now / HOUR_MS)
  const { opened } = account.billing
  const count = opened.hour === hour ? opened.count + 1 : 1
  if (count > PAYMENTS_PER_HOUR) {
    const message = `An account can begin ${PAYMENTS_PER_HOUR} purchases an hour. Finish one of those, or wait.`
    return err(refusal('rate_limited', message, { retryAfterMs: (hour + 1) * HOUR_MS - context.now }))
  }
  const draft = openDraft(account, context)
  draft.account.billing.opened = { hour, count }
  draft.payment = newPayment(command.payment, context.now)
  return ok(closeDraft(draft, { payment: draft.payment }))
}

/** Takes in what the provider says of a payment. What was said before changes nothing. */
export function recordPayment(
  account: Account,
  { id, fact }: RecordPayment,
  found: Found,
  context: Context,
): Outcome {
  const known = found.payment ?? unknownPayment(id, fact, context.now)
  if (!known) return err(refusal('not_found', `There is no payment ${id} on this account.`))
  const next = withFact(known, fact)
  const savedCard = account.billing.savedCard || (fact.type === 'paid' && fact.savedCard)
  const isOld = found.payment && isSame(next, known) && savedCard === account.billing.savedCard
  if (isOld) return ok(unchanged({ payment: known }))
  const draft = openDraft(account, context)
  const { billing } = draft.account
  billing.savedCard = savedCard
  draft.payment = bookPayment(draft, next, found)
  billing.checking +=
    Number(draft.payment.problem !== null) - Number((found.payment?.problem ?? null) !== null)
  afterPayment(billing, draft.payment)
  return ok(closeDraft(draft, { payment: draft.payment }))
}

/** Money that came for a purchase that nobody wrote down: kept where its payer sees it, and it grants nothing. */
function unknownPayment(id: string, fact: PaymentFact, now: number): Payment | null {
  if (fact.type !== 'paid') return null
  const { subtotal, currency } = fact
  const sold = { id, kind: 'pack', member: null, pack: '', credits: 0, subtotal, currency } as const
  return { ...newPayment(sold, now), problem: 'no such purchase was begun here' }
}

/**
 * The operator has looked at a payment that could not be matched: it gives these credits, perhaps none. One that had
 * given its credits before the doubt arose gives what it gave: what is more or less than that is a grant of its own.
 */
export function resolvePayment(
  account: Account,
  { id, credits }: ResolvePayment,
  found: Found,
  context: Context,
): Outcome {
  const { payment } = found
  if (!payment) return err(refusal('not_found', `There is no payment ${id} on this account.`))
  if (payment.problem === null) {
    if (payment.credits === credits) return ok(unchanged({ payment }))
    return err(refusal('idempotency_conflict', `The payment ${id} needs no decision.`))
  }
  if (payment.granted > 0 && payment.granted !== credits) {
    const message = `The payment ${id} has given ${creditsOf(payment.granted)} credits. Resolve it with these, and grant or revoke the rest.`
    return err(refusal('invalid_value', message, { param: 'credits' }))
  }
  const draft = openDraft(account, context)
  draft.account.billing.checking -= 1
  const resolved = { ...payment, credits, problem: null, resolved: true }
  draft.payment = bookPayment(draft, resolved, found)
  if (draft.payment.problem === null) return ok(closeDraft(draft, { payment: draft.payment }))
  return err(refusal('invalid_value', `${draft.payment.problem}.`, { param: 'credits' }))
}

/** Grants what is paid, once, and brings reversals to where the facts say they are. Changes the draft. */
function bookPayment(draft: Draft, payment: Payment, found: Found): Payment {
  if (payment.reference === null) return payment
  const id = paymentGrantId(payment.reference)
  const booked = payment.granted > 0 ? payment : grantPaid(draft, payment, { id, known: found.grant })
  return booked.granted > 0 ? reverseBooked(draft, booked, { id, known: found.grant }) : booked
}

/** The grant that belongs to a payment: its id, and its record if there is one. */
type PaymentGrant = { id: string; known: GrantRecord | undefined }

/** Gives a payment's credits once it is paid and nothing speaks against it. */
function grantPaid(draft: Draft, payment: Payment, { id, known }: PaymentGrant): Payment {
  const { state, problem, credits } = payment
  if (state !== 'paid' || problem !== null || credits === 0) return payment
  if (known) return { ...payment, problem: 'what paid for it has paid for another purchase' }
  if (draft.account.totals.granted + credits > CREDITS_MAX * MICROCREDITS) {
    return { ...payment, problem: `an account can be granted ${CREDITS_MAX} credits in all` }
  }
  makeRoom(draft.account)
  const reason = payment.kind === 'topUp' ? 'auto top-up' : `bought: ${payment.pack}`
  addGrant(draft, { id, source: 'purchase', credits, expiresAt: null, reason })
  return { ...payment, granted: credits }
}

/** Takes from what a payment has given, or returns to it. A doubt that arose later keeps no refund from its credits. */
function reverseBooked(draft: Draft, payment: Payment, { id, known }: PaymentGrant): Payment {
  const record = draft.records.find((made) => made.id === id) ?? known
  const difference = reversalTarget(payment) - payment.reversed
  if (!record || difference === 0) return payment
  const moved = reverseGrant(draft, record, {
    id: `${id}:reversal:${payment.reversals + 1}`,
    credits: difference,
    reason: difference > 0 ? 'refunded or disputed' : 'refund failed or dispute won',
  })
  if (moved === 0) return payment
  if (moved > 0) stopTopUp(draft.account.billing)
  return { ...payment, reversed: payment.reversed + moved, reversals: payment.reversals + 1 }
}

function isSame(a: Payment, b: Payment): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
