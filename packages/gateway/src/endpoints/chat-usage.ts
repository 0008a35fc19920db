/**
 * Reads the `usage` object of an OpenAI-style answer, in OpenAI's words and in those of the providers that speak
 * its wire with an accent, into the house's `Usage`.
 */
import type { Usage } from '../core/pricing.ts'
import { type Count, count, optionalCount, record, usageOf } from './usage.ts'

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
    inputParts: {
      cachedInputTokens: optionalCount(
        details.cached_tokens ??
          usage.prompt_cache_hit_tokens ?? // DeepSeek
          usage.num_cached_tokens ?? // Mistral
          usage.cached_tokens, // Moonshot
      ),
      cacheWriteTokens: optionalCount(details.cache_write_tokens),
      audioInputTokens: optionalCount(details.audio_tokens),
    },
    outputParts: { audioOutputTokens: optionalCount(outputDetails.audio_tokens) },
  })
}

function usageOfChoice(choices: unknown): Record<string, unknown> | null {
  return Array.isArray(choices) ? record(record(choices[0])?.usage) : null
}
