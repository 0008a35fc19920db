/** Puts an answer on the wire as its script says, faults included, and keeps the bill while it goes out. */
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { type ChatEvent, type ChatPlan, chatCompletion, chatEvents } from './chat.ts'
import { errorBody } from './errors.ts'
import { aborted, wait } from './http.ts'
import { type Script } from './script.ts'

/** The part of a bill that changes while an answer goes out. */
export type RunningBill = {
  status: number
  promptTokens: number
  cachedTokens: number
  cacheWriteTokens: number
  completionTokens: number
  reasoningTokens: number
  complete: boolean
}

/** One request being answered. `gone` aborts when its connection closes. */
export type Exchange = Readonly<{
  request: IncomingMessage
  response: ServerResponse
  script: Script
  bill: RunningBill
  gone: AbortSignal
  headers: Readonly<Record<string, string>>
}>

const BOMB_BYTES = 64 * 1024 * 1024

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
  return new Promise((resolve) => {
    gone.addEventListener('abort', () => resolve(response.writableFinished), { once: true })
    response.end(bytes, () => resolve(true))
  })
}

/** Refusals and literal bodies. Nothing is billed for them. */
export const sendPlain = async (exchange: Exchange): Promise<void> => {
  const { script, response, bill } = exchange
  const status = script.status ?? (script.redirect === undefined ? 200 : 307)
  const body = script.body ?? (script.redirect === undefined ? errorBody(status, script.errorCode) : '')
  bill.status = status
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(script.redirect === undefined ? {} : { location: script.redirect }),
    ...(status === 429 && script.errorCode === undefined ? { 'retry-after': '2' } : {}),
    ...exchange.headers,
  })
  bill.complete = await end(exchange, typeof body === 'string' ? body : JSON.stringify(body))
}

const billPrompt = (bill: RunningBill, plan: ChatPlan) => {
  bill.promptTokens = plan.promptTokens
  bill.cachedTokens = plan.cachedTokens
  bill.cacheWriteTokens = plan.cacheWriteTokens
}

const billWhole = (bill: RunningBill, plan: ChatPlan) => {
  bill.completionTokens = plan.completionTokens * plan.choices
  bill.reasoningTokens = plan.reasoningTokens * plan.choices
}

/** Waits while the model thinks; who leaves meanwhile owes that share of the thinking. */
const think = async ({ bill, gone }: Exchange, plan: ChatPlan, ms: number): Promise<boolean> => {
  const hidden = plan.reasoningTokens * plan.choices
  const started = performance.now()
  await wait(ms, gone)
  const share = gone.aborted ? Math.min(1, (performance.now() - started) / Math.max(1, ms)) : 1
  bill.reasoningTokens = Math.floor(hidden * share)
  bill.completionTokens = bill.reasoningTokens
  return !gone.aborted
}

/** Answers a chat request. The bill is whole once this returns. */
export const sendChat = async (exchange: Exchange, plan: ChatPlan): Promise<void> => {
  const { script, bill, gone } = exchange
  if (script.reset === 'beforeHeaders') return destroy(exchange)
  billPrompt(bill, plan)
  if (script.hang === 'headers') await aborted(gone)
  else if (plan.stream) {
    await wait(script.headersDelayMs ?? 0, gone)
    await sendStream(exchange, plan)
  } else if (await think(exchange, plan, script.headersDelayMs ?? 0)) await sendBuffered(exchange, plan)
  if (script.billsInFull === true) billWhole(bill, plan)
}

const zipped = (script: Script, text: string): Buffer =>
  gzipSync(script.gzip === 'bomb' ? Buffer.alloc(BOMB_BYTES, 0x20) : text)

const sendBuffered = async (exchange: Exchange, plan: ChatPlan): Promise<void> => {
  const { script, response, bill, gone } = exchange
  // The model has written it all before the first byte leaves.
  billWhole(bill, plan)
  const json = chatCompletion(plan)
  const text = script.badJson === true ? json.slice(0, Math.floor(json.length / 2)) : json
  const bytes = script.gzip === undefined ? Buffer.from(text) : zipped(script, text)
  response.writeHead(200, {
    'content-type': 'application/json',
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

/** What happens at `mid`. Returns false when the stream is over with it. */
const sendFault = async (exchange: Exchange, plan: ChatPlan): Promise<boolean> => {
  const { script, gone } = exchange
  if (script.longLine !== undefined) {
    const content = 'x'.repeat(script.longLine)
    const choices = [{ index: 0, delta: { content }, finish_reason: null }]
    const line = JSON.stringify({ id: plan.id, object: 'chat.completion.chunk', model: plan.model, choices })
    return write(exchange, `data: ${line}\n\n`)
  }
  if (script.badSse !== undefined && script.badSse !== false) {
    return write(exchange, script.badSse === true ? 'data: {"id": this is not JSON\n\n' : script.badSse)
  }
  if (script.errorEvent === true) {
    await write(exchange, `data: ${JSON.stringify(errorBody(500))}\n\n`)
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

const sendPieces = async (exchange: Exchange, text: string): Promise<boolean> => {
  const size = exchange.script.splitEvery
  if (size === undefined) return write(exchange, text)
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; from += size) {
    if (!(await write(exchange, bytes.subarray(from, from + size)))) return false
    // A turn of the event loop, so that the pieces leave as separate writes.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return true
}

const sendEvent = async (exchange: Exchange, event: ChatEvent): Promise<boolean> => {
  if (event.content) await wait(exchange.script.chunkDelayMs ?? 0, exchange.gone)
  if (!(await sendPieces(exchange, `data: ${event.data}\n\n`))) return false
  exchange.bill.completionTokens += event.tokens
  return true
}

const sendZippedStream = async (exchange: Exchange, plan: ChatPlan, events: ChatEvent[]): Promise<void> => {
  billWhole(exchange.bill, plan)
  const text = `${events.map((event) => `data: ${event.data}\n\n`).join('')}data: [DONE]\n\n`
  exchange.bill.complete = await end(exchange, zipped(exchange.script, text))
}

const sendStream = async (exchange: Exchange, plan: ChatPlan): Promise<void> => {
  const { script, response, bill, gone } = exchange
  if (gone.aborted) return
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    ...(script.gzip === undefined ? {} : { 'content-encoding': 'gzip' }),
    ...exchange.headers,
  })
  response.flushHeaders()
  const events = chatEvents(plan)
  if (!(await think(exchange, plan, script.firstChunkDelayMs ?? 0))) return
  if (script.gzip !== undefined) return sendZippedStream(exchange, plan, events)
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
  bill.complete = await end(exchange, 'data: [DONE]\n\n')
}
