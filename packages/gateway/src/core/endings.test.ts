import { beforeEach, describe, expect, test } from 'vitest'
import { LEASE_MS } from './reserve.ts'
import {
  catalogOf,
  createLedger,
  day,
  grantOf,
  hour,
  type Ledger,
  noon,
  planOf,
  priceOf,
  reserveOf,
  settleOf,
  unitPrice,
  usageOf,
} from './test-kit.ts'

let ledger: Ledger
beforeEach(() => {
  ledger = createLedger(catalogOf(planOf('free')))
  ledger.accept(grantOf('pi_1', 1000))
})

const hold = (id: string, inputTokens: number, asked: number, price = unitPrice) =>
  ledger.accept(reserveOf(id, { inputTokens, price, output: { asked, default: 0, max: null } })).hold

describe('settle', () => {
  test('charges what was used and returns the rest', () => {
    hold('r', 100, 200)
    expect(ledger.accept(settleOf('r', usageOf(80, 50)))).toEqual({
      charged: 130,
      available: 870,
      ended: 'complete',
      estimated: false,
    })
    expect(ledger.entries.at(-1)).toEqual({
      id: 'r',
      at: noon,
      kind: 'charge',
      credits: -130,
      member: 'clerk:user_1',
      model: 'fast',
      usage: usageOf(80, 50),
      ended: 'complete',
      requestId: 'r',
      priceVersion: 'test',
      upstreamPicoUsd: '1040000',
    })
    expect(ledger.account()).toMatchObject({ open: { total: 0, models: {} }, debt: 0 })
  })

  test('charges the hold and no more for usage beyond it, however wild, and says what it would have cost', () => {
    hold('r', 100, 200)
    expect(ledger.accept(settleOf('r', usageOf(9999, 9999))).charged).toBe(300)
    hold('s', 100, 200)
    const wild = usageOf(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    expect(ledger.accept(settleOf('s', wild)).charged).toBe(300)
    expect(ledger.entries.at(-1)?.upstreamPicoUsd).toBe(String(16_000n * BigInt(Number.MAX_SAFE_INTEGER)))
    expect(ledger.account().debt).toBe(0)
  })

  test('goes by the price of the hold, flat or free too', () => {
    hold('flat', 0, 10, priceOf({ perRequest: 40 }))
    expect(ledger.accept(settleOf('flat', usageOf(5, 5))).charged).toBe(40)
    hold('free', 100, 100, priceOf())
    expect(ledger.accept(settleOf('free', usageOf(100, 100)))).toMatchObject({ charged: 0, available: 960 })
    expect(ledger.entries.at(-1)).toMatchObject({ id: 'free', credits: 0 })
  })

  test('happens once: whatever comes after is answered with the first ending, and writes nothing', () => {
    hold('r', 100, 200)
    ledger.accept({ kind: 'settle', holdId: 'r', usage: usageOf(1, 1), ended: 'cut', estimated: true })
    const { writes } = ledger
    const first = { charged: 2, available: 998, ended: 'cut', estimated: true }
    expect(ledger.accept(settleOf('r', usageOf(100, 200)))).toEqual(first)
    expect(ledger.accept({ kind: 'release', holdId: 'r' })).toEqual(first)
    expect(ledger.accept({ kind: 'checkpoint', holdId: 'r', usage: usageOf(5, 5) })).toEqual(first)
    ledger.now += day
    expect(ledger.accept({ kind: 'lapse', holdId: 'r' })).toEqual(first)
    expect(ledger.writes).toBe(writes)
  })

  test('of what never was is not found, be it the id of a grant', () => {
    expect(ledger.refuse(settleOf('nothing', usageOf(1, 1))).code).toBe('not_found')
    expect(ledger.refuse(settleOf('pi_1', usageOf(1, 1))).code).toBe('not_found')
  })

  test('reaches the part of a grant that it holds past the grant’s expiry; what returns expires at once', () => {
    ledger.accept(grantOf('soon', 100, { expiresAt: noon + hour }))
    expect(hold('r', 0, 150).draws).toEqual([
      { grantId: 'soon', amount: 100 },
      { grantId: 'pi_1', amount: 50 },
    ])
    ledger.now = noon + day
    expect(ledger.accept(settleOf('r', usageOf(0, 60)))).toMatchObject({ charged: 60, available: 1000 })
    expect(ledger.entries.slice(-2)).toMatchObject([
      { id: 'expire:soon:r', kind: 'expire', credits: -40, grantId: 'soon' },
      { id: 'r', kind: 'charge', credits: -60 },
    ])
    expect(ledger.account().grants).toMatchObject([{ id: 'pi_1', available: 1000, held: 0 }])
  })
})

describe('release', () => {
  test('charges nothing, flat price or not, and leaves a line', () => {
    hold('r', 100, 200, priceOf({ perRequest: 40, input: 8000, output: 8000 }))
    expect(ledger.accept({ kind: 'release', holdId: 'r' })).toEqual({
      charged: 0,
      available: 1000,
      ended: 'error',
      estimated: false,
    })
    expect(ledger.entries.at(-1)).toMatchObject({ id: 'r', kind: 'charge', credits: 0, ended: 'error' })
  })
})

describe('checkpoint', () => {
  test('renews the lease and only ever raises the cost on record, up to the hold', () => {
    hold('r', 100, 200)
    const { version } = ledger.account()
    ledger.now += 15_000
    const reply = ledger.accept({ kind: 'checkpoint', holdId: 'r', usage: usageOf(100, 20) })
    expect(reply).toEqual({ charged: 0, available: 700, ended: null, estimated: false })
    expect(ledger.holds.get('r')).toMatchObject({ checkpoint: 120, leaseUntil: noon + 15_000 + LEASE_MS })
    ledger.accept({ kind: 'checkpoint', holdId: 'r', usage: usageOf(1, 1) })
    expect(ledger.holds.get('r')?.checkpoint).toBe(120)
    ledger.accept({ kind: 'checkpoint', holdId: 'r', usage: usageOf(9999, 9999) })
    expect(ledger.holds.get('r')?.checkpoint).toBe(300)
    expect(ledger.account().version).toBe(version)
  })

  test('brings a lease back to the clock that has stepped back', () => {
    hold('r', 100, 200)
    ledger.now -= day
    ledger.accept({ kind: 'checkpoint', holdId: 'r', usage: usageOf(1, 1) })
    expect(ledger.holds.get('r')?.leaseUntil).toBe(noon - day + LEASE_MS)
  })
})

describe('lapse', () => {
  test('ends a hold whose lease lies further ahead than one can: the clock has stepped back since', () => {
    hold('r', 100, 200)
    ledger.now = noon - LEASE_MS
    expect(ledger.accept({ kind: 'lapse', holdId: 'r' })).toMatchObject({ ended: null })
    ledger.now -= 1
    expect(ledger.accept({ kind: 'lapse', holdId: 'r' })).toMatchObject({ charged: 100, ended: 'lapsed' })
  })

  test('does nothing while the lease is alive, to the millisecond', () => {
    hold('r', 100, 200)
    ledger.now = noon + LEASE_MS - 1
    const { writes } = ledger
    expect(ledger.accept({ kind: 'lapse', holdId: 'r' })).toEqual({
      charged: 0,
      available: 700,
      ended: null,
      estimated: false,
    })
    expect([ledger.writes, ledger.holds.size]).toEqual([writes, 1])
    ledger.now = noon + LEASE_MS
    expect(ledger.accept({ kind: 'lapse', holdId: 'r' })).toMatchObject({ charged: 100, ended: 'lapsed' })
    expect(ledger.holds.size).toBe(0)
  })

  test('charges its checkpoint where that is more than its input, flagged as an estimate', () => {
    hold('r', 100, 200)
    ledger.accept({ kind: 'checkpoint', holdId: 'r', usage: usageOf(100, 50) })
    ledger.now += LEASE_MS
    expect(ledger.accept({ kind: 'lapse', holdId: 'r' })).toEqual({
      charged: 150,
      available: 850,
      ended: 'lapsed',
      estimated: true,
    })
    expect(ledger.entries.at(-1)).toMatchObject({ ended: 'lapsed', estimated: true, credits: -150 })
  })

  test('charges a flat price whole and a free one nothing', () => {
    hold('flat', 10, 10, priceOf({ perRequest: 40 }))
    hold('free', 10, 10, priceOf())
    ledger.now += LEASE_MS
    expect(ledger.accept({ kind: 'lapse', holdId: 'flat' }).charged).toBe(40)
    expect(ledger.accept({ kind: 'lapse', holdId: 'free' }).charged).toBe(0)
  })

  test('leaves nothing for usage that comes late', () => {
    hold('r', 100, 200)
    ledger.now += LEASE_MS
    ledger.accept({ kind: 'lapse', holdId: 'r' })
    expect(ledger.accept(settleOf('r', usageOf(100, 200)))).toMatchObject({ charged: 100, ended: 'lapsed' })
    expect(ledger.account().totals.charged).toBe(100)
  })
})
