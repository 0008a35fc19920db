import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createSseFramer } from '../../pipeline/sse.ts'
import type { Tap } from '../../ports.ts'
import { createChatTap } from './chat-tap.ts'

const encoder = new TextEncoder()
const fixtures = new URL('../__fixtures__/', import.meta.url)
const streams = readdirSync(fixtures).filter((name) => name.endsWith('.chunks.txt'))

/** Plays a stream in chunks that are cut at the given bytes. */
function play(bytes: Uint8Array, cuts: number[], choices = 1): { tap: Tap; kinds: string[] } {
  const framer = createSseFramer()
  const tap = createChatTap({ choices })
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
  return encoder.encode(readFileSync(new URL(`${name}.chunks.txt`, fixtures), 'utf8'))
}

/** How many choices the request of a fixture asked for. */
function choicesOf(name: string): number {
  return name.endsWith('-two') ? 2 : 1
}

function figures(tap: Tap) {
  return { usage: tap.usage(), outputBytes: tap.outputTokensSeen(), started: tap.started() }
}

function usage(inputTokens: number, outputTokens: number, cachedInputTokens = 0, cacheWriteTokens = 0) {
  return {
    usage: { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens },
    stage: expect.stringMatching(/^(last|final)$/),
    invalid: false,
  }
}

const bytes = (text: string) => encoder.encode(text).length
const end = ['usage', 'done']

describe('streams', () => {
  test.each([
    ['openai-text', usage(900, 120, 512, 256), bytes('Grüß dich 👋\ndata: 漢字'), end],
    ['openai-tools', usage(80, 21), bytes('weather{"city":"Köln"}sqlSELECT 1'), end],
    ['openai-functions', usage(70, 17), bytes('weather{"city":"Köln"}'), end],
    ['groq', usage(36, 9), 5, ['pass', 'done']],
    ['deepseek', usage(30, 14, 20), bytes('Hmm, yes.Yes.'), ['pass', 'done']],
    ['mistral', usage(15, 6, 8), bytes('WellOui'), ['pass', 'done']],
    ['vllm', usage(11, 3), bytes('OkHi there'), end],
    ['vllm-two', usage(11, 6), bytes('Hi thereGrüß dich'), end],
    ['ollama', usage(26, 9), bytes('Hm.Yes'), end],
    ['openrouter', usage(12, 3, 4, 8), 3, ['pass', 'done']],
    // xAI counts its reasoning in the total only.
    ['xai', usage(37, 763, 4), bytes('ThinkingDone'), end],
    ['azure', usage(5, 1), 2, end],
    ['error-mid-stream', null, 9, ['pass', 'error']],
    ['cut', null, 9, ['pass', 'invalid']],
  ])('%s', (name, expected, outputBytes, last) => {
    const { tap, kinds } = play(stream(name), [], choicesOf(name))
    expect(figures(tap)).toEqual({ usage: expected, outputBytes, started: true })
    expect(kinds.slice(-2)).toEqual(last)
    expect(kinds.slice(0, -2).every((kind) => kind === 'pass')).toBe(true)
  })

  test.each(streams)('%s gives the same figures split at every byte', (file) => {
    const name = file.replace('.chunks.txt', '')
    const [all, choices] = [stream(name), choicesOf(name)]
    const whole = play(all, [], choices)
    for (let at = 0; at <= all.length; at += 1) {
      const { tap, kinds } = play(all, [at], choices)
      expect([figures(tap), kinds]).toEqual([figures(whole.tap), whole.kinds])
    }
    const everywhere = Array.from({ length: all.length - 1 }, (_, index) => index + 1)
    expect(figures(play(all, everywhere, choices).tap)).toEqual(figures(whole.tap))
  })
})

