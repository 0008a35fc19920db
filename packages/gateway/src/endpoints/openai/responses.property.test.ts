/** For every request that the wire takes: it goes on within its bounds, and no honest report of it costs more than its hold. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { charge, chargeMax } from '../../core/pricing.ts'
import { propertyTimeout, runsFactor, unitPrice } from '../../core/test-kit.ts'
import type { ForwardOptions, ModelRequest } from '../../ports.ts'
import { forwardedText, modelOf, type ParseChoices, parseWith } from '../test-kit.ts'
import { openAiImageTokens } from './media-images.ts'
import { responses } from './responses.ts'
import { createResponsesTap } from './responses-tap.ts'

const encoder = new TextEncoder()
const overhead = { base: 64, perItem: 16 }
const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })

const textPart = fc.record({ type: fc.constant('input_text'), text })
const imagePart = fc.record({
  type: fc.constant('input_image'),
  image_url: fc.base64String({ minLength: 4, maxLength: 60 }).map((data) => `data:image/png;base64,${data}`),
  detail: nullable(fc.constantFrom('low', 'high', 'auto', 'original')),
})
const parts = fc.array(fc.oneof(textPart, imagePart), { maxLength: 3 })
const item = fc.oneof(
  fc.record({ role: fc.constantFrom('user', 'system', 'developer'), content: fc.oneof(text, parts) }),
  fc.record({ type: fc.constant('function_call'), call_id: text, name: text, arguments: text }),
  fc.record({ type: fc.constant('function_call_output'), call_id: text, output: fc.oneof(text, parts) }),
  fc.record({ type: fc.constant('reasoning'), id: text, encrypted_content: text, summary: fc.constant([]) }),
  fc.record({ type: fc.constant('web_search_call'), id: text, status: fc.constant('completed') }),
)
const tool = fc.oneof(
  fc.record({ type: fc.constant('function'), name: text, parameters: fc.dictionary(text, text) }),
  fc.record({ type: fc.constantFrom('web_search', 'web_search_preview') }),
)

const body = fc.record(
  {
    input: fc.oneof(text, fc.array(item, { minLength: 1, maxLength: 4 })),
    instructions: nullable(text),
    tools: nullable(fc.array(tool, { maxLength: 3 })),
    max_output_tokens: nullable(
      fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.constant(Number.MAX_SAFE_INTEGER)),
    ),
    max_tool_calls: nullable(fc.integer({ min: 1, max: 9 })),
    stream: nullable(fc.boolean()),
    stream_options: nullable(fc.record({ include_obfuscation: fc.boolean() }, { requiredKeys: [] })),
    user: nullable(text),
    safety_identifier: nullable(text),
    prompt_cache_key: nullable(text),
    store: nullable(fc.boolean()),
    service_tier: nullable(fc.constantFrom('auto', 'default', 'flex', 'priority')),
    temperature: nullable(fc.double({ noNaN: true, min: 0, max: 2 })),
    metadata: fc.dictionary(text, text),
    unknown: fc.anything({ maxDepth: 1 }),
    background: fc.constant(null),
  },
  { requiredKeys: ['input'] },
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
  model: { tools, outputTokensMax: 5000 },
  price: {
    input: 3,
    cachedInput: 1,
    cacheWrite: 4,
    output: 15,
    imageInput: 5,
    toolCall: 10_000,
    serviceTiers: { priority: 170, flex: 50 },
    tiers: [
      {
        inputTokensAbove: 5000,
        rates: { input: 6, cachedInput: 2, cacheWrite: 8, output: 20, imageInput: 4 },
      },
    ],
  },
}
const cheap: ParseChoices = { unknownParameters: 'drop' }

/** Prints some texts with escapes, so that what is replaced is longer than it seems. */
function printed(value: object, escape: boolean): string {
  const json = JSON.stringify({ model: 'fast', ...value })
  return escape
    ? json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json
}

/** The text that goes on without the content of pictures, and the most tokens of these. */
function withoutPictures(json: string): { bytes: number; imageTokens: number; pictures: number } {
  const found = { bytes: encoder.encode(json).length, imageTokens: 0, pictures: 0 }
  JSON.parse(json, (_key, value) => {
    if (value?.type === 'input_image') {
      found.pictures += 1
      found.bytes -= value.image_url.length - 'data:image/png;base64,'.length
      found.imageTokens += openAiImageTokens(modelOf(), null, value.detail)
    }
    return value
  })
  return found
}

