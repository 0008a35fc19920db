/** Admission: one decision over key, plan, limits, concurrency and credits. Either all of it fits, or nothing changes. */
import { type Account, availableOf, burnOrder, type Hold, type Key } from './account.ts'
import { type Plan, planAllows } from './catalog.ts'
import type { Found, Reserve, ReserveReply } from './command.ts'
import { creditsOf } from './credits.ts'
import {
  type Context,
  closeDraft,
  type Decision,
  type Draft,
  grantAllowance,
  openDraft,
  unchanged,
} from './draft.ts'
import { repeatRefusal } from './idempotency.ts'
import { countRequest, limitRefusal, limitReport } from './limits.ts'
import { resolvePlan } from './plans.ts'
import { affordableOutputTokens, boundOf, chargeMax } from './pricing.ts'
import { type Refusal, refusal } from './refusal.ts'
import { err, ok, type Result } from './result.ts'
import { isTopUpDue } from './top-up.ts'

/** How long a hold lives without a checkpoint, in milliseconds. */
export const LEASE_MS = 60_000

/** The furthest ahead that a lease can lie without the clock having gone back since, in milliseconds. */
export const LEASE_AHEAD_MS = 2 * LEASE_MS

/** The least output that a request without a cap of its own is admitted for, in tokens. */
export const OUTPUT_TOKENS_FLOOR = 256

/** Decides a reserve. */
export function reserve(
  account: Account,
  command: Reserve,
  found: Found,
  context: Context,
): Result<Decision<ReserveReply>, Refusal> {
  if (found.hold) return ok(unchanged(replyFor(account, found.hold, command, context)))
  if (found.entry) return err(refusal('idempotency_conflict', `The request ${command.id} has already ended.`))
  const draft = openDraft(account, context)
  // The key first: whoever does not hold one must not learn how the account stands.
  const key = findKey(draft, command)
  if (!key.ok) return key
  const refused = standingRefusal(draft.account) ?? repeated(command, found, context)
  if (refused) return err(refused)
  const resolution = resolvePlan(
    draft.account,
    command.planClaim,
    command.payer,
    context.catalog,
    context.now,
  )
  const { plan } = resolution
  if (!planAllows(plan, command.model)) return err(modelRefusal(plan, command.model))
  grantAllowance(draft, resolution, command.payer)
  const cap = outputCap(draft.account, command, plan, key.value)
  if (!cap.ok) return err(withTopUp(cap.error, draft))
  const admitted = admit(draft, command, plan, key.value, cap.value)
  if (!admitted.ok) return err(withTopUp(admitted.error, draft))
  const hold = admitted.value
  if (command.idempotency) {
    draft.keyUse = { put: { ...command.idempotency, requestId: command.id, at: context.now } }
  }
  if (command.planClaim !== null) draft.account.claimedPlan = command.planClaim
  return ok(closeDraft(draft, replyFor(draft.account, hold, command, context), { put: hold }))
}

/** A balance that was too short may be one that an auto top-up is to mend. */
function withTopUp(refused: Refusal, { account, now }: Draft): Refusal {
  const short = refused.code === 'insufficient_credits' && isTopUpDue(account, now)
  return short ? { ...refused, topUpDue: true } : refused
}

function standingRefusal(account: Account): Refusal | null {
  if (account.blocked) return refusal('blocked', 'This account is blocked. Contact the operator of this app.')
  if (account.debt === 0) return null
  return refusal(
    'account_in_debt',
    `This account owes ${creditsOf(account.debt)} credits from a refunded or disputed payment. Buy credits to go on.`,
  )
}

function repeated({ idempotency }: Reserve, { first }: Found, { now }: Context): Refusal | null {
  return idempotency ? repeatRefusal(idempotency, first, now) : null
}

/** The Faregate key that the command came with; null when it came with a session token. */
function findKey(draft: Draft, command: Reserve): Result<Key | null, Refusal> {
  if (command.keyHash === null) return ok(null)
  const key = draft.account.keys.find((candidate) => candidate.hash === command.keyHash)
  if (!key)
    return err(refusal('invalid_token', 'This Faregate key does not exist or was revoked. Make a new one.'))
  if (draft.now >= key.expiresAt)
    return err(refusal('token_expired', 'This Faregate key has expired. Make a new one.'))
  return ok(key)
}

function modelRefusal(plan: Plan, model: string): Refusal {
  return refusal(
    'model_not_in_plan',
    `The plan ${plan.id} does not include the model ${model}. Upgrade, or use another.`,
    {
      param: 'model',
    },
  )
}

