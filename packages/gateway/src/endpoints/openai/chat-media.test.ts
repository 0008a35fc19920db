/** Pictures, sound and service tiers of the chat wire: what is let in, at what bound, and what is refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Bound, charge, chargeMax, type Price } from '../../core/pricing.ts'
import { unitPrice } from '../../core/test-kit.ts'
import { acceptedBy, forwardedText, type ParseChoices, refusedBy } from '../test-kit.ts'
import { mp3Of, wavOf } from '../test-kit-sound.ts'
import { chatCompletions } from './chat-completions.ts'

/** A PNG of 1024 × 512, as far as its size. */
const png = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAABAAAAAIACAYAAAA='
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const image = (image_url: unknown) => ({ type: 'image_url', image_url })
const sound = (data: string, format = 'wav') => ({ type: 'input_audio', input_audio: { data, format } })
const wav = base64(wavOf({ seconds: 9 }))

const body = (parts: unknown[], more: object = {}) => ({
  model: 'fast',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }, ...parts] }],
  ...more,
})
const priced: ParseChoices = {
  price: {
    audioInput: 3,
    cachedAudioInput: 2,
    imageInput: 2,
    audioOutput: 5,
    serviceTiers: { priority: 200, flex: 50 },
  },
  model: { upstreamModel: 'gpt-audio' },
}
const media = (over: object) => ({ remote: false, imageTokensMax: null, audioSecondsMax: null, ...over })

const accepted = (parts: unknown[], choices = priced, more: object = {}) =>
  acceptedBy(chatCompletions, body(parts, more), choices)
const refused = (parts: unknown[], choices = priced, more: object = {}) =>
  refusedBy(chatCompletions, body(parts, more), choices)

describe('pictures', () => {
  test('are bounded by their size, and their bytes are no text', () => {
    const bare = accepted([])
    const request = accepted([image({ url: png }), image({ url: png, detail: 'low' })])
    expect(request.uses?.imageInputTokens).toBeGreaterThan(0)
    expect(request.items).toBe(bare.items + 2)
    expect(request.forwardedBytesMax - bare.forwardedBytesMax).toBeLessThan(200)
    expect(JSON.parse(forwardedText(request)).messages).toEqual(
      body([image({ url: png }), image({ url: png, detail: 'low' })]).messages,
    )
    const small = accepted([image({ url: png })], {}).uses?.imageInputTokens
    expect(small).toBeLessThan(
      accepted([image({ url: 'data:image/png;base64,AAAA' })], {}).uses?.imageInputTokens ?? 0,
    )
  })

  test('need no price of their own, for they cost what text does', () => {
    expect(accepted([image({ url: png })], {}).uses).toHaveProperty('imageInputTokens')
  })

  test('may be fetched where the operator says so, at the most that one can cost', () => {
    const url = 'https://x.test/a.png'
    const choices = { model: { media: media({ remote: true, imageTokensMax: 700 }) } }
    expect(accepted([image({ url })], choices).uses).toEqual({ imageInputTokens: 700 })
    expect(refused([image({ url })])).toMatchObject({ param: 'messages[0].content[1].image_url.url' })
    expect(refused([image({ url: 'file:///etc/passwd' })], choices)).toMatchObject({
      code: 'unsupported_parameter',
    })
  })

  test.each([
    ['no object', image(png), 'invalid_value', 'image_url'],
    ['no address', image({}), 'invalid_value', 'image_url.url'],
    ['a file', image({ file_id: 'file-1' }), 'unsupported_parameter', 'image_url.file_id'],
    ['another detail', image({ url: png, detail: 'ultra' }), 'unsupported_parameter', 'image_url.detail'],
    [
      'another kind',
      image({ url: 'data:image/svg+xml;base64,AAAA' }),
      'unsupported_parameter',
      'image_url.url',
    ],
    ['a key beside it', { ...image({ url: png }), text: 'a' }, 'unsupported_parameter', 'text'],
    [
      'a longer cache life',
      { ...image({ url: png }), prompt_cache_breakpoint: { mode: 'explicit', ttl: '12h' } },
      'unsupported_parameter',
      'prompt_cache_breakpoint',
    ],
  ])('%s is refused with 400', (_name, part, code, within) => {
    expect(refused([part])).toMatchObject({ code, param: `messages[0].content[1].${within}` })
  })
})

