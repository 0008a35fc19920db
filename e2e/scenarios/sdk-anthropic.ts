/** `@anthropic-ai/sdk` with a session token as its key: messages, streams, tools, pictures, errors and retries. */

import Anthropic, {
  APIError,
  AuthenticationError,
  BadRequestError,
  type ClientOptions,
  NotFoundError,
  PaymentRequiredError,
  PermissionDeniedError,
  RateLimitError,
} from '@anthropic-ai/sdk'
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import { newUser, tokenOf } from '../harness/calls.ts'
import { arrival, arrivals, billOf, newKey, outcome } from '../harness/exchange.ts'
import { billedMessage } from '../harness/messages.ts'
import { all, countingTries, rejection, spent } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

type User = { token: string; client: Anthropic }

async function anthropicUser(stack: Stack, options: ClientOptions = {}, plan?: string): Promise<User> {
  const token = await tokenOf(stack, newUser(), plan)
  return { token, client: new Anthropic({ baseURL: stack.url, apiKey: token, ...options }) }
}

function said(script: Script, key: string): string {
  return JSON.stringify({ script, key })
}

function ask(script: Script, key = newKey()): Anthropic.MessageCreateParamsNonStreaming {
  return { model: 'claude', max_tokens: 400, messages: [{ role: 'user', content: said(script, key) }] }
}

const weather: Anthropic.Tool = {
  name: 'weather',
  description: 'The weather in a place',
  input_schema: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
}

export function sdkAnthropic(stack: () => Stack): void {
  it.concurrent('200: create, charged exactly, with the receipt in its usage', async () => {
    const { token, client } = await anthropicUser(stack())
    const key = newKey()
    const answer = await client.messages.create(ask({ content: 'hello' }, key))
    expect(answer.content).toMatchObject([{ type: 'text', text: 'hello' }])
    const { charged, entry } = await outcome(stack(), token)
    expect(answer._request_id).toBe(entry.requestId)
    expect(charged).toBe(billedMessage(stack(), key))
    expect(answer.usage).toMatchObject({ faregate: { creditsCharged: charged / 1e6 } })
    expect(arrival(stack(), key).headers['anthropic-version']).toBe('2026-10-21')
  })

  it.concurrent('200: the raw stream and the stream helper, charged exactly', async () => {
    const { token, client } = await anthropicUser(stack())
    const keys = [newKey(), newKey()] as const
    const script = { content: 'one two three', promptTokens: 50, cachedTokens: 9 }
    const events = await all(await client.messages.create({ ...ask(script, keys[0]), stream: true }))
    expect(events.map(({ type }) => type).slice(-2)).toEqual(['message_delta', 'message_stop'])
    const stream = client.messages.stream(ask(script, keys[1]))
    const texts: string[] = []
    stream.on('text', (text) => void texts.push(text))
    const { content, usage } = await stream.finalMessage()
    expect(texts.join('')).toBe(script.content)
    expect(content).toMatchObject([{ text: script.content }])
    expect(usage).toMatchObject({ input_tokens: 41, cache_read_input_tokens: 9 })
    expect(usage.output_tokens).toBe(billOf(stack(), keys[1]).completionTokens)
    await outcome(stack(), token, 2)
    const bills = keys.map((key) => billedMessage(stack(), key))
    expect(await spent(stack(), token)).toBe(bills.reduce((sum, bill) => sum + bill, 0))
  })

  keys(stack)
  content(stack)
  errors(stack)
  retries(stack)
}

/** Both ways to send a key. */
function keys(stack: () => Stack): void {
  it.concurrent('200: a key that is asked for each time, and one in x-api-key', async () => {
    const token = await tokenOf(stack(), newUser())
    const asked = new Anthropic({ baseURL: stack().url, apiKey: async () => token })
    expect((await asked.messages.create(ask({ content: 'a' }))).content).toMatchObject([{ text: 'a' }])
    const older = new Anthropic({
      baseURL: stack().url,
      apiKey: null,
      authToken: null,
      defaultHeaders: { 'x-api-key': token, 'anthropic-version': '2023-06-01', authorization: null },
    })
    const key = newKey()
    expect((await older.messages.create(ask({ content: 'b' }, key))).content).toMatchObject([{ text: 'b' }])
    expect(arrival(stack(), key).headers['anthropic-version']).toBe('2023-06-01')
  })
}

