import { describe, expect, test } from 'vitest'
import { type Account, newAccount } from './account.ts'
import type { Plan } from './catalog.ts'
import { dueAllowance, nextAllowanceAt, resolvePlan } from './plans.ts'
import { catalogOf, createLedger, credit, day, minute, noon, planOf, reserveOf } from './test-kit.ts'

const free = planOf('free', { slugs: ['free_user'], allowance: 50 * credit })
const pro = planOf('pro', { slugs: ['pro', 'pro_yearly'], allowance: 2000 * credit })
const team = planOf('team', { audience: 'organization', allowance: 10_000 * credit })
const catalog = catalogOf(free, pro, team)

const account = (over: Partial<Account> = {}): Account => ({ ...newAccount('a', noon), ...over })
const resolve = (
  over: Partial<Account>,
  claim: string | null,
  payer: 'user' | 'organization' = 'user',
  now = noon,
) => {
  const { plan, unknownClaim } = resolvePlan(account(over), claim, payer, catalog, now)
  return [plan.id, unknownClaim]
}

describe('resolvePlan', () => {
  test('goes by the token’s claim before all else', () => {
    const recorded = { recordedPlan: { plan: 'free', until: null }, claimedPlan: 'free_user' }
    expect(resolve(recorded, 'pro')).toEqual(['pro', null])
    expect(resolve({}, 'pro_yearly')).toEqual(['pro', null])
    expect(resolve({ recordedPlan: { plan: 'pro', until: null } }, 'free_user')).toEqual(['free', null])
  })

  test('gives the default plan for a claim that none lists, and names it', () => {
    expect(resolve({ recordedPlan: { plan: 'pro', until: null } }, 'gold')).toEqual(['free', 'gold'])
    // A plan's id is no slug unless it is listed as one.
    expect(resolve({}, 'free')).toEqual(['free', 'free'])
    expect(resolve({ claimedPlan: 'gold' }, null)).toEqual(['free', 'gold'])
  })

  test('without a claim goes by what was recorded, while it holds', () => {
    const recorded = { recordedPlan: { plan: 'pro', until: noon + day }, claimedPlan: 'free_user' }
    expect(resolve(recorded, null)).toEqual(['pro', null])
    expect(resolve(recorded, null, 'user', noon + day - 1)).toEqual(['pro', null])
    expect(resolve(recorded, null, 'user', noon + day)).toEqual(['free', null])
    expect(resolve({ recordedPlan: { plan: 'gone', until: null } }, null)).toEqual(['free', null])
  })

  test('then by what the last token claimed, then by default', () => {
    expect(resolve({ claimedPlan: 'pro' }, null)).toEqual(['pro', null])
    expect(resolve({}, null)).toEqual(['free', null])
  })

  test('serves a plan for organizations to organizations alone', () => {
    expect(resolve({}, 'team', 'organization')).toEqual(['team', null])
    expect(resolve({}, 'team', 'user')).toEqual(['free', 'team'])
    expect(resolve({ recordedPlan: { plan: 'team', until: null } }, null, 'user')).toEqual(['free', null])
    expect(resolve({ recordedPlan: { plan: 'team', until: null } }, null, 'organization')).toEqual([
      'team',
      null,
    ])
  })
})

const inForce = (plan: Plan) => ({ plan, paidUntil: null })

