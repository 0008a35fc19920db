import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createSseFramer } from '../../pipeline/sse.ts'
import type { Tap } from '../../ports.ts'
import { createGeminiTap } from './gemini-tap.ts'

const encoder = new TextEncoder()
const fixtures = new URL('../__fixtures__/gemini/', import.meta.url)
const streams = readdirSync(fixtures)

function stream(name: string): Uint8Array {
  return encoder.encode(readFileSync(new URL(name, fixtures), 'utf8'))
}

/** Plays a stream in chunks that are cut at the given bytes. */
function play(bytes: Uint8Array, cuts: number[], choices = 1): { tap: Tap; kinds: string[] } {
  const framer = createSseFramer()
  const tap = createGeminiTap({ choices })
  const kinds: string[] = []
  const cut = [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length))
  const events = cut.flatMap((chunk) => framer.push(chunk).events)
  const rest = framer.rest()
  for (const { data, event } of rest === null ? events : [...events, rest]) {
    if (data !== null) kinds.push(tap.event(data, event))
  }
  return { tap, kinds }
}

function figures(tap: Tap) {
  return { usage: tap.usage(), seen: tap.outputTokensSeen(), started: tap.started(), ended: tap.ended?.() }
}

function reading(inputTokens: number, outputTokens: number, stage = 'final', cachedInputTokens = 0) {
  const usage = { inputTokens, cachedInputTokens, cacheWriteTokens: 0, outputTokens }
  return { usage, stage, invalid: false }
}

const bytes = (text: string) => encoder.encode(text).length

describe('streams', () => {
  test.each([
    ['text', 1, reading(12, 39, 'final', 4), bytes('Grüß dich 👋\ndata: 漢字'), true],
    ['thoughts', 1, reading(8, 5), bytes('Hmm. Yes.'), true],
    ['tools', 1, reading(80, 21), bytes('weather[{"city":"Köln","days":3},null]'), true],
    ['candidates', 2, reading(9, 5, 'last'), bytes('onetwo!'), true],
    ['blocked', 1, reading(7, 0), 0, true],
    ['late-usage', 1, reading(5, 1), 5, true],
    ['no-usage', 1, null, 5, true],
    ['cut', 1, reading(5, 1, 'running'), 5, false],
    ['error-mid-stream', 1, reading(5, 1, 'running'), 5, false],
    ['no-json', 1, reading(5, 1, 'running'), 5, false],
  ])('%s', (name, choices, usage, seen, ended) => {
    const { tap, kinds } = play(stream(`${name}.chunks.txt`), [], choices)
    expect(figures(tap)).toEqual({ usage, seen, started: seen > 0, ended })
    const last = { 'error-mid-stream': 'error', 'no-json': 'invalid' }[name] ?? 'pass'
    expect(kinds).toEqual([...kinds.slice(1).fill('pass'), last])
  })

  test.each(streams)('%s means the same wherever it is cut', (name) => {
    const all = stream(name)
    const whole = play(all, [])
    for (let at = 1; at < all.length; at += 1) {
      const { tap, kinds } = play(all, [at])
      expect(kinds).toEqual(whole.kinds)
      expect(figures(tap)).toEqual(figures(whole.tap))
    }
    const single = play(
      all,
      Array.from({ length: all.length - 1 }, (_, index) => index + 1),
    )
    expect(figures(single.tap)).toEqual(figures(whole.tap))
  })
})

const piece = (text: string, usageMetadata?: unknown, finishReason?: string) =>
  JSON.stringify({ candidates: [{ content: { parts: [{ text }] }, finishReason }], usageMetadata })

