/** For every request that the wire takes: it goes on within its bounds, and no honest report of it costs more than its hold. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { charge, chargeMax } from '../../core/pricing.ts'
import { propertyTimeout, runsFactor, unitPrice } from '../../core/test-kit.ts'
import type { ForwardOptions, ModelRequest } from '../../ports.ts'
import { forwardedText, type ParseChoices, parseWith } from '../test-kit.ts'
import { countTokens } from './count-tokens.ts'
import { messages } from './messages.ts'
import { imageTokensMax } from './messages-images.ts'
import { readMessageUsage } from './messages-usage.ts'

const encoder = new TextEncoder()
const overhead = { base: 1024, perItem: 16 }
const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const cacheControl = nullable(
  fc.record({ type: fc.constant('ephemeral'), ttl: fc.constantFrom('5m', '1h') }, { requiredKeys: ['type'] }),
)

const textBlock = fc.record({ type: fc.constant('text'), text, cache_control: cacheControl })
const imageBlock = fc.record({
  type: fc.constant('image'),
  source: fc.record({
    type: fc.constant('base64'),
    media_type: fc.constant('image/png'),
    data: fc.base64String({ maxLength: 40 }),
  }),
})
const documentBlock = fc.record({
  type: fc.constant('document'),
  source: fc.record({ type: fc.constant('text'), media_type: fc.constant('text/plain'), data: text }),
  citations: fc.record({ enabled: fc.boolean() }),
})
const resultBlock = fc.record({
  type: fc.constant('tool_result'),
  tool_use_id: text,
  content: fc.array(fc.oneof(textBlock, imageBlock, documentBlock), { maxLength: 2 }),
})
const content = fc.oneof(
  text,
  fc.array(fc.oneof(textBlock, imageBlock, documentBlock, resultBlock), { maxLength: 3 }),
)

const customTool = fc.record({ name: text, description: text, input_schema: fc.dictionary(text, text) })
const shellTool = fc.record({ type: fc.constant('bash_20250124'), name: fc.constant('bash') })
const searchTool = fc.record(
  {
    type: fc.constant('web_search_20250305'),
    name: fc.constant('web_search'),
    max_uses: nullable(fc.integer({ min: 1, max: 20 })),
    weight: fc.constant(null),
  },
  { requiredKeys: ['type', 'name'] },
)

const body = fc.record(
  {
    max_tokens: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.constant(Number.MAX_SAFE_INTEGER)),
    messages: fc.array(fc.record({ role: fc.constantFrom('user', 'assistant'), content }), {
      minLength: 1,
      maxLength: 3,
    }),
    system: fc.oneof(fc.constant(null), text, fc.array(textBlock, { maxLength: 2 })),
    tools: nullable(
      fc
        .tuple(
          fc.array(fc.oneof(customTool, shellTool), { maxLength: 2 }),
          fc.array(searchTool, { maxLength: 1 }),
        )
        .map((lists) => lists.flat()),
    ),
    cache_control: cacheControl,
    stream: nullable(fc.boolean()),
    metadata: nullable(fc.record({ user_id: text }, { requiredKeys: [] })),
    service_tier: nullable(fc.constantFrom('auto', 'standard_only')),
    speed: nullable(fc.constantFrom('standard', 'fast')),
    temperature: nullable(fc.double({ noNaN: true, min: 0, max: 1 })),
    unknown: fc.anything({ maxDepth: 1 }),
    container: fc.constant(null),
  },
  { requiredKeys: ['max_tokens', 'messages'] },
)

const forward: fc.Arbitrary<ForwardOptions> = fc
  .record(
    {
      upstreamModel: fc.oneof(text, fc.constant('m'.repeat(128)), fc.constant('漢'.repeat(42))),
      outputTokensMax: fc.oneof(fc.integer({ min: 1 }), fc.constant(Number.MAX_SAFE_INTEGER)),
      userHash: fc.stringMatching(/^[\w-]{1,64}$/),
      addFields: fc.boolean(),
    },
    { requiredKeys: ['upstreamModel', 'outputTokensMax', 'userHash'] },
  )
  .filter(({ upstreamModel }) => encoder.encode(JSON.stringify(upstreamModel)).length <= 130)

const tools = { callsMax: 3, inputTokensPerCall: 700 }
const dear: ParseChoices = {
  unknownParameters: 'drop',
  model: { tools },
  price: {
    input: 3,
    cachedInput: 1,
    cacheWrite: 4,
    output: 15,
    longCacheWrite: 6,
    toolCall: 10_000,
    serviceTiers: { priority: 170, fast: 600 },
  },
}
const cheap: ParseChoices = { unknownParameters: 'drop' }

/** Prints some texts with escapes, so that what is replaced is longer than it seems. */
function printed(value: object, escape: boolean): string {
  const json = JSON.stringify({ model: 'claude', ...value })
  return escape
    ? json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json
}

/** The text that goes on without the data of pictures, and how many these are. */
function withoutPictures(json: string): { bytes: number; pictures: number } {
  let pictures = 0
  let data = 0
  JSON.parse(json, (key, value) => {
    if (key === 'source' && value.type === 'base64') {
      pictures += 1
      data += value.data.length
    }
    return value
  })
  return { bytes: encoder.encode(json).length - data, pictures }
}

