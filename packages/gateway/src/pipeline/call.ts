/** What one request carries through the pipeline, and what the pipeline needs to carry it. */

import type { Catalog, Model } from '../core/catalog.ts'
import type { ReserveReply } from '../core/command.ts'
import type { Ended } from '../core/entry.ts'
import type { IdempotencyKey } from '../core/idempotency.ts'
import type {
  Authenticate,
  Clock,
  Endpoint,
  Fetch,
  Identity,
  ModelRequest,
  Provider,
  Store,
  Tap,
} from '../ports.ts'
import type { OpenOutlet } from './outlet.ts'

export type Log = (level: 'info' | 'warn' | 'error', event: string, facts: Record<string, unknown>) => void

export type PipelineSettings = {
  unknownParameters: 'refuse' | 'drop'
  body: { bytesMax: number; timeoutMs: number }
  /** The same for requests that carry a file. */
  upload: { bytesMax: number; timeoutMs: number }
  /** How long the upstream may take: to its headers, between two chunks, and in all. */
  timeouts: { headersMs: number; idleMs: number; totalMs: number }
  /** How many answers are read to their end for clients that left, and how long each. */
  drain: { concurrentMax: number; timeMs: number }
  /** Whether answers are kept for a day, for repeats of their Idempotency-Keys. */
  idempotency: { storeAnswers: boolean }
}

/** Everything that the pipeline is given; made once at start. */
export type Pipeline = {
  catalog: Catalog
  store: Store
  providers: ReadonlyMap<string, Provider>
  authenticate: Authenticate
  settings: PipelineSettings
  /** The time of day, for the books. */
  clock: Clock
  /** A clock that never jumps, for durations. */
  steadyClock: Clock
  fetch: Fetch
  sha256: (text: string) => string | Promise<string>
  openOutlet: OpenOutlet
  log: Log
  /** Drains under way in this process. */
  drains: { count: number }
  /** Begins an auto top-up of an account that asked for one; null where nothing is sold. Never throws. */
  topUp: ((accountId: string) => Promise<void>) | null
}

/** One request as the HTTP layer hands it over. */
export type Call = {
  request: Request
  endpoint: Endpoint
  /** The model that the path names, on wires that name it there. */
  model: string | null
  requestId: string
  /** Keeps the runtime from ending this work with the request. */
  waitUntil(work: Promise<unknown>): void
}

/** What a request asks, and the Idempotency-Key that it came with, if any. */
export type Asked = { ask: ModelRequest; idempotency: IdempotencyKey | null }

/** A request that has been admitted: its credits are held. */
export type Admitted = Asked & {
  identity: Identity
  model: Model
  provider: Provider
  reply: ReserveReply
}

/** A request on its way: the admission, its tap, and what the evidence rests on. Changed as the answer passes. */
export type Dispatch = Admitted & {
  call: Call
  tap: Tap
  startedAt: number
  /** When the first visible output came; both on the steady clock. */
  firstOutputAt: number | null
  /** Whether the provider's answer came to its proper end, so that its usage is final. */
  whole: boolean
  /** Whether the client has gone. */
  left: boolean
  /** How it ended, once that was settled. */
  ended: Ended | null
  /** Why the upstream was stopped before its end, if it was. */
  stopped: StopReason | null
  controller: AbortController
}

/** `left`: nobody reads on. The others are timeouts of the upstream, in the order of design section 3. */
export type StopReason = 'left' | 'headers' | 'idle' | 'total' | 'invalid'

/** What an unknown error may say in a log: its name, never its text, which may quote a secret or a prompt. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
