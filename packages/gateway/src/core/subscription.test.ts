import { describe, expect, test } from 'vitest'
import { type Account, newAccount } from './account.ts'
import { resolvePlan } from './plans.ts'
import {
  isInForce,
  type KnownSubscription,
  RENEWAL_GRACE_MS,
  SUBSCRIPTIONS_MAX,
  type Subscription,
  type SubscriptionStatus,
  subscriptionsInForce,
} from './subscription.ts'
import { catalogOf, createLedger, credit, day, noon, planOf, reserveOf } from './test-kit.ts'

const free = planOf('free', { allowance: 50 * credit })
const pro = planOf('pro', { allowance: 2000 * credit })
const max = planOf('max', { allowance: 9000 * credit })
const team = planOf('team', { audience: 'organization', allowance: 500 * credit })
const catalog = catalogOf(free, pro, max, team)

const periodEnd = noon + 20 * day
const subscription = (over: Partial<Subscription> = {}): KnownSubscription => ({
  id: 'stripe:sub_1',
  provider: 'stripe',
  plan: 'pro',
  status: 'active',
  periodStart: noon - 10 * day,
  periodEnd,
  version: 1,
  ...over,
  firstStart: over.periodStart ?? noon - 10 * day,
})
const record = (over: Partial<Subscription> = {}) => {
  const { firstStart: _known, ...said } = subscription(over)
  return { kind: 'recordSubscription', subscription: said } as const
}

/** An account with these subscriptions, as they would be stored. */
const account = (subscriptions: KnownSubscription[], over: Partial<Account> = {}): Account => ({
  ...newAccount('a', noon),
  subscriptions,
  ...over,
})

describe('what a provider says of a subscription', () => {
  test('replaces what it said before, and never what it said later', () => {
    const ledger = createLedger(catalog)
    expect(ledger.accept(record()).subscription).toEqual(subscription())
    ledger.accept(record({ version: 3, status: 'canceled' }))
    expect(ledger.accept(record({ version: 2, plan: 'max' })).subscription).toMatchObject({ version: 3 })
    expect(ledger.account().subscriptions).toEqual([subscription({ version: 3, status: 'canceled' })])
    expect(ledger.writes).toBe(2)
  })

  test('of one version goes by the later status, and a repeat writes nothing', () => {
    const ledger = createLedger(catalog)
    ledger.accept(record({ status: 'ended' }))
    for (const status of ['upcoming', 'active', 'canceled', 'past_due', 'ended'] as const) {
      ledger.accept(record({ status }))
    }
    expect([ledger.account().subscriptions.map(({ status }) => status), ledger.writes]).toEqual([
      ['ended'],
      1,
    ])
  })

  test('is kept for a bounded number, of which the ended ones are forgotten first, the oldest before', () => {
    const ledger = createLedger(catalog)
    for (let n = 0; n < SUBSCRIPTIONS_MAX; n += 1) {
      ledger.accept(record({ id: `s${n}`, version: 100 + n, status: n < 2 ? 'ended' : 'active' }))
    }
    ledger.accept(record({ id: 'new', version: 1 }))
    const ids = () => ledger.account().subscriptions.map(({ id }) => id)
    expect(ids()).toHaveLength(SUBSCRIPTIONS_MAX)
    expect([ids().includes('s0'), ids().includes('s1'), ids().includes('new')]).toEqual([false, true, true])
    ledger.accept(record({ id: 'newer', version: 500 }))
    expect([ids().includes('s1'), ids().includes('new'), ids().includes('s2')]).toEqual([false, true, true])
  })
})

