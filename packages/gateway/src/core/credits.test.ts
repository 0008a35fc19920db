import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CREDITS_MAX,
  chargeRate,
  creditsOf,
  microcreditsOf,
  parseDecimal,
  picoUsdPerToken,
} from './credits.ts'

const bad = ['', ' 1', '1 ', '-1', '+1', '.5', '1.', '0x10', '1,5', 'NaN', 'Infinity', '1e', '1e1000', '１']

describe('parseDecimal', () => {
  test.each([
    ['0.25', 25n, 2],
    ['25', 25n, 0],
    ['007.50', 750n, 2],
    ['1e-7', 1n, 7],
    ['1.5E+3', 1500n, 0],
    ['1.25e1', 125n, 1],
    [1e-7, 1n, 7],
    [1e21, 10n ** 21n, 0],
  ])('reads %s exactly', (text, digits, scale) => {
    expect(parseDecimal(text)).toEqual({ digits, scale })
  })

  test.each([...bad, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s', (text) => {
    expect(parseDecimal(text)).toBeNull()
  })
})

describe('microcreditsOf', () => {
  test('reads to the microcredit, and not finer', () => {
    expect(microcreditsOf(0)).toBe(0)
    expect(microcreditsOf(0.1)).toBe(100_000)
    expect(microcreditsOf('0.000001')).toBe(1)
    expect(microcreditsOf('1.0000010')).toBe(1_000_001)
    expect(microcreditsOf(1e-6)).toBe(1)
    expect(microcreditsOf('0.0000001')).toBeNull()
    expect(microcreditsOf('1e-7')).toBeNull()
  })

  test('does not take what float arithmetic made of a figure for the figure', () => {
    expect(microcreditsOf(0.1 + 0.2)).toBeNull()
    expect(microcreditsOf('0.3')).toBe(300_000)
    // 1.1 × 10⁶ in floats is 1100000.0000000002.
    expect(microcreditsOf(1.1)).toBe(1_100_000)
    expect(microcreditsOf(4.35)).toBe(4_350_000)
  })

  test('stops at the most credits that may be named', () => {
    expect(microcreditsOf(CREDITS_MAX)).toBe(CREDITS_MAX * 1_000_000)
    expect(microcreditsOf(`${CREDITS_MAX}.000001`)).toBeNull()
    expect(microcreditsOf('1e300')).toBeNull()
    expect(microcreditsOf(-1)).toBeNull()
  })

  test('is undone by creditsOf', () => {
    fc.assert(
      fc.property(fc.nat(CREDITS_MAX), fc.nat(999_999), (whole, micro) => {
        const text = `${whole}.${String(micro).padStart(6, '0')}`
        const microcredits = whole * 1_000_000 + micro
        expect(microcreditsOf(text)).toBe(whole === CREDITS_MAX && micro > 0 ? null : microcredits)
        expect(Math.round(creditsOf(microcredits) * 1_000_000)).toBe(microcredits)
      }),
    )
  })
})

describe('picoUsdPerToken', () => {
  test('turns USD per million tokens into pico-USD per token', () => {
    expect(picoUsdPerToken(0.25)).toBe(250_000)
    expect(picoUsdPerToken('2')).toBe(2_000_000)
    expect(picoUsdPerToken(0)).toBe(0)
    expect(picoUsdPerToken(0.07)).toBe(70_000)
  })

  test('rounds what is finer up, never down to nothing', () => {
    expect(picoUsdPerToken('1e-7')).toBe(1)
    expect(picoUsdPerToken('0.0000011')).toBe(2)
    expect(picoUsdPerToken('0.000001')).toBe(1)
  })

  test('refuses what is no price', () => {
    expect(picoUsdPerToken('9007199254.740991')).toBe(Number.MAX_SAFE_INTEGER)
    expect(picoUsdPerToken('9007199254.740992')).toBeNull()
    for (const text of [...bad, '1e100']) expect(picoUsdPerToken(text)).toBeNull()
  })
})

describe('chargeRate', () => {
  test('is (100 + markup) / (100 × USD × 10⁶) in lowest terms', () => {
    expect(chargeRate(0.01, 25)).toEqual({ numerator: 1, denominator: 8000 })
    expect(chargeRate('0.01', 0)).toEqual({ numerator: 1, denominator: 10_000 })
    expect(chargeRate(1, 0)).toEqual({ numerator: 1, denominator: 1_000_000 })
    expect(chargeRate('0.003', '12.5')).toEqual({ numerator: 3, denominator: 8000 })
    expect(chargeRate('0.1', '33.3')).toEqual({ numerator: 1333, denominator: 100_000_000 })
  })

  test('refuses a free credit, what is no decimal and what fits no safe integer', () => {
    expect(chargeRate(0, 25)).toBeNull()
    expect(chargeRate('0.00', 25)).toBeNull()
    expect(chargeRate(-1, 25)).toBeNull()
    expect(chargeRate(0.01, -5)).toBeNull()
    expect(chargeRate(0.01, 'a quarter')).toBeNull()
    expect(chargeRate('1.2345678901234567', '7.000000001')).toBeNull()
  })
})
