import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { chatWire } from './chat.ts'
import { type Script } from './script.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted.ts'
import {
  billedByEvents,
  type Completion,
  chunksOf,
  type Json,
  post,
  said,
  scripted,
  stream,
  user,
} from './test-kit.ts'
import { type AnswerPlan, type WireRequest } from './wire.ts'

const given = { id: '1', created: 0, bodyBytes: 400 }

const planOf = async (body: Json): Promise<AnswerPlan> => {
  const raw = Buffer.from(JSON.stringify(body))
  const request: WireRequest = {
    raw,
    path: '/chat/completions',
    query: new URLSearchParams(),
    headers: {},
    deployment: null,
  }
  const reading = await chatWire.read(request)
  if (reading === null) throw new Error('the chat wire refused its own request')
  return reading.plan(given)
}

describe('the chat wire', () => {
  let provider: ScriptedProvider
  beforeAll(async () => {
    provider = await startScriptedProvider()
  })
  afterEach(() => provider.reset())
  afterAll(() => provider.stop())

  const whole = async (script: Script, key: string, more: Json = {}): Promise<Completion> =>
    (await (await post(provider.url, scripted(script, key, more))).json()) as Completion
  const streamed = async (script: Script, key: string, more: Json = {}): Promise<Completion[]> =>
    chunksOf(await (await post(provider.url, scripted(script, key, { ...stream, ...more }))).text())

  it.each<[string, Script, Json]>([
    ['a plain answer', {}, {}],
    ['several choices', { completionTokens: 33 }, { n: 3 }],
    ['a cap', { completionTokens: 33, reasoningTokens: 20 }, { max_tokens: 25, n: 2 }],
    ['hidden reasoning', { reasoningTokens: 17 }, { n: 2 }],
    ['visible reasoning', { reasoningContent: 'Let me see what this is.', chunks: 4 }, { n: 2 }],
    ['visible reasoning beyond the cap', { reasoningContent: 'x'.repeat(80) }, { max_tokens: 7 }],
    ['sound', { completionTokens: 50, audioOutputTokens: 31 }, { n: 2 }],
    ['an answer to be heard', { completionTokens: 50, audioOutputTokens: 31 }, { modalities: ['audio'] }],
    ['tool calls', { toolCalls: [{ name: 'f', arguments: '{"a":1}' }] }, {}],
  ])('the events of %s bill what the whole answer does', async (_name, script, more) => {
    const { use, ...plan } = await planOf(scripted(script, 'k', more))
    expect(billedByEvents({ use, ...plan })).toEqual({
      completionTokens: use.completionTokens,
      reasoningTokens: use.reasoningTokens,
      audioOutputTokens: use.audioOutputTokens,
      imageOutputTokens: 0,
      toolCalls: 0,
    })
    expect(use.completionTokens).toBeGreaterThan(0)
  })

  it('200: reports and bills sound, pictures and the tier', async () => {
    const script = {
      promptTokens: 90,
      audioInputTokens: 40,
      imageInputTokens: 30,
      completionTokens: 20,
      audioOutputTokens: 12,
      serviceTier: 'priority',
    }
    const answer = await whole(script, 'a')
    expect(answer).toMatchObject({
      service_tier: 'priority',
      usage: {
        prompt_tokens_details: { audio_tokens: 40, image_tokens: 30 },
        completion_tokens_details: { audio_tokens: 12 },
      },
    })
    const chunks = await streamed(script, 'b')
    expect(chunks.at(-1)?.usage).toEqual(answer.usage)
    await provider.idle()
    for (const key of ['a', 'b']) expect(provider.billFor(key)).toMatchObject({ ...script, toolCalls: 0 })
  })

  it('200: sends reasoning that has a text, and bills it as it is sent', async () => {
    const script = { reasoningContent: 'Thinking it over. ', content: 'Yes, of course.', chunks: 3 }
    const [choice] = (await whole(script, 'a')).choices
    expect(choice?.message).toMatchObject({
      content: 'Yes, of course.',
      reasoning_content: 'Thinking it over. ',
    })
    const deltas = (await streamed(script, 'b')).flatMap((chunk) => chunk.choices.map(({ delta }) => delta))
    expect(deltas.map((delta) => delta.reasoning_content ?? '').join('')).toBe('Thinking it over. ')
    expect(deltas.map((delta) => delta.content ?? '').join('')).toBe('Yes, of course.')
    await streamed({ ...script, cutShort: true, afterChunks: 2 }, 'c')
    await provider.idle()
    expect(provider.billFor('b')).toMatchObject({ reasoningTokens: 5, completionTokens: 9 })
    // Two of the three pieces of five tokens.
    expect(provider.billFor('c')).toMatchObject({ reasoningTokens: 3, completionTokens: 3 })
  })

  it('200: answers each turn of a conversation with its own step', async () => {
    const call = { name: 'get_weather', arguments: '{}' }
    const steps: Script[] = [{ toolCalls: [call] }, { content: 'It rains.' }]
    const ask = user(JSON.stringify({ steps, key: 'k' }))
    const result = { role: 'tool', tool_call_id: 'c', content: '{"rain":true}' }
    const answerTo = async (messages: unknown): Promise<unknown> => {
      const answer = (await (await post(provider.url, { ...ask, messages })).json()) as Completion
      return answer.choices[0]?.message.tool_calls?.[0]?.function ?? answer.choices[0]?.message.content
    }
    const asked = ask.messages as Json[]
    expect(await answerTo(asked)).toEqual(call)
    expect(await answerTo([...asked, { role: 'assistant' }, result])).toBe('It rains.')
    expect(await answerTo([...asked, result, result, result])).toBe('It rains.')
    expect(await answerTo([...asked, result, ...asked])).toEqual(call)
    expect(provider.bills().map((bill) => bill.keys)).toEqual([['k'], ['k'], ['k'], ['k']])
  })

  it("200: answers on Azure's paths, and without /v1; 400: to what is no chat", async () => {
    const origin = provider.url.replace(/\/v1$/, '')
    const { model: _model, ...nameless } = user('hello')
    for (const base of [
      `${origin}/openai/deployments/my%20gpt`,
      `${provider.url}/openai/deployments/my%20gpt`,
    ]) {
      expect((await (await post(base, nameless)).json()) as Completion).toMatchObject({ model: 'my gpt' })
    }
    for (const base of [origin, `${origin}/openai/v1`]) {
      const answer = await post(base, user('hello'))
      expect((await answer.json()) as Completion).toMatchObject({ model: 'gpt-5-mini' })
    }
    const refused = await post(provider.url, { model: 'gpt-5-mini' })
    expect(refused.status).toBe(400)
    expect(((await refused.json()) as Completion).error).toMatchObject({ code: 'invalid_json' })
  })

  it('200: finds the script in the last text of a user, among parts and before results', async () => {
    const text = JSON.stringify({ script: { content: 'found' }, key: 'k' })
    const parts = [{ type: 'image_url' }, { type: 'text', text: 'Look:' }, { type: 'text', text }]
    const messages = [
      { role: 'user', content: JSON.stringify({ script: { content: 'too old' } }) },
      { role: 'user', content: parts },
      { role: 'user', content: [{ type: 'image_url' }] },
    ]
    const body = { ...user(''), messages, ...stream }
    expect(said(chunksOf(await (await post(provider.url, body)).text()))).toBe('found')
  })

  it('200: an answer to be heard has its words and its sound, whole or in pieces', async () => {
    const script = { content: 'Hello you', audioOutputTokens: 10, completionTokens: 13, chunks: 3 }
    const more = { modalities: ['text', 'audio'], audio: { voice: 'ash', format: 'pcm16' } }
    const [choice] = (await whole(script, 'k', more)).choices
    expect(choice?.message).toMatchObject({ content: null, audio: { transcript: 'Hello you' } })
    expect(Buffer.from(choice?.message.audio?.data ?? '', 'base64').length).toBe(24_000)
    const deltas = (await streamed(script, 'k', more)).flatMap(({ choices }) => choices[0]?.delta.audio ?? [])
    expect(deltas.map(({ transcript }) => transcript).join('')).toBe('Hello you')
    expect(Buffer.concat(deltas.map(({ data }) => Buffer.from(data, 'base64'))).length).toBe(24_000)
  })
})
