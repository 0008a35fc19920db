/** Random commands: whatever is asked of a store, it answers and keeps as the memory store does. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { availableOf, heldOf } from '../../core/account.ts'
import type { Command } from '../../core/command.ts'
import type { Store } from '../../ports.ts'
import { createMemoryStore } from '../memory.ts'
import { catalog, grantOf, keyOf, reserveOf, settleOf, usageOf } from './fixtures.ts'
import {
  accountId,
  allEntries,
  allPayments,
  allUsage,
  type Bench,
  opener,
  type StoreUnderTest,
} from './harness.ts'
import {
  autoTopUp,
  beginTopUpOf,
  openPaymentOf,
  paidOf,
  referenceOf,
  refundedOf,
  saidOf,
  subscriptionOf,
} from './purchases.ts'

/** A command at a time, to an account. */
type Asked = (now: number, accountId: string) => Command

type Step =
  | { account: number; command: Asked }
  | { advance: number }
  | { burst: { account: number; commands: Asked[] } }

const pool = (prefix: string, size: number) =>
  fc.integer({ min: 0, max: size - 1 }).map((index) => `${prefix}${index}`)
const grantIds = pool('grant', 4)
const requestIds = pool('req', 6)
const amounts = fc.integer({ min: 101, max: 3000 })

const grants = fc
  .record({ id: grantIds, credits: amounts, life: fc.option(fc.integer({ min: 1, max: 200_000 })) })
  .map(({ id, credits, life }) => (now: number): Command => {
    return { ...grantOf(credits, id), expiresAt: life === null ? null : now + life }
  })
const reserves = fc
  .record({
    id: requestIds,
    amount: amounts,
    planClaim: fc.constantFrom(null, null, 'monthly', 'nowhere'),
    key: fc.constantFrom(null, null, null, 'hash-key0'),
    idempotency: fc.option(fc.record({ keyHash: pool('idem', 2), requestHash: pool('body', 2) }), {
      freq: 2,
      nil: undefined,
    }),
  })
  .map(
    ({ id, amount, planClaim, key, idempotency }) =>
      (): Command =>
        reserveOf(amount, id, {
          planClaim,
          keyHash: key,
          ...(idempotency && { idempotency: { ...idempotency } }),
        }),
  )
const endings = fc
  .record({
    kind: fc.constantFrom('settle', 'settle', 'release', 'lapse', 'checkpoint'),
    id: requestIds,
    amount: amounts,
  })
  .map(({ kind, id: holdId, amount }) => (): Command => {
    if (kind === 'settle') return settleOf(holdId, amount)
    if (kind === 'checkpoint') return { kind, holdId, usage: usageOf(amount) }
    return kind === 'release' ? { kind, holdId } : { kind: 'lapse', holdId }
  })
const reversals = fc
  .record({
    kind: fc.constantFrom('revoke', 'restore'),
    id: pool('reversal', 3),
    grantId: grantIds,
    credits: amounts,
    all: fc.boolean(),
  })
  .map(({ kind, id, grantId, credits, all }) => (): Command => {
    if (kind === 'restore') return { kind, id, grantId, credits, reason: 'won' }
    return {
      kind: 'revoke',
      id,
      grantId: all ? null : grantId,
      credits: all ? null : credits,
      reason: 'refund',
    }
  })
const settings = fc.constantFrom<Command>(
  { kind: 'setPlan', plan: 'monthly', until: null },
  { kind: 'setPlan', plan: null, until: null },
  { kind: 'setBlocked', blocked: true },
  { kind: 'setBlocked', blocked: false },
  keyOf('key0'),
  { kind: 'revokeKey', id: 'key0', member: null },
)
const paymentIds = pool('pay', 3)
const topUpIds = pool('top', 2)
const ofPayments = fc
  .record({
    id: fc.oneof({ weight: 3, arbitrary: paymentIds }, { weight: 1, arbitrary: topUpIds }),
    say: fc.constantFrom('open', 'open', 'paid', 'paid', 'paid', 'failed', 'refunded', 'dispute', 'resolve'),
    amount: fc.constantFrom(1, 333, 1000),
    state: fc.constantFrom('inquiry' as const, 'open' as const, 'lost' as const, 'won' as const),
    wrong: fc.nat(4).map((n) => n === 0),
  })
  .map(({ id, say, amount, state, wrong }) => (): Command => {
    const reference = referenceOf(id)
    if (say === 'open') return openPaymentOf(id)
    if (say === 'paid') return paidOf(id, wrong ? 900 : 1000)
    if (say === 'failed') return saidOf(id, { type: 'failed', reason: 'declined' })
    if (say === 'refunded') return refundedOf(id, amount)
    if (say === 'dispute') return saidOf(id, { type: 'dispute', reference, id: 'dp', amount, state })
    return { kind: 'resolvePayment', id, credits: amount }
  })
