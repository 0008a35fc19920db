/** Takes in what billing providers say of an account's subscriptions, in whatever order it comes. */
import type { Account } from './account.ts'
import type { RecordSubscription, SubscriptionReply } from './command.ts'
import { type Context, closeDraft, type Decision, openDraft, unchanged } from './draft.ts'
import type { Refusal } from './refusal.ts'
import { ok, type Result } from './result.ts'
import {
  type KnownSubscription,
  SUBSCRIPTIONS_MAX,
  type Subscription,
  subscriptionStatuses,
} from './subscription.ts'

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
