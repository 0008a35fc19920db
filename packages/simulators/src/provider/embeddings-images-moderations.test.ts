import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { imagesWire } from './images.ts'
import { type Script } from './script.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted.ts'
import { billedByEvents, eventsOf, type Json } from './test-kit.ts'
import { type WireRequest } from './wire.ts'

describe('embeddings, moderations and images', () => {
  let provider: ScriptedProvider
  beforeAll(async () => {
    provider = await startScriptedProvider()
  })
  afterEach(() => provider.reset())
  afterAll(() => provider.stop())

  const post = (path: string, body: Json) =>
    fetch(provider.url + path, { method: 'POST', body: JSON.stringify(body) })
  const json = async (path: string, body: Json) => (await (await post(path, body)).json()) as Json
  const text = (script: Script, key = 'k') => JSON.stringify({ script, key })

  it('200: a vector for each input, in numbers or packed', async () => {
    const input = ['a', text({ promptTokens: 9 })]
    const plain = (await json('/embeddings', { model: 'e', input, dimensions: 3 })) as {
      data: { embedding: number[] }[]
      usage: Json
    }
    expect(plain.data.map(({ embedding }) => embedding.length)).toEqual([3, 3])
    expect(plain.usage).toEqual({ prompt_tokens: 9, total_tokens: 9 })
    expect(provider.billFor('k')).toMatchObject({ promptTokens: 9, completionTokens: 0, complete: true })
    const packed = (await json('/embeddings', {
      model: 'e',
      input,
      dimensions: 3,
      encoding_format: 'base64',
    })) as {
      data: { embedding: string }[]
    }
    const bytes = Buffer.from(packed.data[1]?.embedding ?? '', 'base64')
    expect(bytes.readFloatLE(4)).toBeCloseTo(plain.data[1]?.embedding[1] ?? 0, 6)
    const tokens = (await json('/embeddings', { model: 'e', input: [1, 2, 3] })) as { data: Json[] }
    expect(tokens.data).toHaveLength(1)
  })

  it('200: a verdict for each text, parts together, and nothing billed', async () => {
    const judged = async (input: unknown) => {
      const { results } = (await json('/moderations', { input })) as { results: { flagged: boolean }[] }
      return results.map(({ flagged }) => flagged)
    }
    expect(await judged(['I will kill you', 'hello'])).toEqual([true, false])
    expect(await judged([{ type: 'text', text: text({}) }, { type: 'image_url' }])).toEqual([false])
    expect(provider.billFor('k')).toMatchObject({ promptTokens: 0, model: 'omni-moderation-latest' })
  })

  it('200: pictures whole, with their usage', async () => {
    const prompt = text({ promptTokens: 5, completionTokens: 20, imageOutputTokens: 15, content: 'picture' })
    const answer = await json('/images/generations', { model: 'i', prompt, n: 2, size: '1536x1024' })
    const b64_json = Buffer.from('picture').toString('base64')
    expect(answer).toMatchObject({
      size: '1536x1024',
      data: [{ b64_json }, { b64_json }],
      usage: {
        input_tokens: 5,
        output_tokens: 40,
        output_tokens_details: { image_tokens: 30, text_tokens: 10 },
        total_tokens: 45,
      },
    })
    expect(provider.billFor('k')).toMatchObject({
      promptTokens: 5,
      completionTokens: 40,
      imageOutputTokens: 30,
    })
    const url = await json('/images/generations', { model: 'i', prompt, response_format: 'url' })
    expect(url.data).toEqual([{ url: expect.stringMatching(/^https:/) }])
  })

  it('200: a picture with previews in a stream, billed as it comes', async () => {
    const ask = (script: Script, key: string) =>
      post('/images/generations', { model: 'i', prompt: text(script, key), stream: true, partial_images: 2 })
    const events = eventsOf((await (await ask({}, 'a')).text()).replace(/^event: .*\n/gm, ''))
    expect(events.map((each) => (JSON.parse(each) as Json).type)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ])
    expect(provider.billFor('a')).toMatchObject({ completionTokens: 396, imageOutputTokens: 396 })
    const failed = await (await ask({ errorEvent: true }, 'b')).text()
    expect(failed).toMatch(/event: error\ndata: \{"type":"error","error":.*\n\n$/)
    expect(provider.billFor('b')).toMatchObject({ completionTokens: 100, imageOutputTokens: 100 })
    const long = await (await ask({ longLine: 5_000_000 }, 'c')).text()
    expect(Math.max(...long.split('\n').map((line) => line.length))).toBeGreaterThan(5_000_000)
  })

  it('the events of a picture bill what the whole answer does', async () => {
    const body = {
      prompt: text({ completionTokens: 20, imageOutputTokens: 15 }),
      stream: true,
      partial_images: 3,
    }
    const request: WireRequest = {
      raw: Buffer.from(JSON.stringify(body)),
      path: '/images/generations',
      query: new URLSearchParams(),
      headers: {},
      deployment: null,
    }
    const plan = (await imagesWire.read(request))?.plan({ id: '1', created: 0, bodyBytes: 4 })
    if (!plan) throw new Error('the images wire refused its own request')
    expect(plan.use).toMatchObject({ completionTokens: 320, imageOutputTokens: 315 })
    expect(plan.use).toMatchObject(billedByEvents(plan))
  })

  it.each([
    ['/embeddings', { model: 'e' }],
    ['/embeddings', { model: 'e', input: [] }],
    ['/moderations', {}],
    ['/images/generations', { model: 'i' }],
    ['/images/generations', { model: 'i', prompt: 'a', stream: true, n: 2 }],
  ])('400: %s %j', async (path, body) => {
    expect((await post(path, body)).status).toBe(400)
  })
})
