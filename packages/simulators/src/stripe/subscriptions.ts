/** Subscriptions: how they start, change, renew, fall behind and end. `subscription-routes.ts` is their API. */
import { blankSubscription } from './blanks.ts'
import { productName } from './catalogue.ts'
import { changesOf } from './changes.ts'
import { createInvoice, type InvoiceOutcome, type NewLine, payInvoice } from './invoices.ts'
import { find, newId } from './state.ts'
import type { PaymentMethod, Price, Subscription, SubscriptionItem, World } from './types.ts'

const DAY_SECONDS = 86_400

/** Makes a subscription whose first invoice is not paid. */
export function createSubscription(
  world: World,
  options: {
    customer: string
    items: { price: Price; quantity: number }[]
    metadata: Record<string, string>
    description?: string | null
  },
): Subscription {
  const id = newId('sub_1', 23)
  const start = world.now()
  const items = options.items.map(({ price, quantity }) => subscriptionItem(world, id, price, quantity))
  const subscription: Subscription = {
    ...blankSubscription(id, start),
    currency: options.items[0]?.price.currency ?? 'usd',
    customer: options.customer,
    description: options.description ?? null,
    items: { object: 'list', data: items, has_more: false, url: `/v1/subscription_items?subscription=${id}` },
    metadata: options.metadata,
  }
  world.state.subscriptions[id] = subscription
  world.emit('customer.subscription.created', subscription)
  return subscription
}

/** Bills the first period. */
export function billFirstPeriod(
  world: World,
  subscription: Subscription,
  method: PaymentMethod | undefined,
  {
    discount = 0,
    tax,
    offSession = false,
  }: { discount?: number; tax?: number | undefined; offSession?: boolean },
): InvoiceOutcome {
  const invoice = createInvoice(world, {
    customer: subscription.customer,
    subscription,
    reason: 'subscription_create',
    lines: subscription.items.data.map((item) => periodLine(world, item)),
    discount,
    ...(tax === undefined ? {} : { tax }),
  })
  subscription.latest_invoice = invoice.id
  subscription.default_payment_method = method?.id ?? null
  const outcome = payInvoice(world, invoice, method, { offSession })
  // A bank debit that is on its way counts until it fails.
  if (outcome !== 'failed') changeStatus(world, subscription, 'active')
  return outcome
}

function subscriptionItem(
  world: World,
  subscription: string,
  price: Price,
  quantity: number,
): SubscriptionItem {
  const start = world.now()
  return {
    id: newId('si', 14),
    object: 'subscription_item',
    billing_thresholds: null,
    created: start,
    current_period_end: afterInterval(start, price, start),
    current_period_start: start,
    current_trial: null,
    discounts: [],
    metadata: {},
    plan: planOf(price),
    price,
    quantity,
    subscription,
    tax_rates: [],
  }
}

/** The older shape of a price, which items still carry. */
function planOf(price: Price): SubscriptionItem['plan'] {
  return {
    id: price.id,
    object: 'plan',
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: price.unit_amount_decimal,
    billing_scheme: price.billing_scheme,
    created: price.created,
    currency: price.currency,
    interval: price.recurring?.interval ?? 'month',
    interval_count: price.recurring?.interval_count ?? 1,
    livemode: false,
    metadata: {},
    meter: null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed',
  }
}

/** The moment one interval after another, on the day of the month of the anchor where that month has it. */
export function afterInterval(start: number, price: Price, anchor: number): number {
  const { interval = 'month', interval_count: count = 1 } = price.recurring ?? {}
  if (interval === 'day' || interval === 'week')
    return start + count * (interval === 'day' ? DAY_SECONDS : 7 * DAY_SECONDS)
  const date = new Date(start * 1000)
  const months = interval === 'year' ? 12 * count : count
  const day = new Date(anchor * 1000).getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, lastDay))
  return Math.floor(date.getTime() / 1000)
}