test('what is forwarded is within its byte bound, and says what was granted', propertyTimeout, () => {
  let accepted = 0
  fc.assert(
    fc.property(body, forward, fc.boolean(), fc.boolean(), (value, options, escape, isDear) => {
      const given = printed(value, escape)
      const result = parseWith(messages, given, isDear ? dear : cheap)
      if (!result.ok) return
      accepted += 1
      const request = result.value
      const out = forwardedText(request, options)
      expect(withoutPictures(out).bytes).toBeLessThanOrEqual(request.forwardedBytesMax)
      expect(request.forwardedBytesMax).toBeLessThanOrEqual(encoder.encode(given).length + 700)

      const sent = JSON.parse(out)
      expect(sent.max_tokens).toBe(options.outputTokensMax)
      expect(sent.model).toBe(options.upstreamModel)
      expect(sent.messages).toEqual(JSON.parse(given).messages)
      expect(sent.stream ?? false).toBe(request.stream)
      expect([undefined, options.userHash]).toContain(sent.metadata?.user_id)
      expect(sent.service_tier === 'auto' || sent.speed === 'fast').toBe(request.uses?.serviceTier ?? false)
      expect(sent).not.toHaveProperty('unknown')
      expect(sent).not.toHaveProperty('container')
    }),
    { numRuns: 1500 * runsFactor },
  )
  expect(accepted).toBeGreaterThan(500)
})

test('what is counted is within its byte bound, and has no field more', propertyTimeout, () => {
  fc.assert(
    fc.property(body, forward, fc.boolean(), (value, options, escape) => {
      const { max_tokens: _cap, stream: _stream, temperature: _temperature, ...rest } = value
      const { metadata: _metadata, service_tier: _tier, ...counted } = rest
      const result = parseWith(countTokens, printed(counted, escape), dear)
      if (!result.ok) return
      const out = forwardedText(result.value, options)
      expect(withoutPictures(out).bytes).toBeLessThanOrEqual(result.value.forwardedBytesMax)
      const sent = JSON.parse(out)
      for (const name of Object.keys(sent)) expect(['model', ...Object.keys(counted)]).toContain(name)
    }),
    { numRuns: 500 * runsFactor },
  )
})

/** The hold's bound, as the pipeline works it out. */
function boundOf({ forwardedBytesMax, items, addedTokensMax = 0, uses = {} }: ModelRequest) {
  const textTokens = forwardedBytesMax + overhead.base + overhead.perItem * items + addedTokensMax
  return { ...uses, inputTokens: textTokens + (uses.imageInputTokens ?? 0) }
}

const share = fc.double({ min: 0, max: 1, noNaN: true })

/** What an honest provider may report of what it was sent, at shares of the most. */
function reported(json: string, items: number, part: Record<string, number>): Record<string, unknown> {
  const { bytes, pictures } = withoutPictures(json)
  const sent = JSON.parse(json)
  const { max_uses: most = 0 } = (sent.tools ?? []).find(({ max_uses: uses }: never) => uses) ?? {}
  const of = (total: number, name: string) => Math.floor(total * (part[name] ?? 0))
  const searches = Math.round(most * (part.searches ?? 0))
  const once = bytes + pictures * imageTokensMax + overhead.base + overhead.perItem * items
  const output = of(sent.max_tokens, 'output')
  const found = ((searches * (searches + 1)) / 2) * tools.inputTokensPerCall
  const input = of(once * (searches + 1) + searches * output + found, 'input')
  const written = of(input, 'written')
  const long = json.includes('"ttl":"1h"') ? of(written, 'long') : 0
  const tier = sent.service_tier === 'auto' && (part.tier ?? 0) > 0.5 ? 'priority' : 'standard'
  return {
    input_tokens: input - written - of(input - written, 'read'),
    cache_read_input_tokens: of(input - written, 'read'),
    cache_creation_input_tokens: written,
    cache_creation: { ephemeral_5m_input_tokens: written - long, ephemeral_1h_input_tokens: long },
    output_tokens: output,
    server_tool_use: { web_search_requests: searches },
    service_tier: tier,
    speed: sent.speed === 'fast' ? 'fast' : 'standard',
  }
}

test('no honest report costs more than the hold', propertyTimeout, () => {
  const names = ['input', 'written', 'long', 'read', 'output', 'searches', 'tier']
  const parts = fc.record(Object.fromEntries(names.map((name) => [name, fc.oneof(share, fc.constant(1))])))
  let searched = 0
  fc.assert(
    fc.property(body, parts, fc.boolean(), (value, part, isDear) => {
      const choices = isDear ? dear : cheap
      const cap = Math.min(value.max_tokens, 1_000_000)
      const result = parseWith(messages, printed({ ...value, max_tokens: cap }, false), choices)
      if (!result.ok) return
      const request = result.value
      const price = { ...unitPrice, ...choices.price }
      const json = forwardedText(request, { outputTokensMax: cap })
      const { usage, invalid } = readMessageUsage(
        reported(json, request.items, part),
        request.uses?.longCacheWrite === true,
      )
      expect(invalid).toBe(false)
      if (usage.toolCalls) searched += 1
      expect(charge(price, usage)).toBeLessThanOrEqual(chargeMax(price, boundOf(request), cap))
    }),
    { numRuns: 1500 * runsFactor },
  )
  expect(searched).toBeGreaterThan(50)
})
