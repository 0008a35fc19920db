/** The simulated Stripe's subscriptions and customer portal, spoken to by the real SDK, the pages as a browser does. */
import type Stripe from 'stripe'
import { describe, expect, test } from 'vitest'
import { payOnPage, start, submit, typesOf } from './stripe/test-kit.ts'

const DAY_MS = 86_400_000

type Simulated = Awaited<ReturnType<typeof start>>

function planCheckout(stripe: Stripe, customer?: string) {
  return stripe.checkout.sessions.create({
    mode: 'subscription',
    ...(customer ? { customer } : {}),
    line_items: [{ price: 'price_pro_month', quantity: 1 }],
    subscription_data: { metadata: { faregate_plan: 'pro' } },
    success_url: 'http://localhost:3000/buy',
    allow_promotion_codes: true,
  })
}

/** A subscriber to Pro, and what happens from then on. */
async function subscriber(simulated: Simulated, behaviour = 'succeeds') {
  const { stripe, endpoint, simulator } = simulated
  const customer = await stripe.customers.create({ email: 'ada@example.com' })
  const session = await planCheckout(stripe, customer.id)
  await payOnPage(session.url, behaviour)
  const { subscription } = await stripe.checkout.sessions.retrieve(session.id)
  let since = endpoint.taken.length
  return {
    customer: customer.id,
    id: String(subscription),
    session,
    current: () => stripe.subscriptions.retrieve(String(subscription)),
    /** The events since the last time that somebody asked. */
    later: async () => {
      await simulator.settled()
      const events = endpoint.taken.slice(since)
      since = endpoint.taken.length
      return events
    },
  }
}

