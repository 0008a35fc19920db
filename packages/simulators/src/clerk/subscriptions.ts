/**
 * What becomes of a subscription: subscribing, canceling, renewing, failing to pay, ending. Each transition changes
 * the records and says what happened, in the order in which Clerk would send it. Time is a parameter; no I/O.
 */

import { defaultPlan, monthAfter, type Plan, payerTypeOf, planOfSlug } from './plans.ts'
import { randomId } from './random-id.ts'

/** One plan of a payer, past, present or to come. Times in ms. */
export type SubscriptionItem = {
  id: string
  planSlug: string
  /** 'canceled' is still in force, until `periodEnd`. */
  status: 'incomplete' | 'active' | 'canceled' | 'past_due' | 'upcoming' | 'ended' | 'abandoned'
  periodStart: number
  /** Null for a plan that costs nothing. */
  periodEnd: number | null
  canceledAt: number | null
  pastDueAt: number | null
  endedAt: number | null
  createdAt: number
  updatedAt: number
  lifetimePaidCents: number
}

/** All plans of one payer, the present one among them. */
export type Subscription = {
  id: string
  payerId: string
  items: SubscriptionItem[]
  createdAt: number
  updatedAt: number
  latestPaymentId: string
}

/** One try to charge a card. */
export type Payment = {
  id: string
  payerId: string
  /** As it was when it was paid for. */
  item: SubscriptionItem
  amountCents: number
  chargeType: 'checkout' | 'recurring'
  status: 'pending' | 'paid' | 'failed'
  createdAt: number
  updatedAt: number
}

/** What happened, named as its webhook event. */
export type Happening =
  | { type: string; kind: 'subscription' }
  | { type: string; kind: 'item'; item: SubscriptionItem }
  | { type: string; kind: 'payment'; payment: Payment }

/** What a transition works on: a subscription, where payments are kept, the time, and who is told. */
export type Scene = {
  subscription: Subscription
  payments: Payment[]
  now: number
  tell: (happening: Happening) => void
}

const ITEMS_MAX = 60

/** A subscription to a plan, without a word to anybody. */
export function createSubscription(payerId: string, plan: Plan, now: number): Subscription {
  return {
    id: `csub_${randomId()}`,
    payerId,
    items: [createItem(plan, 'active', now, now)],
    createdAt: now,
    updatedAt: now,
    latestPaymentId: '',
  }
}

/** The item whose plan the payer has now. */
export function currentItem({ items }: Subscription): SubscriptionItem {
  const item = items.find(
    ({ status }) => status === 'active' || status === 'canceled' || status === 'past_due',
  )
  if (!item) throw new Error('a subscription always has a plan in force')
  return item
}

/** The item that follows when the current one ends, if that is decided. */
export function upcomingItem({ items }: Subscription): SubscriptionItem | undefined {
  return items.find(({ status }) => status === 'upcoming')
}

/** Tells of a subscription that is new. */
export function announceCreated(scene: Scene): void {
  const item = currentItem(scene.subscription)
  tellSubscription(scene, 'created')
  tellItem(scene, 'created', item)
  tellItem(scene, 'active', item)
  tellSubscription(scene, 'active')
}

/** Buys a dearer plan: paid now, and the plan before it ends now. */
export function subscribe(scene: Scene, plan: Plan): void {
  const { subscription, now } = scene
  const before = currentItem(subscription)
  const item = createItem(plan, 'incomplete', now, now)
  addItem(scene, item)
  tellItem(scene, 'created', item)
  tellItem(scene, 'incomplete', item)
  if (plan.priceCents > 0) charge(scene, item, 'checkout', 'paid')
  abandonUpcoming(scene)
  change(scene, before, { status: 'ended', endedAt: now })
  tellItem(scene, 'ended', before)
  change(scene, item, { status: 'active' })
  tellItem(scene, 'active', item)
  tellSubscription(scene, 'updated')
}

/** Ends the current plan with its period, or at once if nothing is paid for; `next` follows, by default the free plan. */
export function cancel(scene: Scene, next = defaultPlan(payerTypeOf(scene.subscription.payerId))): void {
  const { subscription, now } = scene
  const item = currentItem(subscription)
  const endsNow = item.periodEnd === null || item.status === 'past_due'
  change(scene, item, { status: 'canceled', canceledAt: now })
  tellItem(scene, 'canceled', item)
  abandonUpcoming(scene)
  const upcoming = createItem(next, 'upcoming', item.periodEnd ?? now, now)
  addItem(scene, upcoming)
  tellItem(scene, 'created', upcoming)
  tellItem(scene, 'upcoming', upcoming)
  tellSubscription(scene, 'updated')
  if (endsNow) end(scene)
}

