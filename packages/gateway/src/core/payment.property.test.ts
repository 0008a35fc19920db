/** What is known of a payment does not depend on the order in which it was heard, nor on how often. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  newPayment,
  type Payment,
  type PaymentFact,
  reversalTarget,
  reversedAmount,
  statusOf,
  withFact,
} from './payment.ts'
import { noon, propertyTimeout, runsFactor } from './test-kit.ts'
import { anyCharge, arrivalsOf, factsOf } from './test-kit-facts.ts'
import { openOf } from './test-kit-payments.ts'

const runs = { numRuns: 1000 * runsFactor }
const opened = newPayment(openOf('pay_1').payment, noon)
const heard = (facts: readonly PaymentFact[]): Payment => facts.reduce(withFact, opened)

const anyFacts = anyCharge.chain((charge) => factsOf('pi_1', charge, 6))

test('the same words in any order, and repeated, add up to the same payment', propertyTimeout, () => {
  const orders = anyFacts.chain((facts) => fc.tuple(fc.constant(facts), arrivalsOf(facts)))
  fc.assert(
    fc.property(orders, ([facts, arrivals]) => {
      const payment = heard(facts)
      expect(heard(arrivals)).toEqual(payment)
      expect(heard([...facts, ...facts])).toEqual(payment)
    }),
    runs,
  )
})

test(
  'what is taken back is between nothing and all, rounded up once, and all for all',
  propertyTimeout,
  () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const payment = heard(facts)
        const { credits, paid } = payment
        const amount = reversedAmount(payment)
        const target = reversalTarget(payment)
        expect(amount >= 0 && amount <= paid).toBe(true)
        expect(target === credits).toBe(paid > 0 && amount === paid)
        // The least whole number of microcredits that is no less than the share.
        expect(BigInt(target) * BigInt(paid) >= BigInt(credits) * BigInt(amount)).toBe(true)
        if (target > 0)
          expect(BigInt(target - 1) * BigInt(paid) < BigInt(credits) * BigInt(amount)).toBe(true)
      }),
      runs,
    )
  },
)

test('a later word never makes less of a refund that stands, or of a state', propertyTimeout, () => {
  const states = ['open', 'pending', 'failed', 'paid']
  fc.assert(
    fc.property(anyFacts, (facts) => {
      let before = opened
      for (const fact of facts) {
        const after = withFact(before, fact)
        expect(states.indexOf(after.state)).toBeGreaterThanOrEqual(states.indexOf(before.state))
        if (fact.type === 'refundedTotal')
          expect(reversedAmount(after)).toBeGreaterThanOrEqual(Math.min(reversedAmount(before), after.paid))
        before = after
      }
    }),
    runs,
  )
})

test('words that contradict each other raise a problem in every order', propertyTimeout, () => {
  const mixed = fc
    .tuple(anyCharge, anyCharge)
    .chain(([one, two]) => fc.tuple(factsOf('pi_1', one, 3), factsOf('pi_2', two, 3)))
    .map(([one, two]) => [...one, ...two])
    .chain((facts) => fc.tuple(fc.constant(facts), arrivalsOf(facts)))
  fc.assert(
    fc.property(mixed, ([facts, arrivals]) => {
      const [one, two] = [heard(facts), heard(arrivals)]
      expect(two.problem === null).toBe(one.problem === null)
      expect(statusOf(two) === 'checking').toBe(statusOf(one) === 'checking')
      const references = new Set(facts.flatMap((fact) => ('reference' in fact ? [fact.reference] : [])))
      if (references.size > 1) expect(one.problem).not.toBeNull()
      // Whatever else was said, a payment that paid for it is the one that it goes by.
      const paidBy = facts.flatMap((fact) => (fact.type === 'paid' ? [fact.reference] : []))
      if (paidBy.length > 0) expect(paidBy).toContain(two.reference)
    }),
    runs,
  )
})
