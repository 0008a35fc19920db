/** Charges at Stripe's meter, by the real SDK over a socket: counted once, and what Stripe says of each taken rightly. */
import { createServer } from 'node:http'
import { type StripeSimulator, startStripeSimulator } from '@faregate/simulators/stripe'
import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Fetch, OutgoingCharge } from '../ports.ts'
import { createStripeMeter } from './stripe-meter.ts'

const NOW = Date.UTC(2026, 10, 24, 12)
const DAY_MS = 86_400_000

let stripe: StripeSimulator
let logged: [string, Record<string, unknown>][]
let now: number

beforeEach(async () => {
  now = NOW
  logged = []
  stripe = await startStripeSimulator({ now: () => NOW })
})
afterEach(() => stripe.stop())

function meter(over: { url?: string; eventName?: string; fetch?: Fetch } = {}) {
  const { url = stripe.url, eventName = 'faregate_credits', fetch = globalThis.fetch } = over
  return createStripeMeter({
    settings: { secretKey: stripe.secretKey, apiUrl: url },
    eventName,
    fetch,
    clock: () => now,
    log: (_level, event, facts) => logged.push([event, facts]),
  })
}

async function customer(): Promise<string> {
  const { hostname, port } = new URL(stripe.url)
  const client = new Stripe(stripe.secretKey, { host: hostname, port, protocol: 'http' })
  return (await client.customers.create({})).id
}

function charge(customer: string, id: string, more: { at?: number; credits?: number } = {}): OutgoingCharge {
  const { at = NOW - 1500, credits = -1_234_567 } = more
  return { accountId: 'clerk:user_1', customer, entry: { id, at, kind: 'charge', credits } }
}

const identifiers = () => stripe.meterEvents.map(({ identifier }) => identifier)

