/** Whatever Clerk delivers, in whatever order and however often, one history ends in one state, and nothing is granted. */
import { signClerkEvent } from '@faregate/simulators/clerk'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { Account } from '../core/account.ts'
import type { Catalog } from '../core/catalog.ts'
import { resolvePlan } from '../core/plans.ts'
import { createCloser } from '../http/close.ts'
import type { Store } from '../ports.ts'
import { catalog as fixtures } from '../stores/conformance/fixtures.ts'
import { createMemoryStore } from '../stores/memory.ts'
import { createSqliteStore } from '../stores/node-sqlite.ts'
import { createClerkWebhook } from './clerk-webhooks.ts'

const DAY_MS = 86_400_000
const START = Date.parse('2026-11-01T00:00:00Z')
const LATER_DAYS = [0, 15, 32, 45, 64, 120, 400]
const signingSecret = `whsec_${btoa('a-secret-for-the-property-test')}`

const plans = ['free', 'pro', 'max'].map((id) => ({
  ...fixtures.defaultPlan,
  id,
  slugs: [id],
  allowance: 1_000_000,
}))
const byId = new Map(plans.map((plan) => [plan.id, plan]))
const catalog: Catalog = {
  ...fixtures,
  plans: byId,
  planBySlug: byId,
  defaultPlan: byId.get('free') ?? fixtures.defaultPlan,
}

type Item = { id: string; status: string; period_start: number; period_end: number | null; slug: string }
type Step = { step: keyof typeof steps; days: number; whole: boolean; stamped: boolean }
type Said = { type: string; timestamp: number; data: Record<string, unknown> }
/** How often each is tried; one that cannot be at its time does nothing. */
const steps = { subscribe: 4, upgrade: 4, renew: 3, downgrade: 2, cancel: 2, lapse: 1, end: 2, delete: 1 }

const names = Object.keys(steps) as (keyof typeof steps)[]
const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  step: fc.oneof(...names.map((name) => ({ weight: steps[name], arbitrary: fc.constant(name) }))),
  days: fc.integer({ min: 0, max: 31 }),
  whole: fc.boolean(),
  stamped: fc.boolean(),
})

/** What Clerk does to a user's items at a step, each an item's new state. Empty where the step cannot be. */
function change(step: Step['step'], items: Item[], now: number): Item[] {
  const paid = items.find(({ slug, status }) => slug !== 'free' && status === 'active')
  const leaving = items.find(({ slug, status }) => slug !== 'free' && status === 'canceled')
  const free = items.find(({ slug }) => slug === 'free')
  const bought = (slug: string): Item => {
    const period = { period_start: now, period_end: now + 30 * DAY_MS }
    return { id: `item_${slug}_${items.length}`, status: 'active', slug, ...period }
  }
  const ended = (item: Item): Item => ({ ...item, status: 'ended', period_end: now })
  const freeAt = (status: string, start: number): Item => {
    const id = `item_free_${items.length}`
    return { id, status, slug: 'free', period_start: start, period_end: null }
  }
  if (step === 'subscribe' && !paid) return [...(free ? [ended(free)] : []), bought('pro')]
  if (step === 'upgrade' && paid) return [ended(paid), bought('max')]
  if (step === 'renew' && paid?.period_end) {
    return [{ ...paid, period_start: paid.period_end, period_end: paid.period_end + 30 * DAY_MS }]
  }
  if ((step === 'cancel' || step === 'downgrade') && paid?.period_end) {
    const next = step === 'downgrade' ? [freeAt('upcoming', paid.period_end)] : []
    return [{ ...paid, status: 'canceled' }, ...next]
  }
  if (step === 'lapse' && paid) return [{ ...paid, status: 'past_due' }]
  if (step === 'end' && leaving) return [ended(leaving), freeAt('active', now)]
  return []
}

/** The events of a history, at most six, each later than the one before. */
function historyOf(user: string, history: readonly Step[]): Said[] {
  const events: Said[] = []
  let items: Item[] = []
  let now = START
  const shown = ({ slug, ...item }: Item, stamped: boolean) => ({
    ...item,
    plan: { slug },
    payer: { user_id: user },
    ...(stamped && { updated_at: now }),
  })
  for (const { step, days, whole, stamped } of history) {
    now += days * DAY_MS + 1000
    if (step === 'delete') events.push({ type: 'user.deleted', timestamp: now, data: { id: user } })
    const changed = change(step, items, now)
    items = [...items.filter(({ id }) => changed.every((item) => item.id !== id)), ...changed]
    if (whole && changed.length > 0) {
      const data = { payer: { user_id: user }, items: items.map((item) => shown(item, stamped)) }
      events.push({ type: 'subscription.updated', timestamp: now, data: { ...data, updated_at: now } })
    } else {
      for (const item of changed) {
        const type = 'subscriptionItem.updated'
        events.push({ type, timestamp: now, data: shown(item, stamped) })
      }
    }
  }
  return events.slice(0, 6)
}

