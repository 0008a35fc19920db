import { beforeEach, describe, expect, test } from 'vitest'
import { availableOf, GRANTS_MAX } from './account.ts'
import { CREDITS_MAX, MICROCREDITS } from './credits.ts'
import { type PaymentFact, statusOf } from './payment.ts'
import { PAYMENTS_PER_HOUR } from './payments.ts'
import {
  catalogOf,
  createLedger,
  credit,
  grantOf,
  hour,
  type Ledger,
  minute,
  noon,
  planOf,
  reserveOf,
  settleOf,
  usageOf,
} from './test-kit.ts'
import { disputeOf, openOf, pack, paidOf, refundOf, saidOf, totalOf } from './test-kit-payments.ts'

let ledger: Ledger

beforeEach(() => {
  ledger = createLedger(catalogOf(planOf('free')))
})

const say = (fact: PaymentFact, id = 'pay_1') => ledger.accept(saidOf(id, fact)).payment
const status = (id = 'pay_1') => {
  const payment = ledger.payments.get(id)
  return payment && statusOf(payment)
}
/** What may be spent, less what is owed. */
const net = () => availableOf(ledger.account()) - ledger.account().debt
const checking = () => ledger.account().billing.checking
/** Spends this many whole credits. */
const spend = (id: string, credits: number) => {
  ledger.accept(reserveOf(id, { output: { asked: credits * credit, default: 0, max: null } }))
  ledger.accept(settleOf(id, usageOf(0, credits * credit)))
}

describe('a purchase', () => {
  test('is written down before it is made, once, and gives nothing yet', () => {
    const { payment } = ledger.accept(openOf('pay_1'))
    expect(payment).toMatchObject({ id: 'pay_1', at: noon, state: 'open', member: 'clerk:user_1' })
    ledger.now += minute
    expect(ledger.accept(openOf('pay_1')).payment).toEqual(payment)
    expect([ledger.writes, net(), status()]).toEqual([1, 0, 'open'])
  })

  test('that is paid gives its credits, and paid twice gives them once', () => {
    ledger.accept(openOf('pay_1'))
    say({ type: 'pending', reference: 'pi_1' })
    expect([net(), status()]).toEqual([0, 'pending'])
    expect(say(paidOf())).toMatchObject({ state: 'paid', paid: 1100, granted: pack.credits })
    const writes = ledger.writes
    say(paidOf())
    expect([ledger.writes, net(), status()]).toEqual([writes, pack.credits, 'paid'])
    expect(ledger.entries).toMatchObject([
      { id: 'stripe:pi_1', kind: 'grant', source: 'purchase', reason: 'bought: starter' },
    ])
  })

  test('that failed and was paid later gives its credits; a late failure takes nothing', () => {
    ledger.accept(openOf('pay_1'))
    say({ type: 'failed', reason: 'card_declined' })
    expect([net(), status()]).toEqual([0, 'failed'])
    say(paidOf())
    say({ type: 'failed', reason: 'expired_card' })
    say({ type: 'pending', reference: 'pi_1' })
    expect([net(), status(), ledger.entries.length]).toEqual([pack.credits, 'paid', 1])
  })

  test('that nothing was paid for, by a code for all of it, gives its credits', () => {
    ledger.accept(openOf('pay_1'))
    say(paidOf('free_1', { paid: 0 }))
    say(totalOf(0, 0, 'free_1'))
    expect([net(), status()]).toEqual([pack.credits, 'paid'])
  })

  test('repays debt first', () => {
    ledger.accept(openOf('pay_1'))
    say(paidOf())
    spend('r', 400)
    say(totalOf(1100))
    expect(net()).toBe(-400 * credit)
    ledger.accept(openOf('pay_2'))
    say(paidOf('pi_2'), 'pay_2')
    expect(ledger.account()).toMatchObject({ debt: 0 })
    expect(net()).toBe(600 * credit)
  })

  test('of which two figures were told was paid with the larger one, in either order', () => {
    for (const [n, figures] of [[1100, 1000] as const, [1000, 1100] as const].entries()) {
      const [id, reference] = [`pay_${n}`, `pi_${n}`]
      ledger.accept(openOf(id))
      for (const paid of figures) say(paidOf(reference, { paid }), id)
      say(totalOf(550, 900, reference), id)
      expect(ledger.payments.get(id)).toMatchObject({ paid: 1100, reversed: pack.credits / 2 })
    }
  })

  test('of which too many were begun in an hour is refused until the hour is over', () => {
    ledger.now = noon + 20 * minute
    for (let n = 0; n < PAYMENTS_PER_HOUR; n += 1) ledger.accept(openOf(`pay_${n}`))
    expect(ledger.refuse(openOf('pay_more'))).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 40 * minute,
    })
    ledger.accept(openOf('pay_0'))
    ledger.now = noon + hour
    ledger.accept(openOf('pay_more'))
    expect(ledger.account().billing.opened.count).toBe(1)
  })

  test('remembers that a card was kept, whichever of two words for one payment says so', () => {
    ledger.accept(openOf('pay_1'))
    say(paidOf())
    expect(ledger.account().billing.savedCard).toBe(false)
    say(paidOf('pi_1', { savedCard: true }))
    say(paidOf())
    expect(ledger.account().billing.savedCard).toBe(true)
    expect(ledger.entries).toHaveLength(1)
  })
})

