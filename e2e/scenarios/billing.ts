/** Buying credits: every way in which money comes, and that it gives its credits once. */
import { expect, it } from 'vitest'
import { balance, buy, checkout, payments, planless, untilBalance } from '../harness/buying.ts'
import { asOperator, call, newUser, tokenOf } from '../harness/calls.ts'
import { accountIdOf, adminPath, entriesOf, expectConserved } from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'

/** Tokens of the plan `none`: it gives nothing, so that what is there was bought. */
const buyerOf = (stack: Stack, user: string) => tokenOf(stack, user, 'none')

export function billing(stack: () => Stack): void {
  packs(stack)
  codes(stack)
  later(stack)
  refusals(stack)
  whoMayBuy(stack)
  matching(stack)
}

function packs(stack: () => Stack): void {
  it.concurrent('200: what is sold is listed with its price', async () => {
    const answer = await call(stack(), await planless(stack(), newUser()), '/v1/credit-packs')
    expect(await answer.json()).toEqual({
      data: [
        { id: 'starter', name: 'Starter', credits: 100, price: { usd: 10 } },
        { id: 'large', name: 'Large', credits: 1000, price: { usd: 80 } },
      ],
      plans: [
        { id: 'pro', credits: 1000, models: expect.any(Array), price: { usd: 20, every: 'month' } },
        { id: 'max', credits: 5000, models: expect.any(Array), price: { usd: 50, every: 'month' } },
      ],
      canBuy: true,
      stripe: true,
    })
  })

  it.concurrent('201: a pack that is paid gives its credits once, however often Stripe says so', async () => {
    const user = newUser()
    const token = await buyerOf(stack(), user)
    const { id, intent } = await buy(stack(), token)
    const bought = await untilBalance(
      stack(),
      token,
      'the credits are there',
      ({ credits }) => credits.available > 0,
    )
    expect(bought.credits).toMatchObject({ available: 100, debt: 0 })
    expect(bought.credits.grants).toEqual([{ source: 'purchase', remaining: 100, expiresAt: null }])
    expect(bought.savedCard).toBe(true)
    expect(await payments(stack(), token)).toEqual([
      {
        id,
        at: expect.any(String),
        kind: 'pack',
        pack: 'starter',
        credits: 100,
        price: { usd: 10 },
        paid: { amount: 10, currency: 'usd' },
        status: 'paid',
      },
    ])
    const ours = stack().stripe.events.filter((event) => JSON.stringify(event).includes(intent))
    expect(ours.length).toBeGreaterThan(1)
    for (const event of [...ours, ...ours].reverse()) await stack().stripe.resend(event.id)
    expect(await expectConserved(stack(), accountIdOf(user))).toBe(100_000_000)
    const entries = await entriesOf(stack(), accountIdOf(user))
    expect(entries.map((entry) => [entry.kind, entry.id])).toEqual([['grant', `stripe:${intent}`]])
  })

  it.concurrent('200: the receipt is Stripe’s own', async () => {
    const token = await buyerOf(stack(), newUser())
    const { id } = await buy(stack(), token)
    await untilBalance(stack(), token, 'it is paid', ({ credits }) => credits.available > 0)
    const answer = await call(stack(), token, `/v1/account/payments/${id}/receipt`)
    const { url } = (await answer.json()) as { url: string }
    expect(await (await fetch(url)).text()).toContain('Receipt')
    const stranger = await buyerOf(stack(), newUser())
    await expectRefusal(await call(stack(), stranger, `/v1/account/payments/${id}/receipt`), {
      status: 404,
      code: 'not_found',
    })
  })
}

