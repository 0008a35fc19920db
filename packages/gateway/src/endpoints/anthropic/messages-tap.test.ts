import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createSseFramer } from '../../pipeline/sse.ts'
import type { Reading, Tap } from '../../ports.ts'
import { createMessagesTap } from './messages-tap.ts'

const encoder = new TextEncoder()
const fixtures = new URL('../__fixtures__/', import.meta.url)
const streams = readdirSync(fixtures).filter((name) => name.startsWith('anthropic-'))

/** Plays a stream in chunks that are cut at the given bytes. */
function play(bytes: Uint8Array, cuts: number[]): { tap: Tap; kinds: string[] } {
  const framer = createSseFramer()
  const tap = createMessagesTap({})
  const kinds: string[] = []
  const cut = [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length))
  const events = cut.flatMap((chunk) => framer.push(chunk).events)
  const rest = framer.rest()
  for (const { data, event } of rest === null ? events : [...events, rest]) {
    if (data !== null) kinds.push(tap.event(data, event))
  }
  return { tap, kinds }
}

function stream(name: string): Uint8Array {
  return encoder.encode(readFileSync(new URL(`${name}.events.txt`, fixtures), 'utf8'))
}

function figures(tap: Tap) {
  return { usage: tap.usage(), outputBytes: tap.outputTokensSeen(), started: tap.started() }
}

function usage(
  inputTokens: number,
  outputTokens: number,
  more: object = {},
  stage: Reading['stage'] = 'final',
) {
  const parts = { cachedInputTokens: 0, cacheWriteTokens: 0 }
  return { usage: { inputTokens, outputTokens, ...parts, ...more }, stage, invalid: false }
}

const bytes = (text: string) => encoder.encode(text).length
/** Told, so that nothing dearer need be presumed. */
const standard = { serviceTier: 'standard' }
const cache = { cachedInputTokens: 2000, cacheWriteTokens: 100, longCacheWriteTokens: 200 }

const start = (given: object) => JSON.stringify({ type: 'message_start', message: { usage: given } })
const end = (given: object, reason: string | null = 'end_turn') =>
  JSON.stringify({ type: 'message_delta', delta: { stop_reason: reason }, usage: given })
const block = (given: object) => JSON.stringify({ type: 'content_block_start', content_block: given })
const said = (text: string) =>
  JSON.stringify({ type: 'content_block_delta', delta: { type: 'text_delta', text } })

describe('streams', () => {
  test.each([
    ['anthropic-text', usage(25, 15, standard), bytes('Grüß dich 👋\n漢字'), ['usage', 'done']],
    [
      'anthropic-tools',
      usage(472, 89, standard),
      bytes('Let me see.weather{"city":"Köln"}'),
      ['usage', 'done'],
    ],
    // What was encrypted before the first visible word is bounded by its time.
    ['anthropic-thinking', usage(40, 210, standard), bytes('Hmm.Yes.ZGF0YQ==So.'), ['usage', 'done']],
    ['anthropic-cache', usage(2310, 4, { ...cache, ...standard }), 2, ['usage', 'done']],
    [
      'anthropic-search',
      usage(10682, 510, { toolCalls: 1, ...standard }),
      bytes('web_search{"query":"x"}Found.'),
      ['usage', 'done'],
    ],
    ['anthropic-error', usage(25, 1, standard, 'running'), 4, ['pass', 'error']],
  ])('%s', (name, expected, outputBytes, last) => {
    const { tap, kinds } = play(stream(name), [])
    expect(figures(tap)).toEqual({ usage: expected, outputBytes, started: true })
    expect(kinds.slice(-2)).toEqual(last)
    expect(kinds.slice(0, -2).every((kind) => kind === 'pass')).toBe(true)
  })

  test.each(streams)('%s gives the same figures split at every byte', (file) => {
    const all = stream(file.replace('.events.txt', ''))
    const whole = play(all, [])
    for (let at = 0; at <= all.length; at += 1) {
      const { tap, kinds } = play(all, [at])
      expect([figures(tap), kinds]).toEqual([figures(whole.tap), whole.kinds])
    }
    const everywhere = Array.from({ length: all.length - 1 }, (_, index) => index + 1)
    expect(figures(play(all, everywhere).tap)).toEqual(figures(whole.tap))
  })
})

