/** The simulated Stripe's checkout, spoken to by the real SDK over real sockets, its page paid as a browser does. */
import { describe, expect, test } from 'vitest'
import { packCheckout, payOnPage, start, submit, typesOf } from './stripe/test-kit.ts'

/** The events that tell of money, in order. */
function telling(events: { type: string }[]): string[] {
  return typesOf(events).filter((type) => /succeeded|failed|completed|processing|expired/.test(type))
}

describe('a pack', () => {
  test('that is paid tells the endpoint in order and returns to the app', async () => {
    const { stripe, endpoint } = await start()
    const customer = await stripe.customers.create({ email: 'ada@example.com' })
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
    expect(paid.status).toBe(303)
    expect(paid.location).toBe(`http://localhost:3000/buy?checkout=done&session=${session.id}`)
    // The page answers only when the endpoint has been told.
    expect(telling(endpoint.taken)).toEqual([
      'payment_intent.succeeded',
      'charge.succeeded',
      'checkout.session.completed',
    ])
    expect(endpoint.taken.at(-1)).toMatchObject({
      id: expect.stringMatching(/^evt_/),
      object: 'event',
      api_version: '2026-10-28.endive',
      livemode: false,
      data: {
        object: { id: session.id, status: 'complete', payment_status: 'paid', amount_total: 1000, url: null },
      },
    })
  })

  test('that is paid copies the intent’s metadata to the charge, and saves the card', async () => {
    const { stripe } = await start()
    const customer = await stripe.customers.create({ email: 'ada@example.com' })
    const session = await packCheckout(stripe, { customer: customer.id })
    await payOnPage(session.url)
    const after = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['payment_intent.latest_charge', 'line_items'],
    })
    expect(after.payment_intent).toMatchObject({
      status: 'succeeded',
      amount_received: 1000,
      metadata: { faregate_payment: 'pay_1' },
      latest_charge: { paid: true, amount: 1000, metadata: { faregate_payment: 'pay_1' } },
    })
    expect(after.line_items?.data[0]?.description).toBe('Starter: 1,000 credits')
    const charges = await stripe.charges.list({ customer: customer.id })
    const receipt = await fetch(charges.data[0]?.receipt_url ?? '')
    expect(receipt.status).toBe(200)
    expect(await receipt.text()).toContain('$10.00')
    const saved = await stripe.customers.listPaymentMethods(customer.id, { type: 'card' })
    expect(saved.data.map(({ card }) => card?.last4)).toEqual(['4242'])
  })

  test('is paid once, however often its form is sent', async () => {
    const { stripe, endpoint } = await start()
    const session = await packCheckout(stripe)
    await Promise.all([payOnPage(session.url), payOnPage(session.url), payOnPage(session.url)])
    expect(telling(endpoint.taken).filter((type) => type === 'checkout.session.completed')).toHaveLength(1)
    expect((await stripe.charges.list()).data).toHaveLength(1)
  })

  test('with a declined card stays open, says so, and is paid by another card', async () => {
    const { stripe, endpoint, simulator } = await start()
    const session = await packCheckout(stripe)
    const declined = await payOnPage(session.url, 'declined')
    expect(declined.location).toBe(`/c/pay/${session.id}?declined=declined`)
    expect(declined.text).toContain('Your card was declined.')
    await simulator.settled()
    expect(telling(endpoint.taken)).toEqual(['payment_intent.payment_failed', 'charge.failed'])
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ status: 'open' })
    expect((await payOnPage(session.url)).status).toBe(303)
    const { payment_intent } = await stripe.checkout.sessions.retrieve(session.id)
    const charges = await stripe.charges.list({ payment_intent: String(payment_intent) })
    expect(charges.data.map(({ status }) => status)).toEqual(['succeeded', 'failed'])
  })

  test.each([
    ['async_succeeds', 'paid', 'checkout.session.async_payment_succeeded', 'payment_intent.succeeded'],
    ['async_fails', 'unpaid', 'checkout.session.async_payment_failed', 'payment_intent.payment_failed'],
  ])(
    'whose money comes later (%s) is completed unpaid, then told of',
    async (behaviour, status, last, intent) => {
      const { stripe, endpoint, simulator } = await start({ asyncPaymentDelayMs: 3_600_000 })
      const session = await packCheckout(stripe)
      await payOnPage(session.url, behaviour)
      expect(telling(endpoint.taken)).toEqual(['payment_intent.processing', 'checkout.session.completed'])
      expect(endpoint.taken.at(-1)).toMatchObject({ data: { object: { payment_status: 'unpaid' } } })
      simulator.settlePayments()
      await simulator.settled()
      expect(telling(endpoint.taken).slice(2)).toContain(intent)
      expect(endpoint.taken.at(-1)).toMatchObject({
        type: last,
        data: { object: { id: session.id, payment_status: status } },
      })
    },
  )

  test('whose money comes later is told of when it has come, without anybody’s doing', async () => {
    const { stripe, endpoint } = await start({ asyncPaymentDelayMs: 0 })
    await payOnPage((await packCheckout(stripe)).url, 'async_succeeds')
    await expect
      .poll(() => typesOf(endpoint.taken), { timeout: 10_000 })
      .toContain('checkout.session.async_payment_succeeded')
  })

  test('with a promotion code is cheaper, and with another free', async () => {
    const { stripe, endpoint } = await start()
    const session = await packCheckout(stripe, { allow_promotion_codes: true })
    const wrong = await submit(session.url, { action: 'promotion', promotion: 'NOPE' })
    expect(wrong.text).toContain('This code is invalid.')
    await submit(session.url, { action: 'promotion', promotion: 'tenoff' })
    expect(await (await fetch(session.url ?? '')).text()).toContain('Pay $9.00')
    await payOnPage(session.url)
    expect(endpoint.taken.at(-1)).toMatchObject({
      data: {
        object: {
          amount_subtotal: 1000,
          amount_total: 900,
          total_details: { amount_discount: 100 },
          discounts: [{ promotion_code: 'promo_tenoff' }],
        },
      },
    })

    const free = await packCheckout(stripe, { allow_promotion_codes: true })
    await submit(free.url, { action: 'promotion', promotion: 'FREE100' })
    expect((await submit(free.url, { action: 'pay', email: 'ada@example.com' })).status).toBe(303)
    expect(endpoint.taken.at(-1)).toMatchObject({
      data: { object: { amount_total: 0, payment_status: 'no_payment_required', payment_intent: null } },
    })
  })

  test('takes no promotion code where none is allowed', async () => {
    const { stripe } = await start()
    const session = await packCheckout(stripe)
    const refused = await submit(session.url, { action: 'promotion', promotion: 'FREE100' })
    expect(refused.location).toBe(`/c/pay/${session.id}?code=FREE100`)
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ amount_total: 1000 })
  })

  test('with automatic tax costs the tax too', async () => {
    const { stripe } = await start({ taxPercent: 20 })
    const session = await packCheckout(stripe, { automatic_tax: { enabled: true } })
    expect(session).toMatchObject({
      amount_subtotal: 1000,
      amount_total: 1200,
      total_details: { amount_tax: 200 },
    })
  })

  test('with an invoice has a paid one', async () => {
    const { stripe, endpoint } = await start()
    const session = await packCheckout(stripe, { invoice_creation: { enabled: true } })
    await payOnPage(session.url)
    const { invoice } = await stripe.checkout.sessions.retrieve(session.id, { expand: ['invoice'] })
    expect(invoice).toMatchObject({ status: 'paid', total: 1000, amount_paid: 1000, parent: null })
    expect(typesOf(endpoint.taken)).toContain('invoice.paid')
  })
})

