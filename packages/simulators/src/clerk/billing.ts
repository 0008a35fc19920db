/**
 * Clerk Billing: who is subscribed to what, the cards they pay with, and what they paid. It decides which plan a
 * session token claims. A canceled plan stays in force until its period ends, as in a real instance; `control` moves
 * time for one subscription, so that nobody has to wait a month.
 */
import { billingPayload } from './billing-payloads.ts'
import type { Directory } from './directory.ts'
import type { Events } from './events.ts'
import { defaultPlan, type Plan, payerTypeOf, planOfSlug } from './plans.ts'
import { randomId } from './random-id.ts'
import { SEEDED_PLANS } from './seeds.ts'
import {
  announceCreated,
  cancel,
  createSubscription,
  currentItem,
  end,
  failToRenew,
  type Payment,
  renew,
  resume,
  type Scene,
  type Subscription,
  subscribe,
} from './subscriptions.ts'

/** A card that a payer pays with; every card of the simulator is Stripe's test card. */
export type PaymentMethod = { id: string; payerId: string; isDefault: boolean; createdAt: number }

/** What a checkout will do: buy a plan now, change to a cheaper one later, take a cancellation back, pay a debt. */
export type Checkout = {
  id: string
  payerId: string
  plan: Plan
  kind: 'now' | 'later' | 'resume' | 'settle'
  dueCents: number
  completed: boolean
}

/** What a state file keeps. */
export type StoredBilling = { subscriptions: Subscription[]; methods: PaymentMethod[]; payments: Payment[] }

/** What `POST /dev/billing` can do to a subscription. */
export type BillingAction = 'endPeriod' | 'renew' | 'pastDue'

/** Clerk Billing of one instance; payers are named by user or organization id. */
export type Billing = {
  enabled: boolean
  /** The slug of the plan a payer is on; undefined where billing is off. Changes nothing. */
  planSlug: (payerId: string) => string | undefined
  /** Gives a payer who is new their subscription to the free plan. */
  open: (payerId: string) => void
  /** Forgets a payer who is no more. */
  close: (payerId: string) => void
  subscription: (payerId: string) => Subscription
  payments: (payerId: string) => Payment[]
  methods: (payerId: string) => PaymentMethod[]
  addMethod: (payerId: string) => PaymentMethod
  removeMethod: (payerId: string, methodId: string) => void
  makeDefault: (payerId: string, methodId: string) => void
  /** Undefined where there is nothing to buy: the payer has that plan already. */
  startCheckout: (payerId: string, plan: Plan) => Checkout | undefined
  checkout: (payerId: string, checkoutId: string) => Checkout | undefined
  confirm: (checkout: Checkout) => void
  cancel: (payerId: string) => void
  /** Moves time for a subscription; the text says why that cannot be, undefined that it is done. */
  control: (payerId: string, action: BillingAction) => string | undefined
  stored: () => StoredBilling
}

const CHECKOUTS_MAX = 200
const PAYMENTS_MAX = 1000
/** Periods that are caught up with after the simulator did not run for long. */
const RENEWALS_AT_ONCE_MAX = 24

type Options = {
  enabled: boolean
  now: () => number
  directory: Directory
  events: Pick<Events, 'emit'>
  instanceId: string
  stored?: StoredBilling | undefined
  changed: () => void
}

/** Clerk Billing, from what a state file kept. */
export function createBilling(options: Options): Billing {
  const { enabled, now, stored, changed } = options
  const subscriptions = new Map((stored?.subscriptions ?? []).map((each) => [each.payerId, each]))
  const payments = stored?.payments ?? []
  const methods = createMethods(stored?.methods ?? [], now, changed)
  const scene = (subscription: Subscription): Scene => ({
    subscription,
    payments,
    now: now(),
    tell: (happening) => {
      const payload = billingPayload(happening, { ...options, subscription, methods: methods.methods })
      options.events.emit(happening.type, payload)
    },
  })
  const subscription = (payerId: string): Subscription => {
    const known = subscriptions.get(payerId)
    if (known) {
      if (catchUp(scene(known))) changed()
      return known
    }
    const plan = seededPlan(payerId)
    const fresh = createSubscription(payerId, plan, now())
    subscriptions.set(payerId, fresh)
    if (plan.priceCents > 0) methods.addMethod(payerId)
    changed()
    return fresh
  }
  const act = (payerId: string, transition: (scene: Scene) => void) => {
    transition(scene(subscription(payerId)))
    if (payments.length > PAYMENTS_MAX) payments.splice(0, payments.length - PAYMENTS_MAX)
    changed()
  }
  return {
    enabled,
    planSlug: (payerId) => {
      if (!enabled) return undefined
      return subscriptions.has(payerId)
        ? currentItem(subscription(payerId)).planSlug
        : seededPlan(payerId).slug
    },
    open: (payerId) => {
      if (enabled) act(payerId, announceCreated)
    },
    close: (payerId) => {
      subscriptions.delete(payerId)
      changed()
    },
    subscription,
    payments: (payerId) => payments.filter((payment) => payment.payerId === payerId).reverse(),
    ...methods,
    ...createCheckouts(subscription),
    confirm: (checkout) => {
      if (checkout.completed) return
      checkout.completed = true
      act(checkout.payerId, (stage) => completeCheckout(stage, checkout))
    },
    cancel: (payerId) => act(payerId, (stage) => cancel(stage)),
    control: (payerId, action) => {
      const refusal = refusalOf(subscription(payerId), action)
      if (refusal === undefined) act(payerId, (stage) => moveTime(stage, action))
      return refusal
    },
    stored: () => ({
      subscriptions: [...subscriptions.values()],
      methods: methods.stored(),
      payments,
    }),
  }
}

