import { beforeEach, describe, expect, test } from 'vitest'
import { GRANTS_MAX } from './account.ts'
import { CREDITS_MAX, MICROCREDITS } from './credits.ts'
import {
  catalogOf,
  createLedger,
  day,
  grantOf,
  hour,
  type Ledger,
  noon,
  planOf,
  reserveOf,
  settleOf,
  usageOf,
} from './test-kit.ts'

let ledger: Ledger
beforeEach(() => {
  ledger = createLedger(catalogOf(planOf('free'), planOf('paid', { allowance: 50 })))
})

const revokeOf = (id: string, grantId: string | null, credits: number | null) =>
  ({ kind: 'revoke', id, grantId, credits, reason: 'refund' }) as const
const restoreOf = (id: string, grantId: string, credits: number) =>
  ({ kind: 'restore', id, grantId, credits, reason: 'dispute won' }) as const

/** Available by grant. */
const left = () => Object.fromEntries(ledger.account().grants.map(({ id, available }) => [id, available]))

/** Holds `tokens` microcredits, and spends them. */
function spend(id: string, tokens: number) {
  ledger.accept(reserveOf(id, { output: { asked: tokens, default: 0, max: null } }))
  ledger.accept(settleOf(id, usageOf(0, tokens)))
}

describe('a grant', () => {
  test('adds credits once, whatever a repeat says', () => {
    expect(ledger.accept(grantOf('pi_1', 100))).toEqual({
      entryId: 'pi_1',
      moved: 100,
      available: 100,
      debt: 0,
    })
    expect(ledger.accept(grantOf('pi_1', 900))).toEqual({
      entryId: 'pi_1',
      moved: 100,
      available: 100,
      debt: 0,
    })
    expect(ledger.writes).toBe(1)
    expect(ledger.entries).toMatchObject([{ id: 'pi_1', kind: 'grant', credits: 100, source: 'purchase' }])
  })

  test('is refused when it is over already, and expires to the millisecond', () => {
    expect(ledger.refuse(grantOf('g', 1, { expiresAt: noon }))).toMatchObject({ param: 'expiresAt' })
    ledger.accept(grantOf('g', 100, { expiresAt: noon + hour }))
    ledger.now = noon + hour - 1
    expect(ledger.accept(grantOf('h', 1)).available).toBe(101)
    ledger.now = noon + hour
    expect(ledger.accept(grantOf('i', 1)).available).toBe(2)
    expect(ledger.entries.at(-2)).toMatchObject({ kind: 'expire', credits: -100, grantId: 'g' })
    expect(ledger.account().totals).toEqual({ granted: 102, revoked: 0, charged: 0, expired: 100 })
  })

  test('has room for as many as are bounded, allowances aside, and no more credits than may be', () => {
    for (let n = 0; n < GRANTS_MAX; n += 1) ledger.accept(grantOf(`g${n}`, 1))
    expect(ledger.refuse(grantOf('more', 1)).code).toBe('too_many_grants')
    spend('r', 1)
    ledger.accept(grantOf('more', 1))
    const other = createLedger(catalogOf(planOf('free')))
    other.accept(grantOf('all', CREDITS_MAX * MICROCREDITS - 1))
    expect(other.refuse(grantOf('much', 2)).param).toBe('credits')
    other.accept(grantOf('last', 1))
  })

  test('repays debt first when it was bought or given by the operator', () => {
    ledger.accept(grantOf('pi_1', 100))
    spend('r', 70)
    expect(ledger.accept(revokeOf('re_1', 'pi_1', null))).toMatchObject({
      moved: 100,
      available: 0,
      debt: 70,
    })
    expect(ledger.accept(grantOf('g', 20, { source: 'operator' }))).toMatchObject({ available: 0, debt: 50 })
    expect(ledger.accept(grantOf('pi_2', 60))).toMatchObject({ available: 10, debt: 0 })
  })

  test('of an id that is another entry is a conflict and grants nothing', () => {
    ledger.accept(grantOf('pi_1', 100))
    spend('r', 10)
    ledger.accept(revokeOf('re_1', null, 10))
    expect(ledger.refuse(grantOf('r', 5)).code).toBe('idempotency_conflict')
    expect(ledger.refuse(grantOf('re_1', 5)).code).toBe('idempotency_conflict')
    expect(ledger.refuse(revokeOf('pi_1', null, 5)).code).toBe('idempotency_conflict')
    expect(ledger.refuse(restoreOf('r', 'pi_1', 0)).code).toBe('idempotency_conflict')
  })
})

