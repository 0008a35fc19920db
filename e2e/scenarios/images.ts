/**
 * `POST /images/generations`: pictures whole and in streams with previews, by the token and by the picture, charged
 * exactly where the provider says what they took, and else as much as they can have taken.
 */
import { createOpenAI } from '@ai-sdk/openai'
import type { Script } from '@faregate/simulators/provider'
import { generateImage } from 'ai'
import { APIError } from 'openai'
import { expect, it } from 'vitest'
import { call, newUser, tokenOf } from '../harness/calls.ts'
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
import { all, rejection, sdkUser } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'

const promptOf = (script: Script, key: string) => JSON.stringify({ script, key })
const square = { size: '1024x1024', quality: 'high' } as const
/** What one such picture can take, by OpenAI's calculator. */
const squareTokens = 7024

function draw(
  stack: Stack,
  script: Script,
  more: Record<string, unknown> = {},
  plan?: string,
): Promise<Asked> {
  const key = newKey()
  const body = { model: 'picture', prompt: promptOf(script, key), ...square, ...more }
  return askAt(stack, '/v1/images/generations', key, body, plan)
}

/** What the provider asks by its own books, in microcredits. */
function bill(stack: Stack, key: string): number {
  const { promptTokens, cachedTokens, completionTokens, imageOutputTokens } = billOf(stack, key)
  const words = completionTokens - imageOutputTokens
  return Math.ceil(promptTokens - cachedTokens / 2 + words * 2 + imageOutputTokens * 3)
}

const heldBy = ({ headers }: Asked) => micro(Number(headers.get('faregate-credits-held')))

export function images(stack: () => Stack): void {
  exact(stack)
  perPicture(stack)
  faults(stack)
  hangUp(stack)
  large(stack)
  refusals(stack)
  sdks(stack)
}

function exact(stack: () => Stack): void {
  it.concurrent('200: two pictures, charged exactly, with a receipt', async () => {
    const script = { promptTokens: 41, cachedTokens: 11, completionTokens: 300, imageOutputTokens: 250 }
    const asked = await draw(stack(), script, { n: 2, user: 'me' })
    expect(asked.status, asked.text).toBe(200)
    const { entry, charged, available } = await outcome(stack(), asked.token)
    expect(charged).toBe(bill(stack(), asked.key))
    expect([entry.ended, entry.estimated ?? false]).toEqual(['complete', false])
    const { usage, data } = JSON.parse(asked.text)
    expect(data).toHaveLength(2)
    expect(usage.faregate).toEqual({ creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 })
    const { json } = arrival(stack(), asked.key)
    expect(Object.keys(json).sort()).toEqual(['model', 'n', 'prompt', 'quality', 'size', 'user'])
    expect([json['model'], json['user'] === 'me']).toEqual(['gpt-image-2', false])
    expect(heldBy(asked)).toBeGreaterThanOrEqual(2 * squareTokens * 3)
  })

  it.concurrent('200: a stream with previews, charged exactly, with the receipt in its last event', async () => {
    const script = { promptTokens: 41, completionTokens: 300 }
    const asked = await draw(stack(), script, { stream: true, partial_images: 2 })
    const { entry, charged, available } = await outcome(stack(), asked.token)
    expect([entry.ended, entry.estimated ?? false]).toEqual(['complete', false])
    expect(charged).toBe(bill(stack(), asked.key))
    expect(charged).toBe(41 + (300 + 200) * 3)
    const blocks = asked.text.trim().split('\n\n')
    expect(blocks.map((block) => block.split('\n')[0])).toEqual([
      'event: image_generation.partial_image',
      'event: image_generation.partial_image',
      'event: image_generation.completed',
    ])
    const receipt = JSON.stringify({ creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 })
    expect(blocks.at(-1)).toContain(`"faregate":${receipt}`)
  })
}

function perPicture(stack: () => Stack): void {
  for (const [title, script, estimated] of [
    ['with usage', {}, false],
    ['without usage', { noUsage: true }, false],
    ['with usage that cannot be', { usage: { input_tokens: -1, output_tokens: -1 } }, false],
  ] as const) {
    it.concurrent(`200: a price per picture, answered ${title}, is charged for each picture`, async () => {
      const style = { model: 'poster', size: '1792x1024', quality: 'hd', style: 'vivid', n: 3 }
      const asked = await draw(stack(), script, style)
      expect(asked.status, asked.text).toBe(200)
      const { entry, charged } = await outcome(stack(), asked.token)
      expect([charged, entry.estimated ?? false]).toEqual([750_000, estimated])
    })
  }

  it.concurrent('200: a price per picture is not charged for pictures that did not come', async () => {
    const body = { created: 1, data: [{ b64_json: 'AAAA' }] }
    const asked = await draw(stack(), { body }, { model: 'poster', n: 3 })
    expect((await outcome(stack(), asked.token)).charged).toBe(250_000)
  })

  it.concurrent('200: a price per picture is charged for a streamed one', async () => {
    const asked = await draw(stack(), { noUsage: true }, { model: 'poster', stream: true })
    const { entry, charged } = await outcome(stack(), asked.token)
    expect([charged, entry.estimated ?? false]).toEqual([250_000, false])
  })
}

