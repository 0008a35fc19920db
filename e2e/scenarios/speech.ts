/** `POST /v1/audio/speech`: bytes by the character, events by the token; raw, and through the real SDKs. */
import { createOpenAI } from '@ai-sdk/openai'
import type { Script } from '@faregate/simulators/provider'
import { generateSpeech } from 'ai'
import { expect, it } from 'vitest'
import { call, newUser, tokenOf } from '../harness/calls.ts'
import {
  ALLOWANCE,
  arrival,
  billOf,
  errorOf,
  micro,
  newKey,
  outcome,
  untouched,
} from '../harness/exchange.ts'
import { sdkUser } from '../harness/sdk.ts'
import { soundCostOf } from '../harness/sound.ts'
import type { Stack } from '../harness/stack.ts'

type Spoken = { token: string; key: string; input: string; answer: Response }

async function speak(stack: Stack, script: Script, more: Record<string, unknown> = {}): Promise<Spoken> {
  const [token, key] = [await tokenOf(stack, newUser()), newKey()]
  const input = JSON.stringify({ script, key })
  const body = { model: 'voice', input, voice: 'alloy', ...more }
  return { token, key, input, answer: await call(stack, token, '/v1/audio/speech', { body }) }
}

const events = { model: 'singer', stream_format: 'sse' }

export function speech(stack: () => Stack): void {
  bytes(stack)
  stream(stack)
  refusals(stack)
  sdks(stack)
}

function bytes(stack: () => Stack): void {
  it.concurrent('200: sound as it came, charged by the character', async () => {
    const { token, key, input, answer } = await speak(stack(), { completionTokens: 30, splitEvery: 999 })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('audio/mpeg')
    const sound = Buffer.from(await answer.arrayBuffer())
    expect(sound.length).toBe(24_000)
    expect(sound.every((byte, at) => byte === (at * 31) % 251)).toBe(true)
    const { entry, charged, available } = await outcome(stack(), token)
    expect(charged).toBe(soundCostOf(billOf(stack(), key)))
    expect(charged).toBe(input.length)
    expect(micro(Number(answer.headers.get('faregate-credits-held')))).toBe(charged)
    expect(available).toBe(ALLOWANCE - charged)
    expect(entry).toMatchObject({ ended: 'complete', model: 'voice' })
    expect(arrival(stack(), key).json).toEqual({ model: 'tts-1', input, voice: 'alloy' })
  })

  it.concurrent('200: sound that breaks off costs the same, and is seen to be broken', async () => {
    const { token, key, answer } = await speak(stack(), { reset: 'mid' })
    await expect(answer.arrayBuffer()).rejects.toThrow()
    const { entry, charged } = await outcome(stack(), token)
    expect(entry.ended).toBe('error')
    expect(charged).toBe(soundCostOf(billOf(stack(), key)))
  })

  it.concurrent('200: hanging up costs the same', async () => {
    const [token, key, client] = [await tokenOf(stack(), newUser()), newKey(), new AbortController()]
    const script = { chunks: 40, chunkDelayMs: 50, completionTokens: 2000 }
    const body = { model: 'voice', input: JSON.stringify({ script, key }), voice: 'alloy' }
    const answer = await call(stack(), token, '/v1/audio/speech', { body, signal: client.signal })
    await answer.body?.getReader().read()
    client.abort()
    const { entry, charged } = await outcome(stack(), token)
    expect(entry.ended).toBe('stopped')
    expect(charged).toBe(soundCostOf(billOf(stack(), key)))
  })

  it.concurrent('502: an answer that is no sound is charged, and the provider’s refusal is not', async () => {
    const { token, answer } = await speak(stack(), { body: { hello: 1 } })
    expect(answer.status).toBe(502)
    const { charged, entry } = await outcome(stack(), token)
    expect(charged).toBeGreaterThan(0)
    expect(entry.estimated).toBe(true)
    const refused = await speak(stack(), { status: 400 })
    expect(refused.answer.status).toBe(400)
    expect((await outcome(stack(), refused.token)).charged).toBe(0)
  })
}