const ofSubscriptions = fc
  .record({
    id: pool('sub', 2),
    plan: fc.constantFrom('monthly', 'bare'),
    status: fc.constantFrom('active' as const, 'canceled' as const, 'past_due' as const, 'ended' as const),
    version: fc.integer({ min: 1, max: 4 }),
    life: fc.constantFrom(1000, 100_000, 1_000_000_000),
  })
  .map(({ life, ...word }): Asked => {
    return (now) => ({
      kind: 'recordSubscription',
      subscription: subscriptionOf(now, { ...word, periodEnd: now + life }),
    })
  })
const topUps = fc.oneof(
  topUpIds.map((id) => () => beginTopUpOf(id)),
  fc
    .constantFrom<Command>(autoTopUp, autoTopUp, { kind: 'setAutoTopUp', topUp: null })
    .map((command) => () => command),
  fc.tuple(pool('cus', 2), fc.option(pool('cus', 2))).map(
    ([customer, replaces]) =>
      (): Command => ({ kind: 'setCustomer', customer, replaces }),
  ),
)
/** The names that the books of an account can go on under. */
const pseudonymOf = (id: string, number: number) => `closed-${number}-of-${id}`
const closings = fc
  .record({ number: fc.nat(1), block: fc.nat(9).map((n) => n === 0) })
  .map(({ number, block }): Asked => {
    return (_, id) => ({ kind: 'closeAccount', pseudonym: pseudonymOf(id, number), block })
  })
const commands: fc.Arbitrary<Asked> = fc.oneof(
  { weight: 3, arbitrary: grants },
  { weight: 6, arbitrary: reserves },
  { weight: 6, arbitrary: endings },
  { weight: 2, arbitrary: reversals },
  { weight: 1, arbitrary: settings.map((command) => () => command) },
  { weight: 5, arbitrary: ofPayments },
  { weight: 1, arbitrary: ofSubscriptions },
  { weight: 2, arbitrary: topUps },
  { weight: 1, arbitrary: closings },
)
const accounts = fc.integer({ min: 0, max: 1 })
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ account: accounts, command: commands }) },
  {
    weight: 2,
    arbitrary: fc.record({
      burst: fc.record({ account: accounts, commands: fc.array(commands, { minLength: 2, maxLength: 5 }) }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ advance: fc.integer({ min: 1, max: 90_000 }) }) },
  { weight: 1, arbitrary: fc.record({ advance: fc.constantFrom(43_200_000, 86_400_000) }) },
)

export function describeModel(underTest: StoreUnderTest): void {
  describe('random commands', () => {
    const open = opener(underTest)
    test('it answers and keeps what the memory store does', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 60 }), async (run) => {
          await compare(await open(), run, underTest.readsClosed)
        }),
        { numRuns: underTest.runs },
      )
    })
  })
}

async function compare({ store, clock, sweep }: Bench, run: Step[], readsClosed: boolean): Promise<void> {
  const model = createMemoryStore({
    catalog,
    clock: clock.wall,
    steadyClock: clock.steady,
    sweepMs: 3_600_000,
  })
  const ids = [accountId(), accountId()]
  const idOf = (account: number) => ids[account] ?? ''
  try {
    for (const step of run) {
      if ('advance' in step) {
        clock.advance(step.advance)
        await sweep(ids)
        await model.sweep()
      } else {
        const { account, commands } = 'burst' in step ? step.burst : { ...step, commands: [step.command] }
        const batch = commands.map((command) => command(clock.wall(), idOf(account)))
        // Sent together they still are decided in the order of sending, as far as one caller can see.
        const results = await Promise.all(batch.map((command) => store.apply(idOf(account), command)))
        const expected = await Promise.all(batch.map((command) => model.apply(idOf(account), command)))
        expect(results).toEqual(expected)
      }
    }
    const closed = ids.flatMap((id) => [pseudonymOf(id, 0), pseudonymOf(id, 1)])
    for (const id of readsClosed ? [...ids, ...closed] : ids) await compareBooks(store, model, id)
  } finally {
    await model.close()
  }
}

async function compareBooks(store: Store, model: Store, id: string): Promise<void> {
  const state = await store.read(id)
  const entries = await allEntries(store, id, 7)
  expect(state).toEqual(await model.read(id))
  expect(entries).toEqual(await allEntries(model, id))
  expect(await allPayments(store, id, 2)).toEqual(await allPayments(model, id))
  expect(await allUsage(store, id)).toEqual(await allUsage(model, id))
  const sum = entries.reduce((total, { credits }) => total + credits, 0)
  expect(sum).toBe(availableOf(state) + heldOf(state) - state.debt)
}
