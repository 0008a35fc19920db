import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase64, measureSound, soundSecondsMax } from './media-sound.ts'
import { modelOf } from './test-kit.ts'
import { id3Of, mp3Of, wavOf } from './test-kit-sound.ts'

const text = (value: string) => new TextEncoder().encode(value)

function atPlace(bytes: Uint8Array, at: number, words: string): Uint8Array {
  bytes.set(text(words), at)
  return bytes
}

describe('WAV', () => {
  test.each([
    ['mono', wavOf({ seconds: 10 }), 12],
    ['stereo at 48 kHz', wavOf({ seconds: 10, samplesPerSecond: 48_000, channels: 2 }), 12],
    ['µ-law', wavOf({ seconds: 10, bits: 8, codec: 7 }), 12],
    ['one that is longer than its header says', wavOf({ seconds: 10, dataBytes: 4 }), 12],
    ['one whose length was not known', wavOf({ seconds: 10, dataBytes: 0xffff_ffff }), 12],
    ['one whose header says that it is longer', wavOf({ seconds: 10, dataBytes: 16_000 * 100 }), 101],
  ])('%s', (_name, bytes, seconds) => {
    expect(measureSound(bytes)).toEqual({ format: 'wav', seconds })
  })

  test.each([
    ['a rate that belies its samples', wavOf({ bytesPerSecond: 1_000_000 })],
    ['an absurd rate', wavOf({ samplesPerSecond: 1, seconds: 3 })],
    ['no channels', wavOf({ channels: 0 })],
    ['no format', text('RIFF0000WAVEdata0000')],
    ['a format that is cut off', wavOf({ seconds: 0 }).subarray(0, 30)],
  ])('%s cannot be true', (_name, bytes) => {
    expect(measureSound(bytes)).toBeNull()
  })

  test('two formats cannot be true, since decoders differ in which they take', () => {
    const slow = wavOf({ seconds: 10 })
    const fast = wavOf({ samplesPerSecond: 192_000, channels: 8 })
    const both = new Uint8Array([...fast.subarray(0, 36), ...slow.subarray(12)])
    expect(measureSound(both)).toBeNull()
  })

  test('compressed samples have no length of their own', () => {
    for (const codec of [2, 0x55, 0xfffe]) {
      expect(measureSound(wavOf({ codec }))).toEqual({ format: 'other', seconds: null })
    }
  })

  test('the extensible format is what it says within', () => {
    const plain = wavOf({ seconds: 10, codec: 0xfffe })
    const bytes = new Uint8Array(plain.length + 24)
    bytes.set(plain.subarray(0, 36))
    bytes.set(plain.subarray(36), 60)
    const view = new DataView(bytes.buffer)
    view.setUint32(16, 40, true)
    view.setUint16(44, 1, true)
    expect(measureSound(bytes)).toEqual({ format: 'wav', seconds: 12 })
    view.setUint16(44, 0x55, true)
    expect(measureSound(bytes)).toEqual({ format: 'other', seconds: null })
  })
})

