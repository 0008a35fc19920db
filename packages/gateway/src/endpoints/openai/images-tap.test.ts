import { describe, expect, test } from 'vitest'
import { createSseFramer } from '../../pipeline/sse.ts'
import { createImagesTap } from './images-tap.ts'

const asked = { outputTokensAsked: 7224, choices: 1 }
const untokened = { outputTokensAsked: 0, choices: 2 }
const usage = {
  total_tokens: 1385,
  input_tokens: 13,
  input_tokens_details: { text_tokens: 13, image_tokens: 0, cached_tokens: 8 },
  output_tokens: 1372,
}
const reading = {
  usage: {
    inputTokens: 13,
    cachedInputTokens: 8,
    cacheWriteTokens: 0,
    outputTokens: 1372,
    imageOutputTokens: 1372,
    answers: 1,
  },
  stage: 'final',
  invalid: false,
}

const event = (type: string, more: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, b64_json: 'AAAA', ...more })}\n\n`
const partial = event('image_generation.partial_image', { partial_image_index: 0 })
const completed = event('image_generation.completed', { usage })
const streamed = `: hello\n\n${partial}${event('image_generation.thinking')}${partial}${completed}`

function play(text: string, cut: number) {
  const bytes = new TextEncoder().encode(text)
  const framer = createSseFramer()
  const tap = createImagesTap(asked)
  const events = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((part) => framer.push(part).events)
  const kinds = events.flatMap(({ data, event: name }) => (data === null ? [] : [tap.event(data, name)]))
  return { tap, kinds }
}

describe('streams', () => {
  test('are read alike wherever they are cut', () => {
    for (let cut = 0; cut <= streamed.length; cut += 1) {
      const { tap, kinds } = play(streamed, cut)
      expect(kinds).toEqual(['pass', 'pass', 'pass', 'last'])
      expect([tap.usage(), tap.started(), tap.ended?.()]).toEqual([reading, true, true])
    }
  })

  test('all that a picture can take is presumed until its usage is known', () => {
    const before = play(': nothing yet\n\n', 0).tap
    expect([before.usage(), before.outputTokensSeen(), before.started()]).toEqual([null, 7224, false])
    const during = play(partial, 0).tap
    expect([during.usage(), during.outputTokensSeen(), during.started()]).toEqual([null, 7224, false])
    expect(during.ended?.()).toBe(false)
  })

  test.each([
    ['event: error\ndata: {"message":"x"}\n\n', 'error'],
    ['data: {"type":"error","error":{"code":"moderation_blocked"}}\n\n', 'error'],
    ['data: {"error":{"message":"x"}}\n\n', 'error'],
    ['data: {"error":null,"type":"other"}\n\n', 'pass'],
    ['data: [DONE]\n\n', 'done'],
    ['data:\n\n', 'pass'],
    ['data: {"type":\n\n', 'invalid'],
    ['data: []\n\n', 'invalid'],
  ])('%j is %s', (text, kind) => {
    expect(play(text, 0).kinds).toEqual([kind])
  })
})

describe('whole answers', () => {
  const read = (answer: unknown, request: Parameters<typeof createImagesTap>[0] = asked) => {
    const tap = createImagesTap(request)
    return tap.body(answer) ? tap.usage() : 'not taken'
  }
  const data = [{ b64_json: 'AAAA' }]

  test('usage is final, and says how many pictures there are', () => {
    expect(read({ created: 1, data, usage })).toEqual(reading)
    expect(read({ data: [...data, ...data], usage })).toMatchObject({ usage: { answers: 2 } })
  })

  test('words beside the picture have the price of words', () => {
    const output_tokens_details = { image_tokens: 1000, text_tokens: 372 }
    expect(read({ data, usage: { ...usage, output_tokens_details } })).toMatchObject({
      usage: { outputTokens: 1372, imageOutputTokens: 1000 },
      invalid: false,
    })
  })

  test.each([{}, { image_tokens: null }, { image_tokens: 5 }])(
    'what is not called words is pictures: %j',
    (output_tokens_details) => {
      expect(read({ data, usage: { ...usage, output_tokens_details } })).toEqual(reading)
    },
  )

  test.each([
    ['more words than written', { output_tokens_details: { text_tokens: 1373 } }],
    ['no output', { output_tokens: 0 }],
    ['a negative output', { output_tokens: -1 }],
    ['no figure', { output_tokens: undefined }],
    ['an input in words', { input_tokens: '13' }],
    ['more cached than sent', { input_tokens_details: { cached_tokens: 14 } }],
    ['more drawn than written', { output_tokens_details: { image_tokens: 1373 } }],
  ])('%s is not believed', (_name, lie) => {
    expect(read({ data, usage: { ...usage, ...lie } })).toMatchObject({ invalid: true })
  })

  test('without usage there is none, but where pictures alone are priced they are counted', () => {
    expect(read({ data })).toBe(null)
    expect(read({ data }, untokened)).toMatchObject({ usage: { answers: 1 }, stage: 'final', invalid: false })
    expect(read({ data, usage: { ...usage, output_tokens: -1 } }, untokened)).toMatchObject({
      invalid: false,
    })
    expect(createImagesTap(untokened).usage()).toBe(null)
  })

  test('what is no answer is not taken', () => {
    for (const each of [null, [], {}, { error: {} }, { data: {} }]) expect(read(each)).toBe('not taken')
  })
})