describe('a refund', () => {
  beforeEach(() => {
    ledger.accept(openOf('pay_1'))
  })

  test('that is heard of before its payment takes the credits when they come', () => {
    say(refundOf('re_1', 1100))
    say(totalOf(1100))
    expect([net(), ledger.entries.length, status()]).toEqual([0, 0, 'open'])
    say(paidOf())
    expect([net(), status(), ledger.account().debt]).toEqual([0, 'refunded', 0])
    expect(ledger.account().totals).toMatchObject({ granted: pack.credits, revoked: pack.credits })
  })

  test('in parts adds up, rounded up once', () => {
    say(paidOf('pi_1', { paid: 3000 }))
    say(refundOf('re_1', 1))
    // 1,000 credits × 1/3,000, rounded up to a microcredit; then 2/3,000 and 3/3,000 of it.
    expect(pack.credits - net()).toBe(333_334)
    say(refundOf('re_2', 1))
    expect(pack.credits - net()).toBe(666_667)
    say(refundOf('re_3', 1))
    expect(pack.credits - net()).toBe(credit)
    say(totalOf(3, 3000))
    expect(pack.credits - net()).toBe(credit)
    expect(status()).toBe('partly_refunded')
    say(totalOf(3000, 3000))
    expect([net(), status()]).toEqual([0, 'refunded'])
  })

  test('that is told as a sum and as parts is taken once, and a sum never falls', () => {
    say(paidOf())
    say(totalOf(550))
    expect(net()).toBe(500 * credit)
    say(refundOf('re_1', 550))
    say(totalOf(0))
    expect(net()).toBe(500 * credit)
  })

  test('that failed gives back what it took, also when the failure is heard of first', () => {
    say(paidOf())
    say(totalOf(1100))
    say(refundOf('re_1', 1100))
    expect(net()).toBe(0)
    say(refundOf('re_1', 1100, true))
    say(refundOf('re_1', 1100))
    expect([net(), status()]).toEqual([pack.credits, 'paid'])
    ledger.accept(openOf('pay_2'))
    say(refundOf('re_2', 1100, true, 'pi_2'), 'pay_2')
    say(refundOf('re_2', 1100, false, 'pi_2'), 'pay_2')
    say(paidOf('pi_2'), 'pay_2')
    expect(net()).toBe(2 * pack.credits)
  })

  test('after the credits were spent makes debt, in which nothing is admitted', () => {
    say(paidOf())
    spend('r', 300)
    say(totalOf(1100))
    expect([net(), status()]).toEqual([-300 * credit, 'refunded'])
    expect(ledger.refuse(reserveOf('s')).code).toBe('account_in_debt')
  })

  test('and a dispute of the same payment take no more than all', () => {
    say(paidOf())
    say(disputeOf('dp_1', 'open'))
    say(refundOf('re_1', 1100))
    expect([net(), ledger.account().totals.revoked]).toEqual([0, pack.credits])
    say(disputeOf('dp_1', 'won'))
    expect(net()).toBe(0)
  })

  test('of a payment that one never heard of is refused', () => {
    expect(ledger.refuse(saidOf('pay_9', refundOf('re_1', 5))).code).toBe('not_found')
  })
})

