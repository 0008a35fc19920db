/** Faregate keys: made by a user within what the plan allows, or by the operator; revocable at once. */
import type { Account, Key } from './account.ts'
import type { Plan } from './catalog.ts'
import type { CreateKey, KeyReply, RevokeKey } from './command.ts'
import { creditsOf } from './credits.ts'
import { type Context, closeDraft, type Decision, openDraft, unchanged } from './draft.ts'
import { resolvePlan } from './plans.ts'
import { type Refusal, refusal } from './refusal.ts'
import { err, ok, type Result } from './result.ts'

/** How long a key lives when nobody says otherwise, in seconds. */
export const KEY_TTL_SECONDS = 900

/** The most keys that an account may have, whoever made them. */
export const KEYS_MAX = 100

/** Decides the making of a key. */
export function createKey(
  account: Account,
  command: CreateKey,
  context: Context,
): Result<Decision<KeyReply>, Refusal> {
  const known = account.keys.find(({ id }) => id === command.id)
  if (known) return ok(unchanged({ key: known }))
  const draft = openDraft(account, context)
  const { now } = context
  draft.account.keys = draft.account.keys.filter(({ expiresAt, held }) => now < expiresAt || held > 0)
  const { plan } = resolvePlan(draft.account, command.planClaim, command.payer, context.catalog, now)
  const byUser = command.by === 'user'
  const refused = byUser ? planRefusal(draft.account, command, plan) : countRefusal(draft.account, KEYS_MAX)
  if (refused) return err(refused)
  const ttlSeconds =
    command.ttlSeconds ?? Math.min(KEY_TTL_SECONDS, byUser ? plan.keys.ttlSecondsMax : KEY_TTL_SECONDS)
  const key: Key = {
    id: command.id,
    name: command.name,
    hash: command.hash,
    member: command.member,
    createdAt: now,
    expiresAt: now + ttlSeconds * 1000,
    creditsMax: command.creditsMax ?? (byUser ? plan.keys.creditsMax : null),
    spent: 0,
    held: 0,
  }
  draft.account.keys.push(key)
  if (command.planClaim !== null) draft.account.claimedPlan = command.planClaim
  return ok(closeDraft(draft, { key }))
}

/** Decides the end of a key. */
export function revokeKey(
  account: Account,
  command: RevokeKey,
  context: Context,
): Result<Decision<KeyReply>, Refusal> {
  const key = account.keys.find(
    ({ id, member }) => id === command.id && (command.member ?? member) === member,
  )
  if (!key) return err(refusal('not_found', `There is no key ${command.id} on this account.`))
  const draft = openDraft(account, context)
  draft.account.keys = draft.account.keys.filter(({ id }) => id !== key.id)
  return ok(closeDraft(draft, { key }))
}

function planRefusal(account: Account, command: CreateKey, plan: Plan): Refusal | null {
  const { ttlSecondsMax, creditsMax, countMax } = plan.keys
  if (account.blocked) return refusal('blocked', 'This account is blocked. Contact the operator of this app.')
  if (command.ttlSeconds !== null && command.ttlSeconds > ttlSecondsMax) {
    const message = `A key of the plan ${plan.id} lives ${ttlSecondsMax} s at most.`
    return refusal('invalid_value', message, { param: 'ttlSeconds' })
  }
  if (creditsMax !== null && command.creditsMax !== null && command.creditsMax > creditsMax) {
    const message = `A key of the plan ${plan.id} may spend ${creditsOf(creditsMax)} credits at most.`
    return refusal('invalid_value', message, { param: 'creditsMax' })
  }
  return countRefusal(account, countMax)
}

function countRefusal(account: Account, countMax: number): Refusal | null {
  if (account.keys.length < countMax) return null
  return refusal(
    'too_many_keys',
    `The account has ${account.keys.length} keys, as many as are allowed. Revoke one first.`,
  )
}