/** Takes a cancellation back before it took effect. */
export function resume(scene: Scene): void {
  const item = currentItem(scene.subscription)
  abandonUpcoming(scene)
  change(scene, item, { status: 'active', canceledAt: null })
  tellItem(scene, 'active', item)
  tellSubscription(scene, 'updated')
}

/** The current period is over and so is the plan: what was to follow follows, by default the free plan. */
export function end(scene: Scene): void {
  const { subscription, now } = scene
  const item = currentItem(subscription)
  change(scene, item, {
    status: 'ended',
    endedAt: now,
    ...(item.periodEnd === null ? {} : { periodEnd: Math.min(item.periodEnd, now) }),
  })
  let next = upcomingItem(subscription)
  if (!next) {
    next = createItem(defaultPlan(payerTypeOf(subscription.payerId)), 'upcoming', now, now)
    addItem(scene, next)
    tellItem(scene, 'created', next)
  }
  tellItem(scene, 'ended', item)
  change(scene, next, { ...periodFrom(planOfSlug(next.planSlug), now), status: 'active' })
  tellItem(scene, 'active', next)
  tellSubscription(scene, 'updated')
}

/** The current period is over at `at` and the next one is paid. */
export function renew(scene: Scene, at: number): void {
  const item = currentItem(scene.subscription)
  const wasPastDue = item.status === 'past_due'
  charge(scene, { ...item, periodStart: at, periodEnd: monthAfter(at) }, 'recurring', 'paid')
  change(scene, item, {
    status: 'active',
    pastDueAt: null,
    periodStart: at,
    periodEnd: monthAfter(at),
    lifetimePaidCents: item.lifetimePaidCents + planOfSlug(item.planSlug).priceCents,
  })
  tellItem(scene, wasPastDue ? 'active' : 'updated', item)
  tellSubscription(scene, wasPastDue ? 'active' : 'updated')
}

/** The current period is over and the card was declined. */
export function failToRenew(scene: Scene): void {
  const { subscription, now } = scene
  const item = currentItem(subscription)
  charge(scene, item, 'recurring', 'failed')
  change(scene, item, { status: 'past_due', pastDueAt: now, periodEnd: now })
  tellItem(scene, 'pastDue', item)
  tellSubscription(scene, 'pastDue')
}

function createItem(
  plan: Plan,
  status: SubscriptionItem['status'],
  start: number,
  now: number,
): SubscriptionItem {
  return {
    id: `csubi_${randomId()}`,
    planSlug: plan.slug,
    status,
    ...periodFrom(plan, start),
    canceledAt: null,
    pastDueAt: null,
    endedAt: null,
    createdAt: now,
    updatedAt: now,
    lifetimePaidCents: 0,
  }
}

function periodFrom(plan: Plan, start: number): Pick<SubscriptionItem, 'periodStart' | 'periodEnd'> {
  return { periodStart: start, periodEnd: plan.priceCents > 0 ? monthAfter(start) : null }
}

function addItem({ subscription }: Scene, item: SubscriptionItem): void {
  subscription.items.push(item)
  const over = subscription.items.findIndex(({ status }) => status === 'ended' || status === 'abandoned')
  if (subscription.items.length > ITEMS_MAX && over >= 0) subscription.items.splice(over, 1)
}

function abandonUpcoming(scene: Scene): void {
  const upcoming = upcomingItem(scene.subscription)
  if (!upcoming) return
  change(scene, upcoming, { status: 'abandoned' })
  tellItem(scene, 'abandoned', upcoming)
}

function charge(
  scene: Scene,
  item: SubscriptionItem,
  chargeType: Payment['chargeType'],
  outcome: 'paid' | 'failed',
): void {
  const { subscription, payments, now } = scene
  const amountCents = planOfSlug(item.planSlug).priceCents
  const payment: Payment = {
    id: `cpayatt_${randomId()}`,
    payerId: subscription.payerId,
    item: structuredClone(item),
    amountCents,
    chargeType,
    status: 'pending',
    createdAt: now,
    updatedAt: now,
  }
  payments.push(payment)
  subscription.latestPaymentId = payment.id
  scene.tell({ type: 'paymentAttempt.created', kind: 'payment', payment })
  payment.status = outcome
  if (chargeType === 'checkout') change(scene, item, { lifetimePaidCents: amountCents })
  scene.tell({ type: 'paymentAttempt.updated', kind: 'payment', payment })
}

function change(
  { subscription, now }: Scene,
  item: SubscriptionItem,
  changes: Partial<SubscriptionItem>,
): void {
  Object.assign(item, changes, { updatedAt: now })
  subscription.updatedAt = now
}

function tellItem(scene: Scene, event: string, item: SubscriptionItem): void {
  scene.tell({ type: `subscriptionItem.${event}`, kind: 'item', item })
}

function tellSubscription(scene: Scene, event: string): void {
  scene.tell({ type: `subscription.${event}`, kind: 'subscription' })
}
