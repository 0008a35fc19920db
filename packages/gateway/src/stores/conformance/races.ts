/** Commands at once: however they interleave, the outcome is that of some order, and each id has one effect. */
import { describe, expect, test } from 'vitest'
import { availableOf, heldOf } from '../../core/account.ts'
import type { Command } from '../../core/command.ts'
import { LEASE_MS } from '../../core/reserve.ts'
import type { Store } from '../../ports.ts'
import { grantOf, keyOf, reserveOf, settleOf, uniqueId, usageOf } from './fixtures.ts'
import { accepted, accountId, allEntries, allPayments, opener, type StoreUnderTest } from './harness.ts'
import {
  autoTopUp,
  beginTopUpOf,
  openPaymentOf,
  pack,
  paidOf,
  refundedOf,
  subscriptionOf,
} from './purchases.ts'

export function describeRaces(store: StoreUnderTest): void {
  describe('at once', () => {
    const open = opener(store)
    admission(open)
    repeats(open)
    endings(open)
    purchases(open)
    closings(open)
  })
}

type Open = ReturnType<typeof opener>

function admission(open: Open): void {
  test('200 reserves with credit for 50 admit exactly 50', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(50 * 1000))
    const results = await Promise.all(times(200, () => store.apply(account, reserveOf(1000))))
    const refused = results.flatMap((result) => (result.ok ? [] : [result.error.code]))
    expect(results.filter(({ ok }) => ok)).toHaveLength(50)
    expect(refused).toEqual(times(150, () => 'insufficient_credits'))
    const state = await store.read(account)
    expect([availableOf(state), heldOf(state), state.open.total]).toEqual([0, 50_000, 50])
  })

  test('every account admits as many as it can pay, whatever the others do', async () => {
    const { store } = await open()
    const accounts = times(30, accountId)
    await Promise.all(accounts.map((account, index) => accepted(store, account, grantOf(500 * index + 1))))
    await Promise.all(
      times(10, () => accounts.map((account) => store.apply(account, reserveOf(1000)))).flat(),
    )
    for (const [index, account] of accounts.entries()) {
      const { open: held } = await store.read(account)
      expect(held.total).toBe(Math.min(10, Math.floor((500 * index + 1) / 1000)))
    }
  })

  test('requests that start and end side by side leave books that balance', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(100_000))
    const request = async (_: unknown, index: number) => {
      const { hold } = await accepted(store, account, reserveOf(1000))
      if (index % 3 === 0) await accepted(store, account, { kind: 'release', holdId: hold.id })
      else await accepted(store, account, settleOf(hold.id, 300 + index))
    }
    await Promise.all(Array.from({ length: 60 }, request))
    const state = await store.read(account)
    const entries = await allEntries(store, account)
    expect([heldOf(state), state.open.total]).toEqual([0, 0])
    expect(entries.filter(({ kind }) => kind === 'charge')).toHaveLength(60)
    expect(entries.reduce((sum, { credits }) => sum + credits, 0)).toBe(availableOf(state))
  })
}

/** Sends ten copies at once; all must be accepted, and together have one effect. */
async function tenfold(store: Store, account: string, command: Command): Promise<void> {
  const before = await store.read(account)
  const results = await Promise.all(times(10, () => store.apply(account, command)))
  for (const result of results) expect(result.ok).toBe(true)
  const after = await store.read(account)
  expect(after.version).toBe(before.version + 1)
}

function repeats(open: Open): void {
  const grantId = () => uniqueId('bought')

  test('ten copies of a command have one effect', async () => {
    const { store, clock } = await open()
    const account = accountId()
    const bought = grantId()
    await tenfold(store, account, grantOf(10_000, bought))
    await tenfold(store, account, reserveOf(1000, 'settled'))
    await tenfold(store, account, settleOf('settled', 400))
    await tenfold(store, account, reserveOf(1000, 'released'))
    await tenfold(store, account, { kind: 'release', holdId: 'released' })
    await tenfold(store, account, reserveOf(1000, 'lapsed'))
    clock.advance(LEASE_MS)
    await tenfold(store, account, { kind: 'lapse', holdId: 'lapsed' })
    await tenfold(store, account, {
      kind: 'revoke',
      id: 'refund',
      grantId: bought,
      credits: 5000,
      reason: 'r',
    })
    await tenfold(store, account, { kind: 'restore', id: 'won', grantId: bought, credits: 2000, reason: 'r' })
    await tenfold(store, account, keyOf('key'))
    const ids = (await allEntries(store, account)).map(({ id }) => id)
    expect(ids).toEqual(['won', 'refund', 'lapsed', 'released', 'settled', bought])
    expect(availableOf(await store.read(account))).toBe(10_000 - 400 - 100 - 3000)
  })

  test('copies of one request share one hold', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(1500))
    const replies = await Promise.all(times(10, () => accepted(store, account, reserveOf(1000, 'same'))))
    for (const { hold, available } of replies) expect([hold, available]).toEqual([replies[0]?.hold, 500])
  })

  test('copies of a settlement all report the charge that was made', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(1500))
    await accepted(store, account, reserveOf(1000, 'req'))
    const amounts = [300, 500, 700, 900]
    const replies = await Promise.all(
      amounts.map((amount) => accepted(store, account, settleOf('req', amount))),
    )
    expect(new Set(replies.map(({ charged }) => charged)).size).toBe(1)
    expect((await store.read(account)).totals.charged).toBe(replies[0]?.charged)
  })
}