test('what is forwarded is within its byte bound, and says what was granted', propertyTimeout, () => {
  let accepted = 0
  fc.assert(
    fc.property(body, forward, fc.boolean(), fc.boolean(), (value, options, escape, isDear) => {
      const given = printed(value, escape)
      const result = parseWith(responses, given, isDear ? dear : cheap)
      if (!result.ok) return
      accepted += 1
      const request = result.value
      const out = forwardedText(request, options)
      expect(withoutPictures(out).bytes).toBeLessThanOrEqual(request.forwardedBytesMax)
      expect(request.forwardedBytesMax).toBeLessThanOrEqual(encoder.encode(given).length + 700)

      const sent = JSON.parse(out)
      expect(sent.max_output_tokens).toBe(options.outputTokensMax)
      expect(sent.model).toBe(options.upstreamModel)
      expect(sent.input).toEqual(JSON.parse(given).input)
      expect(sent.store).toBe(false)
      expect(sent.stream ?? false).toBe(request.stream)
      expect([undefined, options.userHash]).toContain(sent.user)
      expect(['flex', 'priority'].includes(sent.service_tier)).toBe(request.uses?.serviceTier ?? false)
      if (request.uses?.toolCalls !== undefined) expect(sent.max_tool_calls).toBe(request.uses.toolCalls)
      for (const name of ['unknown', 'metadata', 'background']) expect(sent).not.toHaveProperty(name)
    }),
    { numRuns: 1500 * runsFactor },
  )
  expect(accepted).toBeGreaterThan(500)
})

/** The hold's bound, as the pipeline works it out. */
function boundOf({ forwardedBytesMax, items, addedTokensMax = 0, uses = {} }: ModelRequest) {
  const textTokens = forwardedBytesMax + overhead.base + overhead.perItem * items + addedTokensMax
  return { ...uses, inputTokens: textTokens + (uses.imageInputTokens ?? 0) }
}

/** What an honest provider may report of what it was sent, at shares of the most. */
function reported(json: string, items: number, part: Record<string, number>): Record<string, unknown> {
  const { bytes, imageTokens, pictures } = withoutPictures(json)
  const sent = JSON.parse(json)
  const of = (total: number, name: string) => Math.floor(total * (part[name] ?? 0))
  const maySearch = (sent.tools ?? []).some(({ type }: { type: string }) => type !== 'function')
  const searches = maySearch ? Math.round(sent.max_tool_calls * (part.searches ?? 0)) : 0
  const earlier = Array.isArray(sent.input)
    ? sent.input.filter(({ type }: { type?: string }) => type === 'web_search_call').length
    : 0
  const framing = overhead.base + overhead.perItem * items
  const once = bytes + imageTokens + framing + earlier * tools.inputTokensPerCall
  const output = of(sent.max_output_tokens, 'output')
  const found = ((searches * (searches + 1)) / 2) * tools.inputTokensPerCall
  const input = Math.max(1, of(once * (searches + 1) + searches * output + found, 'input'))
  const cached = of(input, 'cached')
  expect(items).toBeGreaterThanOrEqual(pictures)
  return {
    output: [],
    service_tier: ['flex', 'priority'].includes(sent.service_tier) ? sent.service_tier : 'default',
    tool_usage: { web_search: { num_requests: searches } },
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached, cache_write_tokens: of(input - cached, 'written') },
      output_tokens: output,
    },
  }
}

test('no honest report costs more than the hold', propertyTimeout, () => {
  const names = ['input', 'cached', 'written', 'output', 'searches']
  const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(1))
  const shares = fc.record(Object.fromEntries(names.map((name) => [name, share])))
  let searched = 0
  fc.assert(
    fc.property(body, shares, fc.boolean(), (value, part, isDear) => {
      const choices = isDear ? dear : cheap
      const result = parseWith(responses, printed(value, false), choices)
      if (!result.ok) return
      const request = result.value
      const price = { ...unitPrice, ...choices.price }
      // As the store grants: what is asked for, else the default, within the model's.
      const granted = Math.min(request.outputTokensAsked ?? 4096, choices.model?.outputTokensMax ?? 1_000_000)
      const tap = createResponsesTap()
      expect(
        tap.body(reported(forwardedText(request, { outputTokensMax: granted }), request.items, part)),
      ).toBe(true)
      const { usage, invalid } = tap.usage() ?? { usage: null, invalid: true }
      expect(invalid).toBe(false)
      if (usage?.toolCalls) searched += 1
      if (usage) expect(charge(price, usage)).toBeLessThanOrEqual(chargeMax(price, boundOf(request), granted))
    }),
    { numRuns: 1500 * runsFactor },
  )
  expect(searched).toBeGreaterThan(50)
})
