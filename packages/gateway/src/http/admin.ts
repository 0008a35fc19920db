/** The operator's routes. They exist only where an admin key is set, and each asks for it. */
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import type { Account } from '../core/account.ts'
import type { GrantReply } from '../core/command.ts'
import { creditsOf } from '../core/credits.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { accountNow, accountView } from '../core/view.ts'
import { createFaregateKey, isAccountId, payerOf } from '../issuers/faregate-key.ts'
import type { Pipeline } from '../pipeline/call.ts'
import type { Closer } from '../ports.ts'
import { entryPageView, entryQuery, toEntryQuery } from './account.ts'
import { adminBookRoutes } from './admin-books.ts'
import type { Env } from './env.ts'
import { credits, input, query, time } from './input.ts'
import { keyView, newKey, newKeyId } from './keys.ts'
import { refuse } from './respond.ts'

const newGrant = z.strictObject({ credits, reason: z.string().min(1).max(500), expiresAt: time.optional() })
const newRevocation = z.strictObject({
  grantId: z.string().max(200).optional(),
  credits: credits.optional(),
  reason: z.string().min(1).max(500),
})
const newPlan = z.strictObject({ plan: z.string().max(128).nullable(), until: time.optional() })
const newBlocked = z.strictObject({ blocked: z.boolean() })
const newAdminKey = newKey.extend({ member: z.string().max(300).optional() })

type Handler = (accountId: string, context: Context<Env>) => Promise<Result<Response, Refusal>>

/** What the operator's routes are given. */
export type AdminRouteOptions = { pipeline: Pipeline; adminKeys: readonly string[]; close: Closer }

/** Adds the `/admin/accounts/{id}…` routes. */
export function adminRoutes(routes: Hono<Env>, { pipeline, adminKeys, close }: AdminRouteOptions): void {
  const operator = (handle: Handler) => forOperator(pipeline, adminKeys, handle)
  adminBookRoutes(routes, { pipeline, close, operator, show: (id) => show(pipeline, id) })
  const path = '/admin/accounts/:id'
  routes.get(
    path,
    operator(async (id, context) => ok(context.json(await show(pipeline, id)))),
  )
  routes.get(
    `${path}/entries`,
    operator(async (id, context) => {
      const asked = query(context, entryQuery)
      if (!asked.ok) return asked
      return ok(context.json(entryPageView(await pipeline.store.entries(id, toEntryQuery(asked.value)))))
    }),
  )
  routes.post(
    `${path}/grants`,
    operator((id, context) => postGrant(pipeline, id, context)),
  )
  routes.post(
    `${path}/revocations`,
    operator((id, context) => postRevocation(pipeline, id, context)),
  )
  routes.post(
    `${path}/keys`,
    operator((id, context) => postKey(pipeline, id, context)),
  )
  routes.delete(
    `${path}/keys/:key`,
    operator(async (id, context) => {
      const command = { kind: 'revokeKey', id: context.req.param('key') ?? '', member: null } as const
      const revoked = await pipeline.store.apply(id, command)
      return revoked.ok ? ok(context.json({ id: revoked.value.key.id, deleted: true })) : revoked
    }),
  )
  routes.put(
    `${path}/plan`,
    operator((id, context) => putPlan(pipeline, id, context)),
  )
  routes.put(
    `${path}/blocked`,
    operator(async (id, context) => {
      const asked = await input(context, newBlocked)
      if (!asked.ok) return asked
      const done = await pipeline.store.apply(id, { kind: 'setBlocked', blocked: asked.value.blocked })
      return done.ok ? ok(context.json(adminView(pipeline, done.value.account))) : done
    }),
  )
}

function forOperator(pipeline: Pipeline, adminKeys: readonly string[], handle: Handler) {
  return async (context: Context<Env>): Promise<Response> => {
    const { requestId } = context.env
    const token = /^Bearer (.+)$/.exec(context.req.header('authorization') ?? '')?.[1] ?? ''
    if (!(await isOneOf(pipeline, token, adminKeys))) {
      return refuse(
        refusal('invalid_token', 'Send FAREGATE_ADMIN_KEY as "Authorization: Bearer <key>".'),
        requestId,
      )
    }
    const id = context.req.param('id') ?? ''
    const known = isKnown(id, context.req.method)
    const answer = known ? await handle(id, context) : err(badAccountId(id))
    return answer.ok ? answer.value : refuse(answer.error, requestId)
  }
}

/** Compares digests, so that the time taken tells nothing about the key. */
async function isOneOf({ sha256 }: Pipeline, token: string, adminKeys: readonly string[]): Promise<boolean> {
  const given = await sha256(token)
  let found = false
  for (const key of adminKeys) found = (await sha256(key)) === given || found
  return found
}

const accountIdPattern = /^(?:clerk:(?:user|org)_[^\s/]{1,200}|[A-Za-z0-9][\w-]{0,63}:(?:user|org):.{1,255})$/

/** The books of deleted accounts, which nothing changes any more. */
const deletedPattern = /^deleted:[0-9a-f]{32}$/

