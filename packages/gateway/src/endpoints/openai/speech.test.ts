import { describe, expect, test } from 'vitest'
import { charge, chargeMax } from '../../core/pricing.ts'
import { acceptedBy, forwardedText, type ParseChoices, refusedBy } from '../test-kit.ts'
import { speech, speechParameters } from './speech.ts'

const base = { model: 'voice', input: 'Grüße 🦊', voice: 'alloy' }
const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 }
const byCharacter: ParseChoices = { price: { ...nothing, character: 15_000_000 } }
const byToken: ParseChoices = {
  price: { input: 600_000, output: 12_000_000 },
  model: { id: 'voice', outputTokensMax: 5000 },
}
const events = { ...base, stream_format: 'sse' }

const accepted = (body: object, choices = byCharacter) => acceptedBy(speech, body, choices)
const refused = (body: object, choices = byCharacter) => refusedBy(speech, body, choices)

describe('what is forwarded', () => {
  test('the text as it came, with only the model replaced', () => {
    const text = '{ "voice":"alloy", "input" : "a\\u00e9",\n "model":"voice","speed":1.50 }'
    const request = acceptedBy(speech, text, byCharacter)
    expect(forwardedText(request)).toBe(text.replace('"voice","speed"', '"gpt-5-mini","speed"'))
  })

  test.each([
    ['response_format', 'pcm'],
    ['stream_format', 'audio'],
    ['instructions', 'Whisper.'],
    ['speed', 0.25],
    ['speed', null],
    ['voice', 'a voice of another server'],
  ])('%s %j', (name, value) => {
    const request = accepted({ ...base, [name]: value })
    expect(JSON.parse(forwardedText(request))).toEqual({ ...base, [name]: value, model: 'gpt-5-mini' })
  })

  test("the table has every field of the SDK's", () => {
    const fields = 'input model voice instructions response_format speed stream_format'
    expect([...speechParameters.keys()].sort()).toEqual(fields.split(' ').sort())
  })
})

describe('what is refused with 400', () => {
  test.each([
    ['no input', { input: undefined }, 'invalid_value', 'input'],
    ['an empty input', { input: '' }, 'invalid_value', 'input'],
    ['null', { input: null }, 'invalid_value', 'input'],
    ['too long an input', { input: 'a'.repeat(4097) }, 'invalid_value', 'input'],
    ['a list', { input: ['a'] }, 'invalid_value', 'input'],
    ['a custom voice', { voice: { id: 'voice_1' } }, 'unsupported_parameter', 'voice'],
    ['its id alone', { voice: 'voice_1' }, 'unsupported_parameter', 'voice'],
    ['an unknown format', { response_format: 'midi' }, 'unsupported_parameter', 'response_format'],
    ['an unknown stream', { stream_format: 'ws' }, 'unsupported_parameter', 'stream_format'],
    ['haste', { speed: 4.5 }, 'invalid_value', 'speed'],
    ['a number of voices', { n: 2 }, 'unsupported_parameter', 'n'],
    ['no model', { model: '' }, 'invalid_value', 'model'],
  ])('%s', (_name, change, code, param) => {
    expect(refused({ ...base, ...change })).toMatchObject({ code, param })
  })

  test('bytes of a model that is priced by the token, with the way out', () => {
    const refusal = refused(base, byToken)
    expect(refusal).toMatchObject({ code: 'unsupported_parameter', param: 'stream_format' })
    expect(refusal.message).toContain('"stream_format": "sse"')
  })

  test('events of a model whose sound has no bound, or no price', () => {
    expect(refused(events, { price: { input: 1, output: 1 } })).toMatchObject({
      param: 'stream_format',
      message: expect.stringContaining('outputTokensMax'),
    })
    const silent = { ...byToken, price: { ...nothing, input: 1 } }
    expect(refused(events, silent)).toMatchObject({
      param: 'model',
      message: expect.stringContaining('price'),
    })
  })
})

