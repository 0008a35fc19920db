/**
 * Faults inside an answer of Anthropic's wire: whoever reads is told once, in its words, and is charged never less than
 * the provider's own bill and never more than the hold.
 */
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import { call, newUser, tokenOf } from '../harness/calls.ts'
import { ALLOWANCE, type Asked, billOf, micro, newKey, type Outcome, outcome } from '../harness/exchange.ts'
import {
  askMessage,
  billedMessage,
  messageBody,
  messageEvents,
  saidIn,
  VERSION,
} from '../harness/messages.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const streamed = { stream: true }
const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 2 }

/** Bill ≤ charge ≤ hold, on the books as an estimate. */
async function expectEvidence(stack: Stack, asked: Asked, ended: string): Promise<Outcome> {
  const result = await outcome(stack, asked.token)
  const { entry, charged, available } = result
  expect(entry).toMatchObject({ ended, estimated: true })
  expect(charged).toBeGreaterThanOrEqual(billedMessage(stack, asked.key))
  const held = asked.headers.get('faregate-credits-held')
  if (held !== null) expect(charged).toBeLessThanOrEqual(micro(Number(held)))
  expect(available).toBe(ALLOWANCE - charged)
  return result
}

export function messagesFaults(stack: () => Stack): void {
  const broken: [string, Script, Record<string, unknown>, string][] = [
    ['is reset', { reset: 'mid' }, {}, 'upstream_error'],
    ['tells an error', { errorEvent: true }, {}, 'upstream_error'],
    ['stops half-way', { cutShort: true }, {}, 'upstream_error'],
    ['falls silent', { hang: 'mid' }, {}, 'upstream_timeout'],
    ['holds no JSON', { badSse: true }, {}, 'upstream_invalid'],
    [
      'is reset after searches',
      { promptTokens: 5000, toolCallsRun: 2, reset: 'mid' },
      { tools: [search] },
      'upstream_error',
    ],
    [
      'is reset after it was cached',
      { promptTokens: 90, longCacheWriteTokens: 90, reset: 'mid' },
      { cache_control: { type: 'ephemeral', ttl: '1h' } },
      'upstream_error',
    ],
    [
      'is reset after hidden reasoning',
      { completionTokens: 120, reasoningTokens: 60, firstChunkDelayMs: 100, reset: 'mid' },
      { model: 'thinker' },
      'upstream_error',
    ],
  ]
  for (const [title, script, more, code] of broken) {
    it.concurrent(`200: a stream that ${title} ends with one error and is charged on evidence`, async () => {
      const asked = await askMessage(stack(), { completionTokens: 60, ...script }, { ...streamed, ...more })
      expect(asked.status).toBe(200)
      const events = messageEvents(asked.text)
      expect(events.filter(({ type }) => type === 'error')).toEqual([events.at(-1)])
      expect(events.at(-1)?.error).toMatchObject({
        message: expect.stringMatching(/charged/),
        details: { error_code: code },
      })
      await expectEvidence(stack(), asked, 'error')
    })
  }

  it.concurrent('200: a cut stream costs its true input, and a token for each byte that was seen', async () => {
    const script = { promptTokens: 50, cachedTokens: 20, completionTokens: 60, reset: 'mid' } as const
    const asked = await askMessage(stack(), script, streamed)
    const { entry } = await expectEvidence(stack(), asked, 'error')
    expect(entry.usage).toMatchObject({
      inputTokens: 50,
      outputTokens: Buffer.byteLength(saidIn(asked.text)),
    })
  })
  usage(stack)
  plain(stack)
  leaving(stack)
}