describe('sound that is heard', () => {
  test('is bounded by its length, and its bytes are no text', () => {
    const bare = accepted([])
    const request = accepted([sound(wav), sound(base64(mp3Of(990)), 'mp3')])
    expect(request.uses).toEqual({ audioInputTokens: (11 + 37) * 20 })
    expect(request.items).toBe(bare.items + 2)
    expect(request.forwardedBytesMax - bare.forwardedBytesMax).toBeLessThan(200)
  })

  test('costs more tokens where the model is not known', () => {
    const choices = { ...priced, model: { upstreamModel: 'google/gemini-3' } }
    expect(accepted([sound(wav)], choices).uses).toEqual({ audioInputTokens: 11 * 40 })
  })

  test('is free where all is', () => {
    const free = { price: { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 } }
    expect(accepted([sound(wav)], free).uses).toHaveProperty('audioInputTokens')
  })

  test.each<[string, unknown, ParseChoices, string, string]>([
    ['sound without a price', sound(wav), {}, 'unsupported_parameter', 'input_audio'],
    ['another format', sound(wav, 'flac'), priced, 'unsupported_parameter', 'input_audio.format'],
    ['a WAV called an MP3', sound(wav, 'mp3'), priced, 'invalid_value', 'input_audio.data'],
    [
      'a WAV of compressed samples',
      sound(base64(wavOf({ codec: 2 }))),
      priced,
      'invalid_value',
      'input_audio.data',
    ],
    [
      'an absurd WAV',
      sound(base64(wavOf({ bytesPerSecond: 1 }))),
      priced,
      'invalid_value',
      'input_audio.data',
    ],
    ['no base64', sound('data:audio/wav;base64,AAAA'), priced, 'invalid_value', 'input_audio.data'],
    ['nothing', sound(''), priced, 'invalid_value', 'input_audio.data'],
    [
      'more than the operator allows',
      sound(wav),
      { ...priced, model: { media: media({ audioSecondsMax: 5 }) } },
      'unsupported_parameter',
      'input_audio.data',
    ],
    [
      'an id of the provider',
      { type: 'input_audio', input_audio: { id: 'audio_1', data: wav, format: 'wav' } },
      priced,
      'unsupported_parameter',
      'input_audio.id',
    ],
  ])('%s is refused with 400', (_name, part, choices, code, within) => {
    expect(refused([part], choices)).toMatchObject({ code, param: `messages[0].content[1].${within}` })
  })
})

describe('sound that is spoken', () => {
  const spoken = { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'pcm16' } }

  test('goes on as it was asked for, at its own price', () => {
    const request = accepted([], priced, spoken)
    expect(request.uses).toEqual({ audioOutput: true })
    expect(JSON.parse(forwardedText(request))).toMatchObject(spoken)
    expect(accepted([], priced, { audio: spoken.audio }).uses).toEqual({ audioOutput: true })
    expect(accepted([], priced, { modalities: ['text'] }).uses).toBeUndefined()
  })

  test('is refused without a price, by name', () => {
    expect(refused([], {}, spoken)).toMatchObject({
      param: 'audio',
      message: expect.stringContaining('audioOutput'),
    })
    expect(refused([], {}, { modalities: ['audio'] })).toMatchObject({ param: 'modalities' })
  })

  test('of an earlier answer lies in an account that is not the caller’s', () => {
    const messages = [{ role: 'assistant', audio: { id: 'audio_1' } }]
    expect(refused([], priced, { messages })).toMatchObject({
      param: 'messages[0].audio',
      message: expect.stringContaining('transcript'),
    })
  })

  test('is no text to count: its bytes say how long it is at most', () => {
    const request = accepted([], priced, { ...spoken, stream: true })
    const tap = chatCompletions.tap(request)
    const delta = (audio: object) => JSON.stringify({ choices: [{ index: 0, delta: { audio } }] })
    // A second: twenty tokens.
    tap.event(delta({ id: 'a', data: base64(new Uint8Array(48_000)) }))
    expect([tap.outputTokensSeen(), tap.started()]).toEqual([48, true])
    tap.event(delta({ transcript: 'Grüezi' }))
    expect(tap.outputTokensSeen()).toBe(55)
    const whole = chatCompletions.tap(accepted([], priced, { audio: { voice: 'alloy', format: 'mp3' } }))
    whole.body({
      choices: [{ message: { audio: { data: base64(new Uint8Array(1000)), transcript: 'Hi' } } }],
    })
    expect(whole.outputTokensSeen()).toBe(43)
  })
})

