import { describe, expect, test } from 'vitest'
import type { ForwardOptions, ModelRequest } from '../../ports.ts'
import { acceptedBy, forwardedText, type ParseChoices, refusedBy } from '../test-kit.ts'
import { responses } from './responses.ts'
import { responsesParameters } from './responses-parameters.ts'

const userHash = 'a1'.repeat(32)
const base = { model: 'fast', input: 'Hi' }

const accepted = (body: unknown, choices: ParseChoices = {}) => acceptedBy(responses, body, choices)
const refused = (body: unknown, choices: ParseChoices = {}) => refusedBy(responses, body, choices)

function forwarded(request: ModelRequest, options: Partial<ForwardOptions> = {}): Record<string, unknown> {
  return JSON.parse(forwardedText(request, { outputTokensMax: 99, userHash, ...options }))
}

const added = {
  model: 'gpt-5-mini',
  max_output_tokens: 99,
  user: userHash,
  store: false,
  service_tier: 'default',
}

/** `ResponseCreateParamsBase` of openai 7.57. */
const sdkFields =
  'access_programs background context_management conversation image include input instructions max_output_tokens ' +
  'max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key ' +
  'prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options ' +
  'temperature text tool_choice tools top_logprobs top_p truncation user'

test("every field of the SDK's has a row, and no other", () => {
  expect([...responsesParameters.keys()].sort()).toEqual(sdkFields.split(' '))
})

describe('what is forwarded', () => {
  test('the text as it came, with only the changed fields replaced', () => {
    const text =
      '{ "input": [ {"role":"user", "content":"é\\u00e9"} ],\n  "model" : "fast", "temperature":0.10 }'
    expect(forwardedText(accepted(text), { outputTokensMax: 7, userHash: 'u' })).toBe(
      '{ "input": [ {"role":"user", "content":"é\\u00e9"} ],\n  "model" : "gpt-5-mini", "temperature":0.10,' +
        '"user":"u","max_output_tokens":7,"service_tier":"default","store":false }',
    )
  })

  test.each([
    ['instructions', 'Be brief.'],
    ['temperature', 0.2],
    ['top_p', 1],
    ['truncation', 'auto'],
    ['truncation', 'disabled'],
    ['parallel_tool_calls', false],
    ['include', ['reasoning.encrypted_content', 'message.input_image.image_url']],
    ['include', ['web_search_call.action.sources', 'web_search_call.results']],
    ['include', []],
    ['reasoning', { effort: 'high', summary: 'auto', context: 'all_turns', mode: 'standard' }],
    ['reasoning', { effort: null, summary: null, generate_summary: 'concise' }],
    ['text', { verbosity: 'low', format: { type: 'text' } }],
    ['text', { format: { type: 'json_schema', name: 'a', strict: true, schema: { type: 'object' } } }],
    ['text', { format: { type: 'json_object' }, verbosity: null }],
    ['tools', [{ type: 'function', name: 'f', strict: true, parameters: {}, description: 'd' }]],
    [
      'tools',
      [{ type: 'function', name: 'f', async: false, defer_loading: null, allowed_callers: ['direct'] }],
    ],
    ['tools', [{ type: 'custom', name: 'f', format: { type: 'grammar', syntax: 'lark', definition: 'x' } }]],
    ['tools', []],
    ['tool_choice', 'required'],
    ['tool_choice', { type: 'function', name: 'f' }],
    ['tool_choice', { type: 'custom', name: 'f' }],
    ['tool_choice', { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] }],
    ['max_tool_calls', 3],
    ['background', false],
    ['conversation', 'none'],
    ['context_management', []],
    ['top_logprobs', 0],
  ])('%s %j as it came', (name, value) => {
    expect(forwarded(accepted({ ...base, [name]: value }))).toEqual({ ...base, ...added, [name]: value })
  })

  test.each([
    ['user', 'someone else', userHash],
    ['user', null, userHash],
    ['safety_identifier', 'someone else', userHash],
    ['store', true, false],
    ['store', null, false],
    ['service_tier', 'auto', 'default'],
    ['service_tier', 'default', 'default'],
    ['service_tier', null, 'default'],
    ['metadata', { a: 'b' }, undefined],
    ['metadata', null, undefined],
    ['stream_options', { include_obfuscation: false }, undefined],
  ])('%s %j is overwritten with %j', (name, value, instead) => {
    expect(forwarded(accepted({ ...base, [name]: value }))).toEqual({ ...base, ...added, [name]: instead })
  })

  test("a cache key is the account's own", () => {
    const key = (hash: string) =>
      forwarded(accepted({ ...base, prompt_cache_key: 'a' }), { userHash: hash }).prompt_cache_key
    expect(key(userHash)).toMatch(/^(a1){16}-[0-9a-f]{16}$/)
    expect(key(userHash)).not.toBe(key('b2'.repeat(32)))
  })

  test('dropped metadata is named, unlike null', () => {
    expect(accepted({ ...base, metadata: { a: 'b' } }).dropped).toEqual(['metadata'])
    expect(accepted({ ...base, metadata: null }).dropped).toEqual([])
  })

  test('null is absent for every field', () => {
    for (const [name, row] of responsesParameters) {
      if (name === 'model' || name === 'input') continue
      const request = accepted({ ...base, [name]: null })
      expect([request.stream, request.choices, request.outputTokensAsked, request.uses]).toEqual([
        false,
        1,
        null,
        undefined,
      ])
      if (row.policy === 'refuse') expect(forwarded(request)).not.toHaveProperty(name)
    }
  })

  test('nothing is kept by an upstream that refuses what it does not know either', () => {
    expect(forwarded(accepted(base), { addFields: false })).toEqual({
      ...base,
      model: 'gpt-5-mini',
      max_output_tokens: 99,
      store: false,
    })
  })

  test('the output cap is read, and written with what was granted', () => {
    expect(accepted({ ...base, max_output_tokens: 5 }).outputTokensAsked).toBe(5)
    expect(accepted(base).outputTokensAsked).toBeNull()
    expect(forwarded(accepted({ ...base, max_output_tokens: 5 })).max_output_tokens).toBe(99)
  })

  test('in a stream its options go on', () => {
    const request = accepted({ ...base, stream: true, stream_options: { include_obfuscation: false } })
    expect([request.stream, request.includeUsage]).toEqual([true, true])
    expect(forwarded(request)).toMatchObject({
      stream: true,
      stream_options: { include_obfuscation: false },
    })
  })

  test('the model may reason out of sight, unless it is told not to', () => {
    const mayReason = (reasoning: unknown) => accepted({ ...base, reasoning }).mayReason
    expect([undefined, null, {}, { effort: 'low' }].map(mayReason)).toEqual([true, true, true, true])
    expect(mayReason({ effort: 'none' })).toBe(false)
    expect(
      accepted({ ...base, reasoning: { effort: 'none' } }, { allowParameters: () => ['x'] }).mayReason,
    ).toBe(true)
  })
})

