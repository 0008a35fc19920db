/** One scripted request on Gemini's wire, and how its answers and refusals look. */
import type { Script } from '@faregate/simulators/provider'
import { expect } from 'vitest'
import { call, newUser, tokenOf } from './calls.ts'
import { ALLOWANCE, type Asked, billed, eventData, micro, newKey, type Outcome, outcome } from './exchange.ts'
import type { Stack } from './stack.ts'

/** The output cap of the requests here. */
export const CAP = 400
/** The method of a stream, after a model's name. */
export const STREAM = ':streamGenerateContent?alt=sse'

export type More = {
  path?: string
  plan?: string
  config?: Record<string, unknown>
  body?: Record<string, unknown>
}
export type Answer = {
  candidates?: { content?: { parts?: { text?: string }[] } }[]
  usageMetadata?: Record<string, unknown>
  error?: { code: number; status: string; message: string; details?: { reason?: string }[] }
}

/** A request that tells the provider what to do. */
export function bodyOf(key: string, script: Script, { config, body }: More): Record<string, unknown> {
  const parts = [{ text: JSON.stringify({ script, key }) }]
  return {
    contents: [{ role: 'user', parts }],
    generationConfig: { maxOutputTokens: CAP, ...config },
    ...body,
  }
}

/** Sends one scripted request as a fresh user and reads the answer to its end, however that comes. */
export async function ask(stack: Stack, script: Script, more: More = {}): Promise<Asked> {
  const { path = '/v1beta/models/gem:generateContent', plan } = more
  const token = await tokenOf(stack, newUser(), plan)
  const key = newKey()
  const answer = await call(stack, token, path, { body: bodyOf(key, script, more) })
  return { token, key, status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** The same as a stream. */
export function streamed(stack: Stack, script: Script, more: More = {}): Promise<Asked> {
  return ask(stack, script, { path: `/v1beta/models/gem${STREAM}`, ...more })
}

/** The events of a stream, parsed. */
export function answersOf({ text }: Pick<Asked, 'text'>): Answer[] {
  return eventData(text).map((data) => JSON.parse(data) as Answer)
}

/** All that was said in them. */
export function said(answers: Answer[]): string {
  return answers
    .flatMap(({ candidates = [] }) => candidates.flatMap(({ content }) => content?.parts ?? []))
    .map(({ text = '' }) => text)
    .join('')
}

/** Checks a refusal in Gemini's words. */
export function expectRefusal({ status, text, headers }: Asked, expected: [number, string, string]): string {
  expect([status, headers.get('content-type')?.split(';')[0]], text).toEqual([
    expected[0],
    'application/json',
  ])
  const { error } = JSON.parse(text) as Answer
  expect(error).toMatchObject({
    code: expected[0],
    status: expected[1],
    message: expect.stringMatching(/^.{20,}[.)]$/s),
  })
  expect(error?.details?.[0]?.reason).toBe(expected[2])
  return error?.message ?? ''
}

/** Bill ≤ charge ≤ hold, on the books as an estimate. */
export async function expectEvidence(stack: Stack, asked: Asked, ended: string): Promise<Outcome> {
  const result = await outcome(stack, asked.token)
  const { entry, charged, available } = result
  expect(entry).toMatchObject({ ended, estimated: true })
  expect(charged).toBeGreaterThanOrEqual(billed(stack, asked.key))
  const held = asked.headers.get('faregate-credits-held')
  if (held !== null) expect(charged).toBeLessThanOrEqual(micro(Number(held)))
  expect(available).toBe(ALLOWANCE - charged)
  return result
}
