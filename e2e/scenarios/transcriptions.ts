/** `POST /v1/audio/transcriptions`: seconds or tokens of a recording; raw, and through the real SDKs. */
import { createOpenAI } from '@ai-sdk/openai'
import type { Script } from '@faregate/simulators/provider'
import { transcribe } from 'ai'
import { toFile } from 'openai'
import { expect, it } from 'vitest'
import { call, newUser, tokenOf } from '../harness/calls.ts'
import {
  ALLOWANCE,
  arrivals,
  billOf,
  errorOf,
  micro,
  newKey,
  outcome,
  untouched,
} from '../harness/exchange.ts'
import { all, sdkUser } from '../harness/sdk.ts'
import { soundCostOf, wavFile, wavOf } from '../harness/sound.ts'
import type { Stack } from '../harness/stack.ts'

type Fields = Record<string, string | File>
type Heard = { token: string; key: string; status: number; headers: Headers; text: string }

async function hear(stack: Stack, script: Script, fields: Fields = {}): Promise<Heard> {
  const [token, key] = [await tokenOf(stack, newUser()), newKey()]
  const answer = await send(stack, token, {
    ...{ model: 'scribe', prompt: JSON.stringify({ script, key }), file: wavFile() },
    ...fields,
  })
  return { token, key, status: answer.status, headers: answer.headers, text: await answer.text() }
}

type Sending = { signal?: AbortSignal; path?: string }

function send(stack: Stack, token: string, fields: Fields, how: Sending = {}): Promise<Response> {
  const { signal, path = '/v1/audio/transcriptions' } = how
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  return fetch(stack.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: form,
    ...(signal && { signal }),
  })
}

const streamed = { stream: 'true' }

export function transcriptions(stack: () => Stack): void {
  plain(stack)
  streams(stack)
  faults(stack)
  refusals(stack)
  sdks(stack)
}

function plain(stack: () => Stack): void {
  it.concurrent('200: by the token, charged exactly, with a receipt', async () => {
    const heard = await hear(stack(), { content: 'Grüezi', promptTokens: 45, audioInputTokens: 30 })
    expect(heard.status, heard.text).toBe(200)
    const { charged, available } = await outcome(stack(), heard.token)
    const bill = billOf(stack(), heard.key)
    expect(charged).toBe(15 + 30 * 3 + bill.completionTokens * 2)
    expect(charged).toBe(soundCostOf(bill))
    expect(available).toBe(ALLOWANCE - charged)
    expect(JSON.parse(heard.text)).toMatchObject({
      text: 'Grüezi',
      usage: { type: 'tokens', faregate: { creditsCharged: charged / 1e6 } },
    })
  })

  it.concurrent('200: by the second, begun ones whole', async () => {
    const more = { model: 'listener', response_format: 'verbose_json', file: wavFile(3.5) }
    const heard = await hear(stack(), {}, more)
    const { charged, entry } = await outcome(stack(), heard.token)
    expect(charged).toBe(400)
    expect(charged).toBe(soundCostOf(billOf(stack(), heard.key)))
    expect(entry.estimated ?? false).toBe(false)
    expect(JSON.parse(heard.text)).toMatchObject({
      duration: 3.5,
      usage: { type: 'duration', seconds: 3.5, faregate: { creditsCharged: 0.0004 } },
    })
  })

  it.concurrent('200: what goes on is a form of the checked fields alone', async () => {
    const file = wavFile(3, '../odd";name.webm')
    const heard = await hear(stack(), {}, { file, language: 'de', temperature: '0.5' })
    expect(heard.status, heard.text).toBe(200)
    const [request] = arrivals(stack(), heard.key)
    const type = { 'content-type': request?.headers['content-type'] ?? '' }
    const form = await new Response(Uint8Array.from(request?.raw ?? []), { headers: type }).formData()
    expect([...form.keys()].sort()).toEqual(['file', 'language', 'model', 'prompt', 'temperature'])
    const sent = form.get('file') as File
    expect(sent).toMatchObject({ name: 'audio.wav', type: 'audio/wav' })
    expect(Buffer.from(await sent.arrayBuffer()).equals(wavOf(3))).toBe(true)
    expect(form.get('model')).toBe('gpt-4o-transcribe')
  })

  it.concurrent('200: a quote of the same form is what is held', async () => {
    const heard = await hear(stack(), {})
    const path = '/v1/quotes?endpoint=/v1/audio/transcriptions'
    const prompt = JSON.stringify({ script: {}, key: newKey() })
    const quoted = await send(stack(), heard.token, { model: 'scribe', prompt, file: wavFile() }, { path })
    expect(await quoted.json()).toMatchObject({
      model: 'scribe',
      credits: { most: Number(heard.headers.get('faregate-credits-held')) },
      affordable: true,
    })
  })

  it.concurrent('200: a recording of 25 megabytes, which no other request may have', async () => {
    const heard = await hear(stack(), {}, { model: 'listener', file: wavFile(1600) })
    expect(heard.status, heard.text).toBe(200)
    expect((await outcome(stack(), heard.token)).charged).toBe(160_000)
  })
}

