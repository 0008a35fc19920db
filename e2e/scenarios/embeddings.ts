/** `POST /embeddings`: vectors by their input alone, charged exactly, through the SDKs that apps use. */
import { createOpenAI } from '@ai-sdk/openai'
import type { Script } from '@faregate/simulators/provider'
import { OpenAIEmbeddings } from '@langchain/openai'
import { embed, embedMany } from 'ai'
import { expect, it } from 'vitest'
import {
  ALLOWANCE,
  type Asked,
  arrival,
  arrivals,
  askAt,
  billOf,
  errorOf,
  micro,
  newKey,
  outcome,
  untouched,
} from '../harness/exchange.ts'
import { rejection, sdkUser } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'

const scriptText = (script: Script, key: string) => JSON.stringify({ script, key })

function askFor(
  stack: Stack,
  script: Script,
  more: Record<string, unknown> = {},
  plan?: string,
): Promise<Asked> {
  const key = newKey()
  return askAt(
    stack,
    '/v1/embeddings',
    key,
    { model: 'vectors', input: scriptText(script, key), ...more },
    plan,
  )
}

export function embeddings(stack: () => Stack): void {
  charges(stack)
  refusals(stack)
  sdks(stack)
}

function charges(stack: () => Stack): void {
  it.concurrent('200: vectors are charged by their input, exactly, with a receipt', async () => {
    const asked = await askFor(stack(), { promptTokens: 37 }, { dimensions: 4, user: 'me' })
    expect(asked.status, asked.text).toBe(200)
    const { entry, charged, available } = await outcome(stack(), asked.token)
    expect([charged, available]).toEqual([37, ALLOWANCE - 37])
    expect(entry).toMatchObject({ ended: 'complete', usage: { inputTokens: 37, outputTokens: 0 } })
    expect(entry.estimated ?? false).toBe(false)
    const { data, usage } = JSON.parse(asked.text)
    expect(data[0].embedding).toHaveLength(4)
    expect(usage).toEqual({
      prompt_tokens: 37,
      total_tokens: 37,
      faregate: { creditsCharged: 37e-6, creditsAvailable: available / 1e6 },
    })
    const { json } = arrival(stack(), asked.key)
    expect(json).toMatchObject({ model: 'text-embedding-3-small', dimensions: 4 })
    expect(Object.keys(json).sort()).toEqual(['dimensions', 'input', 'model', 'user'])
    expect(json['user']).not.toBe('me')
  })

  const rows: [title: string, script: Script, status: number, ended: string][] = [
    ['without usage', { noUsage: true }, 200, 'complete'],
    ['with usage of nothing', { usage: { prompt_tokens: 0, total_tokens: 0 } }, 200, 'complete'],
    ['with a negative usage', { usage: { prompt_tokens: -9, total_tokens: -9 } }, 200, 'complete'],
    ['that is reset', { reset: 'mid' }, 502, 'error'],
    ['that is cut off', { badJson: true }, 502, 'error'],
  ]
  for (const [title, script, status, ended] of rows) {
    it.concurrent(`${status}: an answer ${title} is charged on evidence`, async () => {
      const asked = await askFor(stack(), script)
      expect(asked.status).toBe(status)
      const { entry, charged } = await outcome(stack(), asked.token)
      expect(entry).toMatchObject({ ended, estimated: true })
      expect(charged).toBeGreaterThanOrEqual(billOf(stack(), asked.key).promptTokens)
      if (status === 200) expect(charged).toBe(micro(Number(asked.headers.get('faregate-credits-held'))))
    })
  }

  it.concurrent('200: usage beyond the bound is charged as far as the hold goes, and flagged', async () => {
    const asked = await askFor(stack(), { promptTokens: 1_000_000 })
    const { entry, charged } = await outcome(stack(), asked.token)
    expect(entry.estimated).toBe(true)
    expect(charged).toBe(micro(Number(asked.headers.get('faregate-credits-held'))))
  })
}

function refusals(stack: () => Stack): void {
  const rows: [Record<string, unknown>, status: number, code: string, param: string | null, plan?: string][] =
    [
      [{ input: [] }, 400, 'invalid_value', 'input'],
      [{ input: ['a', ''] }, 400, 'invalid_value', 'input[1]'],
      [{ max_tokens: 5 }, 400, 'unsupported_parameter', 'max_tokens'],
      [{ model: 'nothing' }, 404, 'model_not_found', 'model'],
      [{}, 402, 'insufficient_credits', null, 'none'],
      [{}, 403, 'model_not_in_plan', 'model', 'basic'],
    ]
  for (const [more, status, code, param, plan] of rows) {
    it.concurrent(`${status}: ${code} for ${JSON.stringify(more)}${plan ? ` on ${plan}` : ''}`, async () => {
      const asked = await askFor(stack(), {}, more, plan)
      expect([asked.status, errorOf(asked).code, errorOf(asked).param]).toEqual([status, code, param])
      expect(await untouched(stack(), asked.token)).toBe(true)
      expect(arrivals(stack(), asked.key)).toEqual([])
    })
  }

  it.concurrent('400: the provider’s own refusal comes through, free of charge', async () => {
    const asked = await askFor(stack(), { status: 400 })
    expect([asked.status, errorOf(asked).code]).toEqual([400, 'context_length_exceeded'])
    expect((await outcome(stack(), asked.token)).charged).toBe(0)
  })
}

function sdks(stack: () => Stack): void {
  it.concurrent('200: openai embeddings.create, which asks for base64 and unpacks it', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const input = [scriptText({ promptTokens: 12 }, key), 'two']
    const { data } = await client.embeddings.create({ model: 'vectors', input })
    expect(data.map(({ embedding }) => embedding.length)).toEqual([8, 8])
    expect(Math.hypot(...(data[1]?.embedding ?? []))).toBeCloseTo(1, 5)
    expect(arrival(stack(), key).json['encoding_format']).toBe('base64')
    expect((await outcome(stack(), token)).charged).toBe(12)
    await client.embeddings.create({ model: 'vectors', input: [[1, 2], [3]] })
    await outcome(stack(), token, 2)
    expect(await rejection(client.embeddings.create({ model: 'vectors', input: '' }))).toMatchObject({
      status: 400,
      param: 'input',
    })
  })

  it.concurrent('200: the AI SDK’s embed and embedMany', async () => {
    const { token } = await sdkUser(stack())
    const model = createOpenAI({ baseURL: `${stack().url}/v1`, apiKey: token }).embedding('vectors')
    const one = await embed({ model, value: scriptText({ promptTokens: 5 }, newKey()) })
    expect([one.embedding.length, one.usage.tokens]).toEqual([8, 5])
    const many = await embedMany({ model, values: [scriptText({ promptTokens: 7 }, newKey()), 'b', 'c'] })
    expect([many.embeddings.length, many.usage.tokens]).toEqual([3, 7])
    expect((await outcome(stack(), token, 2)).available).toBe(ALLOWANCE - 12)
  })

  it.concurrent('200: LangChain’s OpenAIEmbeddings', async () => {
    const { token } = await sdkUser(stack())
    const configuration = { baseURL: `${stack().url}/v1` }
    const model = new OpenAIEmbeddings({ model: 'vectors', apiKey: token, configuration })
    const vectors = await model.embedDocuments([scriptText({ promptTokens: 9 }, newKey()), 'b'])
    expect(vectors.map(({ length }) => length)).toEqual([8, 8])
    expect((await outcome(stack(), token)).charged).toBe(9)
  })
}
