/** Checkout Sessions: made, listed, retrieved and expired over the API. `complete-checkout.ts` is what paying does. */
import { blankSession } from './blanks.ts'
import { inlinePrice, productName } from './catalogue.ts'
import { SESSION_PARAMETERS } from './checkout-parameters.ts'
import { applyDiscount, discountOf, total } from './checkout-totals.ts'
import { invalid, missing } from './errors.ts'
import { page } from './lists.ts'
import {
  allowOnly,
  child,
  children,
  choice,
  flag,
  has,
  integer,
  metadata,
  type Params,
  requiredText,
  text,
  texts,
} from './params.ts'
import { AMOUNT_MIN_CENTS } from './payments.ts'
import type { ApiCall, ApiRoute } from './routes.ts'
import { find, newestFirst, newId } from './state.ts'
import type { CheckoutSession, LineItem, World } from './types.ts'

const EXPIRES_SECONDS_MIN = 30 * 60
const EXPIRES_SECONDS_MAX = 24 * 3600

/** What the API knows about Checkout Sessions. */
export const checkoutRoutes: ApiRoute[] = [
  { method: 'POST', pattern: '/v1/checkout/sessions', handle: create },
  { method: 'GET', pattern: '/v1/checkout/sessions', handle: list },
  { method: 'GET', pattern: '/v1/checkout/sessions/:id', handle: sessionOf },
  { method: 'POST', pattern: '/v1/checkout/sessions/:id', handle: update },
  {
    method: 'GET',
    pattern: '/v1/checkout/sessions/:id/line_items',
    handle: (call) => {
      const { id } = sessionOf(call)
      return page(call.world.state.lineItems[id] ?? [], call.params, `/v1/checkout/sessions/${id}/line_items`)
    },
  },
  {
    method: 'POST',
    pattern: '/v1/checkout/sessions/:id/expire',
    handle: (call) => {
      const session = sessionOf(call)
      if (session.status !== 'open') {
        throw invalid(
          `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
        )
      }
      return expireSession(call.world, session)
    },
  },
]

function sessionOf({ world, path }: ApiCall): CheckoutSession {
  return find(world.state.sessions, 'checkout.session', path.id ?? '')
}

/** Ends a session that nobody paid. */
export function expireSession(world: World, session: CheckoutSession): CheckoutSession {
  Object.assign(session, { status: 'expired', url: null })
  world.emit('checkout.session.expired', session)
  return session
}

function create({ world, params }: ApiCall): object {
  allowOnly(params, SESSION_PARAMETERS.session)
  const mode = choice(params, 'mode', ['payment', 'subscription'])
  if (!mode) throw missing('mode')
  refuseContradictions(params, mode)
  const items = children(params, 'line_items').map((item) => lineItem(world, item))
  if (items.length === 0) throw missing('line_items')
  checkPrices(items, mode)
  const session = { ...blankSession(world, mode), ...chosen(world, params, mode) }
  const wishes = intention(params)
  world.state.sessions[session.id] = session
  world.state.lineItems[session.id] = items
  world.state.intentions[session.id] = wishes
  try {
    const [discount] = children(params, 'discounts')
    if (discount) applyDiscount(world, session, discountOf(world, discount))
    total(world, session)
    if (mode === 'payment' && !session.discounts?.length && (session.amount_total ?? 0) < AMOUNT_MIN_CENTS) {
      throw invalid(
        `The Checkout Session's total amount due must add up to at least $0.50 ${session.currency}`,
        undefined,
        'amount_too_small',
      )
    }
  } catch (error) {
    delete world.state.sessions[session.id]
    throw error
  }
  return session
}

/** What Stripe refuses to see together. */
function refuseContradictions(params: Params, mode: 'payment' | 'subscription'): void {
  const wrong = mode === 'payment' ? ['subscription_data'] : ['payment_intent_data', 'invoice_creation']
  for (const name of wrong) {
    if (has(params, name)) throw invalid(`You can not pass \`${name}\` in \`${mode}\` mode.`, name)
  }
  if (has(params, 'customer') && has(params, 'customer_email'))
    throw invalid('You may only specify one of these parameters: customer, customer_email.', 'customer')
  if (has(params, 'discounts') && has(params, 'allow_promotion_codes'))
    throw invalid('You may only specify one of these parameters: allow_promotion_codes, discounts.')
}

function lineItem(world: World, params: Params): LineItem {
  allowOnly(params, SESSION_PARAMETERS.lineItem)
  const described = child(params, 'price_data')
  if (described) allowOnly(described, SESSION_PARAMETERS.priceData)
  const price = described
    ? inlinePrice(world, described)
    : find(world.state.prices, 'price', requiredText(params, 'price'), `${params.path}[price]`)
  const quantity = integer(params, 'quantity')
  if (quantity === undefined) throw missing(`${params.path}[quantity]`)
  if (quantity < 1)
    throw invalid('This value must be greater than or equal to 1.', `${params.path}[quantity]`)
  const amount = (price.unit_amount ?? 0) * quantity
  return {
    id: newId('li_1', 23),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: productName(world.state, price),
    metadata: {},
    price,
    quantity,
  }
}

function checkPrices(items: LineItem[], mode: 'payment' | 'subscription'): void {
  const recurring = items.filter(({ price }) => price?.type === 'recurring')
  if (mode === 'payment' && recurring.length > 0) {
    throw invalid(
      'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.',
      'mode',
    )
  }
  if (mode === 'subscription' && recurring.length === 0)
    throw invalid('You must provide at least one recurring price in `subscription` mode.', 'mode')
  if (new Set(items.map(({ currency }) => currency)).size > 1)
    throw invalid('All prices on a Checkout session must have the same currency.', 'line_items')
}

/** The parts of a session that its maker chose. */
function chosen(world: World, params: Params, mode: 'payment' | 'subscription'): Partial<CheckoutSession> {
  const customerId = text(params, 'customer')
  const customer = customerId ? find(world.state.customers, 'customer', customerId, 'customer') : undefined
  const email = customer?.email ?? text(params, 'customer_email') ?? null
  const tax = child(params, 'automatic_tax')
  const automaticTax = (tax && flag(tax, 'enabled')) ?? false
  const invoicing = child(params, 'invoice_creation')
  const creation = choice(params, 'customer_creation', ['always', 'if_required']) ?? 'if_required'
  return {
    allow_promotion_codes: flag(params, 'allow_promotion_codes') ?? null,
    automatic_tax: {
      enabled: automaticTax,
      liability: automaticTax ? { type: 'self' } : null,
      provider: automaticTax ? 'stripe' : null,
      status: automaticTax ? 'requires_location_inputs' : null,
    },
    cancel_url: address(params, 'cancel_url') ?? null,
    client_reference_id: text(params, 'client_reference_id') ?? null,
    customer: customer?.id ?? null,
    customer_creation: mode === 'payment' && !customer ? creation : null,
    customer_details: email ? details(email, customer?.name ?? null) : null,
    customer_email: customer ? null : email,
    expires_at: expiry(world, params),
    invoice_creation:
      mode === 'payment' ? invoiceCreation((invoicing && flag(invoicing, 'enabled')) ?? false) : null,
    metadata: metadata(params),
    payment_method_types: methodTypes(params),
    submit_type: choice(params, 'submit_type', ['auto', 'book', 'donate', 'pay', 'subscribe']) ?? null,
    success_url: address(params, 'success_url') ?? requiredText(params, 'success_url'),
  }
}

/** The email that the page shows but does not let anybody change: the customer's, or the one that the seller gave. */
export function fixedEmail({
  customer,
  customer_email,
  customer_details,
}: CheckoutSession): string | undefined {
  return (customer === null && customer_email === null ? null : customer_details?.email) ?? undefined
}

/** What Checkout knows of a customer. */
export function details(email: string | null, name: string | null): CheckoutSession['customer_details'] {
  return {
    address: null,
    business_name: null,
    email,
    individual_name: null,
    name,
    phone: null,
    tax_exempt: 'none',
    tax_ids: null,
  }
}

/** What the page offers: cards and bank debits, unless its maker narrowed them. */
function methodTypes(params: Params): string[] {
  const excluded = texts(params, 'excluded_payment_method_types')
  const allowed = has(params, 'allowed_payment_method_types')
    ? texts(params, 'allowed_payment_method_types')
    : ['card', 'us_bank_account']
  const types = ['card', 'us_bank_account'].filter(
    (type) => allowed.includes(type) && !excluded.includes(type),
  )
  if (types.length === 0)
    throw invalid('The simulator has none of these payment methods.', 'allowed_payment_method_types')
  return types
}

function invoiceCreation(enabled: boolean): CheckoutSession['invoice_creation'] {
  return {
    enabled,
    invoice_data: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: null,
      metadata: {},
      rendering_options: null,
    },
  }
}

