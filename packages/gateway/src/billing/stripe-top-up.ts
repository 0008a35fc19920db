/**
 * Auto top-up: the ledger says whether one is due and writes it down; Stripe is asked by that payment's own name, so
 * that asking twice pays once. A card that wants its owner's consent ends it until the owner acts.
 */
import Stripe from 'stripe'
import type { PaymentFact } from '../core/payment.ts'
import { ACCOUNT, factsOf, KIND, newPaymentId, PACK, PAYMENT, type StripeParts } from './stripe-parts.ts'

/** Buys a pack for the account if one is due. Never throws: what fails is on the books, or is asked for again. */
export async function topUp(parts: StripeParts, accountId: string): Promise<void> {
  const { store, clock, packs, choices, log } = parts
  try {
    const offers = Object.fromEntries(
      [...packs.values()].map(({ id, credits, usdCents: subtotal }) => [id, { credits, subtotal }]),
    )
    const begun = await store.apply(accountId, {
      kind: 'beginTopUp',
      id: newPaymentId(clock()),
      offers,
      perDayMax: choices.autoTopUpsPerDay,
    })
    if (!begun.ok || begun.value.paymentId === null || begun.value.offer === null) return
    const { paymentId, offer } = begun.value
    const fact = await pay(parts, accountId, paymentId, offer.subtotal)
    if (!fact) return
    await store.apply(accountId, { kind: 'recordPayment', id: paymentId, fact })
    if (fact.type === 'failed') log('warn', 'top_up_failed', { payment: paymentId, reason: fact.reason })
  } catch (error) {
    const facts = error instanceof Stripe.errors.StripeError ? factsOf(error) : {}
    log('error', 'top_up_delayed', { error: error instanceof Error ? error.name : typeof error, ...facts })
  }
}

/** Asks Stripe to charge the card on file. Null when it is not known yet what came of it. */
async function pay(
  { stripe, store }: StripeParts,
  accountId: string,
  paymentId: string,
  amount: number,
): Promise<PaymentFact | null> {
  const { customer, topUp } = (await store.read(accountId)).billing
  if (customer === null) return { type: 'failed', reason: 'no_saved_card' }
  const cards = await stripe.customers.listPaymentMethods(customer, { limit: 1 })
  const card = cards.data[0]
  if (!card) return { type: 'failed', reason: 'no_saved_card' }
  const pack = topUp?.pack ?? ''
  try {
    const intent = await stripe.paymentIntents.create(
      {
        amount,
        currency: 'usd',
        customer,
        payment_method: card.id,
        off_session: true,
        confirm: true,
        description: `Auto top-up: ${pack}`,
        metadata: { [ACCOUNT]: accountId, [PAYMENT]: paymentId, [PACK]: pack, [KIND]: 'topUp' },
      },
      { idempotencyKey: paymentId },
    )
    return factOfIntent(intent)
  } catch (error) {
    // A declined card, or one whose bank asks for its owner (3-D Secure), is an answer; all else is not.
    if (error instanceof Stripe.errors.StripeCardError) {
      return { type: 'failed', reason: error.code ?? 'card_declined' }
    }
    throw error
  }
}

/** What a payment without a checkout says; null while it says nothing. */
export function factOfIntent(intent: Stripe.PaymentIntent): PaymentFact | null {
  const { id: reference, status, amount: subtotal, amount_received: paid, currency } = intent
  if (status === 'succeeded') return { type: 'paid', reference, paid, subtotal, currency, savedCard: true }
  if (status === 'processing') return { type: 'pending', reference }
  if (status === 'canceled') return { type: 'failed', reason: 'canceled' }
  if (status === 'requires_action') return { type: 'failed', reason: 'authentication_required' }
  if (status === 'requires_payment_method') {
    return { type: 'failed', reason: intent.last_payment_error?.code ?? 'card_declined' }
  }
  return null
}
