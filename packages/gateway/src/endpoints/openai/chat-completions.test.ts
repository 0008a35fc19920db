import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ForwardOptions, ModelRequest } from '../../ports.ts'
import { acceptedBy, forwardedText, type ParseChoices, refusedBy } from '../test-kit.ts'
import { chatCompletions } from './chat-completions.ts'
import { chatParameters } from './chat-parameters.ts'

const userHash = 'a1'.repeat(32)
const fixtures = new URL('../__fixtures__/', import.meta.url)
const base = { model: 'fast', messages: [{ role: 'user', content: 'Hi' }] }

const accepted = (body: unknown, choices: ParseChoices = {}) => acceptedBy(chatCompletions, body, choices)
const refused = (body: unknown, choices: ParseChoices = {}) => refusedBy(chatCompletions, body, choices)

function forwarded(request: ModelRequest, options: Partial<ForwardOptions> = {}): Record<string, unknown> {
  return JSON.parse(forwardedText(request, { outputTokensMax: 99, userHash, ...options }))
}

const added = {
  model: 'gpt-5-mini',
  max_completion_tokens: 99,
  user: userHash,
  store: false,
  service_tier: 'default',
}

describe('what is forwarded', () => {
  test('the text as it came, with only the changed fields replaced', () => {
    const text =
      '{ "messages": [ {"role":"user", "content":"é\\u00e9"} ],\n  "model" : "fast", "temperature":0.10 }'
    expect(forwardedText(accepted(text), { outputTokensMax: 7, userHash: 'u' })).toBe(
      '{ "messages": [ {"role":"user", "content":"é\\u00e9"} ],\n  "model" : "gpt-5-mini", "temperature":0.10,' +
        '"user":"u","max_completion_tokens":7,"service_tier":"default","store":false }',
    )
  })

  test.each([
    ['temperature', 0.2],
    ['top_p', 1],
    ['stop', 'END'],
    ['stop', ['a', 'b']],
    ['seed', -3],
    ['presence_penalty', 0],
    ['frequency_penalty', -2],
    ['logit_bias', { 50256: -100 }],
    ['response_format', { type: 'json_object' }],
    ['response_format', { type: 'json_schema', json_schema: { name: 'a', strict: true, schema: {} } }],
    ['tools', [{ type: 'function', function: { name: 'f', strict: true, parameters: {} } }]],
    ['tools', [{ type: 'custom', custom: { name: 'f', format: { type: 'text' } } }]],
    ['tools', []],
    ['tool_choice', 'required'],
    ['tool_choice', { type: 'function', function: { name: 'f' } }],
    ['tool_choice', { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } }],
    ['parallel_tool_calls', false],
    ['functions', [{ name: 'f' }]],
    ['function_call', 'auto'],
    ['function_call', { name: 'f' }],
    ['reasoning_effort', 'none'],
    ['verbosity', 'low'],
    ['n', 8],
    ['modalities', ['text']],
    ['logprobs', true],
    ['top_logprobs', 20],
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
  ])('%s %j is overwritten with %j', (name, value, instead) => {
    expect(forwarded(accepted({ ...base, [name]: value }))).toEqual({ ...base, ...added, [name]: instead })
  })

  test("a cache key is the account's own and keeps callers' keys apart", () => {
    const key = (name: string, hash = userHash) =>
      forwarded(accepted({ ...base, prompt_cache_key: name }), { userHash: hash }).prompt_cache_key
    expect(key('a')).toMatch(/^(a1){16}-[0-9a-f]{16}$/)
    expect(key('a')).toBe(key('a'))
    expect(new Set([key('a'), key('b'), key(''), key('a', 'b2'.repeat(32))]).size).toBe(4)
  })

  test('dropped metadata is named, unlike null', () => {
    expect(accepted({ ...base, metadata: { a: 'b' } }).dropped).toEqual(['metadata'])
    expect(accepted({ ...base, metadata: null }).dropped).toEqual([])
  })

  test('null is absent for every field, and goes on only where the upstream knows the field', () => {
    for (const [name, row] of chatParameters) {
      if (name === 'model' || name === 'messages') continue
      const request = accepted({ ...base, [name]: null })
      expect([request.stream, request.choices, request.outputTokensAsked]).toEqual([false, 1, null])
      if (row.policy === 'refuse') expect(forwarded(request)).not.toHaveProperty(name)
    }
  })

  test('an upstream that refuses what it does not know gets no fields that the caller did not send', () => {
    const lean = { addFields: false, outputCapField: 'max_tokens' } as const
    expect(forwarded(accepted(base), lean)).toEqual({ ...base, model: 'gpt-5-mini', max_tokens: 99 })
    const asked = { user: 'me', store: true, service_tier: 'auto' }
    expect(forwarded(accepted({ ...base, ...asked }), lean)).toMatchObject({
      user: userHash,
      store: false,
      service_tier: 'default',
    })
  })
})

