/** The customer portal: sessions over the API, and the page where people look after their plan. */
import { attach, BEHAVIOURS, createPaymentMethod, isBehaviour, methodLabel } from './cards.ts'
import { productName } from './catalogue.ts'
import type { PageCall, PageRoute } from './checkout-site.ts'
import { day, document, type Html, html, messagePage, money, redirect } from './html.ts'
import { allowOnly, requiredText, text } from './params.ts'
import type { ApiCall, ApiRoute } from './routes.ts'
import { find, newestFirst, newId } from './state.ts'
import { cancelAtPeriodEnd, changePrice, isLiving, methodOf, retryPayment } from './subscriptions.ts'
import type { Charge, PortalSession, Price, Subscription, World } from './types.ts'

/** What the API knows about the portal. */
export const portalRoutes: ApiRoute[] = [
  { method: 'POST', pattern: '/v1/billing_portal/sessions', handle: create },
]

/** The portal itself. */
export const portalPages: PageRoute[] = [{ pattern: '/p/session/:id', handle: portalPage }]

function create({ world, params }: ApiCall): object {
  allowOnly(params, ['configuration', 'customer', 'locale', 'return_url'])
  const customer = find(world.state.customers, 'customer', requiredText(params, 'customer'), 'customer')
  const id = newId('bps_1', 23)
  const returnUrl = text(params, 'return_url')
  const session: PortalSession = {
    id,
    object: 'billing_portal.session',
    configuration: 'bpc_simulated',
    created: world.now(),
    customer: customer.id,
    customer_account: null,
    flow: null,
    livemode: false,
    locale: null,
    on_behalf_of: null,
    return_url: returnUrl && /^https?:/.test(returnUrl) ? returnUrl : null,
    url: `${world.state.baseUrl}/p/session/${id}`,
  }
  world.state.portalSessions[id] = session
  return session
}

async function portalPage({ world, path, post, settled }: PageCall): Promise<Response> {
  const id = path.id ?? ''
  const session = Object.hasOwn(world.state.portalSessions, id) ? world.state.portalSessions[id] : undefined
  if (!session || !(session.customer in world.state.customers))
    return messagePage('This page does not exist', 'There is no such portal session in this simulation.', {
      status: 404,
    })
  if (!post) return render(world, session)
  const subscription = world.state.subscriptions[text(post, 'subscription') ?? '']
  if (subscription?.customer === session.customer && isLiving(subscription)) {
    const chosen = world.state.prices[text(post, 'price') ?? '']
    act(world, subscription, text(post, 'action'), chosen, text(post, 'behaviour') ?? '')
  }
  await settled()
  return redirect(`/p/session/${id}`)
}

function act(
  world: World,
  subscription: Subscription,
  action: string | undefined,
  price: Price | undefined,
  behaviour: string,
): void {
  const [item] = subscription.items.data
  if (action === 'cancel') cancelAtPeriodEnd(world, subscription, true)
  if (action === 'resume') cancelAtPeriodEnd(world, subscription, false)
  if (action === 'change' && item && price?.active && price.id !== item.price.id)
    changePrice(world, subscription, item, { price, behavior: 'always_invoice' })
  if (action === 'card' && isBehaviour(behaviour)) {
    const customer = find(world.state.customers, 'customer', subscription.customer)
    const method = createPaymentMethod(world, behaviour, customer)
    attach(world, method, subscription.customer)
    const previous = { default_payment_method: subscription.default_payment_method }
    subscription.default_payment_method = method.id
    world.emit('customer.subscription.updated', subscription, previous)
    if (subscription.status === 'past_due') retryPayment(world, subscription)
  }
}

