/**
 * Anthropic. Its own wire (`/v1/messages`) comes later, so no path is named yet and nothing is sent to it.
 */
import type { Provider } from '../ports.ts'

/** Anthropic; `baseUrl` is without `/v1`, as its SDKs have it. The API version is the caller's to name. */
export function anthropic(options: { name: string; baseUrl?: string | undefined; apiKey: string }): Provider {
  return {
    name: options.name,
    baseUrl: options.baseUrl ?? 'https://api.anthropic.com',
    headers: { 'x-api-key': options.apiKey },
    paths: {},
    // With tools it adds a system prompt of its own, some hundreds of tokens.
    overheadTokens: { base: 1024, perItem: 16 },
    addFields: true,
  }
}