function codes(stack: () => Stack): void {
  it.concurrent('201: a promotion code lowers what is paid, not what is given', async () => {
    const token = await buyerOf(stack(), newUser())
    await buy(stack(), token, 'large', { promotionCode: 'TENOFF' })
    await untilBalance(stack(), token, 'it is paid', ({ credits }) => credits.available === 1000)
    expect(await payments(stack(), token)).toMatchObject([
      { status: 'paid', paid: { amount: 72 }, credits: 1000 },
    ])
  })

  it.concurrent('201: an order that a code made free gives its credits too', async () => {
    const token = await buyerOf(stack(), newUser())
    const { id, session } = await buy(stack(), token, 'starter', { promotionCode: 'FREE100' })
    const free = await untilBalance(stack(), token, 'it is there', ({ credits }) => credits.available === 100)
    expect(free.savedCard).toBe(false)
    expect(await payments(stack(), token)).toMatchObject([{ id, status: 'paid', paid: { amount: 0 } }])
    const entry = (await entriesOf(stack(), (await balance(stack(), token)).credits && accountOf(token)))[0]
    expect(entry?.id).toBe(`stripe:${session}`)
  })
}

/** The account of a token, read off it. */
function accountOf(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }
  return accountIdOf(claims.sub)
}

function later(stack: () => Stack): void {
  it.concurrent('201: money that comes later gives its credits when it comes', async () => {
    const token = await buyerOf(stack(), newUser())
    await buy(stack(), token, 'starter', { behaviour: 'async_succeeds' })
    expect(await payments(stack(), token)).toMatchObject([{ status: 'pending', paid: null }])
    expect((await balance(stack(), token)).credits.available).toBe(0)
    stack().stripe.settlePayments()
    await untilBalance(stack(), token, 'the money came', ({ credits }) => credits.available === 100)
    expect(await payments(stack(), token)).toMatchObject([{ status: 'paid' }])
  })

  it.concurrent('201: money that never comes gives nothing', async () => {
    const token = await buyerOf(stack(), newUser())
    await buy(stack(), token, 'starter', { behaviour: 'async_fails' })
    stack().stripe.settlePayments()
    await stack().stripe.settled()
    expect(await payments(stack(), token)).toMatchObject([{ status: 'failed', paid: null }])
    expect((await balance(stack(), token)).credits.available).toBe(0)
  })

  it.concurrent('201: a checkout that nobody pays stays open, and gives nothing', async () => {
    const token = await buyerOf(stack(), newUser())
    const { session } = await checkout(stack(), token, { pack: 'starter' })
    expect(() => stack().stripe.payCheckout(session, { behaviour: 'declined' })).toThrow()
    await stack().stripe.settled()
    expect(await payments(stack(), token)).toMatchObject([{ status: 'open', paid: null }])
    expect((await balance(stack(), token)).credits.available).toBe(0)
  })
}

function refusals(stack: () => Stack): void {
  const rows: [what: string, body: object, status: number, code: string, param?: string][] = [
    ['no such pack', { pack: 'huge' }, 404, 'not_found', 'pack'],
    ['no such plan', { plan: 'none' }, 404, 'not_found', 'plan'],
    ['both', { pack: 'starter', plan: 'pro' }, 400, 'invalid_value'],
    ['neither', {}, 400, 'invalid_value'],
    ['a price of the caller’s own', { pack: 'starter', price: 1 }, 400, 'invalid_value'],
    [
      'a way back to elsewhere',
      { pack: 'starter', returnUrl: 'https://evil.example/x' },
      400,
      'invalid_value',
      'returnUrl',
    ],
    [
      'a way back that is a script',
      { pack: 'starter', returnUrl: 'javascript:alert(1)' },
      400,
      'invalid_value',
      'returnUrl',
    ],
  ]
  it.concurrent.each(rows)('refused: %s', async (_what, body, status, code, param) => {
    const token = await buyerOf(stack(), newUser())
    const answer = await call(stack(), token, '/v1/account/checkouts', { body })
    const text = await answer.text()
    expect(answer.status, text).toBe(status)
    const { error } = JSON.parse(text) as { error: { code: string; param: string | null } }
    expect(error.code).toBe(code)
    if (param !== undefined) expect(error.param).toBe(param)
    expect(await payments(stack(), token)).toEqual([])
  })
}

