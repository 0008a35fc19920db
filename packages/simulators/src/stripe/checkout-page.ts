/** The hosted checkout page: what is bought, and how the simulated payment shall go. Plain forms, no scripts. */
import { BEHAVIOURS } from './cards.ts'
import { fixedEmail } from './checkout.ts'
import { discountPercent } from './checkout-totals.ts'
import { document, type Html, html, messagePage, money } from './html.ts'
import type { Behaviour, CheckoutSession, LineItem, World } from './types.ts'

/** What was chosen before, and what is wrong with it. */
export type CheckoutForm = {
  behaviour?: Behaviour
  error?: string
  promotionError?: string
  promotion?: string
}

/** A session's page; one that is over says so. */
export function checkoutPage(world: World, session: CheckoutSession, form: CheckoutForm = {}): Response {
  if (session.status !== 'open') return closedPage(session)
  const verb = session.mode === 'subscription' ? 'Subscribe to' : 'Pay'
  const items = world.state.lineItems[session.id] ?? []
  const title = session.mode === 'subscription' ? `${verb} ${items[0]?.description ?? 'a plan'}` : 'Checkout'
  return document(
    `${form.error || form.promotionError ? 'Error: ' : ''}${title} (simulated Stripe)`,
    html`<main class="columns">
<section class="summary" aria-label="Order summary"><div>${summary(world, session, items, form)}</div></section>
<section class="entry" aria-label="Payment"><div>${entry(session, form)}</div></section>
</main>`,
  )
}

function closedPage({ status, cancel_url, success_url, id }: CheckoutSession): Response {
  if (status === 'complete') {
    const href = success_url?.replaceAll('{CHECKOUT_SESSION_ID}', id)
    return messagePage('You’re all done here', 'This checkout has been completed.', {
      back: href ? { href, label: 'Continue' } : undefined,
    })
  }
  return messagePage(
    'This page has expired',
    'The checkout was not completed in time. Nothing was charged.',
    {
      back: cancel_url ? { href: cancel_url, label: 'Go back' } : undefined,
    },
  )
}

function summary(world: World, session: CheckoutSession, items: LineItem[], form: CheckoutForm): Html {
  const currency = session.currency ?? 'usd'
  const [first] = items
  const interval = first?.price?.recurring?.interval
  const heading =
    session.mode === 'subscription' ? `Subscribe to ${first?.description ?? 'a plan'}` : 'Pay Faregate'
  return html`${
    session.cancel_url &&
    html`<a class="back" href="${session.cancel_url}"><span aria-hidden="true">←</span> Back</a>`
  }
<div><h1>${heading}</h1>
<p class="amount">${money(session.amount_total ?? 0, currency)}${interval && html` <span class="quiet small">due today</span>`}</p></div>
<ul class="rows">${items.map((item) => itemRow(world, item))}</ul>
${totals(world, session)}
${promotion(world, session, form)}`
}

function itemRow(world: World, { description, quantity, price, amount_subtotal, currency }: LineItem): Html {
  const product = price ? world.state.products[price.product] : undefined
  const interval = price?.recurring?.interval
  return html`<li><span>${description}${
    (quantity ?? 1) > 1 && html` <span class="quiet">× ${quantity}</span>`
  }${product?.description && html`<br><span class="quiet small">${product.description}</span>`}${
    interval && html`<br><span class="quiet small">Billed every ${interval}</span>`
  }</span><span class="figure">${money(amount_subtotal, currency)}</span></li>`
}

function totals(world: World, session: CheckoutSession): Html {
  const currency = session.currency ?? 'usd'
  const { amount_discount = 0, amount_tax = 0 } = session.total_details ?? {}
  const row = (label: string, amount: number, kind = '') =>
    html`<div class="${kind}"><dt>${label}</dt><dd class="figure">${money(amount, currency)}</dd></div>`
  return html`<dl class="rows">
${row('Subtotal', session.amount_subtotal ?? 0)}
${amount_discount > 0 && row(`Discount (${discountPercent(world, session)} % off)`, -amount_discount)}
${session.automatic_tax.enabled && row('Tax', amount_tax)}
${row('Total due', session.amount_total ?? 0, 'total')}
</dl>`
}

function promotion(world: World, session: CheckoutSession, form: CheckoutForm): Html | false {
  if (!session.allow_promotion_codes) return false
  const applied = session.discounts?.[0]?.promotion_code
  const code = applied ? world.state.promotionCodes[applied]?.code : undefined
  if (code) {
    return html`<form method="post" class="inline level"><p>Promotion code <strong>${code}</strong> is applied.</p>
<button class="text" name="action" value="remove-promotion">Remove</button></form>`
  }
  return html`<form method="post" class="inline">
<div class="field"><label for="promotion">Promotion code</label>
<input type="text" id="promotion" name="promotion" value="${form.promotion}" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="64"${
    form.promotionError && html` aria-invalid="true" aria-describedby="promotion-error"`
  }></div>
<button class="plain" name="action" value="promotion">Apply</button>
${form.promotionError && html`<p class="error" id="promotion-error" role="alert">${form.promotionError}</p>`}
<p class="quiet small">Try TENOFF or FREE100.</p></form>`
}

function entry(session: CheckoutSession, form: CheckoutForm): Html {
  const email = session.customer_details?.email ?? ''
  const free = session.amount_total === 0 && session.mode === 'payment'
  return html`${form.error && html`<p class="alert" role="alert">${form.error}</p>`}
<form method="post">
<div class="field"><label for="email">Email</label>
<input type="email" id="email" name="email" value="${email}" autocomplete="email" required maxlength="200"${
    fixedEmail(session) !== undefined && html` readonly`
  }></div>
${
  !free &&
  html`<fieldset><legend>Test payment method</legend>
<ul class="choices">${offered(session).map(([value, { label, about, last4, type }]) =>
    choice({ value, label, about, number: numberOf(type, last4) }, form.behaviour ?? 'succeeds'),
  )}</ul></fieldset>
<div class="field"><label for="name">Cardholder name <span class="quiet">(optional)</span></label>
<input type="text" id="name" name="name" value="${session.customer_details?.name ?? ''}" autocomplete="cc-name" maxlength="200"></div>`
}
<button class="wide" name="action" value="pay">${buttonLabel(session)}</button>
<p class="quiet small">${terms(session)}</p>
</form>`
}

function offered({ payment_method_types }: CheckoutSession) {
  return Object.entries(BEHAVIOURS).filter(([, { type }]) => payment_method_types.includes(type))
}

function choice(
  { value, label, about, number }: { value: string; label: string; about: string; number: string },
  chosen: string,
): Html {
  return html`<li><label><input type="radio" name="behaviour" value="${value}"${value === chosen && html` checked`}>
<strong>${label}</strong><span class="number">${number}</span><span class="about">${about}</span></label></li>`
}

function numberOf(type: string, last4: string): string {
  return type === 'card' ? `Visa •••• ${last4}` : `Bank •••• ${last4}`
}

function buttonLabel({ mode, amount_total, currency }: CheckoutSession): string {
  if (mode === 'subscription') return 'Subscribe'
  return amount_total ? `Pay ${money(amount_total, currency ?? 'usd')}` : 'Complete order'
}

function terms({ mode }: CheckoutSession): string {
  return mode === 'subscription'
    ? 'The subscription renews until it is canceled. In this simulation nothing is ever charged.'
    : 'In this simulation nothing is charged.'
}
