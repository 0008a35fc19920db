/** The simulated Stripe's payments without their owner, refunds and disputes, spoken to by the real SDK. */
import Stripe from 'stripe'
import { describe, expect, test } from 'vitest'
import { packCheckout, payOnPage, start, submit, typesOf } from './stripe/test-kit.ts'

type Simulated = Awaited<ReturnType<typeof start>>

/** A customer with a saved card, and the payment that saved it. */
async function buyer(simulated: Simulated, behaviour = 'succeeds') {
  const { stripe } = simulated
  const customer = await stripe.customers.create({ email: 'ada@example.com' })
  const session = await packCheckout(stripe, { customer: customer.id })
  await payOnPage(session.url, behaviour)
  const { payment_intent } = await stripe.checkout.sessions.retrieve(session.id)
  const [card] = (await stripe.paymentMethods.list({ customer: customer.id, type: 'card' })).data
  const since = simulated.endpoint.taken.length
  return {
    customer: customer.id,
    card: card?.id ?? '',
    intent: String(payment_intent),
    /** What happened after the purchase. */
    later: async () => {
      await simulated.simulator.settled()
      return simulated.endpoint.taken.slice(since)
    },
  }
}

function topUp(
  stripe: Stripe,
  { customer, card }: { customer: string; card: string },
  idempotencyKey?: string,
) {
  return stripe.paymentIntents.create(
    {
      amount: 1000,
      currency: 'usd',
      customer,
      payment_method: card,
      off_session: true,
      confirm: true,
      metadata: { faregate_payment: 'pay_2' },
    },
    idempotencyKey ? { idempotencyKey } : {},
  )
}

describe('a payment without its owner', () => {
  test('on a good card succeeds, once for its key', async () => {
    const simulated = await start()
    const { stripe } = simulated
    const ada = await buyer(simulated)
    const made = await topUp(stripe, ada, 'top-up')
    expect(await topUp(stripe, ada, 'top-up')).toMatchObject({ id: made.id, status: 'succeeded' })
    const intent = await stripe.paymentIntents.retrieve(made.id, { expand: ['latest_charge'] })
    expect(intent).toMatchObject({
      status: 'succeeded',
      amount_received: 1000,
      latest_charge: { object: 'charge', paid: true, metadata: { faregate_payment: 'pay_2' } },
    })
    expect(typesOf(await ada.later())).toEqual([
      'payment_intent.created',
      'payment_intent.succeeded',
      'charge.succeeded',
    ])
  })

  test.each([
    ['declined_later', 'card_declined', 'generic_decline'],
    ['authentication_required', 'authentication_required', 'authentication_required'],
  ])('on a card that is %s is a card error 402', async (behaviour, code, declineCode) => {
    const simulated = await start()
    const { stripe } = simulated
    const ada = await buyer(simulated, behaviour)
    const error: unknown = await topUp(stripe, ada, 'top-up').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Stripe.errors.StripeCardError)
    expect(error).toMatchObject({
      statusCode: 402,
      type: 'StripeCardError',
      code,
      decline_code: declineCode,
      payment_intent: {
        object: 'payment_intent',
        status: 'requires_payment_method',
        last_payment_error: { code, payment_method: { id: ada.card } },
        metadata: { faregate_payment: 'pay_2' },
      },
    })
    // A key stands for a refusal too.
    await expect(topUp(stripe, ada, 'top-up')).rejects.toMatchObject({ statusCode: 402, code })
    const later = await ada.later()
    expect(typesOf(later)).toEqual([
      'payment_intent.created',
      'payment_intent.payment_failed',
      'charge.failed',
    ])
    expect(later[1]).toMatchObject({ data: { object: { metadata: { faregate_payment: 'pay_2' } } } })
  })

  test.each([
    ['pm_card_visa', undefined],
    ['pm_card_chargeDeclined', 'card_declined'],
    ['pm_card_authenticationRequired', 'authentication_required'],
  ])('on Stripe’s ready-made %s', async (card, code) => {
    const { stripe } = await start()
    const { id } = await stripe.customers.create()
    const attempt = topUp(stripe, { customer: id, card })
    if (code) await expect(attempt).rejects.toMatchObject({ statusCode: 402, code })
    else expect(await attempt).toMatchObject({ status: 'succeeded' })
  })

  test('on another customer’s card, or of too little, is refused with 400', async () => {
    const simulated = await start()
    const { stripe } = simulated
    const ada = await buyer(simulated)
    const bob = await stripe.customers.create()
    await expect(topUp(stripe, { customer: bob.id, card: ada.card })).rejects.toMatchObject({
      statusCode: 400,
      param: 'payment_method',
    })
    await expect(stripe.paymentIntents.create({ amount: 49, currency: 'usd' })).rejects.toMatchObject({
      statusCode: 400,
      code: 'amount_too_small',
    })
    expect(await ada.later()).toMatchObject([{ type: 'customer.created' }])
  })

  test('uses the card that its customer made the default', async () => {
    const simulated = await start()
    const { stripe } = simulated
    const ada = await buyer(simulated)
    await stripe.customers.update(ada.customer, { invoice_settings: { default_payment_method: ada.card } })
    const customer = await stripe.customers.retrieve(ada.customer, {
      expand: ['invoice_settings.default_payment_method'],
    })
    expect(customer).toMatchObject({
      invoice_settings: { default_payment_method: { card: { last4: '4242' } } },
    })
    await stripe.paymentMethods.detach(ada.card)
    expect((await stripe.customers.listPaymentMethods(ada.customer)).data).toEqual([])
  })
})

