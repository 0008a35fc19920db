/** The API of subscriptions: read, change, cancel, resume. They are made by checkout. */
import { invalid } from './errors.ts'
import { page, search } from './lists.ts'
import { allowOnly, children, choice, flag, has, integer, metadata, type Params, text } from './params.ts'
import type { ApiCall, ApiRoute } from './routes.ts'
import { find, newestFirst } from './state.ts'
import {
  cancelAtPeriodEnd,
  cancelNow,
  changePrice,
  isLiving,
  type ProrationBehavior,
} from './subscriptions.ts'
import type { Subscription, World } from './types.ts'

/** What the API knows about subscriptions. */
export const subscriptionRoutes: ApiRoute[] = [
  { method: 'GET', pattern: '/v1/subscriptions', handle: list },
  {
    method: 'GET',
    pattern: '/v1/subscriptions/search',
    handle: ({ world, params }) =>
      search(newestFirst(world.state.subscriptions), params, '/v1/subscriptions/search'),
  },
  { method: 'GET', pattern: '/v1/subscriptions/:id', handle: subscriptionOf },
  { method: 'POST', pattern: '/v1/subscriptions/:id', handle: update },
  { method: 'DELETE', pattern: '/v1/subscriptions/:id', handle: cancel },
  {
    method: 'GET',
    pattern: '/v1/subscription_items',
    handle: ({ world, params }) => {
      const id = text(params, 'subscription') ?? ''
      const { items } = find(world.state.subscriptions, 'subscription', id, 'subscription')
      return page(items.data, params, '/v1/subscription_items')
    },
  },
]

function subscriptionOf({ world, path }: ApiCall): Subscription {
  return find(world.state.subscriptions, 'subscription', path.id ?? '')
}

/** Without a status, Stripe leaves out those that have ended. */
function list({ world, params }: ApiCall): object {
  const customer = text(params, 'customer')
  const price = text(params, 'price')
  const status = text(params, 'status')
  const items = newestFirst(world.state.subscriptions).filter(
    (each) =>
      (!customer || each.customer === customer) &&
      (!price || each.items.data.some((item) => item.price.id === price)) &&
      (status === undefined ? isLiving(each) : status === 'all' || hasStatus(each, status)),
  )
  return page(items, params, '/v1/subscriptions')
}

function hasStatus(subscription: Subscription, status: string): boolean {
  return status === 'ended' ? !isLiving(subscription) : subscription.status === status
}

const UPDATE_PARAMETERS = [
  'cancel_at_period_end',
  'cancellation_details',
  'default_payment_method',
  'items',
  'metadata',
  'off_session',
  'payment_behavior',
  'proration_behavior',
]

function update(call: ApiCall): object {
  const { world, params } = call
  allowOnly(params, UPDATE_PARAMETERS)
  const subscription = subscriptionOf(call)
  const behavior =
    choice(params, 'proration_behavior', ['always_invoice', 'create_prorations', 'none']) ??
    'create_prorations'
  const touchesPlan = has(params, 'items') || has(params, 'cancel_at_period_end')
  if (!isLiving(subscription) && touchesPlan)
    throw invalid('A canceled subscription can only update its cancellation_details and metadata.')
  const before = JSON.stringify(subscription)
  const previous = {
    metadata: subscription.metadata,
    default_payment_method: subscription.default_payment_method,
  }
  subscription.metadata = metadata(params, subscription.metadata)
  const method = text(params, 'default_payment_method')
  if (method) {
    const { id } = find(world.state.paymentMethods, 'PaymentMethod', method, 'default_payment_method')
    subscription.default_payment_method = id
  }
  if (before !== JSON.stringify(subscription))
    world.emit('customer.subscription.updated', subscription, previous)
  for (const item of children(params, 'items')) updateItem(world, subscription, item, behavior)
  const ends = flag(params, 'cancel_at_period_end')
  if (ends !== undefined) cancelAtPeriodEnd(world, subscription, ends)
  return subscription
}

function updateItem(
  world: World,
  subscription: Subscription,
  params: Params,
  behavior: ProrationBehavior,
): void {
  allowOnly(params, ['id', 'price', 'quantity'])
  const id = text(params, 'id')
  const item = subscription.items.data.find((each) => each.id === id)
  if (!item) {
    throw invalid(
      `No such subscription item: '${id ?? ''}'. The simulator changes items, it adds none.`,
      `${params.path}[id]`,
      'resource_missing',
    )
  }
  const priceId = text(params, 'price') ?? item.price.id
  const price = find(world.state.prices, 'price', priceId, `${params.path}[price]`)
  if (price.type !== 'recurring') throw invalid('The price must be recurring.', `${params.path}[price]`)
  const quantity = integer(params, 'quantity') ?? item.quantity ?? 1
  if (price.id === item.price.id && quantity === item.quantity) return
  changePrice(world, subscription, item, { price, quantity, behavior })
}

function cancel(call: ApiCall): object {
  const subscription = subscriptionOf(call)
  if (!isLiving(subscription)) {
    throw invalid(`No such subscription: '${subscription.id}'`, 'id', 'resource_missing')
  }
  cancelNow(call.world, subscription)
  return subscription
}
