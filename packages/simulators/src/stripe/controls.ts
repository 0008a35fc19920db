/** What only a simulation has: paying without a browser, and the world's part in refunds, disputes and renewals. */
import { isBehaviour } from './cards.ts'
import { expireSession } from './checkout.ts'
import { applyPromotionCode } from './checkout-totals.ts'
import { completeCheckout, settleDue } from './complete-checkout.ts'
import { closeDispute, openDispute } from './disputes.ts'
import { invalid } from './errors.ts'
import { choice, integer, type Params, requiredText, text } from './params.ts'
import { chargeOf, failRefund, refundCharge } from './refunds.ts'
import { find } from './state.ts'
import { cancelNow, endPeriod, renew, retryPayment } from './subscriptions.ts'
import type { Behaviour, CheckoutSession, Dispute, Refund, Subscription, World } from './types.ts'

/** A payment by its charge or by its payment intent. */
export type PaymentReference = { charge: string } | { payment_intent: string }

/** What the world does to a subscription. */
export const SUBSCRIPTION_ACTIONS = ['renew', 'fail', 'recover', 'end', 'cancel'] as const

export type SubscriptionAction = (typeof SUBSCRIPTION_ACTIONS)[number]

/** The controls; each returns what it changed, and its events are on their way. */
export type Controls = {
  /** Pays an open session as the hosted page does. A declined card throws; the session stays open. */
  payCheckout: (
    session: string,
    payer?: { behaviour?: Behaviour; email?: string; promotionCode?: string },
  ) => CheckoutSession
  expireCheckout: (session: string) => CheckoutSession
  /** Lets all money arrive, or not, that is on its way. */
  settlePayments: () => void
  /** As a merchant refunds in the dashboard: all that is left, or an amount in cents. */
  refund: (payment: PaymentReference, amount?: number) => Refund
  failRefund: (refund: string) => Refund
  dispute: (payment: PaymentReference, options?: { amount?: number; reason?: string }) => Dispute
  closeDispute: (dispute: string, outcome: 'won' | 'lost') => Dispute
  /**
   * `renew` starts the next period now and bills it; `fail` does the same, but the bank refuses (past due); `recover`
   * collects what is owed; `end` lets the period end (renews, or ends what was to be canceled); `cancel` ends it now.
   */
  subscription: (subscription: string, action: SubscriptionAction) => Subscription
}

/** Controls over a world. */
export function createControls(world: World): Controls {
  const { state } = world
  const charge = (payment: PaymentReference) => chargeOf(world, { path: '', values: { ...payment } })
  const session = (id: string) => find(state.sessions, 'checkout.session', id)
  return {
    payCheckout: (id, payer = {}) => payCheckout(world, session(id), payer),
    expireCheckout: (id) => expireSession(world, openOnly(session(id))),
    settlePayments: () => settleDue(world, { all: true }),
    refund: (payment, amount) => refundCharge(world, charge(payment), { amount }),
    failRefund: (id) => failRefund(world, id),
    dispute: (payment, options) => openDispute(world, charge(payment), options),
    closeDispute: (id, outcome) => closeDispute(world, id, outcome),
    subscription: (id, action) => {
      const subscription = find(state.subscriptions, 'subscription', id)
      actOn(world, subscription, action)
      return subscription
    },
  }
}

function openOnly(session: CheckoutSession): CheckoutSession {
  if (session.status !== 'open') throw invalid(`This Checkout Session has a status of ${session.status}.`)
  return session
}

function payCheckout(
  world: World,
  session: CheckoutSession,
  {
    behaviour = 'succeeds',
    email,
    promotionCode,
  }: { behaviour?: Behaviour; email?: string; promotionCode?: string },
): CheckoutSession {
  openOnly(session)
  if (
    promotionCode !== undefined &&
    !(session.allow_promotion_codes && applyPromotionCode(world, session, promotionCode))
  )
    throw invalid('This code is invalid.', 'promotion_code')
  const known = session.customer_details?.email ?? email ?? 'somebody@example.com'
  const message = completeCheckout(world, session, { email: known, name: '', behaviour })
  if (message) throw invalid(message, 'payment_method', 'card_declined')
  return session
}

function actOn(world: World, subscription: Subscription, action: SubscriptionAction): void {
  if (subscription.status === 'canceled') throw invalid('This subscription has ended.')
  if (subscription.cancel_at_period_end && (action === 'renew' || action === 'fail'))
    throw invalid('This subscription is to end with its period, so it does not renew.')
  if (action === 'renew') renew(world, subscription)
  if (action === 'fail') renew(world, subscription, { refuse: true })
  if (action === 'recover') retryPayment(world, subscription)
  if (action === 'end') endPeriod(world, subscription)
  if (action === 'cancel') cancelNow(world, subscription)
}

/** The controls over HTTP, by path under `/dev/`. */
export function devCall(controls: Controls, name: string, params: Params): object | undefined {
  if (name === 'refund') {
    const refund = text(params, 'refund')
    return refund
      ? controls.failRefund(refund)
      : controls.refund(reference(params), integer(params, 'amount'))
  }
  if (name === 'dispute') {
    const outcome = choice(params, 'outcome', ['won', 'lost'])
    if (outcome) return controls.closeDispute(requiredText(params, 'dispute'), outcome)
    const amount = integer(params, 'amount')
    const reason = text(params, 'reason')
    return controls.dispute(reference(params), {
      ...(amount === undefined ? {} : { amount }),
      ...(reason === undefined ? {} : { reason }),
    })
  }
  if (name === 'subscription') {
    const action = choice(params, 'action', SUBSCRIPTION_ACTIONS)
    if (!action) throw invalid(`Say an action: ${SUBSCRIPTION_ACTIONS.join(', ')}.`, 'action')
    return controls.subscription(requiredText(params, 'id'), action)
  }
  if (name === 'checkout') {
    const behaviour = text(params, 'behaviour') ?? 'succeeds'
    if (!isBehaviour(behaviour)) throw invalid('There is no such test card.', 'behaviour')
    return controls.payCheckout(requiredText(params, 'id'), { behaviour })
  }
  if (name === 'settle') {
    controls.settlePayments()
    return { settled: true }
  }
  return undefined
}

function reference(params: Params): PaymentReference {
  const charge = text(params, 'charge')
  return charge ? { charge } : { payment_intent: requiredText(params, 'payment_intent') }
}