describe('refunds', () => {
  test('count up on their charge until nothing is left', async () => {
    const simulated = await start()
    const { stripe } = simulated
    const ada = await buyer(simulated)
    const first = await stripe.refunds.create({
      payment_intent: ada.intent,
      amount: 300,
      metadata: { why: 'x' },
    })
    expect(first).toMatchObject({
      object: 'refund',
      amount: 300,
      status: 'succeeded',
      metadata: { why: 'x' },
    })
    await expect(stripe.refunds.create({ payment_intent: ada.intent, amount: 701 })).rejects.toMatchObject({
      statusCode: 400,
      param: 'amount',
    })
    await stripe.refunds.create({ charge: String(first.charge) })
    await expect(stripe.refunds.create({ payment_intent: ada.intent })).rejects.toMatchObject({
      code: 'charge_already_refunded',
    })
    const later = await ada.later()
    expect(later.map(({ type, data }) => [type, Reflect.get(data.object, 'amount_refunded')])).toEqual([
      ['refund.created', undefined],
      ['charge.refunded', 300],
      ['refund.created', undefined],
      ['charge.refunded', 1000],
    ])
    expect(later[1]).toMatchObject({
      data: {
        object: { refunded: false, payment_intent: ada.intent },
        previous_attributes: { amount_refunded: 0 },
      },
    })
    expect(later[3]).toMatchObject({ data: { object: { refunded: true } } })
    const listed = await stripe.refunds.list({ payment_intent: ada.intent })
    expect(listed.data.map(({ amount }) => amount)).toEqual([700, 300])
    const charge = await stripe.charges.retrieve(String(first.charge), { expand: ['refunds'] })
    expect(charge.refunds?.data).toHaveLength(2)
  })

  test('that the bank sends back have failed, and are taken off their charge', async () => {
    const simulated = await start()
    const { stripe, simulator } = simulated
    const ada = await buyer(simulated)
    const { id, charge } = simulator.refund({ payment_intent: ada.intent }, 400)
    simulator.failRefund(id)
    expect(await stripe.refunds.retrieve(id)).toMatchObject({ status: 'failed' })
    expect(await stripe.charges.retrieve(charge ?? '')).toMatchObject({ amount_refunded: 0 })
    expect(typesOf(await ada.later()).slice(2)).toEqual([
      'refund.updated',
      'charge.refund.updated',
      'refund.failed',
    ])
  })
})

