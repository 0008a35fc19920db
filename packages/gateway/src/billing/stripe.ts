/**
 * Stripe as the seller of credits and plans. What is bought is written down before Stripe is asked; what Stripe says
 * comes by signed events and becomes commands to the ledger, which answers repeats and disorder. This file puts the
 * parts together; each part is one concern beside it.
 */
import Stripe from 'stripe'
import type { Billing, Fetch } from '../ports.ts'
import { cancelAll, openPortal, receiptOf, startPackCheckout, startPlanCheckout } from './stripe-checkout.ts'
import { handleEvent, verifyEvent } from './stripe-events.ts'
import type { StripeBillingOptions, StripeParts } from './stripe-parts.ts'
import { createPlanPrices } from './stripe-plans.ts'
import { topUp } from './stripe-top-up.ts'

/** Makes the seller. Nothing is asked of Stripe until somebody buys. */
export function createStripeBilling(options: StripeBillingOptions): Billing {
  const { settings, stripePrices, clock } = options
  const parts: StripeParts = { ...options, stripe: clientOf(options) }
  const prices = createPlanPrices(parts.stripe, stripePrices, clock)
  return {
    buyPack: (buyer, pack, returnUrl) => startPackCheckout(parts, buyer, pack, returnUrl),
    subscribe: (buyer, plan, returnUrl) => startPlanCheckout(parts, buyer, plan, returnUrl),
    portal: (accountId, returnUrl) => openPortal(parts, accountId, returnUrl),
    receipt: (accountId, paymentId) => receiptOf(parts, accountId, paymentId),
    plans: prices.all,
    topUp: (accountId) => topUp(parts, accountId),
    forget: (accountId) => cancelAll(parts, accountId),
    async webhook(request) {
      const signature = request.headers.get('stripe-signature')
      const event = await verifyEvent(parts, await request.text(), signature, settings.webhookSecrets)
      if (!event.ok) return event
      return handleEvent(parts, event.value)
    },
  }
}

function clientOf({ settings, fetch }: StripeBillingOptions): Stripe {
  const at = settings.apiUrl === null ? null : new URL(settings.apiUrl)
  const call: Fetch = (input, init) => fetch(input, init)
  return new Stripe(settings.secretKey, {
    // Nothing of a runtime's own: the same client on workerd, Bun and Node.
    // Only called; what else a runtime hangs on its own `fetch` is not used.
    httpClient: Stripe.createFetchHttpClient(call as typeof globalThis.fetch),
    telemetry: false,
    timeout: 20_000,
    maxNetworkRetries: 2,
    appInfo: { name: 'Faregate' },
    ...(at && {
      host: at.hostname,
      port: at.port || (at.protocol === 'https:' ? '443' : '80'),
      protocol: at.protocol === 'https:' ? 'https' : 'http',
    }),
  })
}
