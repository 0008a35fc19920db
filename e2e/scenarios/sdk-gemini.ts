/** The real `@google/genai`, and the AI SDK's `@ai-sdk/google`, with a session token as their key. */
import { createGoogle, type GoogleProvider } from '@ai-sdk/google'
import type { Script } from '@faregate/simulators/provider'
import { ApiError, type GenerateContentResponse, GoogleGenAI, type Tool, Type } from '@google/genai'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { expect, it } from 'vitest'
import { billed, billOf, newKey, outcome } from '../harness/exchange.ts'
import { all, countingTries, rejection, sdkUser, spent } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'

async function geminiUser(
  stack: Stack,
  { url = stack.url, plan }: { url?: string; plan?: string } = {},
): Promise<{ token: string; ai: GoogleGenAI; google: GoogleProvider }> {
  const { token } = await sdkUser(stack, {}, plan)
  const ai = new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: url } })
  return { token, ai, google: createGoogle({ baseURL: `${url}/v1beta`, apiKey: token }) }
}

const weatherCall = { name: 'get_weather', arguments: '{"place":"Zürich"}' }
const model = 'gem'

function scripted(script: Script, key: string): string {
  return JSON.stringify({ script, key })
}

export function sdkGemini(stack: () => Stack): void {
  plain(stack)
  streamed(stack)
  functions(stack)
  errors(stack)
  aiSdk(stack)
  aiSdkSteps(stack)
}

function plain(stack: () => Stack): void {
  it.concurrent('200: generateContent, charged exactly', async () => {
    const { ai, token } = await geminiUser(stack())
    const key = newKey()
    const answer = await ai.models.generateContent({
      model,
      contents: scripted({ content: 'Grüße 🦊', reasoningTokens: 12 }, key),
      config: {
        systemInstruction: 'Be brief.',
        temperature: 0.2,
        maxOutputTokens: 300,
        thinkingConfig: { includeThoughts: true },
      },
    })
    expect(answer.text).toBe('Grüße 🦊')
    expect(answer.usageMetadata?.thoughtsTokenCount).toBe(12)
    expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
  })

  it.concurrent('200: with the API’s version v1', async () => {
    const { token } = await geminiUser(stack())
    const ai = new GoogleGenAI({ apiKey: token, apiVersion: 'v1', httpOptions: { baseUrl: stack().url } })
    const answer = await ai.models.generateContent({ model, contents: scripted({ content: 'hi' }, newKey()) })
    expect(answer.text).toBe('hi')
  })

  it.concurrent('200: a picture, and an answer of a schema', async () => {
    const { ai, token } = await geminiUser(stack())
    const key = newKey()
    const data =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    const answer = await ai.models.generateContent({
      model,
      contents: [{ inlineData: { mimeType: 'image/png', data } }, scripted({ content: '{"pixels":1}' }, key)],
      config: {
        responseMimeType: 'application/json',
        responseSchema: { type: Type.OBJECT, properties: { pixels: { type: Type.INTEGER } } },
      },
    })
    expect(JSON.parse(answer.text ?? '')).toEqual({ pixels: 1 })
    expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
  })
}

const textOf = (chunks: GenerateContentResponse[]) => chunks.map(({ text }) => text ?? '').join('')

function streamed(stack: () => Stack): void {
  it.concurrent('200: generateContentStream, charged exactly', async () => {
    const { ai, token } = await geminiUser(stack())
    const key = newKey()
    const script = { content: 'one two three 🦊', splitEvery: 7 }
    const chunks = await all(
      await ai.models.generateContentStream({ model, contents: scripted(script, key) }),
    )
    expect(textOf(chunks)).toBe('one two three 🦊')
    const { charged } = await outcome(stack(), token)
    expect(charged).toBe(billed(stack(), key))
    expect(chunks.at(-1)?.usageMetadata?.promptTokenCount).toBe(billOf(stack(), key).promptTokens)
  })

  it.concurrent('200: a chat keeps its history, each turn charged exactly', async () => {
    const { ai, token } = await geminiUser(stack())
    const [one, two] = [newKey(), newKey()]
    const chat = ai.chats.create({ model })
    expect((await chat.sendMessage({ message: scripted({ content: 'first' }, one) })).text).toBe('first')
    const chunks = await all(await chat.sendMessageStream({ message: scripted({ content: 'second' }, two) }))
    expect(textOf(chunks)).toBe('second')
    expect(chat.getHistory().map(({ role }) => role)).toEqual([
      'user',
      'model',
      'user',
      ...chunks.map(() => 'model'),
    ])
    await outcome(stack(), token, 2)
    expect(await spent(stack(), token)).toBe(billed(stack(), one) + billed(stack(), two))
  })
}

function functions(stack: () => Stack): void {
  it.concurrent('200: functions go round: call, result, answer; each step charged exactly', async () => {
    const { ai, token } = await geminiUser(stack())
    const [one, two] = [newKey(), newKey()]
    const config = {
      tools: [
        {
          functionDeclarations: [
            {
              name: 'get_weather',
              parameters: {
                type: Type.OBJECT,
                properties: { place: { type: Type.STRING } },
                required: ['place'],
              },
            },
          ],
        },
      ],
    }
    const asked = { role: 'user', parts: [{ text: scripted({ toolCalls: [weatherCall] }, one) }] }
    const first = await ai.models.generateContent({ model, contents: [asked], config })
    expect(first.functionCalls).toEqual([{ name: 'get_weather', args: { place: 'Zürich' } }])
    const result = { functionResponse: { name: 'get_weather', response: { output: '21 °C' } } }
    const told = { text: scripted({ content: 'It is 21 °C.' }, two) }
    const second = await ai.models.generateContent({
      model,
      // The whole answer goes back as it came, as apps do.
      contents: [asked, first.candidates?.[0]?.content ?? {}, { role: 'user', parts: [result, told] }],
      config,
    })
    expect(second.text).toBe('It is 21 °C.')
    await outcome(stack(), token, 2)
    expect(await spent(stack(), token)).toBe(billed(stack(), one) + billed(stack(), two))
  })
}