describe('a revocation', () => {
  test('takes its own grant, then other purchases in burn order, then makes debt; gifts are spared', () => {
    ledger.accept(grantOf('pi_1', 100))
    ledger.accept(grantOf('gift', 40, { source: 'operator' }))
    spend('r', 60)
    expect(left()).toEqual({ pi_1: 80 })
    ledger.accept(grantOf('gift_2', 40, { source: 'operator' }))
    ledger.accept(grantOf('pi_late', 9))
    ledger.accept(grantOf('pi_soon', 11, { expiresAt: noon + day }))
    expect(ledger.accept(revokeOf('re_1', 'pi_1', 95))).toMatchObject({ moved: 95, debt: 0 })
    expect(left()).toEqual({ gift_2: 40, pi_late: 5 })
    expect(ledger.accept(revokeOf('re_2', 'pi_1', null))).toMatchObject({ moved: 5, debt: 0 })
    expect(left()).toEqual({ gift_2: 40 })
    ledger.accept(grantOf('pi_3', 10))
    spend('s', 50)
    expect(ledger.accept(revokeOf('re_3', 'pi_3', null))).toMatchObject({ moved: 10, debt: 10 })
  })

  test('never takes more than its grant gave, however many there are, and repeats answer alike', () => {
    ledger.accept(grantOf('pi_1', 100))
    ledger.accept(grantOf('pi_2', 100))
    expect(ledger.accept(revokeOf('re_1', 'pi_1', 70)).moved).toBe(70)
    expect(ledger.accept(revokeOf('re_1', 'pi_1', 70)).moved).toBe(70)
    expect(ledger.accept(revokeOf('re_2', 'pi_1', 70)).moved).toBe(30)
    expect(ledger.accept(revokeOf('re_3', 'pi_1', 70)).moved).toBe(0)
    expect(left()).toEqual({ pi_2: 100 })
    expect(ledger.records.get('pi_1')).toMatchObject({ granted: 100, revoked: 100 })
  })

  test('refuses the id of another revocation', () => {
    ledger.accept(grantOf('pi_1', 100))
    ledger.accept(grantOf('pi_2', 100))
    ledger.accept(revokeOf('re_1', 'pi_1', 200))
    for (const other of [
      revokeOf('re_1', 'pi_2', 200),
      revokeOf('re_1', null, 200),
      revokeOf('re_1', 'pi_1', 99),
    ]) {
      expect(ledger.refuse(other).code).toBe('idempotency_conflict')
    }
    expect(ledger.accept(revokeOf('re_1', 'pi_1', 200)).moved).toBe(100)
    expect(left()).toEqual({ pi_2: 100 })
  })

  test('finds a grant that was spent and forgotten, and refuses one that never was', () => {
    ledger.accept(grantOf('pi_1', 100))
    spend('r', 100)
    expect(ledger.account().grants).toEqual([])
    expect(ledger.accept(revokeOf('re_1', 'pi_1', null))).toMatchObject({ moved: 100, debt: 100 })
    expect(ledger.refuse(revokeOf('re_2', 'pi_9', null)).code).toBe('not_found')
  })

  test('leaves what is held to the hold; its return repays the debt', () => {
    ledger.accept(grantOf('pi_1', 100))
    ledger.accept(reserveOf('r', { output: { asked: 80, default: 0, max: null } }))
    expect(ledger.accept(revokeOf('re_1', 'pi_1', null))).toMatchObject({
      moved: 100,
      available: 0,
      debt: 80,
    })
    ledger.accept(settleOf('r', usageOf(0, 30)))
    expect(ledger.account()).toMatchObject({ debt: 30, grants: [] })
  })

  test('without a grant takes what is available in burn order, and never makes debt', () => {
    ledger.accept(grantOf('pi_1', 100))
    ledger.accept(grantOf('gift', 30, { source: 'operator' }))
    expect(ledger.accept(revokeOf('a', null, 50))).toMatchObject({ moved: 50, available: 80, debt: 0 })
    expect(left()).toEqual({ pi_1: 80 })
    expect(ledger.accept(revokeOf('b', null, 500))).toMatchObject({ moved: 80, available: 0, debt: 0 })
    expect(ledger.accept(revokeOf('c', null, null))).toMatchObject({ moved: 0, available: 0, debt: 0 })
  })
})

describe('a restoration', () => {
  test('gives back what was revoked, once, repaying debt, and no more', () => {
    ledger.accept(grantOf('pi_1', 100))
    spend('r', 70)
    ledger.accept(revokeOf('dp_1', 'pi_1', null))
    expect(ledger.refuse(restoreOf('won', 'pi_1', 101)).code).toBe('invalid_value')
    expect(ledger.accept(restoreOf('won', 'pi_1', 100))).toMatchObject({ moved: 100, available: 30, debt: 0 })
    expect(ledger.accept(restoreOf('won', 'pi_1', 100))).toMatchObject({ moved: 100, available: 30, debt: 0 })
    expect(ledger.refuse(restoreOf('again', 'pi_1', 1)).code).toBe('invalid_value')
    expect(ledger.refuse(restoreOf('who', 'pi_9', 1)).code).toBe('not_found')
  })

  test('is the grant’s own again: a further revocation takes it before it makes debt', () => {
    ledger.accept(grantOf('gift', 100, { source: 'operator' }))
    ledger.accept(grantOf('pi_1', 100))
    ledger.accept(revokeOf('a', 'gift', null))
    ledger.accept(restoreOf('b', 'gift', 60))
    expect(ledger.accept(revokeOf('c', 'gift', null))).toMatchObject({ moved: 60, available: 100, debt: 0 })
    expect(left()).toEqual({ pi_1: 100 })
  })

  test('needs room like any grant', () => {
    ledger.accept(grantOf('pi_1', CREDITS_MAX * MICROCREDITS))
    ledger.accept(revokeOf('a', 'pi_1', 1))
    expect(ledger.refuse(restoreOf('b', 'pi_1', 1)).param).toBe('credits')
  })

  test('of an allowance repays the debt that its revocation made', () => {
    ledger.accept(reserveOf('r', { planClaim: 'paid', output: { asked: 50, default: 0, max: null } }))
    const allowance = ledger.entries[0]?.id ?? ''
    expect(ledger.accept(revokeOf('a', allowance, null))).toMatchObject({ moved: 50, debt: 50 })
    expect(ledger.accept(restoreOf('b', allowance, 50))).toMatchObject({ moved: 50, available: 0, debt: 0 })
  })
})
