/**
 * Random words of a payment provider about one payment, and orders in which they may arrive. The words of one set do
 * not contradict each other: a refund has one amount, and what was paid is one figure.
 */
import fc from 'fast-check'
import type { PaymentFact } from './payment.ts'
import { disputeOf, paidOf, refundOf, totalOf } from './test-kit-payments.ts'

/** What was charged, tax included; which price and currency it was for. */
export type Charge = { paid: number; subtotal: number; currency: string }

/** Mostly what was asked; sometimes another amount or currency, or nothing by a code for all of it. */
export const anyCharge: fc.Arbitrary<Charge> = fc.record({
  paid: fc.constantFrom(1100, 1000, 3000, 7, 0),
  subtotal: fc.constantFrom(1000, 1000, 1000, 1000, 900),
  currency: fc.constantFrom('usd', 'usd', 'usd', 'usd', 'eur'),
})

const share = fc.constantFrom(0, 1, 1, 250, 333, 500, 1000, 1500)

/** Up to `maxLength` words about the payment `reference` that was charged so. */
export function factsOf(reference: string, charge: Charge, maxLength: number): fc.Arbitrary<PaymentFact[]> {
  const part = (thousandths: number) => Math.ceil((charge.paid * thousandths) / 1000)
  const ids = fc.constantFrom(1, 2, 3)
  const fact: fc.Arbitrary<PaymentFact> = fc.oneof(
    { weight: 4, arbitrary: fc.boolean().map((savedCard) => paidOf(reference, { ...charge, savedCard })) },
    { weight: 1, arbitrary: fc.constant({ type: 'pending', reference } as const) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('declined', 'expired')
        .map((reason) => ({ type: 'failed', reason }) as const),
    },
    {
      weight: 2,
      arbitrary: share.map((thousandths) =>
        totalOf(Math.min(charge.paid, part(thousandths)), charge.paid, reference),
      ),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(ids, fc.boolean())
        .map(([id, failed]) => refundOf(`re_${id}`, part(id * 250), failed, reference)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(ids, fc.constantFrom('inquiry' as const, 'open' as const, 'lost' as const, 'won' as const))
        .map(([id, state]) => disputeOf(`dp_${id}`, state, part(id === 3 ? 1000 : 400), reference)),
    },
  )
  return fc.array(fact, { minLength: 1, maxLength })
}

/** The same items in another order, some of them more than once. */
export function arrivalsOf<Item>(items: readonly Item[]): fc.Arbitrary<Item[]> {
  const all = fc.shuffledSubarray([...items], { minLength: items.length })
  const again = fc.array(fc.nat(items.length - 1), { maxLength: 6 })
  return fc.tuple(all, again, fc.infiniteStream(fc.nat(50))).map(([order, repeats, places]) => {
    const arrivals = [...order]
    for (const index of repeats) {
      const item = items[index]
      const { value: place } = places.next()
      if (item !== undefined) arrivals.splice(place % (arrivals.length + 1), 0, item)
    }
    return arrivals
  })
}
