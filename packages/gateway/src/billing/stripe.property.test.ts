/**
 * Whatever the order in which Stripe's events arrive, and however often, the account ends the same: on the reference
 * store and on SQLite.
 */
import { type StripeEvent, type StripeSimulator, startStripeSimulator } from '@faregate/simulators/stripe'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { availableOf } from '../core/account.ts'
import { propertyTimeout, runsFactor } from '../core/test-kit.ts'
import { paymentView } from '../core/view.ts'
import type { Store } from '../ports.ts'
import { createMemoryStore } from '../stores/memory.ts'
import { createSqliteStore } from '../stores/node-sqlite.ts'
import { billingOver, buyer, eventRequest, paidPack, testCatalog } from './test-kit.ts'

let stripe: StripeSimulator

beforeAll(async () => {
  stripe = await startStripeSimulator({
    prices: [{ id: 'price_pro_month', product: 'Pro', unit_amount: 2000, interval: 'month' }],
  })
})
afterAll(async () => stripe.stop())

const stores: [name: string, open: () => Store][] = [
  ['memory', () => createMemoryStore({ catalog: testCatalog })],
  ['sqlite', () => createSqliteStore({ path: ':memory:', catalog: testCatalog, creditUsd: 0.01 })],
]

/** What the world does after a pack of 100 credits was bought, which events are heard, and what is left. */
type History = { name: string; run: (intent: string) => void; deaf?: RegExp; left: number }

const histories: History[] = [
  {
    name: 'two refunds, the second of which fails',
    run: (payment_intent) => {
      stripe.refund({ payment_intent }, 300)
      stripe.failRefund(stripe.refund({ payment_intent }).id)
    },
    left: 70,
  },
  {
    name: 'two refunds, told as a sum alone',
    run: (payment_intent) => {
      stripe.refund({ payment_intent }, 300)
      stripe.refund({ payment_intent }, 300)
    },
    deaf: /refund\.(?:created|updated)/,
    left: 40,
  },
  {
    name: 'a dispute that is won, and a refund',
    run: (payment_intent) => {
      stripe.closeDispute(stripe.dispute({ payment_intent }).id, 'won')
      stripe.refund({ payment_intent }, 250)
    },
    left: 75,
  },
  {
    name: 'a dispute that is lost',
    run: (payment_intent) => {
      stripe.closeDispute(stripe.dispute({ payment_intent }).id, 'lost')
    },
    left: 0,
  },
]

for (const [storeName, open] of stores) {
  test.each(histories)(
    `${storeName}: $name ends the same in every order`,
    async ({ run, deaf, left }) => {
      const first = open()
      const before = stripe.events.length
      const { id, intent } = await paidPack(stripe, billingOver(stripe, first))
      run(intent)
      const [payment] = (await first.payments(buyer.accountId, { limit: 1 })).data
      await first.close()
      const events = stripe.events
        .slice(before)
        .filter(({ type }) => !type.startsWith('customer.') && !deaf?.test(type))
      const replay = async (order: StripeEvent[]) => {
        const store = open()
        try {
          if (!payment) throw new Error('the purchase was not written down')
          const { kind, member, pack, credits, subtotal, currency } = payment
          const sold = { id, kind, member, pack, credits, subtotal, currency }
          await store.apply(buyer.accountId, { kind: 'openPayment', payment: sold })
          const billing = billingOver(stripe, store)
          for (const event of order) await billing.webhook(await eventRequest(stripe, event))
          return await endOf(store)
        } finally {
          await store.close()
        }
      }
      const expected = await replay(events)
      expect(expected.available).toBe(left * 1_000_000)
      const orders = fc.shuffledSubarray([...events, ...events], {
        minLength: events.length,
        maxLength: events.length * 2,
      })
      await fc.assert(
        fc.asyncProperty(orders, async (order) => {
          // Every event arrives at least once: what the sample left out comes last.
          const missing = events.filter((event) => !order.includes(event))
          expect(await replay([...order, ...missing])).toEqual(expected)
        }),
        { numRuns: 12 * runsFactor },
      )
    },
    propertyTimeout.timeout,
  )
}

/** What an owner can see of it in the end, but for when. */
async function endOf(store: Store) {
  const account = await store.read(buyer.accountId)
  const { data } = await store.payments(buyer.accountId, { limit: 10 })
  const entries = await store.entries(buyer.accountId, { limit: 100 })
  const folded = entries.data.reduce((sum, { credits }) => sum + credits, 0)
  expect(folded).toBe(availableOf(account) - account.debt)
  return {
    available: availableOf(account),
    debt: account.debt,
    kept: account.totals.granted - account.totals.revoked,
    checking: account.billing.checking,
    payments: data.map((each) => ({ ...paymentView(each), at: null })),
  }
}
