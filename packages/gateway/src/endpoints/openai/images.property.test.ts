import fc from 'fast-check'
import { expect, test } from 'vitest'
import { charge } from '../../core/pricing.ts'
import { priceOf } from '../../core/test-kit.ts'
import { forwardedText, holdOf, modelOf, parseWith } from '../test-kit.ts'
import { images } from './images.ts'
import { partialImageTokens, pictureFamily } from './picture-tokens.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text).length
const edge = fc.integer({ min: 16, max: 240 }).map((steps) => 16 * steps)
const size = fc.oneof(
  fc.constantFrom('auto', '1024x1024', '1536x1024', '1024x1536', null),
  fc.tuple(edge, edge).map(([width, height]) => `${width}x${height}`),
)
const body = fc.record(
  {
    prompt: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
    n: fc.constantFrom(1, 2, 10, null),
    size,
    quality: fc.constantFrom('low', 'medium', 'high', 'xhigh', 'max', 'auto', null),
    stream: fc.constantFrom(true, false, null),
    partial_images: fc.constantFrom(0, 1, 3, null),
    output_format: fc.constantFrom('png', 'webp'),
    user: fc.string({ maxLength: 9 }),
  },
  { requiredKeys: ['prompt'] },
)
const upstreamModel = fc.constantFrom('gpt-image-1-mini', 'gpt-image-2', 'gpt-image-2.5-flare')
const each = fc.nat(50_000_000)
const price = fc
  .record({
    input: each,
    cachedInput: each,
    cacheWrite: each,
    output: each,
    imageOutput: each,
    perRequest: each,
  })
  .map(priceOf)
const share = fc.double({ min: 0, max: 1, noNaN: true })

/** What one picture takes of those that the request allows: sizes and qualities left open become any. */
function drawn(
  model: string,
  value: { size?: string | null; quality?: string | null },
  pick: number,
): number {
  const family = pictureFamily(model)
  const { size: given = null, quality = null } = value
  const qualities = quality === null || quality === 'auto' ? (family?.qualities ?? []) : [quality]
  const sizes =
    given === null || given === 'auto' ? ['1024x1024', '1024x1536', '3840x2160', '2880x2880'] : [given]
  const all = qualities.flatMap((each) => sizes.flatMap((every) => family?.tokens(each, every) ?? []))
  return all[Math.floor(pick * (all.length - 1))] ?? 0
}

test('whatever a conforming provider draws and reports is within the hold', () => {
  let accepted = 0
  fc.assert(
    fc.property(body, upstreamModel, price, fc.tuple(share, share, share), (value, model, row, part) => {
      const media = modelOf().media
      const result = parseWith(
        images,
        { model: 'p', ...value },
        { model: { upstreamModel: model, media }, price: row },
      )
      if (!result.ok) return
      accepted += 1
      const request = result.value
      const out = forwardedText(request, { upstreamModel: model })
      expect(bytesOf(out)).toBeLessThanOrEqual(request.forwardedBytesMax)
      expect(JSON.parse(out)).toEqual({ ...value, model, user: 'hash' })

      const previews = request.stream ? (value.partial_images ?? 0) : 0
      const pictures = drawn(model, value, part[0]) * request.choices + previews * partialImageTokens
      const inputTokens = bytesOf(value.prompt) + 6
      const tap = images.tap(request)
      const usage = {
        input_tokens: inputTokens,
        input_tokens_details: { cached_tokens: Math.floor(inputTokens * part[1]) },
        output_tokens: pictures,
        output_tokens_details: { image_tokens: pictures, text_tokens: 0 },
      }
      const data = Array.from({ length: Math.ceil(request.choices * part[2]) }, () => ({}))
      tap.body({ data, usage })
      const read = tap.usage()
      if (!read) throw new Error('its usage was not read')
      expect(read).toMatchObject({ invalid: false, usage: { imageOutputTokens: pictures } })
      expect(charge(row, read.usage)).toBeLessThanOrEqual(holdOf(request, row))
    }),
    { numRuns: 2000 },
  )
  expect(accepted).toBeGreaterThan(400)
}, 30_000)
