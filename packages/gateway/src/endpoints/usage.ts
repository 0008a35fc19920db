/**
 * From a provider's figures to the house's `Usage`. What a provider reports is checked, not trusted: figures that
 * cannot be true are clamped into something sane and flagged, so that settlement falls back on evidence.
 */
import type { Usage } from '../core/pricing.ts'

/** No answer has this many tokens; a larger figure is not believed. */
export const tokensMax = 1_000_000_000

/** A figure as a whole number of tokens; not `sane` where it is none. */
export type Count = { tokens: number; sane: boolean }

/** Reads a figure: a fraction is rounded up, a negative one is 0, and neither is sane. */
export function count(value: unknown): Count {
  if (typeof value !== 'number' || Number.isNaN(value)) return { tokens: 0, sane: false }
  const tokens = Math.min(tokensMax, Math.max(0, Math.ceil(value)))
  return { tokens, sane: tokens === value }
}

/** A figure that may be absent (or null): 0 then. */
export function optionalCount(value: unknown): Count {
  return value === undefined || value === null ? { tokens: 0, sane: true } : count(value)
}

type InputPart =
  | 'cachedInputTokens'
  | 'cacheWriteTokens'
  | 'longCacheWriteTokens'
  | 'audioInputTokens'
  | 'cachedAudioInputTokens'
  | 'imageInputTokens'
type OutputPart = 'audioOutputTokens' | 'imageOutputTokens'

/** What a provider said: totals, and parts of them in which no token is counted twice. */
export type Figures = {
  input: Count
  output: Count
  inputParts?: Partial<Record<InputPart, Count>>
  outputParts?: Partial<Record<OutputPart, Count>>
}

/** The usage that the figures mean, with parts cut to what their total leaves; `invalid` where one was not sane or cut. */
export function usageOf({ input, output, inputParts = {}, outputParts = {} }: Figures): {
  usage: Usage
  invalid: boolean
} {
  const inputs = fit(input, inputParts)
  const outputs = fit(output, outputParts)
  return {
    usage: {
      inputTokens: input.tokens,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: output.tokens,
      ...inputs.parts,
      ...outputs.parts,
    },
    invalid: !(input.sane && output.sane && inputs.sane && outputs.sane),
  }
}

function fit<Name extends string>(
  total: Count,
  counts: Partial<Record<Name, Count>>,
): { parts: Partial<Record<Name, number>>; sane: boolean } {
  const parts: Partial<Record<Name, number>> = {}
  let left = total.tokens
  let sane = true
  for (const [name, part] of Object.entries(counts) as [Name, Count][]) {
    if (!part.sane || part.tokens > left) sane = false
    const tokens = Math.min(part.tokens, left)
    left -= tokens
    if (tokens > 0) parts[name] = tokens
  }
  return { parts, sane }
}

/** JSON text as an object with keys, else null. */
export function parseRecord(text: string): Record<string, unknown> | null {
  try {
    return record(JSON.parse(text))
  } catch {
    return null
  }
}

/** The value as an object with keys, else null. */
export function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
