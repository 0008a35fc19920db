/**
 * Providers that speak OpenAI's chat wire with an accent: each is asked in its own way, below its own path and with
 * its own key, and its usage is charged to the token, wherever and in whatever words its stream tells it.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { Script } from '@faregate/simulators/provider'
import { ChatOpenAI } from '@langchain/openai'
import { generateText, streamText } from 'ai'
import { expect, it } from 'vitest'
import {
  ALLOWANCE,
  type Asked,
  arrival,
  ask,
  billed,
  billOf,
  chunksOf,
  errorOf,
  newKey,
  outcome,
  said,
} from '../harness/exchange.ts'
import { leave } from '../harness/leave.ts'
import { all, scriptMessage, sdkUser } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const CAP = 400

type Row = {
  /** Of the test config, and its provider's name. */
  model: string
  dialect: NonNullable<Script['dialect']>
  path: string
  /** The header that carries the operator's key; null for no key at all. */
  key: [name: string, value: string] | null
  capField: 'max_completion_tokens' | 'max_tokens'
  streamOptions: Record<string, boolean> | undefined
}

const asked = { include_usage: true }
const bearer = (owner: string): [string, string] => ['authorization', `Bearer canary-${owner}-0123456789`]
const atAzure = {
  dialect: 'azure',
  key: ['api-key', 'canary-azure_openai-0123456789'],
  capField: 'max_completion_tokens',
  streamOptions: asked,
} satisfies Partial<Row>

const rows: Row[] = [
  { ...atAzure, model: 'azure', path: '/openai/v1/chat/completions' },
  {
    ...atAzure,
    model: 'azure-dated',
    path: '/openai/deployments/azure-dated%2Fbest/chat/completions?api-version=2024-10-21',
  },
  {
    model: 'deepseek',
    dialect: 'deepseek',
    path: '/chat/completions',
    key: bearer('deepseek'),
    capField: 'max_tokens',
    streamOptions: asked,
  },
  {
    model: 'groq',
    dialect: 'groq',
    path: '/openai/v1/chat/completions',
    key: bearer('groq'),
    capField: 'max_completion_tokens',
    streamOptions: asked,
  },
  {
    model: 'mistral',
    dialect: 'mistral',
    path: '/v1/chat/completions',
    key: bearer('mistral'),
    capField: 'max_tokens',
    streamOptions: undefined,
  },
  {
    model: 'ollama',
    dialect: 'ollama',
    path: '/v1/chat/completions',
    key: null,
    capField: 'max_tokens',
    streamOptions: asked,
  },
  {
    model: 'openrouter',
    dialect: 'openrouter',
    path: '/v1/chat/completions',
    key: bearer('openrouter'),
    capField: 'max_tokens',
    streamOptions: undefined,
  },
  {
    model: 'vllm',
    dialect: 'vllm',
    path: '/v1/chat/completions',
    key: null,
    capField: 'max_tokens',
    streamOptions: { include_usage: true, continuous_usage_stats: true },
  },
  {
    model: 'xai',
    dialect: 'xai',
    path: '/v1/chat/completions',
    key: null,
    capField: 'max_tokens',
    streamOptions: asked,
  },
]

export function dialects(stack: () => Stack): void {
  for (const row of rows) {
    exact(stack, row)
    hungUp(stack, row)
  }
  choices(stack)
  rejections(stack)
  sdks(stack)
}

/** What arrived is what this provider takes, and nothing that it did not ask for. */
function expectForwarded(stack: Stack, key: string, row: Row): void {
  const { path, headers, json } = arrival(stack, key)
  expect(path).toBe(row.path)
  const carriers = ['authorization', 'api-key', 'x-api-key'].flatMap((name) =>
    headers[name] === undefined ? [] : [[name, headers[name]]],
  )
  expect(carriers).toEqual(row.key === null ? [] : [row.key])
  const streamed = json['stream'] === true
  expect(json).toEqual({
    model: `${row.model}/best`,
    messages: expect.any(Array),
    [row.capField]: CAP,
    ...(streamed && { stream: true }),
    ...(streamed && row.streamOptions && { stream_options: row.streamOptions }),
  })
}

async function expectExact(stack: Stack, { token, key, text, status }: Asked): Promise<void> {
  expect(status, text).toBe(200)
  const { entry, charged, available } = await outcome(stack, token)
  expect(entry.ended).toBe('complete')
  expect(entry.estimated ?? false).toBe(false)
  expect(charged).toBe(billed(stack, key))
  expect(available).toBe(ALLOWANCE - charged)
}

