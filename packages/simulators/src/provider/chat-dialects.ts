/**
 * How providers that speak OpenAI's chat wire with an accent word an answer: where a stream tells its usage and in
 * what words, what goes before the first chunk, and by what name reasoning is shown. Without a dialect it is OpenAI's.
 */
import { type ChatDialect, isRecord } from './script.ts'
import { sseEvent } from './wire-kit.ts'

/** OpenAI's usage object, as far as dialects read it. */
export type ChatUsage = Readonly<{
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: Readonly<{ cached_tokens: number }>
  completion_tokens_details: Readonly<{ reasoning_tokens: number }>
}>

type Manner = Readonly<{
  /** Where a stream tells its usage: in a chunk without choices, beside the last choice, or in an empty delta after it. */
  told: 'alone' | 'beside' | 'after'
  /** Whether it tells it unasked. */
  unasked: boolean
  /** Whether chunks before that have `usage: null`. */
  nulls: boolean
  words: (usage: ChatUsage) => Record<string, unknown>
  reasoning: (text: string) => Record<string, unknown>
}>

const plainWords = ({ prompt_tokens, completion_tokens, total_tokens }: ChatUsage) => ({
  prompt_tokens,
  completion_tokens,
  total_tokens,
})

const openAi: Manner = {
  told: 'alone',
  unasked: false,
  nulls: true,
  words: (usage) => usage,
  reasoning: (text) => ({ reasoning_content: text }),
}

const manners: Readonly<Record<ChatDialect, Manner>> = {
  azure: openAi,
  deepseek: {
    ...openAi,
    told: 'beside',
    nulls: false,
    words: (usage) => ({
      ...plainWords(usage),
      prompt_cache_hit_tokens: usage.prompt_tokens_details.cached_tokens,
      prompt_cache_miss_tokens: usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens,
    }),
  },
  groq: {
    ...openAi,
    told: 'beside',
    nulls: false,
    words: (usage) => ({
      queue_time: 0.01,
      prompt_time: 0.001,
      ...plainWords(usage),
      prompt_tokens_details: { cached_tokens: usage.prompt_tokens_details.cached_tokens },
      total_time: 0.1,
    }),
    reasoning: (text) => ({ reasoning: text }),
  },
  mistral: {
    told: 'beside',
    unasked: true,
    nulls: false,
    words: (usage) => ({
      ...plainWords(usage),
      num_cached_tokens: usage.prompt_tokens_details.cached_tokens,
    }),
    reasoning: (text) => ({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] }),
  },
  ollama: {
    ...openAi,
    nulls: false,
    words: plainWords,
    reasoning: (text) => ({ reasoning: text }),
  },
  openrouter: {
    told: 'after',
    unasked: true,
    nulls: false,
    words: (usage) => ({ ...usage, cost: 1.23e-5, cost_details: { upstream_inference_cost: null } }),
    reasoning: (text) => ({
      reasoning: text,
      reasoning_details: [{ type: 'reasoning.text', text, format: 'unknown', index: 0 }],
    }),
  },
  vllm: {
    ...openAi,
    nulls: false,
    words: (usage) => ({
      ...plainWords(usage),
      prompt_tokens_details: { cached_tokens: usage.prompt_tokens_details.cached_tokens },
    }),
    reasoning: (text) => ({ reasoning: text, reasoning_content: text }),
  },
  // Its completion tokens leave out the reasoning, which the total counts.
  xai: {
    ...openAi,
    words: (usage) => ({
      ...usage,
      completion_tokens: usage.completion_tokens - usage.completion_tokens_details.reasoning_tokens,
    }),
  },
}

/** The manner of a dialect; OpenAI's own without one. */
export const mannerOf = (dialect: ChatDialect | undefined): Manner =>
  dialect === undefined ? openAi : manners[dialect]

/** The fields that tell usage beside a choice. */
export const usageBeside = (dialect: ChatDialect | undefined, usage: unknown): Record<string, unknown> =>
  dialect === 'groq' ? { x_groq: { id: 'req_groq', usage } } : { usage }

/** Whether every chunk tells its choice's running total: vLLM, where that is asked for. */
export const isContinuous = (dialect: ChatDialect | undefined, streamOptions: unknown): boolean =>
  dialect === 'vllm' &&
  isRecord(streamOptions) &&
  streamOptions.include_usage === true &&
  streamOptions.continuous_usage_stats === true

/** What is sent before a stream's first chunk. `base` has the fields of every chunk. */
export const preludeOf = (dialect: ChatDialect | undefined, base: object): string[] => {
  if (dialect === 'openrouter') return [': OPENROUTER PROCESSING\n\n']
  if (dialect !== 'azure') return []
  const results = [{ prompt_index: 0, content_filter_results: {} }]
  return [sseEvent(JSON.stringify({ ...base, choices: [], prompt_filter_results: results }))]
}
