/**
 * The tap of the Gemini wire: reads usage and counts output while an answer passes. A stream has no event that ends it:
 * it is whole when each candidate has said why it finished. It keeps numbers only (never text) and changes nothing.
 */
import type { EventKind, ModelRequest, Reading, Tap } from '../../ports.ts'
import { bytesIn, utf8Length } from '../text.ts'
import { parseRecord, record } from '../usage.ts'
import { readGeminiUsage } from './gemini-usage.ts'

type State = {
  reading: Pick<Reading, 'usage' | 'invalid'> | null
  /** Whether the reading came when all was said. */
  isTotal: boolean
  outputTokens: number
  /** Whether each candidate that was seen, by its index, has finished. */
  finished: Map<number, boolean>
  blocked: boolean
}

/** A picture of the dearest size is counted as 2,520 tokens. */
const pictureTokensMax = 4096
/** Sound is 25 tokens a second, and a second of it 64,000 characters of base64. */
const charactersPerSoundToken = 1000

/** Makes the tap for one request. */
export function createGeminiTap({ choices }: Pick<ModelRequest, 'choices'>): Tap {
  const state: State = {
    reading: null,
    isTotal: false,
    outputTokens: 0,
    finished: new Map(),
    blocked: false,
  }
  return {
    event: (data) => readEvent(state, data),
    body: (json) => readBody(state, json),
    usage: () => {
      const { reading, isTotal, outputTokens } = state
      if (reading === null) return null
      const silent = isTotal && outputTokens > 0 && reading.usage.outputTokens === 0
      // Of several candidates one may have more to count after all have finished.
      const total = choices === 1 ? 'final' : 'last'
      return { ...reading, invalid: reading.invalid || silent, stage: isTotal ? total : 'running' }
    },
    outputTokensSeen: () => state.outputTokens,
    started: () => state.outputTokens > 0,
    ended: () => hasEnded(state),
  }
}

function hasEnded({ finished, blocked }: State): boolean {
  return blocked || (finished.size > 0 && [...finished.values()].every(Boolean))
}

function readEvent(state: State, data: string): EventKind {
  if (data.trim() === '') return 'pass'
  const json = parseRecord(data)
  if (json === null) return 'invalid'
  readPiece(state, json)
  return isError(json) ? 'error' : 'pass'
}

function readBody(state: State, json: unknown): boolean {
  const answer = record(json)
  if (answer === null || isError(answer)) return false
  const { candidates, promptFeedback, usageMetadata } = answer
  const isAnswer = Array.isArray(candidates) || record(promptFeedback ?? usageMetadata) !== null
  if (!isAnswer) return false
  readPiece(state, answer)
  state.isTotal = state.reading !== null
  return true
}

/** Reads a chunk, or a whole answer: they have one shape. */
function readPiece(state: State, json: Record<string, unknown>): void {
  if (typeof record(json.promptFeedback)?.blockReason === 'string') state.blocked = true
  const candidates = Array.isArray(json.candidates) ? json.candidates : []
  for (const each of candidates) readCandidate(state, record(each) ?? {})
  const metadata = record(json.usageMetadata)
  if (metadata !== null) takeUsage(state, metadata)
}

function readCandidate(state: State, { index, content, finishReason }: Record<string, unknown>): void {
  const at = typeof index === 'number' ? index : 0
  const isFinished = typeof finishReason === 'string' && finishReason !== 'FINISH_REASON_UNSPECIFIED'
  state.finished.set(at, isFinished || state.finished.get(at) === true)
  const parts = record(content)?.parts
  if (!Array.isArray(parts)) return
  for (const part of parts) state.outputTokens += tokensOf(record(part) ?? {})
}

/**
 * Each chunk has the running totals of all before it. The input may be counted anew at the end, and then that counts;
 * output that falls is not believed.
 */
function takeUsage(state: State, metadata: Record<string, unknown>): void {
  const next = readGeminiUsage(metadata)
  const before = state.reading
  const outputTokens = Math.max(before?.usage.outputTokens ?? 0, next.usage.outputTokens)
  const fell = outputTokens > next.usage.outputTokens
  state.reading = {
    usage: { ...next.usage, outputTokens },
    invalid: next.invalid || fell || (before?.invalid ?? false),
  }
  state.isTotal = hasEnded(state)
}

function isError({ error }: Record<string, unknown>): boolean {
  return error !== undefined && error !== null
}

/** The most tokens that the model wrote in a part, with the thoughts that are shown. */
function tokensOf(part: Record<string, unknown>): number {
  const { text, functionCall, executableCode, codeExecutionResult, inlineData } = part
  let tokens = bytesIn(text) + bytesIn(executableCode) + bytesIn(codeExecutionResult)
  const call = record(functionCall)
  if (call !== null) {
    const { name, args, partialArgs } = call
    tokens += bytesIn(name) + utf8Length(JSON.stringify([args, partialArgs]))
  }
  const blob = record(inlineData)
  if (blob === null) return tokens
  const isSound = typeof blob.mimeType === 'string' && blob.mimeType.startsWith('audio/')
  return tokens + (isSound ? Math.ceil(bytesIn(blob.data) / charactersPerSoundToken) : pictureTokensMax)
}
