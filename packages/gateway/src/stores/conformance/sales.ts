/** What is kept of purchases and use: pages, sums, and what becomes of them when an account is closed. */
import { describe, expect, test } from 'vitest'
import { availableOf } from '../../core/account.ts'
import { dayOf } from '../../core/limits.ts'
import type { Store, UsageSum } from '../../ports.ts'
import { grantOf, keyOf, reserveOf, settleOf, uniqueId } from './fixtures.ts'
import {
  accepted,
  accountId,
  allEntries,
  allPayments,
  allUsage,
  opener,
  type StoreUnderTest,
} from './harness.ts'
import { openPaymentOf, pack, paidOf, refundedOf, subscriptionOf } from './purchases.ts'

const DAY_MS = 86_400_000

export function describeSales(store: StoreUnderTest): void {
  describe('purchases and use', () => {
    const open = opener(store)
    pages(open)
    sums(open)
    copies(open)
    closing(open)
    if (store.readsClosed) closedBooks(open)
  })
}

type Open = ReturnType<typeof opener>

function pages(open: Open): void {
  test('purchases come newest first, by pages that miss and repeat nothing, and one by its id', async () => {
    const { store } = await open()
    const [account, other] = [accountId(), accountId()]
    const ids = Array.from({ length: 11 }, (_, index) => `pay_${String(index).padStart(2, '0')}`)
    for (const id of [...ids.slice(4), ...ids.slice(0, 4)]) await accepted(store, account, openPaymentOf(id))
    await accepted(store, other, openPaymentOf('pay_99'))
    for (const limit of [1, 4, 10, 11, 12]) {
      const found = await allPayments(store, account, limit)
      expect(found.map(({ id }) => id)).toEqual(ids.toReversed())
    }
    const one = await store.payments(account, { limit: 1, id: 'pay_03' })
    expect([one.data.map(({ id }) => id), one.nextCursor]).toEqual([['pay_03'], null])
    for (const id of ['pay_99', 'pay', '']) {
      expect(await store.payments(account, { limit: 10, id })).toEqual({ data: [], nextCursor: null })
    }
    expect((await store.payments(account, { limit: 10, cursor: 'pay_00' })).data).toEqual([])
  })

  test('a page shows what was said last, and an account that bought nothing has none', async () => {
    const { store } = await open()
    const account = accountId()
    expect(await store.payments(account, { limit: 10 })).toEqual({ data: [], nextCursor: null })
    await accepted(store, account, openPaymentOf('pay'))
    await accepted(store, account, paidOf('pay'))
    const { payment } = await accepted(store, account, refundedOf('pay', 500))
    expect(await allPayments(store, account)).toEqual([payment])
    expect(payment).toMatchObject({ state: 'paid', granted: pack.credits, reversed: pack.credits / 2 })
  })
}

