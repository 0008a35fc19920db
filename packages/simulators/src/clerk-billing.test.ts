/** Clerk Billing, simulated: what is subscribed to, what tokens claim of it, and what the webhooks tell. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { ClerkSimulator } from './clerk.ts'
import { createStarter, openBrowser, startReceiver, type TestBrowser } from './test-kit.ts'

const DAY_MS = 24 * 3_600_000
const { start, stopAll } = createStarter()
afterEach(stopAll)

/** A browser of somebody who is signed in. */
async function signedIn(clerk: ClerkSimulator, email = 'ada@example.com') {
  const browser = await openBrowser(clerk)
  await browser.signIn(email)
  return browser
}

/** Checks out and pays as the drawer's test card button does. */
async function subscribe(browser: TestBrowser, plan: string, payer = '/me') {
  const path = `${payer}/billing/checkouts`
  const { body } = await browser.call(path, { plan_id: `cplan_${plan}`, plan_period: 'month' })
  return browser.call(
    `${path}/${body.response.id}/confirm`,
    { gateway: 'stripe', use_test_card: 'true' },
    'PATCH',
  )
}

async function items(browser: TestBrowser, payer = '/me') {
  const { body } = await browser.call(`${payer}/billing/subscription`)
  return body.response.subscription_items
}

async function cancel(browser: TestBrowser, payer = '/me') {
  const [current] = await items(browser, payer)
  return browser.call(`${payer}/billing/subscription_items/${current.id}`, {}, 'DELETE')
}

async function control(clerk: ClerkSimulator, fields: Record<string, string>) {
  const response = await fetch(`${clerk.url}/dev/billing`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  })
  return { status: response.status, body: await response.json() }
}

/** The billing events since a moment in the log, as `type status`. */
function eventsSince(clerk: ClerkSimulator, from: number): string[] {
  return clerk.events.sent.slice(from).map(({ type, body }) => `${type} ${JSON.parse(body).data.status}`)
}

describe('the pricing table', () => {
  test('lists what users and what organizations can subscribe to', async () => {
    const clerk = await start()
    const list = async (payerType: string) => {
      const { data } = await (
        await fetch(`${clerk.url}/v1/billing/plans?payer_type=${payerType}&limit=50`)
      ).json()
      return data.map((plan: { slug: string; fee: { amount: number } }) => [plan.slug, plan.fee.amount])
    }
    expect(await list('user')).toEqual([
      ['free_user', 0],
      ['pro', 2000],
    ])
    expect(await list('org')).toEqual([
      ['free_org', 0],
      ['team', 10_000],
    ])
  })

  test('seeded payers are on the plans that their tokens claim', async () => {
    const clerk = await start()
    expect((await items(await signedIn(clerk)))[0].plan.slug).toBe('free_user')
    expect((await items(await signedIn(clerk, 'grace@example.com')))[0].plan.slug).toBe('pro')
    const katherine = await signedIn(clerk, 'katherine@example.com')
    expect((await items(katherine, '/organizations/org_acme'))[0].plan.slug).toBe('team')
    expect(await katherine.claims()).toMatchObject({ pla: 'o:team' })
  })
})

