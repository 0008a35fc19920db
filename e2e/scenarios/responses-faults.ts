/** Faults of the provider and of the client on the Responses wire: told once, and charged between bill and hold. */
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import { ALLOWANCE, type Asked, billOf, errorOf, micro, newKey, outcome } from '../harness/exchange.ts'
import { LEFT_CAP, leaveStream } from '../harness/leave.ts'
import {
  askResponses,
  billedResponse,
  RESPONSES,
  responseEvents,
  responsesBody,
  saidIn,
} from '../harness/responses.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const CAP = 400

type Row = { title: string; script: Script; code: string }

const streamedRows: Row[] = [
  { title: 'is reset', script: { reset: 'mid' }, code: 'upstream_error' },
  { title: 'stops half-way', script: { cutShort: true }, code: 'upstream_error' },
  { title: 'tells an error', script: { errorEvent: true }, code: 'upstream_error' },
  { title: 'falls silent', script: { hang: 'mid' }, code: 'upstream_timeout' },
  { title: 'holds no JSON', script: { badSse: true }, code: 'upstream_invalid' },
]

const plainRows: (Row & { status: number })[] = [
  { title: 'is cut off', script: { badJson: true }, status: 502, code: 'upstream_invalid' },
  { title: 'is another object', script: { body: { choices: [] } }, status: 502, code: 'upstream_invalid' },
  { title: 'falls silent', script: { hang: 'mid' }, status: 504, code: 'upstream_timeout' },
]

/** Bill ≤ charge ≤ hold. */
async function expectWithin(stack: Stack, asked: Asked, ended: string): Promise<void> {
  const { entry, charged, available } = await outcome(stack, asked.token)
  expect(entry).toMatchObject({ ended, estimated: true })
  const held = asked.headers.get('faregate-credits-held')
  expect(charged).toBeGreaterThanOrEqual(billedResponse(stack, asked.key))
  if (held !== null) expect(charged).toBeLessThanOrEqual(micro(Number(held)))
  expect(available).toBe(ALLOWANCE - charged)
}

export function responsesFaults(stack: () => Stack): void {
  broken(stack)
  incredible(stack)
  left(stack)
}

function broken(stack: () => Stack): void {
  for (const { title, script, code } of streamedRows) {
    it.concurrent(`200: a stream that ${title} ends with an error event`, async () => {
      const asked = await askResponses(stack(), script, { stream: true, max_output_tokens: CAP })
      expect(asked.status).toBe(200)
      const events = responseEvents(asked.text)
      expect(events.at(-1)).toEqual({
        type: 'error',
        code,
        message: expect.stringMatching(/^.{20,}\.$/),
        param: null,
        sequence_number: 0,
      })
      expect(events.filter(({ type }) => type === 'error')).toHaveLength(1)
      expect(saidIn(asked.text)).toMatch(/^(word)+$/)
      await expectWithin(stack(), asked, 'error')
    })
  }

  for (const { title, script, status, code } of plainRows) {
    it.concurrent(`${status}: a plain answer that ${title}`, async () => {
      const asked = await askResponses(stack(), script, { max_output_tokens: CAP })
      expect(asked.status, asked.text).toBe(status)
      expect(errorOf(asked).code).toBe(code)
      const { charged } = await outcome(stack(), asked.token)
      if (!('body' in script)) expect(charged).toBeGreaterThanOrEqual(billedResponse(stack(), asked.key))
    })
  }

  it.concurrent('400: what the provider refuses is told as it says it, and is free', async () => {
    const asked = await askResponses(stack(), { status: 400 })
    expect(asked.status).toBe(400)
    expect(errorOf(asked)).toMatchObject({ code: 'context_length_exceeded', type: 'invalid_request_error' })
    expect(asked.headers.get('x-should-retry')).toBe('false')
  })
}

/** What the provider reports, where it cannot be believed or is not there. */
function incredible(stack: () => Stack): void {
  for (const stream of [false, true]) {
    const way = stream ? 'streamed' : 'plain'
    it.concurrent(`200: an answer without usage, ${way}, is charged on evidence`, async () => {
      const asked = await askResponses(stack(), { noUsage: true }, { stream, max_output_tokens: CAP })
      expect(asked.status).toBe(200)
      await expectWithin(stack(), asked, 'complete')
    })

    it.concurrent(`200: usage that is a lie, ${way}, is charged on evidence`, async () => {
      const usage = { input_tokens: -5, output_tokens: 1e15 }
      const asked = await askResponses(stack(), { usage }, { stream, max_output_tokens: CAP })
      await expectWithin(stack(), asked, 'complete')
    })

    it.concurrent(`200: an answer beyond its cap, ${way}, costs the hold at most`, async () => {
      const script: Script = { beyondCap: true, completionTokens: 50_000, content: 'short' }
      const asked = await askResponses(stack(), script, { stream, max_output_tokens: 100 })
      const { entry, charged } = await outcome(stack(), asked.token)
      expect(entry).toMatchObject({ estimated: true })
      const held = micro(Number(asked.headers.get('faregate-credits-held')))
      expect(charged).toBe(Math.min(held, billedResponse(stack(), asked.key)))
    })
  }

  it.concurrent('200: searches beyond those that were allowed cost the hold at most', async () => {
    const more = { model: 'searching', tools: [{ type: 'web_search' }], max_output_tokens: CAP }
    const asked = await askResponses(stack(), { toolCallsRun: 9, content: 'Found.' }, more)
    const { entry, charged } = await outcome(stack(), asked.token)
    expect(entry).toMatchObject({ ended: 'complete', estimated: true })
    const held = micro(Number(asked.headers.get('faregate-credits-held')))
    expect(held).toBeLessThan(billedResponse(stack(), asked.key))
    expect(charged).toBe(held)
  })
}

function left(stack: () => Stack): void {
  it.concurrent('200: who hangs up mid-stream pays for what had come', async () => {
    const key = newKey()
    const script: Script = { promptTokens: 20, completionTokens: 3000, chunks: 60, chunkDelayMs: 100 }
    const body = responsesBody(key, script, { stream: true, max_output_tokens: LEFT_CAP })
    const { token, held } = await leaveStream(stack(), { path: RESPONSES, key, body }, 8)
    await until('the provider sees the abort', 5000, () => billOf(stack(), key).aborted)
    const { entry, charged } = await outcome(stack(), token)
    expect(entry).toMatchObject({ ended: 'stopped', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(billedResponse(stack(), key))
    expect(charged).toBeLessThan(held)
  })
}
