/** What is written down: repeats, pages, sums, leases, and what leaves no trace. */
import { describe, expect, test } from 'vitest'
import { availableOf, heldOf, newAccount } from '../../core/account.ts'
import { LEASE_MS } from '../../core/reserve.ts'
import { grantOf, reserveOf, settleOf, usageOf } from './fixtures.ts'
import { accepted, accountId, allEntries, opener, type StoreUnderTest } from './harness.ts'

const DAY_MS = 86_400_000

export function describeBooks(store: StoreUnderTest): void {
  describe('books', () => {
    const open = opener(store)
    pages(open)
    sums(open)
    traces(open)
  })
  describe('leases', () => {
    const open = opener(store)
    leases(open)
    if (store.noticesClockSteps) clockSteps(open)
  })
}

type Open = ReturnType<typeof opener>

function pages(open: Open): void {
  test('entries come newest first, by pages that miss and repeat nothing', async () => {
    const { store, clock } = await open()
    const account = accountId()
    const ids = Array.from({ length: 23 }, (_, index) => `grant_${index}`)
    for (const id of ids) {
      await accepted(store, account, grantOf(10, id))
      clock.advance(1)
    }
    const newestFirst = ids.toReversed()
    for (const limit of [1, 5, 22, 23, 24]) {
      expect((await allEntries(store, account, limit)).map(({ id }) => id)).toEqual(newestFirst)
    }
    const page = await store.entries(account, { limit: 5 })
    await accepted(store, account, grantOf(10, 'later'))
    const next = await store.entries(account, { limit: 5, cursor: page.nextCursor ?? '' })
    expect(next.data.map(({ id }) => id)).toEqual(newestFirst.slice(5, 10))
  })

  test("a cursor that is none, or another account's, shows nothing", async () => {
    const { store } = await open()
    const [mine, theirs] = [accountId(), accountId()]
    for (let index = 0; index < 3; index += 1) {
      await accepted(store, mine, grantOf(10))
      await accepted(store, theirs, grantOf(10))
    }
    const { nextCursor } = await store.entries(theirs, { limit: 1 })
    const own = new Set((await allEntries(store, mine)).map(({ id }) => id))
    for (const cursor of ['nonsense', '', '-1', '1e99', '0.5', nextCursor ?? '']) {
      const { data } = await store.entries(mine, { limit: 10, cursor })
      for (const { id } of data) expect(own.has(id)).toBe(true)
    }
    expect((await store.entries(mine, { limit: 10, cursor: 'nonsense' })).data).toEqual([])
  })

  test("one request's entry is found by its id", async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(5000, 'bought'))
    await accepted(store, account, reserveOf(1000, 'req'))
    expect((await store.entries(account, { limit: 10, requestId: 'req' })).data).toEqual([])
    await accepted(store, account, settleOf('req', 700))
    const { data, nextCursor } = await store.entries(account, { limit: 10, requestId: 'req' })
    expect(nextCursor).toBeNull()
    expect(data).toMatchObject([
      { id: 'req', requestId: 'req', kind: 'charge', credits: -700, ended: 'complete' },
    ])
    expect((await store.entries(account, { limit: 10, requestId: 'bought' })).data).toEqual([])
  })
}

function sums(open: Open): void {
  test('folding the entries gives the balance', async () => {
    const { store, clock } = await open()
    const account = accountId()
    await accepted(store, account, { ...grantOf(3000, 'short'), expiresAt: clock.wall() + 1000 })
    await accepted(store, account, grantOf(9000, 'long'))
    await accepted(store, account, reserveOf(1000, 'one'))
    await accepted(store, account, reserveOf(4000, 'two'))
    clock.advance(2000)
    await accepted(store, account, settleOf('one', 250))
    await accepted(store, account, {
      kind: 'revoke',
      id: 'refund',
      grantId: 'long',
      credits: null,
      reason: 'r',
    })
    await accepted(store, account, { kind: 'release', holdId: 'two' })
    const state = await store.read(account)
    const sum = (await allEntries(store, account)).reduce((total, { credits }) => total + credits, 0)
    expect(sum).toBe(availableOf(state) + heldOf(state) - state.debt)
  })
}

