/**
 * Subscriptions that a billing provider keeps for an account. They only say which plan is in force and until when;
 * what a plan gives each month is granted lazily, as for everybody.
 */
import type { Account } from './account.ts'
import type { RecordSubscription, SubscriptionReply } from './command.ts'
import { type Context, closeDraft, type Decision, openDraft, unchanged } from './draft.ts'
import type { Refusal } from './refusal.ts'
import { ok, type Result } from './result.ts'

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

/**
 * Decides what a provider's word changes. The same words in any order leave the same subscriptions, and none on an
 * account that is closed for good.
 */
export function recordSubscription(
  account: Account,
  { subscription }: RecordSubscription,
  context: Context,
): Result<Decision<SubscriptionReply>, Refusal> {
  const known = account.subscriptions.find(({ id }) => id === subscription.id)
  const next = withWord(known, subscription)
  if (account.closed || (known && JSON.stringify(next) === JSON.stringify(known))) {
    return ok(unchanged({ subscription: { ...(known ?? subscription) } }))
  }
  const draft = openDraft(account, context)
  const others = draft.account.subscriptions.filter(({ id }) => id !== subscription.id)
  draft.account.subscriptions = [...others, next].sort(byAge).slice(-SUBSCRIPTIONS_MAX)
  return ok(closeDraft(draft, { subscription: { ...next } }))
}

/** What is known of a subscription after one more word, in whatever order they come. */
function withWord(known: KnownSubscription | undefined, word: Subscription): KnownSubscription {
  if (!known) return { ...word, firstStart: word.periodStart }
  const { firstStart, ...before } = known
  return {
    ...(isNewer(word, before) ? word : before),
    firstStart: Math.min(firstStart, word.periodStart),
  }
}

/** A total order of what can be said of one subscription, so that every order of hearing it ends alike. */
function isNewer(a: Subscription, b: Subscription): boolean {
  const rank = ({ status }: Subscription) => subscriptionStatuses.indexOf(status)
  if (a.version !== b.version) return a.version > b.version
  if (rank(a) !== rank(b)) return rank(a) > rank(b)
  return JSON.stringify(a) > JSON.stringify(b)
}

/** Ended ones first, so that they are forgotten first; then by what was said last, and by id. */
function byAge(a: Subscription, b: Subscription): number {
  const live = Number(a.status !== 'ended') - Number(b.status !== 'ended')
  return live || a.version - b.version || (a.id < b.id ? -1 : 1)
}

/** Whether a subscription's plan is in force at `now`. */
export function isInForce({ status, periodStart, periodEnd }: Subscription, now: number): boolean {
  if (status !== 'active' && status !== 'canceled') return false
  const grace = status === 'active' ? RENEWAL_GRACE_MS : 0
  return periodStart <= now && (periodEnd === null || now < periodEnd + grace)
}

/** The subscriptions in force, the one that began last first: an upgrade stands over what it replaces. */
export function subscriptionsInForce(account: Account, now: number): KnownSubscription[] {
  return account.subscriptions
    .filter((subscription) => isInForce(subscription, now))
    .sort((a, b) => b.periodStart - a.periodStart || b.version - a.version || (a.id < b.id ? -1 : 1))
}
