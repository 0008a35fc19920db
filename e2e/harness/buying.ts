/** Short ways to buy on a stack: through the gateway, paid at the simulated Stripe. */
import { expect } from 'vitest'
import { call } from './calls.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

export type Payment = {
  id: string
  kind: string
  pack: string
  credits: number
  price: { usd: number }
  paid: { amount: number; currency: string } | null
  status: string
}

export type Balance = {
  plan: string
  payer: string
  credits: { available: number; held: number; debt: number; grants: { source: string; remaining: number }[] }
  subscription: { provider: string; plan: string; status: string; periodEnd: string | null } | null
  autoTopUp: { pack: string; threshold: number; state: string; reason: string | null } | null
  savedCard: boolean
  paymentsBeingChecked: number
}

type Payer = Parameters<Stack['stripe']['payCheckout']>[1]

/** A token that names no plan, as with Clerk Billing switched off. */
export async function planless(stack: Stack, user: string): Promise<string> {
  return stack.clerk.mint({ user, overrides: { claims: { pla: undefined } } })
}

export async function balance(stack: Stack, token: string): Promise<Balance> {
  const answer = await call(stack, token, '/v1/account')
  expect(answer.status).toBe(200)
  return (await answer.json()) as Balance
}

export async function payments(stack: Stack, token: string): Promise<Payment[]> {
  const answer = await call(stack, token, '/v1/account/payments')
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { data: Payment[] }).data
}

/** Begins a checkout; gives its payment's id and Stripe's session. */
export async function checkout(
  stack: Stack,
  token: string,
  what: { pack: string } | { plan: string },
): Promise<{ id: string; session: string }> {
  const answer = await call(stack, token, '/v1/account/checkouts', { body: what })
  const text = await answer.text()
  expect(answer.status, text).toBe(201)
  const { id, url } = JSON.parse(text) as { id: string; url: string }
  return { id, session: new URL(url).pathname.split('/').at(-1) ?? '' }
}

/** Buys a pack, and waits until the gateway has been told. Gives the payment's ids, ours and Stripe's. */
export async function buy(
  stack: Stack,
  token: string,
  pack = 'starter',
  payer?: Payer,
): Promise<{ id: string; intent: string; session: string }> {
  const { id, session } = await checkout(stack, token, { pack })
  const paid = stack.stripe.payCheckout(session, payer)
  await stack.stripe.settled()
  const intent = typeof paid.payment_intent === 'string' ? paid.payment_intent : ''
  return { id, intent, session }
}

/** Waits until the account is as it should be. */
export async function untilBalance(
  stack: Stack,
  token: string,
  what: string,
  holds: (balance: Balance) => boolean,
): Promise<Balance> {
  return until(what, 10_000, async () => {
    const now = await balance(stack, token)
    return holds(now) ? now : null
  })
}
