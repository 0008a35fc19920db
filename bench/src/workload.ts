/** What is sent and what comes back: the same bytes for every proxy. Shared by the upstream and the load. */

export const MODEL = 'gpt-5-mini'
export const PROVIDER_KEY = 'bench-provider-key'
/** In a prompt, it makes the upstream stream slowly. */
export const SLOW_MARK = '[slow]'
export const CHUNKS = 64
/** Between two chunks of an ordinary stream. */
export const CHUNK_EVERY_MS = 2
/** Between two chunks of a slow stream, which so lives for half a minute. */
export const SLOW_CHUNK_EVERY_MS = 500

const BODY_BYTES = 1024
const ANSWER_BYTES = 600

const padded = (make: (padding: string) => string, bytes: number): string =>
  make('x '.repeat(bytes).slice(0, bytes - make('').length))

/** The request's body: 1 KB of JSON. */
export const requestBody = (kind: 'plain' | 'stream' | 'slow'): string =>
  padded((padding) => {
    const content = `${kind === 'slow' ? SLOW_MARK : ''}Say something. ${padding}`
    const stream = kind === 'plain' ? {} : { stream: true, stream_options: { include_usage: true } }
    return JSON.stringify({
      model: MODEL,
      messages: [{ role: 'user', content }],
      max_completion_tokens: 256,
      ...stream,
    })
  }, BODY_BYTES)

const usage = {
  prompt_tokens: 250,
  completion_tokens: CHUNKS,
  total_tokens: 250 + CHUNKS,
  prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0 },
}
const base = { id: 'chatcmpl-bench', created: 1_790_000_000, model: MODEL }

/** The buffered answer: 600 bytes with usage. */
export const answerBody = (): string =>
  padded((content) => {
    const choices = [
      { index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason: 'stop' },
    ]
    return JSON.stringify({ ...base, object: 'chat.completion', choices, usage })
  }, ANSWER_BYTES)

/** The events of a stream: 64 chunks, among them the role, the end and the usage; then `[DONE]`. */
export const streamEvents = (): string[] => {
  const chunk = (delta: unknown, finish: string | null) =>
    JSON.stringify({
      ...base,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, finish_reason: finish }],
      usage: null,
    })
  const chunks = [
    chunk({ role: 'assistant', content: '' }, null),
    ...Array.from({ length: CHUNKS - 3 }, () => chunk({ content: ' word' }, null)),
    chunk({}, 'stop'),
    JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [], usage }),
  ]
  return [...chunks, '[DONE]'].map((data) => `data: ${data}\n\n`)
}