function whoMayBuy(stack: () => Stack): void {
  it.concurrent('403: of an organization only the named roles buy, and no Faregate key does', async () => {
    const user = newUser()
    const organization = `org_${user.slice(5)}`
    const as = (rol: string) =>
      stack().clerk.mint({
        user,
        organization,
        overrides: { claims: { pla: 'o:team', o: { id: organization, rol, slg: 'acme' } } },
      })
    const body = { pack: 'starter' }
    const member = await call(stack(), await as('member'), '/v1/account/checkouts', { body })
    await expectRefusal(member, { status: 403, code: 'not_allowed', says: 'admin' })
    const admin = await as('admin')
    await buy(stack(), admin)
    await untilBalance(
      stack(),
      admin,
      'the organization has them',
      ({ credits }) => credits.available === 200,
    )
    const made = await call(stack(), await buyerOf(stack(), user), '/v1/keys', { body: {} })
    const { key } = (await made.json()) as { key: string }
    const withKey = await call(stack(), key, '/v1/account/checkouts', { body })
    await expectRefusal(withKey, { status: 403, code: 'not_allowed' })
  })

  it.concurrent('409: no portal and no auto top-up before anything was bought', async () => {
    const token = await buyerOf(stack(), newUser())
    await expectRefusal(await call(stack(), token, '/v1/account/portal', { body: {} }), {
      status: 409,
      code: 'no_customer',
    })
    const body = { pack: 'starter', threshold: 10 }
    await expectRefusal(await call(stack(), token, '/v1/account/auto-top-up', { method: 'PUT', body }), {
      status: 409,
      code: 'no_saved_card',
    })
  })

  it.concurrent('429: an account begins only so many purchases an hour', async () => {
    const token = await planless(stack(), newUser())
    const begin = () => call(stack(), token, '/v1/account/checkouts', { body: { pack: 'starter' } })
    const answers = await Promise.all(Array.from({ length: 33 }, begin))
    const counts = [201, 429].map((status) => answers.filter((answer) => answer.status === status).length)
    expect(counts).toEqual([30, 3])
  })
}

function matching(stack: () => Stack): void {
  const post = (payload: string, signature: string) =>
    fetch(`${stack().url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'stripe-signature': signature, 'content-type': 'application/json' },
      body: payload,
    })

  it.concurrent('400: an event that nobody signed, or that was signed by another, does nothing', async () => {
    const token = await buyerOf(stack(), newUser())
    const { id } = await checkout(stack(), token, { pack: 'starter' })
    const payload = JSON.stringify({
      type: 'checkout.session.completed',
      data: { object: { metadata: { faregate_payment: id } } },
    })
    for (const signature of ['', 't=1,v1=00', `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}`]) {
      await expectRefusal(await post(payload, signature), {
        status: 400,
        code: 'invalid_value',
        param: 'stripe-signature',
      })
    }
    expect((await balance(stack(), token)).credits.available).toBe(0)
  })

  it.concurrent('200: money that matches no purchase is kept for looking at, until the operator decides', async () => {
    const user = newUser()
    const token = await buyerOf(stack(), user)
    const { id, session } = await checkout(stack(), token, { pack: 'starter' })
    const event = (subtotal: number, number: number) => ({
      ...stack().stripe.events[0],
      id: `evt_${user}_${number}`,
      type: 'checkout.session.completed',
      data: {
        object: {
          id: session,
          object: 'checkout.session',
          mode: 'payment',
          payment_status: 'paid',
          payment_intent: `pi_${user}`,
          amount_total: subtotal,
          amount_subtotal: subtotal,
          currency: 'usd',
          metadata: { faregate_account: accountIdOf(user), faregate_payment: id },
        },
      },
    })
    const deliver = async (subtotal: number, number: number) =>
      stack().stripe.deliver(event(subtotal, number) as Parameters<Stack['stripe']['deliver']>[0])
    await deliver(100, 1)
    const checked = await balance(stack(), token)
    expect([checked.credits.available, checked.paymentsBeingChecked]).toEqual([0, 1])
    expect(await payments(stack(), token)).toMatchObject([{ id, status: 'checking' }])
    const path = adminPath(accountIdOf(user), `/payments/${id}/resolve`)
    expect((await asOperator(stack(), path, { credits: 10 })).status).toBe(200)
    await deliver(100, 2)
    const resolved = await balance(stack(), token)
    expect([resolved.credits.available, resolved.paymentsBeingChecked]).toEqual([10, 0])
    expect(await expectConserved(stack(), accountIdOf(user))).toBe(10_000_000)
  })
}