function isKnown(id: string, method: string): boolean {
  return (accountIdPattern.test(id) && isAccountId(id)) || (method === 'GET' && deletedPattern.test(id))
}

function badAccountId(id: string): Refusal {
  const message = `${id.slice(0, 100)} is no account id. They look like clerk:user_2a, clerk:org_7 or <issuer>:user:<sub>.`
  return refusal('invalid_value', message, { param: 'id' })
}

async function show(pipeline: Pipeline, id: string): Promise<Record<string, unknown>> {
  return adminView(pipeline, await pipeline.store.read(id))
}

function adminView({ clock, catalog }: Pipeline, stored: Account): Record<string, unknown> {
  const now = clock()
  const current = deletedPattern.test(stored.id)
    ? { account: stored, plan: catalog.defaultPlan }
    : accountNow(stored, { claim: null, payer: payerOf(stored.id) }, { now, catalog })
  // The credits are as the next command would find them, due allowance included; the totals are as recorded.
  const { recordedPlan, claimedPlan, totals, keys } = stored
  return {
    ...accountView(current, now),
    recordedPlan: recordedPlan && {
      plan: recordedPlan.plan,
      until: recordedPlan.until === null ? null : new Date(recordedPlan.until).toISOString(),
    },
    claimedPlan,
    totals: {
      granted: creditsOf(totals.granted),
      revoked: creditsOf(totals.revoked),
      charged: creditsOf(totals.charged),
      expired: creditsOf(totals.expired),
    },
    keys: keys.map(keyView),
  }
}

async function postGrant(
  pipeline: Pipeline,
  id: string,
  context: Context<Env>,
): Promise<Result<Response, Refusal>> {
  const asked = await input(context, newGrant)
  if (!asked.ok) return asked
  const grantId = idempotent('operator', context)
  if (!grantId.ok) return grantId
  const { credits: amount, reason, expiresAt = null } = asked.value
  const command = {
    kind: 'grant',
    id: grantId.value,
    credits: amount,
    source: 'operator',
    reason,
    expiresAt,
  } as const
  const granted = await pipeline.store.apply(id, command)
  if (!granted.ok) return granted
  if (granted.value.moved !== amount) return err(conflict)
  return ok(context.json(moved(granted.value), 201))
}

async function postRevocation(
  pipeline: Pipeline,
  id: string,
  context: Context<Env>,
): Promise<Result<Response, Refusal>> {
  const asked = await input(context, newRevocation)
  if (!asked.ok) return asked
  const revocationId = idempotent('revoke', context)
  if (!revocationId.ok) return revocationId
  const { grantId = null, credits: amount = null, reason } = asked.value
  const command = {
    kind: 'revoke',
    id: revocationId.value,
    grantId,
    credits: amount,
    reason,
  } as const
  const revoked = await pipeline.store.apply(id, command)
  return revoked.ok ? ok(context.json(moved(revoked.value), 201)) : revoked
}

async function postKey(
  pipeline: Pipeline,
  id: string,
  context: Context<Env>,
): Promise<Result<Response, Refusal>> {
  const asked = await input(context, newAdminKey)
  if (!asked.ok) return asked
  const { key, hash } = await createFaregateKey(id)
  const made = await pipeline.store.apply(id, {
    kind: 'createKey',
    id: newKeyId(),
    name: asked.value.name,
    hash,
    member: asked.value.member ?? id,
    payer: payerOf(id),
    planClaim: null,
    by: 'operator',
    ttlSeconds: asked.value.ttlSeconds ?? null,
    creditsMax: asked.value.creditsMax ?? null,
  })
  return made.ok ? ok(context.json({ ...keyView(made.value.key), key }, 201)) : made
}

async function putPlan(
  pipeline: Pipeline,
  id: string,
  context: Context<Env>,
): Promise<Result<Response, Refusal>> {
  const asked = await input(context, newPlan)
  if (!asked.ok) return asked
  const { plan, until = null } = asked.value
  const done = await pipeline.store.apply(id, { kind: 'setPlan', plan, until })
  return done.ok ? ok(context.json(adminView(pipeline, done.value.account))) : done
}

/** The command's id from the caller's Idempotency-Key, so that a repeat moves nothing; a fresh one without. */
function idempotent(prefix: string, { req }: Context<Env>): Result<string, Refusal> {
  const key = req.header('idempotency-key') ?? crypto.randomUUID()
  // A key that were cut, or none at all, would make two grants one.
  if (key.length > 0 && key.length <= 200) return ok(`${prefix}:${key}`)
  const message = 'The Idempotency-Key must have 1 to 200 characters.'
  return err(refusal('invalid_value', message, { param: 'idempotency-key' }))
}

const conflict = refusal(
  'idempotency_conflict',
  'This Idempotency-Key was used for a grant of other credits.',
)

function moved({ entryId, moved: amount, available, debt }: GrantReply): Record<string, unknown> {
  return { id: entryId, credits: creditsOf(amount), available: creditsOf(available), debt: creditsOf(debt) }
}
