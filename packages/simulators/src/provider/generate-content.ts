/** Gemini's wire, from a request and a script: what is said, what it costs, and the JSON or the stream events that say it. */
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
  spread,
  sseEvent,
  toJson,
} from './wire-kit.ts'

/** An answer before it is put on the wire. What is measured is one candidate's share; `use` is of all. */
type GeminiPlan = Measured &
  Readonly<{
    id: string
    model: string
    candidates: number
    imageOutputTokens: number
    use: Use
    script: Script
  }>

/** One piece of what a candidate says, and its part of the bill. */
type Piece = Readonly<{
  part: Record<string, unknown>
  tokens: number
  reasoning: boolean
  imageTokens: number
}>

const CALL = /^(?:\/v1beta)?\/models\/([^/]+):(generateContent|streamGenerateContent)$/
/** A picture of one pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const planAnswer = (
  config: Record<string, unknown>,
  script: Script,
  model: string,
  given: Given,
): GeminiPlan => {
  const measured = measure(script, count(config.maxOutputTokens) ?? count(config.max_output_tokens))
  const candidates = Math.max(1, count(config.candidateCount) ?? 1)
  const visible = measured.completionTokens - measured.reasoningTokens
  const imageOutputTokens = Math.min(script.imageOutputTokens ?? 0, visible)
  const use = {
    ...NO_USE,
    promptTokens: script.promptTokens ?? Math.ceil(given.bodyBytes / 4),
    cachedTokens: script.cachedTokens ?? 0,
    audioInputTokens: script.audioInputTokens ?? 0,
    cachedAudioInputTokens: script.cachedAudioInputTokens ?? 0,
    imageInputTokens: script.imageInputTokens ?? 0,
    completionTokens: measured.completionTokens * candidates,
    reasoningTokens: measured.reasoningTokens * candidates,
    imageOutputTokens: imageOutputTokens * candidates,
    serviceTier: script.serviceTier ?? null,
  }
  return {
    ...measured,
    id: given.id,
    model: script.model ?? model,
    candidates,
    imageOutputTokens,
    use,
    script,
  }
}

const detail = (modality: string, tokenCount: number) => (tokenCount > 0 ? [{ modality, tokenCount }] : [])

/** The running totals once so much has been written: all thoughts, and this many tokens of answers. */
const usageAfter = ({ use }: GeminiPlan, written: number, imageTokens: number) => {
  const { promptTokens, cachedTokens, cachedAudioInputTokens: cachedAudio, reasoningTokens } = use
  const cached = cachedTokens + cachedAudio
  const audio = use.audioInputTokens + cachedAudio
  const text = promptTokens - audio - use.imageInputTokens
  return {
    promptTokenCount: promptTokens,
    ...(written > 0 ? { candidatesTokenCount: written } : {}),
    totalTokenCount: promptTokens + written + reasoningTokens,
    promptTokensDetails: [
      ...detail('TEXT', text),
      ...detail('AUDIO', audio),
      ...detail('IMAGE', use.imageInputTokens),
    ],
    ...(cached > 0 ? { cachedContentTokenCount: cached } : {}),
    ...(cached > 0
      ? { cacheTokensDetails: [...detail('TEXT', cachedTokens), ...detail('AUDIO', cachedAudio)] }
      : {}),
    ...(imageTokens > 0 ? { candidatesTokensDetails: detail('IMAGE', imageTokens) } : {}),
    ...(reasoningTokens > 0 ? { thoughtsTokenCount: reasoningTokens } : {}),
    ...(use.serviceTier === null ? {} : { serviceTier: use.serviceTier }),
  }
}

const wholeUsage = (plan: GeminiPlan) =>
  usageAfter(plan, plan.use.completionTokens - plan.use.reasoningTokens, plan.use.imageOutputTokens)

const argumentsOf = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return { raw: json }
  }
}

const spokenParts = ({ script, text }: GeminiPlan, chunks: number): Record<string, unknown>[] => {
  if (script.toolCalls !== undefined) {
    return script.toolCalls.map(({ id, name, arguments: given }) => ({
      functionCall: { ...(id === undefined ? {} : { id }), name, args: argumentsOf(given) },
    }))
  }
  return pieces(text, chunks).map((piece) => ({ text: piece }))
}

/** What one candidate says, in order: the thoughts that are shown, what is said, and a picture if there is one. */
const piecesOf = (plan: GeminiPlan, chunks: number): Piece[] => {
  const thought = plan.reasoningText === '' ? [] : pieces(plan.reasoningText, chunks)
  const thoughtTokens = spread(plan.reasoningTokens, thought.length)
  const spoken = spokenParts(plan, chunks)
  const said = plan.completionTokens - plan.reasoningTokens - plan.imageOutputTokens
  const tokens = spread(said, spoken.length)
  const drawn = plan.imageOutputTokens
  return [
    ...thought.map((piece, i) => ({
      part: { text: piece, thought: true },
      tokens: thoughtTokens[i] ?? 0,
      reasoning: true,
      imageTokens: 0,
    })),
    ...spoken.map((part, i) => ({ part, tokens: tokens[i] ?? 0, reasoning: false, imageTokens: 0 })),
    ...(drawn > 0
      ? [
          {
            part: { inlineData: { mimeType: 'image/png', data: PIXEL } },
            tokens: drawn,
            reasoning: false,
            imageTokens: drawn,
          },
        ]
      : []),
  ]
}

