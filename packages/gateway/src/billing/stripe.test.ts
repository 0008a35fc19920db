/** What only faults show of the Stripe adapter: calls that fail half-way, events that come when something is away. */
import { type StripeSimulator, startStripeSimulator } from '@faregate/simulators/stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { availableOf } from '../core/account.ts'
import type { Command } from '../core/command.ts'
import { type Billing, type Store, StoreUnavailable } from '../ports.ts'
import { createMemoryStore, type MemoryStore } from '../stores/memory.ts'
import { billingOver, buyer, eventRequest, paidPack, testCatalog } from './test-kit.ts'

const minute = 60_000

let stripe: StripeSimulator
let store: MemoryStore
let now: number

beforeEach(async () => {
  now = Date.now()
  stripe = await startStripeSimulator({ prices: [] })
  store = createMemoryStore({ catalog: testCatalog, clock: () => now })
})

afterEach(async () => {
  await store.close()
  await stripe.stop()
})

const seller = (over: Parameters<typeof billingOver>[2] = {}): Billing =>
  billingOver(stripe, store, { clock: () => now, ...over })

const account = () => store.read(buyer.accountId)

/** Delivers everything that Stripe would have said so far. */
async function deliverAll(billing: Billing): Promise<void> {
  for (const event of stripe.events) {
    expect(await billing.webhook(await eventRequest(stripe, event))).toEqual({ ok: true, value: undefined })
  }
}

test('a Stripe that is away sells nothing and says so, and the purchase stays open', async () => {
  stripe.faults.api = 'error'
  const result = await seller().buyPack(buyer, 'starter', 'http://localhost:3000/buy')
  expect(result).toMatchObject({ ok: false, error: { code: 'payments_unavailable' } })
  const { data } = await store.payments(buyer.accountId, { limit: 10 })
  expect(data.map(({ state }) => state)).toEqual(['open'])
  expect(availableOf(await account())).toBe(0)
})

test('purchases that begin at once share one customer', async () => {
  const billing = seller()
  const begun = await Promise.all(
    Array.from({ length: 5 }, () => billing.buyPack(buyer, 'starter', 'http://localhost:3000/buy')),
  )
  expect(begun.every(({ ok }) => ok)).toBe(true)
  const customers = stripe.events.filter(({ type }) => type === 'customer.created')
  expect(customers).toHaveLength(1)
  expect((await account()).billing.customer).toBe(customers[0]?.data.object.id)
})

test('an event that the store cannot take is thrown back, and its repeat is taken', async () => {
  const billing = seller()
  await paidPack(stripe, billing)
  let away = true
  const failing = billingOver(
    stripe,
    failingStore(store, () => away && 'recordPayment'),
  )
  const paid = stripe.events.find(({ type }) => type === 'checkout.session.completed')
  if (!paid) throw new Error('nothing was paid')
  await expect(failing.webhook(await eventRequest(stripe, paid))).rejects.toThrow(StoreUnavailable)
  expect(availableOf(await account())).toBe(0)
  away = false
  await failing.webhook(await eventRequest(stripe, paid))
  expect(availableOf(await account())).toBe(100_000_000)
})

test('a dispute that Stripe cannot be asked about is thrown back, and its repeat is taken', async () => {
  const billing = seller()
  const { intent } = await paidPack(stripe, billing)
  stripe.dispute({ payment_intent: intent })
  stripe.faults.api = 'error'
  const dispute = stripe.events.find(({ type }) => type === 'charge.dispute.created')
  if (!dispute) throw new Error('there is no dispute')
  await expect(billing.webhook(await eventRequest(stripe, dispute))).rejects.toThrow()
  stripe.faults.api = 'ok'
  await deliverAll(billing)
  expect(availableOf(await account())).toBe(0)
})

test('events of the other mode, and of purchases elsewhere, change nothing', async () => {
  const billing = seller()
  await paidPack(stripe, billing)
  const paid = stripe.events.find(({ type }) => type === 'checkout.session.completed')
  if (!paid) throw new Error('nothing was paid')
  const live = { ...paid, livemode: true } as unknown as typeof paid
  await billing.webhook(await eventRequest(stripe, live))
  expect(availableOf(await account())).toBe(0)
  const foreign = { ...paid, data: { object: { ...paid.data.object, metadata: {} } } }
  await billing.webhook(await eventRequest(stripe, foreign))
  expect((await account()).billing.checking).toBe(0)
})