function faults(stack: () => Stack): void {
  const stream = { stream: true, partial_images: 2 }
  const rows: [title: string, script: Script, more: object, status: number, ended: string][] = [
    ['a stream that is reset', { reset: 'mid' }, stream, 200, 'error'],
    ['a stream that tells an error', { errorEvent: true }, stream, 200, 'error'],
    ['a stream that ends too early', { cutShort: true }, stream, 200, 'error'],
    ['a stream without usage', { noUsage: true }, stream, 200, 'complete'],
    ['a picture without usage', { noUsage: true }, {}, 200, 'complete'],
    ['a picture of no tokens', { usage: { input_tokens: 5, output_tokens: 0 } }, {}, 200, 'complete'],
    ['a picture in negative tokens', { usage: { input_tokens: 5, output_tokens: -5 } }, {}, 200, 'complete'],
    ['a picture beyond its bound', { completionTokens: 50_000 }, {}, 200, 'complete'],
    ['an answer that is cut off', { badJson: true }, {}, 502, 'error'],
    ['an answer that is reset', { reset: 'mid' }, {}, 502, 'error'],
  ]
  for (const [title, script, more, status, ended] of rows) {
    it.concurrent(`${status}: ${title} is charged as all that it can have taken`, async () => {
      const asked = await draw(stack(), script, { ...more })
      expect(asked.status).toBe(status)
      const { entry, charged, available } = await outcome(stack(), asked.token)
      expect(entry).toMatchObject({ ended, estimated: true })
      const isStream = 'stream' in more
      const most = squareTokens + (isStream ? 200 : 0)
      if (script.completionTokens === undefined) {
        expect(charged).toBeGreaterThanOrEqual(bill(stack(), asked.key))
        expect(charged).toBeGreaterThanOrEqual(most * 3)
      }
      expect(charged).toBeLessThanOrEqual(most * 3 + 1000)
      if (status === 200) expect(charged).toBeLessThanOrEqual(heldBy(asked))
      expect(available).toBe(ALLOWANCE - charged)
      if (isStream && ended === 'error')
        expect(asked.text).toMatch(/data: \{"error":.*"upstream_error".*\n\n$/)
    })
  }
}

/** A picture costs the provider the same whoever is still there: it is read on, and charged exactly. */
function hangUp(stack: () => Stack): void {
  it.concurrent('200: a client that leaves after a preview pays for the picture, and no more', async () => {
    const [token, key, client] = [await tokenOf(stack(), newUser()), newKey(), new AbortController()]
    const prompt = promptOf({ completionTokens: 300, chunkDelayMs: 200 }, key)
    const body = { model: 'picture', prompt, ...square, stream: true, partial_images: 3 }
    const { signal } = client
    const answer = await call(stack(), token, '/v1/images/generations', { body, signal })
    const first = await answer.body?.getReader().read()
    expect(new TextDecoder().decode(first?.value)).toContain('partial_image')
    client.abort()
    const { entry, charged } = await outcome(stack(), token)
    expect(billOf(stack(), key)).toMatchObject({ complete: true, aborted: false })
    // The local workerd may tell of a hang-up only at a write, and so after the last.
    const endings = stack().runtime === 'server' ? ['stopped'] : ['stopped', 'complete']
    expect(endings).toContain(entry.ended)
    expect(entry.estimated ?? false).toBe(false)
    expect(charged).toBe(bill(stack(), key))
  })
}

/** More than other wires have room for: pictures of some megabytes, whole and in one event. */
function large(stack: () => Stack): void {
  for (const stream of [false, true]) {
    it.concurrent(`200: a picture of 4 MiB, ${stream ? 'streamed' : 'whole'}`, async () => {
      const { client, token } = await sdkUser(stack())
      const key = newKey()
      // A script that asks for so much text would be as large itself.
      const prompt = promptOf({ longLine: 4_194_304, completionTokens: 300 }, key)
      const ask = { model: 'picture', prompt, ...square }
      if (stream) {
        const events = await all(await client.images.generate({ ...ask, stream: true, partial_images: 1 }))
        expect(Math.max(...events.map(({ b64_json }) => b64_json.length))).toBe(4_194_304)
        expect(events.at(-1)?.type).toBe('image_generation.completed')
      } else {
        const answer = await client.images.generate(ask)
        expect(JSON.stringify(answer).length).toBeGreaterThan(4_194_304)
        expect(answer.usage).toHaveProperty('faregate')
      }
      expect((await outcome(stack(), token)).charged).toBe(bill(stack(), key))
    })
  }
}

function refusals(stack: () => Stack): void {
  type Row = [
    more: Record<string, unknown>,
    status: number,
    code: string,
    param: string | null,
    plan?: string,
  ]
  const rows: Row[] = [
    [{ size: '512x512' }, 400, 'invalid_value', 'size'],
    [{ n: 11 }, 400, 'invalid_value', 'n'],
    [{ n: 2, stream: true }, 400, 'invalid_value', 'n'],
    [{ output_format: 'gif' }, 400, 'unsupported_parameter', 'output_format'],
    [{ complexity: 'high' }, 400, 'unsupported_parameter', 'complexity'],
    [{ svg: { model: 'gpt-6' } }, 400, 'unsupported_parameter', 'svg'],
    [{ model: 'sketch' }, 400, 'unsupported_parameter', 'model'],
    // Nothing in the request could tell the provider of a lower cap.
    [{ model: 'thumbnail' }, 400, 'request_too_large_for_plan', null],
    [{}, 400, 'request_too_large_for_plan', null, 'short'],
    [{}, 402, 'insufficient_credits', null, 'none'],
  ]
  for (const [more, status, code, param, plan] of rows) {
    it.concurrent(`${status}: ${code} for ${JSON.stringify(more)}${plan ? ` on ${plan}` : ''}`, async () => {
      const asked = await draw(stack(), {}, more, plan)
      expect([asked.status, errorOf(asked).code, errorOf(asked).param]).toEqual([status, code, param])
      expect(errorOf(asked).message).not.toContain('max_completion_tokens')
      expect(await untouched(stack(), asked.token)).toBe(true)
      expect(arrivals(stack(), asked.key)).toEqual([])
    })
  }

  it.concurrent('200: what fits under the cap is drawn', async () => {
    const asked = await draw(stack(), {}, { model: 'thumbnail', quality: 'low' })
    expect(asked.status, asked.text).toBe(200)
    expect(asked.headers.has('faregate-output-tokens-max')).toBe(false)
    expect((await outcome(stack(), asked.token)).charged).toBe(bill(stack(), asked.key))
  })
}

function sdks(stack: () => Stack): void {
  it.concurrent('200: openai images.generate, plain and streamed', async () => {
    const { client, token } = await sdkUser(stack())
    const [one, two] = [newKey(), newKey()]
    const plain = await client.images.generate({
      model: 'picture',
      prompt: promptOf({ content: 'cat' }, one),
    })
    expect(Buffer.from(plain.data?.[0]?.b64_json ?? '', 'base64').toString()).toBe('cat')
    const prompt = promptOf({}, two)
    const events = await all(
      await client.images.generate({ model: 'picture', prompt, stream: true, partial_images: 1 }),
    )
    expect(events.map(({ type }) => type)).toEqual([
      'image_generation.partial_image',
      'image_generation.completed',
    ])
    const { available } = await outcome(stack(), token, 2)
    expect(available).toBe(ALLOWANCE - bill(stack(), one) - bill(stack(), two))
  })

  it.concurrent('200: an error in mid-stream is thrown by the SDK', async () => {
    const { client, token } = await sdkUser(stack())
    const prompt = promptOf({ errorEvent: true }, newKey())
    const stream = await client.images.generate({ model: 'picture', prompt, stream: true, partial_images: 2 })
    const error = await rejection(all(stream))
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ code: 'upstream_error' })
    expect((await outcome(stack(), token)).entry).toMatchObject({ ended: 'error', estimated: true })
  })

  it.concurrent('200: the AI SDK’s generateImage', async () => {
    const { token } = await sdkUser(stack())
    const key = newKey()
    const { image, usage } = await generateImage({
      model: createOpenAI({ baseURL: `${stack().url}/v1`, apiKey: token }).image('picture'),
      prompt: promptOf({ content: 'cat', completionTokens: 300 }, key),
      size: '1024x1024',
    })
    expect(Buffer.from(image.base64, 'base64').toString()).toBe('cat')
    expect(usage.outputTokens).toBe(300)
    expect((await outcome(stack(), token)).charged).toBe(bill(stack(), key))
  })
}