describe('events', () => {
  test.each([
    ['', 'pass'],
    [' ', 'pass'],
    ['{"type":"ping"}', 'pass'],
    ['{"type":"never_heard_of","usage":{"input_tokens":1}}', 'pass'],
    ['{}', 'pass'],
    ['{"type":"message_start"}', 'pass'],
    ['{"type":"content_block_start","content_block":null}', 'pass'],
    ['{"type":"content_block_delta","delta":5}', 'pass'],
    [end({ output_tokens: 1 }, null), 'pass'],
    ['{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', 'pass'],
    [end({}), 'usage'],
    ['{"type":"message_stop"}', 'done'],
    ['{"type":"error","error":{"type":"api_error"}}', 'error'],
    ['[DONE]', 'invalid'],
    ['null', 'invalid'],
    ['[]', 'invalid'],
    ['{"type":"content_block_delta","delta":{"te', 'invalid'],
  ])('%s is %s', (data, expected) => {
    expect(createMessagesTap({}).event(data)).toBe(expected)
  })

  test('an event named error is one, whatever it holds', () => {
    expect(createMessagesTap({}).event('oops', 'error')).toBe('error')
  })

  test('totals overwrite, and what is null or absent stands', () => {
    const tap = createMessagesTap({})
    expect(tap.usage()).toBeNull()
    tap.event(start({ input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 }))
    expect(tap.usage()).toEqual(usage(15, 1, { cachedInputTokens: 5 }, 'running'))
    tap.event(end({ input_tokens: null, output_tokens: 7 }, null))
    expect(tap.usage()).toEqual(usage(15, 7, { cachedInputTokens: 5 }, 'running'))
    tap.event(end({ output_tokens: 9 }))
    expect(tap.usage()).toEqual(usage(15, 9, { cachedInputTokens: 5 }))
  })

  test('the totals are the last word', () => {
    const tap = createMessagesTap({})
    tap.event(start({ input_tokens: 10, output_tokens: 1 }))
    tap.event(said('hello'))
    expect(tap.ended?.()).toBe(false)
    tap.event(end({ output_tokens: 9 }))
    expect(tap.ended?.()).toBe(true)
  })

  test('totals that fall are not believed', () => {
    const tap = createMessagesTap({})
    tap.event(start({ input_tokens: 10, output_tokens: 8 }))
    tap.event(end({ input_tokens: 3, output_tokens: 2 }))
    expect(tap.usage()).toEqual({ ...usage(10, 8), invalid: true })
  })

  test('an answer that says much and counts nothing is not believed', () => {
    const tap = createMessagesTap({})
    tap.event(start({ input_tokens: 10, output_tokens: 0 }))
    tap.event(said('hello'))
    expect(tap.usage()?.invalid).toBe(false)
    tap.event(end({ output_tokens: 0 }))
    expect(tap.usage()?.invalid).toBe(true)
  })

  test('once the provider has searched, only the end tells the input', () => {
    const tap = createMessagesTap({})
    tap.event(start({ input_tokens: 10, output_tokens: 1 }))
    expect(tap.usage()).not.toBeNull()
    tap.event(block({ type: 'server_tool_use', id: 's', name: 'web_search', input: {} }))
    expect(tap.usage()).toBeNull()
    tap.event(end({ input_tokens: 90, output_tokens: 2 }, null))
    expect(tap.usage()).toBeNull()
    tap.event(end({ input_tokens: 99, output_tokens: 20, server_tool_use: { web_search_requests: 2 } }))
    expect(tap.usage()).toEqual(usage(99, 20, { toolCalls: 2 }))
  })

  test('reasoning is no visible output, and hides it again while it is under way', () => {
    const tap = createMessagesTap({})
    tap.event(block({ type: 'thinking', thinking: 'Let me', signature: '' }))
    expect(figures(tap)).toMatchObject({ started: false, outputBytes: 6 })
    tap.event('{"type":"content_block_stop"}')
    expect(tap.started()).toBe(false)
    tap.event(said('Yes'))
    expect(tap.started()).toBe(true)
    tap.event(block({ type: 'thinking', thinking: '', signature: 'sealed' }))
    expect(figures(tap)).toMatchObject({ started: false, outputBytes: 15 })
    tap.event('{"type":"content_block_stop"}')
    expect(tap.started()).toBe(true)
  })

  test('what kinds of blocks to come may say counts', () => {
    const tap = createMessagesTap({})
    tap.event(block({ type: 'poem', id: 'abc', lines: ['one', 'two'] }))
    tap.event('{"type":"content_block_delta","delta":{"type":"verse_delta","verse":"three"}}')
    expect(tap.outputTokensSeen()).toBe(11)
  })
})

