/**
 * The tap of the speech wire. Bytes cost what was asked to be spoken, however they end; a stream says at its end
 * what it took: `speech.audio.delta` with base64, then `speech.audio.done` with usage.
 */
import { noUsage } from '../../core/pricing.ts'
import type { EventKind, ModelRequest, Reading, Tap } from '../../ports.ts'
import { count, parseRecord, record, usageOf } from '../usage.ts'
import { soundTokens } from './sound-output.ts'

type Request = Pick<ModelRequest, 'uses' | 'soundBytesPerToken'>

/** Makes the tap for one request. */
export function createSpeechTap({ uses, soundBytesPerToken = 1 }: Request): Tap {
  const characters = uses?.characters ?? 0
  let reading: Reading | null = null
  let tokensSeen = 0
  let ended = false

  /** Output of this wire is sound, all of it. */
  const take = (json: Record<string, unknown>): void => {
    const found = record(json.usage)
    if (found === null) return
    const output = count(found.output_tokens)
    const { usage, invalid } = usageOf({
      input: count(found.input_tokens),
      output,
      outputParts: { audioOutputTokens: output },
    })
    reading = { usage: { ...usage, characters }, stage: 'last', invalid }
  }

  const event = (data: string, name: string | null = null): EventKind => {
    if (data === '[DONE]') return 'done'
    if (name === 'error') return 'error'
    if (data.trim() === '') return 'pass'
    const json = parseRecord(data)
    if (json === null) return 'invalid'
    if ((json.error !== undefined && json.error !== null) || json.type === 'error') return 'error'
    if (json.type === 'speech.audio.delta') tokensSeen += soundTokens(json.audio, soundBytesPerToken)
    if (json.type !== 'speech.audio.done') return 'pass'
    take(json)
    ended = true
    return 'last'
  }

  return {
    event,
    began() {
      reading = { usage: { ...noUsage, characters }, stage: 'final', invalid: false }
    },
    body: () => false,
    usage() {
      if (reading === null) return null
      const { inputTokens, outputTokens } = reading.usage
      const empty = tokensSeen > 0 && inputTokens * outputTokens === 0
      return empty ? { ...reading, invalid: true } : reading
    },
    outputTokensSeen: () => tokensSeen,
    started: () => tokensSeen > 0,
    ended: () => ended,
  }
}
