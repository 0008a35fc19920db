/**
 * Faults inside the provider's answer (safety.md section 3, "Upstream"): whoever reads is told once and properly, and
 * is charged on evidence: never less than the provider's own bill, never more than the hold.
 */
import type { Script } from '@faregate/simulators/provider'
import { APIError } from 'openai'
import { expect, it } from 'vitest'
import {
  ALLOWANCE,
  type Asked,
  arrivals,
  ask,
  billed,
  billOf,
  chunksOf,
  costOf,
  errorOf,
  eventData,
  micro,
  type Outcome,
  outcome,
  said,
} from '../harness/exchange.ts'
import { all, rejection, scriptMessage, sdkUser } from '../harness/sdk.ts'
import { type Stack, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const CAP = 400

type Row = { title: string; script: Script; code: string }

const streamedRows: Row[] = [
  { title: 'falls silent', script: { hang: 'mid' }, code: 'upstream_timeout' },
  { title: 'falls silent at once', script: { hang: 'mid', afterChunks: 0 }, code: 'upstream_timeout' },
  { title: 'is reset', script: { reset: 'mid' }, code: 'upstream_error' },
  { title: 'tells an error', script: { errorEvent: true }, code: 'upstream_error' },
  { title: 'holds no JSON', script: { badSse: true }, code: 'upstream_invalid' },
  { title: 'holds an array', script: { badSse: 'data: [1]\n\n' }, code: 'upstream_invalid' },
  { title: 'names an error event', script: { badSse: 'event: error\ndata: {}\n\n' }, code: 'upstream_error' },
  { title: 'has a line over 1 MiB', script: { longLine: 1_100_000 }, code: 'upstream_invalid' },
  {
    title: 'never ends a line',
    script: { badSse: `data: {"x":"${'y'.repeat(1_200_000)}` },
    code: 'upstream_invalid',
  },
]

const plainRows: (Row & { status: number })[] = [
  { title: 'falls silent', script: { hang: 'mid' }, status: 504, code: 'upstream_timeout' },
  { title: 'is reset', script: { reset: 'mid' }, status: 502, code: 'upstream_invalid' },
  { title: 'is cut off', script: { badJson: true }, status: 502, code: 'upstream_invalid' },
  {
    title: 'is an error in disguise',
    script: { body: { error: { message: 'no' } } },
    status: 502,
    code: 'upstream_invalid',
  },
  { title: 'is empty', script: { body: '' }, status: 502, code: 'upstream_invalid' },
  { title: 'is another object', script: { body: { choices: 5 } }, status: 502, code: 'upstream_invalid' },
]

/** Before the first byte of the answer, both ways. */
const packedRows: Row[] = [
  { title: 'is compressed', script: { gzip: true }, code: 'upstream_invalid' },
  { title: 'is a gzip bomb', script: { gzip: 'bomb' }, code: 'upstream_invalid' },
  {
    title: 'has another content-type',
    script: { headers: { 'content-type': 'text/html' } },
    code: 'upstream_invalid',
  },
]

/** Bill ≤ charge ≤ hold, on the books as an estimate. */
async function expectEvidence(stack: Stack, asked: Asked, ended: string): Promise<Outcome> {
  const result = await outcome(stack, asked.token)
  const { entry, charged, available } = result
  expect(entry).toMatchObject({ ended, estimated: true })
  expect(charged).toBeGreaterThanOrEqual(billed(stack, asked.key))
  expect(charged).toBeLessThanOrEqual(holdBound(stack, asked))
  expect(charged).toBe(
    costOf({ input: entry.usage?.inputTokens ?? 0, output: entry.usage?.outputTokens ?? 0 }),
  )
  expect(available).toBe(ALLOWANCE - charged)
  expect(arrivals(stack, asked.key)).toHaveLength(1)
  return result
}

/** The hold that a stream's headers tell, or, of a refusal, the most that it can have been. */
function holdBound(stack: Stack, { headers, key }: Asked): number {
  const held = headers.get('faregate-credits-held')
  if (held !== null) return micro(Number(held))
  const [request] = arrivals(stack, key)
  return costOf({ input: Buffer.byteLength(request?.body ?? '') + 1000, output: CAP })
}

export function upstreamFaults(stack: () => Stack): void {
  for (const { title, script, code } of streamedRows) streamedFault(stack, title, script, code)
  for (const { title, script, status, code } of plainRows) {
    it.concurrent(`${status}: a plain answer that ${title} is charged on evidence`, async () => {
      const asked = await ask(stack(), { completionTokens: 60, ...script }, { max_tokens: CAP })
      expect(asked.status, asked.text).toBe(status)
      expect(errorOf(asked).code).toBe(code)
      expect(asked.headers.get('x-should-retry')).toBe('false')
      await expectEvidence(stack(), asked, 'error')
    })
  }
  for (const { title, script, code } of packedRows) {
    for (const more of [{}, { stream: true }]) {
      const way = 'stream' in more ? 'streamed' : 'plain'
      it.concurrent(`502: an answer, ${way}, that ${title} is charged on evidence`, async () => {
        const asked = await ask(stack(), script, { max_tokens: CAP, ...more })
        expect(asked.status, asked.text).toBe(502)
        expect(errorOf(asked).code).toBe(code)
        await expectEvidence(stack(), asked, 'error')
        // Nothing is read of it: the connection is given up.
        expect(asked.text.length).toBeLessThan(1000)
      })
    }
  }
  disguised(stack)
  early(stack)
  cacheWrites(stack)
  outrun(stack)
  total(stack)
}

function streamedFault(stack: () => Stack, title: string, script: Script, code: string): void {
  for (const include_usage of [false, true]) {
    const how = include_usage ? ' with usage' : ''
    it.concurrent(`200: a stream${how} that ${title} ends with one error and is charged on evidence`, async () => {
      const more = { stream: true, max_tokens: CAP, stream_options: { include_usage } }
      const asked = await ask(stack(), { completionTokens: 60, ...script }, more)
      expect(asked.status).toBe(200)
      const events = chunksOf(asked.text)
      const errors = events.filter(({ error }) => error)
      expect(errors).toEqual([events.at(-1)])
      expect(errors[0]?.error).toMatchObject({ code, message: expect.stringMatching(/charged/) })
      expect(asked.text).not.toContain('[DONE]')
      const { entry, charged } = await expectEvidence(stack(), asked, 'error')
      // A token for each byte that was seen, and no more.
      expect(entry.usage?.outputTokens).toBe(Buffer.byteLength(said(asked.text)))
      expect(asked.text).toContain(`credits-charged=${charged / 1e6} `)
      expect(billOf(stack(), asked.key).open).toBe(false)
    })
  }
}

/** A stream's answer where a plain one was asked for, and the other way round. */
function disguised(stack: () => Stack): void {
  it.concurrent('502: a stream where a plain answer was asked for', async () => {
    const asked = await ask(stack(), {
      body: 'data: {"choices":[]}\n\ndata: [DONE]\n\n',
      headers: { 'content-type': 'text/event-stream' },
    })
    expect(asked.status).toBe(502)
    expect(errorOf(asked).code).toBe('upstream_invalid')
    expect((await outcome(stack(), asked.token)).entry).toMatchObject({ ended: 'error', estimated: true })
  })

  it.concurrent('502: a redirect status without a target, and 204, are no answers', async () => {
    for (const [status, code] of [
      [304, 'upstream_redirect'],
      [204, 'upstream_invalid'],
    ] as const) {
      const asked = await ask(stack(), { status, body: '' })
      expect(asked.status).toBe(502)
      expect(errorOf(asked).code).toBe(code)
    }
  })
}

/** A stream that ends in good order, but too soon: its reader is told nothing of it, its entry is flagged. */
function early(stack: () => Stack): void {
  for (const [title, script] of [
    ['stops half-way', { cutShort: true }],
    ['brings no usage', { noUsage: true }],
  ] as const) {
    it.concurrent(`200: a stream that ${title} is charged on evidence`, async () => {
      const asked = await ask(stack(), script, { stream: true, max_tokens: CAP })
      expect(chunksOf(asked.text).some(({ error }) => error)).toBe(false)
      expect(eventData(asked.text).includes('[DONE]')).toBe('noUsage' in script)
      const { entry } = await expectEvidence(stack(), asked, 'complete')
      expect(entry.usage?.outputTokens).toBe(Buffer.byteLength(said(asked.text)))
    })
  }

  it.concurrent('200: a plain answer without usage is charged for what it says, not for its time', async () => {
    const asked = await ask(stack(), { noUsage: true, content: 'hello there', headersDelayMs: 700 })
    expect(asked.status).toBe(200)
    const { entry } = await outcome(stack(), asked.token)
    expect(entry).toMatchObject({ ended: 'complete', estimated: true })
    expect(entry.usage?.outputTokens).toBe('hello there'.length)
  })
}

/** What may have been written to the provider's cache is charged as if it had been. */
function cacheWrites(stack: () => Stack): void {
  it.concurrent('200: a cut stream of a model with dear cache writes covers them', async () => {
    const promptTokens = 300
    const script = { promptTokens, cacheWriteTokens: promptTokens, cutShort: true }
    const asked = await ask(stack(), script, { model: 'caching', stream: true, max_tokens: CAP })
    const { entry, charged } = await outcome(stack(), asked.token)
    const bill = billOf(stack(), asked.key)
    expect(charged).toBeGreaterThanOrEqual(bill.cacheWriteTokens * 4 + bill.completionTokens * 2)
    expect(charged).toBeGreaterThanOrEqual((entry.usage?.inputTokens ?? 0) * 4)
    expect(charged).toBeLessThanOrEqual(micro(Number(asked.headers.get('faregate-credits-held'))))
  })
}

/** A provider that writes far beyond the cap that it was given is not waited for. */
function outrun(stack: () => Stack): void {
  const slow = { beyondCap: true, chunks: 20, chunkDelayMs: 100 }
  const rows: [string, string, Script, number][] = [
    // Twice 30 tokens, of which the running totals tell.
    ['by its own count', 'vllm', { ...slow, dialect: 'vllm', promptTokens: 20, content: 'x'.repeat(60) }, 30],
    // 128 bytes are the most that a token can have.
    ['by its bytes', 'fast', { ...slow, content: 'x'.repeat(3000) }, 10],
  ]
  for (const [title, model, script, cap] of rows) {
    it.concurrent(`200: a stream that outruns its cap ${title} is cut, with an error`, async () => {
      const asked = await ask(stack(), script, { model, stream: true, max_tokens: cap })
      expect(asked.status, asked.text).toBe(200)
      const { error } = chunksOf(asked.text).at(-1) ?? {}
      expect(error).toMatchObject({
        code: 'upstream_invalid',
        message: expect.stringMatching(`${cap} tokens`),
      })
      expect(asked.text).not.toContain('[DONE]')
      const { entry, charged, available } = await outcome(stack(), asked.token)
      expect(entry).toMatchObject({ ended: 'cut', estimated: true })
      expect(entry.usage?.outputTokens).toBeGreaterThanOrEqual(cap)
      expect(charged).toBeLessThanOrEqual(micro(Number(asked.headers.get('faregate-credits-held'))))
      expect(available).toBe(ALLOWANCE - charged)
      await until('the provider sees the abort', 1500, () => billOf(stack(), asked.key).aborted)
      // It was cut on the way, not at its end.
      expect(billOf(stack(), asked.key).completionTokens).toBeLessThan(2 * cap)
    })
  }

  it.concurrent('200: the openai SDK raises the error of a stream that was cut', async () => {
    const { client, token } = await sdkUser(stack())
    const script = { ...slow, dialect: 'vllm' as const }
    const stream = await client.chat.completions.create({
      model: 'vllm',
      messages: [scriptMessage(script)],
      max_tokens: 30,
      stream: true,
    })
    const error = await rejection(all(stream))
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ code: 'upstream_invalid', message: expect.stringMatching(/30 tokens/) })
    expect((await outcome(stack(), token)).entry.ended).toBe('cut')
  })
}

function total(stack: () => Stack): void {
  it.concurrent('200: a stream that drips on is ended at its total time and charged on evidence', async () => {
    const timeouts = { headersMs: 1000, idleMs: 1000, totalMs: 1500 }
    const own = await startStack(stack().runtime, { config: { timeouts } })
    try {
      const script = { chunks: 100, chunkDelayMs: 100, completionTokens: 100 }
      const asked = await ask(own, script, { stream: true, max_tokens: CAP })
      expect(chunksOf(asked.text).at(-1)?.error?.code).toBe('upstream_timeout')
      await expectEvidence(own, asked, 'error')
      await until('the provider sees the abort', 1500, () => billOf(own, asked.key).aborted)
    } finally {
      await own.stop()
    }
  })
}
