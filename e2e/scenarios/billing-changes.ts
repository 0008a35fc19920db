/** After the purchase: refunds, disputes and debt, and packs that an account buys by itself. */
import { expect, it } from 'vitest'
import { balance, buy, payments, untilBalance } from '../harness/buying.ts'
import { call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { accountIdOf, expectConserved } from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'

const CHAT = '/v1/chat/completions'

const buyerOf = (stack: Stack, user: string) => tokenOf(stack, user, 'none')

/** Spends 20 credits, so many times, one after the other. */
async function spend(stack: Stack, user: string, times = 1): Promise<number> {
  const body = keyed(user, {}, { model: 'dear' })
  const answer = await call(stack, await buyerOf(stack, user), CHAT, { body })
  await answer.text()
  return times > 1 && answer.status === 200 ? spend(stack, user, times - 1) : answer.status
}

async function bought(stack: Stack, pack = 'starter') {
  const user = newUser()
  const token = await buyerOf(stack, user)
  const payment = await buy(stack, token, pack)
  await untilBalance(stack, token, 'it is paid', ({ credits }) => credits.available > 0)
  return { user, token, ...payment }
}

export function billingChanges(stack: () => Stack): void {
  reversals(stack)
  topUps(stack)
  stoppedTopUps(stack)
}

function reversals(stack: () => Stack): void {
  it.concurrent('200: refunds take back in proportion, and a failed one gives back', async () => {
    const { user, token, intent } = await bought(stack())
    stack().stripe.refund({ payment_intent: intent }, 250)
    await untilBalance(stack(), token, 'a quarter is gone', ({ credits }) => credits.available === 75)
    const rest = stack().stripe.refund({ payment_intent: intent })
    await untilBalance(stack(), token, 'all is gone', ({ credits }) => credits.available === 0)
    expect(await payments(stack(), token)).toMatchObject([{ status: 'refunded' }])
    stack().stripe.failRefund(rest.id)
    await untilBalance(stack(), token, 'what failed is back', ({ credits }) => credits.available === 75)
    expect(await payments(stack(), token)).toMatchObject([{ status: 'partly_refunded' }])
    expect(await expectConserved(stack(), accountIdOf(user))).toBe(75_000_000)
  })

  it.concurrent('402: what was spent before a refund is owed, and nothing runs until it is paid', async () => {
    const { user, token, intent } = await bought(stack())
    expect(await spend(stack(), user, 2)).toBe(200)
    stack().stripe.refund({ payment_intent: intent })
    const owing = await untilBalance(stack(), token, 'there is debt', ({ credits }) => credits.debt > 0)
    expect(owing.credits.available).toBe(0)
    expect(owing.credits.debt).toBe(40)
    const answer = await call(stack(), token, CHAT, { body: keyed(user) })
    await expectRefusal(answer, { status: 402, code: 'account_in_debt' })
    await buy(stack(), token)
    const paid = await untilBalance(stack(), token, 'the debt is repaid', ({ credits }) => credits.debt === 0)
    expect(paid.credits.available).toBe(60)
    expect(await spend(stack(), user)).toBe(200)
    await expectConserved(stack(), accountIdOf(user))
  })

  it.concurrent('200: a dispute takes the credits, and gives them back when it is won', async () => {
    const { user, token, intent } = await bought(stack())
    const dispute = stack().stripe.dispute({ payment_intent: intent })
    await untilBalance(stack(), token, 'they are gone', ({ credits }) => credits.available === 0)
    expect(await payments(stack(), token)).toMatchObject([{ status: 'disputed' }])
    stack().stripe.closeDispute(dispute.id, 'won')
    await untilBalance(stack(), token, 'they are back', ({ credits }) => credits.available === 100)
    expect(await payments(stack(), token)).toMatchObject([{ status: 'paid' }])
    expect(await expectConserved(stack(), accountIdOf(user))).toBe(100_000_000)
  })

  it.concurrent('200: a dispute that is lost keeps them', async () => {
    const { token, intent } = await bought(stack())
    const dispute = stack().stripe.dispute({ payment_intent: intent })
    await untilBalance(stack(), token, 'they are gone', ({ credits }) => credits.available === 0)
    stack().stripe.closeDispute(dispute.id, 'lost')
    await stack().stripe.settled()
    expect((await balance(stack(), token)).credits).toMatchObject({ available: 0, debt: 0 })
    expect(await payments(stack(), token)).toMatchObject([{ status: 'disputed' }])
  })
}

function setTopUp(stack: Stack, token: string, body: object): Promise<Response> {
  return call(stack, token, '/v1/account/auto-top-up', { method: 'PUT', body })
}

function topUps(stack: () => Stack): void {
  const set = (token: string, body: object) => setTopUp(stack(), token, body)

  it.concurrent('200: a balance that falls below the threshold is topped up, a few times a day', async () => {
    const { user, token } = await bought(stack())
    const answer = await set(token, { pack: 'starter', threshold: 50 })
    expect(await answer.json()).toEqual({
      autoTopUp: { pack: 'starter', threshold: 50, state: 'on', reason: null },
    })
    const kinds = async () => (await payments(stack(), token)).map(({ kind, status }) => `${kind} ${status}`)
    await spend(stack(), user, 3)
    await untilBalance(stack(), token, 'the first came', ({ credits }) => credits.available === 140)
    expect(await kinds()).toEqual(['topUp paid', 'pack paid'])
    await spend(stack(), user, 5)
    await untilBalance(stack(), token, 'the second came', ({ credits }) => credits.available === 140)
    await spend(stack(), user, 5)
    await stack().stripe.settled()
    const capped = await balance(stack(), token)
    expect(capped.credits.available).toBe(40)
    expect(await kinds()).toEqual(['topUp paid', 'topUp paid', 'pack paid'])
    expect(capped.autoTopUp?.state).toBe('on')
    await expectConserved(stack(), accountIdOf(user))
  })

  it.concurrent('200: many answers that end at once top up once', async () => {
    const { user, token } = await bought(stack())
    await set(token, { pack: 'starter', threshold: 95 })
    await Promise.all(Array.from({ length: 4 }, () => spend(stack(), user)))
    await untilBalance(stack(), token, 'it came', ({ credits }) => credits.available === 120)
    await stack().stripe.settled()
    const all = await payments(stack(), token)
    expect(all.filter(({ kind }) => kind === 'topUp')).toHaveLength(1)
    await expectConserved(stack(), accountIdOf(user))
  })
}

function stoppedTopUps(stack: () => Stack): void {
  const set = (token: string, body: object) => setTopUp(stack(), token, body)

  it.concurrent('402: a card that wants its owner stops it, and the balance stays as it is', async () => {
    const user = newUser()
    const token = await buyerOf(stack(), user)
    await buy(stack(), token, 'starter', { behaviour: 'authentication_required' })
    await untilBalance(stack(), token, 'it is paid', ({ credits }) => credits.available === 100)
    await set(token, { pack: 'starter', threshold: 500 })
    const stopped = await untilBalance(
      stack(),
      token,
      'it stopped',
      ({ autoTopUp }) => autoTopUp?.state === 'stopped',
    )
    expect(stopped.autoTopUp?.reason).toBe('authentication_required')
    expect(stopped.credits.available).toBe(100)
    expect((await payments(stack(), token)).map(({ status }) => status)).toEqual(['failed', 'paid'])
    expect(await (await set(token, { off: true })).json()).toEqual({ autoTopUp: null })
  })

  it.concurrent('200: a refund stops it, so that nothing is charged again at once', async () => {
    const { token, intent } = await bought(stack())
    await set(token, { pack: 'starter', threshold: 50 })
    stack().stripe.refund({ payment_intent: intent })
    const stopped = await untilBalance(
      stack(),
      token,
      'it stopped',
      ({ autoTopUp }) => autoTopUp?.state === 'stopped',
    )
    expect([stopped.autoTopUp?.reason, stopped.credits.available]).toEqual(['payment_reversed', 0])
  })

  it.concurrent.each([
    [{ pack: 'huge', threshold: 1 }, 404],
    [{ pack: 'starter', threshold: 0 }, 400],
    [{ pack: 'starter' }, 400],
    [{ off: false }, 400],
  ])('%o is refused', async (body, status) => {
    const { token } = await bought(stack())
    expect((await set(token, body)).status).toBe(status)
    expect((await balance(stack(), token)).autoTopUp).toBeNull()
  })
}
