/** Charges that leave the ledger: all of them, once, in order, whatever dies in between; and nothing when nobody asks. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { OutgoingCharge, Sink } from '../ports.ts'
import { grantOf, reserveOf, settleOf } from './conformance/fixtures.ts'
import {
  ACCOUNT,
  makeCustomer,
  objectRig,
  type Rig,
  recordingSink,
  spend,
  sqliteRig,
} from './conformance/outbox-rigs.ts'

const opened: Rig[] = []
afterEach(async () => {
  for (const rig of opened.splice(0)) await rig.close()
})

function keep<R extends Rig>(rig: R): R {
  opened.push(rig)
  return rig
}

const HOUR_MS = 3_600_000
const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}_${index}`)

const idsByCall = ({ calls }: { calls: OutgoingCharge[][] }) =>
  calls.map((call) => call.map(({ entry }) => entry.id))

describe.each([
  ['a file', (sink: Sink | null): Rig => keep(sqliteRig(sink))],
  ['an object', (sink: Sink | null): Rig => keep(objectRig(sink))],
])('charges leave %s', (_name, rigOf) => {
  /** A rig whose account is a customer, and its sink. */
  async function customerRig() {
    const sink = recordingSink()
    const rig = rigOf(sink)
    await makeCustomer(rig)
    return { sink, rig }
  }

  test('once, in order, as they stand in the books; grants and what cost nothing stay', async () => {
    const { sink, rig } = await customerRig()
    for (const id of ['one', 'two']) await spend(rig, id)
    await spend(rig, 'free', 0)
    await rig.round()
    await spend(rig, 'three', 700)
    await rig.apply(ACCOUNT, grantOf(10))
    await rig.round()
    await rig.round()
    expect(sink.ids()).toEqual(['one', 'two', 'three'])
    const [charge] = sink.calls.at(-1) ?? []
    expect(charge).toMatchObject({ accountId: ACCOUNT, customer: 'cus_a', entry: { credits: -700 } })
  })

  test('only from when the account is a customer', async () => {
    const sink = recordingSink()
    const rig = rigOf(sink)
    await spend(rig, 'before')
    await rig.round()
    await makeCustomer(rig)
    await spend(rig, 'after')
    await rig.round()
    expect(sink.ids()).toEqual(['after'])
  })

  test('a lapsed hold too', async () => {
    const { sink, rig } = await customerRig()
    await spend(rig, 'one')
    await rig.apply(ACCOUNT, reserveOf(1000, 'lost'))
    rig.wait(HOUR_MS)
    await rig.apply(ACCOUNT, { kind: 'lapse', holdId: 'lost' })
    await rig.round()
    expect(sink.ids()).toEqual(['one', 'lost'])
  })

  test('again under the same ids when the process died before it could write them off', async () => {
    const { sink, rig } = await customerRig()
    for (const id of ['one', 'two']) await spend(rig, id)
    rig.faults.cursor = true
    await rig.round()
    expect(rig.logged).toEqual(['charges could not leave for the meter'])
    rig.faults.cursor = false
    await rig.restart(sink)
    await spend(rig, 'three')
    await rig.round()
    await rig.restart(sink)
    await rig.round()
    expect(idsByCall(sink)).toEqual([
      ['one', 'two'],
      ['one', 'two', 'three'],
    ])
  })

  test('when the process died before it could deliver them', async () => {
    const { sink, rig } = await customerRig()
    await spend(rig, 'one')
    await rig.restart(sink)
    await rig.round()
    expect(sink.ids()).toEqual(['one'])
  })

  test('after a pause that grows, when the sink fails; what it took is not repeated', async () => {
    const { sink, rig } = await customerRig()
    for (const id of names('req', 5)) await spend(rig, id)
    sink.doneMax = 2
    await rig.round()
    sink.doneMax = 0
    // Too soon.
    await rig.round()
    rig.wait(HOUR_MS)
    await rig.round()
    // They have waited an hour, so that a minute later is too soon as well.
    rig.wait(60_000)
    await rig.round()
    sink.doneMax = Number.POSITIVE_INFINITY
    rig.wait(HOUR_MS)
    await rig.round()
    const left = ['req_2', 'req_3', 'req_4']
    expect(idsByCall(sink)).toEqual([names('req', 5), left, left])
  })

  test('when the sink throws, which harms no request', async () => {
    const { sink, rig } = await customerRig()
    sink.throws = true
    await spend(rig, 'one')
    await rig.round()
    await spend(rig, 'two')
    expect(rig.logged).toEqual(['charges could not leave for the meter'])
    sink.throws = false
    rig.wait(HOUR_MS)
    await rig.round()
    expect(idsByCall(sink)).toEqual([['one'], ['one', 'two']])
  })

  test('in batches that have a bound', async () => {
    const { sink, rig } = await customerRig()
    const ids = names('req', rig.rowsMax + 10)
    for (const id of ids) await spend(rig, id)
    await rig.round()
    expect(sink.ids()).toEqual(ids)
    // Of each three entries one is a charge.
    expect(Math.max(...sink.calls.map(({ length }) => length))).toBeLessThanOrEqual(rig.rowsMax)
    expect(sink.calls.length).toBeGreaterThan(1)
  })

  test('from the present end, when there was a history before the sink', async () => {
    const rig = rigOf(null)
    await makeCustomer(rig)
    for (const id of ['old', 'older']) await spend(rig, id)
    await rig.apply(ACCOUNT, reserveOf(1000, 'open'))
    expect(rig.meta().filter((key) => String(key).startsWith('meter'))).toEqual([])
    const sink = recordingSink()
    await rig.restart(sink)
    await rig.apply(ACCOUNT, settleOf('open', 200))
    await spend(rig, 'new')
    await rig.round()
    expect(sink.ids()).toEqual(['open', 'new'])
  })

  test('but not from an account that was closed', async () => {
    const { sink, rig } = await customerRig()
    await spend(rig, 'one')
    await rig.apply(ACCOUNT, { kind: 'closeAccount', pseudonym: 'deleted:1', block: false })
    await makeCustomer(rig)
    await spend(rig, 'two')
    await rig.round()
    expect(sink.ids()).toEqual(['two'])
  })
})

