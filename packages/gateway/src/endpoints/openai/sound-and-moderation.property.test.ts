/** The bounds of the wires whose output no cap is written for: moderations, speech and transcriptions. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { charge, type Price } from '../../core/pricing.ts'
import { unitPrice } from '../../core/test-kit.ts'
import { forwardedText, holdOf, parseForm, parseWith } from '../test-kit.ts'
import { wavOf } from '../test-kit-sound.ts'
import { moderations } from './moderations.ts'
import { speech } from './speech.ts'
import { transcriptions } from './transcriptions.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text).length
const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 }
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
const forward = fc.record({
  upstreamModel: fc.oneof(fc.constant('m'.repeat(128)), fc.stringMatching(/^[\w./-]{1,128}$/)),
  userHash: fc.stringMatching(/^[\w-]{1,64}$/),
})

test('a moderation is within its byte bound and costs its price, whatever it is asked', () => {
  const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
  const part = fc.oneof(
    text.map((each) => ({ type: 'text', text: each })),
    fc.constant(picture),
  )
  const input = fc.oneof(
    text,
    fc.array(text, { minLength: 1, maxLength: 9 }),
    fc.array(part, { minLength: 1, maxLength: 5 }),
  )
  const price: Price = { ...unitPrice, ...nothing, perRequest: 7 }
  let accepted = 0
  fc.assert(
    fc.property(input, forward, (given, options) => {
      const result = parseWith(moderations, { input: given }, { price })
      if (!result.ok) return
      accepted += 1
      const out = forwardedText(result.value, options)
      const media = JSON.stringify(given).split('AAAA').length - 1
      expect(bytesOf(out)).toBeLessThanOrEqual(
        result.value.forwardedBytesMax + media * picture.image_url.url.length,
      )
      expect(JSON.parse(out)).toEqual({ input: given, model: options.upstreamModel })
      const tap = moderations.tap(result.value)
      tap.body({ id: 'modr-1', results: [{}] })
      const usage = tap.usage()?.usage
      if (!usage) throw new Error('what it used is known')
      expect(charge(price, usage)).toBe(holdOf(result.value, price))
    }),
    { numRuns: 2000 },
  )
  expect(accepted).toBeGreaterThan(1000)
}, 30_000)

test('speech costs its characters exactly, and in events no more than the model may write', () => {
  const byCharacter: Price = { ...unitPrice, ...nothing, character: 8000 }
  const byToken: Price = { ...unitPrice, audioOutput: 24_000 }
  const body = fc.record(
    {
      input: text,
      voice: fc.constantFrom('alloy', 'ash'),
      instructions: text,
      speed: fc.double({ min: 0.25, max: 4, noNaN: true }),
      response_format: fc.constantFrom('mp3', 'wav', 'opus', 'pcm'),
    },
    { requiredKeys: ['input', 'voice'] },
  )
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(body, forward, share, share, (given, options, read, written) => {
      const bytes = parseWith(speech, { model: 'voice', ...given }, { price: byCharacter })
      if (!bytes.ok) throw new Error(bytes.error.message)
      expect(bytesOf(forwardedText(bytes.value, options))).toBeLessThanOrEqual(bytes.value.forwardedBytesMax)
      const sound = speech.tap(bytes.value)
      sound.began?.()
      const spoken = sound.usage()?.usage
      if (!spoken) throw new Error('what it costs is known once it begins')
      const hold = holdOf(bytes.value, byCharacter)
      expect(charge(byCharacter, spoken)).toBe(hold)
      expect(hold).toBe(Array.from(given.input).length)

      const asked = { model: 'singer', stream_format: 'sse', ...given }
      const events = parseWith(speech, asked, { price: byToken, model: { outputTokensMax: 500 } })
      if (!events.ok) throw new Error(events.error.message)
      const tap = speech.tap(events.value)
      const usage = {
        input_tokens: 1 + Math.floor((events.value.forwardedBytesMax - 1) * read),
        output_tokens: 1 + Math.floor(499 * written),
      }
      tap.event(JSON.stringify({ type: 'speech.audio.done', usage }), 'speech.audio.done')
      const told = tap.usage()?.usage
      if (!told) throw new Error('its usage was not read')
      expect(charge(byToken, told)).toBeLessThanOrEqual(holdOf(events.value, byToken))
    }),
    { numRuns: 1000 },
  )
}, 30_000)

test('a transcript costs no more than its recording may, by the second and by the token', async () => {
  const byMinute: Price = { ...unitPrice, ...nothing, audioSecond: 800_000 }
  const byToken: Price = { ...unitPrice, audioInput: 24_000 }
  const tenths = fc.integer({ min: 1, max: 300 })
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  await fc.assert(
    fc.asyncProperty(tenths, text, share, share, async (length, prompt, read, written) => {
      const seconds = length / 10
      const form = new FormData()
      form.append('model', 'scribe')
      form.append('prompt', prompt)
      form.append('file', new File([wavOf({ seconds })], 'talk.wav', { type: 'audio/wav' }))
      const timed = await parseForm(transcriptions, form, {
        price: byMinute,
        model: { upstreamModel: 'whisper-1' },
      })
      if (!timed.ok) throw new Error(timed.error.message)
      const clock = transcriptions.tap(timed.value)
      clock.body({ text: 'x', usage: { type: 'duration', seconds } })
      const heard = clock.usage()?.usage
      if (!heard) throw new Error('its usage was not read')
      expect(heard.audioSeconds).toBe(Math.ceil(seconds))
      expect(charge(byMinute, heard)).toBeLessThanOrEqual(holdOf(timed.value, byMinute))

      const model = { upstreamModel: 'gpt-4o-transcribe' }
      const counted = await parseForm(transcriptions, form, { price: byToken, model })
      if (!counted.ok) throw new Error(counted.error.message)
      const tap = transcriptions.tap(counted.value)
      const audio = Math.max(1, Math.floor(10 * seconds * read))
      const usage = {
        type: 'tokens',
        input_tokens: audio + Math.floor(bytesOf(prompt) * read),
        input_token_details: { audio_tokens: audio },
        output_tokens: 1 + Math.floor(1999 * written),
      }
      tap.body({ text: 'x', usage })
      const told = tap.usage()?.usage
      if (!told) throw new Error('its usage was not read')
      expect(told.audioInputTokens).toBe(audio)
      expect(charge(byToken, told)).toBeLessThanOrEqual(holdOf(counted.value, byToken))
    }),
    { numRuns: 300 },
  )
}, 30_000)
