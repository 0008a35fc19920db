/** The AI SDK 7 with `@ai-sdk/openai`: `openai.chat(model)`, plain, streamed and in steps. */
import { createOpenAI, type OpenAIProvider } from '@ai-sdk/openai'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { expect, it } from 'vitest'
import { billed, billOf, newKey, outcome } from '../harness/exchange.ts'
import { all, countingTries, rejection, scriptMessage, sdkUser, spent } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'

async function aiUser(stack: Stack, baseURL = stack.url): Promise<{ token: string; openai: OpenAIProvider }> {
  const { token } = await sdkUser(stack)
  return { token, openai: createOpenAI({ baseURL: `${baseURL}/v1`, apiKey: token }) }
}

/** Scripts are user messages in the AI SDK's own shape too. */
function prompt(...given: Parameters<typeof scriptMessage>): string {
  return String(scriptMessage(...given).content)
}

export function sdkAi(stack: () => Stack): void {
  it.concurrent('200: generateText, charged exactly', async () => {
    const { token, openai } = await aiUser(stack())
    const key = newKey()
    const answer = await generateText({
      model: openai.chat('fast'),
      prompt: prompt({ content: 'hello' }, key),
    })
    expect(answer.text).toBe('hello')
    expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
  })

  it.concurrent('200: streamText, charged exactly', async () => {
    const { token, openai } = await aiUser(stack())
    const key = newKey()
    const answer = streamText({
      model: openai.chat('fast'),
      prompt: prompt({ content: 'one two three' }, key),
    })
    expect((await all(answer.textStream)).join('')).toBe('one two three')
    const { charged } = await outcome(stack(), token)
    expect(charged).toBe(billed(stack(), key))
    expect((await answer.usage).outputTokens).toBe(billOf(stack(), key).completionTokens)
  })
  steps(stack)
  errors(stack)
}

/** Two calls of a tool and an answer. */
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
  const settings = (openai: OpenAIProvider, keys: string[]) => ({
    model: openai.chat('fast'),
    tools,
    stopWhen: stepCountIs(5),
    prompt: prompt({}, 'unused'),
    // The provider is told anew before each step what to do in it.
    prepareStep: ({ messages, stepNumber }: { messages: unknown[]; stepNumber: number }) => ({
      messages: [
        ...(messages as never[]),
        {
          role: 'user' as const,
          content: prompt(stepNumber < 2 ? { toolCalls } : { content: '21 °C, then.' }, keys[stepNumber]),
        },
      ],
    }),
  })

  for (const way of ['generateText', 'streamText'] as const) {
    it.concurrent(`200: ${way} with tools in three steps, each charged exactly`, async () => {
      const { token, openai } = await aiUser(stack())
      const keys = [newKey(), newKey(), newKey()]
      const given = settings(openai, keys)
      const answer = way === 'generateText' ? await generateText(given) : streamText(given)
      expect(await answer.text).toBe('21 °C, then.')
      const taken = await answer.steps
      expect(taken).toHaveLength(3)
      expect(taken[0]?.toolResults[0]?.output).toBe('21 °C in Zürich')
      await outcome(stack(), token, 3)
      const bills = keys.map((key) => billed(stack(), key))
      expect(await spent(stack(), token)).toBe(bills.reduce((sum, bill) => sum + bill, 0))
    })
  }
}

function errors(stack: () => Stack): void {
  it.concurrent('200: an error in mid-stream reaches onError', async () => {
    const { token, openai } = await aiUser(stack())
    const heard: unknown[] = []
    const answer = streamText({
      model: openai.chat('fast'),
      prompt: prompt({ errorEvent: true }),
      onError: ({ error }) => void heard.push(error),
    })
    await answer.consumeStream()
    expect(heard).toHaveLength(1)
    expect(JSON.stringify(heard) + String(heard[0])).toMatch(/upstream_error|ended its answer with an error/)
    expect((await outcome(stack(), token)).entry).toMatchObject({ ended: 'error', estimated: true })
  })

  it.concurrent('402: is one try', async () => {
    const { tries, result } = await countingTries(stack(), async ({ url }) => {
      const { token } = await sdkUser(stack(), {}, 'none')
      const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: token })
      return rejection(generateText({ model: openai.chat('fast'), prompt: prompt({}) }))
    })
    expect(result).toMatchObject({ statusCode: 402 })
    expect(tries).toBe(1)
  })
}
