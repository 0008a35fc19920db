/** Words about subscriptions arrive at least once and in any order: every order leaves the same plan. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { resolvePlan } from './plans.ts'
import { RENEWAL_GRACE_MS, type Subscription, subscriptionStatuses } from './subscription.ts'
import {
  catalogOf,
  createLedger,
  credit,
  day,
  noon,
  planOf,
  propertyTimeout,
  reserveOf,
  runsFactor,
} from './test-kit.ts'
import { arrivalsOf } from './test-kit-facts.ts'

const runs = { numRuns: 300 * runsFactor }
const catalog = catalogOf(
  planOf('free', { allowance: 5 * credit }),
  planOf('pro', { allowance: 50 * credit }),
  planOf('max', { allowance: 500 * credit }),
)

const starts = fc.constantFrom(-40, -30, -10, -1, 0, 1).map((days) => noon + days * day)
const word: fc.Arbitrary<Subscription> = fc.record({
  id: fc.constantFrom('stripe:sub_1', 'stripe:sub_2', 'clerk:csub_item_1'),
  provider: fc.constantFrom('stripe' as const, 'clerk' as const),
  plan: fc.constantFrom('pro', 'max', 'gone'),
  status: fc.constantFrom(...subscriptionStatuses),
  periodStart: starts,
  periodEnd: fc.option(
    fc.constantFrom(-4, -2, 0, 2, 20).map((days) => noon + days * day),
    { freq: 8 },
  ),
  // Few versions, so that two different words often have the same one.
  version: fc.integer({ min: 1, max: 4 }),
})
const words = fc.array(word, { minLength: 1, maxLength: 6 })

function heard(all: readonly Subscription[]) {
  const ledger = createLedger(catalog)
  for (const subscription of all) ledger.accept({ kind: 'recordSubscription', subscription })
  return ledger
}

const times = [0, 1, day, -day, -2 * day, 20 * day, 20 * day + RENEWAL_GRACE_MS].map((ms) => noon + ms)

test(
  'the same words in any order, and repeated, leave the same subscriptions and the same plan',
  propertyTimeout,
  () => {
    const orders = words.chain((all) => fc.tuple(fc.constant(all), arrivalsOf(all)))
    fc.assert(
      fc.property(orders, ([all, arrivals]) => {
        const [one, two] = [heard(all).account(), heard(arrivals).account()]
        expect(two.subscriptions).toEqual(one.subscriptions)
        for (const now of times) {
          expect(resolvePlan(two, null, 'user', catalog, now)).toEqual(
            resolvePlan(one, null, 'user', catalog, now),
          )
        }
      }),
      runs,
    )
  },
)

test('what is kept of each is the newest word, and an older one never replaces it', propertyTimeout, () => {
  fc.assert(
    fc.property(words, (all) => {
      const { subscriptions } = heard(all).account()
      expect(new Set(subscriptions.map(({ id }) => id)).size).toBe(subscriptions.length)
      expect(new Set(all.map(({ id }) => id)).size).toBe(subscriptions.length)
      for (const kept of subscriptions) {
        const said = all.filter(({ id }) => id === kept.id)
        const { firstStart, ...word } = kept
        expect(said).toContainEqual(word)
        expect(firstStart).toBe(Math.min(...said.map(({ periodStart }) => periodStart)))
        expect(kept.version).toBe(Math.max(...said.map(({ version }) => version)))
        const ranks = said
          .filter(({ version }) => version === kept.version)
          .map(({ status }) => subscriptionStatuses.indexOf(status))
        expect(subscriptionStatuses.indexOf(kept.status)).toBe(Math.max(...ranks))
      }
    }),
    runs,
  )
})

test(
  'whatever is heard while time goes on, a plan’s month is given once and only while it is paid',
  propertyTimeout,
  () => {
    const steps = fc.array(fc.oneof(word, fc.integer({ min: -2, max: 25 })), { minLength: 3, maxLength: 25 })
    fc.assert(
      fc.property(steps, (all) => {
        const ledger = createLedger(catalog)
        for (const [n, step] of all.entries()) {
          if (typeof step !== 'number') {
            ledger.accept({ kind: 'recordSubscription', subscription: step })
            continue
          }
          ledger.now += step * day
          const before = ledger.entries.length
          const { plan, paidUntil } = resolvePlan(ledger.account(), null, 'user', catalog, ledger.now)
          ledger.accept(reserveOf(`r${n}`, { output: { asked: 0, default: 0, max: null } }))
          const given = ledger.entries.slice(before).filter(({ kind }) => kind === 'grant')
          expect(given.length).toBeLessThanOrEqual(1)
          for (const { id, credits } of given) {
            const start = Date.parse(id.slice(`plan:${plan.id}:`.length))
            expect(id.startsWith(`plan:${plan.id}:`)).toBe(true)
            expect(credits).toBe(plan.allowance)
            expect(start).toBeLessThanOrEqual(ledger.now)
            if (paidUntil !== null) expect(start).toBeLessThan(paidUntil)
          }
        }
      }),
      runs,
    )
  },
)
