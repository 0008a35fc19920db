/** What users see of their account: balance, limits and entries. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { ok } from '../core/result.ts'
import { accountNow, accountView, entryView } from '../core/view.ts'
import type { Pipeline } from '../pipeline/call.ts'
import type { EntryPage, EntryQuery } from '../ports.ts'
import { forCaller } from './caller.ts'
import type { Env } from './env.ts'
import { query } from './input.ts'

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

/** Adds `GET /v1/account` and `/v1/account/entries`. */
export function accountRoutes(routes: Hono<Env>, pipeline: Pipeline): void {
  const { store, clock, catalog } = pipeline
  routes.get(
    '/v1/account',
    forCaller(pipeline, async ({ identity, account }, context) => {
      const claim = identity.planClaim ?? null
      const now = clock()
      const current = accountNow(account, { claim, payer: identity.payer }, { now, catalog })
      return ok(context.json(accountView(current, now)))
    }),
  )
  routes.get(
    '/v1/account/entries',
    forCaller(pipeline, async ({ identity }, context) => {
      const asked = query(context, entryQuery)
      if (!asked.ok) return asked
      const page = await store.entries(identity.accountId, toEntryQuery(asked.value))
      return ok(context.json(entryPageView(page)))
    }),
  )
}