describe('a subscription', () => {
  test('begins at the checkout, with a paid invoice', async () => {
    const simulated = await start()
    const { stripe, endpoint } = simulated
    const ada = await subscriber(simulated)
    const subscription = await ada.current()
    const [item] = subscription.items.data
    expect(subscription).toMatchObject({
      status: 'active',
      customer: ada.customer,
      metadata: { faregate_plan: 'pro' },
      cancel_at_period_end: false,
      items: { data: [{ price: { id: 'price_pro_month' }, quantity: 1 }] },
    })
    expect(subscription).not.toHaveProperty('current_period_end')
    expect((item?.current_period_end ?? 0) - (item?.current_period_start ?? 0)).toBeGreaterThan(27 * 86_400)
    const types = typesOf(endpoint.taken)
    for (const type of ['customer.subscription.created', 'invoice.paid', 'checkout.session.completed'])
      expect(types).toContain(type)
    const paid = endpoint.taken.find(({ type }) => type === 'invoice.paid')
    expect(paid?.data.object).toMatchObject({
      billing_reason: 'subscription_create',
      amount_paid: 2000,
      status: 'paid',
      parent: {
        type: 'subscription_details',
        subscription_details: { subscription: ada.id, metadata: { faregate_plan: 'pro' } },
      },
      lines: { data: [{ pricing: { price_details: { price: 'price_pro_month' } } }] },
    })
    expect(paid?.data.object).not.toHaveProperty('subscription')
    expect(await stripe.checkout.sessions.retrieve(ada.session.id)).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      amount_total: 2000,
      payment_intent: null,
      invoice: Reflect.get(paid?.data.object ?? {}, 'id'),
    })
    const payments = await stripe.invoicePayments.list({ invoice: String(subscription.latest_invoice) })
    expect(payments.data).toMatchObject([{ status: 'paid', payment: { type: 'payment_intent' } }])
    expect((await stripe.subscriptions.list({ customer: ada.customer })).data.map(({ id }) => id)).toEqual([
      ada.id,
    ])
  })

  test('with a declined card does not begin', async () => {
    const simulated = await start()
    const session = await planCheckout(simulated.stripe)
    expect((await payOnPage(session.url, 'declined')).text).toContain('Your card was declined.')
    expect((await simulated.stripe.subscriptions.list({ status: 'all' })).data).toEqual([])
  })

  test('whose first debit bounces falls behind', async () => {
    const simulated = await start({ asyncPaymentDelayMs: DAY_MS })
    const ada = await subscriber(simulated, 'async_fails')
    expect(await ada.current()).toMatchObject({ status: 'active' })
    simulated.simulator.settlePayments()
    expect(await ada.current()).toMatchObject({ status: 'past_due' })
    const types = typesOf(await ada.later())
    expect(types).toContain('invoice.payment_failed')
    expect(types).toContain('checkout.session.async_payment_failed')
  })

  test('renews: a new period, a paid invoice', async () => {
    const simulated = await start()
    const ada = await subscriber(simulated)
    const [before] = (await ada.current()).items.data
    simulated.simulator.subscription(ada.id, 'renew')
    const [after] = (await ada.current()).items.data
    expect(after?.current_period_start).toBeGreaterThan(before?.current_period_start ?? 0)
    const events = await ada.later()
    const updated = events.find(({ type }) => type === 'customer.subscription.updated')
    expect(updated?.data.previous_attributes).toMatchObject({
      items: { data: [{ current_period_start: before?.current_period_start }] },
    })
    expect(events.find(({ type }) => type === 'invoice.paid')?.data.object).toMatchObject({
      billing_reason: 'subscription_cycle',
      lines: { data: [{ period: { start: after?.current_period_start, end: after?.current_period_end } }] },
    })
  })

  test('renews by the clock, on the day of the month that it began, and ends where that was wished', async () => {
    let now = Date.UTC(2027, 0, 31, 12)
    const simulated = await start({ now: () => now })
    const ada = await subscriber(simulated)
    const ends = async () => new Date(((await ada.current()).items.data[0]?.current_period_end ?? 0) * 1000)
    expect((await ends()).toISOString()).toBe('2027-02-28T12:00:00.000Z')
    now = Date.UTC(2027, 2, 2)
    expect((await ends()).toISOString()).toBe('2027-03-31T12:00:00.000Z')
    await simulated.stripe.subscriptions.update(ada.id, { cancel_at_period_end: true })
    now = Date.UTC(2027, 3, 2)
    expect(await ada.current()).toMatchObject({ status: 'canceled' })
    const types = typesOf(await ada.later())
    expect(types.filter((type) => type === 'invoice.paid')).toHaveLength(1)
    expect(types.at(-1)).toBe('customer.subscription.deleted')
  })

  test('that is not paid is past due, until it is', async () => {
    const simulated = await start()
    const ada = await subscriber(simulated)
    simulated.simulator.subscription(ada.id, 'fail')
    expect(await ada.current()).toMatchObject({ status: 'past_due' })
    const failed = await ada.later()
    expect(typesOf(failed)).toContain('invoice.payment_failed')
    expect(failed.at(-1)).toMatchObject({
      type: 'customer.subscription.updated',
      data: { object: { status: 'past_due' }, previous_attributes: { status: 'active' } },
    })
    simulated.simulator.subscription(ada.id, 'recover')
    expect(await ada.current()).toMatchObject({ status: 'active' })
    expect(typesOf(await ada.later())).toContain('invoice.paid')
  })

  test('on a card that is declined later is past due at its renewal', async () => {
    const simulated = await start()
    const ada = await subscriber(simulated, 'declined_later')
    simulated.simulator.subscription(ada.id, 'renew')
    expect(await ada.current()).toMatchObject({ status: 'past_due' })
  })

  test('changes its price: the way up is billed at once if asked, the way down with the next invoice', async () => {
    const simulated = await start()
    const { stripe } = simulated
    const ada = await subscriber(simulated)
    const item = (await ada.current()).items.data[0]?.id ?? ''
    await stripe.subscriptions.update(ada.id, {
      items: [{ id: item, price: 'price_team_month' }],
      proration_behavior: 'always_invoice',
    })
    const up = await ada.later()
    expect(up.find(({ type }) => type === 'customer.subscription.updated')).toMatchObject({
      data: {
        object: { items: { data: [{ price: { id: 'price_team_month' } }] } },
        previous_attributes: { items: { data: [{ price: { id: 'price_pro_month' } }] } },
      },
    })
    expect(up.find(({ type }) => type === 'invoice.paid')?.data.object).toMatchObject({
      billing_reason: 'subscription_update',
      amount_paid: 3000,
    })
    await stripe.subscriptions.update(ada.id, { items: [{ id: item, price: 'price_pro_month' }] })
    expect(typesOf(await ada.later())).toEqual(['customer.subscription.updated'])
    simulated.simulator.subscription(ada.id, 'renew')
    const renewed = await ada.later()
    expect(renewed.find(({ type }) => type === 'invoice.paid')?.data.object).toMatchObject({
      subtotal: -1000,
      amount_paid: 0,
    })
  })

  test('that changes to a yearly price starts a period at once', async () => {
    const simulated = await start()
    const ada = await subscriber(simulated)
    const item = (await ada.current()).items.data[0]?.id ?? ''
    await simulated.stripe.subscriptions.update(ada.id, { items: [{ id: item, price: 'price_pro_year' }] })
    const [after] = (await ada.current()).items.data
    expect((after?.current_period_end ?? 0) - (after?.current_period_start ?? 0)).toBeGreaterThan(
      364 * 86_400,
    )
    const paid = (await ada.later()).find(({ type }) => type === 'invoice.paid')
    expect(paid?.data.object).toMatchObject({ amount_paid: 18_000 })
  })

  test('is canceled at once', async () => {
    const simulated = await start()
    const ada = await subscriber(simulated)
    expect(await simulated.stripe.subscriptions.cancel(ada.id)).toMatchObject({ status: 'canceled' })
    expect(typesOf(await ada.later())).toEqual(['customer.subscription.deleted'])
    expect((await simulated.stripe.subscriptions.list({ customer: ada.customer })).data).toEqual([])
    const all = await simulated.stripe.subscriptions.list({ customer: ada.customer, status: 'all' })
    expect(all.data).toHaveLength(1)
  })

  test('that costs nothing the first time begins without a payment', async () => {
    const simulated = await start()
    const { stripe } = simulated
    const session = await planCheckout(stripe)
    await submit(session.url, { action: 'promotion', promotion: 'FREE100' })
    await payOnPage(session.url)
    const after = await stripe.checkout.sessions.retrieve(session.id, { expand: ['subscription', 'invoice'] })
    expect(after).toMatchObject({
      subscription: { status: 'active' },
      invoice: { status: 'paid', amount_paid: 0 },
    })
    expect((await stripe.charges.list()).data).toEqual([])
  })
})

