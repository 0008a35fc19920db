import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ChatDialect, type Script } from './script.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted.ts'
import { type Completion, chunksOf, type Json, post, said, scripted, stream } from './test-kit.ts'

const figures = { prompt_tokens: 30, completion_tokens: 24, total_tokens: 54 }
const script: Script = { promptTokens: 30, cachedTokens: 12, completionTokens: 24, reasoningTokens: 9 }

describe('chat dialects', () => {
  let provider: ScriptedProvider
  beforeAll(async () => {
    provider = await startScriptedProvider()
  })
  afterEach(() => provider.reset())
  afterAll(() => provider.stop())

  const textOf = async (dialect: ChatDialect, more: Json, over: Script = {}): Promise<string> =>
    (await post(provider.url, scripted({ ...script, ...over, dialect }, 'k', more))).text()
  const chunksIn = async (dialect: ChatDialect, more: Json = stream, over: Script = {}) =>
    chunksOf(await textOf(dialect, more, over)) as (Completion & { x_groq?: Json; usage?: Json })[]

  it.each<[ChatDialect, Json]>([
    ['azure', { ...figures, prompt_tokens_details: { cached_tokens: 12 } }],
    ['deepseek', { ...figures, prompt_cache_hit_tokens: 12, prompt_cache_miss_tokens: 18 }],
    ['groq', { ...figures, prompt_tokens_details: { cached_tokens: 12 }, queue_time: 0.01 }],
    ['mistral', { ...figures, num_cached_tokens: 12 }],
    ['ollama', figures],
    ['openrouter', { ...figures, cost: 1.23e-5, prompt_tokens_details: { cached_tokens: 12 } }],
    ['vllm', { ...figures, prompt_tokens_details: { cached_tokens: 12 } }],
    ['xai', { ...figures, completion_tokens: 15 }],
  ])('200: %s tells the same usage in its own words, plain and streamed', async (dialect, usage) => {
    const whole = JSON.parse(await textOf(dialect, {})) as Completion
    expect(whole.usage).toMatchObject(usage)
    const chunks = await chunksIn(dialect)
    const told = chunks.flatMap((chunk) => [chunk.usage, chunk.x_groq?.usage]).filter((each) => each)
    expect(told).toEqual([whole.usage])
    expect(said(chunks)).toBe(whole.choices[0]?.message.content)
    await provider.idle()
    expect(provider.billFor('k')).toMatchObject({ promptTokens: 30, cachedTokens: 12, completionTokens: 24 })
  })

  it.each<[ChatDialect, number, number]>([
    ['azure', 0, 0],
    ['vllm', 0, 0],
    ['groq', 1, 0],
    ['deepseek', 1, 0],
    // Told unasked.
    ['mistral', 1, 1],
    ['openrouter', 1, 1],
  ])('200: %s tells a stream usage where it does', async (dialect, choices, unasked) => {
    const last = (await chunksIn(dialect)).at(-1)
    expect(last?.choices).toHaveLength(choices)
    const telling = async (more: Json, over: Script = {}) =>
      (await chunksIn(dialect, more, over)).filter(({ usage, x_groq }) => usage ?? x_groq?.usage)
    expect(await telling({ stream: true })).toHaveLength(unasked)
    expect(await telling(stream, { noUsage: true })).toEqual([])
  })

  it('200: vLLM tells running totals of each choice if asked to, and the sum at last', async () => {
    const options = { include_usage: true, continuous_usage_stats: true }
    const over = { completionTokens: 10, reasoningTokens: 0, chunks: 2 }
    const chunks = await chunksIn('vllm', { stream: true, stream_options: options, n: 2 }, over)
    const told = chunks.map(({ choices, usage }) => [choices[0]?.index, usage?.completion_tokens])
    expect(told).toEqual([
      ...[0, 1].map((index) => [index, 0]),
      ...[0, 1].map((index) => [index, 5]),
      ...[0, 1].map((index) => [index, 10]),
      ...[0, 1].map((index) => [index, 10]),
      [undefined, 20],
    ])
  })

  it('200: comments, filters and reasoning come in their own ways', async () => {
    const over = { reasoningContent: 'Hm, yes.', chunks: 1 }
    expect(await textOf('openrouter', stream)).toMatch(/^: OPENROUTER PROCESSING\n\n/)
    expect((await chunksIn('azure'))[0]).toMatchObject({
      choices: [],
      prompt_filter_results: [{ prompt_index: 0 }],
    })
    const deltas = async (dialect: ChatDialect) =>
      (await chunksIn(dialect, stream, over)).flatMap(({ choices }) => choices.map(({ delta }) => delta))
    for (const dialect of ['groq', 'ollama', 'openrouter'] as const) {
      expect(await deltas(dialect)).toContainEqual(expect.objectContaining({ reasoning: 'Hm, yes.' }))
    }
    expect(await deltas('vllm')).toContainEqual({ reasoning: 'Hm, yes.', reasoning_content: 'Hm, yes.' })
    expect(await deltas('mistral')).toContainEqual({
      content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm, yes.' }] }],
    })
  })
})
