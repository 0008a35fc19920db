/**
 * Whatever is said of purchases, in whatever order, and whatever their owner and the operator do in between: the same
 * words leave the same credits, a payment gives once, and reversals take what it gave and no more.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { availableOf, heldOf } from './account.ts'
import { paymentGrantId } from './command.ts'
import type { Payment, PaymentFact } from './payment.ts'
import { reversalTarget } from './payment.ts'
import { resolvePlan } from './plans.ts'
import {
  catalogOf,
  createLedger,
  credit,
  type Ledger,
  planOf,
  propertyTimeout,
  reserveOf,
  runsFactor,
  settleOf,
  usageOf,
} from './test-kit.ts'
import { anyCharge, arrivalsOf, factsOf } from './test-kit-facts.ts'
import { disputeOf, openOf, pack, paidOf, saidOf, totalOf } from './test-kit-payments.ts'

const runs = { numRuns: 200 * runsFactor }
const catalog = catalogOf(planOf('free', { allowance: 5 * credit }))

type Said = { id: string; fact: PaymentFact }

/** Up to six words about one or two purchases. */
const anySaid: fc.Arbitrary<Said[]> = fc
  .tuple(anyCharge, anyCharge)
  .chain(([one, two]) =>
    fc.tuple(factsOf('pi_1', one, 6), fc.oneof(fc.constant([]), factsOf('pi_2', two, 3))),
  )
  .map(([one, two]) => [
    ...one.slice(0, 6 - two.length).map((fact) => ({ id: 'pay_1', fact })),
    ...two.map((fact) => ({ id: 'pay_2', fact })),
  ])

function ledgerWithTwo(): Ledger {
  const ledger = createLedger(catalog)
  ledger.accept(openOf('pay_1'))
  ledger.accept(openOf('pay_2'))
  return ledger
}

const sum = (amounts: number[]) => amounts.reduce((total, each) => total + each, 0)
const net = (ledger: Ledger) => availableOf(ledger.account()) - ledger.account().debt

/** The books balance by their entries, and each payment has given once and lost no more than it gave. */
function checkBooks(ledger: Ledger): void {
  const account = ledger.account()
  const folded = sum(ledger.entries.map(({ credits }) => credits))
  expect(availableOf(account) + heldOf(account) - account.debt).toBe(folded)
  const checking = [...ledger.payments.values()].filter(({ problem }) => problem !== null)
  expect(account.billing.checking).toBe(checking.length)
  for (const payment of ledger.payments.values()) checkPayment(ledger, payment)
}

function checkPayment(ledger: Ledger, { reference, granted, reversed, credits, state }: Payment): void {
  expect([0, credits]).toContain(granted)
  expect(reversed >= 0 && reversed <= granted).toBe(true)
  if (reference === null) return
  const id = paymentGrantId(reference)
  const given = ledger.entries.filter((entry) => entry.id === id)
  expect(given.map((entry) => entry.credits)).toEqual(granted > 0 ? [granted] : [])
  if (granted > 0) expect(state).toBe('paid')
  const moved = ledger.entries.filter((entry) => entry.id.startsWith(`${id}:reversal:`))
  expect(0 - sum(moved.map((entry) => entry.credits))).toBe(reversed)
  const record = ledger.records.get(id)
  if (record) expect(record.revoked >= 0 && record.revoked <= record.granted).toBe(true)
}

/** What must not depend on the order of arrival. */
function outcomeOf(ledger: Ledger): unknown {
  const account = ledger.account()
  const { granted, revoked } = account.totals
  return {
    payments: [...ledger.payments.values()].map(({ reversals: _steps, ...payment }) => payment),
    net: net(ledger),
    granted: granted - revoked,
    billing: account.billing,
    plan: resolvePlan(account, null, 'user', catalog, ledger.now).plan.id,
  }
}

test('the same words in any order, and repeated, leave the same credits', propertyTimeout, () => {
  const orders = anySaid.chain((said) => fc.tuple(fc.constant(said), arrivalsOf(said)))
  const live = (said: Said[]) => {
    const ledger = ledgerWithTwo()
    for (const { id, fact } of said) {
      const writes = ledger.writes
      ledger.accept(saidOf(id, fact))
      checkBooks(ledger)
      ledger.accept(saidOf(id, fact))
      expect(ledger.writes - writes).toBeLessThanOrEqual(1)
    }
    return outcomeOf(ledger)
  }
  fc.assert(
    fc.property(orders, ([said, arrivals]) => {
      expect(live(arrivals)).toEqual(live(said))
    }),
    runs,
  )
})

type Step =
  | { do: 'say'; said: Said }
  | { do: 'hold' | 'settle' | 'release'; credits: number }
  | { do: 'take' | 'give'; credits: number; grant: string }
  | { do: 'resolve'; id: string; credits: number }

const credits = fc.constantFrom(1, 5, 100, 400, 1000, 1500).map((each) => each * credit)
const grants = fc.constantFrom('stripe:pi_1', 'stripe:pi_2')

