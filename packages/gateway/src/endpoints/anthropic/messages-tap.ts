/**
 * The tap of Anthropic's wire: reads usage and counts output while an answer passes. It parses each event once, keeps
 * numbers only (never text) and changes nothing.
 *
 * A stream tells its input in `message_start` and its totals in `message_delta`, where what is null or absent stands
 * as it was. Once the provider has searched, the input of the start is no longer the whole, so that a stream which is
 * cut after that has no usage but its bounds.
 */
import type { EventKind, ModelRequest, Reading, Tap } from '../../ports.ts'
import { bytesIn } from '../text.ts'
import { parseRecord, record } from '../usage.ts'
import { messageFigures, readMessageUsage } from './messages-usage.ts'

type Fields = Record<string, unknown>

type State = {
  longCacheWrite: boolean
  /** The newest word on every figure. */
  figures: Fields
  reading: Reading | null
  outputBytes: number
  /** Whether something was written that is no reasoning. */
  visible: boolean
  /** Whether reasoning is under way: it may be shown in part, or not at all. */
  reasoning: boolean
  searched: boolean
}

/** Makes the tap for one request. */
export function createMessagesTap({ uses }: Pick<ModelRequest, 'uses'>): Tap {
  const state: State = {
    longCacheWrite: uses?.longCacheWrite === true,
    figures: {},
    reading: null,
    outputBytes: 0,
    visible: false,
    reasoning: false,
    searched: false,
  }
  return {
    event: (data, name = null) => readEvent(state, data, name),
    body: (json) => readBody(state, json),
    usage: () => {
      const { reading, outputBytes, searched } = state
      if (reading === null || (searched && reading.stage === 'running')) return null
      const silent = outputBytes > 0 && reading.usage.outputTokens === 0 && reading.stage !== 'running'
      return silent ? { ...reading, invalid: true } : reading
    },
    outputTokensSeen: () => state.outputBytes,
    started: () => state.visible && !state.reasoning,
    ended: () => state.reading?.stage === 'final',
  }
}

function readEvent(state: State, data: string, name: string | null): EventKind {
  if (name === 'error') return 'error'
  if (data.trim() === '') return 'pass'
  const json = parseRecord(data)
  if (json === null) return 'invalid'
  switch (json.type) {
    case 'error':
      return 'error'
    case 'message_start':
      takeUsage(state, record(record(json.message)?.usage), 'running')
      return 'pass'
    case 'content_block_start':
      readBlock(state, record(json.content_block) ?? {})
      return 'pass'
    case 'content_block_delta':
      readDelta(state, record(json.delta) ?? {})
      return 'pass'
    case 'content_block_stop':
      state.reasoning = false
      return 'pass'
    case 'message_delta':
      return readMessageDelta(state, json)
    case 'message_stop':
      return 'done'
    default:
      return 'pass'
  }
}

/** The reason to stop comes with the totals, last of all. */
function readMessageDelta(state: State, json: Fields): EventKind {
  const stop = record(json.delta)?.stop_reason
  const last = stop !== undefined && stop !== null
  const usage = record(json.usage)
  takeUsage(state, usage, last ? 'final' : 'running')
  return last && usage !== null ? 'usage' : 'pass'
}

function readBody(state: State, json: unknown): boolean {
  const answer = record(json)
  if (answer === null || answer.type !== 'message' || !Array.isArray(answer.content)) return false
  takeUsage(state, record(answer.usage), 'final')
  for (const block of answer.content) {
    readBlock(state, record(block) ?? {})
    state.reasoning = false
  }
  return true
}

/** What a block begins with, or is; what the provider's tools found is input. */
function readBlock(state: State, block: Fields): void {
  const { type, id: _id, caller: _caller, citations: _citations, input, ...said } = block
  if (typeof type === 'string' && type.endsWith('_tool_result')) {
    state.searched = true
    return
  }
  if (type === 'server_tool_use') state.searched = true
  if (type === 'thinking' || type === 'redacted_thinking') {
    state.reasoning = true
    const { thinking, signature, data } = said
    state.outputBytes += bytesIn(thinking) + hiddenBytes(state, signature) + hiddenBytes(state, data)
    return
  }
  count(state, said)
  // A whole answer has the call of a tool as an object; a stream writes it bit by bit, after an empty one.
  const written = record(input)
  if (written !== null && Object.keys(written).length > 0) count(state, JSON.stringify(written))
}

function readDelta(state: State, delta: Fields): void {
  switch (delta.type) {
    case 'citations_delta':
      return
    case 'thinking_delta':
      state.outputBytes += bytesIn(delta.thinking)
      return
    case 'signature_delta':
      state.outputBytes += hiddenBytes(state, delta.signature)
      return
    default:
      count(state, delta)
  }
}

function count(state: State, said: unknown): void {
  const bytes = bytesIn(said)
  state.outputBytes += bytes
  if (bytes > 0) state.visible = true
}

/**
 * Reasoning that was encrypted has at most as many tokens as bytes. What came before the first visible output is
 * bounded by its time already.
 */
function hiddenBytes({ visible }: State, encrypted: unknown): number {
  return visible ? bytesIn(encrypted) : 0
}

/** Keeps the newest figures. A total that falls is not believed. */
function takeUsage(state: State, usage: Fields | null, stage: Reading['stage']): void {
  if (usage === null) return
  for (const name of messageFigures) {
    const value = usage[name]
    if (value !== undefined && value !== null) state.figures[name] = value
  }
  const next = readMessageUsage(state.figures, state.longCacheWrite)
  const before = state.reading
  const inputTokens = Math.max(before?.usage.inputTokens ?? 0, next.usage.inputTokens)
  const outputTokens = Math.max(before?.usage.outputTokens ?? 0, next.usage.outputTokens)
  const fell = inputTokens > next.usage.inputTokens || outputTokens > next.usage.outputTokens
  const invalid = fell || next.invalid || (before?.invalid ?? false)
  state.reading = { usage: { ...next.usage, inputTokens, outputTokens }, stage, invalid }
}
