/**
 * The tap of the Responses wire: reads usage and counts output while an answer passes. Usage stands in the event that
 * ends the stream, beside the whole answer. It parses each event once, keeps numbers only (never text) and changes
 * nothing. Source: openai 7.57, `ResponseStreamEvent`.
 */
import { standardTiers, type Usage } from '../../core/pricing.ts'
import type { EventKind, Reading, Tap } from '../../ports.ts'
import { bytesIn } from '../text.ts'
import { count, optionalCount, parseRecord, record, usageOf } from '../usage.ts'

/** The most items of one answer that are told apart. */
const itemsMax = 65_536

type State = {
  reading: Reading | null
  outputBytes: number
  /** Bytes that were seen of each item under way, by its place in the output. */
  itemBytes: Map<unknown, number>
  /** Whether the event has come that ends each of its streams. */
  ended: boolean
}
type Fields = Record<string, unknown>

/** Makes the tap for one request. */
export function createResponsesTap(): Tap {
  const state: State = { reading: null, outputBytes: 0, itemBytes: new Map(), ended: false }
  return {
    event: (data, name = null) => readEvent(state, data, name),
    body: (json) => readBody(state, json),
    usage: () => {
      const { reading, outputBytes } = state
      if (reading === null) return null
      // A request has input, and what was seen is output.
      const { inputTokens, outputTokens } = reading.usage
      const empty = inputTokens === 0 || (outputBytes > 0 && outputTokens === 0)
      return empty ? { ...reading, invalid: true } : reading
    },
    outputTokensSeen: () => state.outputBytes,
    started: () => state.outputBytes > 0,
    ended: () => state.ended,
  }
}

function readEvent(state: State, data: string, name: string | null): EventKind {
  if (data === '[DONE]') return 'done'
  if (name === 'error') return 'error'
  if (data.trim() === '') return 'pass'
  const json = parseRecord(data)
  if (json === null) return 'invalid'
  const type = typeof json.type === 'string' ? json.type : (name ?? '')
  if (type === 'error' || (json.error !== undefined && json.error !== null)) return 'error'
  const response = record(json.response)
  if (type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed') {
    state.ended = true
    if (response !== null) takeAnswer(state, response)
    return type === 'response.failed' ? 'failed' : 'last'
  }
  if (type.endsWith('.delta')) see(state, json.output_index, bytesIn(json.delta))
  // What was not told in pieces is told at last with the whole item.
  if (type === 'response.output_item.added' || type === 'response.output_item.done') {
    const seen = state.itemBytes.get(json.output_index) ?? 0
    see(state, json.output_index, Math.max(0, bytesOfItem(json.item) - seen))
  }
  return 'pass'
}

function see(state: State, index: unknown, bytes: number): void {
  state.outputBytes += bytes
  if (state.itemBytes.size >= itemsMax && !state.itemBytes.has(index)) return
  state.itemBytes.set(index, (state.itemBytes.get(index) ?? 0) + bytes)
}

/** A whole answer; one that failed or was cut by its cap is an answer too. */
function readBody(state: State, json: unknown): boolean {
  const response = record(json)
  if (response === null || !Array.isArray(response.output)) return false
  takeAnswer(state, response)
  return true
}

/** Reads an answer as it is at its end. Its text is only news where the stream had not told it. */
function takeAnswer(state: State, response: Fields): void {
  const output: unknown[] = Array.isArray(response.output) ? response.output : []
  state.outputBytes = Math.max(
    state.outputBytes,
    output.reduce((sum: number, item) => sum + bytesOfItem(item), 0),
  )
  const reported = record(response.usage)
  if (reported === null) return
  const { usage, invalid } = readUsage(reported)
  const calls = toolCallsOf(response, output)
  const { service_tier: tier } = response
  if (calls.tokens > 0) usage.toolCalls = calls.tokens
  if (typeof tier === 'string' && !standardTiers.has(tier)) usage.serviceTier = tier
  state.reading = { usage, stage: 'final', invalid: invalid || !calls.sane }
}

/** Cached and written tokens are parts of the input; reasoning is part of the output. */
function readUsage(reported: Fields): { usage: Usage; invalid: boolean } {
  const details = record(reported.input_tokens_details) ?? {}
  const written = optionalCount(details.cache_write_tokens)
  const long = optionalCount(record(details.cache_write_tokens_details)?.ttl_12h_tokens)
  return usageOf({
    input: count(reported.input_tokens),
    output: count(reported.output_tokens),
    inputParts: {
      cachedInputTokens: optionalCount(details.cached_tokens),
      longCacheWriteTokens: long,
      cacheWriteTokens: {
        tokens: Math.max(0, written.tokens - long.tokens),
        sane: written.sane && long.tokens <= written.tokens,
      },
    },
  })
}

/**
 * Searches that the provider asks for: as many as it counts itself, else one for each call that searched. Opening a
 * page that was found is free.
 */
function toolCallsOf(response: Fields, output: unknown[]): { tokens: number; sane: boolean } {
  const billed = record(record(response.tool_usage)?.web_search)?.num_requests
  if (billed !== undefined && billed !== null) return count(billed)
  const calls = output.filter((item) => {
    const { type, action } = record(item) ?? {}
    const done = record(action)?.type
    return type === 'web_search_call' && done !== 'open_page' && done !== 'find_in_page'
  })
  return { tokens: calls.length, sane: true }
}

/** UTF-8 bytes that the model wrote in an item: text, refusals, calls of the caller's tools, reasoning that is shown. */
function bytesOfItem(value: unknown): number {
  const item = record(value)
  if (item === null) return 0
  let bytes = bytesIn(item.name) + bytesIn(item.arguments) + bytesIn(item.input)
  for (const parts of [item.content, item.summary]) {
    if (typeof parts === 'string') bytes += bytesIn(parts)
    if (!Array.isArray(parts)) continue
    for (const part of parts) {
      const { text, refusal } = record(part) ?? {}
      bytes += bytesIn(text) + bytesIn(refusal)
    }
  }
  return bytes
}
