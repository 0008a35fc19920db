/** How a hold lives and ends: checkpoint, settle, release, lapse. Each hold ends once; a repeat changes nothing. */
import { type Account, availableOf, type Hold } from './account.ts'
import type { Checkpoint, EndReply, Found, Lapse, Release, Settle } from './command.ts'
import {
  type Context,
  closeDraft,
  type Decision,
  type Draft,
  openDraft,
  returnToGrant,
  type Spent,
  unchanged,
} from './draft.ts'
import type { Ended, Entry } from './entry.ts'
import { correctRequest, dayOf } from './limits.ts'
import { boundedUsage, boundOf, charge, noUsage, type Usage, upstreamCost } from './pricing.ts'
import { type Refusal, refusal } from './refusal.ts'
import { LEASE_AHEAD_MS, LEASE_MS } from './reserve.ts'
import { assert, err, ok, type Result } from './result.ts'
import { isTopUpDue } from './top-up.ts'

type Ending = Checkpoint | Settle | Release | Lapse

/** Decides one step of a hold's life. */
export function end(
  account: Account,
  command: Ending,
  found: Found,
  context: Context,
): Result<Decision<EndReply>, Refusal> {
  const { hold, entry } = found
  if (!hold) return repeat(account, command.holdId, entry)
  switch (command.kind) {
    case 'checkpoint':
      return ok(checkpoint(account, hold, command.usage, context.now))
    case 'settle':
      return ok(finish(account, hold, { ...command, charged: charge(hold.price, command.usage) }, context))
    case 'release':
      return ok(release(account, hold, found, context))
    case 'lapse':
      return ok(lapse(account, hold, context))
  }
}

function repeat(
  account: Account,
  holdId: string,
  entry: Entry | undefined,
): Result<Decision<EndReply>, Refusal> {
  if (entry?.kind !== 'charge')
    return err(refusal('not_found', `There is no request ${holdId} on this account.`))
  const { ended = null, estimated = false, credits } = entry
  return ok(unchanged({ charged: Math.abs(credits), available: availableOf(account), ended, estimated }))
}

/** Renews the lease; the cost on record only ever rises. Writes the hold alone, not the account. */
function checkpoint(account: Account, hold: Hold, usage: Usage, now: number): Decision<EndReply> {
  const cost = Math.min(hold.amount, Math.max(hold.checkpoint, charge(hold.price, usage)))
  const put = { ...hold, checkpoint: cost, leaseUntil: now + LEASE_MS }
  const reply = { charged: 0, available: availableOf(account), ended: null, estimated: false }
  return { ...unchanged(reply), hold: { put } }
}

/**
 * A lease that lies further ahead than one can was made while the clock was ahead. Its request, if it lives, has
 * renewed it since the clock went back: sweeps wait for that.
 */
function isAlive({ leaseUntil }: Hold, now: number): boolean {
  return now < leaseUntil && leaseUntil <= now + LEASE_AHEAD_MS
}

/** Gives the hold back whole, and its Idempotency-Key free: the request may be sent anew. */
function release(account: Account, hold: Hold, { first }: Found, context: Context): Decision<EndReply> {
  const outcome = { usage: noUsage, ended: 'error', estimated: false, charged: 0 } as const
  const decision = finish(account, hold, outcome, context)
  const own = first?.use.requestId === hold.id
  return own ? { ...decision, keyUse: { drop: first.use.keyHash } } : decision
}

/** A dead process's request is presumed sent: it costs its input, or what was metered if that is more. */
function lapse(account: Account, hold: Hold, context: Context): Decision<EndReply> {
  if (isAlive(hold, context.now)) {
    return unchanged({ charged: 0, available: availableOf(account), ended: null, estimated: false })
  }
  const usage = boundedUsage(hold.price, boundOf(hold), 0)
  const charged = Math.max(charge(hold.price, usage), hold.checkpoint)
  return finish(account, hold, { usage, ended: 'lapsed', estimated: true, charged }, context)
}

type Outcome = { usage: Usage; ended: Ended; estimated: boolean; charged: number }

/** Charges at most the hold, returns the rest to the grants it came from, and forgets the hold. */
function finish(account: Account, hold: Hold, outcome: Outcome, context: Context): Decision<EndReply> {
  const draft = openDraft(account, context)
  const charged = Math.min(outcome.charged, hold.amount)
  spend(draft, hold, charged)
  closeHold(draft.account, hold, charged, outcome.usage)
  draft.entries.push(entryFor(draft, hold, outcome, charged))
  draft.spent = spentBy(draft, hold, outcome.usage, charged)
  const { ended, estimated } = outcome
  const reply = {
    charged,
    available: availableOf(draft.account),
    ended,
    estimated,
    ...(isTopUpDue(draft.account, context.now) && { topUpDue: true as const }),
  }
  return closeDraft(draft, reply, { drop: hold.id })
}

/** What the answer adds to the day's sums; what was never answered adds nothing. */
function spentBy(draft: Draft, { model, member }: Hold, usage: Usage, credits: number): Spent | null {
  const { inputTokens, outputTokens } = usage
  if (credits === 0 && inputTokens === 0 && outputTokens === 0) return null
  return { day: dayOf(draft.now), model, member, inputTokens, outputTokens, credits }
}

function spend(draft: Draft, hold: Hold, charged: number): void {
  const { account } = draft
  let left = charged
  for (const { grantId, amount } of hold.draws) {
    const grant = account.grants.find((candidate) => candidate.id === grantId)
    assert(grant !== undefined && grant.held >= amount, 'a grant lasts while a hold draws on it')
    const spent = Math.min(left, amount)
    left -= spent
    grant.held -= amount
    account.totals.charged += spent
    returnToGrant(draft, grant, amount - spent, hold.id)
  }
  assert(left === 0, 'a hold draws all that it holds')
}

/** Frees the concurrency slot, corrects the windows that counted the hold, and books the key's spending. */
function closeHold(account: Account, hold: Hold, charged: number, usage: Usage): void {
  const { model, counted, inputTokens, outputTokensMax, choices, amount } = hold
  account.open.total -= 1
  const open = (account.open.models[model] ?? 0) - 1
  assert(account.open.total >= 0 && open >= 0, 'open holds are counted')
  if (open === 0) delete account.open.models[model]
  else account.open.models[model] = open
  const estimate = { model, tokens: inputTokens + outputTokensMax * choices, credits: amount }
  const actual = { model, tokens: usage.inputTokens + usage.outputTokens, credits: charged }
  correctRequest(account.windows, counted, estimate, actual)
  const key = account.keys.find((candidate) => candidate.id === hold.keyId)
  if (!key) return
  key.held -= amount
  key.spent += charged
}

function entryFor(draft: Draft, hold: Hold, outcome: Outcome, charged: number): Entry {
  const { usage, ended, estimated } = outcome
  return {
    id: hold.id,
    at: draft.now,
    kind: 'charge',
    credits: charged === 0 ? 0 : -charged,
    member: hold.member,
    ...(hold.keyId !== null && { keyId: hold.keyId }),
    model: hold.model,
    usage,
    ended,
    ...(estimated && { estimated }),
    requestId: hold.id,
    priceVersion: hold.price.version,
    upstreamPicoUsd: upstreamCost(hold.price, usage).toString(),
  }
}
