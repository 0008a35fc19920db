/** The operator's routes on an account's books as a whole: purchases, sums of use, the download, and its end. */
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { creditsOf } from '../core/credits.ts'
import type { Refusal } from '../core/refusal.ts'
import { ok, type Result } from '../core/result.ts'
import type { Pipeline } from '../pipeline/call.ts'
import type { Closer } from '../ports.ts'
import type { Env } from './env.ts'
import { exportAnswer } from './export.ts'
import { creditsOrNone, input, query } from './input.ts'
import { operatorPaymentView, paymentPageView, paymentQuery, toPaymentQuery } from './payments.ts'
import { usageAnswer, usageQuery } from './usage.ts'

const resolution = z.strictObject({ credits: creditsOrNone })
const deletion = z.strictObject({
  block: z.enum(['true', 'false'], 'must be true or false').default('false'),
})

export type BookRoutes = {
  pipeline: Pipeline
  close: Closer
  /** Runs a handler for the operator alone, on an account's id that is well-formed. */
  operator: (handle: Handler) => (context: Context<Env>) => Promise<Response>
  /** The account as the operator sees it. */
  show: (accountId: string) => Promise<Record<string, unknown>>
}

type Handler = (accountId: string, context: Context<Env>) => Promise<Result<Response, Refusal>>

/** Adds `/admin/accounts/{id}/payments…`, `…/usage`, `…/export`, and `DELETE /admin/accounts/{id}`. */
export function adminBookRoutes(routes: Hono<Env>, { pipeline, close, operator, show }: BookRoutes): void {
  const { store, clock } = pipeline
  const path = '/admin/accounts/:id'
  routes.get(
    `${path}/payments`,
    operator(async (id, context) => {
      const asked = query(context, paymentQuery)
      if (!asked.ok) return asked
      const page = await store.payments(id, toPaymentQuery(asked.value))
      return ok(context.json(paymentPageView(page, operatorPaymentView)))
    }),
  )
  routes.post(
    `${path}/payments/:payment/resolve`,
    operator(async (id, context) => {
      const asked = await input(context, resolution)
      if (!asked.ok) return asked
      const payment = context.req.param('payment') ?? ''
      const command = { kind: 'resolvePayment', id: payment, credits: asked.value.credits } as const
      const resolved = await store.apply(id, command)
      return resolved.ok ? ok(context.json(operatorPaymentView(resolved.value.payment))) : resolved
    }),
  )
  routes.get(
    `${path}/usage`,
    operator(async (id, context) => {
      const asked = query(context, usageQuery)
      if (!asked.ok) return asked
      const answer = await usageAnswer(store, id, asked.value, clock())
      return answer.ok ? ok(context.json(answer.value)) : answer
    }),
  )
  routes.get(
    `${path}/export`,
    operator(async (id) => ok(exportAnswer(store, id, await show(id), clock()))),
  )
  routes.delete(
    path,
    operator(async (id, context) => {
      const asked = query(context, deletion)
      if (!asked.ok) return asked
      const closed = await close(id, { block: asked.value.block === 'true' })
      if (!closed.ok) return closed
      const { pseudonym, unspentPurchased } = closed.value
      const unspentPurchasedCredits = creditsOf(unspentPurchased)
      return ok(context.json({ deleted: true, id, unspentPurchasedCredits, reference: pseudonym }))
    }),
  )
}
