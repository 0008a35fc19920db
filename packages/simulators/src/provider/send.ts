/** Puts an answer on the wire as its script says, faults included, and keeps the bill while it goes out. */
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { aborted, wait } from './http.ts'
import { type Script } from './script.ts'
import { type AnswerPlan, type OutputUse, type SimulatedWire, type Use, type WireEvent } from './wire.ts'
import { chunksOf, JSON_TYPE } from './wire-kit.ts'

/** The part of a bill that changes while an answer goes out. */
export type RunningBill = { -readonly [Figure in keyof Use]: Use[Figure] } & {
  status: number
  complete: boolean
}

/** One request being answered. `gone` aborts when its connection closes. */
export type Exchange = Readonly<{
  request: IncomingMessage
  response: ServerResponse
  wire: SimulatedWire
  script: Script
  bill: RunningBill
  gone: AbortSignal
  headers: Readonly<Record<string, string>>
}>

const BOMB_BYTES = 64 * 1024 * 1024
const NO_OUTPUT: OutputUse = {
  completionTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  toolCalls: 0,
}

/** Resets where the runtime can (Node), else closes (Bun). */
const destroy = ({ request }: Exchange) => {
  const { socket } = request
  if (typeof socket.resetAndDestroy === 'function') socket.resetAndDestroy()
  else socket.destroy()
}

/** Writes and waits for room. False when the connection has gone. */
const write = async (exchange: Exchange, bytes: string | Buffer): Promise<boolean> => {
  const { response, gone } = exchange
  if (gone.aborted) return false
  if (!response.write(bytes)) {
    await Promise.race([new Promise<void>((resolve) => response.once('drain', resolve)), aborted(gone)])
  }
  return !gone.aborted
}

const end = (exchange: Exchange, bytes: string | Buffer | undefined): Promise<boolean> => {
  const { response, gone } = exchange
  // A connection that went before this says so no more.
  if (gone.aborted) return Promise.resolve(response.writableFinished)
  return new Promise((resolve) => {
    gone.addEventListener('abort', () => resolve(response.writableFinished), { once: true })
    response.end(bytes, () => resolve(true))
  })
}

/** Refusals and literal bodies. Nothing is billed for them. */
export const sendPlain = async (exchange: Exchange): Promise<void> => {
  const { script, response, bill, wire } = exchange
  const status = script.status ?? (script.redirect === undefined ? 200 : 307)
  const body = script.body ?? (script.redirect === undefined ? wire.error(status, script.errorCode) : '')
  bill.status = status
  response.writeHead(status, {
    'content-type': JSON_TYPE,
    ...(script.redirect === undefined ? {} : { location: script.redirect }),
    ...(status === 429 && script.errorCode === undefined ? { 'retry-after': '2' } : {}),
    ...exchange.headers,
  })
  bill.complete = await end(exchange, typeof body === 'string' ? body : JSON.stringify(body))
}

/** Owed once answering begins: the input, and nothing yet of the output. */
const billInput = (bill: RunningBill, { use }: AnswerPlan) => {
  Object.assign(bill, use, NO_OUTPUT)
}

const billWhole = (bill: RunningBill, { use }: AnswerPlan) => {
  Object.assign(bill, use)
}

const billEvent = (bill: RunningBill, { tokens, use = {} }: WireEvent) => {
  bill.completionTokens += tokens
  bill.reasoningTokens += use.reasoningTokens ?? 0
  bill.audioOutputTokens += use.audioOutputTokens ?? 0
  bill.imageOutputTokens += use.imageOutputTokens ?? 0
  bill.toolCalls += use.toolCalls ?? 0
}

/** Waits while the model thinks; who leaves meanwhile owes that share of the thinking. */
const think = async ({ bill, gone }: Exchange, plan: AnswerPlan, ms: number): Promise<boolean> => {
  // Before a whole answer everything is thought, also what it will show.
  const hidden = plan.stream ? plan.hiddenTokens : plan.use.reasoningTokens
  const started = performance.now()
  await wait(ms, gone)
  const share = gone.aborted ? Math.min(1, (performance.now() - started) / Math.max(1, ms)) : 1
  bill.reasoningTokens = Math.floor(hidden * share)
  bill.completionTokens = bill.reasoningTokens
  return !gone.aborted
}

/** Answers a request. The bill is whole once this returns. */
export const sendAnswer = async (exchange: Exchange, plan: AnswerPlan): Promise<void> => {
  const { script, bill, gone } = exchange
  if (script.reset === 'beforeHeaders') return destroy(exchange)
  billInput(bill, plan)
  if (script.hang === 'headers') await aborted(gone)
  else if (plan.stream) {
    await wait(script.headersDelayMs ?? 0, gone)
    await sendStream(exchange, plan)
  } else if (await think(exchange, plan, script.headersDelayMs ?? 0)) await sendWhole(exchange, plan)
  if (script.billsInFull === true) billWhole(bill, plan)
}

const zipped = (script: Script, bytes: string | Buffer): Buffer =>
  gzipSync(script.gzip === 'bomb' ? Buffer.alloc(BOMB_BYTES, 0x20) : bytes)

