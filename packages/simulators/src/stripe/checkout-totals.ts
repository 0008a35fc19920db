/** What a session comes to: lines, discount and tax. */
import { type Params, requiredText, text } from './params.ts'
import { find } from './state.ts'
import type { CheckoutSession, LineItem, World } from './types.ts'

type AppliedDiscount = { coupon: string; promotionCode: string | null }

/** The discount that a parameter names. */
export function discountOf(world: World, params: Params): AppliedDiscount {
  const { state } = world
  const coupon = text(params, 'coupon')
  if (coupon)
    return { coupon: find(state.coupons, 'coupon', coupon, `${params.path}[coupon]`).id, promotionCode: null }
  const code = find(
    state.promotionCodes,
    'promotion code',
    requiredText(params, 'promotion_code'),
    `${params.path}[promotion_code]`,
  )
  return { coupon: code.promotion.coupon ?? '', promotionCode: code.id }
}

/** Takes a promotion code as a customer types it; false where there is no such code. */
export function applyPromotionCode(world: World, session: CheckoutSession, typed: string): boolean {
  const code = Object.values(world.state.promotionCodes).find(
    (each) => each.active && each.code.toLowerCase() === typed.trim().toLowerCase(),
  )
  if (!code) return false
  applyDiscount(world, session, { coupon: code.promotion.coupon ?? '', promotionCode: code.id })
  total(world, session)
  return true
}

/** Takes the discount off again. */
export function removeDiscount(world: World, session: CheckoutSession): void {
  session.discounts = []
  total(world, session)
}

/** Puts a discount on a session, instead of another. */
export function applyDiscount(
  world: World,
  session: CheckoutSession,
  { coupon, promotionCode }: AppliedDiscount,
): void {
  find(world.state.coupons, 'coupon', coupon)
  session.discounts = [
    promotionCode ? { coupon: null, promotion_code: promotionCode } : { coupon, promotion_code: null },
  ]
}

/** The percentage that a session's discount takes off. */
export function discountPercent(world: World, session: CheckoutSession): number {
  const [discount] = session.discounts ?? []
  const coupon = discount?.promotion_code
    ? world.state.promotionCodes[discount.promotion_code]?.promotion.coupon
    : discount?.coupon
  return coupon ? (world.state.coupons[coupon]?.percent_off ?? 0) : 0
}

/** Works the amounts of a session and its lines out. */
export function total(world: World, session: CheckoutSession): void {
  const items = world.state.lineItems[session.id] ?? []
  const off = discountPercent(world, session)
  const taxPercent = session.automatic_tax.enabled ? world.taxPercent : 0
  for (const item of items) {
    item.amount_discount = Math.round((item.amount_subtotal * off) / 100)
    item.amount_tax = Math.round(((item.amount_subtotal - item.amount_discount) * taxPercent) / 100)
    item.amount_total = item.amount_subtotal - item.amount_discount + item.amount_tax
  }
  const sum = (amount: (item: LineItem) => number) => items.reduce((all, item) => all + amount(item), 0)
  session.currency = items[0]?.currency ?? 'usd'
  session.amount_subtotal = sum((item) => item.amount_subtotal)
  session.amount_total = sum((item) => item.amount_total)
  session.total_details = {
    amount_discount: sum((item) => item.amount_discount),
    amount_shipping: 0,
    amount_tax: sum((item) => item.amount_tax),
  }
}
