/** What is sold: products, prices, and the promotion codes that every simulated account has. */
import { missing } from './errors.ts'
import { page } from './lists.ts'
import {
  child,
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
import type { ApiCall, ApiRoute } from './routes.ts'
import { find, newestFirst, newId } from './state.ts'
import type { Price, Product, State, World } from './types.ts'

/** A price that the simulator is started with. */
export type SeededPrice = {
  /** E.g. `price_pro_month`. */
  id: string
  /** What people read. */
  product: string
  /** US cents. */
  unit_amount: number
  interval: 'month' | 'year'
}

/** What the API knows about products and prices. */
export const catalogueRoutes: ApiRoute[] = [
  { method: 'GET', pattern: '/v1/prices', handle: listPrices },
  { method: 'POST', pattern: '/v1/prices', handle: createPriceByCall },
  {
    method: 'GET',
    pattern: '/v1/prices/:id',
    handle: ({ world, path }) => find(world.state.prices, 'price', path.id ?? ''),
  },
  {
    method: 'GET',
    pattern: '/v1/products',
    handle: ({ world, params }) => page(newestFirst(world.state.products), params, '/v1/products'),
  },
  {
    method: 'POST',
    pattern: '/v1/products',
    handle: ({ world, params }) => {
      const product = addProduct(world, {
        id: text(params, 'id') ?? newId('prod', 14),
        name: requiredText(params, 'name'),
        description: text(params, 'description') ?? null,
        metadata: metadata(params),
      })
      world.emit('product.created', product)
      return product
    },
  },
  {
    method: 'GET',
    pattern: '/v1/products/:id',
    handle: ({ world, path }) => find(world.state.products, 'product', path.id ?? ''),
  },
]

/** Promotion codes and coupons: the simulator has two of each, and makes no more. */
export const promotionRoutes: ApiRoute[] = [
  {
    method: 'GET',
    pattern: '/v1/promotion_codes',
    handle: ({ world, params }) => {
      const code = text(params, 'code')?.toLowerCase()
      const items = newestFirst(world.state.promotionCodes).filter(
        (each) => code === undefined || each.code.toLowerCase() === code,
      )
      return page(items, params, '/v1/promotion_codes')
    },
  },
  {
    method: 'GET',
    pattern: '/v1/promotion_codes/:id',
    handle: ({ world, path }) => find(world.state.promotionCodes, 'promotion code', path.id ?? ''),
  },
  {
    method: 'GET',
    pattern: '/v1/coupons/:id',
    handle: ({ world, path }) => find(world.state.coupons, 'coupon', path.id ?? ''),
  },
]

function addProduct(
  world: World,
  {
    id,
    name,
    description = null,
    ...rest
  }: {
    id: string
    name: string
    description?: string | null
    metadata?: Record<string, string>
    active?: boolean
  },
): Product {
  const product: Product = {
    id,
    object: 'product',
    active: rest.active ?? true,
    created: world.now(),
    default_price: null,
    description,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: rest.metadata ?? {},
    name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: 'service',
    unit_label: null,
    updated: world.now(),
    url: null,
  }
  world.state.products[id] = product
  return product
}

function addPrice(
  world: World,
  options: {
    id: string
    product: string
    currency: string
    unitAmount: number
    recurring: { interval: 'day' | 'week' | 'month' | 'year'; interval_count: number } | null
    active?: boolean
    nickname?: string | null
    lookupKey?: string | null
    metadata?: Record<string, string>
  },
): Price {
  const price: Price = {
    id: options.id,
    object: 'price',
    active: options.active ?? true,
    billing_scheme: 'per_unit',
    created: world.now(),
    currency: options.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: options.lookupKey ?? null,
    metadata: options.metadata ?? {},
    nickname: options.nickname ?? null,
    product: options.product,
    recurring: options.recurring
      ? { ...options.recurring, meter: null, trial_period_days: null, usage_type: 'licensed' }
      : null,
    tax_behavior: 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: options.recurring ? 'recurring' : 'one_time',
    unit_amount: options.unitAmount,
    unit_amount_decimal: String(options.unitAmount),
  }
  world.state.prices[price.id] = price
  return price
}

/** Puts the seeded prices and promotion codes in; a price that is there keeps its id and gets the new figures. */
export function seedCatalogue(world: World, prices: SeededPrice[]): void {
  for (const { id, product, unit_amount, interval } of prices) {
    const productId = `prod_${id.replace(/^price_/, '')}`
    addProduct(world, { id: productId, name: product })
    addPrice(world, {
      id,
      product: productId,
      currency: 'usd',
      unitAmount: unit_amount,
      recurring: { interval, interval_count: 1 },
    })
  }
  seedPromotion(world, 'TENOFF', '10 % off', 10)
  seedPromotion(world, 'FREE100', 'On the house', 100)
}

function seedPromotion(world: World, code: string, name: string, percentOff: number): void {
  const coupon = `coupon_${code.toLowerCase()}`
  const created = world.now()
  const shared = { created, livemode: false, max_redemptions: null, metadata: {}, times_redeemed: 0 }
  world.state.coupons[coupon] ??= {
    ...shared,
    id: coupon,
    object: 'coupon',
    amount_off: null,
    currency: null,
    duration: 'once',
    duration_in_months: null,
    name,
    percent_off: percentOff,
    redeem_by: null,
    valid: true,
  }
  world.state.promotionCodes[`promo_${code.toLowerCase()}`] ??= {
    ...shared,
    id: `promo_${code.toLowerCase()}`,
    object: 'promotion_code',
    active: true,
    code,
    customer: null,
    customer_account: null,
    expires_at: null,
    promotion: { coupon, type: 'coupon' },
    restrictions: { first_time_transaction: false, minimum_amount: null, minimum_amount_currency: null },
  }
}

/** A price that a session describes inline: kept, inactive, as Stripe does. */
export function inlinePrice(world: World, params: Params): Price {
  const currency = requiredText(params, 'currency').toLowerCase()
  const unitAmount = integer(params, 'unit_amount')
  if (unitAmount === undefined) throw missing(`${params.path}[unit_amount]`)
  const described = child(params, 'product_data')
  const product = described
    ? addProduct(world, {
        id: newId('prod', 14),
        name: requiredText(described, 'name'),
        description: text(described, 'description') ?? null,
        metadata: metadata(described),
        active: false,
      })
    : find(world.state.products, 'product', requiredText(params, 'product'), `${params.path}[product]`)
  const price = addPrice(world, {
    id: newId('price_1', 23),
    product: product.id,
    currency,
    unitAmount,
    recurring: recurringOf(params),
    active: false,
  })
  return price
}

function recurringOf(params: Params) {
  const recurring = child(params, 'recurring')
  if (!recurring) return null
  const interval = choice(recurring, 'interval', ['day', 'week', 'month', 'year'])
  if (!interval) throw missing(`${recurring.path}[interval]`)
  return { interval, interval_count: integer(recurring, 'interval_count') ?? 1 }
}

function createPriceByCall({ world, params }: ApiCall): object {
  const price = inlinePrice(world, params)
  price.active = flag(params, 'active') ?? true
  price.nickname = text(params, 'nickname') ?? null
  price.lookup_key = text(params, 'lookup_key') ?? null
  price.metadata = metadata(params)
  if (child(params, 'product_data')) find(world.state.products, 'product', price.product).active = true
  world.emit('price.created', price)
  return price
}

function listPrices({ world, params }: ApiCall): object {
  const active = flag(params, 'active')
  const product = text(params, 'product')
  const type = text(params, 'type')
  const keys = texts(params, 'lookup_keys')
  const items = newestFirst(world.state.prices).filter(
    (price) =>
      (active === undefined || price.active === active) &&
      (!product || price.product === product) &&
      (!type || price.type === type) &&
      (!has(params, 'lookup_keys') || keys.includes(price.lookup_key ?? '')),
  )
  return page(items, params, '/v1/prices')
}

/** The name of what a price sells. */
export function productName(state: State, price: Price): string {
  return state.products[price.product]?.name ?? price.id
}