describe('subscribing', () => {
  test('with the test card: the next token claims the plan, and signed webhooks tell of it in order', async () => {
    const receiver = await startReceiver()
    const clerk = await start({ webhook: receiver.webhook })
    const browser = await signedIn(clerk)
    const checkout = await browser.call('/me/billing/checkouts', {
      plan_id: 'cplan_pro',
      plan_period: 'month',
    })
    expect(checkout.body.response).toMatchObject({
      status: 'needs_confirmation',
      is_immediate_plan_change: true,
      needs_payment_method: true,
      totals: { total_due_now: { amount: 2000, amount_formatted: '20.00', currency_symbol: '$' } },
      payer: { user_id: 'user_free', organization_id: null },
    })
    expect(await browser.claims()).toMatchObject({ pla: 'u:free_user' })
    const { body } = await subscribe(browser, 'pro')
    expect(body.response).toMatchObject({ status: 'completed', payment_method: { last4: '4242' } })
    expect(await browser.claims()).toMatchObject({ pla: 'u:pro' })
    await clerk.events.settled()
    await receiver.close()
    expect(receiver.received.slice(1).map(({ type }) => type)).toEqual([
      'subscriptionItem.created',
      'subscriptionItem.incomplete',
      'paymentAttempt.created',
      'paymentAttempt.updated',
      'subscriptionItem.ended',
      'subscriptionItem.active',
      'subscription.updated',
    ])
    const ended = receiver.received.find(({ type }) => type === 'subscriptionItem.ended')
    expect(ended?.event).toMatchObject({ data: { status: 'ended', plan: { slug: 'free_user' } } })
    const active = receiver.received.find(({ type }) => type === 'subscriptionItem.active')
    expect(active?.event['data']).toMatchObject({
      object: 'commerce_subscription_item',
      status: 'active',
      plan_period: 'month',
      period_start: expect.any(Number),
      period_end: expect.any(Number),
      lifetime_paid: 2000,
      plan: { slug: 'pro', amount: 2000, is_default: false },
      payer: { object: 'commerce_payer', user_id: 'user_free', email: 'ada@example.com' },
    })
    const paid = receiver.received.find(({ type }) => type === 'paymentAttempt.updated')
    expect(paid?.event['data']).toMatchObject({
      object: 'commerce_payment_attempt',
      status: 'paid',
      charge_type: 'checkout',
      totals: { grand_total: { amount: 2000 } },
      payment_source: { card_type: 'visa', last4: '4242' },
    })
  })

  test('the card is kept, and payments and statements show what was paid', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk)
    await subscribe(browser, 'pro')
    const methods = await browser.call('/me/billing/payment_methods')
    expect(methods.body.response).toMatchObject({ total_count: 1, data: [{ is_default: true }] })
    const payments = await browser.call('/me/billing/payment_attempts')
    expect(payments.body).toMatchObject({
      total_count: 1,
      data: [{ status: 'paid', amount: { amount: 2000 }, subscription_item: { plan: { slug: 'pro' } } }],
    })
    const payment = await browser.call(`/me/billing/payment_attempts/${payments.body.data[0].id}`)
    expect(payment.body.id).toBe(payments.body.data[0].id)
    const statements = await browser.call('/me/billing/statements')
    const [statement] = statements.body.response.data
    expect(statement.totals.grand_total.amount).toBe(2000)
    const shown = await browser.call(`/me/billing/statements/${statement.id}`)
    expect(shown.body.response.groups[0].items[0].id).toBe(payments.body.data[0].id)
  })

  test('an organization pays for itself, and only its members see it', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk)
    const { id } = (await browser.call('/organizations', { name: 'Engines' })).body.response
    await browser.activate(id)
    await subscribe(browser, 'team', `/organizations/${id}`)
    expect(await browser.claims()).toMatchObject({ pla: 'o:team', o: { id } })
    await browser.activate('')
    expect(await browser.claims()).toMatchObject({ pla: 'u:free_user' })
    const item = JSON.parse(
      clerk.events.sent.findLast(({ type }) => type === 'subscriptionItem.active')?.body ?? '',
    )
    expect(item.data.payer).toMatchObject({ organization_id: id, organization_name: 'Engines' })
    expect(item.data.payer).not.toHaveProperty('user_id')
  })

  test('not twice, not for a plan of others, not through the checkout of others', async () => {
    const clerk = await start()
    const [grace, ada] = [await signedIn(clerk, 'grace@example.com'), await signedIn(clerk)]
    const buy = async (browser: TestBrowser, plan_id: string) =>
      browser.call('/me/billing/checkouts', { plan_id, plan_period: 'month' })
    expect((await buy(grace, 'cplan_pro')).status).toBe(422)
    expect((await buy(ada, 'cplan_team')).status).toBe(404)
    const checkout = await buy(ada, 'cplan_pro')
    const path = `/me/billing/checkouts/${checkout.body.response.id}`
    expect((await grace.call(`${path}/confirm`, {}, 'PATCH')).status).toBe(404)
    expect((await ada.call(path, { promo_code: 'FREE' }, 'PATCH')).status).toBe(422)
    expect(await ada.claims()).toMatchObject({ pla: 'u:free_user' })
  })

  test('confirming twice buys once', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk)
    const { body } = await subscribe(browser, 'pro')
    const again = await browser.call(`/me/billing/checkouts/${body.response.id}/confirm`, {}, 'PATCH')
    expect(again.body.response.status).toBe('completed')
    expect((await browser.call('/me/billing/payment_attempts')).body.total_count).toBe(1)
  })
})

