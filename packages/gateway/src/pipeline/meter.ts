/**
 * The eager pump: reads the provider's stream, hands the bytes on as they came, and reads usage off them. It is
 * driven by the upstream alone, so that it settles whether or not anybody reads: settlement that hangs on a client's
 * pull or cancel was seen to be lost.
 */
import type { EndReply } from '../core/command.ts'
import type { Ended } from '../core/entry.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import type { EventKind, Receipt, Tap } from '../ports.ts'
import { answerHeaders, receiptComment, receiptOf } from './answer.ts'
import { type Dispatch, nameOf, type Pipeline } from './call.ts'
import { scrubFailure } from './forward.ts'
import type { Outlet } from './outlet.ts'
import { settle } from './settle.ts'
import { createSseFramer, type SseEvent } from './sse.ts'
import type { Watch } from './watch.ts'

const encoder = new TextEncoder()
const SPACE = 0x20
const OPENING_BRACKET = 0x5b
const OPENING_BRACE = 0x7b
const blankLine = encoder.encode('\n\n')

/** The longest tokens of the vocabularies in use are runs of 128 spaces. */
const BYTES_PER_TOKEN_MAX = 128

/** How long to wait, after the last event, for the connection to end so that it can be used again, in ms. */
const REST_MS = 1000

/** One stream on its way to the client. */
type Relay = {
  pipeline: Pipeline
  dispatch: Dispatch
  watch: Watch
  outlet: Outlet
  /** The usage frame, kept back until the charge is known. */
  usageFrame: SseEvent | null
  /** Whether the stream's last event shows usage, and so carries the receipt. */
  lastShowsUsage: boolean
}

/** How a stream came to its end. `failure` is told to the client as one error event. */
type StreamEnd = { ended: Ended; last: SseEvent | null; failure: Refusal | null }

/** Starts the pump and returns the answer that it fills. `headers` of the contract go first. */
export function stream(
  pipeline: Pipeline,
  dispatch: Dispatch,
  watch: Watch,
  upstream: ReadableStream<Uint8Array>,
): Response {
  const outlet = pipeline.openOutlet(watch.left)
  const relay: Relay = { pipeline, dispatch, watch, outlet, usageFrame: null, lastShowsUsage: false }
  dispatch.call.waitUntil(pumpSafely(relay, upstream.getReader()))
  const headers = {
    ...answerHeaders(pipeline, dispatch),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  }
  return new Response(outlet.readable, { headers })
}

/** A fault of ours must not leave a client waiting: it ends the stream, and the lease settles the hold. */
async function pumpSafely(relay: Relay, reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const { pipeline, dispatch, watch, outlet } = relay
  watch.onStop(() => void reader.cancel().catch(() => {}))
  watch.onLeft(outlet.abort)
  try {
    await pump(relay, reader)
  } catch (error) {
    pipeline.log('error', 'stream_failed', { requestId: dispatch.call.requestId, error: nameOf(error) })
    dispatch.controller.abort()
    outlet.abort()
  }
  watch.end()
}

async function pump(relay: Relay, reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const { dispatch } = relay
  const end = await relayEvents(relay, reader)
  const reply = await settle(relay.pipeline, dispatch, dispatch.left ? 'stopped' : end.ended)
  await finish(relay, end, reply)
  await readRest(dispatch, reader)
}

/** Relays events until the stream ends, breaks, is stopped or cannot be understood. */
async function relayEvents(
  relay: Relay,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<StreamEnd> {
  const { dispatch, watch } = relay
  const framer = createSseFramer(dispatch.call.endpoint.eventBytesMax)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (dispatch.stopped !== null) return stoppedEnd(dispatch)
      if (done) break
      watch.active()
      const { events, overflow } = framer.push(value)
      const { passing, end } = sift(relay, events)
      for (const bytes of passing) await write(relay, bytes)
      if (end) return end
      if (overflow) return invalidEnd(watch)
    }
  } catch {
    return dispatch.stopped === null ? brokenEnd() : stoppedEnd(dispatch)
  }
  const rest = framer.rest()
  const { passing, end } = sift(relay, rest ? [rest] : [])
  // What is told next must not run on from an event that was left unfinished.
  if (passing.length > 0) passing.push(blankLine)
  for (const bytes of passing) await write(relay, bytes)
  if (end === null && dispatch.tap.ended?.() === false) return brokenEnd()
  dispatch.whole = true
  return end ?? { ended: 'complete', last: null, failure: null }
}