function exact(stack: () => Stack, row: Row): void {
  const { model, dialect } = row
  // Ollama tells of no cache.
  const cachedTokens = dialect === 'ollama' ? 0 : 51
  const script: Script = {
    dialect,
    promptTokens: 101,
    cachedTokens,
    content: 'Grüße an alle 🦊',
    reasoningContent: 'Let me see.',
  }

  it.concurrent(`200: ${model}, plain, is charged exactly`, async () => {
    const given = await ask(stack(), script, { model, max_tokens: CAP })
    await expectExact(stack(), given)
    expect(JSON.parse(given.text).choices[0].message.content).toBe(script.content)
    expectForwarded(stack(), given.key, row)
  })

  for (const include_usage of [false, true]) {
    it.concurrent(`200: ${model}, streamed with include_usage ${include_usage}, is charged exactly`, async () => {
      const more = { stream: true, stream_options: { include_usage } }
      const given = await ask(stack(), script, { model, max_completion_tokens: CAP, ...more })
      await expectExact(stack(), given)
      expect(given.text).toContain('data: [DONE]')
      expect(spoken(given.text)).toBe(script.content)
      const told = chunksOf(given.text).filter(({ choices, usage }) => choices?.length === 0 && usage)
      // A chunk that is for usage alone is shown to who asked.
      expect(told.length).toBe(include_usage && isToldAlone(dialect) ? 1 : 0)
      // Totals that the gateway alone asked for are not shown: some clients add up what they see.
      const beside = chunksOf(given.text).filter(({ choices, usage }) => choices?.length && usage)
      expect(beside.length).toBe(isToldBeside(dialect) ? 1 : 0)
      expectForwarded(stack(), given.key, row)
    })
  }

  it.concurrent(`200: ${model} that says nothing of its usage is charged on evidence`, async () => {
    const given = await ask(stack(), { ...script, noUsage: true }, { model, max_tokens: CAP, stream: true })
    const { entry, charged } = await outcome(stack(), given.token)
    expect(entry).toMatchObject({ ended: 'complete', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), given.key))
  })
}

function isToldAlone(dialect: Row['dialect']): boolean {
  return ['azure', 'ollama', 'vllm', 'xai'].includes(dialect)
}

function isToldBeside(dialect: Row['dialect']): boolean {
  // Groq's stands in `x_groq`.
  return ['deepseek', 'mistral', 'openrouter'].includes(dialect)
}

/** What was said, Mistral's thinking apart, which stands in lists. */
function spoken(text: string): string {
  const strings = chunksOf(text).map(({ choices = [] }) => ({
    choices: choices.filter(({ delta }) => typeof delta?.content === 'string'),
  }))
  return said(strings.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(''))
}

const drip: Script = { promptTokens: 20, completionTokens: 1200, chunks: 40, chunkDelayMs: 50 }

async function expectBounded(
  stack: Stack,
  { token, key, held }: { token: string; key: string; held: number },
): Promise<{ inputTokens: number; outputTokens: number }> {
  const { entry, charged, available } = await outcome(stack, token)
  await until('the provider sees the abort', 1500, () => billOf(stack, key).aborted)
  expect(entry).toMatchObject({ ended: 'stopped', estimated: true })
  expect(charged).toBeGreaterThanOrEqual(billed(stack, key))
  expect(charged).toBeLessThanOrEqual(held)
  expect(available).toBe(ALLOWANCE - charged)
  return entry.usage ?? { inputTokens: 0, outputTokens: 0 }
}

function hungUp(stack: () => Stack, { model, dialect }: Row): void {
  it.concurrent(`200: ${model}, hung up on, is paid for what had come`, async () => {
    const left = await leave(stack(), model, { ...drip, dialect }, 4)
    const { inputTokens, outputTokens } = await expectBounded(stack(), left)
    expect(outputTokens).toBeLessThan(1200 * 4)
    // Of its running totals the input is known to the token.
    if (dialect === 'vllm') expect(inputTokens).toBe(20)
    else expect(inputTokens).toBeGreaterThan(20)
  })
}

