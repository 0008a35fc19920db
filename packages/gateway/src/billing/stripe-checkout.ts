/** Purchases on Stripe's own pages: packs and plans at its checkout, changes and receipts at its portal. */
import type Stripe from 'stripe'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { subscriptionsInForce } from '../core/subscription.ts'
import type { Buyer, Checkout } from '../ports.ts'
import {
  ACCOUNT,
  asking,
  isMissing,
  newPaymentId,
  PACK,
  PAYMENT,
  type Pack,
  PLAN,
  type StripeParts,
} from './stripe-parts.ts'

/** How long a checkout page can be paid, in seconds. */
const CHECKOUT_LIFE_SECONDS = 3600

const MICROCREDITS = 1_000_000

/** Writes the purchase down, then opens Stripe's page for it. */
export async function startPackCheckout(
  parts: StripeParts,
  { accountId, member }: Buyer,
  packId: string,
  returnUrl: string,
): Promise<Result<Checkout, Refusal>> {
  const pack = parts.packs.get(packId)
  if (!pack) return err(notSold('pack', packId, parts.packs.keys()))
  const id = newPaymentId(parts.clock())
  const { credits, usdCents: subtotal } = pack
  const payment = { id, kind: 'pack', member, pack: pack.id, credits, subtotal, currency: 'usd' } as const
  const opened = await parts.store.apply(accountId, { kind: 'openPayment', payment })
  if (!opened.ok) return opened
  return asking(parts, 'checkout', async () => {
    const metadata = { [ACCOUNT]: accountId, [PAYMENT]: id, [PACK]: pack.id }
    const session = await withCustomer(parts, accountId, (customer, again) =>
      parts.stripe.checkout.sessions.create(
        {
          mode: 'payment',
          line_items: [{ quantity: 1, price_data: priceOf(parts, pack) }],
          payment_intent_data: { metadata, setup_future_usage: 'off_session' },
          ...common(parts, { customer, accountId, metadata }),
          ...returnsTo(returnUrl, id),
        },
        { idempotencyKey: `${id}${again}` },
      ),
    )
    return pageOf(id, session.url)
  })
}

/** Opens Stripe's page for a subscription; whoever has one already changes it at the portal. */
export async function startPlanCheckout(
  parts: StripeParts,
  { accountId }: Buyer,
  planId: string,
  returnUrl: string,
): Promise<Result<Checkout, Refusal>> {
  const [price] = [...parts.stripePrices].find(([, plan]) => plan === planId) ?? []
  if (price === undefined) return err(notSold('plan', planId, new Set(parts.stripePrices.values())))
  const account = await parts.store.read(accountId)
  const running = subscriptionsInForce(account, parts.clock()).find(({ provider }) => provider === 'stripe')
  if (running) {
    const portal = await openPortal(parts, accountId, returnUrl)
    return portal.ok ? ok({ id: running.id, url: portal.value.url }) : portal
  }
  return asking(parts, 'checkout', async () => {
    const metadata = { [ACCOUNT]: accountId, [PLAN]: planId }
    const session = await withCustomer(parts, accountId, (customer) =>
      parts.stripe.checkout.sessions.create({
        mode: 'subscription',
        line_items: [{ price, quantity: 1 }],
        subscription_data: { metadata },
        ...common(parts, { customer, accountId, metadata }),
        ...returnsTo(returnUrl, null),
      }),
    )
    return pageOf(session.id, session.url)
  })
}

/** Stripe's portal for the account's customer. */
export async function openPortal(
  parts: StripeParts,
  accountId: string,
  returnUrl: string,
): Promise<Result<{ url: string }, Refusal>> {
  const { customer } = (await parts.store.read(accountId)).billing
  if (customer === null) {
    return err(refusal('no_customer', 'Nothing was bought yet, so there is nothing to manage.'))
  }
  return asking(parts, 'portal', async () => {
    const session = await parts.stripe.billingPortal.sessions.create({ customer, return_url: returnUrl })
    return ok({ url: session.url })
  })
}

