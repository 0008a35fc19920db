import { describe, expect, test } from 'vitest'
import type { Plan } from './catalog.ts'
import type { Reserve } from './command.ts'
import { LEASE_MS, OUTPUT_TOKENS_FLOOR } from './reserve.ts'
import {
  catalogOf,
  createLedger,
  day,
  grantOf,
  hour,
  keyOf,
  limitsOf,
  minute,
  noon,
  planOf,
  priceOf,
  reserveOf,
  settleOf,
  unitPrice,
  usageOf,
} from './test-kit.ts'

/** A ledger with this much available, on a plan of these terms. */
function ledgerWith(available: number, over: Partial<Plan> = {}) {
  const ledger = createLedger(catalogOf(planOf('free', over)))
  if (available > 0) ledger.accept(grantOf('pi_1', available))
  return ledger
}

const withOutput = (id: string, output: Partial<Reserve['output']>, over: Partial<Reserve> = {}) =>
  reserveOf(id, { output: { asked: null, default: 4096, max: null, ...output }, ...over })

describe('an admitted request', () => {
  test('holds its worst case at its price, for a lease', () => {
    const ledger = ledgerWith(1000)
    const reply = ledger.accept(withOutput('r', { asked: 50 }, { inputTokens: 100, choices: 3 }))
    expect(reply).toMatchObject({ plan: 'free', available: 750, clamped: false, unknownPlanClaim: null })
    expect(ledger.holds.get('r')).toEqual({
      id: 'r',
      at: noon,
      leaseUntil: noon + LEASE_MS,
      member: 'clerk:user_1',
      keyId: null,
      model: 'fast',
      price: unitPrice,
      inputTokens: 100,
      outputTokensMax: 50,
      choices: 3,
      amount: 250,
      draws: [{ grantId: 'pi_1', amount: 250 }],
      checkpoint: 0,
      counted: { minute: noon, day: noon - 12 * hour },
    })
    expect(ledger.account().open).toEqual({ total: 1, models: { fast: 1 } })
  })

  test('answers a repeat alike and holds once; after its end the id is spent', () => {
    const ledger = ledgerWith(1000)
    const first = ledger.accept(reserveOf('r'))
    const { writes } = ledger
    expect(ledger.accept(reserveOf('r')).hold).toEqual(first.hold)
    expect([ledger.writes, ledger.account().open.total]).toEqual([writes, 1])
    ledger.accept(settleOf('r', usageOf(0, 1)))
    expect(ledger.refuse(reserveOf('r')).code).toBe('idempotency_conflict')
    expect(ledger.refuse(reserveOf('pi_1')).code).toBe('idempotency_conflict')
  })

  test('may take the last microcredit, and not one more (2)', () => {
    expect(ledgerWith(100).accept(withOutput('r', { asked: 100 })).available).toBe(0)
    expect(ledgerWith(99).refuse(withOutput('r', { asked: 100 })).code).toBe('insufficient_credits')
  })

  test('N of one size admit as many as the credits hold (2)', () => {
    const ledger = ledgerWith(1049)
    const replies = Array.from({ length: 30 }, (_, n) => ledger.run(withOutput(`r${n}`, { asked: 100 })))
    expect(replies.filter(({ ok }) => ok).length).toBe(10)
  })

  test('burns what expires soonest, then allowance before gift before purchase, then the oldest', () => {
    const ledger = createLedger(catalogOf(planOf('free', { allowance: 10 })))
    ledger.accept(grantOf('bought', 10))
    ledger.now += 1
    ledger.accept(grantOf('bought_later', 10))
    ledger.accept(grantOf('given', 10, { source: 'operator' }))
    ledger.accept(grantOf('given_late', 10, { source: 'operator', expiresAt: noon + 90 * day }))
    ledger.accept(grantOf('bought_soon', 10, { expiresAt: noon + day }))
    const { hold } = ledger.accept(withOutput('r', { asked: 55 }))
    expect(hold.draws).toEqual([
      { grantId: 'bought_soon', amount: 10 },
      { grantId: 'plan:free:2026-11-23T12:00:00.001Z', amount: 10 },
      { grantId: 'given_late', amount: 10 },
      { grantId: 'given', amount: 10 },
      { grantId: 'bought', amount: 10 },
      { grantId: 'bought_later', amount: 5 },
    ])
  })

  test('burns an allowance before a gift that ends with it, and after one that ends a moment sooner', () => {
    const ledger = createLedger(catalogOf(planOf('free', { allowance: 10 })))
    const end = Date.UTC(2026, 11, 23, 12)
    ledger.accept(grantOf('gift', 10, { source: 'operator', expiresAt: end }))
    ledger.accept(grantOf('sooner', 10, { source: 'purchase', expiresAt: end - 1 }))
    const { hold } = ledger.accept(withOutput('r', { asked: 30 }))
    const allowance = 'plan:free:2026-11-23T12:00:00.000Z'
    expect(hold.draws.map(({ grantId }) => grantId)).toEqual(['sooner', allowance, 'gift'])
  })

  test('costs nothing where the model is free, even with nothing to pay', () => {
    const ledger = ledgerWith(0)
    expect(ledger.accept(withOutput('r', {}, { price: priceOf() })).hold).toMatchObject({
      amount: 0,
      draws: [],
      outputTokensMax: 4096,
    })
  })
})

