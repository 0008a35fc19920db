import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from './friendly.ts'
import { type Completion, chunksOf, type Json, post, said, stream, user } from './test-kit.ts'

describe('the friendly provider', () => {
  let provider: ProviderSimulator
  beforeAll(async () => {
    provider = await startProviderSimulator()
  })
  afterAll(() => provider.stop())

  const weather = {
    name: 'get_weather',
    parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
  }
  const question = 'What is the weather in New York today?'
  const complete = async (body: Json) => (await (await post(provider.url, body)).json()) as Completion

  it('200: echoes any prompt, with usage that grows with it', async () => {
    const short = await complete(user('Hi there'))
    const long = await complete(user(`Hi there ${'and more '.repeat(200)}`))
    expect(short.choices[0]?.message.content).toContain('"Hi there"')
    expect(long.usage?.prompt_tokens).toBeGreaterThan((short.usage?.prompt_tokens ?? 0) + 400)
    const capped = await complete({ ...user('Hi there'), max_completion_tokens: 5 })
    expect(capped).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 5 } })
  })

  it('200: streams it, usage last', async () => {
    const chunks = chunksOf(await (await post(provider.url, { ...user('Hi there'), ...stream })).text())
    expect(said(chunks)).toContain('"Hi there"')
    expect(chunks.length).toBeGreaterThan(10)
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true)
    expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(20)
  })

  it('200: calls a weather-like tool, then uses its answer', async () => {
    const tools = [{ type: 'function', function: weather }]
    const first = await complete({ ...user(question), tools })
    const call = first.choices[0]?.message.tool_calls?.[0]
    expect(first.choices[0]?.finish_reason).toBe('tool_calls')
    expect(call?.function).toEqual({ name: 'get_weather', arguments: '{"location":"New York"}' })
    const messages = [
      { role: 'user', content: question },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: call?.id, content: '21 °C and sunny' },
    ]
    expect((await complete({ model: 'gpt-5-mini', messages, tools })).choices[0]?.message.content).toContain(
      '21 °C and sunny',
    )
    expect(
      (await complete({ ...user(question), tools, tool_choice: 'none' })).choices[0]?.finish_reason,
    ).toBe('stop')
  })

  it('200: streams a call in pieces, asked only about the weather, and says its result in a sentence', async () => {
    const tools = [{ type: 'function', function: weather }]
    const ask = async (body: Json) =>
      chunksOf(await (await post(provider.url, { ...body, ...stream })).text())
    const called = (await ask({ ...user(question), tools })).flatMap((chunk) => chunk.choices)
    const pieces = called.flatMap((choice) => choice.delta.tool_calls ?? [])
    expect(pieces.map((piece) => piece.function.arguments ?? '').join('')).toBe('{"location":"New York"}')
    expect(pieces.length).toBeGreaterThan(2)
    expect(called.at(-1)?.finish_reason).toBe('tool_calls')
    expect(said(await ask({ ...user('Hi there'), tools }))).toContain('"Hi there"')
    const messages = [
      { role: 'user', content: question },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: weather.name, arguments: '{}' } }],
      },
      {
        role: 'tool',
        tool_call_id: 'call_1',
        content: '{"location":"New York","temperature":21,"unit":"celsius","conditions":"sun"}',
      },
    ]
    expect(said(await ask({ model: 'gpt-5-mini', messages, tools }))).toBe(
      'It is **21 °C** in New York, with sun.',
    )
  })

  it.each([
    ['Write a TypeScript function', '```ts\n'],
    ['Compare three ways in a table', '| --- |'],
    ['Tell me a long story', '### 6. The count'],
  ])('200: %s is answered in markdown', async (prompt, markdown) => {
    expect((await complete(user(prompt))).choices[0]?.message.content).toContain(markdown)
  })

  it('200: answers the older functions with function_call, plain and streamed', async () => {
    const functions = [weather]
    const plain = await complete({ ...user(question), functions })
    expect(plain.choices[0]).toMatchObject({
      finish_reason: 'function_call',
      message: { function_call: { name: 'get_weather', arguments: '{"location":"New York"}' } },
    })
    const chunks = chunksOf(
      await (await post(provider.url, { ...user(question), functions, stream: true })).text(),
    )
    const deltas = chunks.flatMap((chunk) => chunk.choices)
    expect(deltas.map((choice) => choice.delta.function_call?.arguments ?? '').join('')).toBe(
      '{"location":"New York"}',
    )
    expect(deltas.at(-1)?.finish_reason).toBe('function_call')
    expect(deltas.some((choice) => choice.delta.tool_calls)).toBe(false)
  })

  it('200: lists models; 400: names what is wrong with a request', async () => {
    expect((await fetch(`${provider.url}/models`)).status).toBe(200)
    expect((await post(provider.url, { model: 'gpt-5-mini' })).status).toBe(400)
  })
})