describe('a dispute', () => {
  beforeEach(() => {
    ledger.accept(openOf('pay_1'))
    say(paidOf())
  })

  test('takes the credits once the money is gone, and gives exactly them back when it is won', () => {
    say(disputeOf('dp_1', 'inquiry'))
    expect([net(), status()]).toEqual([pack.credits, 'paid'])
    say(disputeOf('dp_1', 'open'))
    expect([net(), status()]).toEqual([0, 'disputed'])
    say(disputeOf('dp_1', 'inquiry'))
    expect(net()).toBe(0)
    say(disputeOf('dp_1', 'won'))
    say(disputeOf('dp_1', 'open'))
    expect([net(), status()]).toEqual([pack.credits, 'paid'])
  })

  test('that is lost keeps them, and makes debt of what was spent', () => {
    spend('r', 300)
    say(disputeOf('dp_1', 'lost'))
    say(disputeOf('dp_1', 'open'))
    expect([net(), status()]).toEqual([-300 * credit, 'disputed'])
  })

  test('that is won gives back what it took, and not what the operator took before', () => {
    ledger.accept({ kind: 'revoke', id: 'op', grantId: 'stripe:pi_1', credits: 400 * credit, reason: 'r' })
    say(disputeOf('dp_1', 'open'))
    expect(net()).toBe(0)
    say(disputeOf('dp_1', 'won'))
    expect(net()).toBe(600 * credit)
  })

  test('that is won gives nothing twice when the operator has given it back already', () => {
    say(disputeOf('dp_1', 'open'))
    const back = { kind: 'restore', id: 'op', grantId: 'stripe:pi_1', reason: 'r' } as const
    ledger.accept({ ...back, credits: pack.credits })
    say(disputeOf('dp_1', 'won'))
    expect(net()).toBe(pack.credits)
  })
})

describe('a payment that cannot be matched', () => {
  const resolve = (credits: number, id = 'pay_1') =>
    ({ kind: 'resolvePayment', id, credits: credits * credit }) as const

  test.each([
    ['another amount', paidOf('pi_1', { subtotal: 900 })],
    ['another currency', paidOf('pi_1', { currency: 'eur' })],
  ])('by %s gives nothing until somebody has looked at it', (_, wrong) => {
    ledger.accept(openOf('pay_1'))
    expect(say(wrong).problem).toMatch(/came where 1000 usd were asked/)
    say(wrong)
    expect([net(), status(), checking(), ledger.entries.length]).toEqual([0, 'checking', 1, 0])
    expect(ledger.accept(resolve(900)).payment).toMatchObject({ problem: null, granted: 900 * credit })
    const writes = ledger.writes
    ledger.accept(resolve(900))
    say(wrong)
    expect([net(), status(), checking(), ledger.writes]).toEqual([900 * credit, 'paid', 0, writes])
    expect(ledger.refuse(resolve(500)).code).toBe('idempotency_conflict')
    say(totalOf(1100))
    expect([net(), status()]).toEqual([0, 'refunded'])
  })

  test('can be resolved to give nothing', () => {
    ledger.accept(openOf('pay_1'))
    say(paidOf('pi_1', { subtotal: 1 }))
    ledger.accept(resolve(0))
    say(totalOf(1100))
    expect([net(), checking(), ledger.entries.length]).toEqual([0, 0, 0])
  })

  test('because nobody wrote it down is kept, with 0 credits', () => {
    expect(say(paidOf())).toMatchObject({ credits: 0, pack: '', subtotal: 1000, state: 'paid' })
    say(paidOf())
    expect([net(), status(), checking()]).toEqual([0, 'checking', 1])
    ledger.accept(resolve(1000))
    say(paidOf())
    expect([net(), status(), checking()]).toEqual([pack.credits, 'paid', 0])
  })

  test('because two payments name it before one paid gives nothing', () => {
    ledger.accept(openOf('pay_1'))
    say({ type: 'pending', reference: 'pi_1' })
    say(paidOf('pi_2'))
    expect([net(), status(), checking()]).toEqual([0, 'checking', 1])
    ledger.accept(resolve(1000))
    // What is said of the one that did not pay moves nothing; what is said of the one that did is its own.
    say(totalOf(1100, 1100, 'pi_1'))
    expect(net()).toBe(pack.credits)
    say(totalOf(1100, 1100, 'pi_2'))
    expect(net()).toBe(0)
  })

  test('because it was paid a second time gives no more, and a refund of the second takes nothing', () => {
    ledger.accept(openOf('pay_1'))
    say(paidOf())
    say(paidOf('pi_2'))
    expect([net(), status(), checking(), ledger.entries.length]).toEqual([pack.credits, 'checking', 1, 1])
    say(totalOf(1100, 1100, 'pi_2'))
    expect(net()).toBe(pack.credits)
    expect(ledger.refuse(resolve(2000))).toMatchObject({ code: 'invalid_value', param: 'credits' })
    expect(ledger.refuse(resolve(0)).message).toMatch(/has given 1000 credits/)
    ledger.accept(resolve(1000))
    expect([net(), status(), checking()]).toEqual([pack.credits, 'paid', 0])
  })

  test('while it is checked loses the credits of a refund all the same', () => {
    ledger.accept(openOf('pay_1'))
    say(paidOf())
    say(paidOf('pi_1', { subtotal: 900 }))
    expect(status()).toBe('checking')
    say(totalOf(1100))
    expect(net()).toBe(0)
  })

  test('because what paid for it paid for another gives nothing, and takes nothing of the other', () => {
    ledger.accept(openOf('pay_1'))
    ledger.accept(openOf('pay_2'))
    say(paidOf())
    expect(say(paidOf(), 'pay_2').problem).toMatch(/another purchase/)
    say(totalOf(1100), 'pay_2')
    expect([net(), status(), status('pay_2'), checking()]).toEqual([pack.credits, 'paid', 'checking', 1])
    expect(ledger.refuse(resolve(1000, 'pay_2')).param).toBe('credits')
    ledger.accept(resolve(0, 'pay_2'))
    say(totalOf(1100))
    expect([net(), checking()]).toEqual([0, 0])
  })

  test('because an account can hold no more is counted as checked, and given once there is room', () => {
    ledger.accept(grantOf('all', CREDITS_MAX * MICROCREDITS - 5))
    ledger.accept(openOf('pay_1'))
    say(paidOf())
    expect([status(), checking(), ledger.entries.length]).toEqual(['checking', 1, 1])
    expect(ledger.refuse(resolve(1000)).param).toBe('credits')
    expect(checking()).toBe(1)
    ledger.accept({ kind: 'resolvePayment', id: 'pay_1', credits: 5 })
    expect([net(), checking()]).toEqual([CREDITS_MAX * MICROCREDITS, 0])
  })

  test('is the only one that can be resolved', () => {
    expect(ledger.refuse(resolve(1)).code).toBe('not_found')
    ledger.accept(openOf('pay_1'))
    expect(ledger.refuse(resolve(1)).code).toBe('idempotency_conflict')
    expect(ledger.accept(resolve(1000)).payment).toMatchObject({ state: 'open', resolved: false })
    say(paidOf())
    expect(net()).toBe(pack.credits)
  })
})

