import { describe, expect, test } from 'vitest'
import { readGeminiUsage } from './gemini-usage.ts'

const none = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0 }
const tokens = (modality: string, tokenCount: unknown) => ({ modality, tokenCount })

describe('usageMetadata', () => {
  test.each([
    [
      'text',
      { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 },
      { inputTokens: 9, outputTokens: 4 },
    ],
    [
      'thoughts, which come on top',
      { promptTokenCount: 9, candidatesTokenCount: 4, thoughtsTokenCount: 30, totalTokenCount: 43 },
      { inputTokens: 9, outputTokens: 34 },
    ],
    [
      'thoughts that only the total counts',
      { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 43 },
      { inputTokens: 9, outputTokens: 34 },
    ],
    [
      'what tools found',
      { promptTokenCount: 9, toolUsePromptTokenCount: 100, candidatesTokenCount: 4, totalTokenCount: 113 },
      { inputTokens: 109, outputTokens: 4 },
    ],
    ['a prompt that was blocked', { promptTokenCount: 9, totalTokenCount: 9 }, { inputTokens: 9 }],
    [
      'a cache',
      { promptTokenCount: 90, cachedContentTokenCount: 60, candidatesTokenCount: 1 },
      { inputTokens: 90, cachedInputTokens: 60, outputTokens: 1 },
    ],
    [
      'sound and pictures, partly out of a cache',
      {
        promptTokenCount: 100,
        promptTokensDetails: [tokens('TEXT', 10), tokens('AUDIO', 40), tokens('IMAGE', 50)],
        cachedContentTokenCount: 45,
        cacheTokensDetails: [tokens('TEXT', 5), tokens('AUDIO', 30), tokens('IMAGE', 10)],
        candidatesTokenCount: 7,
        candidatesTokensDetails: [tokens('TEXT', 1), tokens('IMAGE', 4), tokens('AUDIO', 2)],
      },
      {
        inputTokens: 100,
        cachedInputTokens: 15,
        cachedAudioInputTokens: 30,
        audioInputTokens: 10,
        imageInputTokens: 40,
        outputTokens: 7,
        imageOutputTokens: 4,
        audioOutputTokens: 2,
      },
    ],
    [
      'pictures beside a cache that does not say what it held',
      {
        promptTokenCount: 100,
        promptTokensDetails: [tokens('IMAGE', 80)],
        cachedContentTokenCount: 45,
      },
      { inputTokens: 100, cachedInputTokens: 45, imageInputTokens: 55 },
    ],
    [
      'another tier',
      { promptTokenCount: 1, serviceTier: 'priority' },
      { inputTokens: 1, serviceTier: 'priority' },
    ],
    ['the standard tier', { promptTokenCount: 1, serviceTier: 'SERVICE_TIER_STANDARD' }, { inputTokens: 1 }],
    [
      'nulls',
      { promptTokenCount: 1, candidatesTokenCount: null, promptTokensDetails: null },
      { inputTokens: 1 },
    ],
  ])('of %s', (_, metadata, usage) => {
    expect(readGeminiUsage(metadata)).toEqual({ usage: { ...none, ...usage }, invalid: false })
  })

  test.each([
    ['no input', { candidatesTokenCount: 4 }],
    ['text for a figure', { promptTokenCount: '9' }],
    ['a negative figure', { promptTokenCount: 9, candidatesTokenCount: -4 }],
    ['a fraction', { promptTokenCount: 9, thoughtsTokenCount: 0.5 }],
    ['a figure beyond belief', { promptTokenCount: 9, totalTokenCount: 1e15 }],
    ['more cached than there was', { promptTokenCount: 9, cachedContentTokenCount: 10 }],
    ['more cached sound than was cached', { promptTokenCount: 9, cacheTokensDetails: [tokens('AUDIO', 1)] }],
    ['more pictures than output', { promptTokenCount: 9, candidatesTokensDetails: [tokens('IMAGE', 1)] }],
    ['a modality that is no figure', { promptTokenCount: 9, promptTokensDetails: [tokens('AUDIO', 'x')] }],
  ])('is not believed: %s', (_, metadata) => {
    const { usage, invalid } = readGeminiUsage(metadata)
    expect(invalid).toBe(true)
    for (const figure of Object.values(usage)) expect(figure).toBeGreaterThanOrEqual(0)
  })
})
