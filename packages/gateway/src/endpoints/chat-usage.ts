/**
 * Reads the `usage` object of an OpenAI-style answer, in OpenAI's words and in those of the providers that speak
 * its wire with an accent, into the house's `Usage`. What a provider reports is checked, not trusted: figures
 * that cannot be true are clamped into something sane and flagged, so that settlement falls back on evidence.
 */
import type { Usage } from '../core/pricing.ts'

/** No answer has this many tokens; a larger figure is not believed. */
export const tokensMax = 1_000_000_000

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
  const input = count(usage.prompt_tokens)
  const output = count(usage.completion_tokens)
  const total = count(usage.total_tokens ?? 0)
  const cached = count(
    details.cached_tokens ??
      usage.prompt_cache_hit_tokens ?? // DeepSeek
      usage.num_cached_tokens ?? // Mistral
      usage.cached_tokens ?? // Moonshot
      0,
  )
  const written = count(details.cache_write_tokens ?? 0)
  const inputTokens = input.tokens
  const cachedInputTokens = Math.min(cached.tokens, inputTokens)
  const cacheWriteTokens = Math.min(written.tokens, inputTokens - cachedInputTokens)
  const beyondInput = input.sane && total.sane ? total.tokens - inputTokens : 0
  const outputTokens = Math.max(output.tokens, beyondInput)
  const sane = input.sane && output.sane && total.sane && cached.sane && written.sane
  const fits = cached.tokens + written.tokens <= inputTokens
  return {
    usage: { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens },
    invalid: !sane || !fits,
  }
}

function count(value: unknown): { tokens: number; sane: boolean } {
  if (typeof value !== 'number' || Number.isNaN(value)) return { tokens: 0, sane: false }
  const tokens = Math.min(tokensMax, Math.max(0, Math.ceil(value)))
  return { tokens, sane: tokens === value }
}

function usageOfChoice(choices: unknown): Record<string, unknown> | null {
  return Array.isArray(choices) ? record(record(choices[0])?.usage) : null
}

/** The value as an object with keys, else null. */
export function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
