import { describe, expect, test } from 'vitest'
import { checkMessages, checkTools } from './chat-messages.ts'

const none = new Set<string>()
const check = (...messages: unknown[]) => checkMessages(messages, none)

describe('messages that pass', () => {
  test.each([
    ['developer', { role: 'developer', content: 'Be brief', name: 'd' }],
    ['system', { role: 'system', content: [{ type: 'text', text: 'Be brief' }] }],
    ['user', { role: 'user', content: '' }],
    [
      'user in parts',
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: '' },
        ],
      },
    ],
    ['assistant', { role: 'assistant', content: 'Yes', refusal: null, audio: null }],
    ['assistant refusing', { role: 'assistant', content: [{ type: 'refusal', refusal: 'No' }] }],
    ['assistant without content', { role: 'assistant', tool_calls: [{ id: 'c', type: 'function' }] }],
    ['assistant calling legacy', { role: 'assistant', content: null, function_call: { name: 'f' } }],
    [
      'an answer echoed',
      { role: 'assistant', content: 'a', annotations: [], parsed: {}, reasoning_content: 'b' },
    ],
    ['tool', { role: 'tool', tool_call_id: 'c', content: '7' }],
    ['function', { role: 'function', name: 'f', content: null }],
    ['null keys', { role: 'user', content: 'a', name: null, whatever: null }],
  ])('%s', (_name, message) => {
    expect(check(message)).toMatchObject({ ok: true })
  })

  test('a cache breakpoint of the ordinary life', () => {
    const part = (prompt_cache_breakpoint: unknown) =>
      check({ role: 'user', content: [{ type: 'text', text: 'a', prompt_cache_breakpoint }] })
    expect(part({ mode: 'explicit' })).toMatchObject({ ok: true })
    expect(part({ mode: 'explicit', ttl: '30m' })).toMatchObject({ ok: true })
    for (const dear of [{ mode: 'explicit', ttl: '12h' }, { mode: 'explicit', x: 1 }, { ttl: '30m' }]) {
      expect(part(dear)).toMatchObject({
        error: {
          code: 'unsupported_parameter',
          param: 'messages[0].content[0].prompt_cache_breakpoint',
        },
      })
    }
  })
})

describe('messages that are refused', () => {
  const user = { role: 'user', content: 'Hi' }

  test.each([
    ['file', { type: 'file', file: { file_id: 'file-1' } }],
    ['unknown part', { type: 'video_url', text: 'a' }],
  ])('%s with 400 unsupported_parameter that says where', (_name, part) => {
    const result = check(user, user, { role: 'user', content: [{ type: 'text', text: 'a' }, part] })
    expect(result).toMatchObject({
      error: { code: 'unsupported_parameter', param: 'messages[2].content[1]' },
    })
    expect(!result.ok && result.error.message).toContain('bound')
  })

  test.each([
    ['earlier audio', { role: 'assistant', audio: { id: 'audio_1' } }, 'messages[0].audio'],
    ['images beside content', { ...user, images: ['a'] }, 'messages[0].images'],
    ['a longer cache life', { ...user, cache_control: { ttl: '1h' } }, 'messages[0].cache_control'],
    [
      'a longer cache life in a part',
      { role: 'user', content: [{ type: 'text', text: 'a', cache_control: { ttl: '1h' } }] },
      'messages[0].content[0].cache_control',
    ],
  ])('%s with 400 unsupported_parameter', (_name, message, param) => {
    expect(check(message)).toMatchObject({ error: { code: 'unsupported_parameter', param } })
  })

  test.each([
    ['no object', 'Hi', 'messages[0]'],
    ['an array', [], 'messages[0]'],
    ['no role', { content: 'Hi' }, 'messages[0].role'],
    ['a strange role', { role: 'root', content: 'Hi' }, 'messages[0].role'],
    ['no content', { role: 'user' }, 'messages[0].content'],
    ['null content', { role: 'tool', content: null }, 'messages[0].content'],
    ['content as a number', { role: 'user', content: 5 }, 'messages[0].content'],
    ['content as an object', { role: 'assistant', content: {} }, 'messages[0].content'],
    ['a part as text', { role: 'user', content: ['Hi'] }, 'messages[0].content[0]'],
    ['a part without a type', { role: 'user', content: [{ text: 'a' }] }, 'messages[0].content[0].type'],
    ['a part without text', { role: 'user', content: [{ type: 'text' }] }, 'messages[0].content[0].text'],
    ['calls as an object', { role: 'assistant', tool_calls: {} }, 'messages[0].tool_calls'],
    ['a call as text', { role: 'assistant', tool_calls: ['f'] }, 'messages[0].tool_calls'],
  ])('%s with 400 invalid_value', (_name, message, param) => {
    expect(check(message)).toMatchObject({ error: { code: 'invalid_value', param } })
  })

  test('unless the operator allows the key', () => {
    const message = { ...user, cache_control: {}, content: [{ type: 'text', text: 'a', cache_control: {} }] }
    const allowed = new Set(['messages.cache_control', 'messages.content.cache_control'])
    expect(checkMessages([message], allowed)).toMatchObject({ ok: true, value: { items: 1 } })
  })
})

describe('tools', () => {
  test.each([
    ['a tool of the provider', { type: 'web_search' }, 'unsupported_parameter', 'tools[0]'],
    ['a tool without a type', { function: { name: 'f' } }, 'unsupported_parameter', 'tools[0]'],
    ['a tool server', { type: 'mcp', server_url: 'https://x.test' }, 'unsupported_parameter', 'tools[0]'],
    ['no object', 'f', 'invalid_value', 'tools[0]'],
    ['a tool without its function', { type: 'function' }, 'invalid_value', 'tools[0].function'],
    [
      'a key beside the function',
      { type: 'function', function: {}, cache_control: {} },
      'unsupported_parameter',
      'tools[0].cache_control',
    ],
  ])('%s is refused', (_name, tool, code, param) => {
    expect(checkTools([tool], none)).toMatchObject({ error: { code, param } })
  })
})
