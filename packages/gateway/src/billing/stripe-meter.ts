/**
 * Reports charges to a meter at Stripe: one event a charge, named by its entry's id, so that Stripe counts it once
 * however often it comes. What Stripe refuses for the charge's own sake is done with; what it cannot take now comes
 * again.
 */
import Stripe from 'stripe'
import type { Clock, Fetch, OutgoingCharge, Sink } from '../ports.ts'
import { createStripeClient } from './stripe-client.ts'
import { factsOf, type StripeBillingOptions } from './stripe-parts.ts'

export type StripeMeterOptions = {
  settings: { secretKey: string; apiUrl: string | null }
  /** The `event_name` of the operator's meter. */
  eventName: string
  fetch: Fetch
  clock: Clock
  log: StripeBillingOptions['log']
}

type Parts = StripeMeterOptions & { stripe: Stripe }

/** Customers whose charges are reported at the same time; each takes one call at a time. */
const LANES_MAX = 20
/** Stripe takes no event that is older. */
const AGE_MAX_MS = 35 * 86_400_000
/** The parameters that the operator or the clock answers for, not the charge. */
const NOT_THE_CHARGES = ['event_name', 'timestamp']

/** Makes the meter. Its values are microcredits: 1,000,000 are one credit. */
export function createStripeMeter(options: StripeMeterOptions): Sink {
  const { settings, fetch } = options
  // Made when first needed: an object that wakes for a request should not make it wait for this.
  let stripe: Stripe | null = null
  return {
    async deliver(charges, signal) {
      stripe ??= createStripeClient(settings, fetch, { timeoutMs: 10_000, retriesMax: 1 })
      const parts: Parts = { ...options, stripe }
      const lanes = lanesOf(charges)
      const done = new Set<OutgoingCharge>()
      let stopped = false
      const work = async () => {
        for (let lane = lanes.shift(); lane; lane = lanes.shift()) {
          for (const charge of lane) {
            if (stopped || signal?.aborted) return
            if (await report(parts, charge)) done.add(charge)
            else stopped = true
          }
        }
      }
      await Promise.all(Array.from({ length: Math.min(LANES_MAX, lanes.length) }, work))
      const first = charges.findIndex((charge) => !done.has(charge))
      return first < 0 ? charges.length : first
    },
  }
}

/** The charges of each customer, in order: Stripe takes one call at a time for a customer's meter. */
function lanesOf(charges: readonly OutgoingCharge[]): OutgoingCharge[][] {
  const lanes = new Map<string, OutgoingCharge[]>()
  for (const charge of charges) {
    const lane = lanes.get(charge.customer)
    if (lane) lane.push(charge)
    else lanes.set(charge.customer, [charge])
  }
  return [...lanes.values()]
}

/** Whether the charge is done with. */
async function report(parts: Parts, { customer, entry }: OutgoingCharge): Promise<boolean> {
  const { stripe, eventName, clock, log } = parts
  const now = clock()
  if (now - entry.at > AGE_MAX_MS) {
    log('error', 'meter_skipped', { entry: entry.id, reason: 'older than 35 days' })
    return true
  }
  try {
    await stripe.billing.meterEvents.create({
      event_name: eventName,
      identifier: entry.id,
      // Not after now, whatever the clock said then.
      timestamp: Math.floor(Math.min(entry.at, now) / 1000),
      payload: { stripe_customer_id: customer, value: String(-entry.credits) },
    })
    return true
  } catch (error) {
    return isDone(parts, entry.id, error)
  }
}

/** Whether an error says that trying again is of no use. */
function isDone({ log }: Parts, entry: string, error: unknown): boolean {
  if (!(error instanceof Stripe.errors.StripeError)) {
    log('error', 'meter_delayed', { entry, error: error instanceof Error ? error.name : typeof error })
    return false
  }
  if (isKnown(error)) return true
  const { statusCode, param = '' } = error
  const refused = statusCode === 400 || statusCode === 404
  const done = refused && !NOT_THE_CHARGES.includes(param)
  log('error', done ? 'meter_skipped' : 'meter_delayed', { entry, param, ...factsOf(error) })
  return done
}

/** Whether Stripe has the event already: what was meant has come to pass. */
function isKnown({ statusCode, message }: InstanceType<typeof Stripe.errors.StripeError>): boolean {
  return statusCode === 400 && message.includes('already exists with identifier')
}
