import { describe, expect, test } from 'vitest'
import { KEYS_MAX } from './keys.ts'
import {
  catalogOf,
  createLedger,
  credit,
  day,
  grantOf,
  keyOf,
  minute,
  noon,
  planOf,
  reserveOf,
  second,
  settleOf,
  usageOf,
} from './test-kit.ts'

const terms = { ttlSecondsMax: 3600, creditsMax: 10 * credit, countMax: 2 }
const plans = catalogOf(
  planOf('free', { keys: terms }),
  planOf('brief', { keys: { ...terms, ttlSecondsMax: 60 } }),
  planOf('pro', { keys: { ttlSecondsMax: 7_776_000, creditsMax: null, countMax: 20 } }),
  planOf('none', { keys: { ttlSecondsMax: 0, creditsMax: 0, countMax: 0 } }),
)
const make = () => createLedger(plans)
const reserveBy = (id: string, key: string) => reserveOf(id, { keyHash: `hash-${key}`, member: null })

describe('making a key', () => {
  test('gives it a quarter of an hour and the plan’s cap when nobody says otherwise', () => {
    const ledger = make()
    expect(ledger.accept(keyOf('k')).key).toEqual({
      id: 'k',
      name: 'k',
      hash: 'hash-k',
      member: 'clerk:user_1',
      createdAt: noon,
      expiresAt: noon + 15 * minute,
      creditsMax: 10 * credit,
      spent: 0,
      held: 0,
    })
  })

  test('never gives it longer than the plan allows, not even by default', () => {
    const ledger = make()
    expect(ledger.accept(keyOf('k', { planClaim: 'brief' })).key.expiresAt).toBe(noon + minute)
  })

  test('takes what is asked within the plan, and refuses what is beyond', () => {
    const ledger = make()
    expect(ledger.refuse(keyOf('k', { ttlSeconds: 3601 })).param).toBe('ttlSeconds')
    expect(ledger.refuse(keyOf('k', { creditsMax: 10 * credit + 1 })).param).toBe('creditsMax')
    const { key } = ledger.accept(keyOf('k', { ttlSeconds: 3600, creditsMax: 10 * credit }))
    expect([key.expiresAt, key.creditsMax]).toEqual([noon + 3600 * second, 10 * credit])
    ledger.accept(keyOf('l', { ttlSeconds: 7_776_000, creditsMax: 500 * credit, planClaim: 'pro' }))
    expect(ledger.refuse(keyOf('m', { planClaim: 'none' })).code).toBe('too_many_keys')
  })

  test('stops at the plan’s number of keys until one is revoked or over', () => {
    const ledger = make()
    ledger.accept(keyOf('a', { ttlSeconds: 60 }))
    ledger.accept(keyOf('b'))
    expect(ledger.refuse(keyOf('c')).code).toBe('too_many_keys')
    ledger.now += minute
    ledger.accept(keyOf('c'))
    expect(ledger.account().keys.map(({ id }) => id)).toEqual(['b', 'c'])
    ledger.accept({ kind: 'revokeKey', id: 'b', member: null })
    ledger.accept(keyOf('d'))
  })

  test('keeps a key that is over while a hold counts against it', () => {
    const ledger = make()
    ledger.accept(grantOf('pi_1', 1000))
    ledger.accept(keyOf('a', { ttlSeconds: 60 }))
    ledger.accept({ ...reserveBy('r', 'a'), output: { asked: 1, default: 0, max: null } })
    ledger.now += minute
    ledger.accept(keyOf('b'))
    expect(ledger.account().keys.map(({ id }) => id)).toEqual(['a', 'b'])
    ledger.accept(settleOf('r', usageOf(0, 1)))
    expect(ledger.account().keys[0]).toMatchObject({ id: 'a', spent: 1, held: 0 })
  })

  test('twice under one id makes one key', () => {
    const ledger = make()
    const { key } = ledger.accept(keyOf('k'))
    expect(ledger.accept(keyOf('k', { ttlSeconds: 60 })).key).toEqual(key)
    expect([ledger.writes, ledger.account().keys.length]).toEqual([1, 1])
  })

  test('by the operator goes beyond the plan, without a cap, up to the bound of the account', () => {
    const ledger = make()
    const { key } = ledger.accept(keyOf('op', { by: 'operator', ttlSeconds: 31_536_000 }))
    expect([key.expiresAt, key.creditsMax]).toEqual([noon + 365 * day, null])
    expect(ledger.accept(keyOf('op1', { by: 'operator', planClaim: 'brief' })).key.expiresAt).toBe(
      noon + 15 * minute,
    )
    for (let n = 2; n < KEYS_MAX; n += 1) ledger.accept(keyOf(`op${n}`, { by: 'operator' }))
    expect(ledger.refuse(keyOf('more', { by: 'operator' })).code).toBe('too_many_keys')
    expect(ledger.refuse(keyOf('mine')).code).toBe('too_many_keys')
  })

  test('is refused to the blocked, not to the operator', () => {
    const ledger = make()
    ledger.accept({ kind: 'setBlocked', blocked: true })
    expect(ledger.refuse(keyOf('k')).code).toBe('blocked')
    ledger.accept(keyOf('k', { by: 'operator' }))
  })
})

describe('using a key', () => {
  test('works until it is over, to the millisecond', () => {
    const ledger = make()
    ledger.accept(grantOf('pi_1', 1000))
    ledger.accept(keyOf('k', { ttlSeconds: 60 }))
    ledger.now += minute - 1
    ledger.accept(reserveBy('r', 'k'))
    ledger.now += 1
    expect(ledger.refuse(reserveBy('s', 'k')).code).toBe('token_expired')
    expect(ledger.refuse(reserveBy('t', 'other')).code).toBe('invalid_token')
  })

  test('goes by the plan that the last token claimed', () => {
    const ledger = make()
    ledger.accept(grantOf('pi_1', 1000))
    ledger.accept(keyOf('k', { planClaim: 'pro' }))
    expect(ledger.accept(reserveBy('r', 'k')).plan).toBe('pro')
    ledger.accept(reserveOf('s', { planClaim: 'free' }))
    expect(ledger.accept(reserveBy('t', 'k')).plan).toBe('free')
  })
})

describe('revoking a key', () => {
  test('ends it at once; its open holds still settle', () => {
    const ledger = make()
    ledger.accept(grantOf('pi_1', 1000))
    ledger.accept(keyOf('k'))
    ledger.accept(reserveBy('r', 'k'))
    expect(ledger.accept({ kind: 'revokeKey', id: 'k', member: 'clerk:user_1' }).key.id).toBe('k')
    expect(ledger.refuse(reserveBy('s', 'k')).code).toBe('invalid_token')
    expect(ledger.accept(settleOf('r', usageOf(0, 30)))).toMatchObject({ charged: 30, available: 970 })
    expect(ledger.entries.at(-1)).toMatchObject({ id: 'r', keyId: 'k' })
  })

  test('is for its own member or the operator', () => {
    const ledger = make()
    ledger.accept(keyOf('k'))
    expect(ledger.refuse({ kind: 'revokeKey', id: 'k', member: 'clerk:user_2' }).code).toBe('not_found')
    ledger.accept({ kind: 'revokeKey', id: 'k', member: null })
    expect(ledger.refuse({ kind: 'revokeKey', id: 'k', member: null }).code).toBe('not_found')
  })
})
