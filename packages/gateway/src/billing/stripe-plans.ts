/** What the plans that are sold by subscription cost, as Stripe says; asked for now and then, and kept meanwhile. */
import type Stripe from 'stripe'
import type { Clock, PlanForSale } from '../ports.ts'

const KEPT_MS = 600_000
/** After a failure Stripe is not asked again at once. */
const FAILED_MS = 30_000

type Known = { price: PlanForSale['price']; until: number }

/** Lists the plans by their first price. */
export function createPlanPrices(
  stripe: Stripe,
  stripePrices: ReadonlyMap<string, string>,
  clock: Clock,
): { all: () => Promise<PlanForSale[]> } {
  const first = new Map<string, string>()
  for (const [price, plan] of stripePrices) if (!first.has(plan)) first.set(plan, price)
  const known = new Map<string, Known>()
  const ask = async (price: string): Promise<PlanForSale['price']> => {
    const before = known.get(price)
    if (before && clock() < before.until) return before.price
    try {
      const { unit_amount, recurring } = await stripe.prices.retrieve(price)
      const every = (['month', 'year'] as const).find((interval) => interval === recurring?.interval)
      const found = unit_amount === null || every === undefined ? null : { usd: unit_amount / 100, every }
      known.set(price, { price: found, until: clock() + KEPT_MS })
      return found
    } catch {
      // A list without amounts is better than none; checkout says them in any case.
      const stale = before?.price ?? null
      known.set(price, { price: stale, until: clock() + FAILED_MS })
      return stale
    }
  }
  return {
    all: () =>
      Promise.all(
        [...first].map(async ([id, price]): Promise<PlanForSale> => ({ id, price: await ask(price) })),
      ),
  }
}
