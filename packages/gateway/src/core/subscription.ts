/**
 * Subscriptions that a billing provider keeps for an account. They only say which plan is in force and until when;
 * what a plan gives each month is granted lazily, as for everybody.
 */

/**
 * `canceled` is in force until its period ends; `past_due` and `upcoming` are not in force. For one version a later
 * status in this list stands over an earlier one.
 */
export const subscriptionStatuses = ['upcoming', 'active', 'canceled', 'past_due', 'ended'] as const
export type SubscriptionStatus = (typeof subscriptionStatuses)[number]

/** One subscription as its provider last told of it. Times in milliseconds. */
export type Subscription = {
  /** The provider's id, unique over all providers: `stripe:sub_…`, `clerk:csub_item_…`. */
  id: string
  provider: 'stripe' | 'clerk'
  plan: string
  status: SubscriptionStatus
  periodStart: number
  /** Up to when it is paid; null for no end. */
  periodEnd: number | null
  /** Grows with each change at the provider: an older word never replaces a newer one. */
  version: number
}

/** A subscription and the earliest period that was heard of it: when it began, as far as anybody said. */
export type KnownSubscription = Subscription & { firstStart: number }

/** The most subscriptions that an account keeps, ended ones included: what is known to have ended cannot revive. */
export const SUBSCRIPTIONS_MAX = 20

/** How long a plan outlives the period that was paid, in ms, while its renewal is on the way. */
export const RENEWAL_GRACE_MS = 3 * 86_400_000

/** Whether a subscription's plan is in force at `now`. */
export function isInForce({ status, periodStart, periodEnd }: Subscription, now: number): boolean {
  if (status !== 'active' && status !== 'canceled') return false
  const grace = status === 'active' ? RENEWAL_GRACE_MS : 0
  return periodStart <= now && (periodEnd === null || now < periodEnd + grace)
}

/** The subscriptions in force, the one that began last first: an upgrade stands over what it replaces. */
export function subscriptionsInForce(
  { subscriptions }: { subscriptions: readonly KnownSubscription[] },
  now: number,
): KnownSubscription[] {
  return subscriptions
    .filter((subscription) => isInForce(subscription, now))
    .sort((a, b) => b.periodStart - a.periodStart || b.version - a.version || (a.id < b.id ? -1 : 1))
}