describe('canceling', () => {
  test('keeps the plan until its period ends, then the free plan follows', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk)
    await subscribe(browser, 'pro')
    const from = clerk.events.sent.length
    await cancel(browser)
    expect(await browser.claims()).toMatchObject({ pla: 'u:pro' })
    const [current, upcoming] = await items(browser)
    expect(current).toMatchObject({ status: 'active', canceled_at: expect.any(Number), next_payment: null })
    expect(upcoming).toMatchObject({
      status: 'upcoming',
      plan: { slug: 'free_user' },
      period_start: current.period_end,
    })
    expect(eventsSince(clerk, from)).toEqual([
      'subscriptionItem.canceled canceled',
      'subscriptionItem.created upcoming',
      'subscriptionItem.upcoming upcoming',
      'subscription.updated active',
    ])
    const canceled = JSON.parse(clerk.events.sent[from]?.body ?? '').data
    expect(canceled.period_end).toBe(current.period_end)
    const ending = clerk.events.sent.length
    expect(await control(clerk, { user: 'ada@example.com', action: 'endPeriod' })).toMatchObject({
      status: 200,
      body: { payer: 'user_free', plan: 'free_user' },
    })
    expect(await browser.claims()).toMatchObject({ pla: 'u:free_user' })
    expect(eventsSince(clerk, ending)).toEqual([
      'subscriptionItem.ended ended',
      'subscriptionItem.active active',
      'subscription.updated active',
    ])
  })

  test('is taken back by resubscribing, for nothing, while the period lasts', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk, 'grace@example.com')
    await cancel(browser)
    const from = clerk.events.sent.length
    const { body } = await subscribe(browser, 'pro')
    expect(body.response.totals.total_due_now.amount).toBe(0)
    expect(await items(browser)).toMatchObject([{ status: 'active', canceled_at: null }])
    expect(eventsSince(clerk, from)).toEqual([
      'subscriptionItem.abandoned abandoned',
      'subscriptionItem.active active',
      'subscription.updated active',
    ])
  })

  test('and subscribing anew after the end is a new purchase', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk, 'grace@example.com')
    await cancel(browser)
    await control(clerk, { user: 'pro', action: 'endPeriod' })
    const { body } = await subscribe(browser, 'pro')
    expect(body.response.totals.total_due_now.amount).toBe(2000)
    expect(await browser.claims()).toMatchObject({ pla: 'u:pro' })
  })

  test('a change to a cheaper plan waits for the end as well', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk, 'grace@example.com')
    const { body } = await subscribe(browser, 'free_user')
    expect(body.response.is_immediate_plan_change).toBe(false)
    expect(await browser.claims()).toMatchObject({ pla: 'u:pro' })
    expect((await items(browser))[1]).toMatchObject({ status: 'upcoming', plan: { slug: 'free_user' } })
  })

  test('the free plan cannot be canceled, nor a canceled one again', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk)
    expect((await cancel(browser)).status).toBe(422)
    await subscribe(browser, 'pro')
    expect((await cancel(browser)).status).toBe(200)
    expect((await cancel(browser)).status).toBe(422)
  })
})