/** Words about purchases, with use of the credits, the operator's hand and his decisions in between. */
const lives = anySaid.chain((said) => {
  const word = fc.constantFrom(...said).map((each): Step => ({ do: 'say', said: each }))
  const use = fc.record({
    do: fc.constantFrom('hold' as const, 'settle' as const, 'release' as const),
    credits,
  })
  const hand = fc.record({ do: fc.constantFrom('take' as const, 'give' as const), credits, grant: grants })
  const word2 = fc.record({
    do: fc.constant('resolve' as const),
    id: fc.constantFrom('pay_1', 'pay_2'),
    credits,
  })
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: word },
    { weight: 4, arbitrary: use },
    { weight: 2, arbitrary: hand },
    { weight: 1, arbitrary: word2 },
  )
  return fc.array(step, { minLength: 4, maxLength: 40, size: 'max' })
})

function runUse(
  ledger: Ledger,
  step: Extract<Step, { do: 'hold' | 'settle' | 'release' }>,
  id: string,
): void {
  const [open] = ledger.holds.values()
  if (step.do === 'hold') {
    const { debt } = ledger.account()
    const result = ledger.run(reserveOf(id, { output: { asked: step.credits, default: 0, max: null } }))
    if (debt > 0) expect(result).toMatchObject({ ok: false, error: { code: 'account_in_debt' } })
  } else if (open) {
    const used = usageOf(0, Math.min(open.amount, step.credits))
    ledger.accept(step.do === 'settle' ? settleOf(open.id, used) : { kind: 'release', holdId: open.id })
  }
}

function runStep(ledger: Ledger, step: Step, id: string): void {
  switch (step.do) {
    case 'say':
      ledger.accept(saidOf(step.said.id, step.said.fact))
      return
    case 'take':
    case 'give': {
      const kind = step.do === 'take' ? 'revoke' : 'restore'
      ledger.run({ kind, id, grantId: step.grant, credits: step.credits, reason: 'operator' })
      return
    }
    case 'resolve':
      ledger.run({ kind: 'resolvePayment', id: step.id, credits: step.credits })
      return
    default:
      runUse(ledger, step, id)
  }
}

test('with use, and the operator’s hand, in between the books hold after every step', propertyTimeout, () => {
  fc.assert(
    fc.property(lives, (steps) => {
      const ledger = ledgerWithTwo()
      for (const [n, step] of steps.entries()) {
        runStep(ledger, step, `step_${n}`)
        checkBooks(ledger)
        checkHand(ledger)
      }
    }),
    runs,
  )
})

/** What a grant lost is what reversals took and what the operator took, each once, less what he gave back. */
function checkHand(ledger: Ledger): void {
  for (const payment of ledger.payments.values()) {
    const grantId = payment.reference === null ? '' : paymentGrantId(payment.reference)
    const record = ledger.records.get(grantId)
    if (!record || payment.granted === 0) continue
    const operators = ledger.entries.filter(({ reason }) => reason === 'operator')
    const taken = 0 - sum(operators.flatMap((each) => (each.grantId === grantId ? [each.credits] : [])))
    const back = ledger.account().grants.filter(({ restores }) => restores === grantId)
    expect(back.every(({ available, held }) => available + held <= record.granted)).toBe(true)
    if (operators.every(({ kind }) => kind === 'revoke')) {
      expect(record.revoked).toBe(payment.reversed + taken)
      // What the facts say is gone is gone, be it by a reversal or by the operator before it; and no more by reversals.
      expect(record.revoked).toBeGreaterThanOrEqual(Math.min(record.granted, reversalTarget(payment)))
      expect(payment.reversed).toBeLessThanOrEqual(reversalTarget(payment))
    }
  }
}

test(
  'a full refund takes exactly all and a dispute won gives exactly that back, whatever was spent',
  propertyTimeout,
  () => {
    const cases = fc.record({
      spent: fc.integer({ min: 0, max: 1005 }),
      held: fc.boolean(),
      dispute: fc.boolean(),
    })
    fc.assert(
      fc.property(cases, ({ spent, held, dispute }) => {
        const ledger = ledgerWithTwo()
        ledger.accept(saidOf('pay_1', paidOf()))
        const output = { asked: spent * credit, default: 0, max: null }
        ledger.accept(reserveOf('r', { output }))
        if (!held) ledger.accept(settleOf('r', usageOf(0, spent * credit)))
        const before = net(ledger)
        ledger.accept(saidOf('pay_1', dispute ? disputeOf('dp_1', 'open') : totalOf(1100)))
        expect(net(ledger)).toBe(before - pack.credits)
        if (dispute) ledger.accept(saidOf('pay_1', disputeOf('dp_1', 'won')))
        if (dispute) expect(net(ledger)).toBe(before)
        checkBooks(ledger)
        if (held) ledger.accept({ kind: 'release', holdId: 'r' })
        checkBooks(ledger)
      }),
      runs,
    )
  },
)
