/**
 * An account's state: one constant-size value that a store keeps in one row. Everything in it is bounded; what
 * grows (entries, open holds) lives in rows of its own.
 */
import type { GrantSource } from './entry.ts'
import { emptyWindows, type WindowStarts, type Windows } from './limits.ts'
import type { Offer } from './payment.ts'
import type { Bound, Price } from './pricing.ts'
import { assert } from './result.ts'
import type { KnownSubscription } from './subscription.ts'

/** The most grants by operators and purchases that may be unspent at once. */
export const GRANTS_MAX = 200

/** Credits that are left of one grant. `available` and `held` in microcredits, times in milliseconds. */
export type Grant = {
  id: string
  source: GrantSource
  at: number
  expiresAt: number | null
  available: number
  held: number
  /** The grant whose revocation this one made good: a further revocation of that takes these credits first. */
  restores?: string
}

/** What a grant gave and what of it was taken back, kept after it is spent, so that a refund never takes more. */
export type GrantRecord = { id: string; source: GrantSource; granted: number; revoked: number }

/** A Faregate key. Only its SHA-256 is kept. `creditsMax`, `spent` and `held` in microcredits. */
export type Key = {
  id: string
  name: string
  hash: string
  member: string
  createdAt: number
  expiresAt: number
  creditsMax: number | null
  spent: number
  held: number
}

/** The most that a request can use beside the tokens of its input and output. */
export type Uses = Omit<Bound, 'inputTokens'>

/** Credits set aside for one request, at the price it will be settled by. */
export type Hold = {
  id: string
  at: number
  leaseUntil: number
  member: string
  keyId: string | null
  model: string
  price: Price
  /** Tokens that the input can be at most. */
  inputTokens: number
  /** What else the request can use at most. */
  uses?: Uses
  /** The cap on output tokens per choice, and the number of choices. */
  outputTokensMax: number
  choices: number
  /** Microcredits held, drawn from these grants in the order they burn. */
  amount: number
  draws: { grantId: string; amount: number }[]
  /** The metered cost so far, in microcredits. */
  checkpoint: number
  counted: WindowStarts
  /** SHA-256 of the Idempotency-Key that the request came with, if it came with one. */
  idempotencyKeyHash?: string
}

/** `on`: waits for the balance to fall. `under_way`: the provider was asked. `stopped`: the last attempt failed. */
export type TopUp = {
  pack: string
  /** Microcredits below which a pack is bought. */
  threshold: number
  state: 'on' | 'under_way' | 'stopped'
  /** The payment under way, or the one that failed; since when (ms), and what it was to buy. */
  attempt: { paymentId: string; at: number; offer: Offer } | null
  /** Not before this time (ms): the day's cap is reached. */
  notBefore: number
  /** Why it stopped, in the provider's code. */
  reason: string | null
}

/** What an account keeps for buying credits. */
export type AccountBilling = {
  /** The payment provider's customer, once there is one. */
  customer: string | null
  /** Whether a card was kept for auto top-up. */
  savedCard: boolean
  topUp: TopUp | null
  /** Top-ups begun in one UTC day, counted in days since 1970. */
  topUpDay: { day: number; count: number }
  /** Purchases begun in one hour, counted in hours since 1970. */
  opened: { hour: number; count: number }
  /** Payments that could not be matched and that somebody is looking at. */
  checking: number
}

export type Account = {
  id: string
  /** Counts the commits. */
  version: number
  createdAt: number
  /** What billing or the operator set, until a time or for good. */
  recordedPlan: { plan: string; until: number | null } | null
  /** The plan slug that the last session token carried: what a Faregate key goes by. */
  claimedPlan: string | null
  blocked: boolean
  /** Set when the account was shut for good, because who owned it is gone. Late words of billing change nothing then. */
  closed?: true
  grants: Grant[]
  /** Microcredits that were revoked after they had been spent. */
  debt: number
  totals: { granted: number; revoked: number; charged: number; expired: number }
  open: { total: number; models: Record<string, number> }
  windows: Windows
  /** By plan: the first sighting that its months are counted from, and the last month that was granted. */
  allowances: Record<string, { anchor: number; period: number }>
  keys: Key[]
  /** What billing providers said last of each subscription, up to a small bound. */
  subscriptions: KnownSubscription[]
  billing: AccountBilling
}

/** An account that has never been seen. */
export function newAccount(id: string, now: number): Account {
  return {
    id,
    version: 0,
    createdAt: now,
    recordedPlan: null,
    claimedPlan: null,
    blocked: false,
    grants: [],
    debt: 0,
    totals: { granted: 0, revoked: 0, charged: 0, expired: 0 },
    open: { total: 0, models: {} },
    windows: emptyWindows(now),
    allowances: {},
    keys: [],
    subscriptions: [],
    billing: {
      customer: null,
      savedCard: false,
      topUp: null,
      topUpDay: { day: 0, count: 0 },
      opened: { hour: 0, count: 0 },
      checking: 0,
    },
  }
}

/** Microcredits that a reserve may draw on. */
export function availableOf(account: Account): number {
  return account.grants.reduce((sum, grant) => sum + grant.available, 0)
}

/** Microcredits in open holds. */
export function heldOf(account: Account): number {
  return account.grants.reduce((sum, grant) => sum + grant.held, 0)
}

/** The order in which grants burn: soonest to expire first, then plan before purchased, then oldest. */
export function burnOrder(a: Grant, b: Grant): number {
  const expiry = (a.expiresAt ?? Number.MAX_VALUE) - (b.expiresAt ?? Number.MAX_VALUE)
  return expiry || rank[a.source] - rank[b.source] || a.at - b.at || (a.id < b.id ? -1 : 1)
}

const rank: Record<GrantSource, number> = { allowance: 0, operator: 1, purchase: 2 }

/** Throws unless granted − revoked = available + held + charged + expired − debt, in safe non-negative integers. */
export function assertConserved(account: Account): void {
  const { granted, revoked, charged, expired } = account.totals
  const available = availableOf(account)
  const held = heldOf(account)
  for (const figure of [granted, revoked, charged, expired, available, held, account.debt]) {
    assert(Number.isSafeInteger(figure) && figure >= 0, 'balances are safe non-negative integers')
  }
  assert(
    granted - revoked === available + held + charged + expired - account.debt,
    'granted − revoked = available + held + charged + expired − debt',
  )
}
