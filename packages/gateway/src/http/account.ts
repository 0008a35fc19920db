/** What users see of their account: balance, limits, entries, purchases and sums of use; and its end. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { creditsOf } from '../core/credits.ts'
import { refusal } from '../core/refusal.ts'
import { err, ok } from '../core/result.ts'
import { accountNow, accountView, entryView } from '../core/view.ts'
import type { Pipeline } from '../pipeline/call.ts'
import type { Closer, EntryPage, EntryQuery } from '../ports.ts'
import { mayBuy, notABuyer } from './buyer.ts'
import { type Caller, forCaller } from './caller.ts'
import type { Env } from './env.ts'
import { exportAnswer } from './export.ts'
import { query } from './input.ts'
import { keyView } from './keys.ts'
import { paymentPageView, paymentQuery, toPaymentQuery } from './payments.ts'
import { usageAnswer, usageQuery } from './usage.ts'

/** Query of the entries routes. */
export const entryQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z
    .string()
    .regex(/^\d{1,16}$/, 'must be the nextCursor of an earlier page')
    .optional(),
  requestId: z.string().max(100).optional(),
})

/** The store's query of a parsed one. */
export function toEntryQuery({ limit, cursor, requestId }: z.infer<typeof entryQuery>): EntryQuery {
  return { limit, ...(cursor !== undefined && { cursor }), ...(requestId !== undefined && { requestId }) }
}

/** A page of entries as their owner sees them. */
export function entryPageView({ data, nextCursor }: EntryPage): {
  data: unknown[]
  nextCursor: string | null
} {
  return { data: data.map(entryView), nextCursor }
}

/** What the account's routes are given; `buyRoles` may buy for an organization. */
export type AccountRouteOptions = { pipeline: Pipeline; buyRoles: readonly string[]; close: Closer }

/** The account as its caller sees it now. */
export function callerView(
  { clock, catalog }: Pipeline,
  { identity, account }: Caller,
  buyRoles: readonly string[],
): Record<string, unknown> {
  const now = clock()
  const { payer, planClaim = null } = identity
  const current = accountNow(account, { claim: planClaim, payer }, { now, catalog })
  return { ...accountView(current, now), payer, canBuy: mayBuy(identity, buyRoles) }
}

const needsSession = refusal(
  'not_allowed',
  'Everything about an account is downloaded with a session token, not with a Faregate key.',
)

/** Adds `GET /v1/account`, what is below it to read, and `DELETE /v1/account`. */
export function accountRoutes(routes: Hono<Env>, { pipeline, buyRoles, close }: AccountRouteOptions): void {
  routes.get(
    '/v1/account',
    forCaller(pipeline, async (caller, context) => ok(context.json(callerView(pipeline, caller, buyRoles)))),
  )
  routes.delete(
    '/v1/account',
    forCaller(pipeline, async ({ identity }, context) => {
      if (!mayBuy(identity, buyRoles)) return err(notABuyer(identity, buyRoles))
      const id = identity.accountId
      const closed = await close(id, { block: false })
      if (!closed.ok) return closed
      const { pseudonym, unspentPurchased } = closed.value
      const unspentPurchasedCredits = creditsOf(unspentPurchased)
      return ok(context.json({ deleted: true, id, unspentPurchasedCredits, reference: pseudonym }))
    }),
  )
  routes.get(
    '/v1/account/export',
    forCaller(pipeline, async (caller) => {
      const { identity, account } = caller
      if (identity.keyHash !== undefined) return err(needsSession)
      const own = account.keys.filter(({ member }) => member === identity.member || identity.payer === 'user')
      const shown = { ...callerView(pipeline, caller, buyRoles), keys: own.map(keyView) }
      return ok(exportAnswer(pipeline.store, account.id, shown, pipeline.clock()))
    }),
  )
  listRoutes(routes, pipeline)
}

function listRoutes(routes: Hono<Env>, pipeline: Pipeline): void {
  const { store, clock } = pipeline
  routes.get(
    '/v1/account/entries',
    forCaller(pipeline, async ({ identity }, context) => {
      const asked = query(context, entryQuery)
      if (!asked.ok) return asked
      const page = await store.entries(identity.accountId, toEntryQuery(asked.value))
      return ok(context.json(entryPageView(page)))
    }),
  )
  routes.get(
    '/v1/account/payments',
    forCaller(pipeline, async ({ identity }, context) => {
      const asked = query(context, paymentQuery)
      if (!asked.ok) return asked
      const page = await store.payments(identity.accountId, toPaymentQuery(asked.value))
      return ok(context.json(paymentPageView(page)))
    }),
  )
  routes.get(
    '/v1/account/usage',
    forCaller(pipeline, async ({ identity }, context) => {
      const asked = query(context, usageQuery)
      if (!asked.ok) return asked
      const answer = await usageAnswer(store, identity.accountId, asked.value, clock())
      return answer.ok ? ok(context.json(answer.value)) : answer
    }),
  )
}