/** What of a chunk goes on at once, in as few pieces as it came in, and how the stream ends if it ends in it. */
type Sifted = { passing: Uint8Array[]; end: StreamEnd | null }

/** Shows the tap each event, and keeps back what must wait for the charge. */
function sift(relay: Relay, events: SseEvent[]): Sifted {
  const { dispatch, watch } = relay
  const { tap } = dispatch
  const passing: Uint8Array[] = []
  for (const event of events) {
    const kind = kindOf(tap, event)
    if (dispatch.firstOutputAt === null && tap.started())
      dispatch.firstOutputAt = relay.pipeline.steadyClock()
    if (kind === 'pass') {
      append(passing, event.bytes)
    } else if (kind === 'running') {
      passing.push(withoutUsage(relay, event))
    } else if (kind === 'usage') {
      // Where several come, the last counts; who did not ask sees none.
      if (relay.usageFrame && dispatch.ask.includeUsage) append(passing, relay.usageFrame.bytes)
      relay.usageFrame = event
    } else if (kind === 'done' || kind === 'last' || kind === 'failed') {
      dispatch.whole = true
      if (kind !== 'done') relay.lastShowsUsage = true
      if (kind !== 'failed') return { passing, end: { ended: 'complete', last: event, failure: null } }
      return { passing, end: { ended: 'error', last: scrubbed(dispatch, event), failure: null } }
    } else {
      return { passing, end: kind === 'invalid' ? invalidEnd(watch) : errorEnd() }
    }
    if ((kind === 'pass' || kind === 'running') && hasOutrun(dispatch)) return { passing, end: cutEnd(relay) }
  }
  return { passing, end: null }
}

/** An event without data is of no matter. Bare JSON is no event but an error, as Gemini may send it. */
function kindOf(tap: Tap, { bytes, data, event }: SseEvent): EventKind {
  const first = bytes.find((byte) => byte > SPACE)
  if (first === OPENING_BRACE || first === OPENING_BRACKET) return 'error'
  return data === null ? 'pass' : tap.event(data, event)
}

/**
 * Whether the provider has surely written more than it was allowed: by its own count, or because no tokenizer makes
 * so few tokens of so many bytes.
 */
function hasOutrun({ tap, reply: { hold } }: Dispatch): boolean {
  const cap = hold.outputTokensMax * hold.choices
  const reading = tap.usage()
  if (reading && !reading.invalid && reading.usage.outputTokens > cap) return true
  return tap.outputTokensSeen() > cap * BYTES_PER_TOKEN_MAX
}

/** Adds a slice, joined to the last one where they are neighbours in one buffer. */
function append(slices: Uint8Array[], next: Uint8Array): void {
  const last = slices.at(-1)
  if (last?.buffer === next.buffer && last.byteOffset + last.byteLength === next.byteOffset) {
    slices[slices.length - 1] = new Uint8Array(
      last.buffer,
      last.byteOffset,
      last.byteLength + next.byteLength,
    )
  } else slices.push(next)
}

/** Hands bytes to the client; null where there is room, so that nobody need wait. */
function write({ dispatch, watch, outlet }: Relay, bytes: Uint8Array): Promise<void> | null {
  if (dispatch.left) return null
  const room = outlet.write(bytes)
  if (room === null) return null
  watch.writing(true)
  return room.then(() => watch.writing(false))
}