describe('service tiers', () => {
  test('go on where they have a price, and the one that served is charged', () => {
    const request = accepted([], priced, { service_tier: 'flex' })
    expect(request.uses).toEqual({ serviceTier: true })
    expect(JSON.parse(forwardedText(request, { addFields: false })).service_tier).toBe('flex')
    for (const [served, tier] of [
      ['flex', 'flex'],
      ['default', undefined],
      ['priority', 'priority'],
    ] as const) {
      const usage = { prompt_tokens: 5, completion_tokens: 1 }
      const whole = chatCompletions.tap(request)
      whole.body({ service_tier: served, choices: [{ message: { content: 'a' } }], usage })
      expect(whole.usage()?.usage.serviceTier).toBe(tier)
      const stream = chatCompletions.tap(request)
      stream.event(JSON.stringify({ service_tier: served, choices: [{ delta: { content: 'a' } }] }))
      stream.event(JSON.stringify({ choices: [], usage }))
      expect(stream.usage()?.usage.serviceTier).toBe(tier)
    }
  })

  test('are refused where they have none', () => {
    for (const tier of ['fast', 'scale', 'toString']) {
      expect(refused([], priced, { service_tier: tier })).toMatchObject({ param: 'service_tier' })
    }
  })
})

describe('usage of several kinds', () => {
  const read = (input: number, details: object) => {
    const tap = chatCompletions.tap(accepted([]))
    tap.body({
      choices: [],
      usage: { prompt_tokens: input, completion_tokens: 0, prompt_tokens_details: details },
    })
    return tap.usage()
  }

  test.each([
    ['apart', 100, { cached_tokens: 10, audio_tokens: 20, image_tokens: 30 }, [10, 0, 20, 30]],
    ['sound that must have been cached', 100, { cached_tokens: 80, audio_tokens: 60 }, [40, 40, 20, 0]],
    ['pictures that must have been', 100, { cached_tokens: 80, image_tokens: 60 }, [80, 0, 0, 20]],
    ['all cached', 100, { cached_tokens: 100, audio_tokens: 30, image_tokens: 30 }, [70, 30, 0, 0]],
  ])('%s', (_name, input, details, [cached, cachedSound, heard, seen]) => {
    const { usage, invalid } = read(input, details) ?? {}
    expect(invalid).toBe(false)
    expect([
      usage?.cachedInputTokens,
      usage?.cachedAudioInputTokens ?? 0,
      usage?.audioInputTokens ?? 0,
      usage?.imageInputTokens ?? 0,
    ]).toEqual([cached, cachedSound, heard, seen])
  })

  test.each([
    ['more sound than input', 10, { audio_tokens: 11 }],
    ['more pictures than input', 10, { image_tokens: 11 }],
    ['both together', 10, { audio_tokens: 6, image_tokens: 6 }],
    ['negative pictures', 10, { image_tokens: -1 }],
  ])('%s cannot be true', (_name, input, details) => {
    expect(read(input, details)).toMatchObject({ invalid: true })
  })
})

test('no usage within the bound costs more than the hold', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true })
  const parts = fc.subarray([image({ url: png }), sound(wav), image({ url: png, detail: 'low' })])
  const asked = fc.record(
    {
      service_tier: fc.constantFrom('flex', 'priority', 'default'),
      modalities: fc.constant(['text', 'audio']),
    },
    { requiredKeys: [] },
  )
  const tier = fc.constantFrom('flex', 'priority', 'default')
  fc.assert(
    fc.property(
      parts,
      asked,
      tier,
      fc.array(part, { minLength: 6, maxLength: 6 }),
      (media, more, served, shares) => {
        const request = accepted(media, priced, more)
        const { audioInputTokens: heard = 0, imageInputTokens: seen = 0 } = request.uses ?? {}
        const share = (of: number, index: number) => Math.floor(of * (shares[index] ?? 0))
        const text = Math.max(1, share(request.forwardedBytesMax, 0))
        const audio = share(heard, 1)
        const pictures = share(seen, 2)
        const input = text + audio + pictures
        const cached = share(input, 3)
        const output = share(1000, 4)
        const tap = chatCompletions.tap(request)
        tap.body({
          choices: [],
          ...(request.uses?.serviceTier && { service_tier: served }),
          usage: {
            prompt_tokens: input,
            completion_tokens: output,
            prompt_tokens_details: { cached_tokens: cached, audio_tokens: audio, image_tokens: pictures },
            completion_tokens_details: { audio_tokens: request.uses?.audioOutput ? share(output, 5) : 0 },
          },
        })
        const price: Price = { ...unitPrice, ...priced.price }
        const bound: Bound = { ...request.uses, inputTokens: request.forwardedBytesMax + heard + seen }
        const reading = tap.usage()
        expect(reading?.invalid).toBe(false)
        expect(reading && charge(price, reading.usage)).toBeLessThanOrEqual(chargeMax(price, bound, 1000))
      },
    ),
  )
})
