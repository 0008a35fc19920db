/** Clerk Billing as the pricing table, the checkout drawer and the billing pages of the two profiles call it. */
import { payerPayload } from './billing-payloads.ts'
import {
  checkoutResource,
  paymentMethodResource,
  paymentResource,
  statementResources,
  subscriptionResource,
} from './billing-resources.ts'
import { type Frontend, type FrontendApiParts, refuse, type SignedInCall } from './caller.ts'
import { json, type Route } from './http.ts'
import type { MemberRoute } from './organizations.ts'
import { page } from './pages.ts'
import { money, PLANS, payerTypeOf, planResource } from './plans.ts'
import { randomId } from './random-id.ts'
import type { FrontendApiError } from './resources.ts'
import { currentItem } from './subscriptions.ts'

/** A call on behalf of whoever pays: the user, or the organization that the path names. */
type PayerCall = SignedInCall & { payerId: string }
type Access = 'read' | 'manage'
type PayerHandler = (call: PayerCall) => Response
type PayerLine = { method: string; path: string; access: Access; handle: PayerHandler }

const NOT_FOUND: FrontendApiError = {
  status: 404,
  code: 'resource_not_found',
  message: 'There is no such thing.',
}
const NOTHING_TO_BUY: FrontendApiError = {
  status: 422,
  code: 'checkout_not_allowed',
  message: 'You are subscribed to this plan already.',
}
const NO_PROMOTIONS: FrontendApiError = {
  status: 422,
  code: 'form_param_value_invalid',
  message: 'This promo code is not valid.',
  param: 'promo_code',
}
const NOT_CANCELABLE: FrontendApiError = {
  status: 422,
  code: 'subscription_item_not_cancelable',
  message: 'This plan cannot be canceled.',
}

/** The routes of billing: each payer's twice, under the user and under an organization. */
export function billingRoutes(
  parts: FrontendApiParts,
  frontend: Frontend,
  memberRoute: MemberRoute,
): Route[] {
  if (!parts.billing.enabled) return []
  const lines = [...subscriptionLines(parts, frontend), ...paymentLines(parts, frontend)]
  return [
    { method: 'GET', pattern: '/v1/billing/plans', handle: ({ url }) => json(listPlans(url)) },
    {
      method: 'GET',
      pattern: '/v1/billing/plans/:planId',
      handle: ({ params }) => {
        const plan = PLANS.find(({ id }) => id === params.planId)
        return plan ? json(planResource(plan)) : refuse(NOT_FOUND)
      },
    },
    ...lines.flatMap(({ method, path, access, handle }) => [
      frontend.signedInRoute(method, `/v1/me/billing${path}`, (call) =>
        handle({ ...call, payerId: call.user.id }),
      ),
      memberRoute(method, `/billing${path}`, `org:sys_billing:${access}`, (call) =>
        handle({ ...call, payerId: call.organization.id }),
      ),
    ]),
  ]
}

function listPlans(url: URL): object {
  const payerType = url.searchParams.get('payer_type') === 'org' ? 'org' : 'user'
  const plans = PLANS.filter((plan) => plan.isPublic && plan.payerType === payerType)
  return page(plans.map(planResource), url)
}

function subscriptionLines(parts: FrontendApiParts, frontend: Frontend): PayerLine[] {
  const { billing } = parts
  const showCheckout = (call: PayerCall, checkoutId: string) => {
    const checkout = billing.checkout(call.payerId, checkoutId)
    if (!checkout) return refuse(NOT_FOUND)
    const { periodEnd } = currentItem(billing.subscription(call.payerId))
    return frontend.answer(
      call,
      checkoutResource(checkout, {
        payer: {
          user_id: null,
          organization_id: null,
          ...payerPayload(parts.directory, call.payerId, parts.instanceId),
        },
        method: defaultMethod(parts, call.payerId),
        periodStart: checkout.kind === 'later' && periodEnd !== null ? periodEnd : parts.now(),
      }),
    )
  }
  const checkouts = '/checkouts'
  return [
    {
      method: 'GET',
      path: '/subscription',
      access: 'read',
      handle: (call) => frontend.answer(call, subscriptionResource(billing.subscription(call.payerId))),
    },
    {
      method: 'DELETE',
      path: '/subscription_items/:itemId',
      access: 'manage',
      handle: (call) => cancelItem(parts, frontend, call),
    },
    {
      method: 'POST',
      path: checkouts,
      access: 'manage',
      handle: (call) => {
        const plan = PLANS.find(({ id }) => id === call.fields.plan_id)
        if (!plan || plan.payerType !== payerTypeOf(call.payerId)) return refuse(NOT_FOUND)
        const checkout = billing.startCheckout(call.payerId, plan)
        return checkout ? showCheckout(call, checkout.id) : refuse(NOTHING_TO_BUY)
      },
    },
    {
      method: 'PATCH',
      path: `${checkouts}/:checkoutId`,
      access: 'manage',
      handle: (call) =>
        call.fields.promo_code ? refuse(NO_PROMOTIONS) : showCheckout(call, call.params.checkoutId ?? ''),
    },
    {
      method: 'PATCH',
      path: `${checkouts}/:checkoutId/confirm`,
      access: 'manage',
      handle: (call) => {
        const checkout = billing.checkout(call.payerId, call.params.checkoutId ?? '')
        if (!checkout) return refuse(NOT_FOUND)
        payFor(parts, call)
        billing.confirm(checkout)
        return showCheckout(call, checkout.id)
      },
    },
  ]
}

