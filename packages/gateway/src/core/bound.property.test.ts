/**
 * The same bound for every kind of price there is: tiers, sound, pictures, longer caches, service tiers, calls,
 * seconds, characters and answers, in any mixture.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  affordableOutputTokens,
  type Bound,
  boundedUsage,
  charge,
  chargeMax,
  type Price,
  type Rates,
  type Usage,
} from './pricing.ts'
import { propertyTimeout, runsFactor } from './test-kit.ts'

const numRuns = 3000 * runsFactor
const each = fc.oneof(fc.nat(3), fc.nat(100_000_000), fc.constantFrom(0, 8000, 2_500_000))
const tokens = fc.oneof(fc.nat(20), fc.nat(2_000_000))
const few = fc.nat(50)

const rates: fc.Arbitrary<Rates> = fc.record(
  {
    input: each,
    cachedInput: each,
    cacheWrite: each,
    output: each,
    longCacheWrite: each,
    audioInput: each,
    cachedAudioInput: each,
    imageInput: each,
    audioOutput: each,
    imageOutput: each,
  },
  { requiredKeys: ['input', 'cachedInput', 'cacheWrite', 'output'] },
)

const price: fc.Arbitrary<Price> = fc
  .record({
    base: rates,
    tiers: fc.uniqueArray(fc.record({ inputTokensAbove: tokens, rates }), {
      selector: ({ inputTokensAbove }) => inputTokensAbove,
      maxLength: 2,
    }),
    units: fc.record({ toolCall: each, audioSecond: each, character: each }, { requiredKeys: [] }),
    serviceTiers: fc.dictionary(
      fc.constantFrom('flex', 'priority', 'fast'),
      fc.integer({ min: 1, max: 700 }),
    ),
    perRequest: fc.oneof(fc.constant(0), fc.nat(5_000_000)),
    rate: fc.record({
      numerator: fc.integer({ min: 1, max: 1000 }),
      denominator: fc.integer({ min: 100, max: 1_000_000 }),
    }),
  })
  .map(({ base, tiers, units, ...rest }) => ({
    ...base,
    ...units,
    ...rest,
    tiers: tiers.sort((a, b) => a.inputTokensAbove - b.inputTokensAbove),
    version: 'test',
  }))

const bound: fc.Arbitrary<Bound> = fc
  .record({
    text: tokens,
    audio: fc.option(tokens, { nil: undefined }),
    image: fc.option(tokens, { nil: undefined }),
    flags: fc.record({
      longCacheWrite: fc.boolean(),
      audioOutput: fc.boolean(),
      imageOutput: fc.boolean(),
      serviceTier: fc.boolean(),
    }),
    units: fc.record(
      { toolCalls: few, audioSeconds: few, characters: few, answers: few },
      { requiredKeys: [] },
    ),
  })
  .map(({ text, audio, image, flags, units }) => ({
    inputTokens: text + (audio ?? 0) + (image ?? 0),
    ...(audio !== undefined && { audioInputTokens: audio }),
    ...(image !== undefined && { imageInputTokens: image }),
    ...units,
    ...(flags.longCacheWrite && { longCacheWrite: true as const }),
    ...(flags.audioOutput && { audioOutput: true as const }),
    ...(flags.imageOutput && { imageOutput: true as const }),
    ...(flags.serviceTier && { serviceTier: true as const }),
  }))

const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 })

/** Some usage that a provider may report for a request of this bound. */
function usageWithin(most: Bound, outputMax: number, part: readonly number[], tier: string): Usage {
  const share = (of: number, index: number) => Math.floor(of * (part[index] ?? 0))
  const sound = share(most.audioInputTokens ?? 0, 0)
  const cachedSound = share(sound, 1)
  const picture = share(most.imageInputTokens ?? 0, 2)
  const rest = most.inputTokens - (most.audioInputTokens ?? 0) - (most.imageInputTokens ?? 0)
  // What is sound or a picture may be counted as text as well.
  const text = share(rest + (most.audioInputTokens ?? 0) - sound + (most.imageInputTokens ?? 0) - picture, 3)
  const cached = share(text, 4)
  const written = share(text - cached, 5)
  const long = most.longCacheWrite ? share(text - cached - written, 6) : 0
  const outputTokens = share(outputMax, 7)
  const audioOutputTokens = most.audioOutput ? share(outputTokens, 8) : 0
  const imageOutputTokens = most.imageOutput ? share(outputTokens - audioOutputTokens, 9) : 0
  return {
    inputTokens: text + sound + picture,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    longCacheWriteTokens: long,
    audioInputTokens: sound - cachedSound,
    cachedAudioInputTokens: cachedSound,
    imageInputTokens: picture,
    outputTokens,
    audioOutputTokens,
    imageOutputTokens,
    toolCalls: share(most.toolCalls ?? 0, 10),
    audioSeconds: share(most.audioSeconds ?? 0, 10),
    characters: share(most.characters ?? 0, 11),
    answers: share(most.answers ?? 1, 11),
    ...(most.serviceTier && { serviceTier: tier }),
  }
}