describe('events', () => {
  const kind = (data: string, name?: string) => createChatTap({ choices: 1 }).event(data, name)

  test.each([
    ['[DONE]', 'done'],
    ['', 'pass'],
    [' ', 'pass'],
    ['{"choices":[]}', 'pass'],
    ['{"choices":[],"usage":null,"error":null}', 'pass'],
    ['{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}', 'pass'],
    ['{"choices":[],"usage":{}}', 'usage'],
    ['{"usage":{"prompt_tokens":1,"completion_tokens":1}}', 'usage'],
    ['{"error":{"message":"x"}}', 'error'],
    ['{"error":"x"}', 'error'],
    ['{"object":"error","message":"x"}', 'error'],
    ['{"choices":[{"delta":{"content":"a"', 'invalid'],
    ['[DONE', 'invalid'],
    ['null', 'invalid'],
    ['5', 'invalid'],
    ['[]', 'invalid'],
    ['{"choices":{"0":1},"usage":[]}', 'pass'],
    ['{"choices":[null,5,{"delta":null},{"delta":{"tool_calls":[null],"content":5}}]}', 'pass'],
  ])('%s is %s', (data, expected) => {
    expect(kind(data)).toBe(expected)
  })

  test('an event named error is one, whatever it holds', () => {
    expect(kind('{"message":"x"}', 'error')).toBe('error')
    expect(kind('oops', 'error')).toBe('error')
    expect(kind('{"choices":[]}', 'message')).toBe('pass')
  })

  test('usage that comes with an error counts', () => {
    const tap = createChatTap({ choices: 1 })
    expect(tap.event('{"error":{},"usage":{"prompt_tokens":3,"completion_tokens":2}}')).toBe('error')
    expect(tap.usage()).toEqual(usage(3, 2))
  })

  test('output of all choices counts; roles, finish reasons and padding do not', () => {
    const tap = createChatTap({ choices: 2 })
    tap.event(
      '{"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":"stop"}],"obfuscation":"abc"}',
    )
    expect([tap.outputTokensSeen(), tap.started()]).toEqual([0, false])
    tap.event('{"choices":[{"delta":{"content":"é"}},{"delta":{"refusal":"no"}}]}')
    expect([tap.outputTokensSeen(), tap.started()]).toEqual([4, true])
  })
})

describe('running totals', () => {
  type Told = { index?: number; text?: string; tokens?: number; finish?: string }
  /** A chunk as vLLM has it: what one choice says, and its own total so far. */
  const chunk = ({ index = 0, text = '', tokens, finish }: Told) =>
    JSON.stringify({
      choices: [{ index, delta: { content: text }, finish_reason: finish ?? null }],
      ...(tokens !== undefined && { usage: { prompt_tokens: 11, completion_tokens: tokens } }),
    })
  const told = (choices: number, ...chunks: (Told | string)[]) => {
    const tap = createChatTap({ choices })
    for (const each of chunks) tap.event(typeof each === 'string' ? each : chunk(each))
    return tap.usage()
  }
  const total = (outputTokens: number, stage: string, invalid = false) => ({
    ...usage(11, outputTokens),
    stage,
    invalid,
  })

  test('they are never the last word before the answer says that it is over', () => {
    expect(told(1, { tokens: 0 })).toEqual(total(0, 'running'))
    expect(told(1, { tokens: 0 }, { text: 'Hello', tokens: 2 })).toEqual(total(2, 'running'))
    // Behind what was seen, as where only some chunks tell it: no lie, for more will come.
    expect(told(1, { tokens: 0 }, { text: 'Hello' })).toEqual(total(0, 'running'))
  })

  test('they are once a finish reason or the end has come', () => {
    const some = { text: 'Hello', tokens: 2 }
    expect(told(1, some, { tokens: 3, finish: 'stop' })).toEqual(total(3, 'last'))
    expect(told(1, some, { finish: 'stop' })).toEqual(total(2, 'last'))
    expect(told(1, some, '[DONE]')).toEqual(total(2, 'last'))
    expect(told(1, { tokens: 0 }, { text: 'Hello' }, '[DONE]')).toEqual(total(0, 'last', true))
  })

  test('with several choices each one tells its own, and together they are the total', () => {
    const first = { index: 0, text: 'a', tokens: 5 }
    const second = { index: 1, text: 'b', tokens: 7 }
    expect(told(2, first, second)).toEqual(total(12, 'running'))
    expect(told(2, first, second, { index: 0, tokens: 6, finish: 'stop' })).toEqual(total(13, 'running'))
    const both = [first, second, { index: 0, tokens: 6, finish: 'stop' }, { index: 1, finish: 'length' }]
    expect(told(2, ...both)).toEqual(total(13, 'last'))
    const end = JSON.stringify({ choices: [], usage: { prompt_tokens: 11, completion_tokens: 14 } })
    expect(told(2, ...both, end)).toEqual(total(14, 'final'))
  })

  test('with several choices one total beside the last of them is that of all', () => {
    const last = { index: 1, tokens: 9, finish: 'stop' }
    expect(told(2, { index: 0, text: 'a', finish: 'stop' }, last)).toEqual(total(9, 'last'))
  })

  test("a choice's own total that falls is flagged and the larger one kept", () => {
    const falling = [{ tokens: 5 }, { index: 1, tokens: 3 }, { tokens: 1 }]
    expect(told(2, ...falling)).toEqual(total(8, 'running', true))
  })

  test('where only the gateway asked for them they are told apart from what passes', () => {
    const kinds = (asked: object, ...chunks: string[]) => {
      const tap = createChatTap({ choices: 1, ...asked }, { streamOptions: 'continuous_usage' })
      return chunks.map((each) => tap.event(each))
    }
    const end = JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } })
    const all = [chunk({ tokens: 1 }), chunk({ text: 'a' }), chunk({ tokens: 2, finish: 'stop' }), end]
    expect(kinds({}, ...all)).toEqual(['running', 'pass', 'running', 'usage'])
    expect(kinds({ runningUsage: true }, ...all)).toEqual(['pass', 'pass', 'pass', 'usage'])
  })

  test('choices that were not asked for are all one', () => {
    const many = Array.from({ length: 9 }, (_, index) => ({ index, tokens: 4, finish: 'stop' }))
    expect(told(2, ...many)).toEqual(total(8, 'last'))
  })
})

