import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Plan } from './catalog.ts'
import type { Reserve } from './command.ts'
import { quoteReserve } from './quote.ts'
import { catalogOf, createLedger, grantOf, keyOf, limitsOf, noon, planOf, reserveOf } from './test-kit.ts'

function open(available: number, over: Partial<Plan> = {}) {
  const catalog = catalogOf(planOf('free', over))
  const ledger = createLedger(catalog)
  if (available > 0) ledger.accept(grantOf('pi_1', available))
  const quote = (command: Reserve) => quoteReserve(ledger.account(), command, { now: noon, catalog })
  return { ledger, quote }
}

const uncapped = { asked: null, default: 4096, max: null }

test('the most is what the same request then holds, and nothing was written for it', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 6000 }),
      fc.nat({ max: 3000 }),
      fc.integer({ min: 1, max: 3 }),
      fc.option(fc.integer({ min: 1, max: 3000 })),
      (available, inputTokens, choices, asked) => {
        const { ledger, quote } = open(available, { allowance: 100 })
        const command = reserveOf('r', { inputTokens, choices, output: { ...uncapped, asked } })
        const before = [ledger.writes, ledger.account()]
        const quoted = quote(command)
        expect([ledger.writes, ledger.account()]).toEqual(before)
        const held = ledger.run(command)
        expect(quoted.ok && quoted.value.affordable).toBe(held.ok)
        if (!held.ok || !quoted.ok) return
        const { amount, outputTokensMax } = held.value.hold
        expect(quoted.value).toEqual({ most: amount, outputTokensMax, affordable: true })
      },
    ),
    { numRuns: 300 },
  )
})

test('what is not affordable is quoted as it would be with enough credits', () => {
  const { quote } = open(10)
  const ask = (output: Reserve['output']) => quote(reserveOf('r', { inputTokens: 50, output }))
  expect(ask({ ...uncapped, asked: 100 })).toEqual({
    ok: true,
    value: { most: 150, outputTokensMax: 100, affordable: false },
  })
  expect(ask(uncapped)).toMatchObject({ value: { most: 4146, outputTokensMax: 4096, affordable: false } })
})

test('limits that a wait mends do not count', () => {
  const limits = limitsOf({
    requestsPerMinute: 1,
    concurrentRequests: 1,
    tokensPerMinute: 150,
    creditsPerDay: 1,
  })
  const { ledger, quote } = open(1000, { limits: { ...limits, creditsPerDay: 150 } })
  ledger.accept(reserveOf('first'))
  expect(ledger.refuse(reserveOf('second')).code).toBe('rate_limited')
  expect(quote(reserveOf('second'))).toMatchObject({ value: { most: 100, affordable: true } })
})

test('400, 403: what neither credits nor a wait would mend is refused', () => {
  const { ledger, quote } = open(1000, { models: ['fast'], limits: limitsOf({ tokensPerMinute: 50 }) })
  const codeOf = (command: Reserve) => {
    const quoted = quote(command)
    return quoted.ok ? null : quoted.error.code
  }
  expect(codeOf(reserveOf('r'))).toBe('request_too_large_for_plan')
  expect(codeOf(reserveOf('r', { model: 'other' }))).toBe('model_not_in_plan')
  expect(codeOf(reserveOf('r', { keyHash: 'unknown' }))).toBe('invalid_token')
  ledger.accept({ kind: 'setBlocked', blocked: true })
  expect(codeOf(reserveOf('r'))).toBe('blocked')
})

test('an account in debt, or a key that is spent, affords nothing', () => {
  const indebted = open(1000)
  indebted.ledger.accept(reserveOf('r', { output: { ...uncapped, asked: 1000 } }))
  indebted.ledger.accept({
    kind: 'settle',
    holdId: 'r',
    usage: { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 1000 },
    ended: 'complete',
    estimated: false,
  })
  indebted.ledger.accept({ kind: 'revoke', id: 're_1', grantId: 'pi_1', credits: null, reason: 'refund' })
  indebted.ledger.accept(grantOf('gift', 500, { source: 'operator' }))
  expect(indebted.ledger.account().debt).toBeGreaterThan(0)
  expect(indebted.quote(reserveOf('q'))).toMatchObject({ value: { most: 100, affordable: false } })
  const keyed = open(1000)
  keyed.ledger.accept(keyOf('key_1', { creditsMax: 60 }))
  const command = reserveOf('q', { keyHash: 'hash-key_1', member: null })
  expect(keyed.quote(command)).toMatchObject({ value: { most: 100, affordable: false } })
  const cheap = reserveOf('q', { keyHash: 'hash-key_1', member: null, output: { ...uncapped, asked: 60 } })
  expect(keyed.quote(cheap)).toMatchObject({ value: { most: 60, affordable: true } })
})