function periodLine(world: World, item: SubscriptionItem): NewLine {
  const quantity = item.quantity ?? 1
  return {
    description: `${quantity} × ${productName(world.state, item.price)}`,
    amount: (item.price.unit_amount ?? 0) * quantity,
    quantity,
    price: item.price,
    period: { start: item.current_period_start, end: item.current_period_end },
    subscriptionItem: item.id,
  }
}

/** Whether a subscription has not ended. */
export function isLiving({ status }: Subscription): boolean {
  return status !== 'canceled' && status !== 'incomplete_expired'
}

/** Changes a status and tells of it. */
export function changeStatus(world: World, subscription: Subscription, status: Subscription['status']): void {
  if (subscription.status === status) return
  const previous = { status: subscription.status }
  subscription.status = status
  world.emit('customer.subscription.updated', subscription, previous)
}

/** The means of payment that a subscription is charged on. */
export function methodOf(world: World, subscription: Subscription): PaymentMethod | undefined {
  const customer = world.state.customers[subscription.customer]
  const id = subscription.default_payment_method ?? customer?.invoice_settings.default_payment_method
  return id ? world.state.paymentMethods[id] : undefined
}

/**
 * Starts the next period now and bills it. The old period counts as over: it is as if its time had passed. Where the
 * clock is past its end, the next one starts where it ended. `refuse` lets the bank say no, which makes it past due.
 */
export function renew(world: World, subscription: Subscription, { refuse = false } = {}): InvoiceOutcome {
  const before = structuredClone(subscription)
  for (const item of subscription.items.data) {
    const now = world.now()
    const start =
      now >= item.current_period_end ? item.current_period_end : Math.max(now, item.current_period_start + 1)
    if (start !== item.current_period_end) subscription.billing_cycle_anchor = start
    item.current_period_start = start
    item.current_period_end = afterInterval(start, item.price, subscription.billing_cycle_anchor)
  }
  const lines = subscription.items.data.map((item) => periodLine(world, item))
  const invoice = billNow(
    world,
    subscription,
    'subscription_cycle',
    [...lines, ...takeProration(world, subscription)],
    {
      start: before.items.data[0]?.current_period_start ?? world.now(),
      end: before.items.data[0]?.current_period_end ?? world.now(),
    },
  )
  world.emit('customer.subscription.updated', subscription, changesOf(before, subscription))
  return collect(world, subscription, invoice, refuse)
}

function billNow(
  world: World,
  subscription: Subscription,
  reason: 'subscription_cycle' | 'subscription_update',
  lines: NewLine[],
  period?: { start: number; end: number },
) {
  const invoice = createInvoice(world, {
    customer: subscription.customer,
    subscription,
    reason,
    lines,
    ...(period ? { period } : {}),
  })
  subscription.latest_invoice = invoice.id
  // What is due back beyond this invoice is for the next.
  if (invoice.subtotal < 0) world.state.prorations[subscription.id] = invoice.subtotal
  return invoice
}

function collect(
  world: World,
  subscription: Subscription,
  invoice: ReturnType<typeof billNow>,
  refuse = false,
): InvoiceOutcome {
  const outcome = payInvoice(world, invoice, methodOf(world, subscription), { offSession: true, refuse })
  changeStatus(world, subscription, outcome === 'failed' ? 'past_due' : 'active')
  return outcome
}

/** Tries once more to collect what is owed. */
export function retryPayment(world: World, subscription: Subscription): InvoiceOutcome {
  const invoice = find(world.state.invoices, 'invoice', subscription.latest_invoice ?? '')
  return invoice.status === 'open' ? collect(world, subscription, invoice) : 'paid'
}

function takeProration(world: World, subscription: Subscription): NewLine[] {
  const amount = world.state.prorations[subscription.id] ?? 0
  delete world.state.prorations[subscription.id]
  return amount === 0 ? [] : [prorationLine(world, subscription, amount)]
}

function prorationLine(world: World, subscription: Subscription, amount: number): NewLine {
  const [item] = subscription.items.data
  return {
    description: amount < 0 ? 'Unused time on the earlier plan' : 'Remaining time on the new plan',
    amount,
    quantity: 1,
    price: null,
    period: { start: world.now(), end: item?.current_period_end ?? world.now() },
    subscriptionItem: item?.id ?? null,
  }
}

