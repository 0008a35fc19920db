import { describe, expect, test } from 'vitest'
import { acceptedBy, type ParseChoices, refusedBy } from '../test-kit.ts'
import { responses } from './responses.ts'

const accepted = (input: unknown, choices: ParseChoices = {}) =>
  acceptedBy(responses, { model: 'fast', input }, choices)
const refused = (input: unknown, choices: ParseChoices = {}) =>
  refusedBy(responses, { model: 'fast', input }, choices)

/** A PNG of 1024 × 512. */
const png = 'iVBORw0KGgoAAAANSUhEUgAABAAAAAIACAYAAAA='
const picture = { type: 'input_image', image_url: `data:image/png;base64,${png}`, detail: 'auto' }
const user = (...content: unknown[]) => ({ role: 'user', content })

describe('items that cost their bytes', () => {
  test.each<[string, unknown, number]>([
    ['a text', 'Hi', 1],
    ['a short message', [{ role: 'user', content: 'Hi' }], 1],
    ['instructions among them', [{ type: 'message', role: 'developer', content: 'Be brief.' }], 1],
    ['parts', [user({ type: 'input_text', text: 'a' }, { type: 'input_text', text: 'b' })], 1],
    [
      'a cache breakpoint of the ordinary life',
      [user({ type: 'input_text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit', ttl: '30m' } })],
      1,
    ],
    [
      'an answer that is sent back whole',
      [
        { role: 'user', content: 'Hi' },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'Hm' }],
          encrypted_content: 'gAAA',
        },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          phase: 'final_answer',
          content: [
            { type: 'output_text', text: 'Hello', annotations: [], logprobs: [] },
            { type: 'refusal', refusal: 'No.' },
          ],
        },
        { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '{}', status: 'completed' },
        { type: 'function_call_output', call_id: 'c1', output: '7' },
        {
          type: 'custom_tool_call',
          id: 'ct_1',
          call_id: 'c2',
          name: 'g',
          input: 'x',
          caller: { type: 'direct' },
        },
        { type: 'custom_tool_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'y' }] },
      ],
      7,
    ],
  ])('%s', (_title, input, items) => {
    const request = accepted(input)
    expect([request.items, request.uses, request.addedTokensMax]).toEqual([items, undefined, 0])
  })
})

describe('pictures', () => {
  test('in the request are counted by their size, and their bytes are no text', () => {
    const request = accepted([user({ type: 'input_text', text: 'Look' }, picture)])
    const [plain] = [
      accepted([
        user({ type: 'input_text', text: 'Look' }, { ...picture, image_url: 'data:image/png;base64,AAAA' }),
      ]),
    ]
    // Eight tiles, which is more than its 32 × 16 patches.
    expect(request.uses).toEqual({ imageInputTokens: 1445 })
    expect(request.forwardedBytesMax).toBe(plain.forwardedBytesMax)
    expect(request.items).toBe(2)
  })

  test('in results of functions are counted too', () => {
    const output = [picture, { ...picture, detail: null }]
    const request = accepted([{ type: 'function_call_output', call_id: 'c', output }])
    expect([request.uses, request.items]).toEqual([{ imageInputTokens: 2890 }, 3])
  })

  test("cost the operator's maximum at most", () => {
    const media = { remote: false, imageTokensMax: 700, audioSecondsMax: null }
    expect(accepted([user(picture, picture)], { model: { media } }).uses).toEqual({ imageInputTokens: 1400 })
  })

  test('of an address are counted as the most, where the operator lets the provider fetch them', () => {
    const remote = { ...picture, image_url: 'https://example.com/a.png' }
    const media = { remote: true, imageTokensMax: 5000, audioSecondsMax: null }
    const request = accepted([user(remote)], { model: { media } })
    expect(request.uses).toEqual({ imageInputTokens: 3779 })
    expect(refused([user(remote)])).toMatchObject({
      code: 'unsupported_parameter',
      param: 'input[0].content[0].image_url',
    })
    const file = { ...picture, image_url: 'file:///etc/passwd' }
    expect(refused([user(file)], { model: { media } }).param).toBe('input[0].content[0].image_url')
  })
})