/** The output cap per choice: asked for and clamped to model and plan, or the default as far as it is affordable. */
function outputCap(account: Account, command: Reserve, plan: Plan, key: Key | null): Result<number, Refusal> {
  const { asked, default: byDefault, max, fixed } = command.output
  const ceiling = Math.min(max ?? Number.POSITIVE_INFINITY, plan.outputTokensMax ?? Number.POSITIVE_INFINITY)
  if (asked !== null && asked > ceiling && fixed) return err(fixedRefusal(asked, ceiling))
  if (asked !== null) return ok(Math.min(asked, ceiling))
  const wanted = Math.min(byDefault, ceiling)
  const affordable = affordablePerChoice(command, Math.min(availableOf(account), keyLeft(key)))
  const fitting = Math.floor((windowTokens(plan, command.model) - command.inputTokens) / command.choices)
  const cap = Math.min(wanted, affordable, Math.max(fitting, OUTPUT_TOKENS_FLOOR))
  const floor = Math.min(OUTPUT_TOKENS_FLOOR, wanted)
  return cap >= floor ? ok(cap) : err(creditsRefusal(account, command, key, floor))
}

/** Nothing in such a request could tell the provider of a lower cap. */
function fixedRefusal(asked: number, ceiling: number): Refusal {
  return refusal(
    'request_too_large_for_plan',
    `What this request asks for takes up to ${asked} output tokens, and your plan and the model allow ${ceiling}. Ask for something smaller.`,
  )
}

function affordablePerChoice(command: Reserve, credits: number): number {
  return Math.floor(affordableOutputTokens(command.price, boundOf(command), credits) / command.choices)
}

/** What a key may still spend, in microcredits; Infinity without a key or a cap of its own. */
function keyLeft(key: Key | null): number {
  if (!key || key.creditsMax === null) return Number.POSITIVE_INFINITY
  return Math.max(0, key.creditsMax - key.spent - key.held)
}

/** The tokens that a whole minute's window holds for this model. */
function windowTokens(plan: Plan, model: string): number {
  const { tokensPerMinute, models } = plan.limits
  return Math.min(
    tokensPerMinute ?? Number.POSITIVE_INFINITY,
    models[model]?.tokensPerMinute ?? Number.POSITIVE_INFINITY,
  )
}

/** Checks limits and credits for the capped request, and takes them. Changes the draft only when all fits. */
function admit(
  draft: Draft,
  command: Reserve,
  plan: Plan,
  key: Key | null,
  cap: number,
): Result<Hold, Refusal> {
  const { account, now } = draft
  const { model, price, inputTokens, uses, choices } = command
  const amount = chargeMax(price, boundOf(command), cap * choices)
  const ask = { model, tokens: inputTokens + cap * choices, credits: amount }
  const limited = limitRefusal(plan.limits, account.windows, account.open, ask, now)
  if (limited) return err(limited)
  if (amount > Math.min(availableOf(account), keyLeft(key))) {
    return err(creditsRefusal(account, command, key, cap))
  }
  account.open.total += 1
  account.open.models[model] = (account.open.models[model] ?? 0) + 1
  if (key) key.held += amount
  return ok({
    id: command.id,
    at: now,
    leaseUntil: now + LEASE_MS,
    member: command.member ?? key?.member ?? account.id,
    keyId: key?.id ?? null,
    model,
    price,
    inputTokens,
    ...(uses && { uses }),
    outputTokensMax: cap,
    choices,
    amount,
    draws: draw(account, amount),
    checkpoint: 0,
    counted: countRequest(account.windows, ask),
    ...(command.idempotency && { idempotencyKeyHash: command.idempotency.keyHash }),
  })
}

/** Moves `amount` from available to held, in burn order. The caller has checked that it is there. */
function draw(account: Account, amount: number): Hold['draws'] {
  const draws: Hold['draws'] = []
  let left = amount
  for (const grant of account.grants.sort(burnOrder)) {
    const taken = Math.min(left, grant.available)
    if (taken === 0) continue
    grant.available -= taken
    grant.held += taken
    left -= taken
    draws.push({ grantId: grant.id, amount: taken })
  }
  return draws
}

/** The balance is short, or else what the key may spend of it. Says what the shorter of them still pays for. */
function creditsRefusal(account: Account, command: Reserve, key: Key | null, cap: number): Refusal {
  const available = availableOf(account)
  const left = keyLeft(key)
  const amount = chargeMax(command.price, boundOf(command), cap * command.choices)
  const tokens = affordablePerChoice(command, Math.min(available, left))
  const more = amount > available ? 'buy credits' : 'make a new key'
  const there =
    amount > available
      ? `${creditsOf(available)} are available`
      : `this Faregate key may spend ${creditsOf(left)} more`
  const wayOut =
    tokens > 0 && !command.output.fixed
      ? `That pays for ${tokens} output tokens: ask for at most ${tokens}, or ${more}.`
      : `${command.output.fixed ? 'Ask for less' : 'Shorten the input'}, or ${more}.`
  return refusal(
    'insufficient_credits',
    `This request may cost up to ${creditsOf(amount)} credits, and ${there}. ${wayOut}`,
  )
}

function replyFor(account: Account, hold: Hold, command: Reserve, { now, catalog }: Context): ReserveReply {
  const { plan, unknownClaim } = resolvePlan(account, command.planClaim, command.payer, catalog, now)
  return {
    hold,
    plan: plan.id,
    available: availableOf(account),
    clamped: hold.outputTokensMax !== command.output.asked,
    limits: limitReport(plan.limits, account.windows, account.open.total, now),
    unknownPlanClaim: unknownClaim,
  }
}
