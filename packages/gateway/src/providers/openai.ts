/** OpenAI itself. */
import type { Provider } from '../ports.ts'

/** OpenAI, or with `baseUrl` a proxy of it. */
export function openai(options: { name: string; baseUrl?: string | undefined; apiKey: string }): Provider {
  return {
    name: options.name,
    baseUrl: options.baseUrl ?? 'https://api.openai.com/v1',
    headers: { authorization: `Bearer ${options.apiKey}` },
    paths: {
      'chat-completions': '/chat/completions',
      responses: '/responses',
      embeddings: '/embeddings',
      moderations: '/moderations',
      images: '/images/generations',
      speech: '/audio/speech',
      transcriptions: '/audio/transcriptions',
    },
    // A byte of text is a token at most, and the parsers allow for tools that are printed anew.
    // What it adds is framing: about 4 tokens a message and 3 to begin the answer, a preamble and some markup
    // for tools. Several times that, so that the hold stays an upper bound when a model frames more richly.
    overheadTokens: { base: 64, perItem: 16 },
    addFields: true,
    outputCapField: 'max_completion_tokens',
  }
}