describe('usage', () => {
  const read = (given: object, longCacheWrite = false) => {
    const tap = createMessagesTap(longCacheWrite ? { uses: { longCacheWrite } } : {})
    expect(tap.body({ type: 'message', content: [], usage: given })).toBe(true)
    return tap.usage()
  }
  const plain = { input_tokens: 10, output_tokens: 2 }

  test('the tier that served is named as far as it is told', () => {
    expect(read(plain)).toEqual(usage(10, 2))
    expect(read({ ...plain, service_tier: 'standard', speed: 'standard' })).toEqual(usage(10, 2, standard))
    expect(read({ ...plain, service_tier: 'priority' })).toEqual(usage(10, 2, { serviceTier: 'priority' }))
    expect(read({ ...plain, service_tier: 'standard', speed: 'fast' })).toEqual(
      usage(10, 2, { serviceTier: 'fast' }),
    )
  })

  test('what was written to a cache of unknown life is taken for what was asked', () => {
    const given = { ...plain, cache_creation_input_tokens: 50, cache_creation: null }
    expect(read(given)).toEqual(usage(60, 2, { cacheWriteTokens: 50 }))
    expect(read(given, true)).toEqual(usage(60, 2, { longCacheWriteTokens: 50 }))
    const split = { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 }
    expect(read({ ...given, cache_creation: split }, true)).toEqual(
      usage(60, 2, { cacheWriteTokens: 20, longCacheWriteTokens: 30 }),
    )
  })

  test.each([
    ['negative', { input_tokens: -1, output_tokens: 2 }],
    ['a fraction', { input_tokens: 1.5, output_tokens: 2 }],
    ['in words', { input_tokens: '1', output_tokens: 2 }],
    ['without input', { output_tokens: 2 }],
    ['without output', { input_tokens: 2 }],
    ['empty', {}],
    ['beyond belief', { input_tokens: 1, output_tokens: 1e15 }],
    ['negative cached', { ...plain, cache_read_input_tokens: -5 }],
    [
      'more by life than in all',
      { ...plain, cache_creation_input_tokens: 5, cache_creation: { ephemeral_5m_input_tokens: 6 } },
    ],
    ['of half a search', { ...plain, server_tool_use: { web_search_requests: 0.5 } }],
  ])('that is %s is not believed', (_title, given) => {
    expect(read(given)?.invalid).toBe(true)
  })
})

describe('whole answers', () => {
  test('are metered', () => {
    const tap = createMessagesTap({})
    const content = [
      { type: 'thinking', thinking: 'Hm', signature: 's' },
      { type: 'text', text: 'Hello', citations: null },
      { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: [1, true] } },
      { type: 'web_search_tool_result', tool_use_id: 't', content: [{ title: 'long' }] },
      null,
    ]
    expect(tap.body({ type: 'message', content, usage: { input_tokens: 3, output_tokens: 9 } })).toBe(true)
    const outputBytes = 'HmHellof{"a":[1,true]}'.length
    expect(figures(tap)).toEqual({ usage: usage(3, 9), outputBytes, started: true })
  })

  test.each([
    null,
    'x',
    [],
    {},
    { type: 'error', error: { type: 'api_error' } },
    { type: 'message' },
    { content: [] },
  ])('%j is none', (json) => {
    expect(createMessagesTap({}).body(json)).toBe(false)
  })

  test('without usage they have none', () => {
    const tap = createMessagesTap({})
    expect(tap.body({ type: 'message', content: [{ type: 'text', text: 'Hi' }] })).toBe(true)
    expect(figures(tap)).toEqual({ usage: null, outputBytes: 2, started: true })
  })
})
