/** Answers of bytes: what they cost is known once they have begun, so that nothing need be read on for it. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { fedStream, startBench } from './test-kit.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Paid by the request. */
const body = { model: 'picture', input: 'Hello', voice: 'alloy' }
const soundType = { headers: { 'content-type': 'audio/mpeg' } }

/** Starts a bench whose provider answers when it is told to, and a client that leaves before that. */
async function leaveUnanswered(answer: (signal: AbortSignal) => Response) {
  const given: { signal?: AbortSignal; answer?: () => void } = {}
  const bench = await startBench(({ signal }) => {
    given.signal = signal
    return new Promise((resolve) => {
      given.answer = () => resolve(answer(signal))
    })
  })
  const client = new AbortController()
  const asked = bench.ask(body, client.signal, {}, '/v1/audio/speech')
  await vi.waitFor(() => expect(given.answer).toBeDefined())
  client.abort()
  given.answer?.()
  const { status } = await asked
  await vi.advanceTimersByTimeAsync(10)
  return { bench, status, signal: given.signal }
}

it('200: who leaves before the sound begins pays for it, and the provider is stopped as soon as it does', async () => {
  const { bench, signal } = await leaveUnanswered(
    (aborted) => new Response(fedStream(aborted).response.body, soundType),
  )
  expect(signal?.aborted).toBe(true)
  expect(await bench.charges()).toMatchObject([{ credits: -4_000_000, ended: 'stopped' }])
  expect(await bench.held()).toBe(0)
})

it('429: who leaves before a refusal pays nothing', async () => {
  const { bench, status } = await leaveUnanswered(() => Response.json({ error: {} }, { status: 429 }))
  expect(status).toBe(429)
  expect(await bench.charges()).toMatchObject([{ credits: 0 }])
  expect(await bench.held()).toBe(0)
})

it('200: sound that is not heard to its end is broken off for its client too', async () => {
  let fail = () => {}
  const bench = await startBench(() => {
    const sound = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10))
        fail = () => controller.error(new Error('reset'))
      },
    })
    return new Response(sound, soundType)
  })
  const answer = await bench.ask(body, undefined, {}, '/v1/audio/speech')
  const reader = answer.body?.getReader()
  expect((await reader?.read())?.value).toHaveLength(10)
  fail()
  await expect(reader?.read()).rejects.toThrow()
  await bench.settled()
  expect(await bench.charges()).toMatchObject([{ credits: -4_000_000, ended: 'error' }])
})

it('502: an answer that is no sound is charged on evidence', async () => {
  const bench = await startBench(() => Response.json({}))
  const answer = await bench.ask(body, undefined, {}, '/v1/audio/speech')
  expect(answer.status).toBe(502)
  expect(await bench.charges()).toMatchObject([{ credits: -4_000_000, ended: 'error', estimated: true }])
})
