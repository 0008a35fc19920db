/**
 * OpenAI's transcriptions wire: a form whose prompt is the script. Whisper bills the seconds of the recording, other
 * models tokens.
 */
import { errorBody } from './errors.ts'
import { type Script, scriptFrom } from './script.ts'
import { type AnswerPlan, NO_USE, type SimulatedWire, type Use, type WireEvent } from './wire.ts'
import {
  chunksOf,
  EVENT_STREAM_TYPE,
  JSON_TYPE,
  type Measured,
  measure,
  padding,
  pieces,
  reportedUsage,
  spread,
  sseEvent,
  toJson,
  tokensOf,
} from './wire-kit.ts'

const AUDIO_TOKENS_PER_SECOND = 10

type Transcript = Measured & Readonly<{ script: Script; use: Use; seconds: number; format: string }>

/** The length of a WAV by its header; of anything else that of a short remark. */
const secondsOf = (bytes: Buffer): number =>
  bytes.subarray(0, 4).toString() === 'RIFF' ? (bytes.length - 44) / bytes.readUInt32LE(28) : 5

const usageOf = ({ use, seconds }: Transcript) =>
  use.audioSeconds > 0
    ? { type: 'duration', seconds }
    : {
        type: 'tokens',
        input_tokens: use.promptTokens,
        input_token_details: {
          text_tokens: use.promptTokens - use.audioInputTokens,
          audio_tokens: use.audioInputTokens,
        },
        output_tokens: use.completionTokens,
        total_tokens: use.promptTokens + use.completionTokens,
      }

const transcriptOf = (form: FormData, bytes: Buffer, script: Script): Transcript => {
  const measured = measure(script, undefined)
  const text = (name: string) => String(form.get(name) ?? '')
  const seconds = script.audioSeconds ?? secondsOf(bytes)
  const audioInputTokens = script.audioInputTokens ?? Math.ceil(seconds * AUDIO_TOKENS_PER_SECOND)
  const use = text('model').startsWith('whisper')
    ? { ...NO_USE, audioSeconds: Math.ceil(seconds) }
    : {
        ...NO_USE,
        promptTokens: script.promptTokens ?? audioInputTokens + tokensOf(text('prompt')),
        audioInputTokens,
        completionTokens: measured.completionTokens,
      }
  return { ...measured, script, use, seconds, format: text('response_format') }
}

/** One segment of it all, as the format has them. */
const segmentOf = ({ text, seconds, format }: Transcript) => {
  const told = { start: 0, end: seconds, text }
  return format === 'diarized_json'
    ? { id: 'seg_0', ...told, speaker: 'A', type: 'transcript.text.segment' }
    : {
        ...{ id: 0, seek: 0, ...told, tokens: [], temperature: 0 },
        ...{ avg_logprob: -0.1, compression_ratio: 1, no_speech_prob: 0 },
      }
}

const wholeOf = (transcript: Transcript): string => {
  const { text, seconds, script, format } = transcript
  const usage = reportedUsage(script, usageOf(transcript))
  const more =
    format === 'verbose_json' || format === 'diarized_json'
      ? { task: 'transcribe', language: 'english', duration: seconds, segments: [segmentOf(transcript)] }
      : {}
  return toJson({ ...more, text, ...padding(script), usage }, script)
}

const delta = (text: string): string =>
  sseEvent(JSON.stringify({ type: 'transcript.text.delta', delta: text }))

const eventsOf = (transcript: Transcript): WireEvent[] => {
  const { text, script, use } = transcript
  const tokens = spread(use.completionTokens, chunksOf(script))
  const deltas = pieces(text, chunksOf(script)).map((piece, index) => ({
    text: delta(piece),
    tokens: tokens[index] ?? 0,
    content: true,
  }))
  const usage = reportedUsage(script, usageOf(transcript))
  const done = toJson({ type: 'transcript.text.done', text, usage }, script)
  return [...deltas, { text: sseEvent(done), tokens: 0, content: false }]
}

const planOf = (transcript: Transcript, stream: boolean): AnswerPlan => ({
  stream,
  use: transcript.use,
  hiddenTokens: 0,
  contentType: stream ? EVENT_STREAM_TYPE : JSON_TYPE,
  whole: () => wholeOf(transcript),
  events: () => eventsOf(transcript),
  closing: '',
  errorEvent: sseEvent(JSON.stringify({ type: 'error', ...errorBody(500) })),
  longLine: delta,
})

/** `POST /audio/transcriptions`. */
export const transcriptionsWire: SimulatedWire = {
  id: 'transcriptions',
  matches: (method, path) => method === 'POST' && path === '/audio/transcriptions',
  read: async ({ raw, headers }) => {
    const type = { 'content-type': headers['content-type'] ?? '' }
    const form = await new Response(Uint8Array.from(raw), { headers: type }).formData().catch(() => null)
    const file = form?.get('file')
    if (form === null || !(file instanceof File)) return null
    const { script, key } = scriptFrom(String(form.get('prompt') ?? ''))
    const bytes = Buffer.from(await file.arrayBuffer())
    return {
      script,
      keys: [key],
      model: String(form.get('model') ?? 'unknown'),
      plan: () => planOf(transcriptOf(form, bytes, script), form.get('stream') === 'true'),
    }
  },
  error: errorBody,
}