function usage(stack: () => Stack): void {
  const lies: [string, unknown][] = [
    ['negative', { input_tokens: -5, output_tokens: -10 }],
    ['a fraction', { input_tokens: 5, output_tokens: 10.5 }],
    ['infinite', '{"input_tokens":5,"output_tokens":1e400}'],
    ['no output where there was some', { input_tokens: 5, output_tokens: 0 }],
    ['in words', { input_tokens: 5, output_tokens: '10' }],
    ['negative where it was cached', { input_tokens: 5, cache_read_input_tokens: -4, output_tokens: 10 }],
    ['half a search', { input_tokens: 5, output_tokens: 10, server_tool_use: { web_search_requests: 0.5 } }],
  ]
  for (const way of [{}, streamed]) {
    const name = 'stream' in way ? 'streamed' : 'plain'
    for (const [title, given] of lies) {
      it.concurrent(`200: usage that is ${title}, ${name}, is charged on evidence`, async () => {
        const asked = await askMessage(stack(), { usage: given, completionTokens: 10 }, way)
        expect(asked.status, asked.text).toBe(200)
        await expectEvidence(stack(), asked, 'complete')
      })
    }

    it.concurrent(`200: usage beyond the caps, ${name}, is flagged and never charged beyond the hold`, async () => {
      for (const script of [
        { completionTokens: 50_000, beyondCap: true, content: 'short' },
        { promptTokens: 1_000_000, completionTokens: 10 },
      ]) {
        const asked = await askMessage(stack(), script, { ...way, max_tokens: 100 })
        const held = micro(Number(asked.headers.get('faregate-credits-held')))
        const { entry, charged } = await outcome(stack(), asked.token)
        expect(entry).toMatchObject({ ended: 'complete', estimated: true })
        expect(charged).toBe(Math.min(held, billedMessage(stack(), asked.key)))
      }
    })
  }

  it.concurrent('200: a stream without usage is charged on evidence', async () => {
    const asked = await askMessage(stack(), { noUsage: true, content: 'hello' }, streamed)
    const events = messageEvents(asked.text)
    // Without totals it has not said its last word.
    expect(events.at(-1)?.type).toBe('message_stop')
    await expectEvidence(stack(), asked, 'complete')
  })
}

function plain(stack: () => Stack): void {
  const rows: [string, Script, number, string][] = [
    ['is reset', { reset: 'mid' }, 502, 'upstream_invalid'],
    ['is cut off', { badJson: true }, 502, 'upstream_invalid'],
    ['is an error in disguise', { body: { type: 'error', error: {} } }, 502, 'upstream_invalid'],
    ['is another object', { body: { choices: [] } }, 502, 'upstream_invalid'],
    ['never comes', { hang: 'headers' }, 504, 'upstream_timeout'],
  ]
  for (const [title, script, status, code] of rows) {
    it.concurrent(`${status}: a plain answer that ${title} is charged on evidence`, async () => {
      const asked = await askMessage(stack(), { completionTokens: 60, ...script })
      expect(asked.status, asked.text).toBe(status)
      expect(JSON.parse(asked.text)).toMatchObject({
        type: 'error',
        error: { details: { error_code: code } },
      })
      await expectEvidence(stack(), asked, 'error')
    })
  }

  it.concurrent('200: a plain answer without usage is charged on evidence', async () => {
    const asked = await askMessage(stack(), { noUsage: true, content: 'hello' })
    expect(asked.status).toBe(200)
    await expectEvidence(stack(), asked, 'complete')
  })
}

function leaving(stack: () => Stack): void {
  it.concurrent('200: who leaves mid-stream stops the provider and pays for what had come', async () => {
    const [token, key, client] = [await tokenOf(stack(), newUser()), newKey(), new AbortController()]
    const script = { promptTokens: 20, completionTokens: 390, chunks: 60, chunkDelayMs: 50 }
    const { signal } = client
    const body = messageBody(key, script, streamed)
    const answer = await call(stack(), token, '/v1/messages', { body, headers: VERSION, signal })
    const reader = answer.body?.getReader()
    let text = ''
    while (!text.includes('text_delta')) text += new TextDecoder().decode((await reader?.read())?.value)
    client.abort()
    await until('the provider sees the abort', 1500, () => billOf(stack(), key).aborted)
    const { entry, charged } = await outcome(stack(), token)
    expect(entry).toMatchObject({ ended: 'stopped', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(billedMessage(stack(), key))
    expect(charged).toBeLessThanOrEqual(micro(Number(answer.headers.get('faregate-credits-held'))))
  })
}
