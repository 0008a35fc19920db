import { describe, expect, test } from 'vitest'
import { charge, chargeMax, type Price } from '../../core/pricing.ts'
import type { Refusal } from '../../core/refusal.ts'
import { unitPrice } from '../../core/test-kit.ts'
import type { ModelRequest } from '../../ports.ts'
import { inputOf, type ParseChoices, parseForm } from '../test-kit.ts'
import { mp3Of, wavOf } from '../test-kit-sound.ts'
import { transcriptionLists, transcriptionParameters } from './transcription-parameters.ts'
import { transcriptions } from './transcriptions.ts'

const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 }
const byMinute: ParseChoices = {
  price: { ...nothing, audioSecond: 100 },
  model: { upstreamModel: 'whisper-1' },
}
const byToken: ParseChoices = { price: { audioInput: 3 }, model: { upstreamModel: 'gpt-4o-transcribe' } }
const flat: ParseChoices = { price: { ...nothing, perRequest: 5 }, model: { upstreamModel: 'whisper-1' } }

type Fields = Record<string, string | string[] | File>

function formOf(fields: Fields = {}): FormData {
  const form = new FormData()
  const given: Fields = { model: 'scribe', file: wavFile(), ...fields }
  for (const [name, value] of Object.entries(given)) {
    for (const each of Array.isArray(value) ? value : [value]) form.append(name, each)
  }
  return form
}

function wavFile(seconds = 9, name = 'talk.wav', type = 'audio/x-wav'): File {
  return new File([wavOf({ seconds })], name, { type })
}

const webm = (name = 'talk.webm', type = 'audio/webm;codecs=opus') =>
  new File([new Uint8Array([0x1a, 0x45, 0xdf, 0xa3])], name, { type })

