/**
 * The whole gateway under spoiled input from both sides: callers' bodies and headers, and what providers answer.
 * Whatever comes: no fault of ours (500), no throw; nothing is sent that was not held for; every hold ends, and is
 * charged no more than it held.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyTimeout, runsFactor } from './core/test-kit.ts'
import { fuzzRig } from './test-kit-fuzz.ts'
import { seeds } from './test-kit-fuzz-seeds.ts'
import { inPieces, spoiledBytes, spoiledJson } from './test-kit-spoil.ts'

const numRuns = 250 * runsFactor

describe.each(seeds)('$name', ({ path, body, headers, plain, events }) => {
  test('what is spoiled below is good as it is', async () => {
    const rig = await fuzzRig()
    const sent = await rig.send(path, JSON.stringify(body), { ...headers }, (stream) =>
      stream ? rig.stream([new TextEncoder().encode(events)]) : rig.plain(plain),
    )
    expect(sent.dispatched, sent.text).toBe(true)
    expect(sent.outcome).not.toBeNull()
  })

  test(
    'spoiled bodies and headers are answered or refused, and cost no more than was held',
    propertyTimeout,
    async () => {
      const rig = await fuzzRig()
      const header = fc.dictionary(
        fc.constantFrom(
          'accept',
          'content-type',
          'anthropic-version',
          'anthropic-beta',
          'idempotency-key',
          'x-request-id',
        ),
        fc.string({ unit: 'grapheme-ascii', maxLength: 30 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
        { maxKeys: 2 },
      )
      await fc.assert(
        fc.asyncProperty(spoiledJson(body), header, async (spoiled, more) => {
          const sent = await rig.send(
            path,
            JSON.stringify(spoiled) ?? 'null',
            { ...more, ...headers },
            (stream) => (stream ? rig.stream([new TextEncoder().encode(events)]) : rig.plain(plain)),
          )
          expect(sent.status, sent.text).not.toBe(500)
          if (sent.dispatched) expect(sent.outcome).not.toBeNull()
          expect(sent.heldAfter).toBe(0)
        }),
        { numRuns },
      )
    },
  )

  test('spoiled bytes of a body are refused as such', propertyTimeout, async () => {
    const rig = await fuzzRig()
    await fc.assert(
      fc.asyncProperty(spoiledBytes(JSON.stringify(body)), async (spoiled) => {
        const sent = await rig.send(path, spoiled, { ...headers }, (stream) =>
          stream ? rig.stream([new TextEncoder().encode(events)]) : rig.plain(plain),
        )
        expect(sent.status, sent.text).not.toBe(500)
        expect(sent.heldAfter).toBe(0)
      }),
      { numRuns },
    )
  })

  test('spoiled answers end, and are charged no more than was held', propertyTimeout, async () => {
    const rig = await fuzzRig()
    const streaming = { ...body, stream: true }
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(spoiledBytes(events), spoiledJson(plain), sizes, async (stream, answer, cuts) => {
        for (const request of [body, streaming]) {
          const sent = await rig.send(path, JSON.stringify(request), { ...headers }, (isStream) =>
            isStream ? rig.stream(inPieces(stream, cuts)) : rig.plain(answer),
          )
          expect(sent.status, sent.text).not.toBe(500)
          expect(sent.heldAfter).toBe(0)
          if (!sent.dispatched) continue
          expect(sent.outcome).not.toBeNull()
          expect(sent.outcome?.charged).toBeLessThanOrEqual(sent.held)
        }
      }),
      { numRuns },
    )
  })
})

/** A form as a browser writes it, and an answer to it. */
const boundary = 'fuzz'
const part = (head: string, text: string) =>
  `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${text}\r\n`
const form = [
  part('name="model"', 'scribe'),
  part('name="response_format"', 'json'),
  part('name="timestamp_granularities[]"', 'word'),
  part('name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg', 'ID3 and no sound'),
  `--${boundary}--\r\n`,
].join('')

test('the form that is spoiled below is good as it is', async () => {
  const rig = await fuzzRig()
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` }
  const sent = await rig.send('/v1/audio/transcriptions', form, headers, () => rig.plain({ text: 'x' }))
  expect(sent.dispatched, sent.text).toBe(true)
})

test('spoiled forms are answered or refused, and cost no more than was held', propertyTimeout, async () => {
  const rig = await fuzzRig()
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` }
  const usage = {
    type: 'tokens',
    input_tokens: 30,
    input_token_details: { audio_tokens: 30 },
    output_tokens: 5,
  }
  await fc.assert(
    fc.asyncProperty(spoiledBytes(form), async (spoiled) => {
      const sent = await rig.send('/v1/audio/transcriptions', spoiled, headers, () =>
        rig.plain({ text: 'x', usage }),
      )
      expect(sent.status, sent.text).not.toBe(500)
      expect(sent.heldAfter).toBe(0)
      if (sent.dispatched) expect(sent.outcome?.charged).toBeLessThanOrEqual(sent.held)
    }),
    { numRuns },
  )
})