describe('without a sink', () => {
  test('a file keeps no cursor, and its rounds do nothing', async () => {
    const rig = keep(sqliteRig(null))
    await makeCustomer(rig)
    await spend(rig, 'one')
    await rig.round()
    expect(rig.meta()).toEqual(['credit_usd'])
  })

  test('an object keeps no cursor and sets no alarm for a charge', async () => {
    const rig = keep(objectRig(null))
    await makeCustomer(rig)
    await spend(rig, 'one')
    await rig.round()
    expect(rig.meta()).toEqual(['credit_usd'])
    expect(rig.alarm).toMatchObject({ at: null, sets: 1 })
  })
})

describe('a file', () => {
  test('is emptied by a timer', async () => {
    const sink = recordingSink()
    const rig = keep(sqliteRig(null))
    rig.open(sink, { deliverMs: 5 })
    await makeCustomer(rig)
    await spend(rig, 'one')
    await expect.poll(sink.ids).toEqual(['one'])
  })

  test('is emptied by one process at a time, and by the next when that one has gone', async () => {
    const sink = recordingSink()
    const rig = keep(sqliteRig(sink))
    await makeCustomer(rig)
    await spend(rig, 'one')
    await rig.round()
    const elsewhere = recordingSink()
    const second = rig.open(elsewhere)
    await spend(rig, 'two')
    await second.deliver()
    expect(elsewhere.calls).toEqual([])
    await rig.round()
    await spend(rig, 'three')
    // The first says nothing for as long as a claim lasts.
    rig.wait(15_000)
    await second.deliver()
    await rig.round()
    expect([sink.ids(), elsewhere.ids()]).toEqual([['one', 'two'], ['three']])
    await spend(rig, 'four')
    await second.close()
    await rig.round()
    expect(sink.ids()).toEqual(['one', 'two', 'four'])
  })

  test('is closed when the batch under way has ended and is written off', async () => {
    const slow = recordingSink()
    let finish: (() => void) | null = null
    const sink: Sink = {
      async deliver(charges, signal) {
        await new Promise<void>((resolve) => {
          finish = resolve
        })
        expect(signal?.aborted).toBe(true)
        return slow.deliver(charges)
      },
    }
    const rig = keep(sqliteRig(sink))
    await makeCustomer(rig)
    await spend(rig, 'one')
    const closing = rig.open(sink)
    void closing.deliver()
    const release = await vi.waitUntil(() => finish)
    const closed = closing.close()
    release()
    await closed
    const after = recordingSink()
    await rig.open(after).deliver()
    expect([slow.ids(), after.ids()]).toEqual([['one'], []])
  })

  test("sends each account's charges under its own customer", async () => {
    const sink = recordingSink()
    const rig = keep(sqliteRig(sink))
    for (const account of ['a', 'b']) await makeCustomer(rig, account)
    for (const account of ['a', 'b', 'nobody']) {
      await rig.apply(account, grantOf(5000))
      await rig.apply(account, reserveOf(1000, `of_${account}`))
      await rig.apply(account, settleOf(`of_${account}`, 300))
    }
    await rig.round()
    const found = sink.calls.flat().map(({ customer, entry }: OutgoingCharge) => [customer, entry.id])
    expect(found).toEqual([
      ['cus_a', 'of_a'],
      ['cus_b', 'of_b'],
    ])
  })
})