const finishReason = ({ capped }: GeminiPlan): string => (capped ? 'MAX_TOKENS' : 'STOP')

const envelope = ({ model, id }: GeminiPlan) => ({ modelVersion: model, responseId: id })

const wholeAnswer = (plan: GeminiPlan): string => {
  const parts = piecesOf(plan, 1).map(({ part }) => part)
  const candidates = Array.from({ length: plan.candidates }, (_, index) => ({
    content: { parts, role: 'model' },
    finishReason: finishReason(plan),
    index,
  }))
  const usageMetadata = reportedUsage(plan.script, wholeUsage(plan))
  return toJson({ candidates, ...padding(plan.script), usageMetadata, ...envelope(plan) }, plan.script)
}

/** Every event of a stream in order, candidates interleaved; each has the totals so far, and the last the reason. */
const streamEvents = (plan: GeminiPlan): WireEvent[] => {
  const all = Array.from({ length: plan.candidates }, (_, index) => index)
  let written = 0
  let drawn = 0
  const event = (index: number, parts: unknown[], reason: string | undefined, isLast: boolean) => {
    const totals = usageAfter(plan, written, drawn)
    // A script's own usage is told once, where it counts.
    const isSilent = plan.script.usage !== undefined && !isLast
    const usageMetadata = isSilent ? undefined : reportedUsage(plan.script, totals)
    const candidate = { content: { parts, role: 'model' }, finishReason: reason, index }
    return sseEvent(toJson({ candidates: [candidate], usageMetadata, ...envelope(plan) }, plan.script))
  }
  const contents = piecesOf(plan, chunksOf(plan.script)).flatMap(({ part, tokens, reasoning, imageTokens }) =>
    all.map((index) => {
      if (!reasoning) written += tokens
      drawn += imageTokens
      const use = { reasoningTokens: reasoning ? tokens : 0, imageOutputTokens: imageTokens }
      return { text: event(index, [part], undefined, false), tokens, content: true, use }
    }),
  )
  const ends = all.map((index) => ({
    text: event(index, [{ text: '' }], finishReason(plan), index === plan.candidates - 1),
    tokens: 0,
    content: false,
  }))
  return [...contents, ...ends]
}

const answer = (plan: GeminiPlan, stream: boolean): AnswerPlan => ({
  stream,
  use: plan.use,
  hiddenTokens: plan.hiddenTokens * plan.candidates,
  contentType: stream ? EVENT_STREAM_TYPE : JSON_TYPE,
  whole: () => wholeAnswer(plan),
  events: () => streamEvents(plan),
  closing: '',
  errorEvent: sseEvent(JSON.stringify(errorBody(503))),
  longLine: (content) => {
    const candidates = [{ content: { parts: [{ text: content }], role: 'model' }, index: 0 }]
    return sseEvent(JSON.stringify({ candidates, ...envelope(plan) }))
  },
})

const KINDS: Readonly<Record<number, readonly [status: string, message: string]>> = {
  400: ['INVALID_ARGUMENT', 'Request contains an invalid argument.'],
  401: ['UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
  403: ['PERMISSION_DENIED', 'Your project has been denied access.'],
  404: ['NOT_FOUND', 'models/unknown is not found for API version v1beta.'],
  429: ['RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).'],
  500: ['INTERNAL', 'An internal error has occurred.'],
  503: ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
}

/** Gemini's error body: `{ error: { code, message, status } }`. A code overrides the usual status. */
const errorBody = (status: number, code?: string) => {
  const [usual, message] = KINDS[status] ?? ['UNKNOWN', `Simulated answer ${status}.`]
  const badKey = code === 'API_KEY_INVALID'
  return {
    error: {
      code: status,
      message: badKey ? 'API key not valid. Please pass a valid API key.' : message,
      status: badKey ? usual : (code ?? usual),
    },
  }
}

const resultsIn = ({ parts }: Record<string, unknown>): number =>
  Array.isArray(parts) ? parts.filter((part) => isRecord(part) && isRecord(part.functionResponse)).length : 0

/** `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent?alt=sse`. */
export const geminiWire: SimulatedWire = {
  id: 'generate-content',
  matches: (method, path) => method === 'POST' && CALL.test(path),
  read: ({ raw, path, query }) => {
    const [, model = 'unknown', method] = CALL.exec(path) ?? []
    const body = jsonBody(raw)
    const stream = method === 'streamGenerateContent'
    if (body === null || !Array.isArray(body.contents) || (stream && query.get('alt') !== 'sse')) return null
    const config = body.generationConfig ?? body.generation_config
    const { script, key } = readScript(body.contents, resultsIn)
    return {
      script,
      keys: [key],
      model: decodeURIComponent(model),
      plan: (given) =>
        answer(planAnswer(isRecord(config) ? config : {}, script, decodeURIComponent(model), given), stream),
    }
  },
  error: errorBody,
}
