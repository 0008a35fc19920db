import { describe, expect, test } from 'vitest'
import { type Account, assertConserved, newAccount } from './account.ts'
import { decide } from './decide.ts'
import { refusalKind } from './refusal.ts'
import {
  catalogOf,
  createLedger,
  day,
  grantOf,
  hour,
  noon,
  planOf,
  reserveOf,
  settleOf,
  usageOf,
} from './test-kit.ts'

const catalog = catalogOf(planOf('free'), planOf('pro'))

describe('setPlan', () => {
  test('records a plan, until a time or for good, and takes it back', () => {
    const ledger = createLedger(catalog)
    const planNow = () =>
      ledger.accept(reserveOf(`r${ledger.writes}`, { output: { asked: 0, default: 0, max: null } })).plan
    ledger.accept({ kind: 'setPlan', plan: 'pro', until: noon + hour })
    expect(planNow()).toBe('pro')
    ledger.now += hour
    expect(planNow()).toBe('free')
    expect(ledger.accept({ kind: 'setPlan', plan: 'pro', until: null }).account.recordedPlan).toEqual({
      plan: 'pro',
      until: null,
    })
    ledger.accept({ kind: 'setPlan', plan: null, until: null })
    expect(planNow()).toBe('free')
  })

  test('refuses a plan that is not sold, and names those that are', () => {
    const refused = createLedger(catalog).refuse({ kind: 'setPlan', plan: 'gold', until: null })
    expect(refused).toMatchObject({ code: 'invalid_value', param: 'plan' })
    expect(refused.message).toBe('There is no plan gold. The plans are free, pro.')
  })
})

describe('setBlocked', () => {
  test('stops requests, not what is under way, nor money', () => {
    const ledger = createLedger(catalog)
    ledger.accept(grantOf('pi_1', 1000))
    ledger.accept(reserveOf('r'))
    expect(ledger.accept({ kind: 'setBlocked', blocked: true }).account.blocked).toBe(true)
    expect(ledger.refuse(reserveOf('s')).code).toBe('blocked')
    ledger.accept({ kind: 'checkpoint', holdId: 'r', usage: usageOf(0, 1) })
    expect(ledger.accept(settleOf('r', usageOf(0, 60))).charged).toBe(60)
    ledger.accept(grantOf('pi_2', 1))
  })
})

describe('decide', () => {
  test('is pure: it changes neither the account nor the rows it was given', () => {
    const account = newAccount('a', noon)
    const before = structuredClone(account)
    const context = { now: noon, catalog }
    const first = decide(account, grantOf('pi_1', 5), {}, context)
    expect(account).toEqual(before)
    expect(decide(account, grantOf('pi_1', 5), {}, context)).toEqual(first)
  })

  test('counts each commit, and none that changes nothing', () => {
    const ledger = createLedger(catalog)
    ledger.accept(grantOf('pi_1', 1000))
    ledger.accept(grantOf('pi_1', 1000))
    ledger.accept(reserveOf('r'))
    ledger.accept({ kind: 'lapse', holdId: 'r' })
    ledger.refuse(settleOf('s', usageOf(0, 0)))
    expect(ledger.account().version).toBe(2)
  })

  test('writes each expiry once under an id of its own, though the clock steps back and the grant fills again', () => {
    const ledger = createLedger(catalog)
    ledger.accept(grantOf('soon', 100, { expiresAt: noon + hour }))
    ledger.accept(reserveOf('r', { output: { asked: 60, default: 0, max: null } }))
    ledger.now += day
    ledger.accept(grantOf('pi_1', 1))
    ledger.now -= day
    ledger.accept(settleOf('r', usageOf(0, 10)))
    ledger.now += day
    ledger.accept(grantOf('pi_2', 1))
    const expiries = ledger.entries.filter(({ kind }) => kind === 'expire')
    expect(expiries.map(({ credits }) => credits)).toEqual([-40, -50])
    expect(new Set(expiries.map(({ id }) => id)).size).toBe(2)
  })

  test('throws rather than write books that do not balance', () => {
    const broken: Account = { ...newAccount('a', noon), debt: 5 }
    expect(() => decide(broken, { kind: 'setBlocked', blocked: true }, {}, { now: noon, catalog })).toThrow(
      'granted − revoked',
    )
  })
})

describe('assertConserved', () => {
  const grants = [
    { id: 'g', source: 'purchase', at: noon, expiresAt: null, available: 60, held: 10 },
  ] as const
  const totals = { granted: 100, revoked: 10, charged: 15, expired: 5 }
  const sound: Account = { ...newAccount('a', noon), grants: [...grants], totals, debt: 0 }

  test('holds for books that balance', () => {
    expect(() => assertConserved(sound)).not.toThrow()
    expect(() => assertConserved({ ...sound, debt: 7, totals: { ...totals, charged: 22 } })).not.toThrow()
  })

  test.each([
    ['debt', { debt: 1 }],
    ['granted', { totals: { ...totals, granted: 101 } }],
    ['revoked', { totals: { ...totals, revoked: 9 } }],
    ['charged', { totals: { ...totals, charged: 16 } }],
    ['expired', { totals: { ...totals, expired: 4 } }],
    ['a fraction', { totals: { ...totals, granted: 100.5 }, debt: -0.5 }],
    ['what is below nothing', { totals: { ...totals, charged: -1, expired: 21 } }],
  ])('throws for %s', (_, over) => {
    expect(() => assertConserved({ ...sound, ...over })).toThrow('assertion failed')
  })
})

describe('the statuses of what the core refuses', () => {
  test.each([
    ['insufficient_credits', 402],
    ['account_in_debt', 402],
    ['blocked', 403],
    ['model_not_in_plan', 403],
    ['request_too_large_for_plan', 400],
    ['rate_limited', 429],
    ['invalid_token', 401],
    ['token_expired', 401],
    ['idempotency_conflict', 409],
  ] as const)('%s is %i, and only a rate limit asks to come back', (code, status) => {
    expect(refusalKind(code)).toMatchObject({ status, retry: code === 'rate_limited' })
  })
})