function errors(stack: () => Stack): void {
  for (const [status, code, plan, tools] of [
    [402, 'insufficient_credits', 'none', []],
    [400, 'unsupported_parameter', 'free_user', [{ googleSearch: {} }]],
  ] as [number, string, string, Tool[]][]) {
    it.concurrent(`${status}: raises ApiError, after one try`, async () => {
      const { tries, result } = await countingTries(stack(), async ({ url }) => {
        const { ai } = await geminiUser(stack(), { url, plan })
        return rejection(ai.models.generateContent({ model, contents: 'hello', config: { tools } }))
      })
      expect(result).toBeInstanceOf(ApiError)
      expect(result).toMatchObject({ status, message: expect.stringContaining(code) })
      expect(tries).toBe(1)
    })
  }

  it.concurrent('401: raises ApiError', async () => {
    const ai = new GoogleGenAI({ apiKey: 'nonsense', httpOptions: { baseUrl: stack().url } })
    const error = await rejection(ai.models.generateContent({ model, contents: 'hello' }))
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 401, message: expect.stringContaining('UNAUTHENTICATED') })
  })

  for (const [title, script, status] of [
    ['an error event', { errorEvent: true }, 502],
    ['a reset', { reset: 'mid' }, 502],
    ['silence', { hang: 'mid' }, 504],
    ['an end that came too early', { cutShort: true }, 502],
  ] as [string, Script, number][]) {
    it.concurrent(`200: ${title} in mid-stream raises ApiError, after what had come`, async () => {
      const { ai, token } = await geminiUser(stack())
      const stream = await ai.models.generateContentStream({ model, contents: scripted(script, newKey()) })
      let said = ''
      const reading = async () => {
        for await (const { text } of stream) said += text ?? ''
      }
      const error = await rejection(reading())
      expect(error).toBeInstanceOf(ApiError)
      expect(error).toMatchObject({ status })
      expect(said).toMatch(/^(word)+$/)
      expect((await outcome(stack(), token)).entry).toMatchObject({ ended: 'error', estimated: true })
    })
  }
}

function aiSdk(stack: () => Stack): void {
  it.concurrent('200: generateText of the AI SDK, charged exactly', async () => {
    const { google, token } = await geminiUser(stack())
    const key = newKey()
    const answer = await generateText({
      model: google(model),
      system: 'Be brief.',
      prompt: scripted({ content: 'hello', reasoningTokens: 7 }, key),
      maxOutputTokens: 200,
    })
    expect(answer.text).toBe('hello')
    expect(answer.usage.outputTokens).toBe(billOf(stack(), key).completionTokens)
    expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
  })

  it.concurrent('200: streamText of the AI SDK, charged exactly', async () => {
    const { google, token } = await geminiUser(stack())
    const key = newKey()
    const answer = streamText({ model: google(model), prompt: scripted({ content: 'one two three' }, key) })
    expect((await all(answer.textStream)).join('')).toBe('one two three')
    expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
  })

  it.concurrent('200: an error in mid-stream reaches the AI SDK’s onError', async () => {
    const { google, token } = await geminiUser(stack())
    const heard: unknown[] = []
    const answer = streamText({
      model: google(model),
      prompt: scripted({ errorEvent: true }, newKey()),
      onError: ({ error }) => void heard.push(error),
    })
    await answer.consumeStream()
    expect(heard).toHaveLength(1)
    expect(String(heard[0])).toContain('ended its answer with an error')
    expect((await outcome(stack(), token)).entry).toMatchObject({ ended: 'error', estimated: true })
  })

  it.concurrent('402: is one try for the AI SDK', async () => {
    const { tries, result } = await countingTries(stack(), async ({ url }) => {
      const { google } = await geminiUser(stack(), { url, plan: 'none' })
      return rejection(generateText({ model: google(model), prompt: 'hello' }))
    })
    expect(result).toMatchObject({ statusCode: 402, message: expect.stringContaining('credits') })
    expect(tries).toBe(1)
  })
}

/** A call of a tool and an answer. */
function aiSdkSteps(stack: () => Stack): void {
  const tools = {
    get_weather: tool({
      description: 'The weather in a place',
      inputSchema: jsonSchema<{ place: string }>({
        type: 'object',
        properties: { place: { type: 'string' } },
        required: ['place'],
      }),
      execute: async ({ place }) => `21 °C in ${place}`,
    }),
  }
  for (const way of ['generateText', 'streamText'] as const) {
    it.concurrent(`200: ${way} of the AI SDK with tools in two steps, charged exactly`, async () => {
      const { google, token } = await geminiUser(stack())
      const key = newKey()
      const steps = [
        { promptTokens: 40, completionTokens: 8, toolCalls: [weatherCall] },
        { promptTokens: 60, completionTokens: 9, content: '21 °C, then.' },
      ]
      const given = {
        model: google(model),
        tools,
        stopWhen: stepCountIs(5),
        prompt: JSON.stringify({ steps, key }),
      }
      const answer = way === 'generateText' ? await generateText(given) : streamText(given)
      expect(await answer.text).toBe('21 °C, then.')
      const taken = await answer.steps
      expect(taken[0]?.toolResults[0]?.output).toBe('21 °C in Zürich')
      await outcome(stack(), token, 2)
      expect(await spent(stack(), token)).toBe(40 + 8 * 2 + 60 + 9 * 2)
    })
  }
}
