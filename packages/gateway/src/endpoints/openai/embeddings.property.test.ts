import fc from 'fast-check'
import { expect, test } from 'vitest'
import { charge } from '../../core/pricing.ts'
import { unitPrice } from '../../core/test-kit.ts'
import { forwardedText, holdOf, parseWith } from '../test-kit.ts'
import { embeddings } from './embeddings.ts'

const encoder = new TextEncoder()
const bytesOf = (text: string) => encoder.encode(text).length
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const strange = fc
  .tuple(fc.constantFrom('\ufdfa', '\ufdfb', '㌖', 'ﬁ', '½', '한', 'é'), fc.integer({ min: 1, max: 40 }))
  .map(([each, times]) => each.repeat(times))
const token = fc.nat(200_000)
const tokens = fc.array(token, { minLength: 1, maxLength: 5 })
const input = fc.oneof(
  text,
  fc.array(fc.oneof(text, strange, tokens), { minLength: 1, maxLength: 5 }),
  tokens,
)
const body = fc.record(
  {
    input,
    dimensions: fc.integer({ min: 1, max: 5000 }),
    encoding_format: fc.constantFrom('float', 'base64', null),
    user: fc.option(text, { nil: null }),
    unknown: fc.anything({ maxDepth: 1 }),
  },
  { requiredKeys: ['input'] },
)
const forward = fc.record({
  upstreamModel: fc
    .oneof(text, fc.constant('m'.repeat(128)))
    .filter((name) => bytesOf(JSON.stringify(name)) <= 130),
  userHash: fc.stringMatching(/^[\w-]{1,64}$/),
  addFields: fc.boolean(),
})

/** The most tokens that any model makes of an input: one of a byte, once its characters are folded. */
function tokensOf(value: unknown): number {
  if (typeof value === 'string') return Math.max(bytesOf(value), bytesOf(value.normalize('NFKC')))
  return Array.isArray(value) ? value.reduce((sum: number, each) => sum + tokensOf(each), 0) : 1
}

test('what is forwarded is within its byte bound, and its tokens are within the hold', () => {
  let accepted = 0
  fc.assert(
    fc.property(body, forward, fc.boolean(), (value, options, escape) => {
      const json = JSON.stringify({ model: 'vector', ...value })
      const given = escape ? json.replace(/[\u0080-\uffff]/g, escaped) : json
      const result = parseWith(embeddings, given, { unknownParameters: 'drop' })
      if (!result.ok) return
      accepted += 1
      const request = result.value
      const out = forwardedText(request, options)
      expect(bytesOf(out)).toBeLessThanOrEqual(request.forwardedBytesMax)
      const { model, user, input: sent, ...rest } = JSON.parse(out)
      expect([model, sent]).toEqual([options.upstreamModel, JSON.parse(given).input])
      expect([undefined, options.userHash]).toContain(user)
      expect(['dimensions', 'encoding_format']).toEqual(expect.arrayContaining(Object.keys(rest)))

      const tap = embeddings.tap(request)
      const inputTokens = tokensOf(sent) + 16 * request.items
      tap.body({ data: [{}], usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } })
      const usage = tap.usage()?.usage
      if (!usage) throw new Error('its usage was not read')
      expect(usage.inputTokens).toBe(inputTokens)
      expect(charge(unitPrice, usage)).toBeLessThanOrEqual(holdOf(request, unitPrice))
    }),
    { numRuns: 2000 },
  )
  expect(accepted).toBeGreaterThan(1000)
}, 30_000)

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