const tier = fc.constantFrom('default', 'standard', 'flex', 'priority', 'fast', 'never heard of')

/** Prices whose longer inputs and other tiers are no cheaper, as real ones are. */
function rising(row: Price): boolean {
  const all = [row as Rates, ...(row.tiers ?? []).map((each) => each.rates)]
  const kinds = ['input', 'cachedInput', 'cacheWrite', 'output'] as const
  return all.every((rate, index) =>
    kinds.every((kind) => index === 0 || rate[kind] >= (all[index - 1]?.[kind] ?? 0)),
  )
}

describe('for every price and every bound', () => {
  test('no usage within the bound costs more than its hold (3)', propertyTimeout, () => {
    fc.assert(
      fc.property(price, bound, tokens, shares, tier, (row, most, output, part, served) => {
        const hold = chargeMax(row, most, output)
        expect(charge(row, usageWithin(most, output, part, served))).toBeLessThanOrEqual(hold)
        expect(charge(row, boundedUsage(row, most, output))).toBeLessThanOrEqual(hold)
      }),
      { numRuns },
    )
  })

  test(
    'what is presumed where only bounds are known costs no less than anything within them',
    propertyTimeout,
    () => {
      fc.assert(
        fc.property(price, bound, tokens, shares, tier, (row, most, output, part, served) => {
          fc.pre(row.tiers?.length === 0)
          const presumed = charge(row, boundedUsage(row, most, output))
          expect(presumed).toBe(chargeMax(row, most, output))
          expect(charge(row, usageWithin(most, output, part, served))).toBeLessThanOrEqual(presumed)
        }),
        { numRuns },
      )
    },
  )

  test('with plain rates that rise from tier to tier, it costs exactly the hold', propertyTimeout, () => {
    const plain = fc.record({ input: each, cachedInput: each, cacheWrite: each, output: each })
    fc.assert(
      fc.property(
        price,
        plain,
        plain,
        tokens,
        tokens,
        tokens,
        (row, base, more, above, inputTokens, output) => {
          const { input, cachedInput, cacheWrite } = base
          const dearer = {
            input: input + more.input,
            cachedInput: cachedInput + more.cachedInput,
            cacheWrite: cacheWrite + more.cacheWrite,
            output: base.output + more.output,
          }
          const { rate, perRequest } = row
          const tiers = [{ inputTokensAbove: above, rates: dearer }]
          const tiered = { ...base, rate, perRequest, tiers, version: 'test' }
          expect(rising(tiered)).toBe(true)
          const presumed = charge(tiered, boundedUsage(tiered, { inputTokens }, output))
          expect(presumed).toBe(chargeMax(tiered, { inputTokens }, output))
        },
      ),
      { numRuns },
    )
  })

  test('affordableOutputTokens is the exact inverse of chargeMax', propertyTimeout, () => {
    const spare = fc.oneof(fc.nat(1000), fc.nat(5_000_000))
    fc.assert(
      fc.property(price, bound, tokens, spare, (row, most, output, more) => {
        const available = chargeMax(row, most, output) + more
        // Beyond the largest safe integer, which no balance reaches, costs are not told apart.
        fc.pre(Number.isSafeInteger(available) && available < Number.MAX_SAFE_INTEGER - more)
        const affordable = affordableOutputTokens(row, most, available)
        expect(affordable).toBeGreaterThanOrEqual(output)
        if (affordable === Number.POSITIVE_INFINITY) return
        expect(chargeMax(row, most, affordable)).toBeLessThanOrEqual(available)
        expect(chargeMax(row, most, affordable + 1)).toBeGreaterThan(available)
      }),
      { numRuns },
    )
  })
})
