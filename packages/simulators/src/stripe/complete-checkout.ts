/** What happens when somebody pays on the hosted checkout page, and when money that was on its way arrives or does not. */
import { attach, createPaymentMethod } from './cards.ts'
import { attemptPayment, createIntent, declineOf, settlePayment } from './charging.ts'
import { details } from './checkout.ts'
import { createCustomer } from './customers.ts'
import { addPayment, createInvoice, markFailed, markPaid } from './invoices.ts'
import { find } from './state.ts'
import { billFirstPeriod, changeStatus, createSubscription } from './subscriptions.ts'
import type {
  Behaviour,
  CheckoutIntention,
  CheckoutSession,
  PaymentIntent,
  PaymentMethod,
  World,
} from './types.ts'

/** What was typed on the page. */
export type Payer = { email: string; name: string; behaviour: Behaviour }

/** Pays a session; a message where the bank said no, and then the session stays open. */
export function completeCheckout(world: World, session: CheckoutSession, payer: Payer): string | undefined {
  const intention = find(world.state.intentions, 'checkout.session', session.id)
  session.customer_details = details(payer.email || null, payer.name || null)
  knowCustomer(world, session, payer, intention)
  const message =
    session.mode === 'subscription'
      ? subscribe(world, session, payer, intention)
      : pay(world, session, payer, intention)
  if (message) return message
  session.status = 'complete'
  session.url = null
  if (session.automatic_tax.enabled) session.automatic_tax.status = 'complete'
  world.emit('checkout.session.completed', session)
  return undefined
}

function knowCustomer(
  world: World,
  session: CheckoutSession,
  { email, name }: Payer,
  intention: CheckoutIntention,
): void {
  if (session.customer) {
    const customer = find(world.state.customers, 'customer', session.customer)
    if (!customer.email && email) {
      customer.email = email
      world.emit('customer.updated', customer, { email: null })
    }
    return
  }
  const wanted =
    session.mode === 'subscription' ||
    session.customer_creation === 'always' ||
    session.amount_total === 0 ||
    intention.payment.setup_future_usage !== null ||
    session.invoice_creation?.enabled
  if (wanted) session.customer = createCustomer(world, { email: email || null, name: name || null }).id
}

function pay(
  world: World,
  session: CheckoutSession,
  payer: Payer,
  { payment }: CheckoutIntention,
): string | undefined {
  if (session.amount_total === 0) {
    session.payment_status = 'no_payment_required'
    if (session.invoice_creation?.enabled) invoicePurchase(world, session, null)
    return undefined
  }
  const method = createPaymentMethod(world, payer.behaviour, payer)
  const intent = intentOf(world, session, payment)
  const attempt = attemptPayment(world, intent, method, { offSession: false })
  if (attempt.outcome === 'declined') return attempt.decline.message
  if (payment.setup_future_usage && session.customer) attach(world, method, session.customer)
  session.payment_status = attempt.outcome === 'succeeded' ? 'paid' : 'unpaid'
  if (session.invoice_creation?.enabled) invoicePurchase(world, session, intent)
  return undefined
}

/** The session's payment intent: after a declined card the next one pays the same intent. */
function intentOf(
  world: World,
  session: CheckoutSession,
  payment: CheckoutIntention['payment'],
): PaymentIntent {
  const earlier = session.payment_intent ? world.state.paymentIntents[session.payment_intent] : undefined
  if (earlier) {
    earlier.amount = session.amount_total ?? earlier.amount
    return earlier
  }
  const intent = createIntent(world, {
    amount: session.amount_total ?? 0,
    currency: session.currency ?? 'usd',
    customer: session.customer,
    metadata: payment.metadata,
    description: payment.description,
    receiptEmail: payment.receipt_email ?? session.customer_details?.email ?? null,
    setupFutureUsage: payment.setup_future_usage,
  })
  session.payment_intent = intent.id
  return intent
}

function invoicePurchase(world: World, session: CheckoutSession, intent: PaymentIntent | null): void {
  const now = world.now()
  const invoice = createInvoice(world, {
    customer: session.customer ?? '',
    subscription: null,
    reason: 'manual',
    lines: (world.state.lineItems[session.id] ?? []).map((item) => ({
      description: item.description ?? '',
      amount: item.amount_subtotal,
      quantity: item.quantity ?? 1,
      price: item.price,
      period: { start: now, end: now },
      subscriptionItem: null,
    })),
    discount: session.total_details?.amount_discount ?? 0,
    ...(session.automatic_tax.enabled ? { tax: session.total_details?.amount_tax ?? 0 } : {}),
    metadata: session.metadata ?? {},
  })
  session.invoice = invoice.id
  if (intent) addPayment(world, invoice, intent)
  if (!intent || intent.status === 'succeeded') markPaid(world, invoice, intent)
}

function subscribe(
  world: World,
  session: CheckoutSession,
  payer: Payer,
  intention: CheckoutIntention,
): string | undefined {
  const decline = declineOf(payer.behaviour, false)
  // Checkout makes no subscription for a card that is refused.
  if (decline && session.amount_total) return decline.message
  const method: PaymentMethod = createPaymentMethod(world, payer.behaviour, payer)
  const customer = session.customer ?? ''
  attach(world, method, customer)
  const items = (world.state.lineItems[session.id] ?? []).flatMap(({ price, quantity }) =>
    price ? [{ price, quantity: quantity ?? 1 }] : [],
  )
  const subscription = createSubscription(world, {
    customer,
    items,
    metadata: intention.subscription.metadata,
    description: intention.subscription.description,
  })
  session.subscription = subscription.id
  const outcome = billFirstPeriod(world, subscription, method, {
    discount: session.total_details?.amount_discount ?? 0,
    tax: session.automatic_tax.enabled ? (session.total_details?.amount_tax ?? 0) : undefined,
  })
  session.invoice = subscription.latest_invoice
  session.payment_status = outcome === 'paid' ? 'paid' : 'unpaid'
  return undefined
}

/** Ends the payments whose money has had its time, or all of them. */
export function settleDue(world: World, { all = false } = {}): void {
  const due = world.state.settlements.filter(({ at }) => all || at <= world.now())
  world.state.settlements = world.state.settlements.filter((each) => !due.includes(each))
  for (const { paymentIntent, succeeds } of due) settle(world, paymentIntent, succeeds)
}

function settle(world: World, intentId: string, succeeds: boolean): void {
  const { state } = world
  const intent = settlePayment(world, intentId, succeeds)
  const payment = Object.values(state.invoicePayments).find(
    (each) => each.payment.payment_intent === intentId,
  )
  const invoice = payment ? state.invoices[payment.invoice] : undefined
  const subscriptionId = invoice?.parent?.subscription_details?.subscription
  const subscription = subscriptionId ? state.subscriptions[subscriptionId] : undefined
  if (invoice && succeeds) markPaid(world, invoice, intent)
  if (invoice && !succeeds) markFailed(world, invoice)
  if (subscription && !succeeds) changeStatus(world, subscription, 'past_due')
  const session = Object.values(state.sessions).find(
    (each) => each.payment_intent === intentId || (invoice && each.invoice === invoice.id),
  )
  if (!session) return
  if (succeeds) session.payment_status = 'paid'
  world.emit(`checkout.session.async_payment_${succeeds ? 'succeeded' : 'failed'}`, session)
}
