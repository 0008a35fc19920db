/** Whether what was bought on a hosted page has come: its events reach the gateway a moment after the browser. */
import { type GetToken, readAccount, readPayments } from './gateway.ts'

/**
 * A pack is known by its payment, a plan by its name. A plan of Clerk's has come when the browser comes back, and is in
 * the next token: there is nothing to wait for.
 */
export type Purchase = { payment: string } | { plan: string } | { plan: null }

/** `late`: nothing was heard within the time that one can be asked to wait. */
export type Outcome = 'here' | 'checking' | 'failed' | 'late'

/** Waits between looks, about a minute in all. */
const PAUSES_MS = [0, 500, 1000, 1000, 2000, 2000, 3000, 5000, 5000, 10_000, 15_000, 15_000]
const PAYMENTS_MAX = 50

/** Looks until it has come, it is known to have failed, or the time is over. Throws what reading throws. */
export async function findOutcome(
  getToken: GetToken,
  purchase: Purchase,
  signal: AbortSignal,
): Promise<Outcome> {
  for (const pauseMs of PAUSES_MS) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    if (signal.aborted) return 'late'
    const outcome =
      'payment' in purchase
        ? await lookForPayment(getToken, purchase.payment)
        : await lookForPlan(getToken, purchase.plan)
    if (outcome) return outcome
  }
  return 'late'
}

async function lookForPayment(getToken: GetToken, id: string): Promise<Outcome | undefined> {
  const { data } = await readPayments(getToken, { limit: PAYMENTS_MAX })
  const status = data.find((payment) => payment.id === id)?.status
  if (status === undefined || status === 'open' || status === 'pending') return undefined
  if (status === 'checking' || status === 'failed') return status
  return 'here'
}

async function lookForPlan(getToken: GetToken, plan: string | null): Promise<Outcome | undefined> {
  if (plan === null) return 'here'
  return (await readAccount(getToken)).plan === plan ? 'here' : undefined
}