async function accepted(fields: Fields, choices = byMinute): Promise<ModelRequest> {
  const result = await parseForm(transcriptions, formOf(fields), choices)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

async function refused(fields: Fields, choices = byMinute): Promise<Refusal> {
  const result = await parseForm(transcriptions, formOf(fields), choices)
  if (result.ok) throw new Error('it was accepted')
  return result.error
}

function forwarded(request: ModelRequest): FormData {
  const { body } = request.forward({ upstreamModel: 'whisper-1', outputTokensMax: 0, userHash: 'hash' })
  if (typeof body === 'string') throw new Error('text goes on')
  return body
}

const fieldsOf = (form: FormData) =>
  [...form].map(([name, value]) => [name, value instanceof File ? value.name : value])

describe('what is forwarded', () => {
  test('is a form of the checked fields alone', async () => {
    const form = forwarded(
      await accepted({
        response_format: 'verbose_json',
        language: 'de',
        'languages[]': ['de', 'en-GB'],
        prompt: 'Grüezi',
        keywords: ['a', 'b'],
        temperature: '0.2',
        'timestamp_granularities[]': ['word', 'segment'],
        'include[]': 'logprobs',
      }),
    )
    expect(fieldsOf(form)).toEqual([
      ['model', 'whisper-1'],
      ['response_format', 'verbose_json'],
      ['language', 'de'],
      ['languages[]', 'de'],
      ['languages[]', 'en-GB'],
      ['prompt', 'Grüezi'],
      ['keywords[]', 'a'],
      ['keywords[]', 'b'],
      ['temperature', '0.2'],
      ['timestamp_granularities[]', 'word'],
      ['timestamp_granularities[]', 'segment'],
      ['include[]', 'logprobs'],
      ['file', 'audio.wav'],
    ])
  })

  test.each([
    ['a WAV is one whatever it is called', wavFile(1, 'x.webm', 'video/webm'), 'audio.wav', 'audio/wav'],
    ['an MP3 too', new File([mp3Of(3)], 'x', { type: '' }), 'audio.mp3', 'audio/mpeg'],
    ['another keeps its ending and type', webm('../../Aö.WebM'), 'audio.webm', 'audio/webm'],
    ['but no strange one', webm('x.w e', 'text/html'), 'audio', 'application/octet-stream'],
  ])('%s', async (_name, file, name, type) => {
    const sent = forwarded(await accepted({ file }, byToken)).get('file')
    expect(sent).toMatchObject({ name, type, size: file.size })
  })

  test('cutting into parts may come as JSON or field by field', async () => {
    const vad = '{"type":"server_vad","threshold":0.5,"silence_duration_ms":200}'
    for (const chunking of [
      { chunking_strategy: 'auto' },
      { chunking_strategy: vad },
      { 'chunking_strategy[type]': 'server_vad', 'chunking_strategy[prefix_padding_ms]': '300' },
    ]) {
      const form = forwarded(await accepted(chunking as Fields))
      expect(fieldsOf(form).slice(1, -1)).toEqual(Object.entries(chunking))
    }
  })

  test("the table has every field of the SDK's", () => {
    const fields =
      'file model chunking_strategy include keywords known_speaker_names known_speaker_references language ' +
      'languages prompt response_format stream temperature timestamp_granularities'
    const own = [...transcriptionParameters.keys()].filter((name) => !name.includes('['))
    expect(own.sort()).toEqual(fields.split(' ').sort())
    for (const name of transcriptionLists) expect(own).toContain(name)
  })

  test('unknown fields are dropped where the operator says so, and allowed ones go on', async () => {
    const request = await accepted(
      { odd: '1', even: '2' },
      {
        ...byMinute,
        unknownParameters: 'drop',
        allowParameters: () => ['even'],
      },
    )
    expect(request.dropped).toEqual(['odd'])
    expect(fieldsOf(forwarded(request)).map(([name]) => name)).toEqual(['model', 'even', 'file'])
  })
})

describe('what is refused with 400', () => {
  test.each<[string, Fields, string, string]>([
    ['no file', { file: 'text' }, 'invalid_value', 'file'],
    ['an empty one', { file: new File([], 'a.wav') }, 'invalid_value', 'file'],
    ['two', { file: [wavFile(), wavFile()] as never }, 'invalid_value', 'file'],
    ['an absurd one', { file: new File([wavOf({ bytesPerSecond: 1 })], 'a') }, 'invalid_value', 'file'],
    ['too large a one', { file: new File([new Uint8Array(26_214_401)], 'a') }, 'invalid_value', 'file'],
    ['one of unknown length', { file: webm() }, 'unsupported_parameter', 'file'],
    ['a model given twice', { model: ['scribe', 'other'] }, 'invalid_value', 'model'],
    ['no model', { model: '' }, 'invalid_value', 'model'],
    ['a model as a file', { model: wavFile() }, 'invalid_value', 'model'],
    ['plain text', { response_format: 'text' }, 'unsupported_parameter', 'response_format'],
    ['subtitles', { response_format: 'srt' }, 'unsupported_parameter', 'response_format'],
    ['heat', { temperature: '1.5' }, 'invalid_value', 'temperature'],
    ['a language of no kind', { language: 'en; drop' }, 'invalid_value', 'language'],
    ['a list where there is none', { 'language[]': 'en' }, 'unsupported_parameter', 'language[]'],
    ['a file in a list', { 'include[]': wavFile() }, 'invalid_value', 'include'],
    ['unknown includes', { 'include[]': 'all' }, 'unsupported_parameter', 'include'],
    [
      'unknown parts',
      { chunking_strategy: '{"type":"other"}' },
      'unsupported_parameter',
      'chunking_strategy',
    ],
    [
      'parts said twice',
      { chunking_strategy: '{"type":"server_vad","threshold":0.1,"threshold":0.9}' },
      'unsupported_parameter',
      'chunking_strategy',
    ],
    ['speakers', { 'known_speaker_names[]': 'a' }, 'unsupported_parameter', 'known_speaker_names'],
    [
      'their voices',
      { 'known_speaker_references[]': 'data:' },
      'unsupported_parameter',
      'known_speaker_references',
    ],
    ['a stream of seconds', { stream: 'true' }, 'unsupported_parameter', 'stream'],
    ['a strange stream', { stream: 'yes' }, 'unsupported_parameter', 'stream'],
    ['an unknown field', { diarize: 'true' }, 'unsupported_parameter', 'diarize'],
  ])('%s', async (_name, fields, code, param) => {
    expect(await refused(fields)).toMatchObject({ code, param })
  })

  test.each<[string, Fields, ParseChoices, string]>([
    ['sound without a price', {}, { model: { upstreamModel: 'gpt-4o-transcribe' } }, 'audioInput'],
    [
      'a model that may write without end',
      {},
      { ...byToken, model: { upstreamModel: 'gpt-transcribe' } },
      'outputTokensMax',
    ],
    ['parts without a bound', { chunking_strategy: 'auto' }, byToken, 'outputTokensMax'],
    [
      'parts with a prompt for each',
      { 'chunking_strategy[type]': 'server_vad', prompt: 'a' },
      { ...byToken, model: { upstreamModel: 'gpt-4o-transcribe', outputTokensMax: 9000 } },
      'each part',
    ],
    [
      'a longer one than the operator allows',
      { file: wavFile(100) },
      { ...byMinute, model: { media: { remote: false, imageTokensMax: null, audioSecondsMax: 60 } } },
      '60 s',
    ],
    ['a stream of whisper', { stream: 'true' }, flat, 'seconds'],
  ])('%s', async (_name, fields, choices, words) => {
    const refusal = await refused(fields, choices)
    expect(refusal.code).toBe('unsupported_parameter')
    expect(refusal.message).toContain(words)
  })

  test.each([
    ['JSON', '{"model":"scribe"}', 'application/json'],
    ['a form without a boundary', 'x', 'multipart/form-data'],
    ['a form that is none', 'x', 'multipart/form-data; boundary=b'],
    ['nothing', '', ''],
  ])('%s', async (_name, text, type) => {
    const result = await transcriptions.parse(...inputOf(text, { headers: { 'content-type': type } }))
    expect(result).toMatchObject({ ok: false, error: { code: 'invalid_value' } })
  })

  test('endless fields', async () => {
    expect(await refused({ 'keywords[]': Array(600).fill('a') })).toMatchObject({ code: 'invalid_value' })
  })
})

describe('the bound', () => {
  test('of a model by the minute is its seconds', async () => {
    expect(await accepted({})).toMatchObject({ outputTokensAsked: 0, uses: { audioSeconds: 11 } })
  })

  test('of a model by the token is what it hears and what it says it writes at most', async () => {
    const request = await accepted({ prompt: 'é'.repeat(100) }, byToken)
    expect(request).toMatchObject({ outputTokensAsked: 2000, uses: { audioInputTokens: 220 } })
    expect(request.forwardedBytesMax).toBe(206)
    expect(await accepted({ file: webm() }, byToken)).toMatchObject({ uses: { audioInputTokens: 30_000 } })
  })

  test('of a price for the request is that', async () => {
    expect(await accepted({ file: webm() }, flat)).toMatchObject({ outputTokensAsked: 0, uses: {} })
  })

  test('no usage within it costs more than its hold', async () => {
    for (const choices of [byMinute, byToken]) {
      const request = await accepted({ prompt: 'a'.repeat(50) }, choices)
      const price: Price = { ...unitPrice, ...choices.price }
      const sound = request.uses?.audioInputTokens ?? 0
      const inputTokens = request.forwardedBytesMax + sound
      const used =
        choices === byMinute
          ? { type: 'duration', seconds: 10.4 }
          : {
              ...{ type: 'tokens', input_tokens: inputTokens, output_tokens: 2000 },
              input_token_details: { audio_tokens: sound, text_tokens: inputTokens - sound },
            }
      const tap = transcriptions.tap(request)
      expect(tap.body({ text: 'a', usage: used })).toBe(true)
      const { usage, invalid } = tap.usage() ?? { invalid: true }
      expect(invalid).toBe(false)
      const hold = chargeMax(price, { ...request.uses, inputTokens }, request.outputTokensAsked ?? 0)
      expect(usage && charge(price, usage)).toBeLessThanOrEqual(hold)
    }
  })
})
