/**
 * OpenAI's chat wire, from a request and a script: what is said, what it costs, and the JSON or the stream
 * events that say it.
 */
import { isContinuous, mannerOf, preludeOf, usageBeside } from './chat-dialects.ts'
import { errorBody } from './errors.ts'
import { isRecord, readScript, type Script } from './script.ts'
import { type AnswerPlan, type Given, NO_USE, type SimulatedWire, type Use, type WireEvent } from './wire.ts'
import {
  chunksOf,
  count,
  EVENT_STREAM_TYPE,
  JSON_TYPE,
  jsonBody,
  type Measured,
  measure,
  padding,
  pieces,
  reportedUsage,
  soundOf,
  spread,
  sseEvent,
  toJson,
} from './wire-kit.ts'

/** An answer before it is put on the wire. What is measured is one choice's share; `use` is of all. */
type ChatPlan = Measured &
  Readonly<{
    id: string
    created: number
    model: string
    choices: number
    /** Whether a stream tells its usage. */
    includeUsage: boolean
    /** Whether every chunk tells its choice's running total. */
    continuous: boolean
    audioOutputTokens: number
    /** Where the answer is to be heard: how many bytes a token of its sound has. */
    soundBytesPerToken: number | null
    use: Use
    script: Script
  }>

/** One choice's delta, and its part of the bill. */
type Delta = Readonly<{
  delta: Record<string, unknown>
  tokens: number
  reasoning: boolean
  audioTokens: number
}>

const finishReason = ({ script, capped }: ChatPlan): string => {
  if (capped) return 'length'
  if (script.functionCall !== undefined) return 'function_call'
  return script.toolCalls === undefined ? 'stop' : 'tool_calls'
}

/** Decides the whole answer to a chat request. */
const planChat = (body: Record<string, unknown>, script: Script, model: string, given: Given): ChatPlan => {
  const measured = measure(script, count(body.max_completion_tokens) ?? count(body.max_tokens))
  const choices = Math.max(1, count(body.n) ?? 1)
  const audioOutputTokens = Math.min(script.audioOutputTokens ?? 0, measured.completionTokens)
  const use = {
    ...NO_USE,
    promptTokens: script.promptTokens ?? Math.ceil(given.bodyBytes / 4),
    cachedTokens: script.cachedTokens ?? 0,
    cacheWriteTokens: script.cacheWriteTokens ?? 0,
    audioInputTokens: script.audioInputTokens ?? 0,
    imageInputTokens: script.imageInputTokens ?? 0,
    completionTokens: measured.completionTokens * choices,
    reasoningTokens: measured.reasoningTokens * choices,
    audioOutputTokens: audioOutputTokens * choices,
    serviceTier: script.serviceTier ?? null,
  }
  return {
    ...measured,
    id: `chatcmpl-${given.id}`,
    created: given.created,
    model: script.model ?? model,
    choices,
    includeUsage:
      mannerOf(script.dialect).unasked ||
      (isRecord(body.stream_options) && body.stream_options.include_usage === true),
    continuous: isContinuous(script.dialect, body.stream_options),
    audioOutputTokens,
    soundBytesPerToken: soundBytesPerToken(body),
    use,
    script,
  }
}

/** At 24 kHz of 16 bits a twentieth of a second has 2,400 bytes; what is compressed has a third of that. */
const soundBytesPerToken = ({ modalities, audio }: Record<string, unknown>): number | null => {
  if (!Array.isArray(modalities) || !modalities.includes('audio')) return null
  return isRecord(audio) && (audio.format === 'pcm16' || audio.format === 'wav') ? 2400 : 800
}

/** Words and the sound of so many tokens, as a message or a delta has them. */
const audioOf = ({ id, created }: ChatPlan, transcript: string, tokens: number, bytesEach: number) => ({
  content: null,
  audio: {
    id: `audio_${id}`,
    data: soundOf(tokens * bytesEach).toString('base64'),
    expires_at: created + 3600,
    transcript,
  },
})

