/**
 * Those who speak OpenAI's chat completions with an accent of their own, as data: where they are, which field caps
 * their output, and what makes their streams tell usage. How each words its usage is `endpoints/openai/chat-usage.ts`.
 * docs/adding/provider.md says how to add one.
 */
import type { OutputCapField, Provider, StreamUsage } from '../ports.ts'

type Dialect = {
  /** Up to the part before `/chat/completions`; null for servers of the operator's own. */
  baseUrl: string | null
  outputCapField: OutputCapField
  streamOptions: StreamUsage
  /** Whether it documents OpenAI's `/embeddings`. */
  embeddings: boolean
}

/** By the provider type in the config. */
export const dialects = {
  groq: {
    baseUrl: 'https://api.groq.com/openai/v1',
    outputCapField: 'max_completion_tokens',
    streamOptions: 'include_usage',
    embeddings: false,
  },
  openrouter: {
    baseUrl: 'https://openrouter.ai/api/v1',
    outputCapField: 'max_tokens',
    // It ignores what it is asked, and always tells usage in the last chunk.
    streamOptions: 'none',
    embeddings: true,
  },
  deepseek: {
    baseUrl: 'https://api.deepseek.com',
    outputCapField: 'max_tokens',
    streamOptions: 'include_usage',
    embeddings: false,
  },
  mistral: {
    baseUrl: 'https://api.mistral.ai/v1',
    // It answers 422 to `max_completion_tokens` and `stream_options`, and always tells usage in the last chunk.
    outputCapField: 'max_tokens',
    streamOptions: 'none',
    embeddings: true,
  },
  vllm: {
    baseUrl: null,
    outputCapField: 'max_tokens',
    // Running totals, so that an answer that is cut is charged as exactly as can be.
    streamOptions: 'continuous_usage',
    embeddings: true,
  },
  ollama: {
    baseUrl: null,
    // It ignores `max_completion_tokens`, and with it the cap.
    outputCapField: 'max_tokens',
    streamOptions: 'include_usage',
    embeddings: true,
  },
} as const satisfies Record<string, Dialect>

export type DialectType = keyof typeof dialects

/** A provider that speaks a dialect. Without a key no `authorization` is sent. */
export function dialect(
  type: DialectType,
  options: { name: string; baseUrl: string; apiKey?: string | undefined },
): Provider {
  const { outputCapField, streamOptions, embeddings } = dialects[type]
  return {
    name: options.name,
    baseUrl: options.baseUrl,
    headers: options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` },
    paths: { 'chat-completions': '/chat/completions', ...(embeddings && { embeddings: '/embeddings' }) },
    // Their models' chat templates add as much as those of any compatible server.
    overheadTokens: { base: 256, perItem: 16 },
    // Several answer 400 or 422 to a field that they do not know.
    addFields: false,
    outputCapField,
    streamOptions,
  }
}
