import fc from 'fast-check'
import { expect, test } from 'vitest'
import { charge, type Price } from '../../core/pricing.ts'
import { unitPrice } from '../../core/test-kit.ts'
import type { ForwardOptions, ModelRequest } from '../../ports.ts'
import { forwardedText, holdOf, parseWith } from '../test-kit.ts'
import { wavOf } from '../test-kit-sound.ts'
import { generateContent } from './generate-content.ts'
import { pictureOf, pngOf } from './test-kit-gemini.ts'

/** Of a field that is given in both spellings, the first alone. */
function oneSpelling(camel: string, snake: string) {
  return (value: object) =>
    Object.fromEntries(Object.entries(value).filter(([key]) => key !== snake || !Object.hasOwn(value, camel)))
}

function wavText(seconds: number): string {
  return btoa(String.fromCharCode(...wavOf({ seconds })))
}

const encoder = new TextEncoder()
const pathModel = 'models/fast'
const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const side = fc.integer({ min: 1, max: 5000 })

const part = fc.oneof(
  { weight: 3, arbitrary: fc.record({ text }) },
  fc.record({ functionCall: fc.record({ name: text, args: fc.dictionary(text, text) }) }),
  fc.double({ noNaN: true, min: 0.01, max: 0.2 }).map((seconds) => pictureOf(wavText(seconds), 'audio/wav')),
  fc.tuple(side, side).map(([width, height]) => pictureOf(pngOf(width, height))),
)
const content = fc.record({
  role: fc.constantFrom('user', 'model'),
  parts: fc.array(part, { maxLength: 3 }),
})
const cap = nullable(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }))
const config = fc
  .record(
    {
      maxOutputTokens: cap,
      max_output_tokens: cap,
      candidateCount: nullable(fc.integer({ min: 1, max: 8 })),
      topP: nullable(fc.double({ noNaN: true, min: 0, max: 1 })),
      responseJsonSchema: fc.dictionary(text, text),
      responseModalities: nullable(fc.constantFrom(['TEXT'], ['TEXT', 'IMAGE'], ['AUDIO'])),
      logprobs: fc.constant(null),
      unknown: fc.anything({ maxDepth: 1 }),
    },
    { requiredKeys: [] },
  )
  .map(oneSpelling('maxOutputTokens', 'max_output_tokens'))
const body = fc
  .record(
    {
      contents: fc.array(content, { minLength: 1, maxLength: 3 }),
      systemInstruction: nullable(fc.record({ parts: fc.array(fc.record({ text }), { maxLength: 2 }) })),
      tools: fc.array(
        fc.record({ functionDeclarations: fc.array(fc.record({ name: text }), { maxLength: 2 }) }),
        {
          maxLength: 2,
        },
      ),
      generationConfig: nullable(config),
      generation_config: nullable(config),
      store: nullable(fc.boolean()),
      labels: fc.dictionary(text, text),
      unknown: fc.anything({ maxDepth: 1 }),
      cachedContent: fc.constant(null),
    },
    { requiredKeys: ['contents'] },
  )
  .map(oneSpelling('generationConfig', 'generation_config'))

const forward: fc.Arbitrary<ForwardOptions> = fc.record({
  upstreamModel: fc.constant('gemini-2.5-flash'),
  outputTokensMax: fc.oneof(fc.integer({ min: 1 }), fc.constant(Number.MAX_SAFE_INTEGER)),
  userHash: fc.constant('hash'),
})

/** Prints some texts with escapes, so that what is replaced is longer than it seems. */
function printed(value: unknown, escape: boolean): string {
  const json = JSON.stringify(value)
  return escape
    ? json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json
}

/** The base64 of all pictures in a request. */
function mediaBytes(json: string): number {
  return [...json.matchAll(/"data":"([^"]*)"/g)].reduce((sum, [, data = '']) => sum + data.length, 0)
}

const each = fc.oneof(fc.nat(3), fc.nat(100_000))
const price: fc.Arbitrary<Partial<Price>> = fc.record(
  {
    input: each,
    cachedInput: each,
    output: each,
    audioInput: each,
    cachedAudioInput: each,
    imageInput: each,
    imageOutput: each,
    audioOutput: each,
  },
  { requiredKeys: ['audioInput', 'imageOutput', 'audioOutput'] },
)

