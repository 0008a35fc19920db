/** The bound that admission rests on: whatever a provider may report within a request's tokens, the hold covers it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { affordableOutputTokens, charge, chargeMax, type Price } from './pricing.ts'
import { priceOf, propertyTimeout, runsFactor } from './test-kit.ts'
import { referenceCharge, referenceCost, referenceMax, usage } from './test-kit-model.ts'

const numRuns = 3000 * runsFactor

const each = fc.oneof(fc.nat(3), fc.nat(100_000_000), fc.constantFrom(0, 8000, 2_500_000))
const price: fc.Arbitrary<Price> = fc
  .record({
    input: each,
    cachedInput: each,
    cacheWrite: each,
    output: each,
    perRequest: fc.oneof(fc.constant(0), fc.nat(5_000_000)),
    rate: fc.record({
      numerator: fc.integer({ min: 1, max: 1000 }),
      denominator: fc.integer({ min: 100, max: 1_000_000 }),
    }),
  })
  .map(priceOf)
const tokens = fc.oneof(fc.nat(20), fc.nat(2_000_000))

describe('for every price', () => {
  test('no usage within the bounds costs more than its hold (3)', propertyTimeout, () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(price, tokens, tokens, fc.tuple(part, part, part, part), (row, input, output, parts) => {
        const inputTokens = Math.floor(input * parts[0])
        const cachedInputTokens = Math.floor(inputTokens * parts[1])
        const cacheWriteTokens = Math.floor((inputTokens - cachedInputTokens) * parts[2])
        const outputTokens = Math.floor(output * parts[3])
        const used = { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens }
        const hold = chargeMax(row, { inputTokens: input }, output)
        expect(BigInt(hold)).toBe(referenceMax(row, input, output))
        expect(BigInt(charge(row, used))).toBe(referenceCharge(row, referenceCost(row, used)))
        expect(charge(row, used)).toBeLessThanOrEqual(hold)
        // Not a token more than needed: the dearest split costs exactly the hold.
        const dearest = [
          usage(input, output),
          { ...usage(input, output), cachedInputTokens: input },
          { ...usage(input, output), cacheWriteTokens: input },
        ]
        expect(Math.max(...dearest.map((split) => charge(row, split)))).toBe(hold)
      }),
      { numRuns },
    )
  })

  test('affordableOutputTokens is the exact inverse of chargeMax', propertyTimeout, () => {
    const spare = fc.oneof(fc.nat(1000), fc.nat(5_000_000))
    fc.assert(
      fc.property(price, tokens, tokens, spare, (row, input, output, more) => {
        const available = chargeMax(row, { inputTokens: input }, output) + more
        const most = affordableOutputTokens(row, { inputTokens: input }, available)
        expect(most).toBeGreaterThanOrEqual(output)
        if (most === Number.POSITIVE_INFINITY) {
          expect(row.output).toBe(0)
          return
        }
        expect(chargeMax(row, { inputTokens: input }, most)).toBeLessThanOrEqual(available)
        expect(chargeMax(row, { inputTokens: input }, most + 1)).toBeGreaterThan(available)
      }),
      { numRuns },
    )
  })

  test('what cannot pay the input affords no output', propertyTimeout, () => {
    fc.assert(
      fc.property(price, tokens, (row, input) => {
        const least = chargeMax(row, { inputTokens: input }, 0)
        if (least > 0) expect(affordableOutputTokens(row, { inputTokens: input }, least - 1)).toBe(0)
      }),
      { numRuns },
    )
  })
})