/** Stripe's receipt of one of the account's payments. */
export async function receiptOf(
  parts: StripeParts,
  accountId: string,
  paymentId: string,
): Promise<Result<{ url: string }, Refusal>> {
  const { data } = await parts.store.payments(accountId, { limit: 1, id: paymentId })
  const reference = data[0]?.reference
  const none = refusal('not_found', `There is no receipt for the payment ${paymentId.slice(0, 100)}.`)
  if (!reference?.startsWith('pi_')) return err(none)
  return asking(parts, 'receipt', async () => {
    const intent = await parts.stripe.paymentIntents.retrieve(reference, { expand: ['latest_charge'] })
    const charge = intent.latest_charge
    const url = typeof charge === 'string' ? null : charge?.receipt_url
    return url ? ok({ url }) : err(none)
  })
}

/** Deletes the account's customer at Stripe, which ends its subscriptions at once. Throws when that fails. */
export async function cancelAll({ stripe, store }: StripeParts, accountId: string): Promise<void> {
  const { customer } = (await store.read(accountId)).billing
  if (customer === null) return
  try {
    await stripe.customers.del(customer)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/**
 * Calls Stripe for the account's customer. One that is gone there (deleted in the dashboard, or by a deletion of the
 * account that got no further) is replaced, once; `again` then tells the two calls apart.
 */
async function withCustomer<T>(
  parts: StripeParts,
  accountId: string,
  use: (customer: string, again: string) => Promise<T>,
): Promise<T> {
  const customer = await customerOf(parts, accountId, null)
  try {
    return await use(customer, '')
  } catch (error) {
    if (!isMissing(error, 'customer')) throw error
    return use(await customerOf(parts, accountId, customer), ':again')
  }
}

/** The account's customer at Stripe, but for the one that is gone: made under a name that makes a second one the same. */
async function customerOf(
  { stripe, store }: StripeParts,
  accountId: string,
  gone: string | null,
): Promise<string> {
  const known = (await store.read(accountId)).billing.customer
  if (known !== null && known !== gone) return known
  const made = await stripe.customers.create(
    { metadata: { [ACCOUNT]: accountId } },
    { idempotencyKey: gone === null ? `customer:${accountId}` : `customer:${accountId}:after:${gone}` },
  )
  const kept = await store.apply(accountId, { kind: 'setCustomer', customer: made.id, replaces: gone })
  return kept.ok ? kept.value.customer : made.id
}

type ForWhom = { customer: string; accountId: string; metadata: Record<string, string> }

function common(
  { choices, clock }: StripeParts,
  { customer, accountId, metadata }: ForWhom,
): Stripe.Checkout.SessionCreateParams {
  const { automaticTax, promotionCodes } = choices
  return {
    customer,
    client_reference_id: accountId.slice(0, 200),
    metadata,
    expires_at: Math.floor(clock() / 1000) + CHECKOUT_LIFE_SECONDS,
    ...(promotionCodes && { allow_promotion_codes: true }),
    ...(automaticTax && {
      automatic_tax: { enabled: true },
      customer_update: { address: 'auto', name: 'auto' },
      tax_id_collection: { enabled: true },
    }),
  }
}

/** Sold by its own figures, so that what is granted is what this config said when it was bought. */
function priceOf(
  { creditName, choices }: StripeParts,
  { name, credits, usdCents }: Pack,
): Stripe.Checkout.SessionCreateParams.LineItem.PriceData {
  return {
    currency: 'usd',
    unit_amount: usdCents,
    product_data: { name: `${name}: ${(credits / MICROCREDITS).toLocaleString('en')} ${creditName}` },
    ...(choices.automaticTax && { tax_behavior: 'exclusive' }),
  }
}

function returnsTo(returnUrl: string, paymentId: string | null) {
  const done = new URL(returnUrl)
  done.searchParams.set('checkout', 'done')
  if (paymentId !== null) done.searchParams.set('payment', paymentId)
  const canceled = new URL(returnUrl)
  canceled.searchParams.set('checkout', 'canceled')
  return { success_url: done.href, cancel_url: canceled.href }
}

function pageOf(id: string, url: string | null): Result<Checkout, Refusal> {
  if (url !== null) return ok({ id, url })
  return err(refusal('payments_unavailable', 'Stripe opened no page for this purchase. Try again.'))
}

function notSold(param: 'pack' | 'plan', name: string, sold: Iterable<string>): Refusal {
  const all = [...sold].join(', ')
  const there = all === '' ? `There are none.` : `There are ${all}.`
  return refusal('not_found', `No ${param} ${name.slice(0, 100)} is sold here. ${there}`, { param })
}
