/**
 * Means of payment. Each behaves like one of Stripe's test cards, whose last four digits it carries; a bank debit
 * stands for payments whose money comes later.
 */
import { invalid } from './errors.ts'
import { find, newId } from './state.ts'
import type { Behaviour, PaymentMethod, World } from './types.ts'

/** What a behaviour looks like to people, and whether it is a card. */
export const BEHAVIOURS: Record<
  Behaviour,
  { type: 'card' | 'us_bank_account'; last4: string; label: string; about: string }
> = {
  succeeds: {
    type: 'card',
    last4: '4242',
    label: 'Succeeds',
    about: 'Now, and when it is charged later without its owner.',
  },
  declined: {
    type: 'card',
    last4: '0002',
    label: 'Declined',
    about: 'The bank says no.',
  },
  authentication_required: {
    type: 'card',
    last4: '3184',
    label: '3-D Secure later',
    about: 'Succeeds now. Needs its owner when it is charged later.',
  },
  declined_later: {
    type: 'card',
    last4: '0341',
    label: 'Declined later',
    about: 'Succeeds now. Declined when it is charged later.',
  },
  async_succeeds: {
    type: 'us_bank_account',
    last4: '6789',
    label: 'Pays later, succeeds',
    about: 'A bank debit whose money arrives after the checkout.',
  },
  async_fails: {
    type: 'us_bank_account',
    last4: '1116',
    label: 'Pays later, fails',
    about: 'A bank debit that bounces after the checkout.',
  },
}

/** Stripe's names for ready-made test cards. */
const TEST_CARDS: Record<string, Behaviour> = {
  pm_card_visa: 'succeeds',
  pm_card_chargeDeclined: 'declined',
  pm_card_visa_chargeDeclined: 'declined',
  pm_card_chargeCustomerFail: 'declined_later',
  pm_card_authenticationRequired: 'authentication_required',
  pm_card_threeDSecureRequired: 'authentication_required',
}

/** Whether a text names a behaviour. */
export function isBehaviour(word: string): word is Behaviour {
  return Object.hasOwn(BEHAVIOURS, word)
}

/** Makes a means of payment that belongs to nobody yet. */
export function createPaymentMethod(
  world: World,
  behaviour: Behaviour,
  owner: { email?: string | null; name?: string | null } = {},
): PaymentMethod {
  const { type, last4 } = BEHAVIOURS[behaviour]
  const method: PaymentMethod = {
    id: newId('pm_1', 23),
    object: 'payment_method',
    allow_redisplay: 'limited',
    billing_details: {
      address: null,
      email: owner.email ?? null,
      name: owner.name ?? null,
      phone: null,
      tax_id: null,
    },
    created: world.now(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type,
    ...(type === 'card' ? { card: card(world, last4) } : { us_bank_account: bankAccount(last4) }),
  }
  world.state.paymentMethods[method.id] = method
  world.state.behaviours[method.id] = behaviour
  return method
}

function card(world: World, last4: string): NonNullable<PaymentMethod['card']> {
  return {
    brand: 'visa',
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: 'US',
    display_brand: 'visa',
    exp_month: 12,
    exp_year: new Date(world.now() * 1000).getUTCFullYear() + 4,
    fingerprint: `simulated${last4}`,
    funding: 'credit',
    generated_from: null,
    last4,
    networks: { available: ['visa'], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  }
}

function bankAccount(last4: string): NonNullable<PaymentMethod['us_bank_account']> {
  return {
    account_holder_type: 'individual',
    account_type: 'checking',
    bank_name: 'SIMULATED BANK',
    financial_connections_account: null,
    fingerprint: `simulated${last4}`,
    last4,
    networks: { preferred: 'ach', supported: ['ach'] },
    routing_number: '110000000',
    status_details: null,
  }
}

/** The means of payment that a parameter names: one of the account's, or a ready-made test card. */
export function resolvePaymentMethod(world: World, id: string, param = 'payment_method'): PaymentMethod {
  const ready = Object.hasOwn(TEST_CARDS, id) ? TEST_CARDS[id] : undefined
  return ready
    ? createPaymentMethod(world, ready)
    : find(world.state.paymentMethods, 'PaymentMethod', id, param)
}

/** Saves a means of payment on a customer. */
export function attach(world: World, method: PaymentMethod, customer: string): void {
  if (method.customer === customer) return
  if (method.customer)
    throw invalid(
      'The payment method you provided has already been attached to a customer.',
      'payment_method',
    )
  method.customer = customer
  world.emit('payment_method.attached', method)
}

/** How it is called on pages and receipts. */
export function methodLabel(method: PaymentMethod | undefined): string {
  if (method?.card) return `Visa ending in ${method.card.last4}`
  if (method?.us_bank_account) return `Bank account ending in ${method.us_bank_account.last4}`
  return 'No payment method'
}
