import { beforeEach, describe, expect, test } from 'vitest'
import { availableOf } from './account.ts'
import type { BeginTopUp } from './command.ts'
import {
  catalogOf,
  createLedger,
  credit,
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
import { disputeOf, openOf, pack, paidOf, saidOf, totalOf } from './test-kit-payments.ts'
import { TOP_UP_RETRY_MS } from './top-up.ts'
import { autoTopUpView } from './view.ts'

let ledger: Ledger

const threshold = 100 * credit
const midnight = noon + 12 * hour

beforeEach(() => {
  ledger = createLedger(catalogOf(planOf('free')))
  ledger.accept(openOf('pay_0'))
  ledger.accept(saidOf('pay_0', paidOf('pi_0', { savedCard: true })))
  ledger.accept(turnOn)
})

const turnOn = { kind: 'setAutoTopUp', topUp: { pack: 'starter', threshold } } as const
const turnOff = { kind: 'setAutoTopUp', topUp: null } as const
const beginOf = (id: string, over: Partial<BeginTopUp> = {}): BeginTopUp => ({
  kind: 'beginTopUp',
  id,
  offers: { starter: pack },
  perDayMax: 2,
  ...over,
})
const begin = (id: string, over: Partial<BeginTopUp> = {}) => ledger.accept(beginOf(id, over)).paymentId
const topUp = () => ledger.account().billing.topUp
/** Spends until this many credits are left. */
const spendDownTo = (left: number) => {
  const credits = availableOf(ledger.account()) - left * credit
  const id = `r${ledger.writes}`
  ledger.accept(reserveOf(id, { output: { asked: credits, default: 0, max: null } }))
  return ledger.accept(settleOf(id, usageOf(0, credits)))
}
const pay = (id: string, reference = `pi_${id}`) => ledger.accept(saidOf(id, paidOf(reference)))

describe('auto top-up', () => {
  test('needs a card on file, and nothing to be turned off', () => {
    const bare = createLedger(catalogOf(planOf('free')))
    expect(bare.refuse(turnOn).code).toBe('no_saved_card')
    expect(bare.accept(turnOff).account.billing.topUp).toBeNull()
    expect(topUp()).toMatchObject({ state: 'on', attempt: null, pack: 'starter', threshold })
  })

  test('is due below the threshold and not at it', () => {
    expect(spendDownTo(100).topUpDue).toBeUndefined()
    expect(begin('pay_1')).toBeNull()
    expect(spendDownTo(99).topUpDue).toBe(true)
    expect(ledger.accept(beginOf('pay_1'))).toEqual({ paymentId: 'pay_1', offer: pack })
    expect(ledger.payments.get('pay_1')).toMatchObject({
      kind: 'topUp',
      member: null,
      pack: 'starter',
      state: 'open',
      currency: 'usd',
      ...pack,
    })
    expect(topUp()).toMatchObject({ state: 'under_way', attempt: { paymentId: 'pay_1', at: noon } })
  })

  test('is asked for by a refusal for want of credits, and by no other', () => {
    spendDownTo(50)
    const dear = reserveOf('dear', { output: { asked: 60 * credit, default: 0, max: null } })
    expect(ledger.refuse(dear)).toMatchObject({ code: 'insufficient_credits', topUpDue: true })
    begin('pay_1')
    expect(ledger.refuse(dear).topUpDue).toBeUndefined()
    ledger.accept({ kind: 'setBlocked', blocked: true })
    expect(ledger.refuse(dear)).not.toHaveProperty('topUpDue')
  })

  test('does nothing while it is off, and for an account that is blocked', () => {
    spendDownTo(0)
    ledger.accept({ kind: 'setBlocked', blocked: true })
    expect(begin('pay_1')).toBeNull()
    ledger.accept({ kind: 'setBlocked', blocked: false })
    ledger.accept(turnOff)
    expect(begin('pay_1')).toBeNull()
    expect(ledger.payments.has('pay_1')).toBe(false)
  })

  test('makes one attempt at a time: after a minute the same one again, by the same payment', () => {
    spendDownTo(0)
    begin('pay_1')
    const writes = ledger.writes
    ledger.now += TOP_UP_RETRY_MS - 1
    expect(begin('pay_2')).toBeNull()
    ledger.now += 1
    expect(begin('pay_2')).toBe('pay_1')
    ledger.now = noon + 20 * hour - 1
    expect(begin('pay_3')).toBe('pay_1')
    expect([ledger.writes, [...ledger.payments.keys()]]).toEqual([writes, ['pay_0', 'pay_1']])
  })

  test('answers a repeated command as the first time, at the price that it was begun with', () => {
    spendDownTo(0)
    begin('pay_1')
    const dearer = { offers: { starter: { credits: pack.credits, subtotal: 5000 } } }
    expect(ledger.accept(beginOf('pay_1', dearer))).toEqual({ paymentId: 'pay_1', offer: pack })
    ledger.now += TOP_UP_RETRY_MS
    expect(ledger.accept(beginOf('pay_2', { offers: {} }))).toEqual({ paymentId: 'pay_1', offer: pack })
  })

  test('never writes the payment of an ended attempt anew, however late its command is repeated', () => {
    spendDownTo(0)
    begin('pay_1')
    pay('pay_1')
    spendDownTo(0)
    expect(ledger.accept(beginOf('pay_1'))).toEqual({ paymentId: null, offer: null })
    expect(ledger.payments.get('pay_1')).toMatchObject({ state: 'paid', granted: pack.credits })
    expect(begin('pay_2')).toBe('pay_2')
  })

  test('is on again once it is paid, and gives the pack’s credits', () => {
    spendDownTo(0)
    begin('pay_1')
    ledger.accept(saidOf('pay_1', { type: 'pending', reference: 'pi_pay_1' }))
    expect(topUp()?.state).toBe('under_way')
    pay('pay_1')
    expect(topUp()).toMatchObject({ state: 'on', attempt: null, reason: null })
    expect(availableOf(ledger.account())).toBe(pack.credits)
    expect(ledger.entries.at(-1)).toMatchObject({ reason: 'auto top-up', source: 'purchase' })
  })

  test('is made so often in a day and no more, also when it is turned off and on', () => {
    for (const id of ['pay_1', 'pay_2']) {
      spendDownTo(0)
      expect(begin(id)).toBe(id)
      pay(id)
    }
    expect(spendDownTo(0).topUpDue).toBe(true)
    expect(begin('pay_3')).toBeNull()
    const settled = settleOf('more', usageOf(0, 0))
    ledger.accept(grantOf('gift', credit))
    ledger.accept(reserveOf('more', { output: { asked: 1, default: 0, max: null } }))
    expect(ledger.accept(settled).topUpDue).toBeUndefined()
    ledger.accept(turnOff)
    ledger.accept(turnOn)
    expect(begin('pay_3')).toBeNull()
    ledger.now = midnight - 1
    expect(begin('pay_3')).toBeNull()
    ledger.now = midnight
    expect(begin('pay_3')).toBe('pay_3')
  })

  test('of a pack that is no longer sold stops', () => {
    spendDownTo(0)
    expect(begin('pay_1', { offers: { other: pack } })).toBeNull()
    expect(topUp()).toMatchObject({ state: 'stopped', reason: 'pack_not_sold' })
    expect(begin('pay_1')).toBeNull()
  })

  test('cannot be changed while an attempt is under way, and can once that is too old to be asked after', () => {
    spendDownTo(0)
    begin('pay_1')
    ledger.now = noon + 20 * hour - 1
    expect(ledger.refuse(turnOn).code).toBe('idempotency_conflict')
    ledger.accept(grantOf('gift', 500 * credit))
    ledger.now += 1
    expect(ledger.accept(turnOn).account.billing.topUp).toMatchObject({ state: 'on', attempt: null })
  })

  test('turned off under way is off at once, is not turned on around the attempt, and what was paid counts', () => {
    spendDownTo(0)
    begin('pay_1')
    expect(autoTopUpView(ledger.accept(turnOff).account)).toBeNull()
    ledger.now += hour
    expect([begin('pay_1'), begin('pay_2')]).toEqual([null, null])
    expect(ledger.refuse(turnOn).code).toBe('idempotency_conflict')
    const before = availableOf(ledger.account())
    pay('pay_1')
    expect(availableOf(ledger.account())).toBeGreaterThan(before)
    expect(topUp()).toBeNull()
    expect(ledger.accept(turnOn).account.billing.topUp).toMatchObject({ state: 'on' })
  })
})

describe('auto top-up stops', () => {
  beforeEach(() => {
    spendDownTo(0)
    begin('pay_1')
  })

  const fail = () => ledger.accept(saidOf('pay_1', { type: 'failed', reason: 'card_declined' }))

  test('when an attempt fails, until its owner turns it on again', () => {
    fail()
    expect(topUp()).toMatchObject({ state: 'stopped', reason: 'card_declined' })
    ledger.now += day
    expect([begin('pay_1'), begin('pay_2')]).toEqual([null, null])
    ledger.accept(turnOn)
    expect(topUp()).toMatchObject({ state: 'on', reason: null })
    expect(begin('pay_2')).toBe('pay_2')
  })

  test('and goes on when the attempt that failed is paid after all, in either order', () => {
    fail()
    pay('pay_1')
    const other = topUp()
    fail()
    expect([topUp(), other?.state, other?.reason]).toEqual([other, 'on', null])
    spendDownTo(0)
    begin('pay_2')
    pay('pay_2')
    ledger.accept(saidOf('pay_2', { type: 'failed', reason: 'late' }))
    expect(topUp()).toEqual(other)
  })

  test('and a payment of an attempt before the owner’s new word changes nothing of that', () => {
    fail()
    ledger.accept(turnOff)
    pay('pay_1')
    expect(topUp()).toBeNull()
    expect(availableOf(ledger.account())).toBe(pack.credits)
  })

  test('when there is no answer for 20 h, and asks no more; what was paid is still given', () => {
    ledger.now = noon + 20 * hour
    expect([begin('pay_2'), begin('pay_1')]).toEqual([null, null])
    expect(topUp()).toMatchObject({ state: 'stopped', reason: 'no_answer' })
    pay('pay_1')
    expect(availableOf(ledger.account())).toBe(pack.credits)
    expect(topUp()?.state).toBe('on')
  })

  test.each([
    ['a refund', (reference: string) => totalOf(1100, 1100, reference)],
    ['a dispute', (reference: string) => disputeOf('dp_1', 'open', 1100, reference)],
  ])('after %s, whether that is heard of after the payment or before', (_, taken) => {
    pay('pay_1')
    ledger.accept(saidOf('pay_1', taken('pi_pay_1')))
    const stopped = topUp()
    expect(stopped).toMatchObject({ state: 'stopped', reason: 'payment_reversed', attempt: null })
    ledger.accept(turnOn)
    expect(begin('pay_2')).toBe('pay_2')
    ledger.accept(saidOf('pay_2', taken('pi_pay_2')))
    expect(topUp()?.state).toBe('under_way')
    pay('pay_2')
    expect(topUp()).toEqual(stopped)
  })

  test('after a refund of any other purchase too', () => {
    pay('pay_1')
    ledger.accept(saidOf('pay_0', totalOf(1, 1100, 'pi_0')))
    expect(topUp()).toMatchObject({ state: 'stopped', reason: 'payment_reversed' })
  })

  test('when what was paid has to be looked at, since it gave no credits', () => {
    ledger.accept(saidOf('pay_1', paidOf('pi_pay_1', { subtotal: 1 })))
    expect(topUp()).toMatchObject({ state: 'stopped', reason: 'checking' })
    expect(begin('pay_2')).toBeNull()
  })
})
