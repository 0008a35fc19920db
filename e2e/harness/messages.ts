/** Scripted requests on Anthropic's wire, and what they cost at the test config's prices. */
import type { Script } from '@faregate/simulators/provider'
import { expect } from 'vitest'
import { call, newUser, tokenOf } from './calls.ts'
import { type Asked, billOf, newKey } from './exchange.ts'
import type { ExpectedRefusal } from './refusals.ts'
import type { Stack } from './stack.ts'

export const VERSION = { 'anthropic-version': '2023-06-01' }

/** Microcredits of a unit of each kind for `claude`; `thinker` has the same for text. */
export const RATES = {
  input: 1,
  cachedInput: 0.5,
  cacheWrite: 3,
  longCacheWrite: 4,
  output: 2,
  toolCall: 10_000,
}

/** A request whose last message tells the provider what to do and by what name to remember it. */
export function messageBody(
  key: string,
  script: Script,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const content = JSON.stringify({ script, key })
  return { model: 'claude', max_tokens: 400, messages: [{ role: 'user', content }], ...more }
}

/** Sends one scripted request as a fresh user and reads the answer to its end, however that comes. */
export async function askMessage(
  stack: Stack,
  script: Script,
  more: Record<string, unknown> = {},
  options: { plan?: string; path?: string; headers?: Record<string, string> } = {},
): Promise<Asked> {
  const { plan, path = '/v1/messages', headers = VERSION } = options
  const token = await tokenOf(stack, newUser(), plan)
  const key = newKey()
  const answer = await call(stack, token, path, { body: messageBody(key, script, more), headers })
  return { token, key, status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** What the provider asks for a message by its own books, in microcredits. */
export function billedMessage(stack: Stack, key: string): number {
  const bill = billOf(stack, key)
  const { cachedTokens, cacheWriteTokens, longCacheWriteTokens } = bill
  const plain = bill.promptTokens - cachedTokens - cacheWriteTokens - longCacheWriteTokens
  const tokens =
    plain * RATES.input +
    cachedTokens * RATES.cachedInput +
    cacheWriteTokens * RATES.cacheWrite +
    longCacheWriteTokens * RATES.longCacheWrite +
    bill.completionTokens * RATES.output
  return Math.ceil(tokens * (bill.serviceTier === 'priority' ? 2 : 1)) + bill.toolCalls * RATES.toolCall
}

export type MessageEvent = {
  type: string
  delta?: { text?: string; stop_reason?: string }
  usage?: { output_tokens: number; faregate?: unknown }
  error?: { type: string; message: string; details?: { error_code: string } }
}

/** The events of a stream, each of which is named as its data says. */
export function messageEvents(text: string): MessageEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('event: '))
    .map((block) => {
      const [first = '', second = ''] = block.split('\n')
      const event = JSON.parse(second.slice('data: '.length)) as MessageEvent
      expect(first).toBe(`event: ${event.type}`)
      return event
    })
}

/** All that was said in a stream. */
export function saidIn(text: string): string {
  return messageEvents(text)
    .map(({ delta }) => delta?.text ?? '')
    .join('')
}

/** Checks status, body shape and headers of a refusal in Anthropic's words. */
export function expectMessageRefusal(
  asked: Pick<Asked, 'status' | 'headers' | 'text'>,
  expected: ExpectedRefusal & { type: string },
): void {
  expect(asked.status, asked.text).toBe(expected.status)
  expect(asked.headers.get('content-type')).toMatch(/^application\/json/)
  expect(asked.headers.get('x-request-id')).toMatch(/^req_/)
  expect(asked.headers.get('x-should-retry')).toBe(expected.retry ? null : 'false')
  expect(JSON.parse(asked.text)).toEqual({
    type: 'error',
    error: {
      type: expected.type,
      message: expect.stringMatching(/^.{20,}[.)]$/s),
      details: {
        error_code: expected.code,
        ...(expected.param !== undefined && { param: expected.param }),
      },
    },
  })
}
