/** Which plan an account is on, and what its monthly allowance owes it. */
import type { Account } from './account.ts'
import type { Catalog, Plan } from './catalog.ts'
import { subscriptionsInForce } from './subscription.ts'

export type Payer = 'user' | 'organization'

/**
 * The plan in force, and the claim that no plan lists, if the token carried one. `paidUntil` (ms) ends what a
 * subscription has paid for: its plan may outlive that by a few days, but earns no further allowance.
 */
export type PlanResolution = { plan: Plan; unknownClaim: string | null; paidUntil: number | null }

/**
 * The verified token's claim if it has one, else what the operator recorded, else what a subscription says, else (for
 * a Faregate key, which carries no claim) what the last token claimed, else the default plan.
 */
export function resolvePlan(
  account: Account,
  claim: string | null,
  payer: Payer,
  catalog: Catalog,
  now: number,
): PlanResolution {
  if (claim !== null) return planForSlug(claim, payer, catalog)
  const recorded = account.recordedPlan
  if (recorded && (recorded.until === null || now < recorded.until)) {
    const plan = catalog.plans.get(recorded.plan)
    if (plan && serves(plan, payer)) return { plan, unknownClaim: null, paidUntil: null }
  }
  const inForce = subscriptionsInForce(account, now)
  for (const { plan: id } of inForce) {
    const plan = catalog.plans.get(id)
    if (!plan || !serves(plan, payer)) continue
    const ends = inForce.flatMap((each) => (each.plan === id ? [each.periodEnd] : []))
    return { plan, unknownClaim: null, paidUntil: latest(ends) }
  }
  if (account.claimedPlan !== null) return planForSlug(account.claimedPlan, payer, catalog)
  return { plan: catalog.defaultPlan, unknownClaim: null, paidUntil: null }
}

/** The latest of these times, where null is no end. */
function latest(times: (number | null)[]): number | null {
  return times.reduce((a, b) => (a === null || b === null ? null : Math.max(a, b)))
}

function planForSlug(slug: string, payer: Payer, catalog: Catalog): PlanResolution {
  const plan = catalog.planBySlug.get(slug)
  if (plan && serves(plan, payer)) return { plan, unknownClaim: null, paidUntil: null }
  return { plan: catalog.defaultPlan, unknownClaim: slug, paidUntil: null }
}

function serves(plan: Plan, payer: Payer): boolean {
  return plan.audience === 'anyone' || payer === 'organization'
}

/** A month of a plan's allowance that is due: the grant's key, its period and when it ends (ms). */
export type DueAllowance = { id: string; anchor: number; period: number; amount: number; expiresAt: number }

/**
 * The allowance of the plan in force that is due at `now`, or null. A period is never due twice, whatever the clock
 * does. Months are counted from the first sighting of the plan, or from an earlier start that billing recorded; anew for a
 * subscription that began after they had ended.
 */
export function dueAllowance(
  account: Account,
  { plan, paidUntil }: Pick<PlanResolution, 'plan' | 'paidUntil'>,
  payer: Payer,
  now: number,
): DueAllowance | null {
  if (plan.allowance === 0) return null
  // A user can make a hundred organizations; only a plan meant for organizations pays for them.
  if (payer === 'organization' && plan.audience !== 'organization') return null
  const known = knownMonths(account, plan, now)
  const anchor = known?.anchor ?? Math.min(now, ...startsOf(account, plan, now))
  const period = periodAt(anchor, now)
  if (period < 0 || (known && period <= known.period)) return null
  if (paidUntil !== null && addMonths(anchor, period) >= paidUntil) return null
  const start = new Date(addMonths(anchor, period)).toISOString()
  return {
    id: `plan:${plan.id}:${start}`,
    anchor,
    period,
    amount: plan.allowance,
    expiresAt: addMonths(anchor, period + 1),
  }
}

/**
 * The months that the plan has been granted by. A subscription that began after the last of them had ended is paid
 * from its own start, and so are its months: counted on from before, one paid month could touch two of them.
 */
function knownMonths(account: Account, plan: Plan, now: number): Account['allowances'][string] | undefined {
  const known = account.allowances[plan.id]
  if (!known) return undefined
  const ended = addMonths(known.anchor, known.period + 1)
  const running = subscriptionsInForce(account, now).filter((each) => each.plan === plan.id)
  const isNew = running.length > 0 && running.every(({ firstStart }) => firstStart >= ended)
  return isNew ? undefined : known
}

/** When the periods in force of the plan's subscriptions began. */
function startsOf(account: Account, plan: Plan, now: number): number[] {
  return subscriptionsInForce(account, now).flatMap((each) => (each.plan === plan.id ? each.periodStart : []))
}

/** When the allowance of a plan comes next (ms), or null if it has none yet. */
export function nextAllowanceAt(account: Account, plan: Plan): number | null {
  const known = account.allowances[plan.id]
  return known ? addMonths(known.anchor, known.period + 1) : null
}

/** The number of whole months from `anchor` to `now`, counted as addMonths counts them. */
function periodAt(anchor: number, now: number): number {
  const from = new Date(anchor)
  const to = new Date(now)
  const months = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth()
  return addMonths(anchor, months) <= now ? months : months - 1
}

/** The same day and time `months` later in UTC, or the last day of a month that is too short. */
function addMonths(time: number, months: number): number {
  const date = new Date(time)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, lastDay))
  return date.getTime()
}
