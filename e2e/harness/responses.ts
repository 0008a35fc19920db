/** Scripted requests on the Responses wire, and what they cost at the test config's prices. */
import type { Script } from '@faregate/simulators/provider'
import { expect } from 'vitest'
import { call, newUser, tokenOf } from './calls.ts'
import { type Asked, billOf, newKey } from './exchange.ts'
import type { Stack } from './stack.ts'

export const RESPONSES = '/v1/responses'

/** Microcredits of a unit of each kind for `searching`; `fast` has the same for tokens. */
const RATES = { input: 1, cachedInput: 0.5, output: 2, toolCall: 10_000 }

/** A request that tells the provider what to do and by what name to remember it. */
export function responsesBody(
  key: string,
  script: Script,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return { model: 'fast', input: JSON.stringify({ script, key }), ...more }
}

/** Sends one scripted request as a fresh user and reads the answer to its end, however that comes. */
export async function askResponses(
  stack: Stack,
  script: Script,
  more: Record<string, unknown> = {},
  plan?: string,
): Promise<Asked> {
  const token = await tokenOf(stack, newUser(), plan)
  const key = newKey()
  const answer = await call(stack, token, RESPONSES, { body: responsesBody(key, script, more) })
  return { token, key, status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** What the provider asks for a response by its own books, in microcredits; `priority` costs twice as much. */
export function billedResponse(stack: Stack, key: string): number {
  const { promptTokens, cachedTokens, completionTokens, toolCalls, serviceTier } = billOf(stack, key)
  const { input, cachedInput, output, toolCall } = RATES
  const tokens =
    (promptTokens - cachedTokens) * input + cachedTokens * cachedInput + completionTokens * output
  return Math.ceil(tokens * (serviceTier === 'priority' ? 2 : 1)) + toolCalls * toolCall
}

export type ResponseEvent = {
  type: string
  delta?: string
  code?: string
  response?: { id: string; status: string; usage?: { input_tokens: number; faregate?: unknown } | null }
}

/** The events of a stream, each of which is named as its data says; comments left out. */
export function responseEvents(text: string): ResponseEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('event: '))
    .map((block) => {
      const [first = '', second = ''] = block.split('\n')
      const event = JSON.parse(second.slice('data: '.length)) as ResponseEvent
      expect(first).toBe(`event: ${event.type}`)
      return event
    })
}

/** All that was said in a stream. */
export function saidIn(text: string): string {
  return responseEvents(text)
    .map(({ type, delta }) => (type === 'response.output_text.delta' ? (delta ?? '') : ''))
    .join('')
}