describe('dueAllowance', () => {
  test('is due at first sight, to the user of a plan and to an organization on a plan for them', () => {
    expect(dueAllowance(account(), inForce(free), 'user', noon)).toEqual({
      id: 'plan:free:2026-11-23T12:00:00.000Z',
      anchor: noon,
      period: 0,
      amount: 50 * credit,
      expiresAt: Date.UTC(2026, 11, 23, 12),
    })
    expect(dueAllowance(account(), inForce(team), 'organization', noon)?.amount).toBe(10_000 * credit)
    expect(dueAllowance(account(), inForce(free), 'organization', noon)).toBeNull()
    expect(dueAllowance(account(), inForce(planOf('bare')), 'user', noon)).toBeNull()
  })

  /** The starts of the months that are granted when the account is seen at each of these times. */
  const starts = (...seen: string[]) => {
    const ledger = createLedger(catalogOf(free))
    for (const [n, time] of seen.entries()) {
      ledger.now = Date.parse(time)
      ledger.accept(reserveOf(`r${n}`, { output: { asked: 0, default: 0, max: null } }))
    }
    return ledger.entries.flatMap(({ id, kind }) => (kind === 'grant' ? [id.slice('plan:free:'.length)] : []))
  }

  test('comes once a month, to the millisecond, counted from the first sighting', () => {
    expect(
      starts(
        '2026-11-23T12:00:00.000Z',
        '2026-12-23T11:59:59.999Z',
        '2026-12-23T12:00:00.000Z',
        '2026-12-23T12:00:00.001Z',
        '2027-01-22T23:00:00.000Z',
      ),
    ).toEqual(['2026-11-23T12:00:00.000Z', '2026-12-23T12:00:00.000Z'])
  })

  test('on the 31st falls on the last day of a short month, and on the 31st again after it', () => {
    expect(
      starts(
        '2027-01-31T08:00:00.000Z',
        '2027-02-28T07:59:59.999Z',
        '2027-02-28T08:00:00.000Z',
        '2027-03-30T08:00:00.000Z',
        '2027-03-31T08:00:00.000Z',
        '2027-04-30T08:00:00.000Z',
      ),
    ).toEqual([
      '2027-01-31T08:00:00.000Z',
      '2027-02-28T08:00:00.000Z',
      '2027-03-31T08:00:00.000Z',
      '2027-04-30T08:00:00.000Z',
    ])
  })

  test('knows leap years', () => {
    expect(
      starts('2028-01-30T00:00:00.000Z', '2028-02-28T12:00:00.000Z', '2028-02-29T00:00:00.000Z').at(-1),
    ).toBe('2028-02-29T00:00:00.000Z')
    expect(starts('2028-02-29T00:00:00.000Z', '2029-02-28T00:00:00.000Z').at(-1)).toBe(
      '2029-02-28T00:00:00.000Z',
    )
    expect(starts('2028-02-29T00:00:00.000Z', '2032-02-29T00:00:00.000Z').at(-1)).toBe(
      '2032-02-29T00:00:00.000Z',
    )
  })

  test('does not make up for months in which nobody came', () => {
    expect(starts('2026-11-23T12:00:00.000Z', '2027-03-01T00:00:00.000Z')).toEqual([
      '2026-11-23T12:00:00.000Z',
      '2027-02-23T12:00:00.000Z',
    ])
  })

  test('comes once however the clock steps, and never for a time before the first sighting', () => {
    expect(
      starts(
        '2026-11-23T12:00:00.000Z',
        '2026-11-22T12:00:00.000Z',
        '2026-12-23T13:00:00.000Z',
        '2026-12-22T13:00:00.000Z',
        '2026-12-23T13:00:00.000Z',
        '2025-01-01T00:00:00.000Z',
      ),
    ).toEqual(['2026-11-23T12:00:00.000Z', '2026-12-23T12:00:00.000Z'])
  })

  test('expires when the next is due, and the plans of an account each have their own months', () => {
    const ledger = createLedger(catalog)
    const see = (id: string, planClaim: string) =>
      ledger.accept(reserveOf(id, { planClaim, output: { asked: 0, default: 0, max: null } })).available
    expect(see('a', 'free_user')).toBe(50 * credit)
    ledger.now += minute
    expect(see('b', 'pro')).toBe(2050 * credit)
    expect(see('c', 'pro_yearly')).toBe(2050 * credit)
    expect(see('d', 'free_user')).toBe(2050 * credit)
    ledger.now = Date.UTC(2026, 11, 23, 12)
    expect(see('e', 'pro')).toBe(2000 * credit)
    expect(see('f', 'free_user')).toBe(2050 * credit)
    ledger.now += minute
    expect(see('g', 'free_user')).toBe(50 * credit)
  })
})

describe('nextAllowanceAt', () => {
  test('is the start of the month after the last that was granted', () => {
    const seen = account({ allowances: { free: { anchor: Date.UTC(2027, 0, 31), period: 0 } } })
    expect(nextAllowanceAt(seen, free)).toBe(Date.UTC(2027, 1, 28))
    expect(nextAllowanceAt(seen, pro)).toBeNull()
  })
})
