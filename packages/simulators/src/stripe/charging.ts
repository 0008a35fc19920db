/** Taking money: payment intents, and the charges that their attempts leave. */
import { BEHAVIOURS } from './cards.ts'
import { find, newId } from './state.ts'
import type { Behaviour, Charge, PaymentIntent, PaymentMethod, World } from './types.ts'

/** Why an attempt took no money. */
export type Decline = {
  code: 'card_declined' | 'authentication_required'
  declineCode: string
  message: string
}

/** What an attempt came to. */
export type Attempt =
  | { outcome: 'succeeded' | 'processing' }
  | { outcome: 'declined'; decline: Decline; charge: Charge }

const DECLINED: Decline = {
  code: 'card_declined',
  declineCode: 'generic_decline',
  message: 'Your card was declined.',
}

const UNAUTHENTICATED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
}

/** What a payment intent starts with. */
export type IntentOptions = {
  amount: number
  currency: string
  customer: string | null
  metadata?: Record<string, string>
  description?: string | null
  receiptEmail?: string | null
  setupFutureUsage?: 'off_session' | 'on_session' | null
}

/** Makes a payment intent that has not been paid. */
export function createIntent(world: World, options: IntentOptions): PaymentIntent {
  const id = newId('pi_3', 23)
  const intent: PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: options.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: { allow_redirects: 'always', enabled: true },
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_${newId('', 24)}`,
    confirmation_method: 'automatic',
    created: world.now(),
    currency: options.currency,
    customer: options.customer,
    customer_account: null,
    description: options.description ?? null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: options.metadata ?? {},
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: ['card', 'us_bank_account'],
    payment_record: null,
    processing: null,
    receipt_email: options.receiptEmail ?? null,
    review: null,
    setup_future_usage: options.setupFutureUsage ?? null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  }
  world.state.paymentIntents[id] = intent
  world.emit('payment_intent.created', intent)
  return intent
}

/** Tries to take the money; events tell of it in Stripe's usual order. `refuse` makes the bank say no to any card. */
export function attemptPayment(
  world: World,
  intent: PaymentIntent,
  method: PaymentMethod,
  { offSession, refuse = false }: { offSession: boolean; refuse?: boolean },
): Attempt {
  const behaviour = world.state.behaviours[method.id] ?? 'succeeds'
  intent.payment_method = method.id
  intent.last_payment_error = null
  if (refuse) return declinePayment(world, intent, method, DECLINED)
  if (behaviour === 'async_succeeds' || behaviour === 'async_fails') {
    intent.status = 'processing'
    const charge = createCharge(world, intent, method, 'pending')
    world.state.settlements.push({
      paymentIntent: intent.id,
      succeeds: behaviour === 'async_succeeds',
      at: world.now() + world.asyncPaymentDelayMs / 1000,
    })
    world.emit('payment_intent.processing', intent)
    world.emit('charge.pending', charge)
    return { outcome: 'processing' }
  }
  const decline = declineOf(behaviour, offSession)
  if (decline) return declinePayment(world, intent, method, decline)
  const charge = createCharge(world, intent, method, 'succeeded')
  intent.status = 'succeeded'
  intent.amount_received = intent.amount
  world.emit('payment_intent.succeeded', intent)
  world.emit('charge.succeeded', charge)
  return { outcome: 'succeeded' }
}

/** Why a payment of this kind would be refused, if it would. */
export function declineOf(behaviour: Behaviour, offSession: boolean): Decline | undefined {
  if (behaviour === 'declined') return DECLINED
  if (offSession && behaviour === 'declined_later') return DECLINED
  return offSession && behaviour === 'authentication_required' ? UNAUTHENTICATED : undefined
}

function declinePayment(
  world: World,
  intent: PaymentIntent,
  method: PaymentMethod,
  decline: Decline,
): Attempt {
  const charge = createCharge(world, intent, method, 'failed', decline)
  intent.status = 'requires_payment_method'
  intent.payment_method = null
  setPaymentError(intent, method, charge, decline)
  world.emit('payment_intent.payment_failed', intent)
  world.emit('charge.failed', charge)
  return { outcome: 'declined', decline, charge }
}

function setPaymentError(
  intent: PaymentIntent,
  method: PaymentMethod,
  charge: Charge,
  { code, declineCode, message }: Decline,
): void {
  intent.last_payment_error = {
    charge: charge.id,
    code,
    decline_code: declineCode,
    doc_url: `https://stripe.com/docs/error-codes/${code.replace(/_/g, '-')}`,
    message,
    payment_method: method,
    type: 'card_error',
  }
}