function streams(stack: () => Stack): void {
  it.concurrent('200: a stream, charged exactly, with a receipt', async () => {
    const heard = await hear(stack(), { content: 'hello you', splitEvery: 7 }, streamed)
    const { charged } = await outcome(stack(), heard.token)
    expect(charged).toBe(soundCostOf(billOf(stack(), heard.key)))
    const last = heard.text.trim().split('\n\n').at(-1)?.slice(6) ?? ''
    expect(JSON.parse(last)).toMatchObject({
      type: 'transcript.text.done',
      text: 'hello you',
      usage: { faregate: { creditsCharged: charged / 1e6 } },
    })
  })

  it.concurrent('200: hanging up is charged on evidence', async () => {
    const client = new AbortController()
    const [token, key] = [await tokenOf(stack(), newUser()), newKey()]
    const script = { completionTokens: 900, chunks: 40, chunkDelayMs: 50 }
    const prompt = JSON.stringify({ script, key })
    const fields = { model: 'scribe', prompt, file: wavFile(), ...streamed }
    const answer = await send(stack(), token, fields, { signal: client.signal })
    await answer.body?.getReader().read()
    client.abort()
    const { entry, charged } = await outcome(stack(), token)
    expect(entry).toMatchObject({ ended: 'stopped', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(soundCostOf(billOf(stack(), key)))
    expect(charged).toBeLessThanOrEqual(micro(Number(answer.headers.get('faregate-credits-held'))))
  })
}

function faults(stack: () => Stack): void {
  const rows: [string, Script, Fields, string][] = [
    ['a stream that breaks off', { reset: 'mid' }, streamed, 'error'],
    ['a stream that ends in an error', { errorEvent: true }, streamed, 'error'],
    ['a stream that stops short', { cutShort: true }, streamed, 'error'],
    ['a stream without usage', { noUsage: true }, streamed, 'complete'],
    ['an answer without usage', { noUsage: true }, {}, 'complete'],
    ['a false usage', { usage: { type: 'tokens', input_tokens: 5, output_tokens: -1 } }, {}, 'complete'],
    ['seconds where tokens are sold', { usage: { type: 'duration', seconds: 1 } }, {}, 'complete'],
    [
      'tokens where seconds are sold',
      { usage: { type: 'tokens', input_tokens: 1, output_tokens: 1 } },
      { model: 'listener' },
      'complete',
    ],
    ['no seconds', { noUsage: true }, { model: 'listener' }, 'complete'],
    ['an answer that breaks off', { reset: 'mid' }, { model: 'listener' }, 'error'],
  ]
  for (const [title, script, fields, ended] of rows) {
    it.concurrent(`${title} is charged on evidence`, async () => {
      const heard = await hear(stack(), { completionTokens: 200, ...script }, fields)
      const { entry, charged } = await outcome(stack(), heard.token)
      expect(entry).toMatchObject({ ended, estimated: true })
      expect(charged).toBeGreaterThanOrEqual(soundCostOf(billOf(stack(), heard.key)))
      if (heard.status !== 200) return
      expect(charged).toBeLessThanOrEqual(micro(Number(heard.headers.get('faregate-credits-held'))))
      if (ended === 'error') expect(heard.text).toMatch(/data: \{"error":.*upstream_error/)
    })
  }

  it.concurrent('200: seconds beyond the recording are charged no more than the hold', async () => {
    const heard = await hear(stack(), { audioSeconds: 1000 }, { model: 'listener' })
    const { entry, charged } = await outcome(stack(), heard.token)
    expect(entry.estimated).toBe(true)
    expect(charged).toBe(micro(Number(heard.headers.get('faregate-credits-held'))))
    expect(charged).toBe(500)
  })

  it.concurrent('400: the provider’s refusal is passed on, and free', async () => {
    const heard = await hear(stack(), { status: 400 })
    expect(heard.status).toBe(400)
    expect((await outcome(stack(), heard.token)).charged).toBe(0)
  })
}

function refusals(stack: () => Stack): void {
  const ogg = new File(['OggS'], 'a.ogg')
  for (const [title, fields, code, param] of [
    ['400: subtitles', { response_format: 'srt' }, 'unsupported_parameter', 'response_format'],
    ['400: a file of unknown length', { model: 'listener', file: ogg }, 'unsupported_parameter', 'file'],
    ['400: a text for a file', { file: 'text' }, 'invalid_value', 'file'],
    ['400: a chat model', { model: 'fast' }, 'unsupported_parameter', 'model'],
    ['404: a model by the character', { model: 'voice' }, 'unsupported_endpoint', 'model'],
    ['404: no such model', { model: 'ghost' }, 'model_not_found', 'model'],
    ['413: a file beyond all measure', { file: wavFile(1800) }, 'request_too_large', null],
  ] as [string, Fields, string, string | null][]) {
    it.concurrent(title, async () => {
      const heard = await hear(stack(), {}, fields)
      expect(`${heard.status}: ${heard.text}`).toContain(title.slice(0, 4))
      expect(errorOf(heard)).toMatchObject({ code, param })
      expect(await untouched(stack(), heard.token)).toBe(true)
    })
  }

  it.concurrent('400: JSON', async () => {
    const token = await tokenOf(stack(), newUser())
    const answer = await call(stack(), token, '/v1/audio/transcriptions', { body: { model: 'scribe' } })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('multipart/form-data')
  })
}

function sdks(stack: () => Stack): void {
  const prompt = (key: string) => JSON.stringify({ script: { content: 'hello you' }, key })

  it.concurrent('200: openai.audio.transcriptions.create, whole and streamed', async () => {
    for (const stream of [false, true] as const) {
      const { client, token } = await sdkUser(stack())
      const key = newKey()
      const file = await toFile(wavOf(3), 'talk.wav')
      const given = { model: 'scribe', file, prompt: prompt(key), include: ['logprobs' as const] }
      if (stream) {
        const events = await all(await client.audio.transcriptions.create({ ...given, stream }))
        expect(events.at(-1)).toMatchObject({ type: 'transcript.text.done', text: 'hello you' })
      } else {
        const answer = await client.audio.transcriptions.create({ ...given, response_format: 'json' })
        expect(answer).toMatchObject({ text: 'hello you', usage: { faregate: expect.anything() } })
      }
      expect((await outcome(stack(), token)).charged).toBe(soundCostOf(billOf(stack(), key)))
    }
  })

  it.concurrent('200: an error in mid-stream is raised by the SDK', async () => {
    const { client } = await sdkUser(stack())
    const said = JSON.stringify({ script: { errorEvent: true }, key: newKey() })
    const file = await toFile(wavOf(3), 'talk.wav')
    const stream = await client.audio.transcriptions.create({
      model: 'scribe',
      file,
      prompt: said,
      stream: true,
    })
    await expect(all(stream)).rejects.toMatchObject({ code: 'upstream_error' })
  })

  it.concurrent('200: transcribe of the AI SDK', async () => {
    const { token } = await sdkUser(stack())
    const key = newKey()
    const openai = createOpenAI({ baseURL: `${stack().url}/v1`, apiKey: token })
    const providerOptions = { openai: { prompt: prompt(key), responseFormat: 'verbose_json' } }
    const model = openai.transcription('listener')
    const { text } = await transcribe({ model, audio: wavOf(3), providerOptions })
    expect(text).toBe('hello you')
    expect((await outcome(stack(), token)).charged).toBe(soundCostOf(billOf(stack(), key)))
  })
}
