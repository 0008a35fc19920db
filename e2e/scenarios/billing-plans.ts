/** Plans by subscription at Stripe: in force while they are paid, with the allowance once a month. */
import { expect, it } from 'vitest'
import { balance, checkout, planless, untilBalance } from '../harness/buying.ts'
import { call, newUser, tokenOf } from '../harness/calls.ts'
import { accountIdOf, entriesOf } from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'

const CHAT = '/v1/chat/completions'

async function subscribed(stack: Stack, plan = 'pro') {
  const user = newUser()
  const token = await planless(stack, user)
  expect((await balance(stack, token)).plan).toBe('free')
  const { session } = await checkout(stack, token, { plan })
  const paid = stack.stripe.payCheckout(session)
  const subscription = typeof paid.subscription === 'string' ? paid.subscription : ''
  await untilBalance(stack, token, 'the plan is in force', (now) => now.plan === plan)
  return { user, token, subscription }
}

async function chat(stack: Stack, user: string): Promise<void> {
  const body = { model: 'fast', messages: [{ role: 'user', content: 'hello' }] }
  const answer = await call(stack, await planless(stack, user), CHAT, { body })
  expect(answer.status, await answer.text()).toBe(200)
}

async function allowances(stack: Stack, user: string): Promise<string[]> {
  const entries = await entriesOf(stack, accountIdOf(user))
  return entries.flatMap(({ id, source, kind }) =>
    source === 'allowance' && kind === 'grant' ? [id.split(':')[1] ?? ''] : [],
  )
}

export function billingPlans(stack: () => Stack): void {
  life(stack)
  edges(stack)
}

function life(stack: () => Stack): void {
  it.concurrent('201: a subscription brings its plan and, once, its allowance', async () => {
    const { user, token } = await subscribed(stack())
    const now = await balance(stack(), token)
    expect(now.subscription).toMatchObject({ provider: 'stripe', plan: 'pro', status: 'active' })
    expect(now.credits.available).toBe(1000)
    await chat(stack(), user)
    await chat(stack(), user)
    expect(await allowances(stack(), user)).toEqual(['pro'])
  })

  it.concurrent('201: canceled at the portal it lasts to the end of its period', async () => {
    const { user, token, subscription } = await subscribed(stack())
    await chat(stack(), user)
    const portal = await call(stack(), token, '/v1/account/portal', { body: {} })
    expect(portal.status).toBe(201)
    await cancel(stack(), subscription, true)
    const canceled = await untilBalance(
      stack(),
      token,
      'it is canceled',
      (now) => now.subscription?.status === 'canceled',
    )
    expect(canceled.plan).toBe('pro')
    stack().stripe.subscription(subscription, 'end')
    const ended = await untilBalance(stack(), token, 'it has ended', (now) => now.plan === 'free')
    expect(ended.subscription?.status).toBe('ended')
    // What the month gave stays until the month ends.
    expect(ended.credits.available).toBeGreaterThan(990)
  })

  it.concurrent('200: a period that is not paid suspends the plan, and paying resumes it', async () => {
    const { user, token, subscription } = await subscribed(stack())
    await chat(stack(), user)
    stack().stripe.subscription(subscription, 'fail')
    const due = await untilBalance(stack(), token, 'it is past due', (now) => now.plan === 'free')
    expect(due.subscription?.status).toBe('past_due')
    stack().stripe.subscription(subscription, 'recover')
    await untilBalance(stack(), token, 'it is paid', (now) => now.plan === 'pro')
    // The same month of the plan: nothing is given twice.
    await chat(stack(), user)
    expect((await allowances(stack(), user)).filter((plan) => plan === 'pro')).toHaveLength(1)
  })

  it.concurrent('201: who subscribes again is sent to change what there is', async () => {
    const { user, token, subscription } = await subscribed(stack())
    const again = await call(stack(), token, '/v1/account/checkouts', { body: { plan: 'max' } })
    const { id, url } = (await again.json()) as { id: string; url: string }
    expect(id).toBe(`stripe:${subscription}`)
    expect(url).not.toContain('/c/pay/')
    await change(stack(), subscription, 'price_max_month')
    await untilBalance(stack(), token, 'it is the larger plan', (now) => now.plan === 'max')
    await chat(stack(), user)
    expect(await allowances(stack(), user)).toEqual(['max'])
  })
}

function edges(stack: () => Stack): void {
  it.concurrent('404: no plan is sold that would be of no use: beside a token that names one, or to the wrong payer', async () => {
    const named = await tokenOf(stack(), newUser(), 'free_user')
    const list = await call(stack(), named, '/v1/credit-packs')
    expect(((await list.json()) as { plans: unknown[] }).plans).toEqual([])
    const rows: [token: string, plan: string, says: RegExp][] = [
      [named, 'pro', /sign-in names your plan/],
      [await planless(stack(), newUser()), 'team', /for organizations/],
    ]
    for (const [token, plan, says] of rows) {
      const answer = await call(stack(), token, '/v1/account/checkouts', { body: { plan } })
      await expectRefusal(answer, { status: 404, code: 'not_found', param: 'plan', says })
    }
  })

  it.concurrent('200: events out of order and many times end as Stripe stands', async () => {
    const { user, token, subscription } = await subscribed(stack())
    await cancel(stack(), subscription, false)
    await untilBalance(stack(), token, 'it has ended', (now) => now.plan === 'free')
    const events = stack().stripe.events.filter((event) => JSON.stringify(event).includes(subscription))
    for (const event of [...events].reverse()) await stack().stripe.resend(event.id)
    expect((await balance(stack(), token)).plan).toBe('free')
    expect(await allowances(stack(), user)).toEqual([])
  })
}

/** As the SDK of a merchant would: at the period's end, or now. */
async function cancel(stack: Stack, subscription: string, atPeriodEnd: boolean): Promise<void> {
  await api(
    stack,
    subscription,
    atPeriodEnd ? 'POST' : 'DELETE',
    atPeriodEnd ? 'cancel_at_period_end=true' : '',
  )
}

async function change(stack: Stack, subscription: string, price: string): Promise<void> {
  const answer = await api(stack, subscription, 'GET', '')
  const { items } = (await answer.json()) as { items: { data: { id: string }[] } }
  const body = new URLSearchParams({ 'items[0][id]': items.data[0]?.id ?? '', 'items[0][price]': price })
  await api(stack, subscription, 'POST', body.toString())
}

async function api({ stripe }: Stack, subscription: string, method: string, body: string): Promise<Response> {
  const answer = await fetch(`${stripe.url}/v1/subscriptions/${subscription}`, {
    method,
    headers: {
      authorization: `Bearer ${stripe.secretKey}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    ...(method === 'POST' && { body }),
  })
  expect(answer.status).toBe(200)
  return answer
}
