/** What the tests of billing share: a catalogue, a seller over the simulated Stripe, and events as Stripe signs them. */
import type { StripeEvent, StripeSimulator } from '@faregate/simulators/stripe'
import Stripe from 'stripe'
import { catalogOf, planOf } from '../core/test-kit.ts'
import type { Billing, Clock, Fetch, Store } from '../ports.ts'
import { createStripeBilling } from './stripe.ts'

const credit = 1_000_000

export const testCatalog = catalogOf(
  planOf('free'),
  planOf('pro', { allowance: 1000 * credit }),
  planOf('max', { allowance: 5000 * credit }),
)

export const buyer = { accountId: 'clerk:user_1', member: 'clerk:user_1' }

const packs = new Map([
  ['starter', { id: 'starter', name: 'Starter', credits: 100 * credit, usdCents: 1000 }],
  ['large', { id: 'large', name: 'Large', credits: 1000 * credit, usdCents: 8000 }],
])

type Over = { clock?: Clock; fetch?: Fetch; webhookSecrets?: string[] }

/** A seller whose Stripe is the simulator. */
export function billingOver(stripe: StripeSimulator, store: Store, over: Over = {}): Billing {
  const { clock = Date.now, fetch = globalThis.fetch, webhookSecrets = [stripe.webhookSecret] } = over
  return createStripeBilling({
    settings: { secretKey: stripe.secretKey, webhookSecrets, apiUrl: stripe.url },
    store,
    packs,
    stripePrices: new Map([
      ['price_pro_month', 'pro'],
      ['price_max_month', 'max'],
    ]),
    choices: { automaticTax: false, promotionCodes: true, autoTopUpsPerDay: 3 },
    creditName: 'credits',
    fetch,
    clock,
    log: () => {},
  })
}

/** Buys a pack and pays it at Stripe; nobody has been told yet. */
export async function paidPack(
  stripe: StripeSimulator,
  billing: Billing,
  pack = 'starter',
): Promise<{ id: string; intent: string }> {
  const begun = await billing.buyPack(buyer, pack, 'http://localhost:3000/buy')
  if (!begun.ok) throw new Error(begun.error.message)
  const { id, url } = begun.value
  const session = stripe.payCheckout(new URL(url).pathname.split('/').at(-1) ?? '')
  return { id, intent: typeof session.payment_intent === 'string' ? session.payment_intent : '' }
}

/** An event as Stripe would send it now. */
export async function eventRequest(
  stripe: StripeSimulator,
  event: StripeEvent,
  secret = stripe.webhookSecret,
): Promise<Request> {
  const payload = JSON.stringify(event)
  const signature = await new Stripe(stripe.secretKey).webhooks.generateTestHeaderStringAsync({
    payload,
    secret,
  })
  return new Request('http://gateway/webhooks/stripe', {
    method: 'POST',
    headers: { 'stripe-signature': signature },
    body: payload,
  })
}