describe('an object', () => {
  test('sends its charges along with the alarm for leases: no alarm more, and one row for the cursor', async () => {
    const sink = recordingSink()
    const rig = keep(objectRig(sink))
    await makeCustomer(rig)
    for (const id of names('req', 5)) await spend(rig, id)
    expect(rig.alarm.sets).toBe(1)
    const changes = () => rig.database.prepare('SELECT total_changes() AS count').get()?.['count']
    const before = Number(changes())
    await rig.round()
    expect(sink.ids()).toEqual(names('req', 5))
    expect(Number(changes()) - before).toBe(1)
    expect(rig.alarm).toMatchObject({ at: null, sets: 1 })
    await rig.round()
    expect(Number(changes()) - before).toBe(1)
  })

  test('sets an alarm for a charge that has none, and for what a failing sink left', async () => {
    const sink = recordingSink()
    const rig = keep(objectRig(sink))
    await makeCustomer(rig)
    await rig.apply(ACCOUNT, grantOf(5000))
    await rig.apply(ACCOUNT, reserveOf(1000, 'one'))
    rig.alarm.at = null
    await rig.restart(sink)
    await rig.apply(ACCOUNT, settleOf('one', 300))
    expect(rig.alarm.at).not.toBeNull()
    sink.throws = true
    await rig.round()
    expect(rig.alarm.at).not.toBeNull()
    sink.throws = false
    rig.wait(HOUR_MS)
    await rig.round()
    expect(rig.alarm.at).toBeNull()
    expect(sink.ids()).toEqual(['one', 'one'])
  })

  test('lapses and sets its alarm before it delivers, so that a sink that hangs keeps nobody from credits', async () => {
    const sink = recordingSink()
    const rig = keep(objectRig({ deliver: () => new Promise<number>(() => {}) }))
    await makeCustomer(rig)
    await spend(rig, 'one')
    await rig.apply(ACCOUNT, reserveOf(1000, 'lost'))
    rig.wait(HOUR_MS)
    void rig.round()
    await expect.poll(() => rig.database.prepare('SELECT 1 FROM holds').all()).toEqual([])
    await spend(rig, 'two')
    expect(rig.alarm.at).not.toBeNull()
    await rig.restart(sink)
    await rig.round()
    expect(sink.ids()).toEqual(['one', 'lost', 'two'])
  })

  test('whose sink is slow delivers piece by piece, without a pause', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const calls: string[][] = []
      const rig = keep(
        objectRig({
          async deliver(charges, signal) {
            calls.push(charges.map(({ entry }) => entry.id))
            if (calls.length > 1) return charges.length
            await new Promise((resolve) => signal?.addEventListener('abort', resolve))
            return 1
          },
        }),
      )
      await makeCustomer(rig)
      for (const id of ['one', 'two']) await spend(rig, id)
      const round = rig.round()
      await vi.advanceTimersByTimeAsync(20_000)
      await round
      expect(calls).toEqual([['one', 'two'], ['two']])
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