describe('usage in a stream', () => {
  test('that falls is not believed, and the most of it is kept', () => {
    const tap = createGeminiTap({ choices: 1 })
    tap.event(piece('a', { promptTokenCount: 9, candidatesTokenCount: 5 }))
    tap.event(piece('b', { promptTokenCount: 9, candidatesTokenCount: 4 }, 'STOP'))
    expect(tap.usage()).toMatchObject({ invalid: true, usage: { inputTokens: 9, outputTokens: 5 } })
  })

  test('may count the input anew: the last figure stands', () => {
    const tap = createGeminiTap({ choices: 1 })
    tap.event(piece('a', { promptTokenCount: 9, candidatesTokenCount: 1 }))
    tap.event(piece('b', { promptTokenCount: 8, candidatesTokenCount: 2 }, 'STOP'))
    expect(tap.usage()).toEqual(reading(8, 2))
  })

  test('that came before the end is no total, even if the stream then ends well', () => {
    const tap = createGeminiTap({ choices: 1 })
    tap.event(piece('a', { promptTokenCount: 9, candidatesTokenCount: 1 }))
    tap.event(piece('bcd', undefined, 'STOP'))
    expect(tap.ended?.()).toBe(true)
    expect(tap.usage()).toMatchObject({ stage: 'running', invalid: false })
  })

  test('of nothing, where something was said, is not believed', () => {
    const tap = createGeminiTap({ choices: 1 })
    tap.event(piece('a', { promptTokenCount: 9 }, 'STOP'))
    expect(tap.usage()?.invalid).toBe(true)
  })

  test('may tell the input alone until more has come', () => {
    const tap = createGeminiTap({ choices: 1 })
    tap.event(piece('a', { promptTokenCount: 9, totalTokenCount: 9 }))
    expect(tap.usage()).toMatchObject({ stage: 'running', invalid: false, usage: { inputTokens: 9 } })
  })

  test('a candidate that has not said why it finished is not at its end', () => {
    const tap = createGeminiTap({ choices: 2 })
    tap.event(piece('a', undefined, 'FINISH_REASON_UNSPECIFIED'))
    expect(tap.ended?.()).toBe(false)
    tap.event(piece('', undefined, 'SAFETY'))
    expect(tap.ended?.()).toBe(true)
    tap.event(JSON.stringify({ candidates: [{ index: 1, content: { parts: [{ text: 'b' }] } }] }))
    expect(tap.ended?.()).toBe(false)
  })

  test('keep-alives and events that are not known pass', () => {
    const tap = createGeminiTap({ choices: 1 })
    expect(['', ' ', '{}', '{"somethingNew":{"a":1}}'].map((data) => tap.event(data))).toEqual(
      Array(4).fill('pass'),
    )
    expect(figures(tap)).toEqual({ usage: null, seen: 0, started: false, ended: false })
  })
})

describe('the evidence', () => {
  test.each([
    [
      'code and its result',
      { executableCode: { language: 'PYTHON', code: 'print(1)' } },
      'PYTHONprint(1)'.length,
    ],
    ['a result', { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } }, 'OUTCOME_OK1'.length],
    ['a picture', { inlineData: { mimeType: 'image/png', data: 'A'.repeat(2_000_000) } }, 4096],
    // A second: 25 tokens.
    ['sound', { inlineData: { mimeType: 'audio/L16;rate=24000', data: 'A'.repeat(64_000) } }, 64],
    ['a call without arguments', { functionCall: { name: 'f' } }, 'f[null,null]'.length],
    ['a signature, which is no output', { thoughtSignature: 'AAAA' }, 0],
    ['nothing that is known', { somethingNew: 'A' }, 0],
    ['no part at all', 'text', 0],
  ])('of %s', (_, part, tokens) => {
    const tap = createGeminiTap({ choices: 1 })
    tap.event(JSON.stringify({ candidates: [{ content: { parts: [part] } }] }))
    expect(tap.outputTokensSeen()).toBe(tokens)
  })
})

describe('a whole answer', () => {
  const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 2 }

  test('is read like one chunk, and its usage is final whatever it says of its end', () => {
    const tap = createGeminiTap({ choices: 3 })
    expect(tap.body({ candidates: [{ content: { parts: [{ text: 'Hi' }] } }], usageMetadata })).toBe(true)
    expect(figures(tap)).toMatchObject({
      seen: 2,
      usage: { invalid: false, usage: { inputTokens: 9, outputTokens: 2 } },
    })
    expect(tap.usage()?.stage).not.toBe('running')
  })

  test.each([
    ['that was blocked', { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata }, true],
    ['of nothing', { usageMetadata }, true],
    ['without usage', { candidates: [] }, true],
    ['that is an error', { error: { code: 500 }, candidates: [] }, false],
    ['that is a list', [{ candidates: [] }], false],
    ['that is another object', { choices: [] }, false],
    ['that is text', 'candidates', false],
    ['that is null', null, false],
  ])('%s', (_, json, is) => {
    expect(createGeminiTap({ choices: 1 }).body(json)).toBe(is)
  })
})
