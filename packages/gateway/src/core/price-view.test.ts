import { expect, test } from 'vitest'
import { priceLines, tierLines } from './price-view.ts'
import type { Price } from './pricing.ts'

const plain: Price = {
  input: 250_000,
  cachedInput: 250_000,
  cacheWrite: 250_000,
  output: 2_000_000,
  perRequest: 0,
  // 25 % on top, and a credit is a cent.
  rate: { numerator: 1, denominator: 8000 },
  version: 'test',
}
const shown = (price: Price) =>
  priceLines(price).map(({ kind, count, microcredits }) => [kind, count, microcredits])

test('what costs the same as plain input is not said twice', () => {
  expect(priceLines(plain)).toEqual([
    { kind: 'input', count: 1_000_000, picoUsd: 250_000_000_000n, microcredits: 31_250_000 },
    { kind: 'output', count: 1_000_000, picoUsd: 2_000_000_000_000n, microcredits: 250_000_000 },
  ])
})

test('every kind that has a price is there, in its own amount', () => {
  const price: Price = {
    ...plain,
    cachedInput: 25_000,
    longCacheWrite: 500_000,
    audioInput: 0,
    imageOutput: 8_000_000,
    toolCall: 10_000_000_000,
    audioSecond: 100_000_000,
    character: 15_000_000,
    perRequest: 4_000_000,
    serviceTiers: { priority: 200 },
  }
  expect(shown(price)).toEqual([
    ['input', 1_000_000, 31_250_000],
    ['cachedInput', 1_000_000, 3_125_000],
    ['longCacheWrite', 1_000_000, 62_500_000],
    ['audioInput', 1_000_000, 0],
    ['output', 1_000_000, 250_000_000],
    ['imageOutput', 1_000_000, 1_000_000_000],
    ['toolCall', 1000, 1_250_000_000],
    ['audioSecond', 60, 750_000],
    ['character', 1_000_000, 1_875_000_000],
    ['answer', 1, 4_000_000],
  ])
})

test('a million tokens are no long request; what those cost stands apart', () => {
  const rates = { input: 500_000, cachedInput: 50_000, cacheWrite: 500_000, output: 3_000_000 }
  const price = { ...plain, tiers: [{ inputTokensAbove: 200_000, rates }] }
  expect(shown(price)).toEqual(shown(plain))
  const [tier, ...rest] = tierLines(price)
  expect(rest).toEqual([])
  expect(tier?.inputTokensAbove).toBe(200_000)
  expect(tier?.lines.map(({ kind, microcredits }) => [kind, microcredits])).toEqual([
    ['input', 62_500_000],
    ['cachedInput', 6_250_000],
    ['output', 375_000_000],
  ])
})

test('what is free, or priced by the answer alone, has no token prices', () => {
  const nothing = { ...plain, input: 0, cachedInput: 0, cacheWrite: 0, output: 0 }
  expect(priceLines(nothing)).toEqual([])
  expect(shown({ ...nothing, perRequest: 1 })).toEqual([['answer', 1, 1]])
})
