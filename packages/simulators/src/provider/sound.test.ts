/** The wires of sound, each by its own script. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Script } from './script.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted.ts'
import { eventsOf, type Json } from './test-kit.ts'

let provider: ScriptedProvider
beforeAll(async () => {
  provider = await startScriptedProvider()
})
afterEach(() => provider.reset())
afterAll(() => provider.stop())

const said = (script: Script) => JSON.stringify({ script, key: 'k' })

describe('the speech wire', () => {
  const speak = (script: Script, more: Json = {}) =>
    fetch(`${provider.url}/audio/speech`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'tts-1', input: said(script), voice: 'alloy', ...more }),
    })

  it('200: bytes, billed by the character', async () => {
    const answer = await speak({ completionTokens: 10 }, { response_format: 'opus' })
    expect(answer.headers.get('content-type')).toBe('audio/ogg')
    expect((await answer.arrayBuffer()).byteLength).toBe(8000)
    await provider.idle()
    expect(provider.billFor('k')).toMatchObject({
      characters: said({ completionTokens: 10 }).length,
      completionTokens: 0,
      complete: true,
    })
  })

  it('200: bytes that break off are billed whole', async () => {
    const answer = await speak({ reset: 'mid' })
    await expect(answer.arrayBuffer()).rejects.toThrow()
    await provider.idle()
    expect(provider.billFor('k')).toMatchObject({
      characters: said({ reset: 'mid' }).length,
      complete: false,
    })
  })

  it('200: events, billed by the token', async () => {
    const answer = await speak({ completionTokens: 10, promptTokens: 7 }, { stream_format: 'sse' })
    const events = eventsOf(await answer.text()).map((data) => JSON.parse(data) as Json)
    expect(events.map(({ type }) => type)).toEqual([
      ...Array<string>(5).fill('speech.audio.delta'),
      'speech.audio.done',
    ])
    expect(events.at(-1)).toMatchObject({ usage: { input_tokens: 7, output_tokens: 10 } })
    await provider.idle()
    expect(provider.billFor('k')).toMatchObject({ promptTokens: 7, audioOutputTokens: 10, characters: 0 })
  })

  it('400: no text', async () => {
    expect((await speak({}, { input: 5 })).status).toBe(400)
  })
})

describe('the transcriptions wire', () => {
  const hear = (script: Script, fields: Record<string, string> = {}) => {
    const form = new FormData()
    const given = { model: 'gpt-4o-transcribe', prompt: said(script), ...fields }
    for (const [name, value] of Object.entries(given)) form.append(name, value)
    const bytes = Buffer.alloc(44 + 16_000 * 2)
    bytes.write('RIFF')
    bytes.writeUInt32LE(16_000, 28)
    form.append('file', new File([bytes], 'a.wav'))
    return fetch(`${provider.url}/audio/transcriptions`, { method: 'POST', body: form })
  }

  it('200: tokens', async () => {
    const answer = (await (await hear({ content: 'hello you', promptTokens: 25 })).json()) as Json
    expect(answer).toMatchObject({
      text: 'hello you',
      usage: { type: 'tokens', input_tokens: 25, input_token_details: { audio_tokens: 20, text_tokens: 5 } },
    })
    await provider.idle()
    expect(provider.billFor('k')).toMatchObject({
      promptTokens: 25,
      audioInputTokens: 20,
      completionTokens: 3,
    })
  })

  it('200: seconds', async () => {
    const answer = await hear({}, { model: 'whisper-1', response_format: 'verbose_json' })
    expect(await answer.json()).toMatchObject({ duration: 2, usage: { type: 'duration', seconds: 2 } })
    await provider.idle()
    expect(provider.billFor('k')).toMatchObject({ audioSeconds: 2, completionTokens: 0, promptTokens: 0 })
  })

  it('200: a stream', async () => {
    const text = await (await hear({ content: 'hello you', chunks: 3 }, { stream: 'true' })).text()
    const events = eventsOf(text).map((data) => JSON.parse(data) as Json)
    expect(events.map(({ delta }) => delta ?? '').join('')).toBe('hello you')
    expect(events.at(-1)).toMatchObject({ type: 'transcript.text.done', text: 'hello you' })
  })

  it('400: no form', async () => {
    expect((await fetch(`${provider.url}/audio/transcriptions`, { method: 'POST', body: '{}' })).status).toBe(
      400,
    )
  })
})