/** Ends a payment whose money was on its way. */
export function settlePayment(world: World, intentId: string, succeeds: boolean): PaymentIntent {
  const intent = find(world.state.paymentIntents, 'payment_intent', intentId)
  const charge = find(world.state.charges, 'charge', String(intent.latest_charge))
  const method = find(world.state.paymentMethods, 'PaymentMethod', String(intent.payment_method))
  if (succeeds) {
    Object.assign(charge, { status: 'succeeded', paid: true })
    Object.assign(intent, { status: 'succeeded', amount_received: intent.amount })
    world.emit('payment_intent.succeeded', intent)
    world.emit('charge.succeeded', charge)
    return intent
  }
  const message = 'The customer’s bank account could not be debited: insufficient funds.'
  Object.assign(charge, { status: 'failed', failure_code: 'insufficient_funds', failure_message: message })
  Object.assign(intent, { status: 'requires_payment_method', payment_method: null })
  intent.last_payment_error = {
    charge: charge.id,
    code: 'payment_intent_payment_attempt_failed',
    message,
    payment_method: method,
    type: 'card_error',
  }
  world.emit('payment_intent.payment_failed', intent)
  world.emit('charge.failed', charge)
  return intent
}

function createCharge(
  world: World,
  intent: PaymentIntent,
  method: PaymentMethod,
  status: 'succeeded' | 'pending' | 'failed',
  decline?: Decline,
): Charge {
  const id = newId(method.type === 'card' ? 'ch_3' : 'py_3', 23)
  const charge: Charge = {
    id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: status === 'failed' ? 0 : intent.amount,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: 'FAREGATE SIMULATED',
    captured: status !== 'failed',
    created: world.now(),
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: false,
    // What stands on the intent when it is charged is copied; later changes are not.
    metadata: { ...intent.metadata },
    on_behalf_of: null,
    outcome: outcomeOf(decline),
    paid: status === 'succeeded',
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: methodDetails(world, intent, method),
    radar_options: {},
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: status === 'failed' ? null : `${world.state.baseUrl}/receipts/${id}`,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status,
    transfer_data: null,
    transfer_group: null,
  }
  world.state.charges[id] = charge
  intent.latest_charge = id
  return charge
}

function outcomeOf(decline: Decline | undefined): NonNullable<Charge['outcome']> {
  return {
    advice_code: decline ? 'try_again_later' : null,
    network_advice_code: null,
    network_decline_code: decline ? '01' : null,
    network_status: decline ? 'declined_by_network' : 'approved_by_network',
    reason: decline?.declineCode ?? null,
    risk_level: 'normal',
    risk_score: 20,
    seller_message: decline
      ? 'The bank did not return any further details with this decline.'
      : 'Payment complete.',
    type: decline ? 'issuer_declined' : 'authorized',
  }
}

function methodDetails(
  world: World,
  intent: PaymentIntent,
  method: PaymentMethod,
): NonNullable<Charge['payment_method_details']> {
  const last4 = BEHAVIOURS[world.state.behaviours[method.id] ?? 'succeeds'].last4
  if (!method.card) {
    return {
      type: 'us_bank_account',
      us_bank_account: {
        account_holder_type: 'individual',
        account_type: 'checking',
        bank_name: 'SIMULATED BANK',
        fingerprint: `simulated${last4}`,
        last4,
        payment_reference: null,
        routing_number: '110000000',
      },
    }
  }
  return {
    type: 'card',
    card: {
      amount_authorized: intent.amount,
      authorization_code: '123456',
      brand: 'visa',
      checks: method.card.checks,
      country: 'US',
      electronic_commerce_indicator: null,
      exp_month: method.card.exp_month,
      exp_year: method.card.exp_year,
      fingerprint: `simulated${last4}`,
      funding: 'credit',
      installments: null,
      last4,
      mandate: null,
      network: 'visa',
      network_transaction_id: '123456789012345',
      regulated_status: 'unregulated',
      three_d_secure: null,
      transaction_link_id: null,
      wallet: null,
    },
  }
}