describe('a purchase at the bound of unspent grants', () => {
  test('finds room, and a refund of one that was merged still takes its credits', () => {
    ledger.accept(openOf('pay_1'))
    say(paidOf())
    ledger.now += minute
    for (let n = 1; n < GRANTS_MAX; n += 1) ledger.accept(grantOf(`g${n}`, 10))
    expect(ledger.refuse(grantOf('more', 1)).code).toBe('too_many_grants')
    ledger.accept(openOf('pay_2'))
    say(paidOf('pi_2'), 'pay_2')
    const { grants } = ledger.account()
    expect(grants.map(({ id }) => id)).not.toContain('stripe:pi_1')
    expect([grants.length, net()]).toEqual([GRANTS_MAX, 2 * pack.credits + (GRANTS_MAX - 1) * 10])
    say(totalOf(1100))
    expect(net()).toBe(pack.credits + (GRANTS_MAX - 1) * 10)
    say(disputeOf('dp_1', 'open', 1100, 'pi_2'), 'pay_2')
    say(disputeOf('dp_1', 'won', 1100, 'pi_2'), 'pay_2')
    expect([net(), ledger.account().debt]).toEqual([pack.credits + (GRANTS_MAX - 1) * 10, 0])
  })

  test('leaves alone what holds draw on, what expires and what was given', () => {
    const held = { output: { asked: 5, default: 0, max: null } }
    ledger.accept(grantOf('held', 10))
    ledger.accept(reserveOf('r', held))
    ledger.accept(grantOf('short', 10, { expiresAt: noon + hour }))
    for (let n = 2; n < GRANTS_MAX; n += 1) ledger.accept(grantOf(`g${n}`, 1, { source: 'operator' }))
    for (const n of [1, 2, 3]) {
      ledger.accept(openOf(`pay_${n}`))
      say(paidOf(`pi_${n}`), `pay_${n}`)
    }
    const ids = ledger.account().grants.map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining(['held', 'short', 'g2', 'g199']))
    expect(ids).toHaveLength(GRANTS_MAX + 2)
    expect(ledger.accept(settleOf('r', usageOf(0, 5))).charged).toBe(5)
    expect(ledger.account().totals.expired).toBe(0)
  })
})