describe('an asked cap', () => {
  test('is lowered to the model’s and the plan’s maximum, and says so', () => {
    const ledger = ledgerWith(100_000, { outputTokensMax: 500 })
    expect(ledger.accept(withOutput('a', { asked: 1000, max: 800 }))).toMatchObject({
      clamped: true,
      hold: { outputTokensMax: 500 },
    })
    expect(ledger.accept(withOutput('b', { asked: 1000, max: 300 })).hold.outputTokensMax).toBe(300)
    expect(ledger.accept(withOutput('c', { asked: 200, max: 300 }))).toMatchObject({
      clamped: false,
      hold: { outputTokensMax: 200 },
    })
    // The floor is for those who ask for nothing.
    expect(ledger.accept(withOutput('d', { asked: 1 })).hold.outputTokensMax).toBe(1)
  })

  test('that is fixed is refused where it would be lowered: 400 with both figures', () => {
    const ledger = ledgerWith(5000, { outputTokensMax: 500 })
    for (const [id, max] of [
      ['a', null],
      ['b', 499],
      ['c', 900],
    ] as const) {
      const refused = ledger.refuse(withOutput(id, { asked: 501, max, fixed: true }))
      expect(refused.code).toBe('request_too_large_for_plan')
      expect(refused.message).toContain(
        `up to 501 output tokens, and your plan and the model allow ${max === 499 ? 499 : 500}`,
      )
    }
    expect(ledger.accept(withOutput('d', { asked: 500, fixed: true }))).toMatchObject({
      clamped: false,
      hold: { outputTokensMax: 500 },
    })
  })

  test('that is fixed and beyond the balance is 402, which does not ask for a lower cap', () => {
    const refused = ledgerWith(1000).refuse(withOutput('r', { asked: 950, fixed: true }, { inputTokens: 51 }))
    expect(refused.code).toBe('insufficient_credits')
    expect(refused.message).toMatch(/available\. Ask for less, or buy credits\.$/)
  })

  test('of nothing holds the input alone', () => {
    const ledger = ledgerWith(100, { outputTokensMax: 500 })
    expect(ledger.accept(withOutput('r', { asked: 0, fixed: true }, { inputTokens: 100 }))).toMatchObject({
      clamped: false,
      hold: { outputTokensMax: 0, amount: 100 },
    })
  })

  test('is never lowered to the balance: 402 names what is affordable, and that is admitted', () => {
    const ledger = ledgerWith(1000)
    const refused = ledger.refuse(withOutput('r', { asked: 5000 }, { inputTokens: 99, choices: 2 }))
    expect(refused.code).toBe('insufficient_credits')
    expect(refused.message).toContain('up to 0.010099 credits, and 0.001 are available')
    const tokens = Number(/ask for at most (\d+)/.exec(refused.message)?.[1])
    expect(tokens).toBe(450)
    expect(ledger.refuse(withOutput('s', { asked: tokens + 1 }, { inputTokens: 99, choices: 2 })).code).toBe(
      'insufficient_credits',
    )
    ledger.accept(withOutput('t', { asked: tokens }, { inputTokens: 99, choices: 2 }))
  })

  test('is never negative: that would give credits out', () => {
    const ledger = ledgerWith(1000)
    ledger.accept(withOutput('r', { asked: 500 }, { inputTokens: 100 }))
    expect(() => ledger.refuse(withOutput('s', { asked: -300 }, { inputTokens: 100 }))).toThrow(
      'not negative',
    )
    expect(ledger.account().open.total).toBe(1)
  })

  test('that nobody could pay is 402 like any other, be it the largest integer', () => {
    const asked = Number.MAX_SAFE_INTEGER
    const refused = ledgerWith(1000).refuse(withOutput('r', { asked }, { inputTokens: 10, choices: 128 }))
    expect(refused.code).toBe('insufficient_credits')
    expect(refused.message).toContain('ask for at most 7,')
  })

  test('may be as low as the one token that is affordable', () => {
    const refused = ledgerWith(101).refuse(withOutput('r', { asked: 10 }, { inputTokens: 100 }))
    expect(refused.message).toContain('ask for at most 1,')
  })

  test('with an input that is beyond the balance, 402 says to shorten it', () => {
    const refused = ledgerWith(100).refuse(withOutput('r', { asked: 10 }, { inputTokens: 100 }))
    expect(refused.message).toContain('Shorten the input, or buy credits.')
  })
})

