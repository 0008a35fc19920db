import { beforeEach, describe, expect, test } from 'vitest'
import type { Reserve } from './command.ts'
import { refusalKind } from './refusal.ts'
import {
  catalogOf,
  createLedger,
  credit,
  day,
  grantOf,
  hour,
  type Ledger,
  minute,
  planOf,
  reserveOf,
  settleOf,
  usageOf,
} from './test-kit.ts'

const catalog = catalogOf(planOf('free'), planOf('narrow', { models: ['slow'] }))
let ledger: Ledger

beforeEach(() => {
  ledger = createLedger(catalog)
  ledger.accept(grantOf('bought', 100 * credit))
})

function keyed(id: string, requestHash = 'hello', over: Partial<Reserve> = {}): Reserve {
  return reserveOf(id, { idempotency: { keyHash: 'key', requestHash }, ...over })
}

describe('a key whose first request', () => {
  test('is under way: a repeat is refused, names it, and says where to look', () => {
    ledger.accept(keyed('first'))
    const refused = ledger.refuse(keyed('second'))
    expect(refused).toMatchObject({
      code: 'idempotency_conflict',
      param: 'Idempotency-Key',
      first: { requestId: 'first', repeated: false },
    })
    expect(refused.message).toContain('The request first with this Idempotency-Key is still running')
    expect(refused.message).toContain('GET /v1/account/entries?requestId=first')
    expect(refusalKind(refused.code)).toMatchObject({ status: 409, retry: false })
  })

  test('has ended: a repeat is refused, with how it ended and what it was charged', () => {
    ledger.accept(keyed('first'))
    ledger.accept(settleOf('first', usageOf(0, 60)))
    const refused = ledger.refuse(keyed('second'))
    expect(refused.first).toEqual({ requestId: 'first', repeated: true })
    expect(refused.message).toContain('has ended (complete), and 0.00006 credits were charged for it')
  })

  test('lapsed: a repeat says so', () => {
    ledger.accept(keyed('first', 'hello', { inputTokens: 40 }))
    ledger.now += minute
    ledger.accept({ kind: 'lapse', holdId: 'first' })
    expect(ledger.refuse(keyed('second')).message).toContain('has ended (lapsed), and 0.00004 credits')
  })

  test('asked something else: it is refused, whether that is under way or has ended', () => {
    ledger.accept(keyed('first'))
    for (const end of [() => {}, () => ledger.accept(settleOf('first', usageOf(0, 1)))]) {
      end()
      const refused = ledger.refuse(keyed('second', 'bye'))
      expect(refused.first).toEqual({ requestId: 'first', repeated: false })
      expect(refused.message).toContain('used with another body, for the request first')
    }
  })

  test('was released: it is free, for another body too', () => {
    ledger.accept(keyed('first'))
    ledger.accept({ kind: 'release', holdId: 'first' })
    expect(ledger.keyUses.size).toBe(0)
    ledger.accept(keyed('second', 'bye'))
    expect(ledger.refuse(keyed('third')).first?.requestId).toBe('second')
    // The release comes again, late: the key is the second's now.
    ledger.accept({ kind: 'release', holdId: 'first' })
    expect(ledger.refuse(keyed('third')).first?.requestId).toBe('second')
  })

  test('was refused for want of credits, or a limit: it is free', () => {
    ledger.refuse(keyed('first', 'hello', { output: { asked: 10 ** 9, default: 1, max: null } }))
    ledger.refuse(keyed('first', 'hello', { planClaim: 'narrow' }))
    expect(ledger.keyUses.size).toBe(0)
    ledger.accept(keyed('second'))
  })

  test('cost nothing, and yet was answered: it is not free', () => {
    ledger.accept(keyed('first'))
    ledger.accept(settleOf('first', usageOf(0, 0)))
    expect(ledger.refuse(keyed('second')).first).toEqual({ requestId: 'first', repeated: true })
  })

  test('began a day ago: it is free, and is the new request’s', () => {
    ledger.accept(keyed('first'))
    ledger.accept(settleOf('first', usageOf(0, 1)))
    ledger.now += day - 1
    ledger.refuse(keyed('second'))
    ledger.now += 1
    ledger.accept(keyed('second', 'bye'))
    ledger.now += hour
    expect(ledger.refuse(keyed('third', 'bye')).first?.requestId).toBe('second')
  })
})

describe('whatever the clock does', () => {
  test('a request under way keeps its key', () => {
    ledger.accept(keyed('first'))
    for (const step of [day, -2 * day, 30 * day]) {
      ledger.now += step
      expect(ledger.refuse(keyed('second')).message).toContain('still running')
    }
  })

  test('a day back frees no key; a key from far ahead does not stand for ever', () => {
    ledger.accept(keyed('first'))
    ledger.accept(settleOf('first', usageOf(0, 1)))
    ledger.now -= day
    ledger.refuse(keyed('second'))
    ledger.now -= 30 * day
    ledger.accept(keyed('second'))
  })
})

describe('the same request', () => {
  test('asked of the store again has its own hold again, and writes nothing', () => {
    ledger.accept(keyed('first'))
    const writes = ledger.writes
    expect(ledger.accept(keyed('first')).hold.id).toBe('first')
    expect(ledger.writes).toBe(writes)
  })

  test('without a key is admitted as often as it is sent, and remembers no use', () => {
    ledger.accept(reserveOf('first'))
    ledger.accept(reserveOf('second'))
    expect(ledger.keyUses.size).toBe(0)
  })
})

test('whoever may not ask does not learn of a key', () => {
  ledger.accept(keyed('first'))
  expect(ledger.refuse(keyed('second', 'hello', { keyHash: 'made up' })).code).toBe('invalid_token')
  ledger.accept({ kind: 'setBlocked', blocked: true })
  expect(ledger.refuse(keyed('second')).code).toBe('blocked')
})

test('an account that is closed forgets its keys', () => {
  ledger.accept(keyed('first'))
  ledger.accept(settleOf('first', usageOf(0, 1)))
  ledger.accept({ kind: 'closeAccount', pseudonym: 'closed', block: false })
  ledger.accept(grantOf('again', credit))
  ledger.accept(keyed('second', 'bye'))
})