function choices(stack: () => Stack): void {
  it.concurrent('200: vllm that stops half-way in good order is charged on evidence', async () => {
    const script = { dialect: 'vllm' as const, promptTokens: 20, cutShort: true }
    const given = await ask(stack(), script, { model: 'vllm', stream: true, max_tokens: CAP })
    const { entry, charged } = await outcome(stack(), given.token)
    expect(entry).toMatchObject({ ended: 'complete', estimated: true, usage: { inputTokens: 20 } })
    expect(entry.usage?.outputTokens).toBe(Buffer.byteLength(said(given.text)))
    expect(charged).toBeGreaterThan(billed(stack(), given.key))
  })

  for (const dialect of ['azure', 'mistral', 'vllm'] as const) {
    it.concurrent(`200: two choices of ${dialect}, streamed, are charged exactly`, async () => {
      const script = { dialect, promptTokens: 30, completionTokens: 17 }
      const given = await ask(stack(), script, { model: dialect, n: 2, stream: true, max_tokens: CAP })
      await expectExact(stack(), given)
      expect((await outcome(stack(), given.token)).entry.usage).toMatchObject({ outputTokens: 34 })
    })
  }

  it.concurrent('200: two choices of vllm, hung up on, are both paid for', async () => {
    const script = { ...drip, dialect: 'vllm' as const }
    const left = await leave(stack(), 'vllm', script, 8, { n: 2 })
    const { inputTokens, outputTokens } = await expectBounded(stack(), left)
    expect(inputTokens).toBe(20)
    // Thirty tokens a chunk, of each choice two or more.
    expect(outputTokens).toBeGreaterThanOrEqual(120)
  })
}

/** Mistral and vLLM have no `error` around what they say. */
function rejections(stack: () => Stack): void {
  it.concurrent('422: a refusal without an envelope is told in its own words', async () => {
    const body = { object: 'error', message: 'No such thing', type: 'invalid_request_error', code: '1' }
    const given = await ask(stack(), { status: 422, body }, { model: 'mistral' })
    expect(given.status).toBe(422)
    expect(errorOf(given)).toEqual({
      message: 'No such thing',
      type: 'invalid_request_error',
      param: null,
      code: '1',
    })
    expect((await outcome(stack(), given.token)).charged).toBe(0)
  })

  it.concurrent('400: a key that a provider repeats is taken out, whatever header it goes in', async () => {
    for (const { model, key } of rows) {
      const secret = key?.[1].replace('Bearer ', '')
      if (secret === undefined) continue
      const body = { error: { message: `Bad key ${secret} or request`, code: null } }
      const given = await ask(stack(), { status: 400, body }, { model })
      expect(given.status).toBe(400)
      expect(errorOf(given).message).toBe('Bad key [removed] or request')
    }
  })

  it.concurrent('200: an error in the middle, without an envelope, ends the stream', async () => {
    const badSse = 'data: {"object":"error","message":"no","type":"x","code":400}\n\n'
    const given = await ask(stack(), { dialect: 'vllm', badSse }, { model: 'vllm', stream: true })
    expect(chunksOf(given.text).at(-1)?.error?.code).toBe('upstream_error')
    const { entry, charged } = await outcome(stack(), given.token)
    expect(entry).toMatchObject({ ended: 'error', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), given.key))
  })
}

/** LangChain and the AI SDK's compatible provider, pointed at providers with an accent. */
function sdks(stack: () => Stack): void {
  it.concurrent('200: LangChain’s ChatOpenAI, plain and streamed, charged exactly', async () => {
    for (const way of ['invoke', 'stream'] as const) {
      const { token } = await sdkUser(stack())
      const key = newKey()
      const model = new ChatOpenAI({
        model: 'groq',
        apiKey: token,
        maxTokens: CAP,
        configuration: { baseURL: `${stack().url}/v1` },
      })
      const content = String(scriptMessage({ dialect: 'groq', content: 'one two three' }, key).content)
      const parts = way === 'invoke' ? [await model.invoke(content)] : await all(await model.stream(content))
      expect(parts.map((part) => part.text).join('')).toBe('one two three')
      expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
    }
  })

  for (const dialect of ['mistral', 'vllm'] as const) {
    it.concurrent(`200: the AI SDK's createOpenAICompatible with ${dialect}, charged exactly`, async () => {
      for (const way of ['plain', 'streamed'] as const) {
        const { token } = await sdkUser(stack())
        const key = newKey()
        const baseURL = `${stack().url}/v1`
        const provider = createOpenAICompatible({
          name: 'faregate',
          baseURL,
          apiKey: token,
          includeUsage: true,
        })
        const prompt = String(scriptMessage({ dialect, content: 'one two three' }, key).content)
        const given = { model: provider(dialect), prompt, maxOutputTokens: CAP }
        const answer = way === 'plain' ? await generateText(given) : streamText(given)
        expect(await answer.text).toBe('one two three')
        expect((await answer.usage).outputTokens).toBe(billOf(stack(), key).completionTokens)
        expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
      }
    })
  }
}
