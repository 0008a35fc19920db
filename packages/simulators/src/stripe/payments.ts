/** The routes of payment intents, charges and payment methods. */
import { attach, methodLabel, resolvePaymentMethod } from './cards.ts'
import { attemptPayment, createIntent } from './charging.ts'
import { fault, invalid, missing, noSuch } from './errors.ts'
import { page, search } from './lists.ts'
import { allowOnly, choice, flag, integer, metadata, type Params, requiredText, text } from './params.ts'
import type { ApiCall, ApiRoute } from './routes.ts'
import { find, newestFirst } from './state.ts'
import type { PaymentIntent, PaymentMethod, World } from './types.ts'

/** Below this Stripe takes no payment in US dollars. */
export const AMOUNT_MIN_CENTS = 50

/** What the API knows about payments. */
export const paymentRoutes: ApiRoute[] = [
  { method: 'POST', pattern: '/v1/payment_intents', handle: create },
  {
    method: 'GET',
    pattern: '/v1/payment_intents',
    handle: ({ world, params }) => listIntents(world, params),
  },
  {
    method: 'GET',
    pattern: '/v1/payment_intents/search',
    handle: ({ world, params }) =>
      search(newestFirst(world.state.paymentIntents), params, '/v1/payment_intents/search'),
  },
  { method: 'GET', pattern: '/v1/payment_intents/:id', handle: intentOf },
  { method: 'POST', pattern: '/v1/payment_intents/:id', handle: update },
  {
    method: 'POST',
    pattern: '/v1/payment_intents/:id/confirm',
    handle: (call) => confirm(call.world, intentOf(call), call.params),
  },
  { method: 'POST', pattern: '/v1/payment_intents/:id/cancel', handle: cancel },
  { method: 'GET', pattern: '/v1/charges', handle: listCharges },
  {
    method: 'GET',
    pattern: '/v1/charges/search',
    handle: ({ world, params }) => search(newestFirst(world.state.charges), params, '/v1/charges/search'),
  },
  {
    method: 'GET',
    pattern: '/v1/charges/:id',
    handle: ({ world, path }) => find(world.state.charges, 'charge', path.id ?? ''),
  },
  {
    method: 'GET',
    pattern: '/v1/payment_methods',
    handle: ({ world, params }) => listMethods(world, params),
  },
  { method: 'GET', pattern: '/v1/payment_methods/:id', handle: methodOf },
  {
    method: 'POST',
    pattern: '/v1/payment_methods/:id/attach',
    handle: ({ world, path, params }) => {
      const method = resolvePaymentMethod(world, path.id ?? '')
      const customer = requiredText(params, 'customer')
      attach(world, method, find(world.state.customers, 'customer', customer, 'customer').id)
      return method
    },
  },
  {
    method: 'POST',
    pattern: '/v1/payment_methods/:id/detach',
    handle: (call) => detach(call.world, methodOf(call)),
  },
  {
    method: 'GET',
    pattern: '/v1/customers/:customer/payment_methods/:id',
    handle: (call) => {
      const method = methodOf(call)
      if (method.customer !== call.path.customer) throw noSuch('PaymentMethod', method.id)
      return method
    },
  },
  {
    method: 'GET',
    pattern: '/v1/customers/:customer/payment_methods',
    handle: ({ world, path, params }) => {
      const { id } = find(world.state.customers, 'customer', path.customer ?? '')
      return listMethods(world, { ...params, values: { ...params.values, customer: id } })
    },
  },
]

function intentOf({ world, path }: ApiCall): PaymentIntent {
  return find(world.state.paymentIntents, 'payment_intent', path.id ?? '')
}

function methodOf({ world, path }: ApiCall): PaymentMethod {
  return find(world.state.paymentMethods, 'PaymentMethod', path.id ?? '')
}

const INTENT_PARAMETERS = [
  'amount',
  'automatic_payment_methods',
  'confirm',
  'currency',
  'customer',
  'description',
  'error_on_requires_action',
  'metadata',
  'off_session',
  'payment_method',
  'payment_method_options',
  'receipt_email',
  'return_url',
  'setup_future_usage',
  'statement_descriptor',
  'statement_descriptor_suffix',
]

function create({ world, params }: ApiCall): object {
  allowOnly(params, INTENT_PARAMETERS)
  const amount = integer(params, 'amount')
  const currency = requiredText(params, 'currency').toLowerCase()
  if (amount === undefined) throw missing('amount')
  if (amount < 1)
    throw invalid('This value must be greater than or equal to 1.', 'amount', 'parameter_invalid_integer')
  if (currency === 'usd' && amount < AMOUNT_MIN_CENTS)
    throw invalid('Amount must be at least $0.50 usd', 'amount', 'amount_too_small')
  const confirmed = flag(params, 'confirm') ?? false
  if (!confirmed && text(params, 'off_session') !== undefined)
    throw invalid('You can only pass off_session when confirm is true.', 'off_session')
  const customer = text(params, 'customer')
  const methodId = text(params, 'payment_method')
  if (customer) find(world.state.customers, 'customer', customer, 'customer')
  const method = methodId ? usableMethod(world, methodId, customer) : undefined
  if (confirmed && !method) throw missingMethod()
  const intent = createIntent(world, {
    amount,
    currency,
    customer: customer ?? null,
    metadata: metadata(params),
    description: text(params, 'description') ?? null,
    receiptEmail: text(params, 'receipt_email') ?? null,
    setupFutureUsage: choice(params, 'setup_future_usage', ['off_session', 'on_session']) ?? null,
  })
  if (method) Object.assign(intent, { payment_method: method.id, status: 'requires_confirmation' })
  return confirmed ? confirm(world, intent, params) : intent
}