describe('MP3', () => {
  test('is walked frame by frame, past its tag', () => {
    expect(measureSound(mp3Of(990))).toEqual({ format: 'mp3', seconds: 37 })
    expect(measureSound(mp3Of(990, id3Of(700)))).toEqual({ format: 'mp3', seconds: 37 })
    expect(measureSound(mp3Of(1))).toEqual({ format: 'mp3', seconds: 2 })
  })

  test('what is no frame counts as if it held sound', () => {
    const whole = mp3Of(100)
    const bytes = new Uint8Array(whole.length + 5000)
    bytes.set(whole)
    expect(measureSound(bytes)).toEqual({ format: 'mp3', seconds: 55 })
  })

  test('frames of another kind count as if they held sound', () => {
    // 320 kbit/s at 32 kHz: 1,440 bytes and 36 ms each, in which twenty frames of 8 kbit/s and 72 ms have room.
    const large = new Uint8Array(1440)
    large.set([0xff, 0xfb, 0xe8, 0xc4])
    const twice = new Uint8Array(288 * 2 + 1440)
    twice.set(mp3Of(2))
    twice.set(large, 288 * 2)
    expect(measureSound(twice)?.seconds).toBeGreaterThanOrEqual(14)
    expect(measureSound(new Uint8Array([...mp3Of(1), ...large]))?.seconds).toBeNull()
  })

  test.each([
    ['no version that there is', 3, 0xff],
    ['no revision that there is', 4, 0xff],
    ['flags that there are not', 5, 0x01],
    ['a length of eight bits a byte', 9, 0xbc],
  ])('a tag of %s may be full of frames', (_name, at, byte) => {
    const bytes = mp3Of(3, id3Of(60))
    expect(measureSound(bytes)?.format).toBe('mp3')
    bytes[at] = byte
    expect(measureSound(bytes)).toEqual({ format: 'other', seconds: null })
  })

  test.each([
    ['a frame that no other follows', mp3Of(2).fill(0, 288)],
    ['a tag before something else', new Uint8Array([...id3Of(20), ...text('OggS and more')])],
    ['a frame of no known rate', mp3Of(2).fill(0x08, 2, 3)],
    ['another layer', mp3Of(2).fill(0xf5, 1, 2)],
    ['an Ogg', text('OggS0000')],
    ['an MP4', text('\u0000\u0000\u0000 ftypM4A ')],
    ['an MP4 in the clothes of an MP3', atPlace(mp3Of(3), 4, 'ftyp')],
    ['nothing', new Uint8Array()],
  ])('%s is none', (_name, bytes) => {
    expect(measureSound(bytes)).toEqual({ format: 'other', seconds: null })
  })
})

test('no bytes are too strange, and more of them are never shorter', () => {
  const head = fc.constantFrom(wavOf({ seconds: 0.01 }), mp3Of(3), id3Of(5), new Uint8Array())
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 600 }), (start, rest) => {
      const sound = measureSound(new Uint8Array([...start, ...rest]))
      if (sound?.format === 'mp3') expect(sound.seconds).toBeGreaterThanOrEqual(1)
      if (sound?.format === 'wav') {
        expect(sound.seconds).toBeGreaterThanOrEqual((start.length + rest.length) / 16_000)
      }
    }),
  )
})

describe('the longest that it may be', () => {
  const of = (seconds: number | null, upstreamModel: string, audioSecondsMax: number | null = null) =>
    soundSecondsMax(
      { format: seconds === null ? 'other' : 'wav', seconds },
      modelOf({ upstreamModel, media: { remote: false, imageTokensMax: null, audioSecondsMax } }),
    )

  test.each([
    ['its own length', 10, 'whisper-1', null, 10],
    ['what the model takes, where it is longer', 5000, 'gpt-4o-transcribe', null, 1500],
    ['what the model takes, where it is unknown', null, 'gpt-4o-mini-transcribe-2025-12-15', null, 1500],
    ['what the operator says', null, 'whisper-1', 600, 600],
    ['its own length within that', 10, 'whisper-1', 600, 10],
  ])('is %s', (_name, seconds, model, own, expected) => {
    expect(of(seconds, model, own)).toEqual({ ok: true, value: expected })
  })

  test('is refused where it is unknown, or longer than the operator allows', () => {
    for (const model of ['whisper-1', 'gpt-transcribe']) {
      expect(of(null, model)).toMatchObject({
        ok: false,
        error: expect.stringContaining('audioSecondsMax'),
      })
    }
    expect(of(601, 'whisper-1', 600)).toMatchObject({ ok: false, error: expect.stringContaining('600 s') })
  })
})

test('base64 is read strictly', () => {
  expect(decodeBase64('aGk=')).toEqual(text('hi'))
  expect(decodeBase64('aGk')).toEqual(text('hi'))
  for (const wrong of ['', 'a', 'aGk==', 'a Gk=', 'aG-_', 'data:,a']) expect(decodeBase64(wrong)).toBeNull()
})
