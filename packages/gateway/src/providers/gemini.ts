/**
 * Gemini. Its own wire (`/v1beta/models/…`) comes later, so no path is named yet and nothing is sent to it.
 */
import type { Provider } from '../ports.ts'

/** Gemini; `baseUrl` is without `/v1beta`, as its SDKs have it. */
export function gemini(options: { name: string; baseUrl?: string | undefined; apiKey: string }): Provider {
  return {
    name: options.name,
    baseUrl: options.baseUrl ?? 'https://generativelanguage.googleapis.com',
    headers: { 'x-goog-api-key': options.apiKey },
    paths: {},
    overheadTokens: { base: 64, perItem: 16 },
    addFields: true,
  }
}
