/** Gemini, by its own wire. */
import type { Provider } from '../ports.ts'

/** Gemini; `baseUrl` is without `/v1beta`, as its SDKs have it. */
export function gemini(options: { name: string; baseUrl?: string | undefined; apiKey: string }): Provider {
  return {
    name: options.name,
    baseUrl: options.baseUrl ?? 'https://generativelanguage.googleapis.com',
    headers: { 'x-goog-api-key': options.apiKey },
    paths: {
      'generate-content': '/v1beta/models/{model}:generateContent',
      'stream-generate-content': '/v1beta/models/{model}:streamGenerateContent?alt=sse',
    },
    // A token is a byte of text at most. What it adds is markup for turns, parts and pictures, and an instruction of
    // its own where there are functions or a schema.
    overheadTokens: { base: 256, perItem: 16 },
    addFields: true,
  }
}
