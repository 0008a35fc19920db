/** Buying: what is sold, the way to the seller's pages and back, auto top-up, receipts, and the seller's events. */
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import type { Plan } from '../core/catalog.ts'
import { creditsOf } from '../core/credits.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { autoTopUpView } from '../core/view.ts'
import type { Pipeline } from '../pipeline/call.ts'
import type { Billing, Buyer, Identity } from '../ports.ts'
import { mayBuy, notABuyer } from './buyer.ts'
import { type Caller, forCaller } from './caller.ts'
import type { Env } from './env.ts'
import { credits, input } from './input.ts'

/** A pack for sale: microcredits, and its price in US cents. */
export type PackForSale = { id: string; name: string; credits: number; usdCents: number }

/** What is sold, and by whom; null sells nothing. */
export type Sales = {
  billing: Billing | null
  packs: ReadonlyMap<string, PackForSale>
  /** Where a hosted page may send browsers back to; the first is the default. */
  returnOrigins: readonly string[]
}

export type BillingRouteOptions = { pipeline: Pipeline; buyRoles: readonly string[]; sales: Sales }

const returnUrl = z.url().max(2000).optional()
const checkout = z.union([
  z.strictObject({ pack: z.string().max(128), returnUrl }),
  z.strictObject({ plan: z.string().max(128), returnUrl }),
])
const portal = z.strictObject({ returnUrl })
const autoTopUp = z.union([
  z.strictObject({ off: z.literal(true) }),
  z.strictObject({ pack: z.string().max(128), threshold: credits }),
])

const nothingSold = refusal(
  'payments_unavailable',
  'Nothing is sold here yet: the operator of this gateway has given no STRIPE_SECRET_KEY.',
)

/** Adds `/v1/credit-packs` and the buying routes below `/v1/account`. */
export function billingRoutes(routes: Hono<Env>, options: BillingRouteOptions): void {
  const { pipeline, buyRoles, sales } = options
  const { billing } = sales
  routes.get(
    '/v1/credit-packs',
    forCaller(pipeline, async ({ identity }, context) => ok(context.json(await onSale(options, identity)))),
  )
  const buyer = (
    handle: (
      billing: Billing,
      buyer: Buyer,
      context: Context<Env>,
      caller: Caller,
    ) => Promise<Result<Response, Refusal>>,
  ) =>
    forCaller(pipeline, async (caller, context) => {
      const { identity } = caller
      const { accountId, member } = identity
      if (member === undefined || !mayBuy(identity, buyRoles)) return err(notABuyer(identity, buyRoles))
      if (!billing) return err(nothingSold)
      return handle(billing, { accountId, member }, context, caller)
    })
  routes.post(
    '/v1/account/checkouts',
    buyer((seller, who, context, { identity }) => postCheckout(options, seller, who, context, identity)),
  )
  routes.post(
    '/v1/account/portal',
    buyer(async (seller, { accountId }, context) => {
      const asked = await input(context, portal)
      const back = asked.ok ? backTo(context, asked.value.returnUrl, sales.returnOrigins) : asked
      const opened = back.ok ? await seller.portal(accountId, back.value) : back
      return opened.ok ? ok(context.json(opened.value, 201)) : opened
    }),
  )
  routes.put(
    '/v1/account/auto-top-up',
    buyer((seller, who, context) => putAutoTopUp(pipeline, seller, who, context, sales)),
  )
  routes.get(
    '/v1/account/payments/:id/receipt',
    forCaller(pipeline, async ({ identity }, context) => {
      if (!billing) return err(nothingSold)
      const found = await billing.receipt(identity.accountId, context.req.param('id') ?? '')
      return found.ok ? ok(context.json(found.value)) : found
    }),
  )
}

