/** The pages of the simulated checkout.stripe.com and pay.stripe.com: checkout, receipts, invoices. */
import { BEHAVIOURS, isBehaviour, methodLabel } from './cards.ts'
import { expireSession, fixedEmail } from './checkout.ts'
import { type CheckoutForm, checkoutPage } from './checkout-page.ts'
import { applyPromotionCode, removeDiscount } from './checkout-totals.ts'
import { completeCheckout } from './complete-checkout.ts'
import { day, document, html, messagePage, money, redirect } from './html.ts'
import { type Params, text } from './params.ts'
import type { CheckoutSession, World } from './types.ts'

/** A page: `post` is undefined for a GET. `settled` waits, as Stripe does, until the webhook has been told. */
export type PageCall = {
  world: World
  path: Record<string, string>
  query: URLSearchParams
  post: Params | undefined
  settled: () => Promise<void>
}

/** One page of the simulated sites. */
export type PageRoute = { pattern: string; handle: (call: PageCall) => Response | Promise<Response> }

/** Where people pay, and what they get for it. */
export const checkoutPages: PageRoute[] = [
  { pattern: '/c/pay/:id', handle: payPage },
  { pattern: '/receipts/:id', handle: receiptPage },
  { pattern: '/invoices/:id', handle: invoicePage },
]

async function payPage({ world, path, query, post, settled }: PageCall): Promise<Response> {
  const session = own(world.state.sessions, path.id)
  if (!session)
    return messagePage('This page does not exist', 'There is no such checkout in this simulation.', {
      status: 404,
    })
  if (session.status === 'open' && session.expires_at <= world.now()) expireSession(world, session)
  if (!post || session.status !== 'open') return checkoutPage(world, session, complaint(query))
  const action = text(post, 'action')
  if (action === 'promotion') return applyPromotion(world, session, post)
  if (action === 'remove-promotion') {
    removeDiscount(world, session)
    return redirect(`/c/pay/${session.id}`)
  }
  const behaviour = text(post, 'behaviour') ?? 'succeeds'
  const email = fixedEmail(session) ?? (text(post, 'email') ?? '').slice(0, 200)
  const name = (text(post, 'name') ?? '').slice(0, 200)
  if (!isBehaviour(behaviour) || !session.payment_method_types.includes(BEHAVIOURS[behaviour].type))
    return redirect(`/c/pay/${session.id}?declined=other`)
  const error = completeCheckout(world, session, { email, name, behaviour })
  if (error) return redirect(`/c/pay/${session.id}?declined=${behaviour}`)
  // Stripe too holds the browser for up to ten seconds until the endpoint has answered.
  await settled()
  return redirect((session.success_url ?? '/').replaceAll('{CHECKOUT_SESSION_ID}', session.id))
}

function applyPromotion(world: World, session: CheckoutSession, post: Params): Response {
  const typed = text(post, 'promotion') ?? ''
  if (session.allow_promotion_codes && applyPromotionCode(world, session, typed))
    return redirect(`/c/pay/${session.id}`)
  return redirect(`/c/pay/${session.id}?code=${encodeURIComponent(typed.slice(0, 64))}`)
}

/** What the page says after a redirect. Errors are told that way so that going back never sends a form again. */
function complaint(query: URLSearchParams): CheckoutForm {
  const declined = query.get('declined')
  const code = query.get('code')
  if (declined !== null && isBehaviour(declined))
    return { behaviour: declined, error: 'Your card was declined. Choose another one to try again.' }
  if (declined !== null) return { error: 'There is no such test card.' }
  return code === null ? {} : { promotion: code, promotionError: 'This code is invalid.' }
}

function own<Item>(collection: Record<string, Item>, id = ''): Item | undefined {
  return Object.hasOwn(collection, id) ? collection[id] : undefined
}

function receiptPage({ world, path }: PageCall): Response {
  const charge = own(world.state.charges, path.id)
  if (!charge)
    return messagePage('No such receipt', 'There is no such payment in this simulation.', { status: 404 })
  const method = world.state.paymentMethods[charge.payment_method ?? '']
  const refunds = Object.values(world.state.refunds).filter(
    (refund) => refund.charge === charge.id && refund.status !== 'failed',
  )
  const rows: [string, string][] = [
    ['Amount paid', money(charge.paid ? charge.amount : 0, charge.currency)],
    ['Date', day(charge.created)],
    ['Payment method', methodLabel(method)],
    ['Receipt number', charge.id.slice(-8).toUpperCase()],
    ...refunds.map((refund): [string, string] => [
      `Refunded on ${day(refund.created)}`,
      money(-refund.amount, refund.currency),
    ]),
  ]
  return document(
    'Receipt (simulated Stripe)',
    html`<main class="single"><h1>Receipt from Faregate</h1>
<p class="amount">${money(charge.amount, charge.currency)}</p>
${charge.status !== 'succeeded' && html`<p><span class="status">${charge.status}</span></p>`}
<section class="card" aria-label="Details">
${charge.description && html`<p>${charge.description}</p>`}
<dl class="rows">${rows.map(([label, value]) => html`<div><dt class="quiet">${label}</dt><dd class="figure">${value}</dd></div>`)}</dl>
</section></main>`,
  )
}

function invoicePage({ world, path }: PageCall): Response {
  const invoice = own(world.state.invoices, path.id)
  if (!invoice)
    return messagePage('No such invoice', 'There is no such invoice in this simulation.', { status: 404 })
  return document(
    'Invoice (simulated Stripe)',
    html`<main class="single"><h1>Invoice ${invoice.number}</h1>
<p class="amount">${money(invoice.total, invoice.currency)}</p>
<p><span class="status">${invoice.status}</span> <span class="quiet">${day(invoice.created)}</span></p>
<section class="card" aria-label="Lines"><dl class="rows">
${invoice.lines.data.map((line) => html`<div><dt>${line.description}</dt><dd class="figure">${money(line.amount, line.currency)}</dd></div>`)}
<div class="total"><dt>Total</dt><dd class="figure">${money(invoice.total, invoice.currency)}</dd></div>
</dl></section></main>`,
  )
}
