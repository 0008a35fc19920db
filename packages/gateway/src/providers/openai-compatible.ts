/** Servers that speak OpenAI's chat completions, and often its embeddings: Ollama, vLLM, OpenRouter and many more. */
import type { Provider } from '../ports.ts'

/** A server at `baseUrl`. Without a key no `authorization` is sent. */
export function openaiCompatible(options: {
  name: string
  baseUrl: string
  apiKey?: string | undefined
}): Provider {
  return {
    name: options.name,
    baseUrl: options.baseUrl,
    headers: options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` },
    paths: {
      'chat-completions': '/chat/completions',
      embeddings: '/embeddings',
      speech: '/audio/speech',
      transcriptions: '/audio/transcriptions',
    },
    // As for OpenAI, but chat templates add more before the first message: a system prompt of their own where
    // there is none, dates and channels (gpt-oss, some 100 tokens), a preamble for tools (Qwen, some 130).
    overheadTokens: { base: 256, perItem: 16 },
    // Some of them answer 400 to a field that they do not know.
    addFields: false,
    outputCapField: 'max_tokens',
  }
}