test('a signature of either secret is taken while one replaces the other, and no third', async () => {
  const secrets = ['whsec_first0000', 'whsec_second000']
  const billing = seller({ webhookSecrets: secrets })
  await paidPack(stripe, billing)
  for (const event of stripe.events) {
    for (const secret of secrets) {
      expect((await billing.webhook(await eventRequest(stripe, event, secret))).ok).toBe(true)
    }
    const third = await billing.webhook(await eventRequest(stripe, event, 'whsec_third0000'))
    expect(third).toMatchObject({ ok: false, error: { param: 'stripe-signature' } })
  }
  expect(availableOf(await account())).toBe(100_000_000)
})

/** An account that bought once, spent nothing, and wants to be topped up to 500 credits. */
async function wantingTopUp(billing: Billing): Promise<void> {
  await paidPack(stripe, billing)
  await deliverAll(billing)
  const topUp = { pack: 'starter', threshold: 500_000_000 }
  const set = await store.apply(buyer.accountId, { kind: 'setAutoTopUp', topUp })
  expect(set.ok).toBe(true)
}

const charges = () => stripe.events.filter(({ type }) => type === 'charge.succeeded').length

test('a top-up that was charged and not written down is completed by its event, and charged once', async () => {
  const billing = seller()
  await wantingTopUp(billing)
  let dying = true
  await billingOver(
    stripe,
    failingStore(store, () => dying && 'recordPayment'),
    { clock: () => now },
  ).topUp(buyer.accountId)
  dying = false
  expect([charges(), availableOf(await account())]).toEqual([2, 100_000_000])
  await deliverAll(billing)
  expect(availableOf(await account())).toBe(200_000_000)
  expect((await account()).billing.topUp).toMatchObject({ state: 'on', attempt: null })
})

test('a top-up whose answer was lost is asked for again by its own name, and charged once', async () => {
  const billing = seller()
  await wantingTopUp(billing)
  const deaf: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    if (!String(input).endsWith('/v1/payment_intents') || init?.method !== 'POST') return answer
    await answer.text()
    throw new TypeError('the connection broke')
  }
  await seller({ fetch: deaf }).topUp(buyer.accountId)
  expect([charges(), (await account()).billing.topUp?.state]).toEqual([2, 'under_way'])
  await billing.topUp(buyer.accountId)
  expect((await account()).billing.topUp?.state).toBe('under_way')
  now += minute
  await billing.topUp(buyer.accountId)
  expect(charges()).toBe(2)
  expect(availableOf(await account())).toBe(200_000_000)
  await deliverAll(billing)
  expect(availableOf(await account())).toBe(200_000_000)
})

test('ten top-ups at once are one', async () => {
  const billing = seller()
  await wantingTopUp(billing)
  await Promise.all(Array.from({ length: 10 }, () => billing.topUp(buyer.accountId)))
  expect([charges(), availableOf(await account())]).toEqual([2, 200_000_000])
})

test('closing an account ends what it pays for at Stripe, and a second time does no harm', async () => {
  const billing = seller()
  await paidPack(stripe, billing)
  await billing.forget(buyer.accountId)
  await billing.forget(buyer.accountId)
  expect(stripe.events.filter(({ type }) => type === 'customer.deleted')).toHaveLength(1)
  stripe.faults.api = 'error'
  await expect(billing.forget(buyer.accountId)).rejects.toThrow()
})

test('a deletion that got no further than Stripe leaves an account that can buy, with another customer', async () => {
  const billing = seller()
  await paidPack(stripe, billing)
  await deliverAll(billing)
  const { customer: before, savedCard } = (await account()).billing
  expect(savedCard).toBe(true)
  await billing.forget(buyer.accountId)
  const begun = await Promise.all(
    Array.from({ length: 3 }, () => billing.buyPack(buyer, 'large', 'http://localhost:3000/buy')),
  )
  expect(begun.every(({ ok }) => ok)).toBe(true)
  const { billing: after } = await account()
  expect(after.customer).not.toBe(before)
  expect(after.savedCard).toBe(false)
  expect(stripe.events.filter(({ type }) => type === 'customer.created')).toHaveLength(2)
  await paidPack(stripe, billing)
  await deliverAll(billing)
  expect(availableOf(await account())).toBe(200_000_000)
  expect((await account()).billing.savedCard).toBe(true)
})

/** A store that cannot take the command of this kind now. */
function failingStore(store: Store, kind: () => Command['kind'] | false): Store {
  return {
    ...store,
    apply: async (accountId, command) => {
      if (command.kind === kind()) throw new StoreUnavailable('away')
      return store.apply(accountId, command)
    },
  }
}
