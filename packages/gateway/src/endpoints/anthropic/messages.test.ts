import { describe, expect, test } from 'vitest'
import { acceptedBy, forwardedText, type ParseChoices, refusedBy } from '../test-kit.ts'
import { messages } from './messages.ts'
import { messageParameters } from './messages-parameters.ts'

const hello = [{ role: 'user', content: 'hello' }]
const base = { model: 'claude', max_tokens: 100, messages: hello }
const accepted = (more: object = {}, choices: ParseChoices = {}) =>
  acceptedBy(messages, { ...base, ...more }, choices)
const refused = (more: object = {}, choices: ParseChoices = {}) =>
  refusedBy(messages, { ...base, ...more }, choices)
const sent = (more: object = {}, choices: ParseChoices = {}) =>
  JSON.parse(forwardedText(accepted(more, choices)))

const searching: ParseChoices = {
  model: { tools: { callsMax: 4, inputTokensPerCall: 1000 } },
  price: { toolCall: 10_000 },
}

describe('fields', () => {
  // The body fields of MessageCreateParamsBase in @anthropic-ai/sdk 1.13; `user_profile_id` and `workspace_id` are headers.
  const sdkFields =
    'max_tokens messages model cache_control container diagnostics inference_geo metadata output_config service_tier speed stop_sequences stream system thinking tool_choice tools'
  test.each([...sdkFields.split(' '), 'temperature', 'top_p', 'top_k'])('%s has a row', (name) => {
    expect(messageParameters.has(name)).toBe(true)
  })

  test('those that shape the answer go on as they came', () => {
    const more = {
      thinking: { type: 'enabled', budget_tokens: 1024, display: 'omitted' },
      output_config: { effort: 'high', format: { type: 'json_schema', schema: { type: 'object' } } },
      tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
      stop_sequences: ['END'],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      cache_control: { type: 'ephemeral' },
      inference_geo: 'global',
      stream: true,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '5m' } }],
    }
    expect(sent(more)).toMatchObject(more)
  })

  test('the user is a hash of the account, the tier the standard one, the cap what was granted', () => {
    expect(sent({ metadata: { user_id: 'me@example.com' }, service_tier: 'auto' })).toEqual({
      model: 'gpt-5-mini',
      max_tokens: 500,
      messages: hello,
      metadata: { user_id: 'hash' },
      service_tier: 'standard_only',
    })
    expect(sent()).toMatchObject({ metadata: { user_id: 'hash' }, service_tier: 'standard_only' })
    expect(JSON.parse(forwardedText(accepted(), { addFields: false }))).toEqual({
      ...base,
      model: 'gpt-5-mini',
      max_tokens: 500,
    })
  })

  test('all other bytes stay as they came', () => {
    const body =
      '{ "messages":[ {"role":"user","content":"\\u00e9\\/ 1.50"} ],"max_tokens" : 7 , "model":"claude" , "top_p":1.0e0}'
    expect(forwardedText(acceptedBy(messages, body), { addFields: false })).toBe(
      body.replace('"claude"', '"gpt-5-mini"').replace(': 7 ', ': 500 '),
    )
  })

  test('the request is read', () => {
    expect(accepted({ stream: true, max_tokens: 7 })).toMatchObject({
      model: 'claude',
      stream: true,
      includeUsage: true,
      outputTokensAsked: 7,
      choices: 1,
      items: 1,
      mayReason: true,
    })
    expect(accepted()).toMatchObject({ stream: false })
    expect(accepted().uses).toBeUndefined()
    expect(accepted({ thinking: { type: 'disabled' } }).mayReason).toBe(false)
    expect(accepted({ thinking: { type: 'adaptive' } }).mayReason).toBe(true)
  })

  test.each<[string, unknown, string]>([
    ['container', 'container_1', 'unsupported_parameter'],
    ['container', { skills: [] }, 'unsupported_parameter'],
    ['mcp_servers', [], 'unsupported_parameter'],
    ['context_management', {}, 'unsupported_parameter'],
    ['inference_geo', 'us', 'unsupported_parameter'],
    ['diagnostics', { previous_message_id: 'msg_1' }, 'unsupported_parameter'],
    ['speed', 'fast', 'unsupported_parameter'],
    ['speed', 'slow', 'invalid_value'],
    ['service_tier', 'priority', 'unsupported_parameter'],
    ['output_config', { effort: 'low', task_budget: 5 }, 'unsupported_parameter'],
    ['thinking', { type: 'boundless' }, 'invalid_value'],
    ['thinking', { type: 'enabled', budget_tokens: -1 }, 'invalid_value'],
    ['thinking', { type: 'enabled', tools: [] }, 'invalid_value'],
    ['tool_choice', 'auto', 'invalid_value'],
    ['metadata', { user_id: 'a', other: 'b' }, 'invalid_value'],
    ['max_tokens', undefined, 'invalid_value'],
    ['max_tokens', null, 'invalid_value'],
    ['max_tokens', 0, 'invalid_value'],
    ['max_tokens', 1.5, 'invalid_value'],
    ['max_tokens', '7', 'invalid_value'],
    ['model', 5, 'invalid_value'],
    ['messages', [], 'invalid_value'],
    ['messages', undefined, 'invalid_value'],
    ['system', 5, 'invalid_value'],
    ['stream', 'yes', 'invalid_value'],
    ['cache_control', { type: 'eternal' }, 'invalid_value'],
    ['betas', ['x'], 'unsupported_parameter'],
    ['fallbacks', [], 'unsupported_parameter'],
  ])('%s: %j is refused', (name, value, code) => {
    expect(refused({ [name]: value })).toMatchObject({ code, param: name })
  })

  test('an unknown one is dropped where the operator says so, or let through', () => {
    expect(accepted({ unknown: 1 }, { unknownParameters: 'drop' }).dropped).toEqual(['unknown'])
    expect(sent({ unknown: 1 }, { unknownParameters: 'drop' })).not.toHaveProperty('unknown')
    expect(sent({ unknown: 1 }, { allowParameters: () => ['unknown'] })).toMatchObject({ unknown: 1 })
  })
})

