/** Anthropic. */
import type { Provider } from '../ports.ts'

/** Anthropic; `baseUrl` is without `/v1`, as its SDKs have it. The API version is the caller's to name. */
export function anthropic(options: { name: string; baseUrl?: string | undefined; apiKey: string }): Provider {
  return {
    name: options.name,
    baseUrl: options.baseUrl ?? 'https://api.anthropic.com',
    headers: { 'x-api-key': options.apiKey },
    paths: { messages: '/v1/messages', 'count-tokens': '/v1/messages/count_tokens' },
    // With tools it adds a system prompt of its own: some 150 to 530 tokens by what it says of its models; a schema
    // for the answer adds another. Framing is a few tokens a message.
    overheadTokens: { base: 1024, perItem: 16 },
    addFields: true,
  }
}