describe('a session', () => {
  test('is expired by its seller, or by time, and is then paid by nobody', async () => {
    let now = Date.now()
    const { stripe, endpoint, simulator } = await start({ now: () => now })
    const first = await packCheckout(stripe)
    expect(await stripe.checkout.sessions.expire(first.id)).toMatchObject({ status: 'expired', url: null })
    await expect(stripe.checkout.sessions.expire(first.id)).rejects.toMatchObject({ statusCode: 400 })
    const second = await packCheckout(stripe, { expires_at: Math.floor(now / 1000) + 1800 })
    now += 1_800_000
    const late = await payOnPage(second.url)
    expect(late.text).toContain('This page has expired')
    await simulator.settled()
    expect(telling(endpoint.taken)).toEqual(['checkout.session.expired', 'checkout.session.expired'])
    expect((await stripe.charges.list()).data).toEqual([])
  })

  test('is listed, newest first, by customer and page by page', async () => {
    const { stripe } = await start()
    const customer = await stripe.customers.create()
    const made: string[] = []
    for (let index = 0; index < 3; index += 1)
      made.unshift((await packCheckout(stripe, { customer: customer.id })).id)
    await packCheckout(stripe)
    const seen: string[] = []
    for await (const session of stripe.checkout.sessions.list({ customer: customer.id, limit: 2 }))
      seen.push(session.id)
    expect(seen).toEqual(made)
  })

  test.each([
    [
      'what is not simulated',
      { after_expiration: { recovery: { enabled: true } } },
      'after_expiration',
      'parameter_unknown',
    ],
    ['an unknown customer', { customer: 'cus_gone' }, 'customer', 'resource_missing'],
    ['a return that is no address', { success_url: 'javascript:alert(1)' }, 'success_url', 'url_invalid'],
    ['an end that is too near', { expires_at: Math.floor(Date.now() / 1000) + 60 }, 'expires_at', undefined],
    [
      'what belongs to a plan',
      { subscription_data: { metadata: { plan: 'pro' } } },
      'subscription_data',
      undefined,
    ],
    ['no price', { line_items: [] }, 'line_items', 'parameter_missing'],
    [
      'an unknown price',
      { line_items: [{ price: 'price_gone', quantity: 1 }] },
      'line_items[0][price]',
      'resource_missing',
    ],
  ])('with %s is refused with 400', async (_, changes, param, code) => {
    const { stripe } = await start()
    await expect(packCheckout(stripe, changes)).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      statusCode: 400,
      param,
      code,
    })
  })

  test('takes the email that is typed last, and none instead of the one that is known', async () => {
    const { stripe } = await start()
    const guest = await packCheckout(stripe, { payment_intent_data: {} })
    await submit(guest.url, { action: 'pay', email: 'adda@example.com', behaviour: 'declined' })
    await submit(guest.url, { action: 'pay', email: 'ada@example.com', behaviour: 'succeeds' })
    const known = await packCheckout(stripe, { customer_email: 'grace@example.com' })
    await submit(known.url, { action: 'pay', email: 'eve@example.com', behaviour: 'succeeds' })
    const emails = await Promise.all(
      [guest, known].map(
        async ({ id }) => (await stripe.checkout.sessions.retrieve(id)).customer_details?.email,
      ),
    )
    expect(emails).toEqual(['ada@example.com', 'grace@example.com'])
  })

  test('offers the means of payment that it was asked to', async () => {
    const { stripe } = await start()
    const session = await packCheckout(stripe, { allowed_payment_method_types: ['card'] })
    const page = await (await fetch(session.url ?? '')).text()
    expect(page).toContain('value="declined"')
    expect(page).not.toContain('value="async_succeeds"')
    expect((await payOnPage(session.url, 'async_succeeds')).text).toContain('There is no such test card.')
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ status: 'open' })
  })

  test('shows what its names hold as text', async () => {
    const { stripe } = await start()
    const session = await packCheckout(stripe, {
      customer_email: '"><script>alert(1)</script>@example.com',
      line_items: [
        {
          price_data: {
            currency: 'usd',
            unit_amount: 500,
            product_data: { name: '<script>alert(2)</script>' },
          },
          quantity: 1,
        },
      ],
    })
    const page = await (await fetch(session.url ?? '')).text()
    expect(page).not.toContain('<script>')
    expect(page).toContain('&#60;script&#62;alert(2)')
  })
})