describe('the output cap', () => {
  const cap = (body: object, options: Partial<ForwardOptions> = {}) => {
    const { max_tokens, max_completion_tokens } = forwarded(accepted({ ...base, ...body }), options)
    return { max_tokens, max_completion_tokens }
  }

  test('is written to the field that the caller used', () => {
    expect(cap({ max_tokens: 5 })).toEqual({ max_tokens: 99 })
    expect(cap({ max_completion_tokens: 5 })).toEqual({ max_completion_tokens: 99 })
    expect(cap({ max_tokens: 5, max_completion_tokens: 5 })).toEqual({ max_completion_tokens: 99 })
    expect(cap({ max_tokens: null, max_completion_tokens: null })).toEqual({ max_completion_tokens: 99 })
    expect(cap({})).toEqual({ max_completion_tokens: 99 })
  })

  test('is written to the one field that the upstream knows, where that is said', () => {
    for (const body of [{}, { max_tokens: 5 }, { max_completion_tokens: 5 }, { max_tokens: null }]) {
      expect(cap(body, { outputCapField: 'max_tokens' })).toEqual({ max_tokens: 99 })
      expect(cap(body, { outputCapField: 'max_completion_tokens' })).toEqual({ max_completion_tokens: 99 })
    }
  })

  test('is read from either field', () => {
    expect(accepted({ ...base, max_tokens: 5 }).outputTokensAsked).toBe(5)
    expect(accepted({ ...base, max_completion_tokens: 1e9 }).outputTokensAsked).toBe(1e9)
    expect(accepted({ ...base, max_completion_tokens: null, max_tokens: 5 }).outputTokensAsked).toBe(5)
    expect(accepted(base).outputTokensAsked).toBeNull()
  })

  test.each([[0], [-1], [1.5], ['5'], [true], [[]], [{}], [1e-9]])(
    '%j is refused with 400 invalid_value',
    (value) => {
      for (const name of ['max_tokens', 'max_completion_tokens']) {
        expect(refused({ ...base, [name]: value })).toMatchObject({ code: 'invalid_value', param: name })
      }
    },
  )

  test('two different ones are refused with 400 invalid_value', () => {
    expect(refused({ ...base, max_tokens: 5, max_completion_tokens: 6 })).toMatchObject({
      code: 'invalid_value',
      param: 'max_tokens',
    })
  })
})

describe('streams', () => {
  test('usage is always asked for upstream', () => {
    const of = (body: object) => {
      const request = accepted({ ...base, stream: true, ...body })
      return [request.stream, request.includeUsage, forwarded(request).stream_options]
    }
    expect(of({})).toEqual([true, false, { include_usage: true }])
    expect(of({ stream_options: null })).toEqual([true, false, { include_usage: true }])
    expect(of({ stream_options: { include_usage: false } })).toEqual([true, false, { include_usage: true }])
    expect(of({ stream_options: { include_usage: true, include_obfuscation: false } })).toEqual([
      true,
      true,
      { include_usage: true, include_obfuscation: false },
    ])
  })

  test.each([
    ['include_usage', { include_usage: true }],
    ['continuous_usage', { include_usage: true, continuous_usage_stats: true }],
    ['none', undefined],
  ] as const)("usage is asked for in the provider's way: %s", (streamOptions, expected) => {
    for (const given of [{}, { stream_options: { include_usage: true } }]) {
      const request = accepted({ ...base, stream: true, ...given })
      expect(forwarded(request, { streamOptions }).stream_options).toEqual(expected)
    }
  })

  test.each([false, null, undefined])('stream %j is no stream, and its options are taken out', (stream) => {
    const request = accepted({ ...base, stream, stream_options: { include_usage: true } })
    expect([request.stream, request.includeUsage]).toEqual([false, false])
    expect(forwarded(request)).not.toHaveProperty('stream_options')
  })

  test('unknown stream options are refused unless the operator allows them', () => {
    const body = { ...base, stream: true, stream_options: { continuous_usage_stats: true } }
    expect(refused(body)).toMatchObject({
      code: 'unsupported_parameter',
      param: 'stream_options.continuous_usage_stats',
    })
    const allowed = accepted(body, { allowParameters: () => ['stream_options.continuous_usage_stats'] })
    expect(forwarded(allowed).stream_options).toEqual({ continuous_usage_stats: true, include_usage: true })
  })

  test('wrong stream options are refused with 400 invalid_value', () => {
    const options = { include_usage: 'yes' }
    expect(refused({ ...base, stream: true, stream_options: options })).toMatchObject({
      code: 'invalid_value',
      param: 'stream_options.include_usage',
    })
  })
})