describe('a subscription is in force', () => {
  const force = (status: SubscriptionStatus, now: number, over: Partial<Subscription> = {}) =>
    isInForce(subscription({ status, ...over }), now)

  test('from the start of its period until its end, and some days longer while it is to be renewed', () => {
    const { periodStart } = subscription()
    expect(force('active', periodStart - 1)).toBe(false)
    for (const status of ['active', 'canceled'] as const) {
      expect(force(status, periodStart)).toBe(true)
      expect(force(status, periodEnd - 1)).toBe(true)
    }
    expect(force('active', periodEnd + RENEWAL_GRACE_MS - 1)).toBe(true)
    expect(force('active', periodEnd + RENEWAL_GRACE_MS)).toBe(false)
    expect(force('canceled', periodEnd)).toBe(false)
  })

  test('for good without an end, and never when it is past due, ended or still to come', () => {
    expect(force('active', noon + 9999 * day, { periodEnd: null })).toBe(true)
    expect(force('canceled', noon + 9999 * day, { periodEnd: null })).toBe(true)
    for (const status of ['upcoming', 'past_due', 'ended'] as const) {
      expect([force(status, noon), force(status, noon, { periodEnd: null })]).toEqual([false, false])
    }
  })

  test('behind the one that began later: an upgrade stands over what it replaces', () => {
    const old = subscription()
    const upgrade = subscription({ id: 'stripe:sub_2', plan: 'max', periodStart: noon - day })
    expect(subscriptionsInForce(account([old, upgrade]), noon).map(({ plan }) => plan)).toEqual([
      'max',
      'pro',
    ])
    expect(subscriptionsInForce(account([old, upgrade]), noon - 2 * day).map(({ plan }) => plan)).toEqual([
      'pro',
    ])
  })
})

describe('the plan in force', () => {
  const planAt = (
    over: Partial<Account>,
    claim: string | null = null,
    payer: 'user' | 'organization' = 'user',
  ) => {
    const { plan, paidUntil } = resolvePlan(
      { ...account([subscription()]), ...over },
      claim,
      payer,
      catalog,
      noon,
    )
    return [plan.id, paidUntil]
  }

  test('is the claim’s, else the operator’s, else a subscription’s, else the last claim’s, else the default', () => {
    const all = { recordedPlan: { plan: 'max', until: null }, claimedPlan: 'team' }
    expect(planAt(all, 'free')).toEqual(['free', null])
    expect(planAt(all)).toEqual(['max', null])
    expect(planAt({ recordedPlan: { plan: 'max', until: noon }, claimedPlan: 'max' })).toEqual([
      'pro',
      periodEnd,
    ])
    expect(planAt({ subscriptions: [], claimedPlan: 'max' })).toEqual(['max', null])
    expect(planAt({ subscriptions: [] })).toEqual(['free', null])
  })

  test('passes over subscriptions of plans that are gone, or that do not serve this payer', () => {
    const later = { id: 'x', periodStart: noon - day }
    const ofTeam = [subscription(), subscription({ ...later, plan: 'team' })]
    expect(planAt({ subscriptions: ofTeam })).toEqual(['pro', periodEnd])
    expect(planAt({ subscriptions: ofTeam }, null, 'organization')).toEqual(['team', periodEnd])
    expect(planAt({ subscriptions: [subscription(), subscription({ ...later, plan: 'gone' })] })).toEqual([
      'pro',
      periodEnd,
    ])
  })

  test('is paid for as long as any subscription to it says', () => {
    const longer = subscription({ id: 'clerk:1', provider: 'clerk', periodEnd: periodEnd + 5 * day })
    const shorter = subscription({ id: 'x', periodStart: noon - day, periodEnd: noon + day })
    expect(planAt({ subscriptions: [longer, shorter] })).toEqual(['pro', periodEnd + 5 * day])
    expect(planAt({ subscriptions: [{ ...longer, periodEnd: null }, shorter] })).toEqual(['pro', null])
    const ofOther = { ...longer, plan: 'max' }
    expect(planAt({ subscriptions: [ofOther, shorter] })).toEqual(['pro', noon + day])
  })
})

