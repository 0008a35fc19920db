/** What every part of the Stripe adapter is given, and the few words that it puts into all that Stripe keeps. */
import Stripe from 'stripe'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, type Result } from '../core/result.ts'
import type { Clock, Fetch, Store } from '../ports.ts'

/** A pack for sale: microcredits, and its price in US cents. */
export type Pack = { id: string; name: string; credits: number; usdCents: number }

export type StripeBillingOptions = {
  settings: { secretKey: string; webhookSecrets: readonly string[]; apiUrl: string | null }
  store: Store
  packs: ReadonlyMap<string, Pack>
  /** Plan ids by the Stripe prices that mean them. */
  stripePrices: ReadonlyMap<string, string>
  choices: { automaticTax: boolean; promotionCodes: boolean; autoTopUpsPerDay: number }
  /** What buyers see a credit called. */
  creditName: string
  fetch: Fetch
  clock: Clock
  log: (level: 'info' | 'warn' | 'error', event: string, facts: Record<string, unknown>) => void
}

export type StripeParts = StripeBillingOptions & { stripe: Stripe }

/** The names under which Stripe's objects remember what they are for. */
export const ACCOUNT = 'faregate_account'
export const PAYMENT = 'faregate_payment'
export const PACK = 'faregate_pack'
export const PLAN = 'faregate_plan'
/** Set to `topUp` on payments that no checkout stands behind. */
export const KIND = 'faregate_kind'

/** A fresh payment's id. It begins with the time, so that ids sort by it. */
export function newPaymentId(now: number): string {
  return `pay_${now.toString(36).padStart(9, '0')}${crypto.randomUUID().replaceAll('-', '').slice(12)}`
}

/** Runs calls to Stripe; what Stripe cannot do now is a refusal that a buyer can read. */
export async function asking<T>(
  { log }: StripeParts,
  what: string,
  ask: () => Promise<Result<T, Refusal>>,
): Promise<Result<T, Refusal>> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error
    log('error', 'stripe_failed', { what, ...factsOf(error) })
    const message = 'Stripe did not take the request. Nothing was charged. Try again in a minute.'
    return err(refusal('payments_unavailable', message, { retryAfterMs: 30_000 }))
  }
}

/** What of Stripe's error may be logged: its kinds and ids, never its text, which may quote what was sent. */
export function factsOf(error: InstanceType<typeof Stripe.errors.StripeError>): Record<string, unknown> {
  const { type, code, statusCode, requestId } = error
  return { type, code, statusCode, stripeRequestId: requestId }
}

/** Whether Stripe says that there is no such object; with `param`, that this parameter names none. */
export function isMissing(error: unknown, param?: string): boolean {
  if (!(error instanceof Stripe.errors.StripeError) || error.code !== 'resource_missing') return false
  return param === undefined || error.param === param
}
