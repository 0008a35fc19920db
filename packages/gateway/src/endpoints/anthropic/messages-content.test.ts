import { describe, expect, test } from 'vitest'
import { acceptedBy, forwardedText, type ParseChoices, refusedBy } from '../test-kit.ts'
import { messages } from './messages.ts'
import { imageTokensMax } from './messages-images.ts'

const body = (content: unknown, role = 'user') => ({
  model: 'claude',
  max_tokens: 100,
  messages: [{ role, content }],
})
const accepted = (content: unknown, choices: ParseChoices = {}, role = 'user') =>
  acceptedBy(messages, body(content, role), choices)
const refused = (content: unknown, choices: ParseChoices = {}, role = 'user') =>
  refusedBy(messages, body(content, role), choices)

const text = { type: 'text', text: 'hello' }
const data = 'iVBORw0KGgo='
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } }
const searching: ParseChoices = {
  model: { tools: { callsMax: 4, inputTokensPerCall: 1000 } },
  price: { toolCall: 10_000 },
}

describe('blocks that cost their bytes', () => {
  test.each<[string, unknown]>([
    ['a text', 'hello'],
    ['a block of text', [{ ...text, citations: null, cache_control: { type: 'ephemeral' } }]],
    ['a text with what it cites', [{ ...text, citations: [{ type: 'char_location', cited_text: 'a' }] }]],
    ['a call of a tool', [{ type: 'tool_use', id: 't', name: 'f', input: {}, caller: { type: 'direct' } }]],
    ['a result in a text', [{ type: 'tool_result', tool_use_id: 't', content: 'ok', is_error: false }]],
    ['a result without content', [{ type: 'tool_result', tool_use_id: 't' }]],
    ['a result in blocks', [{ type: 'tool_result', tool_use_id: 't', content: [text] }]],
    ['reasoning', [{ type: 'thinking', thinking: 'Hm', signature: 's' }]],
    ['hidden reasoning', [{ type: 'redacted_thinking', data: 'abc' }]],
    ['a document', [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'a' } }]],
    [
      'a document in blocks',
      [{ type: 'document', source: { type: 'content', content: [text] }, title: 't' }],
    ],
    ['a found text', [{ type: 'search_result', source: 's', title: 't', content: [text] }]],
  ])('%s', (_title, content) => {
    const request = accepted(content)
    expect(request.uses).toBeUndefined()
    expect(request.addedTokensMax).toBe(0)
    expect(JSON.parse(forwardedText(request)).messages[0].content).toEqual(content)
  })

  test('messages and blocks are counted, however deep', () => {
    expect(accepted('hello').items).toBe(1)
    expect(accepted([text, text]).items).toBe(3)
    expect(accepted([{ type: 'tool_result', tool_use_id: 't', content: [text, image] }]).items).toBe(4)
    const { items } = acceptedBy(messages, { ...body('hi'), system: [text, text] })
    expect(items).toBe(4)
  })

  test('system messages hold text only', () => {
    expect(accepted('Be brief.', {}, 'system').items).toBe(1)
    expect(accepted([text], {}, 'system').items).toBe(2)
    expect(refused([image], {}, 'system')).toMatchObject({ param: 'messages[0].content[0]' })
    expect(refusedBy(messages, { ...body('hi'), system: [image] })).toMatchObject({ param: 'system[0]' })
  })

  test('what is cited sentence by sentence may have a mark for each', () => {
    const source = { type: 'text', media_type: 'text/plain', data: 'Grüß.' }
    const document = { type: 'document', source, citations: { enabled: true } }
    expect(accepted([document]).addedTokensMax).toBe(4 * 7)
    expect(accepted([{ ...document, citations: { enabled: 'true' } }]).addedTokensMax).toBeGreaterThan(0)
    expect(accepted([{ ...document, citations: { enabled: false } }]).addedTokensMax).toBe(0)
  })
})