function render(world: World, session: PortalSession): Response {
  const customer = find(world.state.customers, 'customer', session.customer)
  const subscriptions = newestFirst(world.state.subscriptions).filter(
    (each) => each.customer === customer.id && isLiving(each),
  )
  const charges = newestFirst(world.state.charges).filter(
    (each) => each.customer === customer.id && each.status !== 'failed',
  )
  return document(
    'Billing (simulated Stripe)',
    html`<main class="single">
${session.return_url && html`<p><a class="back" href="${session.return_url}"><span aria-hidden="true">←</span> Return to the app</a></p>`}
<div><h1>Billing</h1><p class="quiet">${customer.name || customer.email || customer.id}</p></div>
<section class="group" aria-labelledby="plan"><h2 id="plan">Current plan</h2>
${
  subscriptions.length === 0
    ? html`<p class="quiet">There is no subscription.</p>`
    : subscriptions.map((subscription) => subscriptionCard(world, subscription))
}
</section>
<section class="group" aria-labelledby="payments"><h2 id="payments">Payments</h2>
${charges.length === 0 ? html`<p class="quiet">Nothing has been paid yet.</p>` : paymentTable(charges)}
</section>
</main>`,
  )
}

function priceLabel(world: World, price: Price): string {
  return `${productName(world.state, price)}, ${money(price.unit_amount ?? 0, price.currency)} per ${price.recurring?.interval ?? 'month'}`
}

function subscriptionCard(world: World, subscription: Subscription): Html {
  const [item] = subscription.items.data
  if (!item) return html``
  const end = day(item.current_period_end)
  const ends = subscription.cancel_at_period_end
  const pastDue = subscription.status === 'past_due'
  return html`<div class="card">
<div class="rows"><div><strong>${priceLabel(world, item.price)}</strong>
<span class="status${(ends || pastDue) && ' bad'}">${ends ? 'cancels' : pastDue ? 'past due' : subscription.status}</span></div></div>
<p class="quiet">${
    pastDue
      ? 'The last payment failed. Choose another payment method to pay what is open.'
      : ends
        ? `Ends on ${end}. It will not renew.`
        : `Renews on ${end}.`
  }</p>
${changeForm(world, subscription, item.price)}
${cardForm(world, subscription)}
<form method="post" class="actions"><input type="hidden" name="subscription" value="${subscription.id}">
<button class="plain" name="action" value="${ends ? 'resume' : 'cancel'}">${ends ? 'Don’t cancel plan' : 'Cancel plan'}</button></form>
</div>`
}

function changeForm(world: World, subscription: Subscription, current: Price): Html | false {
  const others = Object.values(world.state.prices).filter(
    (price) => price.active && price.type === 'recurring' && price.id !== current.id,
  )
  if (others.length === 0) return false
  const field = `price-${subscription.id}`
  return html`<form method="post" class="inline"><input type="hidden" name="subscription" value="${subscription.id}">
<div class="field"><label for="${field}">Change plan</label><select id="${field}" name="price">
${others.map((price) => html`<option value="${price.id}">${priceLabel(world, price)}</option>`)}</select></div>
<button class="plain" name="action" value="change">Update plan</button></form>`
}

function cardForm(world: World, subscription: Subscription): Html {
  const field = `behaviour-${subscription.id}`
  return html`<form method="post" class="inline"><input type="hidden" name="subscription" value="${subscription.id}">
<div class="field"><label for="${field}">Payment method <span class="quiet">(now: ${methodLabel(methodOf(world, subscription))})</span></label>
<select id="${field}" name="behaviour">
${Object.entries(BEHAVIOURS)
  .filter(([name]) => name !== 'declined')
  .map(
    ([name, { label, last4 }]) => html`<option value="${name}">${label} (${last4})</option>`,
  )}</select></div>
<button class="plain" name="action" value="card">Replace</button></form>`
}

function paymentTable(charges: Charge[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="List of payments"><table>
<thead><tr><th scope="col">Date</th><th scope="col">Amount</th><th scope="col">Status</th><th scope="col">Receipt</th></tr></thead>
<tbody>${charges.slice(0, 100).map(
    (charge) => html`<tr><td>${day(charge.created)}</td><td>${money(charge.amount, charge.currency)}</td>
<td>${chargeStatus(charge)}</td><td>${charge.receipt_url && html`<a href="${charge.receipt_url}">View<span class="hidden"> receipt of ${day(charge.created)}</span></a>`}</td></tr>`,
  )}</tbody></table></div>`
}

function chargeStatus(charge: Charge): string {
  if (charge.disputed) return 'Disputed'
  if (charge.refunded) return 'Refunded'
  if (charge.amount_refunded > 0) return 'Partly refunded'
  return charge.status === 'pending' ? 'Pending' : 'Paid'
}
