/**
 * Reads the `usage` object of an OpenAI-style answer, in OpenAI's words and in those of the providers that speak
 * its wire with an accent, into the house's `Usage`.
 */
import type { Usage } from '../../core/pricing.ts'
import { type Count, count, type Figures, optionalCount, record, usageOf } from '../usage.ts'

/**
 * Finds the usage object of a chunk or an answer: `usage`, Groq's `x_groq.usage`, Moonshot's
 * `choices[0].usage`. Null where there is none.
 */
export function findUsage(json: Record<string, unknown>): Record<string, unknown> | null {
  return record(json.usage) ?? record(record(json.x_groq)?.usage) ?? usageOfChoice(json.choices)
}

/**
 * Maps a usage object. Cached and written tokens are parts of `prompt_tokens`; `completion_tokens` holds the
 * reasoning too, except where a provider (xAI, Gemini's compatible wire) leaves it out of there and counts it in
 * `total_tokens` only: then the difference is output.
 */
export function readUsage(usage: Record<string, unknown>): { usage: Usage; invalid: boolean } {
  const details = record(usage.prompt_tokens_details) ?? record(usage.prompt_token_details) ?? {}
  const outputDetails = record(usage.completion_tokens_details) ?? {}
  const input = count(usage.prompt_tokens)
  const given = count(usage.completion_tokens)
  const total = optionalCount(usage.total_tokens)
  const beyondInput = input.sane && total.sane ? total.tokens - input.tokens : 0
  const output: Count = {
    tokens: Math.max(given.tokens, beyondInput),
    sane: given.sane && total.sane,
  }
  return usageOf({
    input,
    output,
    inputParts: partsOfInput(input, {
      cached: optionalCount(
        details.cached_tokens ??
          usage.prompt_cache_hit_tokens ?? // DeepSeek
          usage.num_cached_tokens ?? // Mistral
          usage.cached_tokens, // Moonshot
      ),
      written: optionalCount(details.cache_write_tokens),
      sound: optionalCount(details.audio_tokens),
      pictures: optionalCount(details.image_tokens),
    }),
    outputParts: { audioOutputTokens: optionalCount(outputDetails.audio_tokens) },
  })
}

type Counts = { cached: Count; written: Count; sound: Count; pictures: Count }

/**
 * Parts in which no token is twice. What came from a cache is counted beside what kind it is of: as much of the sound
 * as there is no other room for was cached, and so were pictures, which then cost what cached text does.
 */
function partsOfInput(
  input: Count,
  { cached, written, sound, pictures }: Counts,
): NonNullable<Figures['inputParts']> {
  const fresh = Math.max(0, input.tokens - cached.tokens - written.tokens)
  const cachedSound = Math.min(cached.tokens, Math.max(0, sound.tokens - fresh))
  const freshSound = sound.tokens - cachedSound
  const freshPictures = Math.min(pictures.tokens, Math.max(0, fresh - freshSound))
  return {
    cachedInputTokens: { ...cached, tokens: cached.tokens - cachedSound },
    cachedAudioInputTokens: { tokens: cachedSound, sane: true },
    cacheWriteTokens: written,
    audioInputTokens: { ...sound, tokens: freshSound },
    imageInputTokens: {
      tokens: freshPictures,
      sane: pictures.sane && pictures.tokens + sound.tokens <= input.tokens,
    },
  }
}

function usageOfChoice(choices: unknown): Record<string, unknown> | null {
  return Array.isArray(choices) ? record(record(choices[0])?.usage) : null
}