const usageOf = ({ use }: ChatPlan) => ({
  prompt_tokens: use.promptTokens,
  completion_tokens: use.completionTokens,
  total_tokens: use.promptTokens + use.completionTokens,
  prompt_tokens_details: {
    cached_tokens: use.cachedTokens,
    audio_tokens: use.audioInputTokens,
    ...(use.imageInputTokens > 0 ? { image_tokens: use.imageInputTokens } : {}),
    ...(use.cacheWriteTokens > 0 ? { cache_write_tokens: use.cacheWriteTokens } : {}),
  },
  completion_tokens_details: {
    reasoning_tokens: use.reasoningTokens,
    audio_tokens: use.audioOutputTokens,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
})

const wordedUsage = (plan: ChatPlan) => mannerOf(plan.script.dialect).words(usageOf(plan))

const envelope = (plan: ChatPlan, object: string) => ({
  id: plan.id,
  object,
  created: plan.created,
  model: plan.model,
  ...(plan.script.serviceTier === undefined ? {} : { service_tier: plan.script.serviceTier }),
  system_fingerprint: null,
})

const message = (plan: ChatPlan): Record<string, unknown> => {
  const { script, text } = plan
  const { reasoning: named } = mannerOf(script.dialect)
  const reasoning = plan.reasoningText === '' ? {} : named(plan.reasoningText)
  const base = { role: 'assistant', content: null, refusal: null, ...reasoning }
  if (script.functionCall !== undefined) {
    return {
      ...base,
      function_call: { name: script.functionCall.name, arguments: script.functionCall.arguments },
    }
  }
  if (script.toolCalls !== undefined) {
    const calls = script.toolCalls.map((call, index) => ({
      id: call.id ?? `call_${index}_${plan.id}`,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    }))
    return { ...base, content: script.content ?? null, tool_calls: calls }
  }
  if (plan.soundBytesPerToken !== null) {
    return { ...base, ...audioOf(plan, text, plan.audioOutputTokens, plan.soundBytesPerToken) }
  }
  return script.refusal === undefined ? { ...base, content: text } : { ...base, refusal: text }
}

/** The answer to a request that did not ask for a stream, as JSON text. */
const chatCompletion = (plan: ChatPlan): string => {
  const choices = Array.from({ length: plan.choices }, (_, index) => ({
    index,
    message: message(plan),
    logprobs: null,
    finish_reason: finishReason(plan),
  }))
  const usage = reportedUsage(plan.script, wordedUsage(plan))
  return toJson(
    { ...envelope(plan, 'chat.completion'), choices, ...padding(plan.script), usage },
    plan.script,
  )
}

/** What one choice says, in pieces. */
const spokenDeltas = (plan: ChatPlan): Record<string, unknown>[] => {
  const { script } = plan
  const chunks = chunksOf(script)
  if (script.functionCall !== undefined) {
    const [first, ...rest] = pieces(script.functionCall.arguments, chunks)
    return [
      { function_call: { name: script.functionCall.name, arguments: first ?? '' } },
      ...rest.map((piece) => ({ function_call: { arguments: piece } })),
    ]
  }
  if (script.toolCalls !== undefined) {
    return script.toolCalls.flatMap((call, index) => {
      const id = call.id ?? `call_${index}_${plan.id}`
      const head = { index, id, type: 'function', function: { name: call.name, arguments: '' } }
      const tail = pieces(call.arguments, chunks).map((piece) => ({ index, function: { arguments: piece } }))
      return [head, ...tail].map((item) => ({ tool_calls: [item] }))
    })
  }
  const bytesEach = plan.soundBytesPerToken
  if (bytesEach !== null) {
    const tokens = spread(plan.audioOutputTokens, chunks)
    return pieces(plan.text, chunks).map((piece, i) => audioOf(plan, piece, tokens[i] ?? 0, bytesEach))
  }
  const field = script.refusal === undefined ? 'content' : 'refusal'
  return pieces(plan.text, chunks).map((piece) => ({ [field]: piece }))
}

/** The content deltas of one choice, in order: the reasoning that is shown, then what is said. */
const contentDeltas = (plan: ChatPlan): Delta[] => {
  const thought = plan.reasoningText === '' ? [] : pieces(plan.reasoningText, chunksOf(plan.script))
  const thoughtTokens = spread(plan.reasoningTokens, thought.length)
  const spoken = spokenDeltas(plan)
  const tokens = spread(plan.completionTokens - plan.reasoningTokens, spoken.length)
  const audio = spread(plan.audioOutputTokens, spoken.length)
  return [
    ...thought.map((piece, i) => ({
      delta: mannerOf(plan.script.dialect).reasoning(piece),
      tokens: thoughtTokens[i] ?? 0,
      reasoning: true,
      audioTokens: 0,
    })),
    ...spoken.map((delta, i) => ({
      delta,
      tokens: tokens[i] ?? 0,
      reasoning: false,
      audioTokens: audio[i] ?? 0,
    })),
  ]
}

/** What one choice sends in one chunk. */
type Chunk = Omit<WireEvent, 'text'> & Readonly<{ index: number; delta: unknown; finish: string | null }>

/** The chunks of a stream in order, choices interleaved. Hidden tokens are not in them. */
const chatChunks = (plan: ChatPlan): Chunk[] => {
  const all = Array.from({ length: plan.choices }, (_, index) => index)
  const silent = { tokens: 0, content: false }
  const role = { role: 'assistant', content: plan.script.functionCall ? null : '', refusal: null }
  return [
    ...all.map((index) => ({ ...silent, index, delta: role, finish: null })),
    ...contentDeltas(plan).flatMap(({ delta, tokens, reasoning, audioTokens }) =>
      all.map((index) => ({
        index,
        delta,
        finish: null,
        tokens,
        content: true,
        use: { reasoningTokens: reasoning ? tokens : 0, audioOutputTokens: audioTokens },
      })),
    ),
    ...all.map((index) => ({ ...silent, index, delta: {}, finish: finishReason(plan) })),
  ]
}

/** Tells what a chunk has beside its choice of usage, chunk by chunk. */
const tellBeside = (plan: ChatPlan): ((chunk: Chunk, isLast: boolean) => Record<string, unknown>) => {
  const { script } = plan
  const { told, nulls } = mannerOf(script.dialect)
  const running = new Map<number, number>()
  return ({ index, tokens }, isLast) => {
    const completionTokens = (running.get(index) ?? plan.hiddenTokens) + tokens
    running.set(index, completionTokens)
    if (!plan.includeUsage) return {}
    if (plan.continuous && script.noUsage !== true) {
      const { promptTokens } = plan.use
      const total_tokens = promptTokens + completionTokens
      return { usage: { prompt_tokens: promptTokens, total_tokens, completion_tokens: completionTokens } }
    }
    const usage = reportedUsage(script, wordedUsage(plan))
    if (told === 'beside' && isLast && usage !== undefined) return usageBeside(script.dialect, usage)
    return nulls ? { usage: null } : {}
  }
}

/** Every event of a stream in order, without `[DONE]`. */
const chatEvents = (plan: ChatPlan): WireEvent[] => {
  const { script } = plan
  const { told } = mannerOf(script.dialect)
  const base = envelope(plan, 'chat.completion.chunk')
  const beside = tellBeside(plan)
  const chunks = chatChunks(plan)
  const silent = (text: string): WireEvent => ({ text, tokens: 0, content: false })
  const events = [
    ...preludeOf(script.dialect, base).map(silent),
    ...chunks.map((chunk, at) => {
      const { index, delta, finish, ...billed } = chunk
      const choices = [{ index, delta, logprobs: null, finish_reason: finish }]
      const json = { ...base, choices, ...beside(chunk, at === chunks.length - 1) }
      return { ...billed, text: sseEvent(toJson(json, script)) }
    }),
  ]
  const usage = reportedUsage(script, wordedUsage(plan))
  if (plan.includeUsage && told !== 'beside' && usage !== undefined) {
    const delta = { role: 'assistant', content: '' }
    const choices = told === 'after' ? [{ index: 0, delta, finish_reason: null }] : []
    events.push(silent(sseEvent(toJson({ ...base, choices, usage }, script))))
  }
  return events
}

const longLine = (plan: ChatPlan, content: string): string => {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }]
  const { id, model } = plan
  return sseEvent(JSON.stringify({ id, object: 'chat.completion.chunk', model, choices }))
}