describe('a missing cap', () => {
  const capOf = (available: number, output: Partial<Reserve['output']>, over: Partial<Plan> = {}) => {
    const reply = ledgerWith(available, over).accept(
      withOutput('r', output, { inputTokens: 100, choices: 2 }),
    )
    expect(reply.clamped).toBe(true)
    return reply.hold.outputTokensMax
  }

  test('is the least of default, model’s, plan’s and affordable', () => {
    expect(capOf(100_000, {})).toBe(4096)
    expect(capOf(100_000, { max: 3000 })).toBe(3000)
    expect(capOf(100_000, { max: 3000 }, { outputTokensMax: 2000 })).toBe(2000)
    expect(capOf(1100, { max: 3000 }, { outputTokensMax: 2000 })).toBe(500)
    expect(capOf(1101, {})).toBe(500)
    expect(capOf(1102, {})).toBe(501)
  })

  test('is admitted down to the floor, and below it refused with the way out', () => {
    expect(capOf(100 + 2 * OUTPUT_TOKENS_FLOOR, {})).toBe(256)
    const ledger = ledgerWith(100 + 2 * OUTPUT_TOKENS_FLOOR - 1)
    const refused = ledger.refuse(withOutput('r', {}, { inputTokens: 100, choices: 2 }))
    expect(refused.code).toBe('insufficient_credits')
    expect(refused.message).toContain('up to 0.000612 credits')
    expect(refused.message).toContain('ask for at most 255')
    ledger.accept(withOutput('s', { asked: 255 }, { inputTokens: 100, choices: 2 }))
  })

  test('may be below the floor where the model, the plan or the default is', () => {
    expect(capOf(100_000, { max: 60 })).toBe(60)
    expect(capOf(100_000, { default: 70 })).toBe(70)
    expect(capOf(220, { max: 60 })).toBe(60)
    expect(ledgerWith(219).refuse(withOutput('r', { max: 60 }, { inputTokens: 100, choices: 2 })).code).toBe(
      'insufficient_credits',
    )
  })

  test('fits the minute’s window of the plan or its model, but not below the floor', () => {
    expect(capOf(100_000, {}, { limits: limitsOf({ tokensPerMinute: 2100 }) })).toBe(1000)
    expect(capOf(100_000, {}, { limits: limitsOf({ tokensPerMinute: 2101 }) })).toBe(1000)
    expect(capOf(100_000, {}, { limits: limitsOf({}, { fast: { tokensPerMinute: 1100 } }) })).toBe(500)
    expect(capOf(100_000, {}, { limits: limitsOf({}, { slow: { tokensPerMinute: 1100 } }) })).toBe(4096)
    const ledger = ledgerWith(100_000, { limits: limitsOf({ tokensPerMinute: 600 }) })
    expect(ledger.refuse(withOutput('r', {}, { inputTokens: 100, choices: 2 })).code).toBe(
      'request_too_large_for_plan',
    )
  })
})