describe('the API version', () => {
  const headersOf = (version?: string) =>
    acceptedBy(
      messages,
      base,
      version === undefined ? {} : { headers: { 'anthropic-version': version } },
    ).forward({ upstreamModel: 'm', outputTokensMax: 1, userHash: 'h' }).headers

  test('goes on where it is known; without one the first is meant', () => {
    expect(headersOf()).toEqual({ 'anthropic-version': '2023-06-01' })
    expect(headersOf('2023-06-01')).toEqual({ 'anthropic-version': '2023-06-01' })
    expect(headersOf('2026-10-21')).toEqual({ 'anthropic-version': '2026-10-21' })
  })

  test('no other header goes on', () => {
    const headers = {
      'anthropic-beta': 'fast-mode-2026-02-01',
      'anthropic-workspace-id': 'w',
      'x-api-key': 'k',
    }
    const request = acceptedBy(messages, base, { headers })
    const { headers: forwarded } = request.forward({ upstreamModel: 'm', outputTokensMax: 1, userHash: 'h' })
    expect(forwarded).toEqual({ 'anthropic-version': '2023-06-01' })
  })

  test('400: another one is refused, and the known ones are named', () => {
    const refusal = refusedBy(messages, base, { headers: { 'anthropic-version': '2030-01-01' } })
    expect(refusal).toMatchObject({ code: 'invalid_value', param: 'anthropic-version' })
    expect(refusal.message).toContain('2023-06-01, 2026-10-21')
  })
})

describe('service tiers', () => {
  const priced = (serviceTiers: Record<string, number>): ParseChoices => ({ price: { serviceTiers } })

  test('the priority tier may serve where it has a price and is asked for', () => {
    const choices = priced({ priority: 200 })
    expect(sent({ service_tier: 'auto' }, choices).service_tier).toBe('auto')
    expect(accepted({ service_tier: 'auto' }, choices).uses).toEqual({ serviceTier: true })
    expect(sent({}, choices).service_tier).toBe('standard_only')
    expect(accepted({}, choices).uses).toBeUndefined()
    expect(sent({ service_tier: 'auto' }, priced({ fast: 600 })).service_tier).toBe('standard_only')
  })

  test('the fast mode may serve where it has a price, and never together with another tier', () => {
    const choices = priced({ fast: 600, priority: 200 })
    const given = { speed: 'fast', service_tier: 'auto' }
    expect(sent(given, choices)).toMatchObject({ speed: 'fast', service_tier: 'standard_only' })
    expect(accepted(given, choices).uses).toEqual({ serviceTier: true })
    expect(sent({ speed: 'standard' })).toMatchObject({ speed: 'standard' })
  })
})

describe('longer caches', () => {
  const hour = { type: 'ephemeral', ttl: '1h' }
  const places: [string, object][] = [
    ['cache_control', { cache_control: hour }],
    ['system[0].cache_control', { system: [{ type: 'text', text: 'a', cache_control: hour }] }],
    [
      'messages[0].content[0].cache_control',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'a', cache_control: hour }] }] },
    ],
    [
      'messages[0].content[0].content[0].cache_control',
      {
        messages: [
          {
            role: 'user',
            content: [
              {
                type: 'tool_result',
                tool_use_id: 't',
                content: [{ type: 'text', text: 'a', cache_control: hour }],
              },
            ],
          },
        ],
      },
    ],
    ['tools[0].cache_control', { tools: [{ name: 'f', input_schema: {}, cache_control: hour }] }],
  ]
  test.each(places)('need a price of their own: %s', (param, more) => {
    expect(refused(more)).toMatchObject({ code: 'unsupported_parameter', param: `${param}.ttl` })
    expect(refused(more).message).toContain('no price')
    expect(accepted(more, { price: { longCacheWrite: 2_000_000 } }).uses).toEqual({ longCacheWrite: true })
  })

  test('the usual life needs none', () => {
    expect(accepted({ cache_control: { type: 'ephemeral' } }).uses).toBeUndefined()
    expect(accepted({ cache_control: { type: 'ephemeral', ttl: '5m' } }).uses).toBeUndefined()
    expect(refused({ cache_control: { type: 'ephemeral', ttl: '1d' } }).param).toBe('cache_control.ttl')
    expect(refused({ cache_control: { type: 'ephemeral', scope: 'all' } }).param).toBe('cache_control.scope')
  })
})