const answer = (plan: ChatPlan, stream: boolean): AnswerPlan => ({
  stream,
  use: plan.use,
  hiddenTokens: plan.hiddenTokens * plan.choices,
  contentType: stream ? EVENT_STREAM_TYPE : JSON_TYPE,
  whole: () => chatCompletion(plan),
  events: () => chatEvents(plan),
  closing: sseEvent('[DONE]'),
  errorEvent: sseEvent(JSON.stringify(errorBody(500))),
  longLine: (content) => longLine(plan, content),
})

const isResult = (message: Record<string, unknown>): boolean =>
  message.role === 'tool' || message.role === 'function'

/** `POST /chat/completions`, Azure's deployments too. */
export const chatWire: SimulatedWire = {
  id: 'chat-completions',
  matches: (method, path) => method === 'POST' && path === '/chat/completions',
  read: ({ raw, deployment }) => {
    const body = jsonBody(raw)
    if (body === null || !Array.isArray(body.messages)) return null
    const { script, key } = readScript(body.messages, (message) => (isResult(message) ? 1 : 0))
    const model = typeof body.model === 'string' ? body.model : (deployment ?? 'unknown')
    return {
      script,
      keys: [key, body.user, body.safety_identifier],
      model,
      plan: (given) => answer(planChat(body, script, model, given), body.stream === true),
    }
  },
  error: errorBody,
}