function endings(open: Open): void {
  test('of settle, release and lapse one ends a hold, and the others report it', async () => {
    const { store, clock } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(100_000))
    const requests = times(12, (index) => `req_${index}`)
    for (const id of requests) await accepted(store, account, reserveOf(1000, id))
    clock.advance(LEASE_MS)
    const endingsOf = (holdId: string, turn: number) => {
      const commands = [
        settleOf(holdId, 640),
        { kind: 'release', holdId } as const,
        { kind: 'lapse', holdId } as const,
        { kind: 'checkpoint', holdId, usage: usageOf(200) } as const,
      ]
      return [...commands.slice(turn % 3, 3), ...commands.slice(0, turn % 3)]
    }
    for (const [turn, id] of requests.entries()) {
      const replies = await Promise.all(
        endingsOf(id, turn).map((command) => accepted(store, account, command)),
      )
      const outcomes = replies.map(({ ended, charged }) => `${ended} ${charged}`)
      expect(new Set(outcomes).size).toBe(1)
      expect(['complete 640', 'error 0', 'lapsed 100']).toContain(outcomes[0])
    }
    const state = await store.read(account)
    const charges = (await allEntries(store, account)).filter(({ kind }) => kind === 'charge')
    expect(charges).toHaveLength(requests.length)
    expect([heldOf(state), state.open.total]).toEqual([0, 0])
  })
}

function purchases(open: Open): void {
  test('ten copies of what billing says have one effect', async () => {
    const { store, clock } = await open()
    const account = accountId()
    await tenfold(store, account, openPaymentOf('pay'))
    await tenfold(store, account, paidOf('pay'))
    await tenfold(store, account, refundedOf('pay', 250))
    await tenfold(store, account, refundedOf('pay', 1000))
    await tenfold(store, account, paidOf('unknown'))
    await tenfold(store, account, { kind: 'resolvePayment', id: 'unknown', credits: 700 })
    await tenfold(store, account, { kind: 'setCustomer', customer: 'cus', replaces: null })
    await tenfold(store, account, {
      kind: 'recordSubscription',
      subscription: subscriptionOf(clock.wall()),
    })
    const entries = await allEntries(store, account)
    const quarter = pack.credits / 4
    expect(entries.map(({ credits }) => credits)).toEqual([
      700,
      quarter - pack.credits,
      -quarter,
      pack.credits,
    ])
    expect(availableOf(await store.read(account))).toBe(700)
  })

  test('all that is said of a payment at once, in any order, comes to the same', async () => {
    const { store } = await open()
    const facts = ['pay_1', 'pay_2'].flatMap((id) => [paidOf(id), refundedOf(id, 250), refundedOf(id, 500)])
    for (const turn of times(6, (index) => index)) {
      const account = accountId()
      for (const id of ['pay_1', 'pay_2']) await accepted(store, account, openPaymentOf(id))
      const order = [...facts.slice(turn), ...facts.slice(0, turn)]
      await Promise.all([...order, ...order.toReversed()].map((fact) => accepted(store, account, fact)))
      const state = await store.read(account)
      expect([availableOf(state), state.debt]).toEqual([pack.credits, 0])
      expect((await allPayments(store, account)).map(({ reversed }) => reversed)).toEqual([1000, 1000])
    }
  })

  test('of ten top-ups at once one is begun', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, openPaymentOf('first'))
    await accepted(store, account, paidOf('first'))
    await accepted(store, account, autoTopUp)
    await accepted(store, account, reserveOf(101, 'req'))
    expect(await accepted(store, account, settleOf('req', 101))).toMatchObject({ topUpDue: true })
    const replies = await Promise.all(times(10, () => accepted(store, account, beginTopUpOf())))
    const begun = replies.flatMap(({ paymentId }) => paymentId ?? [])
    expect(begun).toHaveLength(1)
    const ids = (await allPayments(store, account)).map(({ id }) => id)
    expect(ids).toEqual([begun[0], 'first'])
    expect((await store.read(account)).billing.topUp).toMatchObject({ attempt: { paymentId: begun[0] } })
  })
}

function closings(open: Open): void {
  test('of ten closings of an account under one name one is made, whatever is asked of it besides', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(5000))
    const close = { kind: 'closeAccount', pseudonym: uniqueId('closed'), block: false } as const
    const results = await Promise.all([
      store.apply(account, grantOf(300, 'before')),
      ...times(10, () => store.apply(account, close)),
      store.apply(account, grantOf(70, 'after')),
    ])
    const closed = results.slice(1, 11)
    expect(closed.filter(({ ok }) => ok)).toEqual([
      { ok: true, value: { pseudonym: close.pseudonym, unspentPurchased: expect.any(Number) } },
    ])
    const codes = closed.flatMap((result) => (result.ok ? [] : [result.error.code]))
    expect(codes).toEqual(times(9, () => 'idempotency_conflict'))
    const [made] = closed.filter(({ ok }) => ok)
    const moved = made?.ok && 'unspentPurchased' in made.value ? made.value.unspentPurchased : Number.NaN
    expect(availableOf(await store.read(account)) + moved).toBe(5370)
  })
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