/** The charges of an account, summed by one thing that its entries say. */
async function folded(
  store: Store,
  account: string,
  keyOfEntry: (entry: never) => unknown,
): Promise<UsageSum[]> {
  const sums = new Map<unknown, UsageSum>()
  for (const entry of await allEntries(store, account)) {
    if (entry.kind !== 'charge') continue
    const key = keyOfEntry(entry as never) as string | number
    const sum = sums.get(key) ?? { key, requests: 0, inputTokens: 0, outputTokens: 0, credits: 0 }
    sum.requests += 1
    sum.inputTokens += entry.usage?.inputTokens ?? 0
    sum.outputTokens += entry.usage?.outputTokens ?? 0
    sum.credits -= entry.credits
    sums.set(key, sum)
  }
  return [...sums.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Use by two members with two models on three days, several answers at once on each. */
async function useOnThreeDays({ store, clock }: Awaited<ReturnType<Open>>, account: string): Promise<void> {
  await accepted(store, account, grantOf(1_000_000))
  for (const dayNumber of [0, 1, 2]) {
    const requests = Array.from({ length: 8 }, (_, n) => ({
      id: `req_${dayNumber}_${n}`,
      // Names that would be one if they were only joined by a space.
      model: n % 2 ? 'fast' : 'fast a',
      member: n % 3 ? 'a b' : 'b',
    }))
    await Promise.all(requests.map(({ id, ...more }) => accepted(store, account, reserveOf(1000, id, more))))
    await Promise.all(
      requests.map(({ id }, n) => accepted(store, account, settleOf(id, 101 + n + dayNumber))),
    )
    clock.advance(DAY_MS)
  }
}

function sums(open: Open): void {
  test('what was used is the sum of its charges, by day, model and member, however many end at once', async () => {
    const bench = await open()
    const { store, clock } = bench
    const account = accountId()
    await useOnThreeDays(bench, account)
    const { day, model, member } = await allUsage(store, account)
    expect(day).toEqual(await folded(store, account, ({ at }: { at: number }) => dayOf(at)))
    expect(model).toEqual(await folded(store, account, (entry: { model: string }) => entry.model))
    expect(member).toEqual(await folded(store, account, (entry: { member: string }) => entry.member))
    expect([day.length, model.length, member.length]).toEqual([3, 2, 2])
    expect(day.map(({ requests }) => requests)).toEqual([8, 8, 8])
    const today = dayOf(clock.wall())
    const of = (from: number, to: number) => store.usage(account, { from, to, by: 'day' })
    expect(await of(today - 2, today - 2)).toEqual(day.slice(1, 2))
    expect(await of(today - 3, today - 2)).toEqual(day.slice(0, 2))
    expect([await of(today, today + 9), await of(today - 1, today - 2)]).toEqual([[], []])
    expect(await store.usage(accountId(), { from: 0, to: 1_000_000, by: 'day' })).toEqual([])
  })

  test('what was not answered adds nothing, and a repeat adds nothing more', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(5000))
    for (const id of ['kept', 'gone', 'empty']) await accepted(store, account, reserveOf(1000, id))
    await Promise.all([
      accepted(store, account, settleOf('kept', 300)),
      accepted(store, account, settleOf('kept', 300)),
      accepted(store, account, { kind: 'release', holdId: 'gone' }),
      accepted(store, account, settleOf('empty', 0)),
    ])
    const { model } = await allUsage(store, account)
    const sum = { requests: 1, inputTokens: 100, outputTokens: 200, credits: 300 }
    expect(model).toEqual([{ key: 'fast', ...sum }])
  })
}

function copies(open: Open): void {
  test('what a caller does to an answer, or to a command, does not reach the store', async () => {
    const { store, clock } = await open()
    const account = accountId()
    const opening = openPaymentOf('pay')
    const { payment } = await accepted(store, account, opening)
    payment.credits = 9
    opening.payment.credits = 9
    const said = await accepted(store, account, paidOf('pay'))
    said.payment.refunds.x = { amount: 1, failed: false }
    said.payment.problem = 'mine'
    const [shown] = await allPayments(store, account)
    if (shown) shown.reversed = 7
    expect(await allPayments(store, account)).toMatchObject([
      { credits: pack.credits, refunds: {}, problem: null, reversed: 0 },
    ])
    const word = { kind: 'recordSubscription', subscription: subscriptionOf(clock.wall()) } as const
    const answer = await accepted(store, account, word)
    const heard = { ...word.subscription }
    const kept = { ...heard, firstStart: heard.periodStart }
    word.subscription.plan = 'bare'
    answer.subscription.status = 'ended'
    expect((await store.read(account)).subscriptions).toEqual([kept])
    const again = await accepted(store, account, { kind: 'recordSubscription', subscription: { ...heard } })
    again.subscription.status = 'ended'
    expect((await store.read(account)).subscriptions).toEqual([kept])
  })
}

/** An account with a bit of everything, and some of it still queued with the closing. */
async function closeFull(store: Store, account: string, pseudonym: string, member: string): Promise<void> {
  await accepted(store, account, openPaymentOf('pay_1', { member }))
  await accepted(store, account, paidOf('pay_1'))
  await accepted(store, account, keyOf('key'))
  await accepted(store, account, { ...grantOf(500, 'gift'), source: 'operator', reason: `for ${member}` })
  const byKey = { member: null, keyHash: 'hash-key' }
  await accepted(store, account, reserveOf(400, 'one', { member }))
  await accepted(store, account, reserveOf(400, 'two', byKey))
  await accepted(store, account, settleOf('one', 300))
  const close = { kind: 'closeAccount', pseudonym, block: false } as const
  const [last, moved] = await Promise.all([
    store.apply(account, settleOf('two', 250)),
    store.apply(account, close),
  ])
  expect([last.ok, moved]).toEqual([
    true,
    { ok: true, value: { pseudonym, unspentPurchased: pack.credits - 150 } },
  ])
}

