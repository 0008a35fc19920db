/** Customers. */
import { attach, resolvePaymentMethod } from './cards.ts'
import { changesOf } from './changes.ts'
import { page, search } from './lists.ts'
import { allowOnly, child, has, metadata, type Params, text } from './params.ts'
import type { ApiCall, ApiRoute } from './routes.ts'
import { find, newestFirst, newId } from './state.ts'
import { cancelNow, isLiving } from './subscriptions.ts'
import type { Customer, World } from './types.ts'

/** What the API knows about customers. */
export const customerRoutes: ApiRoute[] = [
  { method: 'POST', pattern: '/v1/customers', handle: create },
  {
    method: 'GET',
    pattern: '/v1/customers',
    handle: ({ world, params }) => {
      const email = text(params, 'email')
      const items = newestFirst(world.state.customers).filter((each) => !email || each.email === email)
      return page(items, params, '/v1/customers')
    },
  },
  {
    method: 'GET',
    pattern: '/v1/customers/search',
    handle: ({ world, params }) => search(newestFirst(world.state.customers), params, '/v1/customers/search'),
  },
  {
    method: 'GET',
    pattern: '/v1/customers/:id',
    handle: (call) => {
      const id = call.path.id ?? ''
      return call.world.state.deletedCustomers.includes(id) ? deleted(id) : customerOf(call)
    },
  },
  { method: 'POST', pattern: '/v1/customers/:id', handle: update },
  { method: 'DELETE', pattern: '/v1/customers/:id', handle: remove },
]

function deleted(id: string) {
  return { id, object: 'customer', deleted: true }
}

/** Forgets a customer for good; subscriptions end and cards go with them. */
function remove(call: ApiCall): object {
  const { world } = call
  const customer = customerOf(call)
  for (const subscription of Object.values(world.state.subscriptions)) {
    if (subscription.customer === customer.id && isLiving(subscription)) cancelNow(world, subscription)
  }
  for (const method of Object.values(world.state.paymentMethods)) {
    if (method.customer === customer.id) method.customer = null
  }
  delete world.state.customers[customer.id]
  world.state.deletedCustomers.push(customer.id)
  world.emit('customer.deleted', customer)
  return deleted(customer.id)
}

function customerOf({ world, path }: ApiCall): Customer {
  return find(world.state.customers, 'customer', path.id ?? '')
}

/** Makes a customer and tells of it. */
export function createCustomer(
  world: World,
  {
    email = null,
    name = null,
    ...rest
  }: {
    email?: string | null | undefined
    name?: string | null | undefined
    metadata?: Record<string, string>
    description?: string | undefined
  },
): Customer {
  const id = newId('cus', 14)
  const customer: Customer = {
    id,
    object: 'customer',
    address: null,
    balance: 0,
    created: world.now(),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: rest.description ?? null,
    discount: null,
    email,
    invoice_prefix: id.slice(-8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: rest.metadata ?? {},
    name,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  }
  world.state.customers[id] = customer
  world.emit('customer.created', customer)
  return customer
}

const CUSTOMER_PARAMETERS = [
  'description',
  'email',
  'invoice_settings',
  'metadata',
  'name',
  'payment_method',
  'phone',
  'preferred_locales',
]

function create({ world, params }: ApiCall): object {
  allowOnly(params, CUSTOMER_PARAMETERS)
  const customer = createCustomer(world, {
    email: text(params, 'email'),
    name: text(params, 'name'),
    description: text(params, 'description'),
    metadata: metadata(params),
  })
  const method = text(params, 'payment_method')
  if (method) attach(world, resolvePaymentMethod(world, method), customer.id)
  setDefaultMethod(world, customer, params)
  return customer
}

function update(call: ApiCall): object {
  const { world, params } = call
  allowOnly(params, CUSTOMER_PARAMETERS)
  const customer = customerOf(call)
  const before = structuredClone(customer)
  for (const name of ['email', 'name', 'description', 'phone'] as const) {
    if (has(params, name)) customer[name] = text(params, name) ?? null
  }
  customer.metadata = metadata(params, customer.metadata)
  setDefaultMethod(world, customer, params)
  const previous = changesOf(before, customer)
  if (Object.keys(previous).length > 0) world.emit('customer.updated', customer, previous)
  return customer
}

function setDefaultMethod(world: World, customer: Customer, params: Params): void {
  const settings = child(params, 'invoice_settings')
  const id = settings ? text(settings, 'default_payment_method') : undefined
  if (!id) return
  const method = find(
    world.state.paymentMethods,
    'PaymentMethod',
    id,
    'invoice_settings[default_payment_method]',
  )
  attach(world, method, customer.id)
  customer.invoice_settings.default_payment_method = method.id
}
