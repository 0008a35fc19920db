/**
 * The tap of the transcriptions wire. A transcript says what was heard in seconds or in tokens; which of them has a
 * price here, the request knows: usage of the other kind would be charged nothing, and so is not believed.
 */
import { noUsage, type Usage } from '../../core/pricing.ts'
import type { EventKind, ModelRequest, Reading, Tap } from '../../ports.ts'
import { bytesIn } from '../text.ts'
import { count, optionalCount, parseRecord, record, usageOf } from '../usage.ts'

type Request = Pick<ModelRequest, 'uses'>

/** Bytes of transcript by the kind of event that carried them: the same text comes in several. */
type Seen = { deltas: number; segments: number; whole: number }

/** Makes the tap for one request. */
export function createTranscriptionTap({ uses }: Request): Tap {
  const seen: Seen = { deltas: 0, segments: 0, whole: 0 }
  let reading: Reading | null = null
  let ended = false
  const bytesSeen = () => Math.max(seen.deltas, seen.segments, seen.whole)
  const take = (json: Record<string, unknown>, stage: Reading['stage']) => {
    const found = readUsage(json, uses)
    if (found !== null) reading = { ...found, stage }
  }

  const event = (data: string, name: string | null = null): EventKind => {
    if (data === '[DONE]') return 'done'
    if (name === 'error') return 'error'
    if (data.trim() === '') return 'pass'
    const json = parseRecord(data)
    if (json === null) return 'invalid'
    if ((json.error !== undefined && json.error !== null) || json.type === 'error') return 'error'
    if (json.type === 'transcript.text.delta') seen.deltas += bytesIn(json.delta)
    if (json.type === 'transcript.text.segment') seen.segments += bytesIn(json.text)
    if (json.type !== 'transcript.text.done') return 'pass'
    seen.whole = bytesIn(json.text)
    take(json, 'last')
    ended = true
    return 'last'
  }

  return {
    event,
    body(json) {
      const answer = record(json)
      if (answer === null || typeof answer.text !== 'string') return false
      seen.whole = bytesIn(answer.text)
      take(answer, 'final')
      return true
    },
    usage() {
      if (reading === null || bytesSeen() === 0) return reading
      // Words that nobody spoke, or that were not written.
      const { inputTokens, outputTokens, audioSeconds = 0 } = reading.usage
      const isByToken = uses?.audioInputTokens !== undefined
      const isBySecond = uses?.audioSeconds !== undefined
      const empty = (isByToken && inputTokens * outputTokens === 0) || (isBySecond && audioSeconds === 0)
      return empty ? { ...reading, invalid: true } : reading
    },
    outputTokensSeen: bytesSeen,
    started: () => bytesSeen() > 0,
    ended: () => ended,
  }
}

type Found = Pick<Reading, 'usage' | 'invalid'>

/** Usage by tokens or by seconds, begun ones whole; where neither is said, the recording's length as it was heard. */
function readUsage(json: Record<string, unknown>, uses: ModelRequest['uses']): Found | null {
  const usage = record(json.usage)
  if (usage !== null && usage.type !== 'duration' && usage.input_tokens !== undefined) {
    const read = readTokens(usage)
    return { ...read, invalid: read.invalid || uses?.audioSeconds !== undefined }
  }
  const seconds = usage === null ? json.duration : usage.seconds
  if (seconds === undefined || seconds === null) return null
  return readSeconds(seconds, uses)
}

function readTokens(usage: Record<string, unknown>): Found {
  const { text_tokens: text, audio_tokens: audio } = record(usage.input_token_details) ?? {}
  const input = count(usage.input_tokens)
  // What is not said to be text was sound.
  const asText = optionalCount(text)
  const rest = { tokens: Math.max(0, input.tokens - asText.tokens), sane: asText.sane }
  return usageOf({
    input,
    output: count(usage.output_tokens),
    inputParts: { audioInputTokens: typeof audio === 'number' ? count(audio) : rest },
  })
}

function readSeconds(value: unknown, uses: ModelRequest['uses']): Found {
  const isSane = typeof value === 'number' && value >= 0 && value < 1_000_000
  const audioSeconds = isSane ? Math.ceil(value) : 0
  const usage: Usage = { ...noUsage, audioSeconds }
  return { usage, invalid: !isSane || uses?.audioInputTokens !== undefined }
}