describe('disputes', () => {
  test.each([
    ['won', ['charge.dispute.funds_reinstated', 'charge.dispute.closed']],
    ['lost', ['charge.dispute.closed']],
  ] as const)('that are %s', async (outcome, ending) => {
    const simulated = await start()
    const { stripe, simulator } = simulated
    const ada = await buyer(simulated)
    const { id } = simulator.dispute({ payment_intent: ada.intent }, { amount: 600 })
    expect(await stripe.disputes.retrieve(id, { expand: ['charge'] })).toMatchObject({
      object: 'dispute',
      amount: 600,
      status: 'needs_response',
      payment_intent: ada.intent,
      charge: { disputed: true },
    })
    simulator.closeDispute(id, outcome)
    expect(() => simulator.closeDispute(id, outcome)).toThrow('already closed')
    const later = await ada.later()
    expect(typesOf(later)).toEqual(['charge.dispute.created', 'charge.dispute.funds_withdrawn', ...ending])
    expect(later.at(-1)).toMatchObject({ data: { object: { id, status: outcome } } })
    const refund = stripe.refunds.create({ payment_intent: ada.intent })
    if (outcome === 'won') expect(await refund).toMatchObject({ amount: 1000 })
    else await expect(refund).rejects.toMatchObject({ code: 'charge_disputed' })
    const net = (await stripe.disputes.retrieve(id)).balance_transactions.reduce(
      (sum, each) => sum + each.net,
      0,
    )
    expect(net).toBe(outcome === 'won' ? 0 : -2100)
  })

  test('refunds and the rest are buttons of the dashboard too', async () => {
    const simulated = await start()
    const { simulator } = simulated
    const ada = await buyer(simulated)
    const intent = await simulated.stripe.paymentIntents.retrieve(ada.intent)
    const charge = String(intent.latest_charge)
    expect(await (await fetch(simulator.url)).text()).toContain(charge)
    expect((await submit(simulator.url, { do: 'refund', charge, amount: '400' })).status).toBe(303)
    expect(typesOf(await ada.later())).toEqual(['refund.created', 'charge.refunded'])
    const tooMuch = await submit(simulator.url, { do: 'refund', charge, amount: '601' })
    expect(tooMuch.status).toBe(400)
    expect(tooMuch.text).toContain('greater than unrefunded amount')
    const foreign = await fetch(simulator.url, {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
      body: new URLSearchParams({ do: 'refund', charge }),
    })
    expect(foreign.status).toBe(403)
  })

  test('and refunds come over HTTP too', async () => {
    const simulated = await start()
    const { simulator } = simulated
    const ada = await buyer(simulated)
    const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
      const response = await fetch(`${simulator.url}/dev/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: await response.json() }
    }
    expect(await post('refund', { payment_intent: ada.intent, amount: 250 })).toMatchObject({
      status: 200,
      body: { object: 'refund', amount: 250 },
    })
    const dispute = await post('dispute', { payment_intent: ada.intent })
    expect(await post('dispute', { dispute: dispute.body.id, outcome: 'lost' })).toMatchObject({
      body: { status: 'lost' },
    })
    expect(await post('refund', { payment_intent: 'pi_gone' })).toMatchObject({ status: 400 })
    expect(await post('nothing', {})).toMatchObject({ status: 404 })
    const foreign = { origin: 'https://evil.example' }
    expect(await post('refund', { payment_intent: ada.intent }, foreign)).toMatchObject({ status: 403 })
    const log = await (await fetch(`${simulator.url}/dev/events`)).json()
    expect(typesOf(log.data)).toEqual(typesOf(simulator.events))
    expect(typesOf(log.data)).toContain('charge.dispute.closed')
  })
})
