/** Reads the `usage` of Anthropic's wire into the house's `Usage`. */
import type { Usage } from '../../core/pricing.ts'
import { type Count, count, optionalCount, record, usageOf } from '../usage.ts'

/** The names of all figures that are read. */
export const messageFigures = [
  ...['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens', 'cache_creation'],
  ...['output_tokens', 'server_tool_use', 'service_tier', 'speed'],
]

/**
 * Maps a usage object. `input_tokens` leaves out what was written to a cache or read from one, so the three together
 * are the input; `output_tokens` holds the reasoning too. How long a cache keeps what was written is told in
 * `cache_creation`, if at all: what that leaves open is taken to be the longer one where the request asked for it.
 */
export function readMessageUsage(
  usage: Record<string, unknown>,
  longCacheWrite: boolean,
): { usage: Usage; invalid: boolean } {
  const plain = count(usage.input_tokens)
  const read = optionalCount(usage.cache_read_input_tokens)
  const written = optionalCount(usage.cache_creation_input_tokens)
  const { long, short } = lives(written, record(usage.cache_creation) ?? {}, longCacheWrite)
  const searches = optionalCount(record(usage.server_tool_use)?.web_search_requests)
  const tier = tierOf(usage)
  const { usage: mapped, invalid } = usageOf({
    input: sum(plain, read, written),
    output: count(usage.output_tokens),
    inputParts: { cachedInputTokens: read, cacheWriteTokens: short, longCacheWriteTokens: long },
  })
  return {
    usage: {
      ...mapped,
      ...(searches.tokens > 0 && { toolCalls: searches.tokens }),
      ...(tier !== null && { serviceTier: tier }),
    },
    invalid: invalid || !searches.sane,
  }
}

function lives(
  written: Count,
  split: Record<string, unknown>,
  longCacheWrite: boolean,
): { long: Count; short: Count } {
  const hour = optionalCount(split.ephemeral_1h_input_tokens)
  const minutes = optionalCount(split.ephemeral_5m_input_tokens)
  const open = written.tokens - hour.tokens - minutes.tokens
  const sane = hour.sane && minutes.sane && open >= 0
  const rest = Math.max(0, open)
  return {
    long: { tokens: hour.tokens + (longCacheWrite ? rest : 0), sane },
    short: { tokens: minutes.tokens + (longCacheWrite ? 0 : rest), sane },
  }
}

function sum(...counts: Count[]): Count {
  return {
    tokens: counts.reduce((total, { tokens }) => total + tokens, 0),
    sane: counts.every(({ sane }) => sane),
  }
}

/** The tier that served, as far as it was told; the fast mode counts as one. */
function tierOf({ service_tier: tier, speed }: Record<string, unknown>): string | null {
  if (typeof tier === 'string' && tier !== 'standard') return tier
  if (speed === 'fast') return 'fast'
  return typeof tier === 'string' ? tier : null
}
