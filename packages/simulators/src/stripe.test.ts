/** The simulated Stripe's checkout, spoken to by the real SDK over real sockets. */
import { expect, test } from 'vitest'
import { packCheckout, payOnPage, start, typesOf } from './stripe/test-kit.ts'

test('a pack that is paid on the hosted page tells the endpoint in order and returns to the app', async () => {
  const { stripe, endpoint } = await start()
  const customer = await stripe.customers.create({ email: 'ada@example.com', metadata: { account: 'a' } })
  const session = await packCheckout(stripe, { customer: customer.id })
  expect(session).toMatchObject({
    object: 'checkout.session',
    status: 'open',
    payment_status: 'unpaid',
    amount_subtotal: 1000,
    amount_total: 1000,
    currency: 'usd',
    customer: customer.id,
    client_reference_id: 'clerk:user_2a',
    metadata: { faregate_account: 'clerk:user_2a', faregate_payment: 'pay_1' },
    payment_intent: null,
  })
  const page = await (await fetch(session.url ?? '')).text()
  expect(page).toContain('Starter: 1,000 credits')
  expect(page).toContain('Pay $10.00')
  expect(page).toContain('value="ada@example.com"')

  const paid = await payOnPage(session.url)
  expect(paid).toMatchObject({
    status: 303,
    location: `http://localhost:3000/buy?checkout=done&session=${session.id}`,
  })
  // The page answers only when the endpoint has been told.
  const types = typesOf(endpoint.taken)
  expect(types.filter((type) => /succeeded|completed/.test(type))).toEqual([
    'payment_intent.succeeded',
    'charge.succeeded',
    'checkout.session.completed',
  ])
  const completed = endpoint.taken.at(-1)
  expect(completed).toMatchObject({
    object: 'event',
    api_version: '2026-10-28.endive',
    livemode: false,
    data: {
      object: { id: session.id, status: 'complete', payment_status: 'paid', amount_total: 1000, url: null },
    },
  })
  const after = await stripe.checkout.sessions.retrieve(session.id, {
    expand: ['payment_intent.latest_charge', 'line_items'],
  })
  const intent = after.payment_intent
  expect(intent).toMatchObject({ status: 'succeeded', metadata: { faregate_payment: 'pay_1' } })
  expect(intent).toHaveProperty('latest_charge.metadata.faregate_payment', 'pay_1')
  expect(after.line_items?.data[0]?.description).toBe('Starter: 1,000 credits')
  const saved = await stripe.customers.listPaymentMethods(customer.id)
  expect(saved.data.map(({ card }) => card?.last4)).toEqual(['4242'])
})
