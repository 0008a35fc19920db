import { describe, expect, test } from 'vitest'
import { type PictureFamily, pictureFamily, pictureTokensMax } from './picture-tokens.ts'

function family(model: string): PictureFamily {
  const found = pictureFamily(model)
  if (!found) throw new Error(`${model} has no bound`)
  return found
}

const tokens = (model: string, size: string | null, quality: string | null) => {
  const result = pictureTokensMax(family(model), { size, quality })
  return result.ok ? result.value : result.error.param
}

describe('the tokens of one picture', () => {
  test.each([
    ['gpt-image-1', '1024x1024', 'low', 272],
    ['gpt-image-1', '1024x1024', 'medium', 1056],
    ['gpt-image-1-mini', '1024x1536', 'high', 6240],
    ['gpt-image-1-mini-2025-10-06', '1536x1024', 'high', 6208],
    ['gpt-image-1', 'auto', 'low', 408],
    ['gpt-image-1', null, null, 6240],
    ['gpt-image-1', '1536x1024', 'auto', 6208],
    // OpenAI's calculator.
    ['gpt-image-2', '1024x1024', 'low', 196],
    ['gpt-image-2', '1024x1024', 'high', 7024],
    ['gpt-image-2-2026-04-21', '1536x1024', 'high', 5488],
    ['gpt-image-2', '1024x1536', 'high', 5488],
    ['gpt-image-2', '1792x1024', 'high', 5063],
    ['gpt-image-2', '3584x2048', 'high', 12329],
    ['gpt-image-2', '2048x1152', 'low', 157],
    ['gpt-image-2', '2048x1152', 'medium', 1413],
    ['gpt-image-2', '2048x1152', 'high', 5650],
    // Measured.
    ['gpt-image-2.5-sunburst', '1024x1536', 'high', 1372],
    ['gpt-image-2.5-sunburst-2026-09-08', '1024x1536', 'max', 5488],
    ['gpt-image-2.5-flare', '1024x1536', 'medium', 343],
    ['gpt-image-2.5-flare', '2048x1152', 'xhigh', 2511],
    ['gpt-image-2.5-flare', '2048x1152', null, 5650],
  ])('%s %s %s: %j', (model, size, quality, expected) => {
    expect(tokens(model, size, quality)).toBe(expected)
  })

  test.each([
    ['gpt-image-1', '2048x2048', 'low', 'size'],
    ['gpt-image-1', '1024x1024', 'xhigh', 'quality'],
    ['gpt-image-2', '1024x1024', 'max', 'quality'],
    ['gpt-image-2', '1024x1024', 'constructor', 'quality'],
    ['gpt-image-1', 'constructor', 'low', 'size'],
    ['gpt-image-2', '512x512', 'low', 'size'],
    ['gpt-image-2', '1024x1000', 'low', 'size'],
    ['gpt-image-2', '3856x2160', 'low', 'size'],
    ['gpt-image-2', '3840x3840', 'low', 'size'],
    ['gpt-image-2', '3072x512', 'low', 'size'],
    ['gpt-image-2', '01024x1024', 'low', 'size'],
    ['gpt-image-2', '1024x1024 ', 'low', 'size'],
    ['gpt-image-2', 'large', 'low', 'size'],
  ])('%s %s %s names %s', (model, size, quality, param) => {
    expect(tokens(model, size, quality)).toBe(param)
  })

  test('no size that is drawn takes more than auto may', () => {
    for (const model of ['gpt-image-2', 'gpt-image-2.5-flare']) {
      for (const quality of family(model).qualities) {
        const most = tokens(model, 'auto', quality)
        let drawn = 0
        for (let width = 16; width <= 3840; width += 16) {
          for (let height = 16; height <= width; height += 16) {
            const each = family(model).tokens(quality, `${width}x${height}`)
            if (each === null) continue
            drawn += 1
            if (each > Number(most)) expect(`${width}x${height}: ${each}`).toBe(`at most ${most}`)
          }
        }
        expect(drawn).toBeGreaterThan(5000)
      }
    }
  })
})

test.each([
  'gpt-image-1.5',
  'chatgpt-image-latest',
  'gpt-image-2.6-flare',
  'gpt-image-2.5',
  'dall-e-3',
  'xgpt-image-2',
])('%s has no bound that is known', (model) => {
  expect(pictureFamily(model)).toBe(null)
})