async function onSale(
  { pipeline: { catalog }, buyRoles, sales: { billing, packs } }: BillingRouteOptions,
  identity: Identity,
): Promise<Record<string, unknown>> {
  // Not asked for in vain: what Stripe sold would not stand against a token that names a plan.
  const plans = identity.planClaim === undefined ? ((await billing?.plans()) ?? []) : []
  return {
    data: [...packs.values()].map(({ id, name, credits: amount, usdCents }) => ({
      id,
      name,
      credits: creditsOf(amount),
      price: { usd: usdCents / 100 },
    })),
    plans: plans.flatMap(({ id, price }) => {
      const plan = catalog.plans.get(id)
      if (!plan || planRefusal(plan, identity)) return []
      const models = plan.models === '*' ? [...catalog.models.keys()] : plan.models
      return [{ id, credits: creditsOf(plan.allowance), models, price }]
    }),
    canBuy: mayBuy(identity, buyRoles),
    stripe: billing !== null,
  }
}

/** Why a plan that Stripe sells would be of no use to who asks; null where it is. */
function planRefusal({ id, audience }: Plan, { planClaim, payer }: Identity): Refusal | null {
  if (planClaim !== undefined) {
    const message =
      'Your sign-in names your plan, so that plans are bought there: with Clerk, in its pricing table.'
    return refusal('not_found', message, { param: 'plan' })
  }
  if (audience !== 'organization' || payer === 'organization') return null
  const message = `The plan ${id} is for organizations. Switch to one, and subscribe there.`
  return refusal('not_found', message, { param: 'plan' })
}

async function postCheckout(
  { pipeline: { catalog }, sales: { returnOrigins } }: BillingRouteOptions,
  billing: Billing,
  buyer: Buyer,
  context: Context<Env>,
  identity: Identity,
): Promise<Result<Response, Refusal>> {
  const asked = await input(context, checkout)
  if (!asked.ok) return asked
  const back = backTo(context, asked.value.returnUrl, returnOrigins)
  if (!back.ok) return back
  const plan = 'plan' in asked.value ? catalog.plans.get(asked.value.plan) : undefined
  const refused = plan && planRefusal(plan, identity)
  if (refused) return err(refused)
  const begun =
    'pack' in asked.value
      ? await billing.buyPack(buyer, asked.value.pack, back.value)
      : await billing.subscribe(buyer, asked.value.plan, back.value)
  return begun.ok ? ok(context.json(begun.value, 201)) : begun
}

async function putAutoTopUp(
  { store }: Pipeline,
  billing: Billing,
  { accountId }: Buyer,
  context: Context<Env>,
  { packs }: Sales,
): Promise<Result<Response, Refusal>> {
  const asked = await input(context, autoTopUp)
  if (!asked.ok) return asked
  const topUp = 'off' in asked.value ? null : asked.value
  if (topUp && !packs.has(topUp.pack)) {
    const sold = [...packs.keys()].join(', ')
    const message = `No pack ${topUp.pack} is sold here. There are ${sold || 'none'}.`
    return err(refusal('not_found', message, { param: 'pack' }))
  }
  const set = await store.apply(accountId, { kind: 'setAutoTopUp', topUp })
  if (!set.ok) return set
  // A balance that is below already is topped up at once.
  if (topUp) context.env.waitUntil(billing.topUp(accountId))
  return ok(context.json({ autoTopUp: autoTopUpView(set.value.account) }))
}

/** Where the browser comes back to: as asked, or the buy page of whoever asks. Only to origins that are listed. */
function backTo(
  { req }: Context<Env>,
  asked: string | undefined,
  origins: readonly string[],
): Result<string, Refusal> {
  const origin = req.header('origin')
  const home = origin !== undefined && origins.includes(origin) ? origin : origins[0]
  const url = asked ?? (home === undefined ? undefined : `${home}/buy`)
  if (url !== undefined && URL.canParse(url) && origins.includes(new URL(url).origin)) return ok(url)
  const listed = origins.length === 0 ? 'none is listed' : origins.join(', ')
  const message = `returnUrl must be on an origin of the config's cors.origins or identity.authorizedParties (${listed}).`
  return err(refusal('invalid_value', message, { param: 'returnUrl' }))
}