/** A payment method may be used with its own customer alone. */
function usableMethod(world: World, id: string, customer: string | null | undefined): PaymentMethod {
  const method = resolvePaymentMethod(world, id)
  if (method.customer && !customer) {
    throw invalid(
      `The PaymentMethod you provided (${id}) is attached to a customer. Please include the Customer in the \`customer\` parameter on the PaymentIntent.`,
      'payment_method',
    )
  }
  if (method.customer && method.customer !== customer) {
    throw invalid(
      `The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`,
      'payment_method',
      'resource_missing',
    )
  }
  return method
}

function missingMethod() {
  return invalid(
    'You cannot confirm this PaymentIntent because it’s missing a payment method. Update the PaymentIntent with a payment method and then confirm it again.',
    'payment_method',
    'parameter_missing',
  )
}

function confirm(world: World, intent: PaymentIntent, params: Params): object {
  if (!['requires_payment_method', 'requires_confirmation', 'requires_action'].includes(intent.status))
    throw wrongStatus(world, intent, 'confirm')
  const methodId = text(params, 'payment_method') ?? intent.payment_method
  if (!methodId) throw missingMethod()
  const method = usableMethod(world, methodId, intent.customer)
  const offSession = ['true', 'one_off', 'recurring'].includes(text(params, 'off_session') ?? '')
  const attempt = attemptPayment(world, intent, method, { offSession })
  if (attempt.outcome === 'declined') {
    throw fault(402, {
      type: 'card_error',
      code: attempt.decline.code,
      decline_code: attempt.decline.declineCode,
      message: attempt.decline.message,
      charge: attempt.charge.id,
      payment_intent: structuredClone(intent),
      payment_method: structuredClone(method),
    })
  }
  if (intent.customer && intent.setup_future_usage) attach(world, method, intent.customer)
  return intent
}

function wrongStatus(world: World, intent: PaymentIntent, action: string) {
  const method = intent.payment_method ? world.state.paymentMethods[intent.payment_method] : undefined
  return fault(400, {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: `You cannot ${action} this PaymentIntent because it has a status of ${intent.status} (${methodLabel(method)}).`,
    payment_intent: structuredClone(intent),
  })
}

function update(call: ApiCall): object {
  const { params } = call
  const intent = intentOf(call)
  intent.metadata = metadata(params, intent.metadata)
  const description = text(params, 'description')
  if (description !== undefined) intent.description = description
  const amount = integer(params, 'amount')
  if (amount !== undefined) {
    if (['succeeded', 'canceled', 'processing'].includes(intent.status))
      throw wrongStatus(call.world, intent, 'update')
    intent.amount = amount
  }
  return intent
}

function cancel(call: ApiCall): object {
  const intent = intentOf(call)
  if (['succeeded', 'canceled', 'processing'].includes(intent.status))
    throw wrongStatus(call.world, intent, 'cancel')
  Object.assign(intent, {
    status: 'canceled',
    canceled_at: call.world.now(),
    cancellation_reason: text(call.params, 'cancellation_reason') ?? null,
  })
  call.world.emit('payment_intent.canceled', intent)
  return intent
}

function listIntents(world: World, params: Params): object {
  const customer = text(params, 'customer')
  const items = newestFirst(world.state.paymentIntents).filter(
    (each) => !customer || each.customer === customer,
  )
  return page(items, params, '/v1/payment_intents')
}

function listCharges({ world, params }: ApiCall): object {
  const customer = text(params, 'customer')
  const intent = text(params, 'payment_intent')
  const items = newestFirst(world.state.charges).filter(
    (each) => (!customer || each.customer === customer) && (!intent || each.payment_intent === intent),
  )
  return page(items, params, '/v1/charges')
}

function listMethods(world: World, params: Params): object {
  const customer = requiredText(params, 'customer')
  find(world.state.customers, 'customer', customer, 'customer')
  const type = text(params, 'type')
  const items = newestFirst(world.state.paymentMethods).filter(
    (each) => each.customer === customer && (!type || each.type === type),
  )
  return page(items, params, '/v1/payment_methods')
}

function detach(world: World, method: PaymentMethod): object {
  if (!method.customer)
    throw invalid('The payment method you provided is not attached to a customer.', 'payment_method')
  const customer = world.state.customers[method.customer]
  const before = method.customer
  method.customer = null
  if (customer?.invoice_settings.default_payment_method === method.id)
    customer.invoice_settings.default_payment_method = null
  world.emit('payment_method.detached', method, { customer: before })
  return method
}
