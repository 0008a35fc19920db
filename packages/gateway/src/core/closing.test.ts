import { beforeEach, describe, expect, test } from 'vitest'
import { assertConserved, availableOf, newAccount } from './account.ts'
import {
  catalogOf,
  createLedger,
  credit,
  day,
  grantOf,
  hour,
  keyOf,
  type Ledger,
  limitsOf,
  noon,
  planOf,
  reserveOf,
  settleOf,
  usageOf,
} from './test-kit.ts'
import { openOf, pack, paidOf, saidOf, totalOf } from './test-kit-payments.ts'

let ledger: Ledger

const catalog = catalogOf(
  planOf('free', { allowance: 50 * credit, limits: limitsOf({ requestsPerMinute: 3 }) }),
)

beforeEach(() => {
  ledger = createLedger(catalog)
})

const closeOf = (pseudonym = 'closed:1', block = false) =>
  ({ kind: 'closeAccount', pseudonym, block }) as const
const books = (pseudonym = 'closed:1') => {
  const retired = ledger.retired.get(pseudonym)
  if (!retired) throw new Error('there are no such books')
  return retired
}
const folded = (entries: readonly { credits: number }[]) =>
  entries.reduce((sum, { credits }) => sum + credits, 0)
const spend = (id: string, credits: number) => {
  ledger.accept(reserveOf(id, { output: { asked: credits * credit, default: 0, max: null } }))
  ledger.accept(settleOf(id, usageOf(0, credits * credit)))
}
const buy = (n = 1) => {
  ledger.accept(openOf(`pay_${n}`))
  ledger.accept(saidOf(`pay_${n}`, paidOf(`pi_${n}`, { savedCard: true })))
}

