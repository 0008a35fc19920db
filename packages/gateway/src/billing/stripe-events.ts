/**
 * Stripe's events as commands. They arrive signed, at least once and in any order: each becomes a fact that the ledger
 * merges, or makes us ask Stripe how a subscription stands now. What is not ours is left alone; money that is ours
 * and matches nothing is kept where its payer and the operator see it.
 */
import type Stripe from 'stripe'
import type { DisputeState, PaymentFact } from '../core/payment.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { ACCOUNT, KIND, PAYMENT, type StripeParts } from './stripe-parts.ts'
import { syncSubscription } from './stripe-subscriptions.ts'
import { factOfIntent } from './stripe-top-up.ts'

const done = ok(undefined)

/** The event, if one of the secrets signed these very bytes within the last five minutes. */
export async function verifyEvent(
  { stripe }: StripeParts,
  payload: string,
  signature: string | null,
  secrets: readonly string[],
): Promise<Result<Stripe.Event, Refusal>> {
  for (const secret of secrets) {
    try {
      return ok(await stripe.webhooks.constructEventAsync(payload, signature ?? '', secret))
    } catch {
      // Another secret may fit; which way this one did not fit is nobody's business.
    }
  }
  return err(
    refusal('invalid_value', 'The signature of this event does not fit.', { param: 'stripe-signature' }),
  )
}

/** Does what an event asks for. Throws what should make Stripe send it again. */
export async function handleEvent(parts: StripeParts, event: Stripe.Event): Promise<Result<void, Refusal>> {
  const { settings, log } = parts
  if (event.livemode !== /^[rs]k_live_/.test(settings.secretKey)) {
    log('error', 'stripe_event_of_other_mode', { stripeEvent: event.id, type: event.type })
    return done
  }
  switch (event.type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
    case 'checkout.session.async_payment_failed':
      await handleSession(parts, event.data.object, event.type)
      return done
    case 'payment_intent.succeeded':
    case 'payment_intent.payment_failed':
    case 'payment_intent.canceled':
      await handleIntent(parts, event.data.object)
      return done
    case 'charge.refunded':
      await handleCharge(parts, event.data.object)
      return done
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
    case 'charge.refund.updated':
      await handleRefund(parts, event.data.object)
      return done
    case 'charge.dispute.created':
    case 'charge.dispute.updated':
    case 'charge.dispute.funds_withdrawn':
    case 'charge.dispute.funds_reinstated':
    case 'charge.dispute.closed':
      await handleDispute(parts, event.data.object, event.type)
      return done
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
    case 'customer.subscription.paused':
    case 'customer.subscription.resumed':
      await syncSubscription(parts, event.data.object.id)
      return done
    case 'invoice.paid':
    case 'invoice.payment_failed': {
      const subscription = event.data.object.parent?.subscription_details?.subscription
      if (subscription) await syncSubscription(parts, idOf(subscription))
      return done
    }
    default:
      return done
  }
}

async function handleSession(
  parts: StripeParts,
  session: Stripe.Checkout.Session,
  type: string,
): Promise<void> {
  if (session.mode === 'subscription') {
    if (session.subscription) await syncSubscription(parts, idOf(session.subscription))
    return
  }
  const whose = whoseOf(session.metadata)
  if (session.mode !== 'payment' || !whose) return
  if (type === 'checkout.session.async_payment_failed') {
    return record(parts, whose, { type: 'failed', reason: 'async_payment_failed' })
  }
  // An order that a promotion code made free has no payment of its own.
  const reference = session.payment_intent ? idOf(session.payment_intent) : session.id
  if (session.payment_status === 'unpaid') return record(parts, whose, { type: 'pending', reference })
  return record(parts, whose, {
    type: 'paid',
    reference,
    paid: session.amount_total ?? 0,
    // What was asked before tax and promotion codes: that is what was written down.
    subtotal: session.amount_subtotal ?? 0,
    currency: session.currency ?? '',
    savedCard: session.payment_intent !== null,
  })
}

/** Of payments without a checkout alone: a checkout's own event says more about its payment. */
async function handleIntent(parts: StripeParts, intent: Stripe.PaymentIntent): Promise<void> {
  const whose = whoseOf(intent.metadata)
  const fact = factOfIntent(intent)
  if (whose && fact && intent.metadata[KIND] === 'topUp') await record(parts, whose, fact)
}

async function handleCharge(parts: StripeParts, charge: Stripe.Charge): Promise<void> {
  if (!charge.payment_intent) return
  const reference = idOf(charge.payment_intent)
  const whose = whoseOf(charge.metadata) ?? (await whoseIntent(parts, reference))
  const { amount, amount_refunded } = charge
  if (whose) {
    await record(parts, whose, { type: 'refundedTotal', reference, amount: amount_refunded, paid: amount })
  }
}

async function handleRefund(parts: StripeParts, refund: Stripe.Refund): Promise<void> {
  if (!refund.payment_intent) return
  const reference = idOf(refund.payment_intent)
  const whose = await whoseIntent(parts, reference)
  const { id, amount, status } = refund
  const failed = status === 'failed' || status === 'canceled'
  if (whose) await record(parts, whose, { type: 'refund', reference, id, amount, failed })
}

async function handleDispute(parts: StripeParts, dispute: Stripe.Dispute, type: string): Promise<void> {
  if (!dispute.payment_intent) return
  const reference = idOf(dispute.payment_intent)
  const whose = await whoseIntent(parts, reference)
  const { id, amount, status } = dispute
  const state = type === 'charge.dispute.funds_reinstated' ? 'won' : stateOf(status)
  if (whose) await record(parts, whose, { type: 'dispute', reference, id, amount, state })
}

function stateOf(status: string): DisputeState {
  if (status === 'won') return 'won'
  if (status === 'lost') return 'lost'
  return status === 'needs_response' || status === 'under_review' ? 'open' : 'inquiry'
}

type Whose = { accountId: string; paymentId: string }

/** The account and the payment that our own words in Stripe's object name; null for what is not ours. */
function whoseOf(metadata: Stripe.Metadata | null): Whose | null {
  const accountId = metadata?.[ACCOUNT]
  const paymentId = metadata?.[PAYMENT]
  return accountId && paymentId ? { accountId, paymentId } : null
}

/** Refunds and disputes name only the payment, which Stripe knows the words of. */
async function whoseIntent({ stripe }: StripeParts, intent: string): Promise<Whose | null> {
  const { metadata } = await stripe.paymentIntents.retrieve(intent)
  return whoseOf(metadata)
}

async function record(
  { store, log }: StripeParts,
  { accountId, paymentId }: Whose,
  fact: PaymentFact,
): Promise<void> {
  const said = await store.apply(accountId, { kind: 'recordPayment', id: paymentId, fact })
  if (!said.ok) {
    // For a purchase that was never written down here, or whose account is gone.
    log('error', 'payment_unmatched', { payment: paymentId, fact: fact.type, code: said.error.code })
    return
  }
  const { problem } = said.value.payment
  if (problem !== null)
    log('error', 'payment_quarantined', { account: accountId, payment: paymentId, problem })
}

function idOf(reference: string | { id: string }): string {
  return typeof reference === 'string' ? reference : reference.id
}
