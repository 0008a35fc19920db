/** The simulated dashboard: what was paid and subscribed, and buttons for what the world does to it. For people at work. */
import { productName } from './catalogue.ts'
import { type Controls, devCall } from './controls.ts'
import { isStripeFault } from './errors.ts'
import type { Events } from './events.ts'
import { day, document, type Html, html, money, redirect } from './html.ts'
import { type Params, text } from './params.ts'
import { newestFirst } from './state.ts'
import { isLiving } from './subscriptions.ts'
import type { Charge, StripeEvent, Subscription, World } from './types.ts'

const ROWS_MAX = 50

type Parts = { world: World; events: Events; controls: Controls }

/** Shows the dashboard, after doing what a button of it asked. */
export async function dashboardPage(parts: Parts, post: Params | undefined): Promise<Response> {
  if (!post) return render(parts)
  try {
    const name = text(post, 'do') ?? ''
    if (name === 'resend') await parts.events.resend(text(post, 'id') ?? '')
    else devCall(parts.controls, name, post)
  } catch (thrown) {
    if (!isStripeFault(thrown)) throw thrown
    return render(parts, thrown.message)
  }
  await parts.events.settled()
  return redirect('/')
}

function render({ world, events }: Parts, error?: string): Response {
  const { state } = world
  const charges = newestFirst(state.charges).filter(({ status }) => status !== 'failed')
  const subscriptions = newestFirst(state.subscriptions)
  const log = newestFirst(state.events)
  return document(
    'Dashboard (simulated Stripe)',
    html`<main class="single wide">
<div><h1>Simulated Stripe</h1><p class="quiet">What Faregate sold here, and what the world may do to it. Each button sends its signed events.</p></div>
${error && html`<p class="alert" role="alert">${error}</p>`}
${section(
  'Payments',
  ['Date', 'Customer', 'Amount', 'State', 'Actions'],
  charges.slice(0, ROWS_MAX).map((charge) => chargeRow(world, charge)),
)}
${
  state.settlements.length > 0 &&
  html`<form method="post" class="actions"><p>${state.settlements.length} on their way.</p>${button('settle', {}, 'Let the money arrive')}</form>`
}
${section(
  'Subscriptions',
  ['Plan', 'Customer', 'State', 'Period ends', 'Actions'],
  subscriptions.slice(0, ROWS_MAX).map((each) => subscriptionRow(world, each)),
)}
${section(
  'Events',
  ['Type', 'Object', 'Delivered', 'Actions'],
  log.slice(0, ROWS_MAX).map((event) => eventRow(event, events)),
)}
</main>`,
    error ? 400 : 200,
  )
}

function section(title: string, columns: string[], rows: Html[]): Html {
  const id = title.toLowerCase()
  return html`<section class="group" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${
  rows.length === 0
    ? html`<p class="quiet">None yet.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="List of ${id}"><table>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`
}</section>`
}

/** A button that posts its fields to the dashboard. */
function button(name: string, fields: Record<string, string>, label: string): Html {
  return html`<form method="post" class="tool">${Object.entries({ do: name, ...fields }).map(
    ([field, value]) => html`<input type="hidden" name="${field}" value="${value}">`,
  )}<button class="plain small">${label}</button></form>`
}

function customerLabel(world: World, id: string | null): string {
  const customer = id ? world.state.customers[id] : undefined
  return customer?.email ?? customer?.name ?? id ?? 'guest'
}

function chargeRow(world: World, charge: Charge): Html {
  const dispute = Object.values(world.state.disputes).find((each) => each.charge === charge.id)
  const left = charge.amount - charge.amount_refunded
  const paid = charge.status === 'succeeded'
  const states = [
    charge.status,
    charge.amount_refunded > 0 && `${money(charge.amount_refunded, charge.currency)} refunded`,
    dispute && `dispute: ${dispute.status.replace('_', ' ')}`,
  ]
  const open = dispute?.status === 'needs_response'
  const refundable = paid && (!dispute || dispute.status === 'won')
  return html`<tr><td>${day(charge.created)}</td><td>${customerLabel(world, charge.customer)}</td>
<td><a href="${charge.receipt_url}">${money(charge.amount, charge.currency)}</a></td><td>${states.filter(Boolean).join(', ')}</td>
<td><div class="tools">${refundable && left > 0 && button('refund', { charge: charge.id }, 'Refund')}${
    refundable &&
    left > 1 &&
    button('refund', { charge: charge.id, amount: String(Math.floor(left / 2)) }, 'Refund half')
  }${paid && left > 0 && !dispute && button('dispute', { charge: charge.id }, 'Dispute')}${
    dispute && open && button('dispute', { dispute: dispute.id, outcome: 'won' }, 'Dispute won')
  }${dispute && open && button('dispute', { dispute: dispute.id, outcome: 'lost' }, 'Dispute lost')}</div></td></tr>`
}

function subscriptionRow(world: World, subscription: Subscription): Html {
  const [item] = subscription.items.data
  const act = (action: string, label: string) =>
    button('subscription', { id: subscription.id, action }, label)
  const ends = subscription.cancel_at_period_end
  return html`<tr><td>${item && productName(world.state, item.price)}</td><td>${customerLabel(world, subscription.customer)}</td>
<td>${subscription.status.replace('_', ' ')}${ends && ', cancels'}</td><td>${item && day(item.current_period_end)}</td>
<td><div class="tools">${
    isLiving(subscription) &&
    html`${!ends && act('renew', 'Renew')}${!ends && act('fail', 'Fail the renewal')}${
      subscription.status === 'past_due' && act('recover', 'Collect')
    }${ends && act('end', 'End the period')}${act('cancel', 'Cancel now')}`
  }</div></td></tr>`
}

function eventRow(event: StripeEvent, events: Events): Html {
  const tries = events.deliveries.filter((delivery) => delivery.event === event.id)
  const last = tries.at(-1)
  const told = !last ? 'not sent' : last.status === 0 ? 'unreachable' : `${last.status}`
  return html`<tr><td>${event.type}</td><td><code>${String(event.data.object.id ?? '')}</code></td>
<td>${told}${tries.length > 1 && ` (${tries.length} tries)`}</td><td>${button('resend', { id: event.id }, 'Send again')}</td></tr>`
}