describe('usage that cannot be true', () => {
  function reported(report: unknown, text = '') {
    const tap = createChatTap({ choices: 1 })
    if (text !== '') tap.event(JSON.stringify({ choices: [{ delta: { content: text } }] }))
    tap.event(typeof report === 'string' ? report : JSON.stringify({ choices: [], usage: report }))
    return tap.usage()
  }
  const counts = (prompt: unknown, completion: unknown, more: object = {}) => ({
    prompt_tokens: prompt,
    completion_tokens: completion,
    ...more,
  })
  const clamped = (...figures: Parameters<typeof usage>) => ({ ...usage(...figures), invalid: true })

  test.each([
    ['negative', counts(-5, -1), clamped(0, 0)],
    ['fractions', counts(1.5, 2.1), clamped(2, 3)],
    ['texts', counts('5', '6'), clamped(0, 0)],
    ['huge', counts(5, 1e12), clamped(5, 1_000_000_000)],
    ['infinite', '{"usage":{"prompt_tokens":5,"completion_tokens":1e400}}', clamped(5, 1_000_000_000)],
    ['missing input', { completion_tokens: 5 }, clamped(0, 5)],
    ['missing output', { prompt_tokens: 5 }, clamped(5, 0)],
    ['empty', {}, clamped(0, 0)],
    ['cached beyond input', counts(5, 1, { prompt_tokens_details: { cached_tokens: 9 } }), clamped(5, 1, 5)],
    [
      'cached and written beyond input',
      counts(9, 1, { prompt_tokens_details: { cached_tokens: 6, cache_write_tokens: 6 } }),
      clamped(9, 1, 6, 3),
    ],
    ['negative cached', counts(5, 1, { prompt_tokens_details: { cached_tokens: -1 } }), clamped(5, 1)],
    ['a negative total', counts(5, 1, { total_tokens: -1 }), clamped(5, 1)],
    ['a huge total', counts(5, 1, { total_tokens: 1e300 }), clamped(5, 1)],
  ])('%s is clamped and flagged', (_name, report, expected) => {
    expect(reported(report)).toEqual(expected)
  })

  test('no output where output was seen is flagged', () => {
    expect(reported(counts(5, 0), 'Hi')).toEqual(clamped(5, 0))
    expect(reported(counts(5, 0))).toEqual(usage(5, 0))
  })

  test('no input is flagged', () => {
    expect(reported(counts(0, 5), 'Hi')).toEqual(clamped(0, 5))
    expect(reported(counts(0, 0))).toEqual(clamped(0, 0))
  })

  test('a total after which the answer went on was a running one', () => {
    const tap = createChatTap({ choices: 1 })
    tap.event(JSON.stringify({ choices: [], usage: counts(10, 1) }))
    expect(tap.usage()?.stage).toBe('final')
    tap.event(JSON.stringify({ choices: [{ delta: {}, content_filter_results: {} }] }))
    expect(tap.usage()?.stage).toBe('final')
    tap.event(JSON.stringify({ choices: [{ delta: { content: 'much more' } }] }))
    expect(tap.usage()?.stage).toBe('running')
    tap.event(JSON.stringify({ choices: [], usage: counts(10, 4) }))
    expect(tap.usage()).toEqual(usage(10, 4))
  })

  test('a total that falls is flagged and the larger one kept', () => {
    const tap = createChatTap({ choices: 1 })
    tap.event(JSON.stringify({ choices: [], usage: counts(10, 50) }))
    tap.event(JSON.stringify({ choices: [], usage: counts(10, 4) }))
    expect(tap.usage()).toEqual(clamped(10, 50))
    tap.event(JSON.stringify({ choices: [], usage: counts(10, 60) }))
    expect(tap.usage()).toEqual(clamped(10, 60))
  })

  test('with several choices running totals are each their own and the last one stands', () => {
    const tap = createChatTap({ choices: 2 })
    for (const tokens of [5, 3, 9]) tap.event(JSON.stringify({ choices: [], usage: counts(10, tokens) }))
    expect(tap.usage()).toEqual(usage(10, 9))
  })

  test('absent details and nulls are nothing', () => {
    const more = { total_tokens: null, prompt_tokens_details: null, num_cached_tokens: null }
    expect(reported(counts(5, 1, more))).toEqual(usage(5, 1))
    expect(reported(counts(5, 1, { prompt_token_details: { cached_tokens: 2 } }))).toEqual(usage(5, 1, 2))
    expect(reported(counts(5, 1, { cached_tokens: 2 }))).toEqual(usage(5, 1, 2))
    const ofChoice = '"finish_reason":"stop","usage":{"prompt_tokens":2,"completion_tokens":1}'
    expect(reported(`{"choices":[{"delta":{},${ofChoice}}]}`)).toEqual(usage(2, 1))
  })
})

