/** Usage at Stripe's meter, from both runtimes: what a buyer is charged arrives there once, over a kill and an outage. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buy, planless } from './harness/buying.ts'
import { call, type Entry, entries, keyed, newUser } from './harness/calls.ts'
import { testConfig } from './harness/config.ts'
import { micro } from './harness/exchange.ts'
import { type Runtime, type Stack, startStack } from './harness/stack.ts'
import { until } from './harness/until.ts'

const EVENT = 'faregate_credits'

/** One chat of a user, with a fresh token: they live a minute, and alarms take as long. */
async function chat(stack: Stack, user: string, key: string): Promise<void> {
  const token = await planless(stack, user)
  const script = { promptTokens: 100, completionTokens: 50 }
  const answer = await call(stack, token, '/v1/chat/completions', { body: keyed(key, script) })
  expect(answer.status, await answer.text()).toBe(200)
}

/** The account's charges, oldest first. */
async function charges(stack: Stack, user: string): Promise<Entry[]> {
  const all = await entries(stack, await planless(stack, user))
  return all.filter(({ kind }) => kind === 'charge').reverse()
}

// A Worker delivers when the alarm for its leases rings, a minute after the first of them at the latest.
describe.each<[Runtime, number]>([
  ['server', 30_000],
  ['worker', 100_000],
])('the meter of a %s', (runtime, patienceMs) => {
  let stack: Stack
  beforeAll(async () => {
    const config = testConfig('http://127.0.0.1:1')
    const payments = { ...(config['payments'] as object), meter: { eventName: EVENT } }
    stack = await startStack(runtime, { config: { payments } })
  })
  afterAll(() => stack.stop())

  it(
    'has each charge of a buyer once, over an outage of Stripe and a kill, and none of who never bought',
    async () => {
      const user = newUser()
      await buy(stack, await planless(stack, user))
      stack.stripe.faults.api = 'error'
      await chat(stack, user, 'before')
      await chat(stack, newUser(), 'stranger')
      if (runtime === 'server') {
        await until('the meter was tried', 15_000, () => stack.log().includes('meter_delayed'))
      }
      await stack.kill('SIGKILL')
      await stack.start()
      stack.stripe.faults.api = 'ok'
      await chat(stack, user, 'after')
      if (runtime === 'server') {
        await until('both charges are there', patienceMs, () => stack.stripe.meterEvents.length >= 2)
      }
      await chat(stack, user, 'later')
      await until('all three are there', patienceMs, () => stack.stripe.meterEvents.length >= 3)
      const books = await charges(stack, user)
      expect(books).toHaveLength(3)
      expect(
        stack.stripe.meterEvents.map(({ identifier, payload }) => [identifier, payload['value']]),
      ).toEqual(books.map(({ id, credits }) => [id, String(micro(-credits))]))
      const [event] = stack.stripe.meterEvents
      expect(event).toMatchObject({ event_name: EVENT, payload: { stripe_customer_id: expect.any(String) } })
      expect(stack.log()).not.toContain(stack.stripe.secretKey)
      // The cursor was written: its failing would only be seen in the log, since repeats change nothing.
      expect(stack.log()).not.toContain('could not leave')
    },
    2 * patienceMs + 60_000,
  )
})