function traces(open: Open): void {
  test('a repeat and a refusal write nothing', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(1500, 'bought'))
    await accepted(store, account, reserveOf(1000, 'req'))
    await accepted(store, account, settleOf('req', 600))
    const before = [await store.read(account), await allEntries(store, account)]
    const repeat = await accepted(store, account, settleOf('req', 900))
    expect(repeat).toEqual({ charged: 600, available: 900, ended: 'complete', estimated: false })
    expect(await accepted(store, account, grantOf(1500, 'bought'))).toMatchObject({
      moved: 1500,
      available: 900,
    })
    const refusals = [
      await store.apply(account, reserveOf(5000)),
      await store.apply(account, reserveOf(500, 'req')),
      await store.apply(account, settleOf('unknown', 1)),
      await store.apply(account, { kind: 'setPlan', plan: 'unknown', until: null }),
    ]
    const codes = refusals.map((result) => (result.ok ? 'ok' : result.error.code))
    expect(codes).toEqual(['insufficient_credits', 'idempotency_conflict', 'not_found', 'invalid_value'])
    expect([await store.read(account), await allEntries(store, account)]).toEqual(before)
  })

  test('an account never seen reads as a fresh one, and reading leaves no trace', async () => {
    const { store, clock } = await open()
    const account = accountId()
    expect(await store.read(account)).toEqual(newAccount(account, clock.wall()))
    expect(await store.entries(account, { limit: 10 })).toEqual({ data: [], nextCursor: null })
    clock.advance(5000)
    expect((await store.read(account)).createdAt).toBe(clock.wall())
  })

  test('what a caller does to an answer does not reach the store', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(1500))
    const state = await store.read(account)
    state.grants.length = 0
    const { account: answered } = await accepted(store, account, { kind: 'setBlocked', blocked: false })
    answered.grants.length = 0
    expect(availableOf(await store.read(account))).toBe(1500)
    expect((await accepted(store, account, reserveOf(1000))).available).toBe(500)
  })

  test('a command changes its own account alone', async () => {
    const { store } = await open()
    const [mine, theirs] = [accountId(), accountId()]
    await accepted(store, theirs, grantOf(5000, 'bought'))
    await accepted(store, theirs, reserveOf(1000, 'req'))
    const before = [await store.read(theirs), await allEntries(store, theirs)]
    await accepted(store, mine, grantOf(7000, 'bought'))
    await accepted(store, mine, reserveOf(2000, 'req'))
    await accepted(store, mine, settleOf('req', 1500))
    expect((await store.apply(mine, { kind: 'release', holdId: 'other' })).ok).toBe(false)
    expect([await store.read(theirs), await allEntries(store, theirs)]).toEqual(before)
    expect((await accepted(store, theirs, settleOf('req', 300))).charged).toBe(300)
  })

  test('it is ready', async () => {
    const { store } = await open()
    await store.ready()
  })
}

function leases(open: Open): void {
  test('a hold lapses by itself once its lease is over, at what it surely cost', async () => {
    const { store, clock, sweep } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(5000))
    await accepted(store, account, reserveOf(1000, 'lost'))
    await accepted(store, account, reserveOf(1000, 'metered'))
    await accepted(store, account, { kind: 'checkpoint', holdId: 'metered', usage: usageOf(450) })
    clock.advance(LEASE_MS - 1)
    await sweep([account])
    expect((await store.read(account)).open.total).toBe(2)
    clock.advance(1)
    await sweep([account])
    const state = await store.read(account)
    expect([state.open.total, availableOf(state)]).toEqual([0, 5000 - 100 - 450])
    const [entry] = (await store.entries(account, { limit: 1, requestId: 'metered' })).data
    expect(entry).toMatchObject({ ended: 'lapsed', estimated: true, credits: -450 })
    expect(await accepted(store, account, settleOf('lost', 900))).toMatchObject({
      ended: 'lapsed',
      charged: 100,
    })
  })

  test('checkpoints keep a hold alive, and it lapses when they stop', async () => {
    const { store, clock, sweep } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(5000))
    await accepted(store, account, reserveOf(1000, 'live'))
    await accepted(store, account, reserveOf(1000, 'dead'))
    for (let round = 0; round < 10; round += 1) {
      clock.advance(15_000)
      await accepted(store, account, { kind: 'checkpoint', holdId: 'live', usage: usageOf(110 + round) })
      await sweep([account])
    }
    expect((await store.read(account)).open.total).toBe(1)
    clock.advance(LEASE_MS)
    await sweep([account])
    expect((await store.read(account)).open.total).toBe(0)
    expect((await store.entries(account, { limit: 1, requestId: 'live' })).data[0]?.credits).toBe(-119)
  })
}

function clockSteps(open: Open): void {
  for (const step of [DAY_MS, -DAY_MS]) {
    test(`a wall clock set by ${step / 3_600_000} h ends no live hold`, async () => {
      const { store, clock, sweep } = await open()
      const account = accountId()
      await accepted(store, account, grantOf(5000))
      await accepted(store, account, reserveOf(1000, 'live'))
      clock.advance(10_000)
      clock.step(step)
      await sweep([account])
      for (let round = 0; round < 6; round += 1) {
        clock.advance(15_000)
        await accepted(store, account, { kind: 'checkpoint', holdId: 'live', usage: usageOf(100) })
        await sweep([account])
      }
      expect((await store.read(account)).open.total).toBe(1)
      expect((await accepted(store, account, settleOf('live', 300))).charged).toBe(300)
    })
  }

  for (const step of [DAY_MS, -DAY_MS]) {
    test(`a hold that nobody renews lapses a lease after the clock was set by ${step / 3_600_000} h`, async () => {
      const { store, clock, sweep } = await open()
      const account = accountId()
      await accepted(store, account, grantOf(5000))
      await accepted(store, account, reserveOf(1000, 'dead'))
      clock.step(step)
      await sweep([account])
      expect((await store.read(account)).open.total).toBe(1)
      clock.advance(LEASE_MS)
      await sweep([account])
      expect((await store.read(account)).open.total).toBe(0)
    })
  }
}
