/**
 * A payment and what the payment provider has said of it. Facts arrive at least once and in any order, so each only
 * ever grows (a larger sum, a later state): whatever the order, the same facts add up to the same payment.
 */

/** Who asked for it: the buyer of a pack, or the account's own auto top-up. */
export type PaymentKind = 'pack' | 'topUp'

/** How far a payment has come. A later one in this list stands over an earlier one. */
export type PaymentState = 'open' | 'pending' | 'failed' | 'paid'

/** A refund or dispute of a payment, in minor units of its currency. A failed refund or a dispute won reverses nothing. */
export type Refund = { amount: number; failed: boolean }
export type Dispute = { amount: number; state: DisputeState }

/** An inquiry takes no money yet; what was won stays won. */
export type DisputeState = 'inquiry' | 'open' | 'lost' | 'won'

/** One purchase: what was sold, and all that the provider has said since. A row of its own. */
export type Payment = {
  /** Ours, made before the provider is asked, and named in all that the provider keeps. */
  id: string
  kind: PaymentKind
  /** Milliseconds since 1970. */
  at: number
  /** Who bought, as an account id; null for auto top-up. */
  member: string | null
  pack: string
  /** Microcredits that it buys. */
  credits: number
  /** What was asked, before tax and promotion codes, in minor units of the currency (ISO 4217, lower case). */
  subtotal: number
  currency: string
  state: PaymentState
  /** Why it failed, in the provider's code. */
  failure: string | null
  /** The provider's payment that pays for it. */
  reference: string | null
  /** What was charged in all, tax included, in minor units. */
  paid: number
  /** The largest sum of refunds that was reported as one figure. */
  refundedTotal: number
  refunds: Record<string, Refund>
  disputes: Record<string, Dispute>
  /** Why somebody has to look at it before it gives credits. */
  problem: string | null
  /** Whether somebody has looked at it, so that the same words raise no problem again. */
  resolved: boolean
  /** Microcredits that it has given; 0 before. */
  granted: number
  /** Microcredits that reversals have taken, less what came back, and how many of both there were. */
  reversed: number
  reversals: number
}

/** Something that the provider said. `reference` is its own payment; amounts in minor units. */
export type PaymentFact =
  | { type: 'paid'; reference: string; paid: number; subtotal: number; currency: string; savedCard: boolean }
  | { type: 'pending'; reference: string }
  | { type: 'failed'; reason: string }
  | { type: 'refundedTotal'; reference: string; amount: number; paid: number }
  | { type: 'refund'; reference: string; id: string; amount: number; failed: boolean }
  | { type: 'dispute'; reference: string; id: string; amount: number; state: DisputeState }

/** What a pack is sold for: microcredits, and the price in minor units. */
export type Offer = { credits: number; subtotal: number }

/** What is known of a purchase before anything was said of it. */
export type NewPayment = Pick<
  Payment,
  'id' | 'kind' | 'member' | 'pack' | 'credits' | 'subtotal' | 'currency'
>

/** A payment of which nothing has been said yet. */
export function newPayment(sold: NewPayment, now: number): Payment {
  return {
    ...sold,
    at: now,
    state: 'open',
    failure: null,
    reference: null,
    paid: 0,
    refundedTotal: 0,
    refunds: {},
    disputes: {},
    problem: null,
    resolved: false,
    granted: 0,
    reversed: 0,
    reversals: 0,
  }
}

/** The most refunds, and the most disputes, that are told apart. Nothing is lost beyond: totals go on counting. */
const PARTS_MAX = 100

const states: readonly PaymentState[] = ['open', 'pending', 'failed', 'paid']
const disputeStates: readonly DisputeState[] = ['inquiry', 'open', 'lost', 'won']

/**
 * The provider's payment that a purchase goes by, once a fact is known too: the one that paid for it, else the one
 * that was heard of first.
 */
export function referenceWith(payment: Payment | undefined, fact: PaymentFact): string | null {
  const known = payment?.reference ?? null
  if (!('reference' in fact)) return known
  return known === null || (fact.type === 'paid' && payment?.state !== 'paid') ? fact.reference : known
}

/**
 * The payment with one more fact. Gives the same for every order of the same facts, unless they contradict each
 * other: then somebody has to look at it, and what another of the provider's payments says is not counted here.
 */
