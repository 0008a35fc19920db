/** What an account looks like to its owner now: what is due is shown, and nothing is written. */
import { type Account, availableOf, heldOf, type TopUp } from './account.ts'
import type { Catalog, Plan } from './catalog.ts'
import { creditsOf } from './credits.ts'
import { grantAllowance, openDraft } from './draft.ts'
import type { Entry, GrantSource } from './entry.ts'
import { type LimitStatus, limitReport } from './limits.ts'
import { type Payment, statusOf } from './payment.ts'
import { nextAllowanceAt, type Payer, resolvePlan } from './plans.ts'
import { type Subscription, subscriptionsInForce } from './subscription.ts'
import { TURNED_OFF } from './top-up.ts'

type Shown = { limit: number; remaining: number; resetsAt: string }

/** Credits are decimals of a credit, times ISO 8601. */
export type AccountView = {
  id: string
  plan: string
  credits: {
    available: number
    held: number
    debt: number
    grants: { source: GrantSource; remaining: number; expiresAt: string | null }[]
    /** When the plan's next allowance comes, and what it gives. */
    nextAllowance: { credits: number; at: string } | null
  }
  limits: Record<string, Shown>
  blocked: boolean
  /** What a billing provider said last, in force or not; null without any. */
  subscription: {
    provider: Subscription['provider']
    plan: string
    status: Subscription['status']
    periodStart: string
    periodEnd: string | null
  } | null
  autoTopUp: AutoTopUpView | null
  /** Whether a card is on file for auto top-up. */
  savedCard: boolean
  /** Payments that could not be matched yet. */
  paymentsBeingChecked: number
}

/** `threshold` in credits; `reason` is the payment provider's code, once it has stopped. */
export type AutoTopUpView = {
  pack: string
  threshold: number
  state: TopUp['state']
  reason: string | null
}

type Viewer = { claim: string | null; payer: Payer }

/** An account as its next command would find it, and the plan that is in force for a caller with this claim. */
export type AccountNow = { account: Account; plan: Plan }

/** Brings a stored account up to `now`: what has expired is gone, and the allowance that is due is there. */
export function accountNow(
  stored: Account,
  { claim, payer }: Viewer,
  context: { now: number; catalog: Catalog },
): AccountNow {
  const draft = openDraft(stored, context)
  const resolution = resolvePlan(stored, claim, payer, context.catalog, context.now)
  grantAllowance(draft, resolution, payer)
  return { account: draft.account, plan: resolution.plan }
}

/** The account as its owner sees it at `now`. */
export function accountView({ account, plan }: AccountNow, now: number): AccountView {
  const report = limitReport(plan.limits, account.windows, account.open.total, now)
  const limits: Record<string, Shown> = {}
  for (const [name, status] of Object.entries(report)) limits[name] = shown(name, status)
  return {
    id: account.id,
    plan: plan.id,
    credits: {
      available: creditsOf(availableOf(account)),
      held: creditsOf(heldOf(account)),
      debt: creditsOf(account.debt),
      grants: account.grants
        .filter(({ available }) => available > 0)
        .map(({ source, available, expiresAt }) => ({
          source,
          remaining: creditsOf(available),
          expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
        })),
      nextAllowance: nextAllowance(account, plan),
    },
    limits,
    blocked: account.blocked,
    subscription: subscriptionView(account, now),
    autoTopUp: autoTopUpView(account),
    savedCard: account.billing.savedCard,
    paymentsBeingChecked: account.billing.checking,
  }
}

/** The subscription in force, else the one that was heard of last. */
function subscriptionView(account: Account, now: number): AccountView['subscription'] {
  const heard = [...account.subscriptions].sort((a, b) => b.version - a.version)
  const shownOne = subscriptionsInForce(account, now)[0] ?? heard[0]
  if (!shownOne) return null
  const { provider, plan, status, periodStart, periodEnd } = shownOne
  return {
    provider,
    plan,
    status,
    periodStart: new Date(periodStart).toISOString(),
    periodEnd: periodEnd === null ? null : new Date(periodEnd).toISOString(),
  }
}

/** Auto top-up as its owner sees it; null while it is off. */
export function autoTopUpView({ billing: { topUp } }: Account): AutoTopUpView | null {
  if (!topUp || topUp.reason === TURNED_OFF) return null
  const { pack, threshold, state, reason } = topUp
  return { pack, threshold: creditsOf(threshold), state, reason }
}

/** A purchase as its buyer sees it. Credits are decimals of a credit, `price` and `paid` decimals of the currency. */
export function paymentView(payment: Payment): Record<string, unknown> {
  const { id, at, kind, pack, credits, subtotal, currency, state, paid } = payment
  return {
    id,
    at: new Date(at).toISOString(),
    kind,
    pack,
    credits: creditsOf(credits),
    price: { [currency]: subtotal / 100 },
    paid: state === 'paid' ? { amount: paid / 100, currency } : null,
    status: statusOf(payment),
  }
}

function nextAllowance(account: Account, plan: Plan): AccountView['credits']['nextAllowance'] {
  const at = plan.allowance > 0 ? nextAllowanceAt(account, plan) : null
  return at === null ? null : { credits: creditsOf(plan.allowance), at: new Date(at).toISOString() }
}

function shown(name: string, { limit, remaining, resetsAt }: LimitStatus): Shown {
  const inCredits = name === 'creditsPerDay'
  return {
    limit: inCredits ? creditsOf(limit) : limit,
    remaining: inCredits ? creditsOf(remaining) : remaining,
    resetsAt: new Date(resetsAt).toISOString(),
  }
}

/** An entry as its owner sees it: what the provider asked of the operator is left out. */
export function entryView(entry: Entry): Record<string, unknown> {
  const { priceVersion: _price, upstreamPicoUsd: _cost, credits, at, ...rest } = entry
  return { ...rest, at: new Date(at).toISOString(), credits: creditsOf(credits) }
}