describe('the allowance of a subscription', () => {
  const iso = (time: number) => new Date(time).toISOString()
  /** A ledger, and a way to be seen at a time: gives the allowances that have been granted. */
  const life = () => {
    const ledger = createLedger(catalog)
    let serial = 0
    const seen = (now: number, over: Parameters<typeof reserveOf>[1] = {}) => {
      ledger.now = now
      serial += 1
      ledger.accept(reserveOf(`r${serial}`, { output: { asked: 0, default: 0, max: null }, ...over }))
      return ledger.entries.flatMap(({ id, source, kind }) =>
        source === 'allowance' && kind === 'grant' ? [id] : [],
      )
    }
    return { ledger, seen }
  }
  const start = Date.UTC(2026, 10, 13, 8, 30)
  const end = Date.UTC(2026, 11, 13, 8, 30)
  const next = Date.UTC(2027, 0, 13, 8, 30)

  test('is counted from the start of the period that was recorded, for good', () => {
    const { ledger, seen } = life()
    ledger.accept(record({ periodStart: start, periodEnd: end }))
    expect(seen(noon)).toEqual([`plan:pro:${iso(start)}`])
    expect(ledger.account().grants).toMatchObject([{ available: pro.allowance, expiresAt: end }])
    expect(seen(noon + day)).toHaveLength(1)
    // A renewal that was recorded with another start moves no month.
    ledger.accept(record({ periodStart: end + day, periodEnd: next + day, version: 2 }))
    expect(seen(end + day)).toEqual([`plan:pro:${iso(start)}`, `plan:pro:${iso(end)}`])
  })

  test('follows a subscription that begins after the last month had ended, so that one paid month gives once', () => {
    const { ledger, seen: seenAll } = life()
    const seen = (now: number) => seenAll(now).filter((id) => id.startsWith('plan:pro'))
    ledger.accept(record({ status: 'canceled', periodStart: start, periodEnd: end }))
    expect(seen(noon)).toEqual([`plan:pro:${iso(start)}`])
    expect(seen(end + 20 * day)).toHaveLength(1)
    // Late in what would have been the second month.
    const again = end + 25 * day
    const paid = Date.UTC(2027, 1, 7, 8, 30)
    ledger.accept(record({ id: 'stripe:sub_2', status: 'canceled', periodStart: again, periodEnd: paid }))
    expect(seen(again)).toEqual([`plan:pro:${iso(start)}`, `plan:pro:${iso(again)}`])
    for (const later of [next, next + day, paid - 1, paid + day]) expect(seen(later)).toHaveLength(2)
  })

  test('comes for a month that was seen before the subscription was heard of once, and not again', () => {
    const { ledger, seen } = life()
    expect(seen(noon, { planClaim: 'pro' })).toEqual([`plan:pro:${iso(noon)}`])
    ledger.accept(record({ periodStart: start, periodEnd: end }))
    expect(seen(noon + day)).toEqual([`plan:pro:${iso(noon)}`])
    expect(seen(end - 1)).toHaveLength(1)
  })

  test('comes with the renewal, and not in the days in which the renewal is awaited', () => {
    const { ledger, seen } = life()
    ledger.accept(record({ periodStart: start, periodEnd: end }))
    seen(noon)
    expect(seen(end)).toHaveLength(1)
    expect(seen(end + 2 * day)).toHaveLength(1)
    ledger.accept(record({ periodStart: end, periodEnd: next, version: 2 }))
    expect(seen(end + 2 * day)).toEqual([`plan:pro:${iso(start)}`, `plan:pro:${iso(end)}`])
    expect(seen(next - 1)).toHaveLength(2)
  })

  test('comes every month of a year that was paid at once, until its end', () => {
    const { ledger, seen } = life()
    ledger.accept(record({ periodStart: start, periodEnd: Date.UTC(2027, 1, 13, 8, 30) }))
    expect(seen(noon)).toHaveLength(1)
    expect(seen(end)).toHaveLength(2)
    expect(seen(next)).toHaveLength(3)
    expect(seen(Date.UTC(2027, 1, 13, 8, 30))).toHaveLength(3)
  })

  test('of another plan has its own months: an upgrade and a downgrade give each once', () => {
    const { ledger, seen } = life()
    ledger.accept(record({ periodStart: start, periodEnd: end }))
    seen(noon)
    ledger.accept(record({ plan: 'max', periodStart: noon, periodEnd: end, version: 2 }))
    expect(seen(noon + 1)).toEqual([`plan:pro:${iso(start)}`, `plan:max:${iso(noon)}`])
    ledger.accept(record({ periodStart: noon + day, periodEnd: end, version: 3 }))
    expect(seen(noon + day)).toHaveLength(2)
    ledger.accept(record({ plan: 'max', periodStart: noon + day, periodEnd: end, version: 4 }))
    expect(seen(noon + 2 * day)).toHaveLength(2)
    ledger.accept(record({ status: 'ended', version: 5 }))
    expect(seen(noon + 3 * day).at(-1)).toBe(`plan:free:${iso(noon + 3 * day)}`)
  })

  test('of a plan for organizations is theirs alone', () => {
    const { ledger, seen } = life()
    ledger.accept(record({ plan: 'team', periodStart: start, periodEnd: end }))
    expect(seen(noon)).toEqual([`plan:free:${iso(noon)}`])
    expect(seen(noon, { payer: 'organization' }).at(-1)).toBe(`plan:team:${iso(start)}`)
  })
})