describe('the bound', () => {
  test('of bytes is their characters, as many as are charged', () => {
    const request = accepted(base)
    expect(request).toMatchObject({ binary: true, stream: false, outputTokensAsked: 0 })
    expect(request.uses).toEqual({ characters: 7 })
    const tap = speech.tap(request)
    expect(tap.usage()).toBeNull()
    tap.began?.()
    expect(tap.usage()).toMatchObject({
      stage: 'final',
      invalid: false,
      usage: { characters: 7, inputTokens: 0 },
    })
  })

  test('4,096 characters are taken, whatever they are', () => {
    expect(accepted({ ...base, input: '🦊'.repeat(4096) }).uses).toEqual({ characters: 4096 })
  })

  test("of events is the operator's word on what the model writes at most", () => {
    const request = accepted(events, byToken)
    expect(request).toMatchObject({ stream: true, outputTokensAsked: 5000, outputFixed: true })
    expect(request.binary).toBeUndefined()
    expect(request.uses).toEqual({ characters: 7, audioOutput: true })
  })

  test('of a model that is free or paid by the request is open to bytes', () => {
    expect(accepted(base, { price: { ...nothing, perRequest: 5 } }).binary).toBe(true)
    expect(accepted(base, { price: nothing }).binary).toBe(true)
  })

  test('no usage within it costs more than its hold', () => {
    const request = accepted({ ...events, instructions: 'Loud' }, byToken)
    const price = {
      ...{ input: 600_000, cachedInput: 700_000, cacheWrite: 1, output: 5, audioOutput: 12_000_000 },
      ...{ perRequest: 0, rate: { numerator: 1, denominator: 1_000_000 }, version: 'test' },
    }
    const tap = speech.tap(request)
    const used = { input_tokens: request.forwardedBytesMax, output_tokens: 5000, total_tokens: 0 }
    tap.event(JSON.stringify({ type: 'speech.audio.done', usage: used }))
    const usage = tap.usage()?.usage
    const bound = { ...request.uses, inputTokens: request.forwardedBytesMax }
    expect(usage && charge(price, usage)).toBeLessThanOrEqual(chargeMax(price, bound, 5000))
    expect(usage).toMatchObject({ audioOutputTokens: 5000 })
  })
})

describe('a stream of events', () => {
  const tap = () => speech.tap(accepted({ ...events, response_format: 'pcm' }, byToken))
  const delta = (bytes: number) =>
    JSON.stringify({ type: 'speech.audio.delta', audio: btoa('x'.repeat(bytes)) })
  const done = (usage?: object) => JSON.stringify({ type: 'speech.audio.done', usage })

  test('says at its end what it took', () => {
    const one = tap()
    expect(one.event(delta(3000))).toBe('pass')
    expect([one.outputTokensSeen(), one.started(), one.usage(), one.ended?.()]).toEqual([
      3,
      true,
      null,
      false,
    ])
    expect(one.event(done({ input_tokens: 14, output_tokens: 101, total_tokens: 115 }))).toBe('last')
    expect(one.ended?.()).toBe(true)
    expect(one.usage()).toMatchObject({
      stage: 'last',
      invalid: false,
      usage: { inputTokens: 14, outputTokens: 101, audioOutputTokens: 101, characters: 7 },
    })
  })

  test('without usage, or with a false one, is charged on evidence', () => {
    const one = tap()
    expect(one.event(done())).toBe('last')
    expect(one.usage()).toBeNull()
    for (const usage of [{ input_tokens: 1, output_tokens: -1 }, { output_tokens: 1 }, {}]) {
      const other = tap()
      other.event(done(usage))
      expect(other.usage()).toMatchObject({ invalid: true })
    }
    for (const [input_tokens, output_tokens] of [
      [14, 0],
      [0, 101],
    ]) {
      const empty = tap()
      empty.event(delta(3000))
      empty.event(done({ input_tokens, output_tokens }))
      expect(empty.usage()).toMatchObject({ invalid: true })
    }
  })

  test.each([
    ['{"type":"error","error":{"message":"x"}}', null, 'error'],
    ['{"error":{"message":"x"}}', null, 'error'],
    ['oops', 'error', 'error'],
    ['{"type":"speech.audio.new"}', null, 'pass'],
    ['{"type":"speech.audio.delta","audio":5}', null, 'pass'],
    ['[DONE]', null, 'done'],
    ['', null, 'pass'],
    ['{"type":', null, 'invalid'],
    ['[]', null, 'invalid'],
  ])('%s (%s) is %s', (data, name, kind) => {
    expect(tap().event(data, name)).toBe(kind)
  })

  test('shows the receipt in its usage', () => {
    const receipt = { creditsCharged: 1, creditsAvailable: 2 }
    expect(JSON.parse(speech.withReceipt(done({ output_tokens: 1 }), receipt)).usage.faregate).toEqual(
      receipt,
    )
  })
})