describe('what is refused', () => {
  test.each([
    ['audio', { voice: 'alloy', format: 'wav' }],
    ['audio', { voice: 'alloy' }],
    ['audio', { voice: { id: 'voice_1' }, format: 'wav' }],
    ['modalities', ['text', 'audio']],
    ['modalities', []],
    ['modalities', ['text', 'video']],
    ['prediction', { type: 'content', content: 'x' }],
    ['web_search_options', {}],
    ['moderation', { model: 'm' }],
    ['prompt_cache_options', { mode: 'explicit' }],
    ['prompt_cache_retention', '24h'],
    ['best_of', 2],
    ['service_tier', 'flex'],
    ['service_tier', 'priority'],
    ['service_tier', 'fast'],
    ['service_tier', 'scale'],
    ['service_tier', 'Default'],
    ['service_tier', 'toString'],
    ['response_format', { type: 'grammar' }],
    ['response_format', 'json'],
    ['tool_choice', { type: 'web_search' }],
  ])('%s %j with 400 unsupported_parameter, dropping or not', (name, value) => {
    for (const unknownParameters of ['refuse', 'drop'] as const) {
      const refusal = refused({ ...base, [name]: value }, { unknownParameters })
      expect(refusal).toMatchObject({ code: 'unsupported_parameter', param: name })
      expect(refusal.message).toContain(name)
    }
  })

  test.each([
    ['temperature', '0.2'],
    ['top_logprobs', 21],
    ['service_tier', 1],
    ['stop', 5],
    ['seed', 'x'],
    ['logit_bias', []],
    ['parallel_tool_calls', 'yes'],
    ['function_call', []],
    ['reasoning_effort', 3],
    ['tools', {}],
    ['functions', 'f'],
    ['stream', 'true'],
    ['stream_options', true],
    ['store', 'no'],
    ['user', 5],
    ['safety_identifier', {}],
    ['prompt_cache_key', []],
    ['n', 0],
    ['n', 9],
    ['n', 1000],
    ['n', 1.5],
    ['n', '2'],
    ['model', undefined],
    ['model', null],
    ['model', ''],
    ['model', 5],
    ['model', 'm'.repeat(257)],
    ['messages', undefined],
    ['messages', null],
    ['messages', []],
    ['messages', 'Hi'],
    ['messages', Array(2049).fill({ role: 'user', content: 'Hi' })],
  ])('%s %j with 400 invalid_value', (name, value) => {
    expect(refused({ ...base, [name]: value })).toMatchObject({ code: 'invalid_value', param: name })
  })

  test('text that is not acceptable JSON with 400 invalid_json', () => {
    expect(refused('{"model":"fast","model":"dear"}')).toMatchObject({ code: 'invalid_json' })
    expect(refused('[]')).toMatchObject({ code: 'invalid_json' })
  })
})