function createCheckouts(
  subscription: (payerId: string) => Subscription,
): Pick<Billing, 'startCheckout' | 'checkout'> {
  const checkouts = new Map<string, Checkout>()
  return {
    startCheckout: (payerId, plan) => {
      const checkout = checkoutOf(subscription(payerId), plan)
      if (!checkout) return undefined
      checkouts.set(checkout.id, checkout)
      const oldest = checkouts.keys().next()
      if (checkouts.size > CHECKOUTS_MAX && !oldest.done) checkouts.delete(oldest.value)
      return checkout
    },
    checkout: (payerId, checkoutId) => {
      const checkout = checkouts.get(checkoutId)
      return checkout?.payerId === payerId ? checkout : undefined
    },
  }
}

function seededPlan(payerId: string): Plan {
  const slug = SEEDED_PLANS[payerId]
  return slug === undefined ? defaultPlan(payerTypeOf(payerId)) : planOfSlug(slug)
}

function createMethods(start: PaymentMethod[], now: () => number, changed: () => void) {
  const kept = new Map(start.map((method) => [method.id, method]))
  const methods = (payerId: string) => [...kept.values()].filter((method) => method.payerId === payerId)
  const makeDefault = (payerId: string, methodId: string) => {
    for (const method of methods(payerId)) method.isDefault = method.id === methodId
    changed()
  }
  return {
    methods,
    makeDefault,
    addMethod: (payerId: string): PaymentMethod => {
      const method = { id: `cpm_${randomId()}`, payerId, isDefault: false, createdAt: now() }
      kept.set(method.id, method)
      makeDefault(payerId, method.id)
      return method
    },
    removeMethod: (payerId: string, methodId: string) => {
      if (kept.get(methodId)?.payerId === payerId) kept.delete(methodId)
      const [first] = methods(payerId)
      if (first && !methods(payerId).some(({ isDefault }) => isDefault)) first.isDefault = true
      changed()
    },
    stored: () => [...kept.values()],
  }
}

function checkoutOf(subscription: Subscription, plan: Plan): Checkout | undefined {
  const item = currentItem(subscription)
  const before = planOfSlug(item.planSlug)
  const checkout = { id: `cchk_${randomId()}`, payerId: subscription.payerId, plan, completed: false }
  if (before.slug === plan.slug) {
    if (item.status === 'canceled') return { ...checkout, kind: 'resume', dueCents: 0 }
    if (item.status === 'past_due') return { ...checkout, kind: 'settle', dueCents: plan.priceCents }
    return undefined
  }
  const isLater = plan.priceCents < before.priceCents
  return { ...checkout, kind: isLater ? 'later' : 'now', dueCents: isLater ? 0 : plan.priceCents }
}

function completeCheckout(scene: Scene, { kind, plan }: Checkout): void {
  if (kind === 'now') subscribe(scene, plan)
  else if (kind === 'later') cancel(scene, plan)
  else if (kind === 'resume') resume(scene)
  else renew(scene, scene.now)
}

function refusalOf(subscription: Subscription, action: BillingAction): string | undefined {
  const item = currentItem(subscription)
  if (item.periodEnd === null) return `${item.planSlug} costs nothing: it has no period that could end`
  if (item.status === 'canceled' && action !== 'endPeriod') {
    return `${item.planSlug} is canceled: nothing is charged any more, the period can only end`
  }
  return undefined
}

function moveTime(scene: Scene, action: BillingAction): void {
  if (action === 'endPeriod') end(scene)
  else if (action === 'renew') renew(scene, scene.now)
  else failToRenew(scene)
}

/** What time has done by itself since anybody looked: periods ended, or were renewed. True if it did anything. */
function catchUp(scene: Scene): boolean {
  for (let count = 0; count < RENEWALS_AT_ONCE_MAX; count++) {
    const { status, periodEnd } = currentItem(scene.subscription)
    if (periodEnd === null || periodEnd > scene.now || status === 'past_due') return count > 0
    if (status === 'canceled') end(scene)
    else renew(scene, periodEnd)
  }
  return true
}
