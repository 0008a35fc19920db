/** Commands at once: however they interleave, the outcome is that of some order, and each id has one effect. */
import { describe, expect, test } from 'vitest'
import { availableOf, heldOf } from '../../core/account.ts'
import type { Command } from '../../core/command.ts'
import { LEASE_MS } from '../../core/reserve.ts'
import type { Store } from '../../ports.ts'
import { grantOf, keyOf, reserveOf, settleOf, uniqueId, usageOf } from './fixtures.ts'
import { accepted, accountId, allEntries, opener, type StoreUnderTest } from './harness.ts'

export function describeRaces(store: StoreUnderTest): void {
  describe('at once', () => {
    const open = opener(store)
    admission(open)
    repeats(open)
    endings(open)
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

function repeats(open: Open): void {
  const grantId = () => uniqueId('bought')

  /** Sends ten copies at once; all must give the same answer, and together have one effect. */
  async function tenfold(store: Store, account: string, command: Command): Promise<void> {
    const before = await store.read(account)
    const results = await Promise.all(times(10, () => store.apply(account, command)))
    for (const result of results) expect(result.ok).toBe(true)
    const after = await store.read(account)
    expect(after.version).toBe(before.version + 1)
  }

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

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