describe('service tiers', () => {
  const serviceTiers = { priority: 200, flex: 50 }

  test('one with a price goes on, and the hold is for the dearest', () => {
    const request = accepted({ ...base, service_tier: 'flex' }, { price: { serviceTiers } })
    expect(forwarded(request).service_tier).toBe('flex')
    expect(request.uses).toEqual({ serviceTier: true })
  })

  test.each(['fast', 'scale', 'ultrafast', 'toString', 'Default', ''])('%j has none: 400', (tier) => {
    expect(refused({ ...base, service_tier: tier }, { price: { serviceTiers } })).toMatchObject({
      code: 'unsupported_parameter',
      param: 'service_tier',
    })
  })
})

describe("the provider's web search", () => {
  const searching = { model: { tools: { callsMax: 4, inputTokensPerCall: 1000 } }, price: { toolCall: 10 } }
  const search = { type: 'web_search', search_context_size: 'low', filters: { allowed_domains: ['a.test'] } }

  test.each([
    [undefined, 4],
    [null, 4],
    [2, 2],
    [100, 4],
  ])('asked for with max_tool_calls %j, is allowed %i calls', (asked, calls) => {
    const request = accepted({ ...base, tools: [search], max_tool_calls: asked }, searching)
    expect(forwarded(request).max_tool_calls).toBe(calls)
    expect(request.uses).toEqual({ toolCalls: calls })
    // Each reading has the prompt, its framing, what was written, and what was found up to then.
    const given = JSON.stringify([search])
    const tools = given.length + (given.match(/[,:]/g)?.length ?? 0)
    const again = request.forwardedBytesMax + tools + 64 + 16 * 2 + 4096
    expect(request.addedTokensMax).toBe(tools + calls * again + ((calls * (calls + 1)) / 2) * 1000)
  })

  test.each(['web_search', 'web_search_2025_08_26', 'web_search_preview', 'web_search_preview_2025_03_11'])(
    '%s may be offered and chosen',
    (type) => {
      const request = accepted({ ...base, tools: [{ type }], tool_choice: { type } }, searching)
      expect(request.uses).toEqual({ toolCalls: 4 })
    },
  )

  test('its earlier kind is refused with models that ask more for it', () => {
    for (const upstreamModel of ['gpt-4o', 'gpt-4.1-mini-2025-04-14']) {
      const choices = { ...searching, model: { ...searching.model, upstreamModel } }
      expect(accepted({ ...base, tools: [search] }, choices).uses).toEqual({ toolCalls: 4 })
      const type = 'web_search_preview'
      expect(refused({ ...base, tools: [{ type }] }, choices)).toMatchObject({
        param: 'tools[0]',
        message: expect.stringContaining('use "web_search"'),
      })
      expect(refused({ ...base, tools: [search], tool_choice: { type } }, choices).param).toBe('tool_choice')
    }
  })

  test('is held for with the most that the model can write between two calls', () => {
    const added = (more: object, model = {}) =>
      accepted(
        { ...base, tools: [search], max_tool_calls: 1, ...more },
        { ...searching, model: { ...searching.model, ...model } },
      ).addedTokensMax ?? 0
    expect(added({ max_output_tokens: 5000 }) - added({ max_output_tokens: 2000 })).toBe(3000)
    expect(added({ max_output_tokens: 5000 }, { outputTokensMax: 3000 })).toBe(
      added({ max_output_tokens: 3000 }),
    )
  })

  test('without it no calls are held for', () => {
    const tools = [{ type: 'function', name: 'f' }]
    const request = accepted({ ...base, tools }, searching)
    // And a space after its three commas and colons.
    expect([request.uses, request.addedTokensMax]).toEqual([undefined, JSON.stringify(tools).length + 3])
    expect(forwarded(request)).not.toHaveProperty('max_tool_calls')
  })

  test('searches of earlier answers may be sent back, each within what a call may add', () => {
    const item = {
      type: 'web_search_call',
      id: 'ws_1',
      status: 'completed',
      action: { type: 'search', query: 'q' },
    }
    const body = { ...base, input: [{ role: 'user', content: 'Hi' }, item, item] }
    expect(accepted(body, searching).addedTokensMax).toBe(2000)
    expect(refused(body)).toMatchObject({ code: 'unsupported_parameter', param: 'input[1]' })
  })

  test.each([
    ['no tools', {}],
    ['no price', { model: searching.model }],
    ['a price alone', { price: searching.price }],
  ])('is refused where the operator gave %s', (_title, choices) => {
    expect(refused({ ...base, tools: [search] }, choices)).toMatchObject({
      code: 'unsupported_parameter',
      param: 'tools[0]',
      message: expect.stringContaining('price'),
    })
    expect(refused({ ...base, tool_choice: { type: 'web_search' } }, choices).param).toBe('tool_choice')
  })

  test('that finds pictures, or has keys of its own, is refused', () => {
    const images = { type: 'web_search_preview', search_content_types: ['text', 'image'] }
    expect(refused({ ...base, tools: [images] }, searching).param).toBe('tools[0].search_content_types')
    expect(refused({ ...base, tools: [{ ...search, deep: true }] }, searching).param).toBe('tools[0].deep')
  })
})