describe('what is refused', () => {
  test.each([[{ type: 'item_reference', id: 'msg_1' }], [{ id: 'msg_1' }], [{ type: null, id: 'msg_1' }]])(
    '%j, with the way out',
    (reference) => {
      expect(refused([{ role: 'user', content: 'Hi' }, reference])).toMatchObject({
        code: 'unsupported_parameter',
        param: 'input[1]',
        message: expect.stringContaining('providerOptions: { openai: { store: false } }'),
      })
    },
  )

  test('reasoning that is only named', () => {
    for (const encrypted_content of [undefined, null, '']) {
      const refusal = refused([{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content }])
      expect(refusal).toMatchObject({
        code: 'unsupported_parameter',
        param: 'input[0].encrypted_content',
        message: expect.stringContaining('reasoning.encrypted_content'),
      })
    }
  })

  test.each([
    'computer_call',
    'computer_call_output',
    'shell_call',
    'shell_call_output',
    'local_shell_call',
    'mcp_call',
    'mcp_list_tools',
    'mcp_approval_response',
    'file_search_call',
    'web_search_call',
    'code_interpreter_call',
    'image_generation_call',
    'apply_patch_call',
    'tool_search_call',
    'additional_tools',
    'compaction',
    'compaction_trigger',
    'configuration_update',
    'program',
    'program_output',
    'constructor',
    'new',
  ])('an item of type %s', (type) => {
    const refusal = refused([{ type, id: 'x' }])
    expect(refusal).toMatchObject({ code: 'unsupported_parameter', param: 'input[0]' })
    expect(refusal.message).toContain(type)
  })

  test.each<[string, unknown, string]>([
    ['a file', { type: 'input_file', file_data: 'data:application/pdf;base64,AAAA' }, ''],
    ['a file by its id', { type: 'input_file', file_id: 'file_1' }, ''],
    ['sound', { type: 'input_audio', input_audio: {} }, ''],
    ['a picture by its id', { type: 'input_image', file_id: 'file_1', detail: 'auto' }, '.file_id'],
    ['a picture at an address', { ...picture, image_url: 'https://a.test/b.png' }, '.image_url'],
    ['a picture of no known kind', { ...picture, image_url: 'data:image/svg+xml;base64,AAAA' }, '.image_url'],
    ['a strange key', { type: 'input_text', text: 'a', weight: 2 }, '.weight'],
    [
      'a longer cache life',
      { type: 'input_text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit', ttl: '12h' } },
      '.prompt_cache_breakpoint',
    ],
  ])('a part that is %s', (_title, part, key) => {
    const refusal = refused([user(part)])
    expect(refusal).toMatchObject({ code: 'unsupported_parameter', param: `input[0].content[0]${key}` })
  })

  test.each<[string, unknown, string, string]>([
    ['an item that is none', 'Hi', 'input[0]', 'invalid_value'],
    ['a role that is none', { role: 'tool', content: 'x' }, 'input[0].role', 'invalid_value'],
    ['no content', { role: 'user' }, 'input[0].content', 'invalid_value'],
    ['a part that is none', user('Hi'), 'input[0].content[0]', 'invalid_value'],
    [
      'a text that is none',
      user({ type: 'input_text', text: 1 }),
      'input[0].content[0].text',
      'invalid_value',
    ],
    [
      'a picture without address',
      user({ type: 'input_image' }),
      'input[0].content[0].image_url',
      'invalid_value',
    ],
    ['a call without name', { type: 'function_call', arguments: '{}' }, 'input[0].name', 'invalid_value'],
    ['a call without arguments', { type: 'function_call', name: 'f' }, 'input[0].arguments', 'invalid_value'],
    ['a call without input', { type: 'custom_tool_call', name: 'f' }, 'input[0].input', 'invalid_value'],
    ['no output', { type: 'function_call_output', call_id: 'c' }, 'input[0].output', 'invalid_value'],
    ['a strange key', { role: 'user', content: 'a', weight: 2 }, 'input[0].weight', 'unsupported_parameter'],
    [
      "a program's call",
      { type: 'function_call', name: 'f', arguments: '', caller: { type: 'program', caller_id: 'p' } },
      'input[0].caller',
      'unsupported_parameter',
    ],
  ])('%s', (_title, item, param, code) => {
    expect(refused([item])).toMatchObject({ code, param })
  })

  test('more items than can be', () => {
    expect(refused(Array.from({ length: 4097 }, () => user()))).toMatchObject({ param: 'input' })
  })

  test('a key is let through where the operator allows it', () => {
    const item = { role: 'user', content: [{ type: 'input_text', text: 'a', weight: 2 }], weight: 2 }
    const allowParameters = () => ['input.weight', 'input.content.weight']
    expect(accepted([item], { allowParameters }).items).toBe(1)
  })
})