describe('pictures', () => {
  test('are no text, and cost the most that one can where their size cannot be read', () => {
    const without = accepted([{ ...image, source: { ...image.source, data: '' } }]).forwardedBytesMax
    const request = accepted([image, text])
    expect(request.forwardedBytesMax).toBe(without + JSON.stringify(text).length + 1)
    expect(request.uses).toEqual({ imageInputTokens: imageTokensMax })
  })

  test('cost what their size says, where it can be read', () => {
    const png = 'iVBORw0KGgoAAAANSUhEUgAABAAAAAIACAYAAAA='
    const sized = { ...image, source: { ...image.source, data: png } }
    expect(accepted([sized]).uses).toEqual({ imageInputTokens: 37 * 19 })
  })

  test('count wherever they stand', () => {
    const result = { type: 'tool_result', tool_use_id: 't', content: [image] }
    const document = { type: 'document', source: { type: 'content', content: [image] } }
    expect(accepted([image, result, document]).uses).toEqual({ imageInputTokens: 3 * imageTokensMax })
  })

  test("may cost what the operator says of the model's", () => {
    const media = { remote: false, imageTokensMax: 1568, audioSecondsMax: null }
    expect(accepted([image], { model: { media } }).uses).toEqual({ imageInputTokens: 1568 })
  })

  test('may be refused where they are too large, and not changed otherwise', () => {
    const how = (transformations: object) => [{ ...image, transformations }]
    expect(accepted(how({ oversized_image: 'error' })).uses).toEqual({ imageInputTokens: imageTokensMax })
    expect(refused(how({ enlarged: true }))).toMatchObject({
      code: 'unsupported_parameter',
      param: 'messages[0].content[0].transformations.enlarged',
    })
  })

  test('may come from an address only where the operator says so', () => {
    const remote = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }
    expect(refused([remote])).toMatchObject({
      code: 'unsupported_parameter',
      param: 'messages[0].content[0].source',
    })
    const media = { remote: true, imageTokensMax: null, audioSecondsMax: null }
    expect(accepted([remote], { model: { media } }).uses).toEqual({ imageInputTokens: imageTokensMax })
    const both = { ...remote, source: { ...remote.source, data } }
    expect(refused([both], { model: { media } })).toMatchObject({
      code: 'unsupported_parameter',
      param: 'messages[0].content[0].source.data',
    })
  })

  test.each<[string, object]>([
    ['source', { type: 'file', file_id: 'file_1' }],
    ['source', { type: 'base64', file_id: 'file_1', data }],
    ['source.data', { type: 'base64', data: 'data:image/png;base64,aaaa' }],
    ['source.data', { type: 'base64', data: 'a text that would be free of charge' }],
    ['source.data', { type: 'base64', data: 5 }],
    ['source.url', { type: 'base64', data, url: 'https://example.com' }],
    ['source', { type: 'text', data: 'x' }],
  ])('400: %s: %j', (field, source) => {
    expect(refused([{ type: 'image', source }]).param).toMatch(`messages[0].content[0].${field}`)
  })
})

describe('searches that were made', () => {
  const blocks = [
    {
      type: 'server_tool_use',
      id: 's',
      name: 'web_search',
      input: { query: 'x' },
      caller: { type: 'direct' },
    },
    { type: 'web_search_tool_result', tool_use_id: 's', content: [{ encrypted_content: 'abc' }] },
  ]
  test.each(blocks)('go on where searches have a price: $type', (block) => {
    expect(accepted([block], searching, 'assistant').uses).toBeUndefined()
    expect(refused([block], {}, 'assistant')).toMatchObject({ code: 'unsupported_parameter' })
  })

  test('400: what another tool of the provider did', () => {
    expect(refused([{ ...blocks[0], name: 'code_execution' }], searching, 'assistant').param).toBe(
      'messages[0].content[0]',
    )
    expect(
      refused([{ ...blocks[0], caller: { type: 'code_execution_20260120' } }], searching, 'assistant').param,
    ).toBe('messages[0].content[0].caller')
  })
})

describe('what is not bounded is refused', () => {
  test.each<[string, unknown, string]>([
    [
      'a PDF',
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } },
      '.source',
    ],
    ['a PDF elsewhere', { type: 'document', source: { type: 'url', url: 'https://example.com' } }, '.source'],
    ['a file', { type: 'document', source: { type: 'file', file_id: 'f' } }, '.source'],
    ['a document without text', { type: 'document', source: { type: 'text', data: 5 } }, '.source'],
    ['a container', { type: 'container_upload', file_id: 'f' }, ''],
    ['what was fetched', { type: 'web_fetch_tool_result', content: [] }, ''],
    ['what code did', { type: 'code_execution_tool_result', content: {} }, ''],
    ['a found tool', { type: 'tool_search_tool_result', content: {} }, ''],
    ['a call by code', { type: 'tool_use', name: 'f', input: {}, caller: { type: 'x' } }, '.caller'],
    ['a member of a toolset', { type: 'tool_use', name: 'f', toolset_name: 'browser' }, '.toolset_name'],
    [
      'a reference to a tool',
      { type: 'tool_result', tool_use_id: 't', content: [{ type: 'tool_reference', tool_name: 'f' }] },
      '.content[0]',
    ],
    ['an unknown key', { ...text, price: 5 }, '.price'],
    ['an unknown kind', { type: 'video' }, ''],
    ['no kind', {}, '.type'],
    ['a text that is none', { type: 'text', text: 5 }, '.text'],
    ['no object', 5, ''],
  ])('400: %s', (_title, block, field) => {
    expect(refused([block]).param).toBe(`messages[0].content[0]${field}`)
  })

  test.each<[string, unknown, string]>([
    ['a role', { role: 'tool', content: 'x' }, 'messages[0].role'],
    ['no content', { role: 'user' }, 'messages[0].content'],
    ['a key', { role: 'user', content: 'x', name: 'y' }, 'messages[0].name'],
    ['no object', 'x', 'messages[0]'],
  ])('400: %s', (_title, message, param) => {
    expect(refusedBy(messages, { model: 'm', max_tokens: 1, messages: [message] }).param).toBe(param)
  })

  test('what the operator lets through goes on', () => {
    const allowParameters = () => ['messages.content.price', 'messages.name']
    expect(accepted([{ ...text, price: 5 }], { allowParameters }).items).toBe(2)
  })
})