describe('who is refused', () => {
  test('the blocked, before anything else that their account could say', () => {
    const ledger = ledgerWith(0)
    ledger.accept({ kind: 'setBlocked', blocked: true })
    expect(ledger.refuse(reserveOf('r')).code).toBe('blocked')
    ledger.accept({ kind: 'setBlocked', blocked: false })
    expect(ledger.refuse(reserveOf('r')).code).toBe('insufficient_credits')
  })

  test('the indebted, even for a free model and with an allowance to spend', () => {
    const ledger = ledgerWith(1000, { allowance: 500 })
    ledger.accept(withOutput('r', { asked: 400 }))
    ledger.accept(withOutput('s', { asked: 900 }))
    ledger.accept({ kind: 'revoke', id: 're_1', grantId: 'pi_1', credits: null, reason: 'refund' })
    expect(ledger.accept({ kind: 'release', holdId: 'r' }).available).toBe(400)
    expect(ledger.account().debt).toBe(800)
    const { message, code } = ledger.refuse(reserveOf('t', { price: priceOf() }))
    expect(code).toBe('account_in_debt')
    expect(message).toContain('owes 0.0008 credits')
  })

  test('a model that the plan does not include', () => {
    const ledger = ledgerWith(1000, { models: ['slow'] })
    expect(ledger.refuse(reserveOf('r'))).toMatchObject({ code: 'model_not_in_plan', param: 'model' })
    ledger.accept(reserveOf('s', { model: 'slow' }))
  })

  test('a wrong key, which learns nothing of how the account stands', () => {
    const ledger = ledgerWith(1000)
    ledger.accept(withOutput('r', { asked: 1000 }))
    ledger.accept({ kind: 'revoke', id: 're_1', grantId: 'pi_1', credits: null, reason: 'refund' })
    expect(ledger.refuse(reserveOf('s', { keyHash: 'forged', member: null })).code).toBe('invalid_token')
    ledger.accept({ kind: 'setBlocked', blocked: true })
    expect(ledger.refuse(reserveOf('t', { keyHash: 'forged', member: null })).code).toBe('invalid_token')
  })
})

describe('an allowance', () => {
  test('is granted by the request that needs it, and by no refused one', () => {
    const ledger = ledgerWith(0, { allowance: 1000 })
    expect(ledger.refuse(withOutput('r', { asked: 1001 })).message).toContain('0.001 are available')
    expect([ledger.entries.length, ledger.writes]).toEqual([0, 0])
    ledger.now += minute
    expect(ledger.accept(withOutput('s', { asked: 900 })).available).toBe(100)
    expect(ledger.entries).toMatchObject([
      { id: 'plan:free:2026-11-23T12:01:00.000Z', kind: 'grant', credits: 1000, source: 'allowance' },
    ])
    expect(ledger.refuse(withOutput('t', { asked: 101 })).code).toBe('insufficient_credits')
  })
})

describe('a Faregate key', () => {
  test('pays for its member up to its own cap, held and spent counted', () => {
    const ledger = ledgerWith(1000)
    const { key } = ledger.accept(keyOf('k', { creditsMax: 250, member: 'clerk:user_7' }))
    const by = (id: string, asked: number) =>
      reserveOf(id, { keyHash: key.hash, member: null, output: { asked, default: 0, max: null } })
    expect(ledger.accept(by('r', 100)).hold).toMatchObject({ keyId: 'k', member: 'clerk:user_7' })
    expect(ledger.refuse(by('s', 151)).message).toContain('this Faregate key may spend 0.00015 more')
    ledger.accept(settleOf('r', usageOf(0, 40)))
    expect(ledger.account().keys).toMatchObject([{ spent: 40, held: 0 }])
    ledger.accept(by('t', 210))
    expect(ledger.refuse(by('u', 1)).code).toBe('insufficient_credits')
    ledger.accept({ kind: 'release', holdId: 't' })
    ledger.accept(by('v', 210))
  })

  test('bounds a missing output cap as the balance does, and below the floor says what it still pays for', () => {
    const ledger = ledgerWith(10_000)
    const { key } = ledger.accept(keyOf('k', { creditsMax: 1000 }))
    const by = (id: string) =>
      reserveOf(id, { keyHash: key.hash, output: { asked: null, default: 4096, max: null } })
    const { hold } = ledger.accept({ ...by('r'), inputTokens: 100, choices: 2 })
    expect(hold).toMatchObject({ outputTokensMax: 450, amount: 1000 })
    ledger.accept(settleOf('r', usageOf(100, 645)))
    expect(ledger.refuse(by('s')).message).toBe(
      'This request may cost up to 0.000256 credits, and this Faregate key may spend 0.000255 more. That pays for 255 output tokens: ask for at most 255, or make a new key.',
    )
    ledger.accept({ ...by('t'), output: { asked: 255, default: 4096, max: null } })
    expect(ledger.refuse(by('u')).message).toContain('Shorten the input, or make a new key.')
  })
})