/** What a message may hold beside text. */
function content(stack: () => Stack): void {
  it.concurrent('200: a call of a tool and its result, streamed, charged exactly', async () => {
    const { token, client } = await anthropicUser(stack())
    const keys = [newKey(), newKey()] as const
    const toolCalls = [{ name: 'weather', arguments: '{"place":"Zürich"}' }]
    const first = ask({ toolCalls }, keys[0])
    const called = await client.messages.stream({ ...first, tools: [weather] }).finalMessage()
    expect(called.stop_reason).toBe('tool_use')
    const [call] = called.content
    if (call?.type !== 'tool_use') throw new Error('no tool was called')
    expect(call).toMatchObject({ name: 'weather', input: { place: 'Zürich' } })
    const result: Anthropic.ToolResultBlockParam = {
      type: 'tool_result',
      tool_use_id: call.id,
      content: [{ type: 'text', text: '21 °C' }],
    }
    const answer = await client.messages.create({
      ...first,
      tools: [weather],
      messages: [
        ...first.messages,
        { role: 'assistant', content: called.content },
        { role: 'user', content: [result, { type: 'text', text: said({ content: 'Warm.' }, keys[1]) }] },
      ],
    })
    expect(answer.content).toMatchObject([{ text: 'Warm.' }])
    await outcome(stack(), token, 2)
    const bills = keys.map((key) => billedMessage(stack(), key))
    expect(await spent(stack(), token)).toBe(bills.reduce((sum, bill) => sum + bill, 0))
  })

  it.concurrent('200: a picture and a document, charged exactly', async () => {
    const { token, client } = await anthropicUser(stack())
    const key = newKey()
    const data = 'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAA='
    const parts: Anthropic.ContentBlockParam[] = [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'A text.' } },
      { type: 'text', text: said({ promptTokens: 300 }, key) },
    ]
    await client.messages.create({ ...ask({}), messages: [{ role: 'user', content: parts }] })
    expect(arrival(stack(), key).json['messages']).toEqual([{ role: 'user', content: parts }])
    expect((await outcome(stack(), token)).charged).toBe(billedMessage(stack(), key))
  })

  it.concurrent('200: countTokens', async () => {
    const { client } = await anthropicUser(stack(), {}, 'none')
    const { model, messages } = ask({ promptTokens: 77 })
    const counted = await client.messages.countTokens({ model, messages, tools: [weather] })
    expect(counted).toEqual({ input_tokens: 77 })
  })
}

type Row = { title: string; error: unknown; code: string; type: string; params?: object; plan?: string }

const refusedRows: Row[] = [
  {
    title: '400',
    error: BadRequestError,
    code: 'unsupported_parameter',
    type: 'invalid_request_error',
    params: { container: 'c' },
  },
  {
    title: '402',
    error: PaymentRequiredError,
    code: 'insufficient_credits',
    type: 'billing_error',
    plan: 'none',
  },
  {
    title: '403',
    error: PermissionDeniedError,
    code: 'model_not_in_plan',
    type: 'permission_error',
    plan: 'basic',
  },
  {
    title: '404',
    error: NotFoundError,
    code: 'model_not_found',
    type: 'not_found_error',
    params: { model: 'never' },
  },
]

function errors(stack: () => Stack): void {
  for (const { title, error, code, type, params = {}, plan } of refusedRows) {
    it.concurrent(`${title}: ${code} is raised as its type, after one try`, async () => {
      const { tries, result } = await countingTries(stack(), async ({ url }) => {
        const { client } = await anthropicUser(stack(), { baseURL: url }, plan)
        return rejection(client.messages.create({ ...ask({}), ...params }))
      })
      expect(result).toBeInstanceOf(error)
      const requestID = expect.stringMatching(/^req_/)
      expect(result).toMatchObject({ status: Number(title), type, errorCode: code, requestID })
      expect(tries).toBe(1)
    })
  }

  it.concurrent('401: a token that is none is raised as its type', async () => {
    const { client } = await anthropicUser(stack(), { apiKey: 'no.such.token' })
    expect(await rejection(client.messages.create(ask({})))).toBeInstanceOf(AuthenticationError)
  })

  it.concurrent('200: an error in mid-stream is raised, and charged on evidence', async () => {
    for (const script of [{ errorEvent: true }, { reset: 'mid' }] as const) {
      const { token, client } = await anthropicUser(stack())
      const raised = await rejection(client.messages.stream(ask(script)).finalMessage())
      expect(raised).toBeInstanceOf(APIError)
      expect(raised).toMatchObject({ type: 'api_error', errorCode: 'upstream_error' })
      expect((await outcome(stack(), token)).entry).toMatchObject({ ended: 'error', estimated: true })
    }
  })

  it.concurrent('200: a stream that is aborted stops the provider', async () => {
    const { token, client } = await anthropicUser(stack())
    const key = newKey()
    const stream = client.messages.stream(ask({ completionTokens: 390, chunks: 60, chunkDelayMs: 50 }, key))
    stream.once('text', () => stream.abort())
    await rejection(stream.finalMessage())
    await until('the provider sees the abort', 2500, () => billOf(stack(), key).aborted)
    const { entry, charged } = await outcome(stack(), token)
    expect(entry.ended).toBe('stopped')
    expect(charged).toBeGreaterThanOrEqual(billedMessage(stack(), key))
  })
}

function retries(stack: () => Stack): void {
  for (const [status, script, error] of [
    [429, { status: 429, headers: { 'retry-after': '0' } }, RateLimitError],
    [529, { status: 529, headers: { 'retry-after': '0' } }, APIError],
  ] as const) {
    it.concurrent(`${status}: is tried again, and charges nothing`, async () => {
      const { token, client } = await anthropicUser(stack(), { maxRetries: 2 })
      const key = newKey()
      expect(await rejection(client.messages.create(ask(script, key)))).toBeInstanceOf(error)
      expect(arrivals(stack(), key)).toHaveLength(3)
      expect((await outcome(stack(), token, 3)).charged).toBe(0)
    })
  }

  it.concurrent("503: the operator's spent account is told once", async () => {
    const { client } = await anthropicUser(stack())
    const key = newKey()
    const raised = await rejection(client.messages.create(ask({ status: 402 }, key)))
    expect(raised).toMatchObject({ status: 503, errorCode: 'upstream_quota' })
    expect(arrivals(stack(), key)).toHaveLength(1)
  })
}