async function deliver(store: Store, user: string, events: readonly Said[]): Promise<Account> {
  const close = createCloser({ store, log: () => {} })
  const options = { signingSecret, payer: 'organization', catalog, store, close, log: () => {} } as const
  const receive = createClerkWebhook(options)
  for (const event of events) {
    const { body, headers } = signClerkEvent(signingSecret, { object: 'event', ...event })
    const request = new Request('http://gateway/webhooks/clerk', { method: 'POST', headers, body })
    expect(await receive(request)).toEqual({ ok: true, value: undefined })
  }
  return store.read(`clerk:${user}`)
}

function stateOf(account: Account): Record<string, unknown> {
  expect(account.totals).toEqual({ granted: 0, revoked: 0, charged: 0, expired: 0 })
  expect(account.grants).toEqual([])
  const planAt = (days: number) => resolvePlan(account, null, 'user', catalog, START + days * DAY_MS).plan.id
  return {
    blocked: account.blocked,
    subscriptions: account.subscriptions.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    plans: LATER_DAYS.map(planAt),
  }
}

let users = 0
function newUser(): string {
  users += 1
  return `user_property${users}`
}

const clock = () => START + 500 * DAY_MS
const stores = {
  memory: createMemoryStore({ catalog, clock, sweepMs: 3_600_000 }),
  'node:sqlite': createSqliteStore({
    path: ':memory:',
    catalog,
    creditUsd: '0.01',
    clock,
    sweepMs: 3_600_000,
  }),
}
afterAll(async () => {
  for (const store of Object.values(stores)) await store.close()
})

describe.each(Object.entries(stores))('on %s', (_, store) => {
  test('every order of a history, with repeats, ends as the history did', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat(1_000_000)),
        fc.array(fc.nat(5), { maxLength: 4 }),
        async (history, weights, repeats) => {
          const [straight, mixed] = [newUser(), newUser()]
          const told = historyOf(straight, history)
          const twice = historyOf(mixed, history)
          const more = repeats.flatMap((index) => twice[index] ?? [])
          const shuffled = [...twice, ...more]
            .map((event) => ({ event, weight: weights.next().value ?? 0 }))
            .sort((a, b) => a.weight - b.weight)
            .map(({ event }) => event)
          const expected = stateOf(await deliver(store, straight, told))
          expect(stateOf(await deliver(store, mixed, shuffled))).toEqual(expected)
          for (const { type } of told) seen.add(type)
          seen.add(String(expected['plans']))
        },
      ),
      { numRuns: 150 },
    )
    // The histories were of every kind: users deleted, plans that came and went.
    expect(seen).toContain('user.deleted')
    expect([...seen].filter((each) => each.includes('pro')).length).toBeGreaterThan(3)
    expect([...seen].some((each) => each.includes('max'))).toBe(true)
  })

  test('a history that can be followed by hand', async () => {
    const user = newUser()
    const say = (step: Step['step'], days: number): Step => ({ step, days, whole: false, stamped: false })
    const story = [say('subscribe', 1), say('renew', 30), say('cancel', 5), say('end', 25)]
    const events = historyOf(user, story)
    expect(events).toHaveLength(5)
    const { plans: at } = stateOf(await deliver(store, user, events.toReversed()))
    // What has ended is in force at no time, whatever was said before.
    expect(at).toEqual(['free', 'free', 'free', 'free', 'free', 'free', 'free'])
    const half = newUser()
    const { plans: before } = stateOf(await deliver(store, half, historyOf(half, story.slice(0, 3))))
    expect(before).toEqual(['free', 'free', 'pro', 'pro', 'free', 'free', 'free'])
  })

  test('an unfinished purchase that is told with the time of its success does not stand over it', async () => {
    const told = (user: string) =>
      ['incomplete', 'active'].map((status) => ({
        type: 'subscriptionItem.updated',
        timestamp: START,
        data: {
          ...{ id: 'item_1', status, plan: { slug: 'pro' }, payer: { user_id: user } },
          ...{ period_start: START, period_end: START + 30 * DAY_MS, updated_at: START },
        },
      }))
    for (const order of [told(newUser()), told(newUser()).toReversed()]) {
      const user = order[0]?.data.payer.user_id ?? ''
      const { subscriptions } = await deliver(store, user, order)
      expect(subscriptions).toMatchObject([{ plan: 'pro', status: 'active' }])
    }
  })
})
