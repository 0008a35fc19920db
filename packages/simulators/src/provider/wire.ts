/**
 * What a wire is to the scripted provider: which requests it answers, how it reads one, and the answer it plans.
 * A wire is one file and one line in `wires.ts`. Sending, faults and the bill are the same for all (`send.ts`).
 */
import { type Script } from './script.ts'

/**
 * Everything that one request is billed for. Input figures other than `promptTokens` are parts of it and do not
 * overlap; so are output figures of `completionTokens`. What a wire cannot show stays 0.
 */
export type Use = Readonly<{
  /** All input, cached and written to a cache included. */
  promptTokens: number
  /** Read from a cache; without audio. */
  cachedTokens: number
  /** Written to a cache of the usual length. */
  cacheWriteTokens: number
  longCacheWriteTokens: number
  /** Without what was read from a cache. */
  audioInputTokens: number
  cachedAudioInputTokens: number
  imageInputTokens: number
  /** The length of the audio sent. */
  audioSeconds: number
  /** Characters to be spoken. */
  characters: number
  /** All output: all choices together, hidden reasoning included. */
  completionTokens: number
  reasoningTokens: number
  audioOutputTokens: number
  imageOutputTokens: number
  /** Calls of tools that the provider itself ran. */
  toolCalls: number
  /** The tier named in the answer. */
  serviceTier: string | null
}>

/** The part of a use that grows while an answer is written. The rest is owed once answering begins. */
export type OutputUse = Pick<
  Use,
  'completionTokens' | 'reasoningTokens' | 'audioOutputTokens' | 'imageOutputTokens' | 'toolCalls'
>

/** No use at all, for a wire to spread under its own figures. */
export const NO_USE: Use = {
  promptTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  longCacheWriteTokens: 0,
  audioInputTokens: 0,
  cachedAudioInputTokens: 0,
  imageInputTokens: 0,
  audioSeconds: 0,
  characters: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  toolCalls: 0,
  serviceTier: null,
}

/** A request as a wire reads it. Header names are lower case. */
export type WireRequest = Readonly<{
  raw: Buffer
  /** Without a leading /v1, Azure's `/openai/v1` or `/openai/deployments/{name}`, and without the query. */
  path: string
  query: URLSearchParams
  headers: Readonly<Record<string, string>>
  /** The name in a path of Azure's, by which it names the model. */
  deployment: string | null
}>

/** What a wire is told of the answer it plans: its id, the time in seconds, and the request's size. */
export type Given = Readonly<{ id: string; created: number; bodyBytes: number }>

/** One event of a stream. The figures of all of them and `hiddenTokens` together are the plan's output. */
export type WireEvent = Readonly<{
  /** All of it as sent, with its `event:` line where the wire has one and the blank line. */
  text: string
  /** Added to `completionTokens` once written. */
  tokens: number
  /** A piece of the answer: what `chunkDelayMs` waits before, and `afterChunks` counts. */
  content: boolean
  /** The other output figures, billed once written; of `tokens` they are parts, they do not add to them. */
  use?: Partial<Omit<OutputUse, 'completionTokens'>>
}>

/** A whole answer, decided before its first byte. */
export type AnswerPlan = Readonly<{
  stream: boolean
  /** Everything billed for the whole answer. */
  use: Use
  /** The part of `use.reasoningTokens` that no event of a stream shows: thought before its first chunk. */
  hiddenTokens: number
  /** Of the answer that is sent, whether a stream or not. */
  contentType: string
  /** The answer where no stream is asked for. Text goes out at once; bytes in `script.chunks` writes. */
  whole: () => string | Buffer
  /** A stream's events in order, without `closing`. */
  events: () => WireEvent[]
  /** What ends a stream: `data: [DONE]` with its blank line, or ''. */
  closing: string
  /** The whole event that a failing stream ends with (`script.errorEvent`). */
  errorEvent: string
  /** A whole event with that content, for `script.longLine`. */
  longLine: (content: string) => string
}>

/** A request that was understood. */
export type Reading = Readonly<{
  script: Script
  /** The names that `billFor` shall know it by; what is no string, or empty, is passed over. */
  keys: readonly unknown[]
  model: string
  plan: (given: Given) => AnswerPlan
}>

export type SimulatedWire = Readonly<{
  id: string
  /** `path` as in `WireRequest`. */
  matches: (method: string, path: string) => boolean
  /** Null for what makes no sense: it is answered 400. */
  read: (request: WireRequest) => Reading | null | Promise<Reading | null>
  /** This wire's error body for a status; `code` overrides the usual one. */
  error: (status: number, code?: string) => unknown
}>
