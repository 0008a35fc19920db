/** The AI SDK 7 with `@ai-sdk/anthropic`: plain, streamed, in steps with tools, and with reasoning. */
import { type AnthropicProvider, createAnthropic } from '@ai-sdk/anthropic'
import type { Script } from '@faregate/simulators/provider'
import { APICallError, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { expect, it } from 'vitest'
import { newUser, tokenOf } from '../harness/calls.ts'
import { arrival, billOf, newKey, outcome } from '../harness/exchange.ts'
import { billedMessage } from '../harness/messages.ts'
import { all, countingTries, rejection, spent } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'

type User = { token: string; anthropic: AnthropicProvider }

async function aiUser(stack: Stack, { url = stack.url, plan = 'free_user' } = {}): Promise<User> {
  const token = await tokenOf(stack, newUser(), plan)
  return { token, anthropic: createAnthropic({ baseURL: `${url}/v1`, apiKey: token }) }
}

function prompt(script: Script, key = newKey()): string {
  return JSON.stringify({ script, key })
}

export function sdkAiAnthropic(stack: () => Stack): void {
  it.concurrent('200: generateText, charged exactly', async () => {
    const { token, anthropic } = await aiUser(stack())
    const key = newKey()
    const answer = await generateText({
      model: anthropic('claude'),
      maxOutputTokens: 300,
      system: 'Be brief.',
      prompt: prompt({ content: 'hello', promptTokens: 40, cachedTokens: 11 }, key),
    })
    expect(answer.text).toBe('hello')
    expect(answer.usage).toMatchObject({ inputTokens: 40 })
    expect((await outcome(stack(), token)).charged).toBe(billedMessage(stack(), key))
  })

  it.concurrent('200: streamText without a cap of its own, charged exactly', async () => {
    const { token, anthropic } = await aiUser(stack())
    const key = newKey()
    const answer = streamText({
      model: anthropic('claude'),
      prompt: prompt({ content: 'one two three' }, key),
    })
    expect((await all(answer.textStream)).join('')).toBe('one two three')
    const { charged } = await outcome(stack(), token)
    expect(charged).toBe(billedMessage(stack(), key))
    expect((await answer.usage).outputTokens).toBe(billOf(stack(), key).completionTokens)
  })

  it.concurrent('200: reasoning that shows, charged exactly', async () => {
    const { token, anthropic } = await aiUser(stack())
    const key = newKey()
    const answer = streamText({
      model: anthropic('thinker'),
      maxOutputTokens: 2000,
      prompt: prompt({ reasoningContent: 'Let me see.', content: 'Yes.' }, key),
      providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } },
    })
    expect(await answer.text).toBe('Yes.')
    expect(await answer.reasoningText).toBe('Let me see.')
    expect(arrival(stack(), key).json['thinking']).toMatchObject({ type: 'enabled', budget_tokens: 1024 })
    expect((await outcome(stack(), token)).charged).toBe(billedMessage(stack(), key))
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
  const settings = (anthropic: AnthropicProvider, key: string) => ({
    model: anthropic('claude'),
    maxOutputTokens: 300,
    tools,
    stopWhen: stepCountIs(5),
    prompt: JSON.stringify({ steps: [{ toolCalls }, { toolCalls }, { content: '21 °C, then.' }], key }),
  })

  for (const way of ['generateText', 'streamText'] as const) {
    it.concurrent(`200: ${way} with tools in three steps, each charged exactly`, async () => {
      const { token, anthropic } = await aiUser(stack())
      const key = newKey()
      const given = settings(anthropic, key)
      const answer = way === 'generateText' ? await generateText(given) : streamText(given)
      expect(await answer.text).toBe('21 °C, then.')
      const taken = await answer.steps
      expect(taken).toHaveLength(3)
      expect(taken[0]?.toolResults[0]?.output).toBe('21 °C in Zürich')
      await outcome(stack(), token, 3)
      const bills = stack()
        .provider.bills()
        .filter(({ keys }) => keys.includes(key))
        .map(({ id }) => billedMessage(stack(), id))
      expect(bills).toHaveLength(3)
      expect(await spent(stack(), token)).toBe(bills.reduce((sum, bill) => sum + bill, 0))
    })
  }
}

function errors(stack: () => Stack): void {
  it.concurrent('200: an error in mid-stream reaches onError', async () => {
    const { token, anthropic } = await aiUser(stack())
    const heard: unknown[] = []
    const answer = streamText({
      model: anthropic('claude'),
      maxOutputTokens: 300,
      prompt: prompt({ errorEvent: true }),
      onError: ({ error }) => void heard.push(error),
    })
    await answer.consumeStream()
    expect(JSON.stringify(heard) + String(heard[0])).toMatch(/upstream_error|ended its answer with an error/)
    expect((await outcome(stack(), token)).entry).toMatchObject({ ended: 'error', estimated: true })
  })

  it.concurrent('402: is one try, with its message', async () => {
    const { tries, result } = await countingTries(stack(), async ({ url }) => {
      const { anthropic } = await aiUser(stack(), { url, plan: 'none' })
      return rejection(generateText({ model: anthropic('claude'), maxOutputTokens: 9, prompt: prompt({}) }))
    })
    expect(APICallError.isInstance(result)).toBe(true)
    expect(result).toMatchObject({ statusCode: 402, message: expect.stringContaining('credits') })
    expect(tries).toBe(1)
  })
}