describe('the end of an account', () => {
  test('moves its books to another name, balanced on both sides, and says what was bought and not spent', () => {
    buy()
    ledger.accept(grantOf('gift', 30 * credit, { source: 'operator' }))
    spend('r', 100)
    const before = ledger.account()
    const entries = [...ledger.entries]
    // The allowance and the gift burn first.
    const unspentPurchased = pack.credits - 20 * credit
    expect(ledger.accept(closeOf())).toEqual({ pseudonym: 'closed:1', unspentPurchased })
    const { account, entries: moved } = books()
    assertConserved(account)
    expect(folded(moved)).toBe(0)
    expect(moved.slice(0, entries.length)).toEqual(entries)
    expect(account).toMatchObject({ id: 'closed:1', blocked: true, grants: [], debt: 0 })
    expect(account.totals).toEqual({ ...before.totals, expired: unspentPurchased })
    expect([ledger.entries, ledger.records.size, ledger.payments.size]).toEqual([[], 0, 0])
    const { allowances, windows, version, billing, ...rest } = ledger.account()
    const fresh = newAccount('clerk:user_1', noon)
    expect(rest).toMatchObject({
      id: fresh.id,
      grants: [],
      keys: [],
      subscriptions: [],
      totals: fresh.totals,
    })
    expect(billing).toEqual({ ...fresh.billing, opened: before.billing.opened })
    expect([allowances, windows, version]).toEqual([before.allowances, before.windows, before.version + 1])
  })

  test('books what had expired before as that, and the rest as expired with the account', () => {
    ledger.accept(grantOf('short', 10, { expiresAt: noon + hour }))
    ledger.accept(grantOf('long', 5))
    ledger.now = noon + hour
    expect(ledger.accept(closeOf()).unspentPurchased).toBe(5)
    expect(books().entries.map(({ id, credits }) => [id, credits])).toEqual([
      ['short', 10],
      ['long', 5],
      ['expire:short:2', -10],
      ['expire:long:closed', -5],
    ])
  })

  test('ends keys, plans that were set, subscriptions and auto top-up', () => {
    buy()
    ledger.accept(keyOf('key_1'))
    ledger.accept({ kind: 'setPlan', plan: 'free', until: null })
    ledger.accept({ kind: 'setCustomer', customer: 'cus_1', replaces: null })
    ledger.accept({ kind: 'setAutoTopUp', topUp: { pack: 'starter', threshold: 1 } })
    ledger.accept(closeOf())
    for (const account of [ledger.account(), books().account]) {
      expect(account).toMatchObject({ keys: [], recordedPlan: null, claimedPlan: null, subscriptions: [] })
      expect(account.billing).toMatchObject({ customer: null, savedCard: false, topUp: null })
    }
    expect(ledger.refuse(reserveOf('r', { keyHash: 'hash-key_1', member: null })).code).toBe('invalid_token')
  })

  test('carries a debt over, which a later purchase repays', () => {
    buy()
    spend('r', 350)
    ledger.accept(saidOf('pay_1', totalOf(1100)))
    const debt = 300 * credit
    expect(ledger.account().debt).toBe(debt)
    expect(ledger.accept(closeOf()).unspentPurchased).toBe(0)
    expect(ledger.account().debt).toBe(debt)
    expect([folded(ledger.entries), folded(books().entries)]).toEqual([-debt, -debt])
    assertConserved(books().account)
    expect(JSON.stringify([ledger.account(), ledger.entries])).not.toContain('closed:1')
    expect(ledger.refuse(reserveOf('s')).code).toBe('account_in_debt')
    ledger.accept(closeOf('closed:2'))
    expect([ledger.account().debt, folded(ledger.entries)]).toEqual([debt, -debt])
    buy(2)
    expect([ledger.account().debt, availableOf(ledger.account())]).toEqual([0, pack.credits - debt])
  })

  test('gives no allowance again to the same account before the month is over', () => {
    spend('r', 50)
    ledger.accept(closeOf())
    const more = reserveOf('s', { output: { asked: credit, default: 0, max: null } })
    expect(ledger.refuse(more).code).toBe('insufficient_credits')
    ledger.now = noon + 30 * day
    expect(ledger.accept(more).available).toBe(49 * credit)
  })

  test('is no way around limits: requests, purchases and top-ups of the hour and day go on counting', () => {
    for (const id of ['a', 'b', 'c']) spend(id, 1)
    ledger.accept(openOf('pay_1'))
    ledger.accept(closeOf())
    expect(ledger.refuse(reserveOf('d')).code).toBe('rate_limited')
    expect(ledger.account().billing.opened.count).toBe(1)
  })

  test('keeps a block, and makes one when it is for good', () => {
    ledger.accept(grantOf('g', 5))
    ledger.accept(closeOf())
    expect(ledger.account().blocked).toBe(false)
    ledger.accept({ kind: 'setBlocked', blocked: true })
    ledger.accept(closeOf('closed:2'))
    expect(ledger.account().blocked).toBe(true)
    const other = createLedger(catalog)
    other.accept(grantOf('g', 5))
    other.accept(closeOf('closed:3', true))
    expect(other.refuse(reserveOf('r')).code).toBe('blocked')
  })

  test('is refused while requests are under way, and while there are books of that name', () => {
    ledger.accept(reserveOf('r'))
    expect(ledger.refuse(closeOf())).toMatchObject({ code: 'requests_under_way', retryAfterMs: 30_000 })
    ledger.accept({ kind: 'release', holdId: 'r' })
    ledger.accept(closeOf())
    const kept = books()
    ledger.accept(grantOf('g', 5))
    expect(ledger.refuse(closeOf()).code).toBe('idempotency_conflict')
    expect(books()).toEqual(kept)
    expect(availableOf(ledger.account())).toBe(5)
  })
})

describe('after the end of an account', () => {
  test('a late ending of a request finds none, and its id can be used', () => {
    spend('r', 10)
    ledger.accept(closeOf())
    expect(ledger.refuse(settleOf('r', usageOf(0, 5))).code).toBe('not_found')
    ledger.accept(grantOf('g', 5))
    ledger.accept(reserveOf('r', { output: { asked: 5, default: 0, max: null } }))
    expect(ledger.accept(settleOf('r', usageOf(0, 5))).charged).toBe(5)
  })

  test('late words of a payment give nothing, and money that came is looked at', () => {
    buy()
    ledger.accept(closeOf())
    expect(ledger.refuse(saidOf('pay_1', totalOf(1100))).code).toBe('not_found')
    expect(ledger.accept(saidOf('pay_1', paidOf())).payment).toMatchObject({ credits: 0, granted: 0 })
    expect(availableOf(ledger.account())).toBe(0)
    expect(ledger.account().billing.checking).toBe(1)
  })
})