describe('time', () => {
  test('renewing starts the next period and charges for it', async () => {
    let now = Date.UTC(2026, 0, 31, 12)
    const clerk = await start({ now: () => now })
    const browser = await signedIn(clerk)
    await subscribe(browser, 'pro')
    expect((await items(browser))[0].period_end).toBe(Date.UTC(2026, 1, 28, 12))
    now += 10 * DAY_MS
    const from = clerk.events.sent.length
    await control(clerk, { user: 'free', action: 'renew' })
    expect((await items(browser))[0]).toMatchObject({ status: 'active', period_start: now })
    expect(eventsSince(clerk, from)).toEqual([
      'paymentAttempt.created pending',
      'paymentAttempt.updated paid',
      'subscriptionItem.updated active',
      'subscription.updated active',
    ])
    const payment = JSON.parse(clerk.events.sent[from + 1]?.body ?? '').data
    expect(payment).toMatchObject({ charge_type: 'recurring', subscription_items: [{ period_start: now }] })
  })

  test('a declined card makes it past due; paying later makes it active again', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk, 'grace@example.com')
    await control(clerk, { user: 'pro', action: 'pastDue' })
    expect(eventsSince(clerk, 1)).toEqual([
      'paymentAttempt.created pending',
      'paymentAttempt.updated failed',
      'subscriptionItem.pastDue past_due',
      'subscription.pastDue past_due',
    ])
    expect((await items(browser))[0]).toMatchObject({ status: 'past_due', past_due_at: expect.any(Number) })
    const from = clerk.events.sent.length
    await control(clerk, { user: 'pro', action: 'renew' })
    expect(eventsSince(clerk, from).slice(-2)).toEqual([
      'subscriptionItem.active active',
      'subscription.active active',
    ])
  })

  test('a past due plan that is canceled ends at once', async () => {
    const clerk = await start()
    const browser = await signedIn(clerk, 'grace@example.com')
    await control(clerk, { user: 'pro', action: 'pastDue' })
    await cancel(browser)
    expect(await browser.claims()).toMatchObject({ pla: 'u:free_user' })
  })

  test('it passes by itself: what runs renews each month, what is canceled ends', async () => {
    let now = Date.UTC(2026, 2, 1)
    const clerk = await start({ now: () => now })
    const browser = await signedIn(clerk, 'grace@example.com')
    await items(browser)
    now = Date.UTC(2026, 4, 15)
    expect((await items(browser))[0]).toMatchObject({
      period_start: Date.UTC(2026, 4, 1),
      period_end: Date.UTC(2026, 5, 1),
    })
    expect((await browser.call('/me/billing/payment_attempts')).body.total_count).toBe(2)
    await cancel(browser)
    now = Date.UTC(2026, 5, 1)
    expect(await browser.claims()).toMatchObject({ pla: 'u:free_user' })
  })

  test('400 and 409 where it cannot be moved', async () => {
    const clerk = await start()
    const statusOf = async (fields: Record<string, string>) => (await control(clerk, fields)).status
    expect(await statusOf({ user: 'nobody', action: 'renew' })).toBe(400)
    expect(await statusOf({ user: 'pro', action: 'rewind' })).toBe(400)
    expect(await statusOf({ user: 'free', action: 'renew' })).toBe(409)
    expect(await statusOf({ organization: 'acme', action: 'renew' })).toBe(200)
  })
})

describe('an instance', () => {
  test('keeps subscriptions, cards and payments over a restart', async () => {
    const stateFile = join(mkdtempSync(join(tmpdir(), 'clerk-')), 'state.json')
    const first = await start({ stateFile })
    const browser = await signedIn(first)
    await subscribe(browser, 'pro')
    await cancel(browser)
    const before = await items(browser)
    await first.stop()
    const second = await start({ stateFile })
    const again = await openBrowser(second, browser.id)
    expect(await items(again)).toEqual(before)
    expect(await again.claims()).toMatchObject({ pla: 'u:pro' })
    expect((await again.call('/me/billing/payment_attempts')).body.total_count).toBe(1)
    expect((await again.call('/me/billing/payment_methods')).body.response.total_count).toBe(1)
  })

  test('without Billing: tokens claim no plan, the environment says so, nothing can be bought', async () => {
    const clerk = await start({ billing: false })
    const browser = await signedIn(clerk, 'grace@example.com')
    expect(await browser.claims()).not.toHaveProperty('pla')
    const environment = await (await fetch(`${clerk.url}/v1/environment`)).json()
    expect(environment.commerce_settings.billing).toEqual({
      stripe_publishable_key: null,
      organization: { enabled: false, has_paid_plans: false },
      user: { enabled: false, has_paid_plans: false },
    })
    expect((await browser.call('/me/billing/subscription')).status).toBe(404)
    expect((await control(clerk, { user: 'pro', action: 'renew' })).status).toBe(404)
  })
})