function address(params: Params, name: string): string | undefined {
  const value = text(params, name)
  if (value !== undefined && !(URL.canParse(value) && /^https?:/.test(value)))
    throw invalid('Not a valid URL', name, 'url_invalid')
  return value
}

function expiry(world: World, params: Params): number {
  const at = integer(params, 'expires_at') ?? world.now() + EXPIRES_SECONDS_MAX
  const inSeconds = at - world.now()
  // A caller's clock may be a moment off.
  if (inSeconds < EXPIRES_SECONDS_MIN - 60)
    throw invalid(
      'The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.',
      'expires_at',
    )
  if (inSeconds > EXPIRES_SECONDS_MAX + 60)
    throw invalid(
      'The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.',
      'expires_at',
    )
  return at
}

function intention(params: Params) {
  const payment: Params = child(params, 'payment_intent_data') ?? { path: 'payment_intent_data', values: {} }
  const plan: Params = child(params, 'subscription_data') ?? { path: 'subscription_data', values: {} }
  allowOnly(payment, SESSION_PARAMETERS.paymentIntent)
  allowOnly(plan, SESSION_PARAMETERS.subscription)
  return {
    payment: {
      metadata: metadata(payment),
      setup_future_usage: choice(payment, 'setup_future_usage', ['off_session', 'on_session']) ?? null,
      description: text(payment, 'description') ?? null,
      receipt_email: text(payment, 'receipt_email') ?? null,
    },
    subscription: { metadata: metadata(plan), description: text(plan, 'description') ?? null },
  }
}

function update(call: ApiCall): object {
  const session = sessionOf(call)
  session.metadata = metadata(call.params, session.metadata ?? {})
  return session
}

function list({ world, params }: ApiCall): object {
  const wanted = (['customer', 'payment_intent', 'subscription', 'status'] as const).map(
    (name) => [name, text(params, name)] as const,
  )
  const items = newestFirst(world.state.sessions).filter((session) =>
    wanted.every(([name, value]) => value === undefined || session[name] === value),
  )
  return page(items, params, '/v1/checkout/sessions')
}