function cancelItem(parts: FrontendApiParts, frontend: Frontend, call: PayerCall): Response {
  const subscription = parts.billing.subscription(call.payerId)
  const item = subscription.items.find(({ id }) => id === call.params.itemId)
  if (!item) return refuse(NOT_FOUND)
  const current = currentItem(subscription)
  const plan = PLANS.find(({ slug }) => slug === item.planSlug)
  if (item.id !== current.id || item.status === 'canceled' || plan?.isDefault) return refuse(NOT_CANCELABLE)
  parts.billing.cancel(call.payerId)
  return frontend.answer(call, { object: 'commerce_subscription_item', id: item.id, deleted: true })
}

/** The card of a checkout: one the payer has, or a new one, which here is always the test card. */
function payFor({ billing }: FrontendApiParts, { fields, payerId }: PayerCall): void {
  const known = billing.methods(payerId).find(({ id }) => id === fields.payment_method_id)
  if (known) billing.makeDefault(payerId, known.id)
  else if (fields.use_test_card === 'true' || fields.payment_token) billing.addMethod(payerId)
}

function defaultMethod({ billing }: FrontendApiParts, payerId: string) {
  return billing.methods(payerId).find(({ isDefault }) => isDefault)
}

function paymentLines(parts: FrontendApiParts, frontend: Frontend): PayerLine[] {
  const { billing } = parts
  const payments = (call: PayerCall) =>
    billing
      .payments(call.payerId)
      .map((payment) => paymentResource(payment, defaultMethod(parts, call.payerId)))
  const statements = (call: PayerCall) =>
    statementResources(billing.payments(call.payerId), defaultMethod(parts, call.payerId), parts.now())
  const read = (path: string, handle: PayerHandler): PayerLine => ({
    method: 'GET',
    path,
    access: 'read',
    handle,
  })
  return [
    // These two have no envelope, unlike their neighbours: so clerk-js reads them.
    read('/payment_attempts', (call) => frontend.bare(page(payments(call), call.url))),
    read('/payment_attempts/:paymentId', (call) => {
      const payment = billing.payments(call.payerId).find(({ id }) => id === call.params.paymentId)
      return payment
        ? frontend.bare(paymentResource(payment, defaultMethod(parts, call.payerId)))
        : refuse(NOT_FOUND)
    }),
    read('/statements', (call) => frontend.answer(call, page(statements(call), call.url))),
    read('/statements/:statementId', (call) => {
      const statement = statements(call).find(({ id }) => id === call.params.statementId)
      return statement ? frontend.answer(call, statement) : refuse(NOT_FOUND)
    }),
    read('/credits', (call) =>
      frontend.answer(call, { object: 'commerce_credit_balance', balance: money(0) }),
    ),
    read('/credits/history', (call) => frontend.answer(call, page([], call.url))),
    read('/payment_methods', (call) => {
      const methods = billing.methods(call.payerId).map(paymentMethodResource)
      return frontend.answer(call, page(methods, call.url))
    }),
    ...paymentMethodLines(parts, frontend),
  ]
}

function paymentMethodLines({ billing }: FrontendApiParts, frontend: Frontend): PayerLine[] {
  const manage = (method: string, path: string, handle: PayerHandler): PayerLine => ({
    method,
    path,
    access: 'manage',
    handle,
  })
  return [
    manage('POST', '/payment_methods/initialize', (call) =>
      frontend.answer(call, {
        object: 'commerce_payment_method_initialize',
        external_client_secret: `seti_${randomId()}_secret_simulated`,
        external_gateway_id: 'acct_simulated',
        payment_method_order: ['card'],
      }),
    ),
    manage('POST', '/payment_methods', (call) =>
      frontend.answer(call, paymentMethodResource(billing.addMethod(call.payerId))),
    ),
    manage('DELETE', '/payment_methods/:methodId', (call) => {
      const id = call.params.methodId ?? ''
      billing.removeMethod(call.payerId, id)
      return frontend.answer(call, { object: 'commerce_payment_method', id, deleted: true })
    }),
    manage('PUT', '/payers/default_payment_method', (call) => {
      billing.makeDefault(call.payerId, call.fields.payment_method_id ?? '')
      return frontend.answer(call, { object: 'commerce_payer', id: `cpayer_${call.payerId}` })
    }),
  ]
}
