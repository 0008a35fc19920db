import { describe, expect, test } from 'vitest'
import { inlineImage, openAiImageTokens } from './media-images.ts'

/** A PNG of 1024 × 512. */
const png = 'iVBORw0KGgoAAAANSUhEUgAABAAAAAIACAYAAAA='
const model = (upstreamModel: string, imageTokensMax: number | null = null) => ({
  upstreamModel,
  media: { remote: false, imageTokensMax, audioSecondsMax: null },
})

describe('inlineImage', () => {
  test.each(['png', 'jpeg', 'jpg', 'gif', 'webp', 'PNG'])('finds a picture of type %s', (type) => {
    expect(inlineImage(`data:image/${type};base64,${png}`)).toEqual({
      bytes: png.length,
      size: { width: 1024, height: 512 },
    })
  })

  test('one whose size cannot be told is a picture all the same', () => {
    expect(inlineImage('data:image/png;base64,AAAA')).toEqual({ bytes: 4, size: null })
  })

  test.each([
    'https://example.com/a.png',
    `data:image/svg+xml;base64,${png}`,
    `data:application/pdf;base64,${png}`,
    `data:image/png,${png}`,
    `data:image/png;charset=x;base64,${png}`,
    'data:image/png;base64,',
    'data:image/png;base64,AAAA words to read',
    'data:image/png;base64,AA==AA',
    'data:image/png;base64,AA\nAA',
    ` data:image/png;base64,${png}`,
    '',
  ])('%s is none', (url) => {
    expect(inlineImage(url)).toBeNull()
  })
})

describe('openAiImageTokens', () => {
  const size = (width: number, height: number) => ({ width, height })

  // What the guide's formulas say for these, and what the models were seen to charge, is never more.
  test.each<[string, number, number, unknown, number]>([
    ['gpt-4o', 1024, 1024, 'high', 765],
    ['gpt-4o', 2048, 4096, 'high', 1105],
    ['gpt-4o', 2049, 513, 'high', 1453],
    ['gpt-4o', 9000, 9000, 'low', 85],
    ['gpt-4o-mini', 1024, 1024, 'auto', 2833 + 4 * 5667],
    ['gpt-4o-mini', 128, 64, 'high', 8500],
    ['gpt-4.1-mini', 1800, 2400, 'auto', Math.ceil(1452 * 1.62)],
    ['gpt-4.1-nano', 1024, 1024, undefined, Math.ceil(1024 * 2.46)],
    ['o4-mini', 4000, 4000, 'high', Math.ceil(1536 * 1.72)],
    ['gpt-5-mini', 1800, 1200, 'high', 2488],
    ['gpt-5.4', 3200, 3200, 'original', 10_000],
    ['gpt-5.4', 3200, 3200, 'high', 2500],
    ['gpt-5.4-nano', 640, 640, 'auto', Math.ceil(400 * 2.46)],
  ])('%s, %i × %i in detail %s: at least %i', (name, width, height, detail, tokens) => {
    expect(openAiImageTokens(model(name), size(width, height), detail)).toBeGreaterThanOrEqual(tokens)
  })

  test.each<[string, unknown, number]>([
    ['gpt-5-mini', 'high', 3779],
    ['gpt-5.6', 'high', 6150],
    ['gpt-5.6', 'original', 24_600],
    ['gpt-6-astra', 'auto', 24_600],
    ['gpt-4o-mini-2024-07-18', 'high', 48_169],
    ['ft:gpt-4o-mini:acme', undefined, 48_169],
    ['my-deployment', 'high', 48_169],
    ['my-deployment', 'low', 48_169],
    ['openai/gpt-4o', 'low', 48_169],
  ])('%s in detail %s: at most %i, which holds where the size is unknown', (name, detail, most) => {
    expect(openAiImageTokens(model(name), null, detail)).toBe(most)
    expect(openAiImageTokens(model(name), size(60_000, 22_000), detail)).toBe(most)
    expect(openAiImageTokens(model(name), size(1, 1), detail)).toBeLessThanOrEqual(most)
  })

  test('a small picture is bounded by its size', () => {
    expect(openAiImageTokens(model('gpt-5.6'), size(320, 320), 'auto')).toBe(85 + 170 * 4)
    expect(openAiImageTokens(model('gpt-5.6'), size(1024, 1024), 'auto')).toBe(2520)
  })

  test("the operator's maximum is the most, and lowers nothing that is less", () => {
    expect(openAiImageTokens(model('gpt-5.6', 1000), null, 'auto')).toBe(1000)
    expect(openAiImageTokens(model('gpt-5.6', 1000), size(1024, 1024), 'auto')).toBe(1000)
    expect(openAiImageTokens(model('gpt-5.6', 5000), size(1024, 1024), 'auto')).toBe(2520)
  })
})
