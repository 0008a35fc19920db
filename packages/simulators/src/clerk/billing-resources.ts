/** Subscriptions, checkouts, cards, payments and statements in the shapes that `@clerk/clerk-js` reads. */
import type { Checkout, PaymentMethod } from './billing.ts'
import { money, planOfSlug, planResource } from './plans.ts'
import { currentItem, type Payment, type Subscription, type SubscriptionItem } from './subscriptions.ts'

/** A payer's subscription: what is in force and what follows. */
export function subscriptionResource(subscription: Subscription): object {
  const { pastDueAt } = currentItem(subscription)
  const nextPayment = nextPaymentOf(currentItem(subscription))
  return {
    object: 'commerce_subscription',
    id: subscription.id,
    status: pastDueAt === null ? 'active' : 'past_due',
    created_at: subscription.createdAt,
    active_at: subscription.createdAt,
    updated_at: subscription.updatedAt,
    past_due_at: pastDueAt,
    next_payment: nextPayment,
    subscription_items: subscription.items
      .filter(({ status }) => ['active', 'canceled', 'past_due', 'upcoming'].includes(status))
      .map(itemResource),
    eligible_for_free_trial: false,
  }
}

/** A card. */
export function paymentMethodResource(method: PaymentMethod): object {
  return {
    object: 'commerce_payment_method',
    id: method.id,
    last4: '4242',
    payment_type: 'card',
    card_type: 'visa',
    is_default: method.isDefault,
    is_removable: true,
    status: 'active',
    wallet_type: null,
    expiry_year: 2044,
    expiry_month: 11,
    created_at: method.createdAt,
    updated_at: method.createdAt,
  }
}

/** A checkout, open or done. */
export function checkoutResource(
  checkout: Checkout,
  context: { payer: object; method: PaymentMethod | undefined; periodStart: number },
): object {
  const { plan, kind, dueCents } = checkout
  const due = totals(dueCents)
  return {
    object: 'commerce_checkout',
    id: checkout.id,
    external_client_secret: `seti_${checkout.id}_secret_simulated`,
    external_gateway_id: 'acct_simulated',
    ...(context.method ? { payment_method: paymentMethodResource(context.method) } : {}),
    plan: planResource(plan),
    plan_period: 'month',
    plan_period_start: context.periodStart,
    status: checkout.completed ? 'completed' : 'needs_confirmation',
    totals: {
      ...due,
      base_fee: money(plan.priceCents),
      total_due_now: money(dueCents),
      total_due_per_period: money(plan.priceCents),
      totals_due_per_period: { ...totals(plan.priceCents), base_fee: money(plan.priceCents) },
      total_due_after_free_trial: null,
      credit: null,
      credits: null,
      account_credit: null,
      past_due: null,
      discounts: null,
    },
    is_immediate_plan_change: kind !== 'later',
    payer: context.payer,
    needs_payment_method: dueCents > 0,
  }
}

/** A payment, as the payment history shows it. */
export function paymentResource(payment: Payment, method: PaymentMethod | undefined): object {
  return {
    object: 'commerce_payment',
    id: payment.id,
    amount: money(payment.amountCents),
    paid_at: payment.status === 'paid' ? payment.updatedAt : null,
    failed_at: payment.status === 'failed' ? payment.updatedAt : null,
    created_at: payment.createdAt,
    updated_at: payment.updatedAt,
    payment_method: method ? paymentMethodResource(method) : null,
    subscription_item: itemResource(payment.item),
    charge_type: payment.chargeType,
    status: payment.status,
    totals: { ...totals(payment.amountCents), base_fee: money(payment.amountCents), discounts: null },
  }
}

/** What was paid, a statement a month, newest first. */
export function statementResources(
  payments: Payment[],
  method: PaymentMethod | undefined,
  now: number,
): { id: string }[] {
  const months = Map.groupBy(
    payments.filter(({ status }) => status === 'paid'),
    ({ createdAt }) => new Date(createdAt).toISOString().slice(0, 7),
  )
  const present = new Date(now).toISOString().slice(0, 7)
  return [...months].map(([month, paid]) => ({
    object: 'commerce_statement',
    id: `cstmt_${month.replace('-', '_')}`,
    status: month === present ? 'open' : 'closed',
    timestamp: paid[0]?.createdAt ?? now,
    totals: totals(paid.reduce((sum, { amountCents }) => sum + amountCents, 0)),
    groups: paid.map((payment) => ({
      object: 'commerce_statement_group',
      timestamp: payment.createdAt,
      items: [paymentResource(payment, method)],
    })),
  }))
}

function itemResource(item: SubscriptionItem): object {
  const plan = planOfSlug(item.planSlug)
  return {
    object: 'commerce_subscription_item',
    id: item.id,
    // The components know a canceled item by `canceled_at`: to them it is active until it ends.
    status: item.status === 'canceled' ? 'active' : item.status,
    plan: planResource(plan),
    plan_period: 'month',
    price_id: `cprice_${plan.slug}`,
    amount: money(plan.priceCents),
    created_at: item.createdAt,
    period_start: item.periodStart,
    period_end: item.periodEnd,
    canceled_at: item.canceledAt,
    past_due_at: item.pastDueAt,
    is_free_trial: false,
    next_payment: nextPaymentOf(item),
  }
}

function nextPaymentOf(item: SubscriptionItem): object | null {
  if (item.periodEnd === null || item.canceledAt !== null) return null
  return { amount: money(planOfSlug(item.planSlug).priceCents), date: item.periodEnd }
}

function totals(cents: number): object {
  return { subtotal: money(cents), tax_total: money(0), grand_total: money(cents) }
}
