/**
 * The tap of the chat-completions wire: reads usage and counts output while an answer passes. It parses each
 * event once, keeps numbers only (never text) and changes nothing.
 */

import type { EventKind, ModelRequest, Reading, Tap } from '../ports.ts'
import { findUsage, readUsage } from './chat-usage.ts'
import { bytesIn } from './text.ts'
import { parseRecord, record } from './usage.ts'

type State = { reading: Reading | null; outputBytes: number }

/** Makes the tap for one request. */
export function createChatTap(request: Pick<ModelRequest, 'choices'>): Tap {
  const state: State = { reading: null, outputBytes: 0 }
  return {
    event: (data, name = null) => readEvent(state, request.choices, data, name),
    body: (json) => readBody(state, request.choices, json),
    usage: () => {
      const { reading, outputBytes } = state
      if (reading === null) return null
      const silent = outputBytes > 0 && reading.usage.outputTokens === 0
      return silent ? { ...reading, invalid: true } : reading
    },
    outputTokensSeen: () => state.outputBytes,
    started: () => state.outputBytes > 0,
  }
}

function readEvent(state: State, choices: number, data: string, name: string | null): EventKind {
  if (data === '[DONE]') return 'done'
  if (name === 'error') return 'error'
  if (data.trim() === '') return 'pass'
  const json = parseRecord(data)
  if (json === null) return 'invalid'
  const list = Array.isArray(json.choices) ? json.choices : []
  // Usage beside a choice may be a running total; alone, or with an error, nothing more follows.
  const hasUsage = takeUsage(state, choices, json, list.length === 0 ? 'final' : 'last')
  if (isError(json)) return 'error'
  for (const choice of list) state.outputBytes += outputBytesOf(record(choice)?.delta)
  return hasUsage && list.length === 0 ? 'usage' : 'pass'
}

function readBody(state: State, choices: number, json: unknown): boolean {
  const answer = record(json)
  if (answer === null || isError(answer) || !Array.isArray(answer.choices)) return false
  takeUsage(state, choices, answer, 'final')
  for (const choice of answer.choices) state.outputBytes += outputBytesOf(record(choice)?.message)
  return true
}

/** Keeps the last usage seen: where it comes with every chunk (vLLM, Perplexity) it is a running total. */
function takeUsage(
  state: State,
  choices: number,
  json: Record<string, unknown>,
  stage: Reading['stage'],
): boolean {
  const found = findUsage(json)
  if (found === null) return false
  const next = readUsage(found)
  const before = state.reading
  // A total that falls is not believed. With several choices vLLM's running totals are each choice's own.
  const fell =
    before !== null &&
    choices === 1 &&
    (next.usage.inputTokens < before.usage.inputTokens || next.usage.outputTokens < before.usage.outputTokens)
  if (before !== null && fell) {
    const inputTokens = Math.max(before.usage.inputTokens, next.usage.inputTokens)
    const outputTokens = Math.max(before.usage.outputTokens, next.usage.outputTokens)
    state.reading = { usage: { ...next.usage, inputTokens, outputTokens }, stage, invalid: true }
  } else {
    state.reading = { usage: next.usage, stage, invalid: next.invalid || (before?.invalid ?? false) }
  }
  return true
}

/** An error inside a 200: OpenAI's `{ error: … }` or vLLM's `{ object: 'error', … }`. */
function isError(json: Record<string, unknown>): boolean {
  return (json.error !== undefined && json.error !== null) || json.object === 'error'
}

/** UTF-8 bytes that the model wrote in a `delta` or a `message`, with the reasoning that is shown. */
function outputBytesOf(part: unknown): number {
  const output = record(part)
  if (output === null) return 0
  let bytes = bytesIn(output.content) + bytesIn(output.refusal)
  // OpenRouter and vLLM may send the same reasoning under both names.
  bytes += Math.max(bytesIn(output.reasoning_content), bytesIn(output.reasoning))
  bytes += callBytes(output.function_call)
  if (Array.isArray(output.tool_calls)) {
    for (const call of output.tool_calls) {
      const { function: named, custom } = record(call) ?? {}
      bytes += callBytes(named) + callBytes(custom)
    }
  }
  return bytes
}

function callBytes(call: unknown): number {
  const { name, arguments: given, input } = record(call) ?? {}
  return bytesIn(name) + bytesIn(given) + bytesIn(input)
}