describe('what is refused', () => {
  test.each([
    ['background', true],
    ['previous_response_id', 'resp_1'],
    ['conversation', 'conv_1'],
    ['conversation', { id: 'conv_1' }],
    ['prompt', { id: 'pmpt_1' }],
    ['context_management', [{ type: 'compaction' }]],
    ['moderation', { model: 'omni-moderation-latest' }],
    ['image', { context_compression: 'enabled' }],
    ['access_programs', { cyber: 'standard' }],
    ['top_logprobs', 5],
    ['prompt_cache_options', { ttl: '12h' }],
    ['prompt_cache_retention', '24h'],
    ['include', ['message.output_text.logprobs']],
    ['include', ['file_search_call.results']],
    ['include', 'reasoning.encrypted_content'],
    ['reasoning', { mode: 'pro' }],
    ['reasoning', { effort: 3 }],
    ['reasoning', { budget: 5 }],
    ['text', { format: { type: 'grammar' } }],
    ['text', { format: 'json' }],
    ['text', { voice: 'alloy' }],
    ['truncation', 'other'],
    ['tool_choice', { type: 'mcp', server_label: 's' }],
    ['tool_choice', { type: 'allowed_tools', mode: 'auto' }],
    ['tool_choice', []],
  ])('%s %j with 400 unsupported_parameter, dropping or not', (name, value) => {
    for (const unknownParameters of ['refuse', 'drop'] as const) {
      const refusal = refused({ ...base, [name]: value }, { unknownParameters })
      expect(refusal).toMatchObject({ code: 'unsupported_parameter', param: name })
    }
  })

  test.each([
    ['model', 5],
    ['model', ''],
    ['input', undefined],
    ['input', null],
    ['input', []],
    ['input', 5],
    ['instructions', ['a']],
    ['max_output_tokens', 0],
    ['max_output_tokens', 1.5],
    ['max_output_tokens', '5'],
    ['max_tool_calls', 0],
    ['tools', {}],
    ['stream', 'yes'],
    ['stream_options', true],
    ['service_tier', 1],
    ['store', 'no'],
    ['temperature', '1'],
    ['user', 5],
    ['safety_identifier', {}],
    ['prompt_cache_key', []],
    ['parallel_tool_calls', 1],
  ])('%s %j with 400 invalid_value', (name, value) => {
    expect(refused({ ...base, [name]: value })).toMatchObject({ code: 'invalid_value', param: name })
  })

  test.each([
    ['a provider-run tool', [{ type: 'code_interpreter', container: { type: 'auto' } }], 'tools[0]'],
    ['files', [{ type: 'file_search', vector_store_ids: ['vs_1'] }], 'tools[0]'],
    ['a server', [{ type: 'mcp', server_label: 'a', server_url: 'https://a.test' }], 'tools[0]'],
    ['pictures', [{ type: 'image_generation' }], 'tools[0]'],
    ['a shell', [{ type: 'function', name: 'f' }, { type: 'local_shell' }], 'tools[1]'],
    ['no type', [{ name: 'f' }], 'tools[0]'],
    ['a type that every object has', [{ type: 'constructor' }], 'tools[0]'],
    ['a strange key', [{ type: 'function', name: 'f', price: 1 }], 'tools[0].price'],
    ['going on alone', [{ type: 'function', name: 'f', async: true }], 'tools[0].async'],
    ['loading later', [{ type: 'custom', name: 'f', defer_loading: true }], 'tools[0].defer_loading'],
    [
      'programs',
      [{ type: 'function', name: 'f', allowed_callers: ['programmatic'] }],
      'tools[0].allowed_callers',
    ],
  ])('a tool with %s', (_title, tools, param) => {
    expect(refused({ ...base, tools })).toMatchObject({ code: 'unsupported_parameter', param })
  })

  test('an unknown field, by name, unless it is dropped or allowed', () => {
    const body = { ...base, verbosity: 'low' }
    expect(refused(body)).toMatchObject({ code: 'unsupported_parameter', param: 'verbosity' })
    expect(accepted(body, { unknownParameters: 'drop' }).dropped).toEqual(['verbosity'])
    expect(forwarded(accepted(body, { allowParameters: () => ['verbosity'] })).verbosity).toBe('low')
  })

  test('stream options that are unknown or wrong', () => {
    const of = (options: object) => refused({ ...base, stream: true, stream_options: options })
    expect(of({ include_usage: true })).toMatchObject({
      code: 'unsupported_parameter',
      param: 'stream_options.include_usage',
    })
    expect(of({ include_obfuscation: 1 })).toMatchObject({ code: 'invalid_value' })
  })

  test('what is no JSON', () => {
    expect(refused('{"model":"fast","model":"deep"}').code).toBe('invalid_json')
  })
})
