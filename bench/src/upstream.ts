/**
 * The model provider of the bench, run by Bun: a bare TCP server that knows just enough HTTP, so that it is never
 * what limits a proxy. `bun src/upstream.ts PORT`.
 */
import type { Socket } from 'bun'
import { answerBody, CHUNK_EVERY_MS, SLOW_CHUNK_EVERY_MS, SLOW_MARK, streamEvents } from './workload.ts'

type State = { rest: string; unsent: Uint8Array | null }
type Stream = { socket: Socket<State>; next: number }

const answer = answerBody()
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`,
)
const STREAM_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
)
const EVENTS = streamEvents().map((event) => Buffer.from(`${event.length.toString(16)}\r\n${event}\r\n`))
const STREAM_END = Buffer.from('0\r\n\r\n')

const streams = new Set<Stream>()
const slowStreams = new Set<Stream>()

const send = (socket: Socket<State>, bytes: Uint8Array) => {
  const { unsent } = socket.data
  if (unsent !== null) {
    socket.data.unsent = Buffer.concat([unsent, bytes])
    return
  }
  const written = socket.write(bytes)
  if (written >= 0 && written < bytes.length) socket.data.unsent = bytes.subarray(written)
}

const flush = (socket: Socket<State>) => {
  const { unsent } = socket.data
  socket.data.unsent = null
  if (unsent !== null) send(socket, unsent)
}

const answerRequest = (socket: Socket<State>, body: string) => {
  if (!body.includes('"stream":true')) return send(socket, ANSWER)
  send(socket, STREAM_HEAD)
  const into = body.includes(SLOW_MARK) ? slowStreams : streams
  into.add({ socket, next: 0 })
}

/** Where the request at the start of `text` ends and its body starts, or null while it is not all there. */
const frame = (text: string): { bodyStart: number; end: number } | null => {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const bodyStart = headEnd + 4
  const head = text.slice(0, headEnd)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    const end = bodyStart + Number(length)
    return text.length < end ? null : { bodyStart, end }
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return { bodyStart, end: bodyStart }
  const last = text.indexOf('\r\n0\r\n\r\n', headEnd + 2)
  return last < 0 ? null : { bodyStart, end: last + 7 }
}

const receive = (socket: Socket<State>, bytes: Buffer) => {
  let text = socket.data.rest + bytes.toString('latin1')
  for (let found = frame(text); found !== null; found = frame(text)) {
    answerRequest(socket, text.slice(found.bodyStart, found.end))
    text = text.slice(found.end)
  }
  socket.data.rest = text
}

/** Sends every open stream its next event. */
const tick = (open: Set<Stream>) => {
  for (const stream of open) {
    const event = EVENTS[stream.next]
    stream.next += 1
    if (stream.socket.readyState !== 1) open.delete(stream)
    else if (event !== undefined) send(stream.socket, event)
    else {
      send(stream.socket, STREAM_END)
      open.delete(stream)
    }
  }
}

Bun.listen<State>({
  hostname: '127.0.0.1',
  port: Number(process.argv[2]),
  socket: {
    open: (socket) => {
      socket.data = { rest: '', unsent: null }
      socket.setNoDelay(true)
    },
    data: receive,
    drain: flush,
  },
})
setInterval(() => tick(streams), CHUNK_EVERY_MS)
setInterval(() => tick(slowStreams), SLOW_CHUNK_EVERY_MS)