describe('the portal', () => {
  test('cancels, resumes and changes a plan, and lists what was paid', async () => {
    const simulated = await start()
    const { stripe } = simulated
    const ada = await subscriber(simulated)
    const { url } = await stripe.billingPortal.sessions.create({
      customer: ada.customer,
      return_url: 'http://localhost:3000/account',
    })
    const page = await (await fetch(url)).text()
    for (const text of ['Pro, $20.00 per month', 'http://localhost:3000/account', '/receipts/ch_'])
      expect(page).toContain(text)
    expect((await submit(url, { action: 'cancel', subscription: ada.id })).status).toBe(303)
    expect(await ada.current()).toMatchObject({ cancel_at_period_end: true, status: 'active' })
    expect(await (await fetch(url)).text()).toContain('It will not renew')
    await submit(url, { action: 'resume', subscription: ada.id })
    expect(await ada.current()).toMatchObject({ cancel_at_period_end: false, cancel_at: null })
    await submit(url, { action: 'change', subscription: ada.id, price: 'price_team_month' })
    expect((await ada.current()).items.data[0]?.price.id).toBe('price_team_month')
    expect(typesOf(await ada.later()).filter((type) => type.startsWith('customer.subscription'))).toEqual(
      Array(3).fill('customer.subscription.updated'),
    )
  })

  test('pays what is open with another card', async () => {
    const simulated = await start()
    const ada = await subscriber(simulated)
    simulated.simulator.subscription(ada.id, 'fail')
    const { url } = await simulated.stripe.billingPortal.sessions.create({ customer: ada.customer })
    expect(await (await fetch(url)).text()).toContain('The last payment failed')
    await submit(url, { action: 'card', subscription: ada.id, behaviour: 'succeeds' })
    expect(await ada.current()).toMatchObject({ status: 'active' })
  })

  test('touches nobody else’s plan, and opens for nobody unknown', async () => {
    const simulated = await start()
    const ada = await subscriber(simulated)
    const bob = await simulated.stripe.customers.create()
    const { url } = await simulated.stripe.billingPortal.sessions.create({ customer: bob.id })
    await submit(url, { action: 'cancel', subscription: ada.id })
    expect(await ada.current()).toMatchObject({ cancel_at_period_end: false })
    expect((await fetch(`${simulated.simulator.url}/p/session/bps_gone`)).status).toBe(404)
    await expect(
      simulated.stripe.billingPortal.sessions.create({ customer: 'cus_gone' }),
    ).rejects.toMatchObject({ statusCode: 400, code: 'resource_missing' })
  })
})
