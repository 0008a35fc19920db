/**
 * Stripe as the seller of credits and plans. What is bought is written down before Stripe is asked; what Stripe says
 * comes by signed events and becomes commands to the ledger, which answers repeats and disorder. This file puts the
 * parts together; each part is one concern beside it.
 */
import type { Billing } from '../ports.ts'
import { cancelAll, openPortal, receiptOf, startPackCheckout, startPlanCheckout } from './stripe-checkout.ts'
import { createStripeClient } from './stripe-client.ts'
import { handleEvent, verifyEvent } from './stripe-events.ts'
import type { StripeBillingOptions, StripeParts } from './stripe-parts.ts'
import { createPlanPrices } from './stripe-plans.ts'
import { topUp } from './stripe-top-up.ts'

/** Makes the seller. Nothing is asked of Stripe until somebody buys. */
export function createStripeBilling(options: StripeBillingOptions): Billing {
  const { settings, stripePrices, clock } = options
  const parts: StripeParts = { ...options, stripe: createStripeClient(settings, options.fetch) }
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
