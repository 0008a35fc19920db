import { expect, test } from 'vitest'
import { imageTokensMax, messageImageTokens } from './messages-images.ts'

// What the provider's guide and its own counts say of pictures that need not be made smaller.
test.each([
  [200, 200, 64],
  [1000, 1000, 1334],
  [1024, 1024, 1399],
  [1092, 1092, 1590],
  [1920, 1080, 2765],
])('%i by %i pixels may cost %i tokens, and no less than their patches', (width, height, tokens) => {
  expect(messageImageTokens({ width, height }, null)).toBe(tokens)
  expect(tokens).toBeGreaterThanOrEqual(Math.ceil(width / 28) * Math.ceil(height / 28))
})

test('a larger one is made smaller, as far as the model reads', () => {
  const photo = { width: 4032, height: 3024 }
  expect(messageImageTokens(photo, null)).toBe(imageTokensMax)
  expect(messageImageTokens(photo, 1568)).toBe(1568)
  expect(messageImageTokens({ width: 100, height: 100 }, 1568)).toBe(16)
})

test('one of unknown size may be the largest', () => {
  expect(messageImageTokens(null, null)).toBe(imageTokensMax)
  expect(messageImageTokens(null, 1568)).toBe(1568)
})