/** A Stripe that answers as it is told, and counts its calls under way by customer. */
async function scripted(answer: (body: URLSearchParams) => { status: number; error?: object }) {
  const calls: URLSearchParams[] = []
  const open = new Map<string, number>()
  const most = { perCustomer: 0, all: 0 }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const body = new URLSearchParams(text)
    const who = body.get('payload[stripe_customer_id]') ?? ''
    calls.push(body)
    open.set(who, (open.get(who) ?? 0) + 1)
    most.perCustomer = Math.max(most.perCustomer, open.get(who) ?? 0)
    most.all = Math.max(
      most.all,
      [...open.values()].reduce((sum, one) => sum + one, 0),
    )
    await new Promise((resolve) => setImmediate(resolve))
    open.set(who, (open.get(who) ?? 0) - 1)
    const { status, error } = answer(body)
    response.writeHead(status, { 'content-type': 'application/json', 'stripe-should-retry': 'false' })
    response.end(JSON.stringify(error ? { error } : { object: 'billing.meter_event' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const stop = () => new Promise((resolve) => server.close(resolve))
  return { url: `http://127.0.0.1:${port}`, calls, most, stop }
}

describe('a charge', () => {
  test('is one event of whole microcredits, at its own time, under its own name', async () => {
    const who = await customer()
    expect(await meter().deliver([charge(who, 'req_1'), charge(who, 'req_2', { credits: -1 })])).toBe(2)
    expect(stripe.meterEvents).toMatchObject([
      {
        event_name: 'faregate_credits',
        identifier: 'req_1',
        timestamp: Math.floor((NOW - 1500) / 1000),
        payload: { stripe_customer_id: who, value: '1234567' },
      },
      { identifier: 'req_2', payload: { value: '1' } },
    ])
    expect(logged).toEqual([])
  })

  test('that comes again is done and counts once', async () => {
    const charges = [charge(await customer(), 'req_1'), charge(await customer(), 'req_2')]
    expect(await meter().deliver(charges)).toBe(2)
    expect(await meter().deliver(charges)).toBe(2)
    expect(identifiers().sort()).toEqual(['req_1', 'req_2'])
    expect(logged).toEqual([])
  })

  test('that was dated by a clock ahead is dated now', async () => {
    await meter().deliver([charge(await customer(), 'req_1', { at: NOW + DAY_MS })])
    expect(stripe.meterEvents).toMatchObject([{ timestamp: NOW / 1000 }])
  })

  test('of 35 days is taken; an older one is passed over, and told of', async () => {
    const who = await customer()
    const charges = [
      charge(who, 'older', { at: NOW - 35 * DAY_MS - 1 }),
      charge(who, 'old', { at: NOW - 35 * DAY_MS }),
    ]
    expect(await meter().deliver(charges)).toBe(2)
    expect(identifiers()).toEqual(['old'])
    expect(logged).toEqual([['meter_skipped', { entry: 'older', reason: 'older than 35 days' }]])
  })

  test('of a customer that Stripe does not know is passed over, and told of without a word of Stripe', async () => {
    const who = await customer()
    expect(await meter().deliver([charge('cus_gone', 'req_1'), charge(who, 'req_2')])).toBe(2)
    expect(identifiers()).toEqual(['req_2'])
    expect(logged).toMatchObject([['meter_skipped', { entry: 'req_1', statusCode: 400 }]])
    expect(JSON.stringify(logged)).not.toMatch(/cus_gone|sk_test|No such/)
  })
})

describe('a Stripe that fails', () => {
  test('leaves everything to come again', async () => {
    const charges = [charge(await customer(), 'req_1')]
    stripe.faults.api = 'error'
    expect(await meter().deliver(charges)).toBe(0)
    expect(logged).toMatchObject([['meter_delayed', { entry: 'req_1', statusCode: 500 }]])
    stripe.faults.api = 'ok'
    expect(await meter().deliver(charges)).toBe(1)
    expect(identifiers()).toEqual(['req_1'])
  })

  test('or cannot be reached, or whose connection breaks in a way of its own, too', async () => {
    const charges = [charge(await customer(), 'req_1')]
    const { url, stop } = await scripted(() => ({ status: 200 }))
    await stop()
    expect(await meter({ url }).deliver(charges)).toBe(0)
    const broken: Fetch = () => Promise.reject(new RangeError('secret-canary'))
    expect(await meter({ fetch: broken }).deliver(charges)).toBe(0)
    expect(logged.map(([event]) => event)).toEqual(['meter_delayed', 'meter_delayed'])
    expect(JSON.stringify(logged)).not.toContain('canary')
  })

  test.each([
    ['the key', { status: 401, error: { type: 'invalid_request_error', message: 'Invalid API Key' } }],
    ['the rate', { status: 429, error: { type: 'invalid_request_error', code: 'rate_limit' } }],
    ['another call for the customer', { status: 409, error: { type: 'invalid_request_error' } }],
    ['the meter', { status: 400, error: { type: 'invalid_request_error', param: 'event_name' } }],
    ['our clock', { status: 400, error: { type: 'invalid_request_error', param: 'timestamp' } }],
  ])('for %s loses no charge, and asks no more in this batch', async (_what, answer) => {
    const { url, calls, stop } = await scripted(() => answer)
    try {
      expect(await meter({ url }).deliver(['1', '2', '3'].map((id) => charge('cus_1', id)))).toBe(0)
      expect(calls).toHaveLength(1)
      expect(logged).toMatchObject([['meter_delayed', { entry: '1', statusCode: answer.status }]])
    } finally {
      await stop()
    }
  })

  test('in the midst says how far it came', async () => {
    const { url, stop } = await scripted((body) =>
      body.get('identifier') === '3' ? { status: 500, error: { type: 'api_error' } } : { status: 200 },
    )
    try {
      const charges = ['1', '2', '3', '4'].map((id) => charge('cus_1', id))
      expect(await meter({ url }).deliver(charges)).toBe(2)
    } finally {
      await stop()
    }
  })
})

test('customers go side by side, each with one call at a time and in order', async () => {
  const { url, calls, most, stop } = await scripted(() => ({ status: 200 }))
  try {
    const charges = Array.from({ length: 60 }, (_, index) => charge(`cus_${index % 6}`, String(index)))
    expect(await meter({ url }).deliver(charges)).toBe(60)
    expect(most.perCustomer).toBe(1)
    expect(most.all).toBeGreaterThan(1)
    const first = calls.filter((body) => body.get('payload[stripe_customer_id]') === 'cus_0')
    expect(first.map((body) => Number(body.get('identifier')))).toEqual([
      0, 6, 12, 18, 24, 30, 36, 42, 48, 54,
    ])
  } finally {
    await stop()
  }
})

test('a batch that is called off begins no more', async () => {
  const who = await customer()
  const off = new AbortController()
  off.abort()
  expect(await meter().deliver([charge(who, 'req_1')], off.signal)).toBe(0)
  expect(identifiers()).toEqual([])
})
