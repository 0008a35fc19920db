import { describe, expect, test } from 'vitest'
import { chargeRate, picoUsdPerToken } from './credits.ts'
import { affordableOutputTokens, charge, chargeMax, pricesTokens, tierName, upstreamCost } from './pricing.ts'
import { credit, priceOf, unitPrice, usageOf } from './test-kit.ts'

/** $0.25, cached $0.025, output $2 per million tokens; markup 25 % on a credit of $0.01. */
const mini = priceOf({
  input: picoUsdPerToken(0.25) ?? 0,
  cachedInput: picoUsdPerToken(0.025) ?? 0,
  cacheWrite: picoUsdPerToken(0.25) ?? 0,
  output: picoUsdPerToken(2) ?? 0,
  rate: chargeRate(0.01, 25) ?? { numerator: 0, denominator: 1 },
})

describe('charge', () => {
  test('a million tokens in and out cost $2.25, with 25 % markup 281.25 credits', () => {
    expect(charge(mini, usageOf(1_000_000, 1_000_000))).toBe(281.25 * credit)
  })

  test('1,000 tokens in, 400 of them cached, and 50 out, by hand', () => {
    // 600 × 250,000 + 400 × 25,000 + 50 × 2,000,000 = 260,000,000 pico-USD; ÷ 8,000 = 32,500 microcredits.
    const usage = usageOf(1000, 50, { cachedInputTokens: 400 })
    expect(upstreamCost(mini, usage)).toBe(260_000_000n)
    expect(charge(mini, usage)).toBe(32_500)
  })

  test('is rounded up once, for the sum and not for its parts', () => {
    const price = priceOf({ input: 1, output: 1 })
    expect(charge(price, usageOf(1, 0))).toBe(1)
    expect(charge(price, usageOf(4000, 4000))).toBe(1)
    expect(charge(price, usageOf(4000, 4001))).toBe(2)
    expect(charge(priceOf({ input: 4000, output: 4000 }), usageOf(1, 1))).toBe(1)
  })

  test('cache writes and cached reads each have their price', () => {
    const price = priceOf({ input: 8000, cachedInput: 800, cacheWrite: 10_000 })
    expect(charge(price, usageOf(100, 0, { cacheWriteTokens: 100 }))).toBe(125)
    expect(charge(price, usageOf(100, 0, { cachedInputTokens: 100 }))).toBe(10)
    expect(charge(price, usageOf(100, 0, { cachedInputTokens: 50, cacheWriteTokens: 20 }))).toBe(30 + 5 + 25)
  })

  test('a free price charges 0, a flat one the same for any usage, and both can be added', () => {
    expect(charge(priceOf(), usageOf(1_000_000, 1_000_000))).toBe(0)
    expect(charge(priceOf({ perRequest: 4 * credit }), usageOf(0, 0))).toBe(4 * credit)
    expect(charge(priceOf({ perRequest: 4 * credit }), usageOf(9999, 9999))).toBe(4 * credit)
    expect(charge(priceOf({ perRequest: 7, output: 8000 }), usageOf(0, 3))).toBe(10)
  })

  test('stays exact where floats would not', () => {
    const price = priceOf({ output: 9_007_199_254_740_991, rate: { numerator: 1, denominator: 3 } })
    expect(charge(price, usageOf(0, 2))).toBe(6_004_799_503_160_661)
  })

  test('stops at the largest safe integer: a provider that reports nonsense must not keep a hold from ending', () => {
    const wild = usageOf(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    expect(charge(mini, wild)).toBe(Number.MAX_SAFE_INTEGER)
    expect(charge({ ...mini, perRequest: 5 }, wild)).toBe(Number.MAX_SAFE_INTEGER)
    expect(chargeMax(mini, { inputTokens: 0 }, Number.MAX_SAFE_INTEGER * 8)).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('refuses parts that are larger than the whole', () => {
    expect(() => charge(mini, usageOf(10, 0, { cachedInputTokens: 6, cacheWriteTokens: 5 }))).toThrow('parts')
  })
})

test('tokens are priced unless all their rates are nothing, in every tier', () => {
  expect(pricesTokens(priceOf({}))).toBe(false)
  expect(
    pricesTokens(priceOf({ perRequest: 5, toolCall: 1, audioSecond: 1, character: 1, imageOutput: 0 })),
  ).toBe(false)
  for (const kind of ['input', 'cachedInput', 'cacheWrite', 'output', 'imageOutput', 'audioInput'] as const) {
    expect(pricesTokens(priceOf({ [kind]: 1 }))).toBe(true)
  }
  const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 }
  const tiers = (output: number) => [{ inputTokensAbove: 5, rates: { ...nothing, output } }]
  expect(pricesTokens(priceOf({ tiers: tiers(0) }))).toBe(false)
  expect(pricesTokens(priceOf({ tiers: tiers(1) }))).toBe(true)
})

describe('chargeMax', () => {
  test('takes all input at the dearest rate', () => {
    expect(chargeMax(unitPrice, { inputTokens: 100 }, 50)).toBe(150)
    expect(chargeMax(priceOf({ input: 8000, cacheWrite: 16_000 }), { inputTokens: 100 }, 0)).toBe(200)
    expect(chargeMax(priceOf({ input: 8000, cachedInput: 24_000 }), { inputTokens: 100 }, 0)).toBe(300)
    expect(chargeMax(priceOf({ perRequest: 12 }), { inputTokens: 100 }, 100)).toBe(12)
    expect(chargeMax(priceOf(), { inputTokens: 100 }, 100)).toBe(0)
  })
})

describe('affordableOutputTokens', () => {
  test('by hand', () => {
    expect(affordableOutputTokens(unitPrice, { inputTokens: 40 }, 100)).toBe(60)
    expect(affordableOutputTokens(unitPrice, { inputTokens: 100 }, 100)).toBe(0)
    expect(affordableOutputTokens(unitPrice, { inputTokens: 101 }, 100)).toBe(0)
    expect(affordableOutputTokens({ ...unitPrice, perRequest: 30 }, { inputTokens: 40 }, 100)).toBe(30)
    expect(affordableOutputTokens({ ...unitPrice, perRequest: 101 }, { inputTokens: 0 }, 100)).toBe(0)
  })

  test('free output is without end once the input is paid', () => {
    const flat = priceOf({ perRequest: 100, input: 8000 })
    expect(affordableOutputTokens(flat, { inputTokens: 10 }, 110)).toBe(Number.POSITIVE_INFINITY)
    expect(affordableOutputTokens(flat, { inputTokens: 10 }, 109)).toBe(0)
    expect(affordableOutputTokens(priceOf(), { inputTokens: 10 }, 0)).toBe(Number.POSITIVE_INFINITY)
  })
})

test('a tier is charged and written down by its name only where that has a price', () => {
  const price = priceOf({ input: 8000, serviceTiers: { flex: 50, priority: 200 } })
  const cost = (serviceTier: string) => charge(price, usageOf(100, 0, { serviceTier }))
  expect(['flex', 'priority', 'standard', 'never', 'constructor'].map(cost)).toEqual([50, 200, 100, 200, 200])
  const names = ['flex', 'standard', 'never', 'constructor', 'a text of the provider']
  expect(names.map((name) => tierName(price, name))).toEqual(['flex', 'standard', 'other', 'other', 'other'])
  expect(tierName(unitPrice, 'priority')).toBe('other')
})