test('what is forwarded is within its byte bound, and says what was granted', () => {
  let accepted = 0
  fc.assert(
    fc.property(body, forward, price, fc.boolean(), (value, options, over, escape) => {
      const given = printed(value, escape)
      const choices = { unknownParameters: 'drop', pathModel, price: over } as const
      const result = parseWith(generateContent, given, choices)
      if (!result.ok) return
      accepted += 1
      const request = result.value
      const out = forwardedText(request, options)
      const bytes = encoder.encode(out).length - mediaBytes(out)
      expect(bytes).toBeLessThanOrEqual(request.forwardedBytesMax)
      expect(request.forwardedBytesMax).toBeLessThanOrEqual(
        encoder.encode(given).length - mediaBytes(given) + 700,
      )

      const sent = JSON.parse(out)
      const { generationConfig, generation_config: snake, ...rest } = sent
      const settings = generationConfig ?? snake
      const caps = [settings.maxOutputTokens, settings.max_output_tokens].filter((one) => one !== undefined)
      expect(caps).toEqual([options.outputTokensMax])
      expect(settings.candidateCount ?? 1).toBe(request.choices)
      expect(rest.contents).toEqual(JSON.parse(given).contents)
      expect(Object.keys(rest)).not.toEqual(expect.arrayContaining(['unknown']))
      expect([undefined, false]).toContain(rest.store)
    }),
    { numRuns: 1500 },
  )
  expect(accepted).toBeGreaterThan(500)
}, 30_000)

/** Shares of what a request can use, from 0 to 1. */
const share = fc.double({ noNaN: true, min: 0, max: 1 })
const shares = fc.record({
  text: share,
  picture: share,
  cached: share,
  output: share,
  thoughts: share,
  drawn: share,
  spoken: share,
})

/** The usage that a provider can report for the request at that cap: each figure a share of the most it can be. */
function reportFor(
  request: ModelRequest,
  outputTokensMax: number,
  of: typeof shares extends fc.Arbitrary<infer T> ? T : never,
) {
  const { imageInputTokens = 0, audioInputTokens = 0, imageOutput, audioOutput } = request.uses ?? {}
  const picture = Math.floor(imageInputTokens * of.picture)
  const sound = Math.floor(audioInputTokens * of.picture)
  const promptTokenCount = Math.floor(request.forwardedBytesMax * of.text) + picture + sound
  const output = Math.floor(outputTokensMax * request.choices * of.output)
  const candidates = Math.floor(output * of.thoughts)
  const drawn = imageOutput ? Math.floor(candidates * of.drawn) : 0
  const spoken = audioOutput ? Math.floor((candidates - drawn) * of.spoken) : 0
  return {
    promptTokenCount,
    candidatesTokenCount: candidates,
    thoughtsTokenCount: output - candidates,
    totalTokenCount: promptTokenCount + output,
    cachedContentTokenCount: Math.floor(promptTokenCount * of.cached),
    promptTokensDetails: [
      { modality: 'IMAGE', tokenCount: picture },
      { modality: 'AUDIO', tokenCount: sound },
    ],
    cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: Math.floor(sound * of.cached) }],
    candidatesTokensDetails: [
      { modality: 'IMAGE', tokenCount: drawn },
      { modality: 'AUDIO', tokenCount: spoken },
    ],
  }
}

test('no usage within the bounds of a request costs more than its hold', () => {
  let accepted = 0
  const cap = fc.integer({ min: 1, max: 100_000 })
  fc.assert(
    fc.property(body, price, cap, shares, (value, over, outputTokensMax, of) => {
      const result = parseWith(generateContent, value, { unknownParameters: 'drop', pathModel, price: over })
      if (!result.ok) return
      accepted += 1
      const request = result.value
      const tap = generateContent.tap(request)
      expect(tap.body({ candidates: [], usageMetadata: reportFor(request, outputTokensMax, of) })).toBe(true)
      const reading = tap.usage()
      expect(reading?.invalid).toBe(false)
      const full = { ...unitPrice, ...over }
      const held = holdOf({ ...request, outputTokensAsked: outputTokensMax }, full)
      if (reading) expect(charge(full, reading.usage)).toBeLessThanOrEqual(held)
    }),
    { numRuns: 1500 },
  )
  expect(accepted).toBeGreaterThan(500)
}, 30_000)
