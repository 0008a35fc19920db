/**
 * What Clerk says of users, organizations and Clerk Billing's plans, signed as Svix signs. Events come at least once
 * and in any order, perhaps late; each says how things stood at a time, and an older word never replaces a newer one.
 * They set which plan is in force and end the accounts of who is gone. They never grant: allowances come by
 * themselves. Shapes as in @clerk/backend 3.25.0 (`api/resources/Webhooks`).
 */
import { verifyWebhook } from '@clerk/backend/webhooks'
import { z } from 'zod'
import type { Catalog } from '../core/catalog.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { SubscriptionStatus } from '../core/subscription.ts'
import type { Closer, Store, Webhook } from '../ports.ts'

export type ClerkWebhookOptions = {
  /** `whsec_…` */
  signingSecret: string
  /** With `user`, no organization pays, and what is said of their plans is not for us. */
  payer: 'user' | 'organization'
  catalog: Pick<Catalog, 'planBySlug'>
  store: Pick<Store, 'read' | 'apply'>
  close: Closer
  log: (level: 'info' | 'warn', event: string, facts: Record<string, unknown>) => void
}

/** Makes what takes in a request to `POST /webhooks/clerk`. The body must be bounded already. */
export function createClerkWebhook(options: ClerkWebhookOptions): Webhook {
  const { signingSecret } = options
  return async (request) => {
    const verified = await verifyWebhook(request, { signingSecret }).catch(() => null)
    if (verified === null) return err(badSignature)
    const event = envelope.safeParse(verified)
    if (!event.success) return unread(options, 'unknown')
    return take(options, event.data)
  }
}

const badSignature = refusal(
  'invalid_value',
  'The signature of this webhook is missing, too old or not made with CLERK_WEBHOOK_SIGNING_SECRET.',
  { param: 'svix-signature' },
)

const time = z.number().int().min(0)
const envelope = z.object({ type: z.string().max(100), timestamp: time.optional(), data: z.unknown() })
const deleted = z.object({ id: z.string() })
const payerShape = z.object({ user_id: z.string().nullish(), organization_id: z.string().nullish() })
const itemShape = z.object({
  id: z.string().min(1).max(200),
  status: z.string(),
  period_start: time,
  period_end: time.nullish(),
  updated_at: time.optional(),
  plan: z.object({ slug: z.string() }).nullish(),
  payer: payerShape.nullish(),
})
const subscriptionShape = z.object({
  updated_at: time.optional(),
  payer: payerShape.nullish(),
  items: z.array(itemShape),
})

type Event = z.infer<typeof envelope>
type Item = z.infer<typeof itemShape>
type Payer = z.infer<typeof payerShape>
type Taken = Promise<Result<void, Refusal>>

async function take(options: ClerkWebhookOptions, { type, timestamp, data }: Event): Taken {
  const [subject] = type.split('.')
  if (type === 'user.deleted' || type === 'organization.deleted') {
    const gone = deleted.safeParse(data)
    const reference = gone.success && isReference(gone.data.id, subject ?? '') ? gone.data.id : null
    if (reference === null) return unread(options, type)
    if (subject === 'organization' && options.payer === 'user') return ok(undefined)
    return end(options, `clerk:${reference}`)
  }
  if (subject === 'subscription') {
    const said = subscriptionShape.safeParse(data)
    if (!said.success) return unread(options, type)
    const { items, payer, updated_at: version = timestamp } = said.data
    for (const item of items) {
      await record(options, type, { ...item, payer: item.payer ?? payer }, item.updated_at ?? version)
    }
  }
  if (subject === 'subscriptionItem') {
    const said = itemShape.safeParse(data)
    if (!said.success) return unread(options, type)
    await record(options, type, said.data, said.data.updated_at ?? timestamp)
  }
  return ok(undefined)
}

/** What a later version of Clerk may send: said in the log, and not asked for again. */
function unread({ log }: ClerkWebhookOptions, type: string): Result<void, Refusal> {
  log('warn', 'clerk_webhook_not_understood', { type })
  return ok(undefined)
}

/** The account of who is gone: nothing more is admitted, and once nothing runs its books move away. */
async function end({ store, close }: ClerkWebhookOptions, accountId: string): Taken {
  const account = await store.read(accountId)
  if (!account.blocked && account.version > 0) {
    const blocked = await store.apply(accountId, { kind: 'setBlocked', blocked: true })
    if (!blocked.ok) return blocked
  }
  const closed = await close(accountId, { block: true })
  if (closed.ok) return ok(undefined)
  const { code, message } = closed.error
  // Clerk sends again what was answered with an error of the server.
  return code === 'requests_under_way'
    ? err(refusal('overloaded', message, { retryAfterMs: 30_000 }))
    : closed
}

/** Writes down how an item of a subscription stands. The free default plan's too: it is what an ended plan leaves. */
async function record(
  options: ClerkWebhookOptions,
  type: string,
  item: Item,
  version: number | undefined,
): Promise<void> {
  const { catalog, store, log } = options
  const status = statuses.get(item.status)
  const payer = item.payer && payerOf(item.payer)
  if (status === undefined || !payer || version === undefined) {
    unread(options, type)
    return
  }
  if (payer.kind === 'organization' && options.payer === 'user') return
  const plan = catalog.planBySlug.get(item.plan?.slug ?? '')
  if (!plan) {
    const slug = item.plan?.slug.slice(0, 128) ?? null
    log('warn', 'unknown_plan_slug', { slug, item: item.id })
    return
  }
  await store.apply(payer.accountId, {
    kind: 'recordSubscription',
    subscription: {
      id: `clerk:${item.id}`,
      provider: 'clerk',
      plan: plan.id,
      status,
      periodStart: item.period_start,
      periodEnd: item.period_end ?? null,
      version,
    },
  })
}

/**
 * A free trial is active. A purchase that is not finished is one that may yet begin: it is told with the same time as
 * its success, which must stand over it. One that was given up has ended.
 */
const statuses = new Map<string, SubscriptionStatus>([
  ['active', 'active'],
  ['canceled', 'canceled'],
  ['past_due', 'past_due'],
  ['upcoming', 'upcoming'],
  ['incomplete', 'upcoming'],
  ['ended', 'ended'],
  ['expired', 'ended'],
  ['abandoned', 'ended'],
])

function payerOf(payer: Payer): { kind: 'user' | 'organization'; accountId: string } | null {
  const { user_id: user, organization_id: organization } = payer
  if (organization && isReference(organization, 'organization')) {
    return { kind: 'organization', accountId: `clerk:${organization}` }
  }
  return user && isReference(user, 'user') ? { kind: 'user', accountId: `clerk:${user}` } : null
}

/** Ids as session tokens carry them, so that both mean one account. */
function isReference(id: string, kind: string): boolean {
  return (kind === 'user' ? /^user_[\w-]{1,200}$/ : /^org_[\w-]{1,200}$/).test(id)
}