function closing(open: Open): void {
  test('an account that was closed starts anew: no entries, purchases, sums or ids of before', async () => {
    const { store } = await open()
    const [account, pseudonym] = [accountId(), uniqueId('closed')]
    await closeFull(store, account, pseudonym, 'test:user:gone')
    expect([await allEntries(store, account), await allPayments(store, account)]).toEqual([[], []])
    expect(await allUsage(store, account)).toEqual({ day: [], model: [], member: [] })
    expect(await store.read(account)).toMatchObject({ grants: [], keys: [], debt: 0, open: { total: 0 } })
    // The same ids mean new things now.
    expect((await store.apply(account, refundedOf('pay_1', 1000))).ok).toBe(false)
    expect((await store.apply(account, settleOf('one', 300))).ok).toBe(false)
    expect(await accepted(store, account, grantOf(900, 'gift'))).toMatchObject({ moved: 900, available: 900 })
    await accepted(store, account, openPaymentOf('pay_1'))
    await accepted(store, account, paidOf('pay_1'))
    await accepted(store, account, reserveOf(400, 'one'))
    await accepted(store, account, settleOf('one', 111))
    expect(availableOf(await store.read(account))).toBe(900 + pack.credits - 111)
    expect((await allEntries(store, account)).map(({ id }) => id)).toEqual(['one', 'stripe:pi_pay_1', 'gift'])
    expect((await allUsage(store, account)).member).toMatchObject([{ requests: 1, credits: 111 }])
  })

  test('closing and beginning anew within one moment comes to the same', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(5000, 'bought'))
    const close = (pseudonym: string) => ({ kind: 'closeAccount', pseudonym, block: false }) as const
    const results = await Promise.all([
      store.apply(account, close(uniqueId('closed'))),
      store.apply(account, grantOf(700, 'bought')),
      store.apply(account, reserveOf(300, 'req')),
      store.apply(account, close(uniqueId('closed'))),
      store.apply(account, settleOf('req', 200)),
      store.apply(account, close(uniqueId('closed'))),
      store.apply(account, grantOf(40, 'bought')),
    ])
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, false, true, true, true])
    expect(availableOf(await store.read(account))).toBe(40)
    expect((await allEntries(store, account)).map(({ credits }) => credits)).toEqual([40])
  })
}

function closedBooks(open: Open): void {
  test('the books of a closed account are whole under their new name, and name nobody', async () => {
    const { store } = await open()
    const [account, pseudonym] = [accountId(), uniqueId('closed')]
    await closeFull(store, account, pseudonym, 'test:user:gone')
    const state = await store.read(pseudonym)
    const entries = await allEntries(store, pseudonym)
    const payments = await allPayments(store, pseudonym)
    const usage = await allUsage(store, pseudonym)
    expect(state).toMatchObject({ id: pseudonym, blocked: true, grants: [], keys: [] })
    expect(entries.map(({ id, credits }) => [id, credits])).toEqual([
      ['expire:stripe:pi_pay_1:closed', 150 - pack.credits],
      ['expire:gift:closed', -100],
      ['two', -250],
      ['one', -300],
      ['gift', 500],
      ['stripe:pi_pay_1', pack.credits],
    ])
    expect(payments).toMatchObject([{ id: 'pay_1', member: null, granted: pack.credits }])
    expect(usage.member).toMatchObject([{ key: pseudonym, requests: 2, credits: 550 }])
    const all = JSON.stringify([state, entries, payments, usage])
    for (const name of [account, 'test:user:', 'keyId', 'hash-key', 'reason']) expect(all).not.toContain(name)
    // A second closing under that name is refused, and leaves them alone.
    await accepted(store, account, grantOf(5))
    expect((await store.apply(account, { kind: 'closeAccount', pseudonym, block: false })).ok).toBe(false)
    expect(await allEntries(store, pseudonym)).toEqual(entries)
    expect((await store.apply(pseudonym, reserveOf(200))).ok).toBe(false)
  })
}
