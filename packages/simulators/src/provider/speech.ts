/**
 * OpenAI's speech wire: the text to be spoken is the script. Bytes are billed by the character; events tell the
 * tokens that they took. The sound is noise of the right length.
 */
import { errorBody } from './errors.ts'
import { type Script, scriptFrom } from './script.ts'
import { type AnswerPlan, NO_USE, type SimulatedWire, type Use, type WireEvent } from './wire.ts'
import {
  chunksOf,
  EVENT_STREAM_TYPE,
  jsonBody,
  measure,
  reportedUsage,
  soundOf,
  spread,
  sseEvent,
  toJson,
  tokensOf,
} from './wire-kit.ts'

/** 128 kbit/s, of which a token is a twentieth of a second. */
const BYTES_PER_TOKEN = 800

const TYPES: Readonly<Record<string, string>> = {
  mp3: 'audio/mpeg',
  opus: 'audio/ogg',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
}

const delta = (audio: string): string => sseEvent(JSON.stringify({ type: 'speech.audio.delta', audio }))

const eventsOf = (script: Script, use: Use): WireEvent[] => {
  const sound = soundOf(use.completionTokens * BYTES_PER_TOKEN)
  const parts = spread(use.completionTokens, chunksOf(script))
  let from = 0
  const deltas = parts.map((tokens) => {
    const until = from + tokens * BYTES_PER_TOKEN
    const text = delta(sound.subarray(from, until).toString('base64'))
    from = until
    return { text, tokens, content: true, use: { audioOutputTokens: tokens } }
  })
  const truth = {
    input_tokens: use.promptTokens,
    output_tokens: use.completionTokens,
    total_tokens: use.promptTokens + use.completionTokens,
  }
  const done = toJson({ type: 'speech.audio.done', usage: reportedUsage(script, truth) }, script)
  return [...deltas, { text: sseEvent(done), tokens: 0, content: false }]
}

const planSpeech = (body: Record<string, unknown>, input: string, script: Script): AnswerPlan => {
  const stream = body.stream_format === 'sse'
  const { completionTokens } = measure(script, undefined)
  const bytes = { ...NO_USE, characters: Array.from(input).length }
  const events = {
    ...NO_USE,
    promptTokens: script.promptTokens ?? tokensOf(input),
    completionTokens,
    audioOutputTokens: completionTokens,
  }
  const use = stream ? events : bytes
  const format = typeof body.response_format === 'string' ? body.response_format : 'mp3'
  return {
    stream,
    use,
    hiddenTokens: 0,
    contentType: stream ? EVENT_STREAM_TYPE : (TYPES[format] ?? 'audio/mpeg'),
    whole: () => soundOf(completionTokens * BYTES_PER_TOKEN),
    events: () => eventsOf(script, use),
    closing: '',
    errorEvent: sseEvent(JSON.stringify({ type: 'error', ...errorBody(500) })),
    longLine: delta,
  }
}

/** `POST /audio/speech`. */
export const speechWire: SimulatedWire = {
  id: 'speech',
  matches: (method, path) => method === 'POST' && path === '/audio/speech',
  read: ({ raw }) => {
    const body = jsonBody(raw)
    if (body === null || typeof body.input !== 'string') return null
    const { input } = body
    const { script, key } = scriptFrom(input)
    return {
      script,
      keys: [key],
      model: typeof body.model === 'string' ? body.model : 'unknown',
      plan: () => planSpeech(body, input, script),
    }
  },
  error: errorBody,
}