describe('unknown parameters', () => {
  const body = { ...base, min_p: 0.1, thinking: { budget: 5 } }

  test('are refused by name', () => {
    expect(refused(body)).toMatchObject({ code: 'unsupported_parameter', param: 'min_p' })
  })

  test('are dropped and named where the config says so', () => {
    const request = accepted(body, { unknownParameters: 'drop' })
    expect(request.dropped).toEqual(['min_p', 'thinking'])
    expect(forwarded(request)).toEqual({ ...base, ...added })
  })

  test('are named in a way that a header can hold, however they are called', () => {
    const odd = { ...base, 'a\nset-cookie: b': 1, 漢: 2, 'x,y': 3, ['z'.repeat(500)]: 4 }
    const { dropped } = accepted(odd, { unknownParameters: 'drop' })
    expect(dropped).toEqual(['a%0Aset-cookie%3A%20b', '%E6%BC%A2', 'x%2Cy', 'z'.repeat(64)])
    expect(new Headers({ dropped: dropped.join(', ') }).get('dropped')).toBe(dropped.join(', '))
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, index]))
    expect(accepted({ ...base, ...many }, { unknownParameters: 'drop' }).dropped).toHaveLength(32)
  })

  test('go on untouched where the operator allows them for the model', () => {
    const allowParameters = (model: string) => (model === 'fast' ? ['min_p', 'thinking'] : [])
    expect(forwarded(accepted(body, { allowParameters }))).toEqual({ ...body, ...added })
    expect(refused({ ...body, model: 'other' }, { allowParameters })).toMatchObject({ param: 'min_p' })
  })

  test('so do known ones that are refused or overwritten otherwise', () => {
    const given = { prediction: { type: 'content' }, store: true, metadata: { a: 'b' } }
    const allowParameters = () => ['prediction', 'store', 'metadata']
    const request = accepted({ ...base, ...given }, { allowParameters })
    expect(forwarded(request)).toEqual({ ...base, ...added, ...given })
    expect(request.dropped).toEqual([])
  })

  test('but never the fields that the gateway answers for', () => {
    const allowParameters = () => [...chatParameters.keys()]
    expect(refused({ ...base, n: 1000 }, { allowParameters })).toMatchObject({ param: 'n' })
    expect(refused({ ...base, max_tokens: -1 }, { allowParameters })).toMatchObject({ param: 'max_tokens' })
    const request = accepted(
      { ...base, user: 'me', max_tokens: 5, prompt_cache_key: 'k' },
      { allowParameters },
    )
    expect(forwarded(request)).toMatchObject({ user: userHash, max_tokens: 99 })
    expect(forwarded(request).prompt_cache_key).not.toBe('k')
  })

  test('a long name is shortened', () => {
    const { param, message } = refused({ ...base, ['x'.repeat(1000)]: 1 })
    expect(param).toHaveLength(129)
    expect(message.length).toBeLessThan(250)
  })
})

describe('what the quote needs', () => {
  test('counts items: messages, their calls, tools and functions', () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', tool_calls: [{ id: '1' }, { id: '2' }] },
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } },
    ]
    const tools = [{ type: 'function', function: { name: 'f' } }]
    expect(accepted({ ...base, messages, tools, functions: [{ name: 'g' }] }).items).toBe(3 + 2 + 1 + 1 + 1)
  })

  test('a model may reason unless its effort is none', () => {
    const mayReason = (body: object) => accepted({ ...base, ...body }).mayReason
    expect(mayReason({})).toBe(true)
    expect(mayReason({ reasoning_effort: null })).toBe(true)
    expect(mayReason({ reasoning_effort: 'low' })).toBe(true)
    expect(mayReason({ reasoning_effort: 'none' })).toBe(false)
    // What the operator lets through may turn reasoning on again.
    const options = { allowParameters: () => ['thinking'] }
    expect(accepted({ ...base, reasoning_effort: 'none' }, options).mayReason).toBe(true)
  })

  test('choices', () => {
    expect(accepted(base).choices).toBe(1)
    expect(accepted({ ...base, n: 3 }).choices).toBe(3)
  })

  test('names that break the byte bound are a fault of the program', () => {
    const request = accepted(base)
    expect(() => forwarded(request, { upstreamModel: 'm'.repeat(129) })).toThrow('128 bytes')
    expect(() => forwarded(request, { userHash: 'h'.repeat(65) })).toThrow('64')
    expect(() => forwarded(request, { userHash: 'é' })).toThrow('64')
  })
})

describe('bodies of real SDKs', () => {
  const bodies = readdirSync(fixtures).filter((name) => name.endsWith('.body.txt'))

  test.each(bodies)('%s is accepted and goes on with its own words', (name) => {
    const text = readFileSync(new URL(name, fixtures), 'utf8')
    const body: Record<string, unknown> = JSON.parse(text)
    const request = accepted(text)
    const { max_tokens, max_completion_tokens } = body
    const asked = max_tokens ?? max_completion_tokens ?? null
    expect([request.outputTokensAsked, request.dropped]).toEqual([asked, []])
    const expected: Record<string, unknown> = { ...body, ...added }
    if (max_tokens !== undefined) delete expected.max_completion_tokens
    if (max_tokens !== undefined) expected.max_tokens = 99
    if (body.stream === true) expected.stream_options = { include_usage: true }
    expect(forwarded(request)).toEqual(expected)
  })
})
