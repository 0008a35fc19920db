import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ForwardOptions } from '../../ports.ts'
import { forwardedText, parseWith } from '../test-kit.ts'
import { chatCompletions } from './chat-completions.ts'

const encoder = new TextEncoder()
const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const cap = nullable(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }))

const body = fc
  .record(
    {
      messages: fc.array(fc.record({ role: fc.constant('user'), content: text }), {
        minLength: 1,
        maxLength: 3,
      }),
      stream: nullable(fc.boolean()),
      stream_options: nullable(fc.record({ include_usage: fc.boolean(), extra: text }, { requiredKeys: [] })),
      max_tokens: cap,
      max_completion_tokens: cap,
      user: nullable(text),
      safety_identifier: nullable(text),
      prompt_cache_key: nullable(text),
      store: nullable(fc.boolean()),
      service_tier: nullable(fc.constantFrom('auto', 'default')),
      temperature: nullable(fc.double({ noNaN: true, min: 0, max: 2 })),
      metadata: fc.dictionary(text, text),
      n: nullable(fc.integer({ min: 1, max: 8 })),
      unknown: fc.anything({ maxDepth: 1 }),
      logprobs: fc.constant(null),
    },
    { requiredKeys: ['messages'] },
  )
  .map((value) =>
    typeof value.max_tokens === 'number' && typeof value.max_completion_tokens === 'number'
      ? { ...value, max_tokens: value.max_completion_tokens }
      : value,
  )

const forward: fc.Arbitrary<ForwardOptions> = fc
  .record(
    {
      upstreamModel: fc.oneof(text, fc.constant('m'.repeat(128)), fc.constant('漢'.repeat(42))),
      outputTokensMax: fc.oneof(fc.integer({ min: 1 }), fc.constant(Number.MAX_SAFE_INTEGER)),
      userHash: fc.stringMatching(/^[\w-]{1,64}$/),
      outputCapField: fc.constantFrom('max_completion_tokens' as const, 'max_tokens' as const),
      addFields: fc.boolean(),
      streamOptions: fc.constantFrom('include_usage' as const, 'continuous_usage' as const, 'none' as const),
    },
    { requiredKeys: ['upstreamModel', 'outputTokensMax', 'userHash'] },
  )
  .filter(({ upstreamModel }) => encoder.encode(JSON.stringify(upstreamModel)).length <= 130)

/** Prints some keys and texts with escapes, so that what is replaced is longer than it seems. */
function printed(value: object, escape: boolean): string {
  const json = JSON.stringify({ model: 'fast', ...value })
  return escape
    ? json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json
}

test('what is forwarded is within its byte bound, and says what was granted', () => {
  let accepted = 0
  fc.assert(
    fc.property(body, forward, fc.boolean(), fc.boolean(), (value, options, escape, allow) => {
      const given = printed(value, escape)
      const allowParameters = () => (allow ? ['stream_options.extra', 'unknown', 'store'] : [])
      const result = parseWith(chatCompletions, given, { unknownParameters: 'drop', allowParameters })
      if (!result.ok) return
      accepted += 1
      const request = result.value
      const out = forwardedText(request, options)
      const bytes = encoder.encode(out).length
      expect(bytes).toBeLessThanOrEqual(request.forwardedBytesMax)
      expect(request.forwardedBytesMax).toBeLessThanOrEqual(encoder.encode(given).length + 700)

      const sent = JSON.parse(out)
      const caps = [sent.max_tokens, sent.max_completion_tokens].filter((each) => each !== undefined)
      expect(caps).toEqual([options.outputTokensMax])
      expect(sent.model).toBe(options.upstreamModel)
      expect(sent.messages).toEqual(JSON.parse(given).messages)
      expect(sent.n ?? 1).toBe(request.choices)
      expect(sent.stream ?? false).toBe(request.stream)
      const { streamOptions = 'include_usage' } = options
      const asksForUsage = request.stream && streamOptions !== 'none'
      expect(sent.stream_options?.include_usage ?? false).toBe(asksForUsage)
      expect(sent.stream_options?.continuous_usage_stats ?? false).toBe(
        asksForUsage && streamOptions === 'continuous_usage',
      )
      expect([undefined, options.userHash]).toContain(sent.user)
    }),
    { numRuns: 3000 },
  )
  expect(accepted).toBeGreaterThan(1000)
}, 30_000)