/** Writes what was kept back: usage with its receipt, or the receipt alone, and the provider's last event. */
async function finish(relay: Relay, end: StreamEnd, reply: EndReply | null): Promise<void> {
  const { dispatch, usageFrame, lastShowsUsage, outlet } = relay
  if (dispatch.left) return
  const { wire } = dispatch.call.endpoint
  const receipt = reply && receiptOf(reply)
  const isFrameShown = usageFrame !== null && dispatch.ask.includeUsage
  if (isFrameShown) await write(relay, withReceipt(relay, usageFrame, receipt))
  else if (receipt && wire.comments && !lastShowsUsage) {
    await write(relay, encoder.encode(receiptComment(receipt)))
  }
  if (end.failure) await write(relay, encoder.encode(wire.errorEvent(end.failure)))
  if (end.last) await write(relay, lastShowsUsage ? withReceipt(relay, end.last, receipt) : end.last.bytes)
  await outlet.close()
}

/** An event with the receipt in its usage; as it came where there is none to show. */
function withReceipt({ dispatch }: Relay, event: SseEvent, receipt: Receipt | null): Uint8Array {
  if (receipt === null || event.data === null) return event.bytes
  return printed(event, dispatch.call.endpoint.withReceipt(event.data, receipt))
}

function withoutUsage({ dispatch }: Relay, event: SseEvent): Uint8Array {
  const { endpoint } = dispatch.call
  if (event.data === null || !endpoint.withoutUsage) return event.bytes
  return printed(event, endpoint.withoutUsage(event.data))
}

/** An event that tells of a failure, without names of the operator's account. */
function scrubbed(dispatch: Dispatch, event: SseEvent): SseEvent {
  if (event.data === null) return event
  const data = scrubFailure(dispatch, event.data)
  return data === event.data ? event : { ...event, data, bytes: printed(event, data) }
}

/** An event with other data, which may have several lines. */
function printed({ event }: SseEvent, data: string): Uint8Array {
  const name = event === null ? '' : `event: ${event}\n`
  return encoder.encode(`${name}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`)
}

/** Reads a connection that has said its last word to its end, so that the runtime can keep it. */
async function readRest(dispatch: Dispatch, reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  if (!dispatch.whole) {
    dispatch.controller.abort()
    return
  }
  const timer = setTimeout(() => dispatch.controller.abort(), REST_MS)
  try {
    while (!(await reader.read()).done);
  } catch {
    // The answer is complete and charged; how its connection ends is of no matter.
  }
  clearTimeout(timer)
}

function stoppedEnd({ stopped }: Dispatch): StreamEnd {
  if (stopped === 'left') return { ended: 'stopped', last: null, failure: null }
  const message = 'The model provider stopped answering in time. What had arrived was charged.'
  return { ended: 'error', last: null, failure: refusal('upstream_timeout', message) }
}

function brokenEnd(): StreamEnd {
  const message = 'The connection to the model provider broke off. What had arrived was charged.'
  return { ended: 'error', last: null, failure: refusal('upstream_error', message) }
}

function errorEnd(): StreamEnd {
  const message = 'The model provider ended its answer with an error. What had arrived was charged.'
  return { ended: 'error', last: null, failure: refusal('upstream_error', message) }
}

function cutEnd({ pipeline, dispatch, watch }: Relay): StreamEnd {
  const { id, outputTokensMax } = dispatch.reply.hold
  pipeline.log('error', 'output_cap_exceeded', { requestId: id, model: dispatch.model.id, outputTokensMax })
  watch.stop('invalid')
  const message = `The model provider wrote more than the ${outputTokensMax} tokens that it was allowed; the answer was cut there.`
  return { ended: 'cut', last: null, failure: refusal('upstream_invalid', message) }
}

function invalidEnd(watch: Watch): StreamEnd {
  watch.stop('invalid')
  const message = 'The model provider sent something that is no valid stream. What had arrived was charged.'
  return { ended: 'error', last: null, failure: refusal('upstream_invalid', message) }
}
