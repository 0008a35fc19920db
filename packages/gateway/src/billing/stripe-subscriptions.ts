/** How a subscription stands at Stripe, asked anew at each event: events may come late, twice and out of order. */
import type Stripe from 'stripe'
import type { SubscriptionStatus } from '../core/subscription.ts'
import { ACCOUNT, type StripeParts } from './stripe-parts.ts'

/** Asks Stripe and tells the ledger. Throws what should make Stripe send the event again. */
export async function syncSubscription(parts: StripeParts, id: string): Promise<void> {
  const { stripe, store, stripePrices, clock, log } = parts
  // Taken before asking: of two answers the one that was asked for later is at least as new.
  const version = clock()
  const subscription = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })
  const accountId = subscription.metadata[ACCOUNT]
  const item = subscription.items.data[0]
  if (!accountId || !item) return
  const plan = stripePrices.get(item.price.id)
  if (plan === undefined) {
    log('error', 'subscription_of_unknown_price', { subscription: id, price: item.price.id })
  }
  const { periodStart, periodEnd } = periodOf(subscription, item)
  await store.apply(accountId, {
    kind: 'recordSubscription',
    subscription: {
      id: `stripe:${id}`,
      provider: 'stripe',
      plan: plan ?? '',
      status: plan === undefined ? 'ended' : statusOf(subscription),
      periodStart,
      periodEnd,
      version,
    },
  })
}

function statusOf({ status, cancel_at, cancel_at_period_end }: Stripe.Subscription): SubscriptionStatus {
  if (status === 'active' || status === 'trialing') {
    return cancel_at_period_end || cancel_at !== null ? 'canceled' : 'active'
  }
  if (status === 'incomplete') return 'upcoming'
  return status === 'past_due' || status === 'unpaid' || status === 'paused' ? 'past_due' : 'ended'
}

/** The period that is paid, in ms: while its invoice is open, the new one is not. */
function periodOf(subscription: Stripe.Subscription, item: Stripe.SubscriptionItem) {
  const { latest_invoice: invoice, cancel_at, status } = subscription
  const isPaid = status === 'trialing' || !invoice || typeof invoice === 'string' || invoice.status === 'paid'
  const end = isPaid ? item.current_period_end : item.current_period_start
  return {
    periodStart: (isPaid ? item.current_period_start : subscription.start_date) * 1000,
    periodEnd: Math.min(end, cancel_at ?? end) * 1000,
  }
}
