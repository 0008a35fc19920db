/** A small good request of each wire, and where its refusals say their code: for what must hold on all of them. */

/** One wire of the gateway. */
export type WireExample = {
  name: string
  /** Of a model of that wire in the test config. */
  path: string
  body: Record<string, unknown>
  /** Headers that its SDK always sends. */
  headers?: Record<string, string>
  /** The gateway's code in a refusal's body. */
  codeOf(body: unknown): unknown
}

const openAi = (body: unknown) => (body as { error?: { code?: unknown } }).error?.code
type Detailed = { error?: { details?: { error_code?: unknown; 0?: { reason?: unknown } } } }
const anthropic = (body: unknown) => (body as Detailed).error?.details?.error_code
const gemini = (body: unknown) => (body as Detailed).error?.details?.[0]?.reason

/** What is said, and to whom; `text` is the whole prompt. */
export function wireExamples(text: string): WireExample[] {
  const contents = [{ role: 'user', parts: [{ text }] }]
  const messages = [{ role: 'user', content: text }]
  return [
    { name: 'chat', path: '/v1/chat/completions', body: { model: 'fast', messages }, codeOf: openAi },
    { name: 'responses', path: '/v1/responses', body: { model: 'fast', input: text }, codeOf: openAi },
    { name: 'embeddings', path: '/v1/embeddings', body: { model: 'vectors', input: text }, codeOf: openAi },
    { name: 'moderations', path: '/v1/moderations', body: { model: 'guard', input: text }, codeOf: openAi },
    {
      name: 'images',
      path: '/v1/images/generations',
      body: { model: 'picture', prompt: text },
      codeOf: openAi,
    },
    {
      name: 'speech',
      path: '/v1/audio/speech',
      body: { model: 'voice', input: text, voice: 'alloy' },
      codeOf: openAi,
    },
    {
      name: 'messages',
      path: '/v1/messages',
      body: { model: 'claude', max_tokens: 100, messages },
      headers: { 'anthropic-version': '2023-06-01' },
      codeOf: anthropic,
    },
    {
      name: 'count_tokens',
      path: '/v1/messages/count_tokens',
      body: { model: 'claude', messages },
      headers: { 'anthropic-version': '2023-06-01' },
      codeOf: anthropic,
    },
    {
      name: 'generateContent',
      path: '/v1beta/models/gem:generateContent',
      body: { contents },
      codeOf: gemini,
    },
    {
      name: 'streamGenerateContent',
      path: '/v1beta/models/gem:streamGenerateContent?alt=sse',
      body: { contents },
      codeOf: gemini,
    },
  ]
}
