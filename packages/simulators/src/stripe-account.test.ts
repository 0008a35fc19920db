/** The simulated Stripe's API at large: keys, idempotency, customers, prices, meters, errors, and what a restart keeps. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PRICES, packCheckout, payOnPage, sdk, start, startEndpoint, typesOf } from './stripe/test-kit.ts'
import { startStripeSimulator } from './stripe.ts'

describe('the API', () => {
  test('answers a wrong key and no key with 401', async () => {
    const { simulator } = await start()
    await expect(sdk(simulator, 'sk_test_wrong').customers.list()).rejects.toMatchObject({
      type: 'StripeAuthenticationError',
      statusCode: 401,
    })
    const response = await fetch(`${simulator.url}/v1/customers`)
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
  })

  test('answers 404 resource_missing for what is not there, and for paths that it does not know', async () => {
    const { simulator, stripe } = await start()
    await expect(stripe.paymentIntents.retrieve('pi_gone')).rejects.toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      param: 'id',
    })
    await expect(stripe.customers.retrieve('__proto__')).rejects.toMatchObject({ statusCode: 404 })
    await expect(stripe.payouts.list()).rejects.toMatchObject({ statusCode: 404 })
    expect((await fetch(`${simulator.url}/nothing`)).status).toBe(404)
  })

  test('the same idempotency key gives the same object, and an error for other parameters', async () => {
    const { stripe } = await start()
    const options = { idempotencyKey: 'customer-of-ada' }
    const first = await stripe.customers.create({ email: 'ada@example.com' }, options)
    const again = await stripe.customers.create({ email: 'ada@example.com' }, options)
    expect(again.id).toBe(first.id)
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true')
    await expect(stripe.customers.create({ email: 'bob@example.com' }, options)).rejects.toMatchObject({
      type: 'StripeIdempotencyError',
      statusCode: 400,
    })
    expect((await stripe.customers.list()).data).toHaveLength(1)
  })

  test('many at once with one key make one object', async () => {
    const { stripe } = await start()
    const made = await Promise.all(
      Array.from({ length: 5 }, () => stripe.customers.create({}, { idempotencyKey: 'one' })),
    )
    expect(new Set(made.map(({ id }) => id)).size).toBe(1)
  })

  test('a call that was malformed may be made again with its key', async () => {
    const { stripe } = await start()
    const options = { idempotencyKey: 'retry' }
    await expect(packCheckout(stripe, { customer: 'cus_gone' })).rejects.toMatchObject({ statusCode: 400 })
    await expect(
      stripe.customers.create({ metadata: { long: 'x'.repeat(501) } }, options),
    ).rejects.toMatchObject({
      statusCode: 400,
      code: 'parameter_invalid_string_long',
    })
    await stripe.customers.create({ metadata: { long: 'x'.repeat(500) } }, options)
  })

  test('a fault of the API is 500, and goes by', async () => {
    const { stripe, simulator } = await start()
    simulator.faults.api = 'error'
    await expect(stripe.customers.list()).rejects.toMatchObject({ statusCode: 500 })
    simulator.faults.api = 'ok'
    expect((await stripe.customers.list()).data).toEqual([])
  })
})

describe('customers', () => {
  test('are updated key by key, found by metadata, and deleted', async () => {
    const { stripe, endpoint, simulator } = await start()
    const ada = await stripe.customers.create({ metadata: { account: 'clerk:user_2a', old: 'x' } })
    await stripe.customers.create({ metadata: { account: 'clerk:user_2b' } })
    const updated = await stripe.customers.update(ada.id, {
      email: 'ada@example.com',
      metadata: { old: '', plan: 'pro' },
    })
    expect(updated.metadata).toEqual({ account: 'clerk:user_2a', plan: 'pro' })
    const found = await stripe.customers.search({ query: `metadata['account']:'clerk:user_2a'` })
    expect(found.data.map(({ id }) => id)).toEqual([ada.id])
    const both = `email:"ada@example.com" AND metadata["account"]:"clerk:user_2b"`
    expect((await stripe.customers.search({ query: both })).data).toEqual([])
    expect(await stripe.customers.del(ada.id)).toMatchObject({ deleted: true })
    expect(await stripe.customers.retrieve(ada.id)).toMatchObject({ id: ada.id, deleted: true })
    await simulator.settled()
    expect(typesOf(endpoint.taken)).toEqual([
      'customer.created',
      'customer.created',
      'customer.updated',
      'customer.deleted',
    ])
    expect(endpoint.taken[2]?.data.previous_attributes).toMatchObject({ email: null })
  })
})

describe('prices', () => {
  test('that the simulator was started with are there, with their products', async () => {
    const { stripe } = await start()
    const price = await stripe.prices.retrieve('price_pro_month', { expand: ['product'] })
    expect(price).toMatchObject({
      unit_amount: 2000,
      currency: 'usd',
      type: 'recurring',
      recurring: { interval: 'month', interval_count: 1 },
      product: { object: 'product', name: 'Pro' },
    })
    expect(String(price.unit_amount_decimal)).toBe('2000')
    const listed = await stripe.prices.list({ active: true, expand: ['data.product'] })
    expect(listed.data.map(({ id }) => id).sort()).toEqual(PRICES.map(({ id }) => id).sort())
  })
})

describe('meter events', () => {
  test('are kept, once for each identifier', async () => {
    const { stripe, simulator } = await start()
    const customer = await stripe.customers.create()
    const event = {
      event_name: 'credits',
      identifier: 'entry_1',
      payload: { stripe_customer_id: customer.id, value: '12' },
    }
    expect(await stripe.billing.meterEvents.create(event)).toMatchObject({
      object: 'billing.meter_event',
      identifier: 'entry_1',
      payload: { stripe_customer_id: customer.id, value: '12' },
    })
    await expect(stripe.billing.meterEvents.create(event)).rejects.toMatchObject({
      statusCode: 400,
      param: 'identifier',
    })
    const half = { ...event, identifier: 'entry_2', payload: { ...event.payload, value: '1.5' } }
    await expect(stripe.billing.meterEvents.create(half)).rejects.toMatchObject({ statusCode: 400 })
    const old = { ...event, identifier: 'entry_3', timestamp: Math.floor(Date.now() / 1000) - 36 * 86_400 }
    await expect(stripe.billing.meterEvents.create(old)).rejects.toMatchObject({
      statusCode: 400,
      param: 'timestamp',
    })
    expect(simulator.meterEvents.map(({ identifier }) => identifier)).toEqual(['entry_1'])
  })
})

describe('events', () => {
  test('are tried again in order while the endpoint fails', async () => {
    const { stripe, endpoint, simulator } = await start()
    endpoint.answers.push(500, 503)
    await stripe.customers.create({ email: 'first@example.com' })
    await stripe.customers.create({ email: 'second@example.com' })
    await simulator.settled()
    expect(endpoint.refused).toBe(2)
    expect(endpoint.taken.map(({ data }) => Reflect.get(data.object, 'email'))).toEqual([
      'first@example.com',
      'second@example.com',
    ])
    expect(simulator.deliveries.map(({ status }) => status)).toEqual([500, 503, 200, 200])
  })

  test('are not tried again when the endpoint refuses them', async () => {
    const { stripe, endpoint, simulator } = await start()
    endpoint.answers.push(400)
    await stripe.customers.create()
    await simulator.settled()
    expect(simulator.deliveries.map(({ status }) => status)).toEqual([400])
    const [event] = simulator.events
    expect(await simulator.resend(event?.id ?? '')).toMatchObject({ status: 200 })
    expect(endpoint.taken.map(({ id }) => id)).toEqual([event?.id])
    expect(await stripe.events.retrieve(event?.id ?? '')).toMatchObject({ type: 'customer.created' })
  })

  test('carry the request that caused them', async () => {
    const { stripe, simulator } = await start()
    const customer = await stripe.customers.create({}, { idempotencyKey: 'k' })
    expect(simulator.events.at(-1)?.request).toEqual({
      id: customer.lastResponse.requestId,
      idempotency_key: 'k',
    })
    const session = await packCheckout(stripe)
    await payOnPage(session.url)
    expect(simulator.events.at(-1)?.request).toEqual({ id: null, idempotency_key: null })
  })

  test('wait for their caller where deliveries are not automatic', async () => {
    const { stripe, endpoint, simulator } = await start()
    simulator.setWebhook({ ...endpoint, automatic: false })
    await stripe.customers.create()
    await stripe.customers.create()
    const [first, second] = simulator.events
    await simulator.resend(second?.id ?? '')
    await simulator.resend(first?.id ?? '')
    await simulator.resend(first?.id ?? '')
    expect(endpoint.taken.map(({ id }) => id)).toEqual([second?.id, first?.id, first?.id])
  })

  test('are signed with the secret that the environment names', async () => {
    const { stripe, endpoint, simulator } = await start({})
    endpoint.secret = simulator.environment.STRIPE_WEBHOOK_SECRET ?? ''
    expect(simulator.environment).toMatchObject({
      STRIPE_SECRET_KEY: simulator.secretKey,
      STRIPE_WEBHOOK_SECRET: simulator.webhookSecret,
      STRIPE_API_URL: simulator.url,
    })
    await stripe.customers.create()
    await simulator.settled()
    expect(typesOf(endpoint.taken)).toEqual(['customer.created'])

    const other = await startEndpoint()
    const unnamed = await startStripeSimulator({ webhook: { url: other.url } })
    other.secret = unnamed.webhookSecret
    await sdk(unnamed).customers.create()
    await unnamed.settled()
    await unnamed.stop()
    expect(typesOf(other.taken)).toEqual(['customer.created'])
  })

  test('go only where they are wanted', async () => {
    const { stripe, endpoint, simulator } = await start()
    simulator.setWebhook({ ...endpoint, events: ['checkout.session.completed'] })
    await payOnPage((await packCheckout(stripe)).url)
    expect(typesOf(endpoint.taken)).toEqual(['checkout.session.completed'])
    expect(typesOf(simulator.events)).toContain('charge.succeeded')
  })
})

describe('a restart with a state file', () => {
  test('keeps customers, cards, payments, subscriptions and keys, and pays what was open', async () => {
    const stateFile = join(mkdtempSync(join(tmpdir(), 'stripe-')), 'deep', 'state.json')
    const before = await start({ stateFile })
    const customer = await before.stripe.customers.create(
      { email: 'a@example.com' },
      { idempotencyKey: 'ada' },
    )
    const paid = await packCheckout(before.stripe, { customer: customer.id })
    await payOnPage(paid.url)
    const open = await packCheckout(before.stripe, { customer: customer.id })
    const plan = await before.stripe.checkout.sessions.create({
      mode: 'subscription',
      customer: customer.id,
      line_items: [{ price: 'price_pro_month', quantity: 1 }],
      success_url: 'http://localhost:3000/buy',
    })
    before.simulator.payCheckout(plan.id)
    await before.simulator.stop()

    const after = await start({ stateFile })
    const again = await after.stripe.customers.create({ email: 'a@example.com' }, { idempotencyKey: 'ada' })
    expect(again.id).toBe(customer.id)
    const session = await after.stripe.checkout.sessions.retrieve(paid.id, { expand: ['payment_intent'] })
    expect(session).toMatchObject({ status: 'complete', payment_intent: { status: 'succeeded' } })
    const [card] = (await after.stripe.customers.listPaymentMethods(customer.id, { type: 'card' })).data
    const charged = await after.stripe.paymentIntents.create({
      amount: 1000,
      currency: 'usd',
      customer: customer.id,
      payment_method: card?.id ?? '',
      off_session: true,
      confirm: true,
    })
    expect(charged.status).toBe('succeeded')
    expect((await after.stripe.subscriptions.list({ customer: customer.id })).data).toHaveLength(1)
    // Its page is where the simulator listens now.
    const { url } = await after.stripe.checkout.sessions.retrieve(open.id)
    expect(url?.startsWith(after.simulator.url)).toBe(true)
    expect((await payOnPage(url)).status).toBe(303)
  })

  test('delivers what an endpoint that was away has not taken, and that alone', async () => {
    const stateFile = join(mkdtempSync(join(tmpdir(), 'stripe-')), 'state.json')
    const endpoint = await startEndpoint()
    const first = await startStripeSimulator({ stateFile, webhook: endpoint })
    await sdk(first).customers.create({ email: 'taken@example.com' })
    await first.settled()
    first.setWebhook({ ...endpoint, url: 'http://127.0.0.1:9/' })
    await sdk(first).customers.create({ email: 'missed@example.com' })
    await first.stop()
    const second = await startStripeSimulator({ stateFile, webhook: endpoint })
    await second.settled()
    await second.stop()
    expect(endpoint.taken.map(({ data }) => Reflect.get(data.object, 'email'))).toEqual([
      'taken@example.com',
      'missed@example.com',
    ])
  })
})