describe('tools', () => {
  const custom = { name: 'f', input_schema: { type: 'object' } }
  const search = { type: 'web_search_20250305', name: 'web_search' }

  test('those that the caller runs go on as they came', () => {
    const tools = [
      { ...custom, description: 'd', strict: true, eager_input_streaming: true, input_examples: [{}] },
      { ...custom, type: 'custom', defer_loading: false, allowed_callers: ['direct'] },
    ]
    expect(sent({ tools }).tools).toEqual(tools)
    expect(accepted({ tools })).toMatchObject({ items: 3, addedTokensMax: 0 })
  })

  test("the provider's own schemas add to the input", () => {
    const tools = [
      { type: 'bash_20250124', name: 'bash' },
      { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool', max_characters: 100 },
      { type: 'memory_20250818', name: 'memory' },
    ]
    expect(sent({ tools }).tools).toEqual(tools)
    expect(accepted({ tools }).addedTokensMax).toBe(3 * 2048)
  })

  test.each<[string, object]>([
    ['web_fetch', { type: 'web_fetch_20250910', name: 'web_fetch' }],
    ['code_execution', { type: 'code_execution_20250825', name: 'code_execution' }],
    ['tool search', { type: 'tool_search_tool_bm25', name: 'tool_search_tool_bm25' }],
    ['the browser', { type: 'browser_20260801' }],
    ['the computer', { type: 'computer_20260801' }],
    ['a later shell', { type: 'bash_20300101', name: 'bash' }],
    ['an MCP toolset', { type: 'mcp_toolset', mcp_server_name: 'x' }],
    ['no text as type', { ...custom, type: 5 }],
    ['a search without a price', search],
  ])('400: %s', (_title, tool) => {
    expect(refused({ tools: [tool] })).toMatchObject({ code: 'unsupported_parameter', param: 'tools[0]' })
  })

  test.each<[string, object, string]>([
    ['an unknown key', { ...custom, price: 5 }, 'price'],
    ['no name', { input_schema: {} }, 'name'],
    ['no schema', { name: 'f' }, 'input_schema'],
    [
      'code of the provider as caller',
      { ...custom, allowed_callers: ['code_execution_20260120'] },
      'allowed_callers',
    ],
    ['nobody as caller', { ...custom, allowed_callers: [] }, 'allowed_callers'],
  ])('400: %s', (_title, tool, field) => {
    expect(refused({ tools: [tool] }).param).toBe(`tools[0].${field}`)
  })

  test('a search is written with as many uses as have a price', () => {
    const uses = (given: object) => {
      const request = accepted({ tools: [custom, { ...search, ...given }] }, searching)
      const [first, second] = JSON.parse(forwardedText(request)).tools
      expect(first).toEqual(custom)
      expect(request.uses).toEqual({ toolCalls: second.max_uses })
      return second.max_uses
    }
    expect(uses({})).toBe(4)
    expect(uses({ max_uses: null })).toBe(4)
    expect(uses({ max_uses: 3 })).toBe(3)
    expect(uses({ max_uses: 1000 })).toBe(4)
  })

  test('a search is held for with all that is read again after it', () => {
    const request = accepted({ tools: [{ ...search, max_uses: 2 }] }, searching)
    const again = request.forwardedBytesMax + 1024 + 16 * 2 + 100
    expect(request.addedTokensMax).toBe(2 * again + 3 * 1000)
    const clamped = { ...searching, model: { ...searching.model, outputTokensMax: 60 } }
    expect(accepted({ tools: [{ ...search, max_uses: 2 }] }, clamped).addedTokensMax).toBe(
      2 * (again - 40) + 3 * 1000,
    )
  })

  test('newer searches must be called by the model itself', () => {
    const newer = { type: 'web_search_20260318', name: 'web_search', response_inclusion: 'full' }
    expect(refused({ tools: [newer] }, searching).param).toBe('tools[0].allowed_callers')
    expect(accepted({ tools: [{ ...newer, allowed_callers: ['direct'] }] }, searching).uses).toEqual({
      toolCalls: 4,
    })
  })

  test.each<[string, object[], string]>([
    ['a second search', [search, search], 'tools[1]'],
    ['half a use', [{ ...search, max_uses: 0.5 }], 'tools[0].max_uses'],
    ['no use', [{ ...search, max_uses: 0 }], 'tools[0].max_uses'],
    ['an unknown key', [{ ...search, depth: 5 }], 'tools[0].depth'],
  ])('400: %s', (_title, tools, param) => {
    expect(refused({ tools }, searching).param).toBe(param)
  })
})