/** Whether the difference of a change is billed now, with the next invoice, or not at all. */
export type ProrationBehavior = 'always_invoice' | 'create_prorations' | 'none'

/** Moves an item to another price. Another interval starts a new period at once. */
export function changePrice(
  world: World,
  subscription: Subscription,
  item: SubscriptionItem,
  {
    price,
    quantity = item.quantity ?? 1,
    behavior,
  }: { price: Price; quantity?: number; behavior: ProrationBehavior },
): void {
  const before = structuredClone(subscription)
  const owed = item.current_period_end - item.current_period_start
  const left = owed > 0 ? Math.min(1, Math.max(0, (item.current_period_end - world.now()) / owed)) : 0
  const oldAmount = (item.price.unit_amount ?? 0) * (item.quantity ?? 1)
  const newAmount = (price.unit_amount ?? 0) * quantity
  const sameCycle =
    item.price.recurring?.interval === price.recurring?.interval &&
    item.price.recurring?.interval_count === price.recurring?.interval_count
  Object.assign(item, { price, plan: planOf(price), quantity })
  if (!sameCycle) {
    subscription.billing_cycle_anchor = world.now()
    item.current_period_start = world.now()
    item.current_period_end = afterInterval(world.now(), price, world.now())
  }
  const difference = sameCycle ? Math.round((newAmount - oldAmount) * left) : -Math.round(oldAmount * left)
  if (behavior !== 'none' && difference !== 0) {
    world.state.prorations[subscription.id] = (world.state.prorations[subscription.id] ?? 0) + difference
  }
  const pending = world.state.prorations[subscription.id] ?? 0
  const billed = !sameCycle || (behavior === 'always_invoice' && pending > 0)
  const lines = billed
    ? [...(sameCycle ? [] : [periodLine(world, item)]), ...takeProration(world, subscription)]
    : []
  const invoice = billed ? billNow(world, subscription, 'subscription_update', lines) : undefined
  world.emit('customer.subscription.updated', subscription, changesOf(before, subscription))
  if (invoice) collect(world, subscription, invoice)
}

/** Sets or takes back the wish to end with the period. */
export function cancelAtPeriodEnd(world: World, subscription: Subscription, wanted: boolean): void {
  if (subscription.cancel_at_period_end === wanted) return
  const before = structuredClone(subscription)
  const end = Math.max(...subscription.items.data.map((item) => item.current_period_end))
  Object.assign(subscription, {
    cancel_at_period_end: wanted,
    cancel_at: wanted ? end : null,
    canceled_at: wanted ? world.now() : null,
    cancellation_details: {
      comment: null,
      feedback: null,
      feedback_option: null,
      reason: wanted ? 'cancellation_requested' : null,
    },
  })
  world.emit('customer.subscription.updated', subscription, changesOf(before, subscription))
}

/** Ends a subscription now. */
export function cancelNow(
  world: World,
  subscription: Subscription,
  reason: 'cancellation_requested' | 'payment_failed' = 'cancellation_requested',
): void {
  Object.assign(subscription, {
    status: 'canceled',
    canceled_at: subscription.canceled_at ?? world.now(),
    ended_at: world.now(),
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason },
  })
  world.emit('customer.subscription.deleted', subscription)
}

/** The period is over: the subscription ends if that was wished, else it renews. */
export function endPeriod(world: World, subscription: Subscription): void {
  if (subscription.cancel_at_period_end) cancelNow(world, subscription)
  else renew(world, subscription)
}

/** Ends or renews what is due by the clock. */
export function renewDue(world: World): void {
  for (const subscription of Object.values(world.state.subscriptions)) {
    // A clock that was set far ahead passes several periods, but not without end.
    for (let passed = 0; passed < 36 && isDue(world, subscription); passed += 1)
      endPeriod(world, subscription)
  }
}

function isDue(world: World, { status, items }: Subscription): boolean {
  return status === 'active' && items.data.some((item) => item.current_period_end <= world.now())
}
