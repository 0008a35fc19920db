import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { geminiWire } from './generate-content.ts'
import { type Script } from './script.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted.ts'
import { billedByEvents, eventsOf, type Json } from './test-kit.ts'
import { type WireRequest } from './wire.ts'

type Part = { text?: string; thought?: boolean; functionCall?: Json; inlineData?: Json }
type Answer = {
  candidates: { index: number; content: { parts: Part[] }; finishReason?: string }[]
  usageMetadata?: Json
  modelVersion: string
  error?: Json
}

const asked = (script: Script, key: string, generationConfig: Json = {}): Json => ({
  contents: [{ role: 'user', parts: [{ text: JSON.stringify({ script, key }) }] }],
  generationConfig,
})

const planOf = async (body: Json, method = 'streamGenerateContent') => {
  const raw = Buffer.from(JSON.stringify(body))
  const path = `/v1beta/models/gemini-2.5-flash:${method}`
  const request: WireRequest = {
    raw,
    path,
    query: new URLSearchParams('alt=sse'),
    headers: {},
    deployment: null,
  }
  const reading = await geminiWire.read(request)
  if (reading === null) throw new Error('the wire refused its own request')
  return reading.plan({ id: '1', created: 0, bodyBytes: 400 })
}

const said = (answers: Answer[], index = 0): string =>
  answers
    .flatMap(({ candidates }) => candidates)
    .filter((candidate) => candidate.index === index)
    .flatMap(({ content }) => content.parts.map(({ text, thought }) => (thought ? '' : (text ?? ''))))
    .join('')

describe("Gemini's wire", () => {
  let provider: ScriptedProvider
  beforeAll(async () => {
    provider = await startScriptedProvider()
  })
  afterEach(() => provider.reset())
  afterAll(() => provider.stop())

  const post = (call: string, body: Json) =>
    fetch(`${provider.url.replace('/v1', '')}/v1beta/models/${call}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
  const whole = async (script: Script, key: string, config?: Json): Promise<Answer> =>
    (await (await post('gemini-2.5-flash:generateContent', asked(script, key, config))).json()) as Answer
  const streamed = async (script: Script, key: string, config?: Json): Promise<Answer[]> => {
    const answer = await post('gemini-2.5-flash:streamGenerateContent?alt=sse', asked(script, key, config))
    return eventsOf(await answer.text()).map((data) => JSON.parse(data) as Answer)
  }

  it.each<[string, Script, Json]>([
    ['a plain answer', {}, {}],
    ['several candidates', { completionTokens: 33 }, { candidateCount: 3 }],
    ['a cap', { completionTokens: 33, reasoningTokens: 20 }, { maxOutputTokens: 25, candidateCount: 2 }],
    ['hidden thoughts', { reasoningTokens: 17 }, { candidateCount: 2 }],
    ['visible thoughts', { reasoningContent: 'Let me see what this is.', chunks: 4 }, {}],
    ['a picture', { completionTokens: 1300, imageOutputTokens: 1290 }, {}],
    ['calls', { toolCalls: [{ name: 'f', arguments: '{"a":1}' }] }, {}],
  ])('the events of %s bill what the whole answer does', async (_name, script, config) => {
    const { use, ...plan } = await planOf(asked(script, 'k', config))
    expect(billedByEvents({ use, ...plan })).toEqual({
      completionTokens: use.completionTokens,
      reasoningTokens: use.reasoningTokens,
      audioOutputTokens: 0,
      imageOutputTokens: use.imageOutputTokens,
      toolCalls: 0,
    })
  })

  it('answers whole, with thoughts beside the candidates’ tokens', async () => {
    const script = {
      promptTokens: 100,
      cachedTokens: 40,
      imageInputTokens: 30,
      completionTokens: 50,
      reasoningTokens: 20,
    }
    const answer = await whole(script, 'k1')
    expect(answer).toMatchObject({
      modelVersion: 'gemini-2.5-flash',
      candidates: [{ finishReason: 'STOP', index: 0 }],
    })
    expect(answer.usageMetadata).toEqual({
      promptTokenCount: 100,
      candidatesTokenCount: 30,
      thoughtsTokenCount: 20,
      totalTokenCount: 150,
      cachedContentTokenCount: 40,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 70 },
        { modality: 'IMAGE', tokenCount: 30 },
      ],
      cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 40 }],
    })
    expect(provider.billFor('k1')).toMatchObject({ promptTokens: 100, completionTokens: 50, complete: true })
  })

  it('streams with running totals, and says why each candidate finished', async () => {
    const answers = await streamed({ content: 'one two three', chunks: 4 }, 'k2', { candidateCount: 2 })
    expect([said(answers), said(answers, 1)]).toEqual(['one two three', 'one two three'])
    const totals = answers.map(({ usageMetadata }) => Number(usageMetadata?.candidatesTokenCount ?? 0))
    expect(totals).toEqual(totals.toSorted((a, b) => a - b))
    expect(totals.at(-1)).toBe(provider.billFor('k2')?.completionTokens)
    const reasons = answers.flatMap(({ candidates }) =>
      candidates.flatMap(({ finishReason }) => finishReason ?? []),
    )
    expect(reasons).toEqual(['STOP', 'STOP'])
  })

  it('keeps to the cap, in either spelling', async () => {
    const answer = await whole({ completionTokens: 90 }, 'k3', { max_output_tokens: 10 })
    expect(answer.candidates[0]?.finishReason).toBe('MAX_TOKENS')
    expect(provider.billFor('k3')?.completionTokens).toBe(10)
  })

  it('calls functions, and draws', async () => {
    const toolCalls = [{ name: 'f', arguments: '{"a":1}' }]
    const calls = await streamed({ toolCalls }, 'k4')
    expect(calls[0]?.candidates[0]?.content.parts).toEqual([{ functionCall: { name: 'f', args: { a: 1 } } }])
    const drawn = await whole({ completionTokens: 1300, imageOutputTokens: 1290 }, 'k5')
    expect(drawn.candidates[0]?.content.parts.at(-1)?.inlineData).toMatchObject({ mimeType: 'image/png' })
    expect(drawn.usageMetadata?.candidatesTokensDetails).toEqual([{ modality: 'IMAGE', tokenCount: 1290 }])
  })

  it('lies about usage at the end alone', async () => {
    const answers = await streamed({ usage: { promptTokenCount: -1 } }, 'k6')
    const told = answers.flatMap(({ usageMetadata }) => usageMetadata ?? [])
    expect(told).toEqual([{ promptTokenCount: -1 }])
    expect((await streamed({ noUsage: true }, 'k7')).some(({ usageMetadata }) => usageMetadata)).toBe(false)
  })

  it('ends with an error, or too early', async () => {
    const failed = await streamed({ errorEvent: true }, 'k8')
    expect(failed.at(-1)?.error).toMatchObject({ code: 503, status: 'UNAVAILABLE' })
    const short = await streamed({ cutShort: true }, 'k9')
    expect(short.some(({ candidates }) => candidates.some(({ finishReason }) => finishReason))).toBe(false)
  })

  it('refuses in its own words', async () => {
    const refused = await post('m:generateContent', asked({ status: 429 }, 'k10'))
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ error: { code: 429, status: 'RESOURCE_EXHAUSTED' } })
    expect((await post('m:streamGenerateContent', asked({}, 'k11'))).status).toBe(400)
    expect((await post('m:countTokens', asked({}, 'k12'))).status).toBe(404)
  })
})
