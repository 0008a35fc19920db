import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createSseFramer } from '../../pipeline/sse.ts'
import { createTranscriptionTap } from './transcription-tap.ts'

const byToken = { uses: { audioInputTokens: 500 } }
const bySecond = { uses: { audioSeconds: 60 } }
const tokens = (input: unknown, output: unknown, details?: object) => ({
  ...{ type: 'tokens', input_tokens: input, output_tokens: output },
  ...(details && { input_token_details: details }),
})

function readingOf(request: Parameters<typeof createTranscriptionTap>[0], answer: object) {
  const tap = createTranscriptionTap(request)
  expect(tap.body({ text: 'Grüezi', ...answer })).toBe(true)
  return tap.usage()
}

describe('a whole transcript', () => {
  test('says the tokens that it took', () => {
    const usage = tokens(14, 45, { text_tokens: 4, audio_tokens: 10 })
    expect(readingOf(byToken, { usage })).toMatchObject({
      stage: 'final',
      invalid: false,
      usage: { inputTokens: 14, audioInputTokens: 10, outputTokens: 45 },
    })
  })

  test('heard what it does not call text', () => {
    expect(readingOf(byToken, { usage: tokens(14, 1) })?.usage).toMatchObject({ audioInputTokens: 14 })
    const usage = tokens(14, 1, { text_tokens: 4 })
    expect(readingOf(byToken, { usage })?.usage).toMatchObject({ audioInputTokens: 10 })
  })

  test('says the seconds that it heard, begun ones whole', () => {
    const expected = { stage: 'final', invalid: false, usage: { audioSeconds: 10, inputTokens: 0 } }
    expect(readingOf(bySecond, { usage: { type: 'duration', seconds: 9.2 } })).toMatchObject(expected)
    expect(readingOf(bySecond, { duration: 9.2 })).toMatchObject(expected)
    expect(readingOf({}, { usage: { type: 'duration', seconds: 9.2 } })).toMatchObject(expected)
  })

  test.each([
    ['tokens of a model by the second', bySecond, tokens(14, 1)],
    ['seconds of a model by the token', byToken, { type: 'duration', seconds: 9 }],
    ['negative seconds', bySecond, { type: 'duration', seconds: -9 }],
    ['seconds in words', bySecond, { type: 'duration', seconds: '9' }],
    ['endless seconds', bySecond, { type: 'duration', seconds: Number.POSITIVE_INFINITY }],
    ['negative tokens', byToken, tokens(-1, 1)],
    ['more sound than input', byToken, tokens(5, 1, { audio_tokens: 6 })],
    ['a text of no tokens', byToken, tokens(5, 0)],
    ['a text of no sound', byToken, tokens(0, 5)],
    ['a text of no time', bySecond, { type: 'duration', seconds: 0 }],
  ])('%s cannot be true', (_name, request, usage) => {
    expect(readingOf(request, { usage })).toMatchObject({ invalid: true })
  })

  test('without usage there is none', () => {
    for (const usage of [undefined, null, {}, { type: 'duration' }]) {
      expect(readingOf(bySecond, { usage })).toBeNull()
    }
  })

  test.each([[null], [{}], [{ text: 5 }], [{ error: {} }], ['text']])('%j is none', (json) => {
    expect(createTranscriptionTap({}).body(json)).toBe(false)
  })
})

describe('a stream', () => {
  const bytes = readFileSync(new URL('../__fixtures__/openai-transcript.events.txt', import.meta.url))

  function play(cut: number) {
    const framer = createSseFramer()
    const tap = createTranscriptionTap(byToken)
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)]
    const kinds = pieces.flatMap((piece) =>
      framer.push(piece).events.flatMap(({ data, event }) => (data === null ? [] : [tap.event(data, event)])),
    )
    return { kinds, seen: tap.outputTokensSeen(), ended: tap.ended?.(), usage: tap.usage() }
  }

  test('reads the same wherever it is cut', () => {
    const whole = play(0)
    expect(whole).toMatchObject({
      kinds: ['pass', 'pass', 'pass', 'last'],
      seen: 26,
      ended: true,
      usage: {
        stage: 'last',
        invalid: false,
        usage: { inputTokens: 30, audioInputTokens: 24, outputTokens: 9 },
      },
    })
    for (let cut = 1; cut < bytes.length; cut += 1) expect(play(cut)).toEqual(whole)
  })

  test('counts a text once, however often it comes', () => {
    const tap = createTranscriptionTap(byToken)
    tap.event('{"type":"transcript.text.delta","delta":"abc"}')
    tap.event('{"type":"transcript.text.segment","text":"abcd"}')
    expect([tap.outputTokensSeen(), tap.started(), tap.ended?.()]).toEqual([4, true, false])
  })

  test.each([
    ['{"type":"error","message":"x"}', null, 'error'],
    ['{"error":{"message":"x"}}', null, 'error'],
    ['oops', 'error', 'error'],
    ['{"type":"transcript.new"}', null, 'pass'],
    ['[DONE]', null, 'done'],
    ['', null, 'pass'],
    ['{', null, 'invalid'],
  ])('%s (%s) is %s', (data, name, kind) => {
    expect(createTranscriptionTap(byToken).event(data, name)).toBe(kind)
  })
})
