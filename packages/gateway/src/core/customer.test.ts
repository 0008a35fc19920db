import { expect, test } from 'vitest'
import { catalogOf, createLedger, planOf } from './test-kit.ts'
import { openOf, paidOf, saidOf } from './test-kit-payments.ts'

const newLedger = () => createLedger(catalogOf(planOf('free')))
const set = (customer: string, replaces: string | null = null) =>
  ({ kind: 'setCustomer', customer, replaces }) as const

test('the payment provider’s customer is the first one that was told', () => {
  const ledger = newLedger()
  expect(ledger.accept(set('cus_1'))).toEqual({ customer: 'cus_1' })
  expect(ledger.accept(set('cus_2'))).toEqual({ customer: 'cus_1' })
  expect([ledger.account().billing.customer, ledger.writes]).toEqual(['cus_1', 1])
})

test('a customer that is gone at the provider is replaced once, by the first who says so, and its card is gone', () => {
  const ledger = newLedger()
  ledger.accept(openOf('pay_1'))
  ledger.accept(saidOf('pay_1', paidOf('pi_1', { savedCard: true })))
  ledger.accept(set('cus_1'))
  expect(ledger.accept(set('cus_3', 'cus_1'))).toEqual({ customer: 'cus_3' })
  expect(ledger.account().billing).toMatchObject({ customer: 'cus_3', savedCard: false })
  const { writes } = ledger
  for (const repeat of [set('cus_3', 'cus_1'), set('cus_4', 'cus_1')]) {
    expect(ledger.accept(repeat)).toEqual({ customer: 'cus_3' })
  }
  expect(ledger.writes).toBe(writes)
})