describe('buffered answers', () => {
  const answer = (message: object, usage: unknown = { prompt_tokens: 4, completion_tokens: 2 }) => ({
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage,
  })

  test('usage and output are read', () => {
    const tap = createChatTap({ choices: 1 })
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
    expect(tap.body(answer({ role: 'assistant', content: 'é', tool_calls: [call] }))).toBe(true)
    expect(figures(tap)).toEqual({ usage: usage(4, 2), outputBytes: 5, started: true })
  })

  test('an answer without usage is an answer', () => {
    const tap = createChatTap({ choices: 1 })
    expect(tap.body(answer({ role: 'assistant', content: 'Hi' }, null))).toBe(true)
    expect(figures(tap)).toEqual({ usage: null, outputBytes: 2, started: true })
  })

  test.each([[null], ['text'], [[]], [{}], [{ error: { message: 'x' }, choices: [] }], [{ choices: {} }]])(
    '%j is not an answer of this wire',
    (json) => {
      expect(createChatTap({ choices: 1 }).body(json)).toBe(false)
    },
  )

  test('absurd nesting is no danger', () => {
    const tap = createChatTap({ choices: 1 })
    const nested = `${'['.repeat(5000)}"a"${']'.repeat(5000)}`
    expect(tap.event(`{"choices":[{"delta":{"content":${nested}}}]}`)).toBe('pass')
  })
})
