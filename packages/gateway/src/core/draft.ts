/** A decision in the making: a copy of the account that may be changed, and the entries that explain the changes. */
import type { Account, Grant, GrantRecord, Hold } from './account.ts'
import type { Catalog } from './catalog.ts'
import type { Entry } from './entry.ts'
import type { KeyUse } from './idempotency.ts'
import { windowsAt } from './limits.ts'
import type { Payment } from './payment.ts'
import { dueAllowance, type Payer, type PlanResolution } from './plans.ts'

export type Context = { now: number; catalog: Catalog }

export type Draft = {
  account: Account
  entries: Entry[]
  records: GrantRecord[]
  payment: Payment | null
  spent: Spent | null
  keyUse: Decision<unknown>['keyUse']
  now: number
  catalog: Catalog
}

/** What one answer adds to the sums of a UTC day (counted since 1970), a model and a member. Microcredits. */
export type Spent = {
  day: number
  model: string
  member: string
  inputTokens: number
  outputTokens: number
  credits: number
}

/** What the store moves to another id: the account as it ended, and its last entries. */
export type Retired = { id: string; account: Account; entries: Entry[] }

/** What a store must write, all of it or nothing. A part that is null leaves its rows alone. */
export type Decision<Reply> = {
  /** Null when the command changes nothing. */
  account: Account | null
  entries: Entry[]
  records: GrantRecord[]
  hold: { put: Hold } | { drop: string } | null
  payment: Payment | null
  spent: Spent | null
  /** The first use of an Idempotency-Key to remember, or the key (its hash) to let go. */
  keyUse: { put: KeyUse } | { drop: string } | null
  /** Everything under the account's id moves to this one before the rest is written; uses of keys are forgotten. */
  retired: Retired | null
  reply: Reply
}

/** A decision that writes nothing. */
export function unchanged<Reply>(reply: Reply): Decision<Reply> {
  return {
    account: null,
    entries: [],
    records: [],
    hold: null,
    payment: null,
    spent: null,
    keyUse: null,
    retired: null,
    reply,
  }
}

/** Copies the account, with windows and grants brought up to `now`. */
export function openDraft(account: Account, { now, catalog }: Context): Draft {
  const copy: Account = {
    ...account,
    grants: account.grants.map((grant) => ({ ...grant })),
    totals: { ...account.totals },
    open: { total: account.open.total, models: { ...account.open.models } },
    windows: windowsAt(account.windows, now),
    allowances: { ...account.allowances },
    keys: account.keys.map((key) => ({ ...key })),
    billing: { ...account.billing },
  }
  const written = { entries: [], records: [], payment: null, spent: null, keyUse: null }
  const draft: Draft = { account: copy, ...written, now, catalog }
  expireGrants(draft)
  return draft
}

/** Ends a draft: counts the commit, and forgets grants that are spent. */
export function closeDraft<Reply>(
  draft: Draft,
  reply: Reply,
  hold: Decision<Reply>['hold'] = null,
): Decision<Reply> {
  const { account, entries, records, payment, spent, keyUse } = draft
  account.version += 1
  account.grants = account.grants.filter((grant) => grant.available > 0 || grant.held > 0)
  return { account, entries, records, hold, payment, spent, keyUse, retired: null, reply }
}

/** What has passed its expiry and is not held expires now. */
function expireGrants(draft: Draft): void {
  for (const grant of draft.account.grants) {
    if (grant.available > 0 && isExpired(grant, draft.now)) {
      const amount = grant.available
      grant.available = 0
      // The version keeps the id unique even if the clock steps back and the grant expires again.
      recordExpiry(draft, grant, amount, `expire:${grant.id}:${draft.account.version}`)
    }
  }
}

/** Gives the plan's allowance for the month, if it is due. */
export function grantAllowance(draft: Draft, resolution: PlanResolution, payer: Payer): void {
  const { account, now } = draft
  const { plan } = resolution
  const due = dueAllowance(account, resolution, payer, now)
  if (!due) return
  const { id, amount, expiresAt } = due
  account.allowances[plan.id] = { anchor: due.anchor, period: due.period }
  addGrant(draft, {
    id,
    source: 'allowance',
    credits: amount,
    expiresAt,
    reason: `allowance of the plan ${plan.id}`,
  })
}

type NewGrant = Omit<Grant, 'at' | 'available' | 'held'> & { credits: number; reason: string }

/** Adds a grant. What was bought, or given by the operator, pays debt first. */
export function addGrant(draft: Draft, { credits, reason, ...kept }: NewGrant): void {
  const { account, now } = draft
  const { id, source } = kept
  const grant: Grant = { ...kept, at: now, available: 0, held: 0 }
  account.totals.granted += credits
  account.grants.push(grant)
  draft.records.push({ id, source, granted: credits, revoked: 0 })
  draft.entries.push({ id, at: now, kind: 'grant', credits, grantId: id, source, reason })
  makeAvailable(account, grant, credits)
}

/** Returns what a hold did not use to the grant that it came from; past its expiry it expires at once. */
export function returnToGrant(draft: Draft, grant: Grant, amount: number, holdId: string): void {
  if (amount === 0) return
  if (isExpired(grant, draft.now)) recordExpiry(draft, grant, amount, `expire:${grant.id}:${holdId}`)
  else makeAvailable(draft.account, grant, amount)
}

function makeAvailable(account: Account, grant: Grant, amount: number): void {
  const repaid = grant.source === 'allowance' ? 0 : Math.min(account.debt, amount)
  account.debt -= repaid
  grant.available += amount - repaid
}

/** Books what a grant loses by expiring; the caller has taken it from the grant. */
export function recordExpiry(draft: Draft, grant: Grant, amount: number, id: string): void {
  draft.account.totals.expired += amount
  draft.entries.push({
    id,
    at: draft.now,
    kind: 'expire',
    credits: -amount,
    grantId: grant.id,
    source: grant.source,
  })
}

function isExpired(grant: Grant, now: number): boolean {
  return grant.expiresAt !== null && now >= grant.expiresAt
}