const sendWhole = async (exchange: Exchange, plan: AnswerPlan): Promise<void> => {
  const { script, bill } = exchange
  // The model has written it all before the first byte leaves.
  billWhole(bill, plan)
  const whole = plan.whole()
  const sent =
    script.badJson === true && typeof whole === 'string'
      ? whole.slice(0, Math.floor(whole.length / 2))
      : whole
  if (script.gzip !== undefined) return sendMeasured(exchange, plan, zipped(script, sent))
  return typeof sent === 'string'
    ? sendMeasured(exchange, plan, Buffer.from(sent))
    : sendBytes(exchange, plan, sent)
}

/** An answer whose length is announced. */
const sendMeasured = async (exchange: Exchange, plan: AnswerPlan, bytes: Buffer): Promise<void> => {
  const { script, response, bill, gone } = exchange
  response.writeHead(200, {
    'content-type': plan.contentType,
    'content-length': String(bytes.length),
    ...(script.gzip === undefined ? {} : { 'content-encoding': 'gzip' }),
    ...exchange.headers,
  })
  if (script.reset !== 'mid' && script.hang !== 'mid') {
    bill.complete = await end(exchange, bytes)
    return
  }
  await write(exchange, bytes.subarray(0, Math.floor(bytes.length / 2)))
  // Lets the first half leave before the connection goes.
  await wait(20, gone)
  if (script.reset === 'mid') destroy(exchange)
  else await aborted(gone)
}

/** Sound and the like: as many writes as a stream has chunks, of a length that nobody announced. */
const sendBytes = async (exchange: Exchange, plan: AnswerPlan, bytes: Buffer): Promise<void> => {
  const { script, response, bill, gone } = exchange
  response.writeHead(200, { 'content-type': plan.contentType, ...exchange.headers })
  response.flushHeaders()
  const chunks = chunksOf(script)
  const mid = script.afterChunks ?? Math.floor(chunks / 2)
  const at = (chunk: number) => Math.floor((chunk * bytes.length) / chunks)
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    if (chunk === mid && !(await sendFault(exchange, plan))) return
    await wait(script.chunkDelayMs ?? 0, gone)
    if (!(await sendPieces(exchange, bytes.subarray(at(chunk), at(chunk + 1))))) return
  }
  if (mid >= chunks && !(await sendFault(exchange, plan))) return
  bill.complete = await end(exchange, undefined)
}

/** What happens at `mid`. Returns false when the stream is over with it. */
const sendFault = async (exchange: Exchange, plan: AnswerPlan): Promise<boolean> => {
  const { script, gone } = exchange
  if (script.longLine !== undefined) {
    return write(exchange, plan.longLine('x'.repeat(script.longLine)))
  }
  if (script.badSse !== undefined && script.badSse !== false) {
    return write(exchange, script.badSse === true ? 'data: {"id": this is not JSON\n\n' : script.badSse)
  }
  if (script.errorEvent === true) {
    await write(exchange, plan.errorEvent)
  } else if (script.hang === 'mid') {
    await aborted(gone)
    return false
  } else if (script.reset === 'mid') {
    await wait(20, gone)
    destroy(exchange)
    return false
  } else if (script.cutShort !== true) return true
  await end(exchange, undefined)
  return false
}

const sendPieces = async (exchange: Exchange, sent: string | Buffer): Promise<boolean> => {
  const size = exchange.script.splitEvery
  if (size === undefined) return write(exchange, sent)
  const bytes = Buffer.from(sent)
  for (let from = 0; from < bytes.length; from += size) {
    if (!(await write(exchange, bytes.subarray(from, from + size)))) return false
    // A turn of the event loop, so that the pieces leave as separate writes.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return true
}

const sendEvent = async (exchange: Exchange, event: WireEvent): Promise<boolean> => {
  if (event.content) await wait(exchange.script.chunkDelayMs ?? 0, exchange.gone)
  if (!(await sendPieces(exchange, event.text))) return false
  billEvent(exchange.bill, event)
  return true
}

const sendZippedStream = async (exchange: Exchange, plan: AnswerPlan): Promise<void> => {
  billWhole(exchange.bill, plan)
  const events = plan.events().map((event) => event.text)
  const text = events.join('') + plan.closing
  exchange.bill.complete = await end(exchange, zipped(exchange.script, text))
}

const sendStream = async (exchange: Exchange, plan: AnswerPlan): Promise<void> => {
  const { script, response, bill, gone } = exchange
  if (gone.aborted) return
  response.writeHead(200, {
    'content-type': plan.contentType,
    'cache-control': 'no-cache',
    ...(script.gzip === undefined ? {} : { 'content-encoding': 'gzip' }),
    ...exchange.headers,
  })
  response.flushHeaders()
  if (!(await think(exchange, plan, script.firstChunkDelayMs ?? 0))) return
  if (script.gzip !== undefined) return sendZippedStream(exchange, plan)
  const events = plan.events()
  const contents = events.filter((event) => event.content).length
  const mid = script.afterChunks ?? Math.floor(contents / 2)
  let sent = 0
  let faulted = false
  for (const event of events) {
    if (!faulted && sent >= mid && (event.content || sent === contents)) {
      faulted = true
      if (!(await sendFault(exchange, plan))) return
    }
    if (!(await sendEvent(exchange, event))) return
    if (event.content) sent += 1
  }
  bill.complete = await end(exchange, plan.closing === '' ? undefined : plan.closing)
}