export function withFact(payment: Payment, fact: PaymentFact): Payment {
  const next = {
    ...payment,
    reference: referenceWith(payment, fact),
    refunds: { ...payment.refunds },
    disputes: { ...payment.disputes },
  }
  if ('reference' in fact) {
    if ((payment.reference ?? fact.reference) !== fact.reference) raise(next, 'two payments name it')
    if (next.reference !== fact.reference) return next
  }
  switch (fact.type) {
    case 'paid':
      return paidWith(next, fact)
    case 'pending':
      next.state = later(states, next.state, 'pending')
      return next
    case 'failed':
      next.state = later(states, next.state, 'failed')
      next.failure = least(next.failure, fact.reason)
      return next
    case 'refundedTotal':
      next.refundedTotal = Math.max(next.refundedTotal, fact.amount)
      next.paid = Math.max(next.paid, fact.paid)
      return next
    case 'refund': {
      const known = next.refunds[fact.id]
      if (!known && Object.keys(next.refunds).length >= PARTS_MAX) return next
      next.refunds[fact.id] = {
        amount: Math.max(fact.amount, known?.amount ?? 0),
        failed: fact.failed || (known?.failed ?? false),
      }
      return next
    }
    case 'dispute': {
      const known = next.disputes[fact.id]
      if (!known && Object.keys(next.disputes).length >= PARTS_MAX) return next
      const state = known ? later(disputeStates, known.state, fact.state) : fact.state
      next.disputes[fact.id] = { amount: Math.max(fact.amount, known?.amount ?? 0), state }
      return next
    }
  }
}

/** A payment of another amount or currency than was asked for grants nothing until somebody has looked at it. */
function paidWith(next: Payment, fact: Extract<PaymentFact, { type: 'paid' }>): Payment {
  next.state = 'paid'
  next.paid = Math.max(next.paid, fact.paid)
  if (fact.currency !== next.currency || fact.subtotal !== next.subtotal) {
    raise(next, `${fact.subtotal} ${fact.currency} came where ${next.subtotal} ${next.currency} were asked`)
  }
  return next
}

function raise(payment: Payment, problem: string): void {
  if (!payment.resolved) payment.problem = least(payment.problem, problem)
}

/** Of two words for one thing the same one, whichever came first. */
function least(known: string | null, said: string): string {
  return known === null || said < known ? said : known
}

function later<State>(order: readonly State[], a: State, b: State): State {
  return order.indexOf(b) > order.indexOf(a) ? b : a
}

/** Minor units that were paid and are not the operator's to keep: refunds that stand and disputes not won. */
export function reversedAmount({ refundedTotal, refunds, disputes, paid }: Payment): number {
  let all = 0
  let failed = 0
  for (const refund of Object.values(refunds)) {
    all += refund.amount
    if (refund.failed) failed += refund.amount
  }
  let disputed = 0
  for (const { amount, state } of Object.values(disputes)) {
    if (state === 'open' || state === 'lost') disputed += amount
  }
  return Math.min(paid, Math.max(refundedTotal, all) - failed + disputed)
}

/** Microcredits that the facts take back: in proportion to what was paid, rounded up, all for all. */
export function reversalTarget(payment: Payment): number {
  const amount = reversedAmount(payment)
  if (amount <= 0 || payment.paid === 0) return 0
  const paid = BigInt(payment.paid)
  return Number((BigInt(payment.credits) * BigInt(amount) + paid - 1n) / paid)
}

/** How a payment stands, in one word for its buyer. */
export type PaymentStatus =
  | 'open'
  | 'pending'
  | 'failed'
  | 'paid'
  | 'partly_refunded'
  | 'refunded'
  | 'disputed'
  | 'checking'

/** How the payment stands. */
export function statusOf(payment: Payment): PaymentStatus {
  if (payment.problem !== null) return 'checking'
  if (payment.state !== 'paid') return payment.state
  if (Object.values(payment.disputes).some(({ state }) => state === 'open' || state === 'lost'))
    return 'disputed'
  const reversed = reversedAmount(payment)
  if (reversed <= 0) return 'paid'
  return reversed >= payment.paid ? 'refunded' : 'partly_refunded'
}
