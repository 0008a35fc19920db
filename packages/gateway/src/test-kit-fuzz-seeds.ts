/** A good request of each JSON wire, and good answers to it, for the fuzzers to spoil. */
import { readFileSync } from 'node:fs'

/** A good request of a wire, and good answers to it, whole and as events. */
export type Seed = {
  name: string
  path: string
  body: Record<string, unknown>
  headers?: Record<string, string>
  plain: unknown
  events: string
}

const tool = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { place: { type: 'string' } } } },
}

const pictureUsage = {
  input_tokens: 9,
  input_tokens_details: { text_tokens: 9, image_tokens: 0, cached_tokens: 2 },
  output_tokens: 196,
  total_tokens: 205,
}

export const seeds: readonly Seed[] = [
  {
    name: 'chat completions',
    path: '/v1/chat/completions',
    body: {
      model: 'text',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'Grüße 🦊' }] },
      ],
      tools: [tool],
      temperature: 0.5,
      max_completion_tokens: 300,
      stream_options: { include_usage: true },
    },
    plain: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Grüße 🦊' }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 40,
        completion_tokens: 20,
        total_tokens: 60,
        prompt_tokens_details: { cached_tokens: 10 },
        completion_tokens_details: { reasoning_tokens: 5 },
      },
    },
    events: fixture('openai-text.chunks.txt'),
  },
  {
    name: 'embeddings',
    path: '/v1/embeddings',
    body: { model: 'vector', input: ['Grüße 🦊', [1, 2]], dimensions: 3, encoding_format: 'float' },
    plain: {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.1, -0.2, 0.3] }],
      usage: { prompt_tokens: 9, total_tokens: 9 },
    },
    events: '',
  },
  {
    name: 'moderations',
    path: '/v1/moderations',
    body: {
      input: [
        { type: 'text', text: 'Grüße 🦊' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      ],
    },
    plain: { id: 'modr-1', model: 'omni-moderation-latest', results: [{ flagged: false }] },
    events: '',
  },
  {
    name: 'images',
    path: '/v1/images/generations',
    body: {
      model: 'picture',
      prompt: 'A fox 🦊',
      n: 1,
      size: '1024x1024',
      quality: 'low',
      partial_images: 2,
    },
    plain: { created: 1, data: [{ b64_json: 'AAAA' }], usage: pictureUsage },
    events: ['partial_image', 'partial_image', 'completed']
      .map((name) => `image_generation.${name}`)
      .map((type) => ({ type, b64_json: 'AAAA', ...(type.endsWith('completed') && { usage: pictureUsage }) }))
      .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      .join(''),
  },
  {
    name: 'responses',
    path: '/v1/responses',
    body: {
      model: 'text',
      instructions: 'Be brief.',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'Grüße 🦊' }] },
        { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"place":"Rom"}' },
        { type: 'function_call_output', call_id: 'c1', output: 'sun' },
        { type: 'reasoning', summary: [], encrypted_content: 'AAAA' },
      ],
      tools: [{ type: 'function', name: 'weather', parameters: { type: 'object' }, strict: true }],
      reasoning: { effort: 'low', summary: 'auto' },
      text: { format: { type: 'text' }, verbosity: 'low' },
      include: ['reasoning.encrypted_content'],
      max_output_tokens: 300,
      store: false,
    },
    plain: {
      id: 'resp_1',
      object: 'response',
      status: 'completed',
      output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Grüße 🦊' }] }],
      usage: {
        input_tokens: 40,
        input_tokens_details: { cached_tokens: 10 },
        output_tokens: 20,
        output_tokens_details: { reasoning_tokens: 5 },
        total_tokens: 60,
      },
    },
    events: fixture('responses-text.events.txt'),
  },
  {
    name: 'messages',
    path: '/v1/messages',
    headers: { 'anthropic-version': '2023-06-01' },
    body: {
      model: 'claude',
      max_tokens: 300,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Grüße 🦊' }] },
        {
          role: 'assistant',
          content: [{ type: 'tool_use', id: 't1', name: 'weather', input: { place: 'Rom' } }],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: 'sun' }] },
      ],
      tools: [
        { name: 'weather', input_schema: { type: 'object' } },
        { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
      ],
      thinking: { type: 'disabled' },
      metadata: { user_id: 'me' },
    },
    plain: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'Grüße 🦊' }],
      stop_reason: 'end_turn',
      usage: {
        input_tokens: 30,
        cache_read_input_tokens: 5,
        cache_creation_input_tokens: 5,
        output_tokens: 20,
      },
    },
    events: fixture('anthropic-text.events.txt'),
  },
  {
    name: 'count_tokens',
    path: '/v1/messages/count_tokens',
    headers: { 'anthropic-version': '2023-06-01' },
    body: { model: 'claude', messages: [{ role: 'user', content: 'Grüße 🦊' }] },
    plain: { input_tokens: 9 },
    events: '',
  },
  ...['generateContent', 'streamGenerateContent?alt=sse'].map((method) => ({
    name: method,
    path: `/v1beta/models/gem:${method}`,
    body: {
      contents: [
        { role: 'user', parts: [{ text: 'Grüße 🦊' }] },
        { role: 'model', parts: [{ functionCall: { name: 'weather', args: { place: 'Rom' } } }] },
        { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { sky: 'sun' } } }] },
      ],
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      tools: [{ functionDeclarations: [{ name: 'weather', parameters: { type: 'OBJECT' } }] }],
      generationConfig: { maxOutputTokens: 300, temperature: 0.5, thinkingConfig: { thinkingBudget: 100 } },
    },
    plain: {
      candidates: [
        { content: { role: 'model', parts: [{ text: 'Grüße 🦊' }] }, finishReason: 'STOP', index: 0 },
      ],
      usageMetadata: {
        promptTokenCount: 40,
        cachedContentTokenCount: 10,
        candidatesTokenCount: 15,
        thoughtsTokenCount: 5,
        totalTokenCount: 60,
      },
    },
    events: fixture('gemini/text.chunks.txt'),
  })),
  {
    name: 'speech',
    path: '/v1/audio/speech',
    body: { model: 'voice', input: 'Grüße 🦊', voice: 'alloy', response_format: 'mp3', speed: 1.5 },
    plain: {},
    events: '',
  },
]

function fixture(name: string): string {
  return readFileSync(new URL(`./endpoints/__fixtures__/${name}`, import.meta.url), 'utf8')
}
