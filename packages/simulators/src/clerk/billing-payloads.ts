/** Subscriptions, their items and payments in the shapes of Clerk's billing webhooks (`Billing…WebhookEventJSON`). */
import type { PaymentMethod } from './billing.ts'
import type { Directory } from './directory.ts'
import { money, payerTypeOf, planOfSlug } from './plans.ts'
import { stranger, unknownOrganization } from './seeds.ts'
import {
  currentItem,
  type Happening,
  type Payment,
  type Subscription,
  type SubscriptionItem,
} from './subscriptions.ts'

/** What a payload is made from, beside what happened. */
export type PayloadContext = {
  directory: Directory
  instanceId: string
  subscription: Subscription
  methods: (payerId: string) => PaymentMethod[]
}

/** The `data` of an event. */
export function billingPayload(happening: Happening, context: PayloadContext): object {
  if (happening.kind === 'item') return itemPayload(happening.item, context)
  if (happening.kind === 'payment') return paymentPayload(happening.payment, context)
  return subscriptionPayload(context)
}

/** Who pays, as webhooks name them. */
export function payerPayload(directory: Directory, payerId: string, instanceId: string): object {
  const shared = { object: 'commerce_payer', id: `cpayer_${payerId}`, instance_id: instanceId, image_url: '' }
  if (payerTypeOf(payerId) === 'org') {
    const organization = directory.organizationById(payerId) ?? unknownOrganization(payerId)
    const creator = directory.userById(organization?.createdBy ?? '')
    return {
      ...shared,
      email: creator?.email ?? `${payerId}@example.com`,
      organization_id: payerId,
      organization_name: organization?.name ?? payerId,
      created_at: organization?.createdAt ?? 0,
      updated_at: organization?.updatedAt ?? 0,
    }
  }
  const user = directory.userById(payerId) ?? stranger(payerId)
  return {
    ...shared,
    user_id: payerId,
    first_name: user?.firstName ?? '',
    last_name: user?.lastName ?? '',
    email: user?.email ?? `${payerId}@example.com`,
    created_at: user?.createdAt ?? 0,
    updated_at: user?.updatedAt ?? 0,
  }
}

function subscriptionPayload(context: PayloadContext): object {
  const { subscription, directory, instanceId } = context
  const { payerId } = subscription
  const { pastDueAt } = currentItem(subscription)
  return {
    object: 'commerce_subscription',
    id: subscription.id,
    status: pastDueAt === null ? 'active' : 'past_due',
    active_at: subscription.createdAt,
    ...(pastDueAt === null ? {} : { past_due_at: pastDueAt }),
    created_at: subscription.createdAt,
    updated_at: subscription.updatedAt,
    latest_payment_id: subscription.latestPaymentId,
    payer_id: `cpayer_${payerId}`,
    payer: payerPayload(directory, payerId, instanceId),
    payment_source_id: context.methods(payerId).find(({ isDefault }) => isDefault)?.id ?? '',
    items: subscription.items
      .filter(({ status }) => status !== 'ended' && status !== 'abandoned')
      .map((item) => itemPayload(item, context)),
  }
}

function itemPayload(item: SubscriptionItem, context: PayloadContext): object {
  const plan = planOfSlug(item.planSlug)
  const isRenewing = item.periodEnd !== null && item.status === 'active'
  return {
    object: 'commerce_subscription_item',
    id: item.id,
    status: item.status,
    subscription_id: context.subscription.id,
    credit: { amount: money(0), cycle_days_remaining: 0, cycle_days_total: 0, cycle_remaining_percent: 0 },
    proration_date: new Date(item.periodStart).toISOString(),
    plan_period: 'month',
    period_start: item.periodStart,
    period_end: item.periodEnd,
    ...(item.canceledAt === null ? {} : { canceled_at: item.canceledAt }),
    ...(item.pastDueAt === null ? {} : { past_due_at: item.pastDueAt }),
    ...(item.endedAt === null ? {} : { ended_at: item.endedAt }),
    created_at: item.createdAt,
    updated_at: item.updatedAt,
    is_free_trial: false,
    lifetime_paid: item.lifetimePaidCents,
    ...(isRenewing ? { next_payment_amount: plan.priceCents, next_payment_date: item.periodEnd } : {}),
    amount: money(plan.priceCents),
    plan: {
      id: plan.id,
      instance_id: context.instanceId,
      product_id: `cprod_${plan.payerType}`,
      name: plan.name,
      slug: plan.slug,
      description: plan.description,
      is_default: plan.isDefault,
      is_recurring: plan.priceCents > 0,
      amount: plan.priceCents,
      period: 'month',
      interval: 1,
      has_base_fee: plan.priceCents > 0,
      currency: 'USD',
      annual_monthly_amount: 0,
      publicly_visible: plan.isPublic,
    },
    plan_id: plan.id,
    payer: payerPayload(context.directory, context.subscription.payerId, context.instanceId),
  }
}

function paymentPayload(payment: Payment, context: PayloadContext): object {
  const method = context.methods(payment.payerId).find(({ isDefault }) => isDefault)
  return {
    object: 'commerce_payment_attempt',
    id: payment.id,
    instance_id: context.instanceId,
    payment_id: `cpay_${payment.id}`,
    statement_id: `cstmt_${payment.payerId}`,
    gateway_external_id: `pi_${payment.id}`,
    status: payment.status,
    created_at: payment.createdAt,
    updated_at: payment.updatedAt,
    ...(payment.status === 'paid' ? { paid_at: payment.updatedAt } : {}),
    ...(payment.status === 'failed'
      ? {
          failed_at: payment.updatedAt,
          failed_reason: { code: 'card_declined', decline_code: 'insufficient_funds' },
        }
      : {}),
    billing_date: payment.createdAt,
    charge_type: payment.chargeType,
    payee: {
      id: 'cpayee_simulated',
      gateway_type: 'stripe',
      gateway_external_id: 'acct_simulated',
      gateway_status: 'active',
    },
    payer: payerPayload(context.directory, payment.payerId, context.instanceId),
    totals: {
      subtotal: money(payment.amountCents),
      tax_total: money(0),
      grand_total: money(payment.amountCents),
    },
    payment_source: {
      id: method?.id ?? 'cpm_none',
      gateway: 'stripe',
      gateway_external_id: `pm_${method?.id ?? 'none'}`,
      payment_method: 'card',
      status: 'active',
      card_type: 'visa',
      last4: '4242',
    },
    subscription_items: [itemPayload(payment.item, context)],
  }
}
