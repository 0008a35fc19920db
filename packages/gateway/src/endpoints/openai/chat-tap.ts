/**
 * The tap of the chat-completions wire: reads usage and counts output while an answer passes. It parses each
 * event once, keeps numbers only (never text) and changes nothing.
 */

import { standardTiers, type Usage } from '../../core/pricing.ts'
import type { EventKind, ModelRequest, Provider, Reading, Tap } from '../../ports.ts'
import { bytesIn } from '../text.ts'
import { parseRecord, record } from '../usage.ts'
import { findUsage, readUsage } from './chat-usage.ts'
import { soundTokens } from './sound-output.ts'

type Request = Pick<ModelRequest, 'choices' | 'runningUsage' | 'soundBytesPerToken'>

type State = {
  reading: Reading | null
  /** Bytes of text, and tokens of sound: at least as many as there are tokens. */
  output: number
  /** The output that had been seen when the reading was taken. */
  outputRead: number
  /** The service tier that the answer names. */
  tier: string | null
  /** The totals that choices were told with themselves, by their index. */
  own: Map<number, Usage>
  /** Indexes of the choices that have said why they end. */
  finished: Set<number>
  /** Whether the stream has said that it is over. */
  done: boolean
}

/** Makes the tap for one request, to a provider that tells running totals where they are asked for. */
export function createChatTap(
  request: Request,
  { streamOptions }: Pick<Provider, 'streamOptions'> = {},
): Tap {
  // Some clients add up all the usage that they see.
  const hidesRunning = streamOptions === 'continuous_usage' && request.runningUsage !== true
  const state: State = {
    reading: null,
    output: 0,
    outputRead: 0,
    tier: null,
    own: new Map(),
    finished: new Set(),
    done: false,
  }
  return {
    event: (data, name = null) => {
      const kind = readEvent(state, request, data, name)
      return kind === 'running' && !hidesRunning ? 'pass' : kind
    },
    body: (json) => readBody(state, request, json),
    usage: () => usageSoFar(state, request.choices),
    outputTokensSeen: () => state.output,
    started: () => state.output > 0,
  }
}

/** No total but a running one is believed that is of nothing: a request has input, and what was seen is output. */
function usageSoFar(state: State, choices: number): Reading | null {
  const { reading, output, tier } = state
  if (reading === null) return null
  const stage = stageOf(reading, state, choices)
  const { inputTokens, outputTokens } = reading.usage
  const empty = stage !== 'running' && (inputTokens === 0 || (output > 0 && outputTokens === 0))
  const usage = tier === null ? reading.usage : { ...reading.usage, serviceTier: tier }
  return { usage, stage, invalid: reading.invalid || empty }
}

/**
 * A running total is the last one once its answer says that it is over; before, its output may be behind. So is that of
 * any total after which the answer went on.
 */
function stageOf(
  { stage }: Reading,
  { output, outputRead, finished, done }: State,
  choices: number,
): Reading['stage'] {
  if (stage === 'final') return output > outputRead ? 'running' : stage
  return stage === 'running' && (done || finished.size >= choices) ? 'last' : stage
}

function readEvent(state: State, request: Request, data: string, name: string | null): EventKind {
  const { choices } = request
  if (data === '[DONE]') {
    state.done = true
    return 'done'
  }
  if (name === 'error') return 'error'
  if (data.trim() === '') return 'pass'
  const json = parseRecord(data)
  if (json === null) return 'invalid'
  const list = Array.isArray(json.choices) ? json.choices : []
  const hasUsage = takeUsage(state, choices, json, list)
  if (isError(json)) return 'error'
  takeTier(state, json)
  for (const each of list) {
    const { index, delta, finish_reason: reason } = record(each) ?? {}
    state.output += outputOf(delta, request)
    if (typeof reason === 'string') state.finished.add(indexOf(index, choices))
  }
  if (!hasUsage) return 'pass'
  return list.length === 0 ? 'usage' : 'running'
}

function readBody(state: State, request: Request, json: unknown): boolean {
  const answer = record(json)
  if (answer === null || isError(answer) || !Array.isArray(answer.choices)) return false
  for (const choice of answer.choices) state.output += outputOf(record(choice)?.message, request)
  takeUsage(state, request.choices, answer, [])
  takeTier(state, answer)
  return true
}

/**
 * Keeps the last usage seen. Beside a choice it may be a running total (vLLM, Perplexity); alone, or with an error,
 * nothing more follows.
 */
function takeUsage(
  state: State,
  choices: number,
  json: Record<string, unknown>,
  list: readonly unknown[],
): boolean {
  const found = findUsage(json)
  if (found === null) return false
  const { usage, invalid } = readUsage(found)
  const before = state.reading
  const stage = list.length === 0 ? 'final' : 'running'
  const index = indexOf(record(list[0])?.index, choices)
  state.outputRead = state.output
  // With several choices vLLM's running totals are each choice's own.
  const earlier = choices === 1 ? before?.usage : stage === 'running' ? state.own.get(index) : undefined
  const kept = earlier ? atLeast(usage, earlier) : usage
  if (stage === 'running' && choices > 1) state.own.set(index, kept)
  state.reading = {
    usage: stage === 'running' && choices > 1 ? sumOf(state.own, kept) : kept,
    stage,
    // A total that falls is not believed.
    invalid: invalid || kept !== usage || (before?.invalid ?? false),
  }
  return true
}

/** The tier that served, where it is not the standard one. */
function takeTier(state: State, { service_tier: tier }: Record<string, unknown>): void {
  if (typeof tier === 'string') state.tier = standardTiers.has(tier) ? null : tier
}

/** The index that a choice is told with; 0 where it is none of the choices asked for. */
function indexOf(index: unknown, choices: number): number {
  return typeof index === 'number' && index > 0 && index < choices ? index : 0
}

/** The usage itself, or, where a total fell, one with the larger totals. */
function atLeast(usage: Usage, earlier: Usage): Usage {
  const inputTokens = Math.max(usage.inputTokens, earlier.inputTokens)
  const outputTokens = Math.max(usage.outputTokens, earlier.outputTokens)
  const fell = inputTokens > usage.inputTokens || outputTokens > usage.outputTokens
  return fell ? { ...usage, inputTokens, outputTokens } : usage
}

/** The newest usage, with the output of all choices. */
function sumOf(own: ReadonlyMap<number, Usage>, newest: Usage): Usage {
  let outputTokens = 0
  for (const each of own.values()) outputTokens += each.outputTokens
  return { ...newest, outputTokens }
}

/** An error inside a 200: OpenAI's `{ error: … }` or vLLM's `{ object: 'error', … }`. */
function isError(json: Record<string, unknown>): boolean {
  return (json.error !== undefined && json.error !== null) || json.object === 'error'
}

/**
 * What the model wrote in a `delta` or a `message`: UTF-8 bytes of text, with the reasoning that is shown and the words
 * of its sound, and the most tokens that the sound itself took.
 */
function outputOf(part: unknown, { soundBytesPerToken = 1 }: Request): number {
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
  const audio = record(output.audio)
  if (audio !== null) bytes += bytesIn(audio.transcript) + soundTokens(audio.data, soundBytesPerToken)
  return bytes
}

function callBytes(call: unknown): number {
  const { name, arguments: given, input } = record(call) ?? {}
  return bytesIn(name) + bytesIn(given) + bytesIn(input)
}
