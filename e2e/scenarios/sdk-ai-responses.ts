/**
 * Clients that call the Responses wire by default or when told to: the AI SDK's `openai(model)`, in steps with
 * `store: false` and without, and LangChain's `ChatOpenAI`.
 */
import { createOpenAI, type OpenAIProvider } from '@ai-sdk/openai'
import type { Script } from '@faregate/simulators/provider'
import { ChatOpenAI } from '@langchain/openai'
import { APICallError, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai'
import { expect, it } from 'vitest'
import { arrivals, billed, newKey, outcome } from '../harness/exchange.ts'
import { billedResponse } from '../harness/responses.ts'
import { all, rejection, sdkUser } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'

async function aiUser(stack: Stack): Promise<{ token: string; openai: OpenAIProvider }> {
  const { token } = await sdkUser(stack)
  return { token, openai: createOpenAI({ baseURL: `${stack.url}/v1`, apiKey: token }) }
}

function prompt(script: Script, key: string): string {
  return JSON.stringify({ script, key })
}

export function sdkAiResponses(stack: () => Stack): void {
  plain(stack)
  steps(stack)
  langChain(stack)
}

function plain(stack: () => Stack): void {
  it.concurrent('200: generateText with openai(model), charged exactly', async () => {
    const { token, openai } = await aiUser(stack())
    const key = newKey()
    const answer = await generateText({ model: openai('fast'), prompt: prompt({ content: 'hello' }, key) })
    expect(answer.text).toBe('hello')
    const { charged } = await outcome(stack(), token)
    expect(charged).toBe(billedResponse(stack(), key))
  })

  it.concurrent('200: streamText with openai(model), charged exactly', async () => {
    const { token, openai } = await aiUser(stack())
    const key = newKey()
    const script = { content: 'one two three', reasoningContent: 'Hm.' }
    const answer = streamText({ model: openai('deep'), prompt: prompt(script, key) })
    expect((await all(answer.textStream)).join('')).toBe('one two three')
    expect((await outcome(stack(), token)).charged).toBe(billedResponse(stack(), key))
  })

  it.concurrent('200: an object by its schema', async () => {
    const { token, openai } = await aiUser(stack())
    const key = newKey()
    const schema = jsonSchema<{ city: string }>({
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    })
    const answer = await generateText({
      model: openai('fast'),
      prompt: prompt({ content: '{"city":"Köln"}' }, key),
      output: Output.object({ schema }),
    })
    expect(answer.output).toEqual({ city: 'Köln' })
    expect((await outcome(stack(), token)).charged).toBe(billedResponse(stack(), key))
  })

  it.concurrent('200: an error in mid-stream reaches onError', async () => {
    const { openai } = await aiUser(stack())
    const heard: unknown[] = []
    const answer = streamText({
      model: openai('fast'),
      prompt: prompt({ errorEvent: true }, newKey()),
      onError: ({ error }) => void heard.push(error),
    })
    await answer.consumeStream()
    expect(heard).toHaveLength(1)
    expect(JSON.stringify(heard) + String(heard[0])).toMatch(/ended its answer with an error/)
  })

  it.concurrent("200: the provider's web search, where it has a price", async () => {
    const { token, openai } = await aiUser(stack())
    const key = newKey()
    const answer = await generateText({
      model: openai('searching'),
      tools: { web_search: openai.tools.webSearch({ searchContextSize: 'low' }) },
      prompt: prompt({ toolCallsRun: 2, promptTokens: 3000, content: 'Found.' }, key),
    })
    expect(answer.text).toBe('Found.')
    expect((await outcome(stack(), token)).charged).toBe(billedResponse(stack(), key))
  })
}

/** Two calls of a tool after some thought, and an answer. */
function steps(stack: () => Stack): void {
  const toolCalls = [{ name: 'weather', arguments: '{"place":"Zürich"}' }]
  const tools = {
    weather: tool({
      description: 'The weather in a place',
      inputSchema: jsonSchema<{ place: string }>({
        type: 'object',
        properties: { place: { type: 'string' } },
        required: ['place'],
      }),
      execute: async ({ place }) => `21 °C in ${place}`,
    }),
  }
  const thinking = { toolCalls, reasoningTokens: 20 }
  const script = (key: string) =>
    JSON.stringify({ steps: [thinking, thinking, { content: '21 °C, then.', reasoningTokens: 9 }], key })
  const given = (openai: OpenAIProvider, key: string, store?: false) => ({
    model: openai('deep'),
    tools,
    stopWhen: stepCountIs(5),
    prompt: script(key),
    providerOptions: {
      openai: { forceReasoning: true, reasoningSummary: 'auto', ...(store === false && { store }) },
    },
  })

  for (const way of ['generateText', 'streamText'] as const) {
    it.concurrent(`200: ${way} in three steps with store false, and reasoning sent back`, async () => {
      const { token, openai } = await aiUser(stack())
      const key = newKey()
      const asked = given(openai, key, false)
      const answer = way === 'generateText' ? await generateText(asked) : streamText(asked)
      expect(await answer.text).toBe('21 °C, then.')
      expect(await answer.steps).toHaveLength(3)
      await outcome(stack(), token, 3)
      const last = JSON.parse(arrivals(stack(), key).at(-1)?.body ?? '{}')
      const types = last.input.map((item: { type?: string }) => item.type)
      expect(types.filter((type: string) => type === 'reasoning')).toHaveLength(2)
      expect(types.filter((type: string) => type === 'function_call_output')).toHaveLength(2)
    })
  }

  it.concurrent('400: in steps without store false, it says what to set', async () => {
    const { openai } = await aiUser(stack())
    const error = await rejection(generateText(given(openai, newKey())))
    expect(APICallError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('providerOptions: { openai: { store: false } }'),
    })
  })
}

function langChain(stack: () => Stack): void {
  for (const useResponsesApi of [true, false]) {
    const wire = useResponsesApi ? 'Responses' : 'chat completions'
    it.concurrent(`200: LangChain over ${wire}, plain and streamed, charged exactly`, async () => {
      const { token } = await sdkUser(stack())
      const model = new ChatOpenAI({
        model: 'fast',
        apiKey: token,
        configuration: { baseURL: `${stack().url}/v1` },
        useResponsesApi,
      })
      const bill = useResponsesApi ? billedResponse : billed
      const [one, two] = [newKey(), newKey()]
      expect((await model.invoke(prompt({ content: 'hello' }, one))).text).toBe('hello')
      expect((await outcome(stack(), token)).charged).toBe(bill(stack(), one))
      const chunks = await all(await model.stream(prompt({ content: 'one two' }, two)))
      expect(chunks.map(({ text }) => text).join('')).toBe('one two')
      expect((await outcome(stack(), token, 2)).charged).toBe(bill(stack(), two))
    })
  }
}
