/** What an account looks like to its owner now: what is due is shown, and nothing is written. */
import { type Account, availableOf, heldOf } from './account.ts'
import type { Catalog, Plan } from './catalog.ts'
import { creditsOf } from './credits.ts'
import { grantAllowance, openDraft } from './draft.ts'
import type { Entry, GrantSource } from './entry.ts'
import { type LimitStatus, limitReport } from './limits.ts'
import { nextAllowanceAt, type Payer, resolvePlan } from './plans.ts'

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
  const { plan } = resolvePlan(stored, claim, payer, context.catalog, context.now)
  grantAllowance(draft, plan, payer)
  return { account: draft.account, plan }
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