function stream(stack: () => Stack): void {
  it.concurrent('200: events, charged by the token, with a receipt', async () => {
    const script = { promptTokens: 40, completionTokens: 100, splitEvery: 1001 }
    const { token, key, answer } = await speak(stack(), script, events)
    const text = await answer.text()
    const { charged, available } = await outcome(stack(), token)
    expect(charged).toBe(40 + 100 * 4)
    expect(charged).toBe(soundCostOf(billOf(stack(), key)))
    const last = JSON.parse(text.trim().split('\n\n').at(-1)?.slice(6) ?? '') as Record<string, unknown>
    expect(last).toMatchObject({
      type: 'speech.audio.done',
      usage: {
        output_tokens: 100,
        faregate: { creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 },
      },
    })
    expect(text).not.toContain(': faregate')
  })

  for (const [title, script, ended] of [
    ['that break off', { reset: 'mid' }, 'error'],
    ['that end in an error', { errorEvent: true }, 'error'],
    ['that stop short', { cutShort: true }, 'error'],
    ['without usage', { noUsage: true }, 'complete'],
    ['with a false usage', { usage: { input_tokens: -1, output_tokens: 5 } }, 'complete'],
  ] as [string, Script, string][]) {
    it.concurrent(`200: events ${title} are charged on evidence`, async () => {
      const { token, key, answer } = await speak(stack(), { completionTokens: 200, ...script }, events)
      const text = await answer.text()
      const { entry, charged } = await outcome(stack(), token)
      expect(entry).toMatchObject({ ended, estimated: true })
      if (ended === 'error') expect(text).toMatch(/data: \{"error":.*upstream_error/)
      expect(charged).toBeGreaterThanOrEqual(soundCostOf(billOf(stack(), key)))
      expect(charged).toBeLessThanOrEqual(micro(Number(answer.headers.get('faregate-credits-held'))))
    })
  }

  it.concurrent('200: events beyond what the operator allows are charged no more than the hold', async () => {
    const { token, answer } = await speak(stack(), { completionTokens: 900 }, events)
    await answer.text()
    const { entry, charged } = await outcome(stack(), token)
    expect(entry.estimated).toBe(true)
    expect(charged).toBe(micro(Number(answer.headers.get('faregate-credits-held'))))
  })
}

function refusals(stack: () => Stack): void {
  for (const [title, more, code, param] of [
    ['400: a custom voice', { voice: { id: 'voice_1' } }, 'unsupported_parameter', 'voice'],
    ['400: too many characters', { input: 'a'.repeat(4097) }, 'invalid_value', 'input'],
    ['400: bytes of a model by the token', { model: 'singer' }, 'unsupported_parameter', 'stream_format'],
    ['400: bytes of a chat model', { model: 'fast' }, 'unsupported_parameter', 'stream_format'],
    ['404: a model by the minute', { model: 'listener' }, 'unsupported_endpoint', 'model'],
  ] as const) {
    it.concurrent(title, async () => {
      const { token, answer } = await speak(stack(), {}, more)
      const text = await answer.text()
      expect(`${answer.status}: ${text}`).toContain(title.slice(0, 4))
      expect(errorOf({ text })).toMatchObject({ code, param })
      expect(await untouched(stack(), token)).toBe(true)
    })
  }

  it.concurrent('404: chat with a model by the character is not free', async () => {
    const token = await tokenOf(stack(), newUser())
    const body = { model: 'voice', messages: [{ role: 'user', content: 'Hi' }] }
    const answer = await call(stack(), token, '/v1/chat/completions', { body })
    expect(answer.status).toBe(404)
    expect(errorOf({ text: await answer.text() }).code).toBe('unsupported_endpoint')
  })
}

function sdks(stack: () => Stack): void {
  it.concurrent('200: openai.audio.speech.create', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const input = JSON.stringify({ script: { completionTokens: 5 }, key })
    const answer = await client.audio.speech.create({
      model: 'voice',
      input,
      voice: 'ash',
      response_format: 'wav',
    })
    expect((await answer.arrayBuffer()).byteLength).toBe(4000)
    expect((await outcome(stack(), token)).charged).toBe(soundCostOf(billOf(stack(), key)))
  })

  it.concurrent('400: a refusal is the SDK’s error', async () => {
    const { client } = await sdkUser(stack())
    const speaking = client.audio.speech.create({ model: 'singer', input: 'hello', voice: 'ash' })
    await expect(speaking).rejects.toMatchObject({ status: 400, param: 'stream_format' })
  })

  it.concurrent('200: generateSpeech of the AI SDK', async () => {
    const { token } = await sdkUser(stack())
    const key = newKey()
    const openai = createOpenAI({ baseURL: `${stack().url}/v1`, apiKey: token })
    const text = JSON.stringify({ script: { completionTokens: 5 }, key })
    const { audio } = await generateSpeech({ model: openai.speech('voice'), text })
    expect(audio.uint8Array.length).toBe(4000)
    expect((await outcome(stack(), token)).charged).toBe(soundCostOf(billOf(stack(), key)))
  })
}
