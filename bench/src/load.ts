/**
 * The load generator, run by Bun as its own process: `bun src/load.ts PLAN.json`. Sends many users' tokens in turn
 * over kept-alive connections, and prints its result as one line of JSON. Bare TCP, so that it costs little of the
 * core that it shares with the upstream. One plan, one run.
 */
import { readFileSync } from 'node:fs'
import type { Socket } from 'bun'
import { requestBody } from './workload.ts'

/** What to send. Times in seconds. */
export type LoadPlan = Readonly<{
  port: number
  path: string
  headers: Readonly<Record<string, string>>
  kind: 'plain' | 'stream' | 'slow'
  /** A file with one bearer token a line. */
  tokensFile: string
  /** The first token to use. */
  offset: number
  connections: number
  /** Sends at this rate whatever comes back (open loop); without it, as fast as answers come (closed loop). */
  rate?: number
  /** Stops after so long or after so many requests, whichever is given. */
  seconds?: number
  requests?: number
}>

/** What came back. `latencies` in microseconds. */
export type LoadResult = Readonly<{
  /** Answers with status 200, and how many of them came within `seconds`. */
  requests: number
  inTime: number
  errors: number
  seconds: number
  p50: number
  p99: number
  /** Open loop: how often no connection was free and one more had to be opened. */
  lateConnections: number
  sample: string
}>

type State = {
  busy: boolean
  started: number
  head: string | null
  chunked: boolean
  left: number
  tail: string
  ok: boolean
}
type Connection = { socket: Socket<State> | null; state: State }

const GRACE_MS = 30_000
const SAMPLE_CHARACTERS = 400
const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as LoadPlan
const tokens = readFileSync(plan.tokensFile, 'latin1').trim().split('\n')
const body = requestBody(plan.kind)
const extra = Object.entries(plan.headers)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')
const HEAD = `POST ${plan.path} HTTP/1.1\r\nhost: 127.0.0.1:${plan.port}\r\ncontent-type: application/json\r\n${extra}authorization: Bearer `
const TAIL = `\r\ncontent-length: ${body.length}\r\n\r\n${body}`

const latencies: number[] = []
const idle: Connection[] = []
let sent = 0
let errors = 0
let sample = ''
let stopping = false
let lateConnections = 0
let heads = 0

const freshState = (): State => ({
  busy: false,
  started: 0,
  head: null,
  chunked: false,
  left: 0,
  tail: '',
  ok: true,
})

const send = (connection: Connection) => {
  const { state, socket } = connection
  const token = tokens[(plan.offset + sent) % tokens.length] ?? ''
  sent += 1
  Object.assign(state, freshState(), { busy: true, head: '', started: performance.now() })
  socket?.write(HEAD + token + TAIL)
}

const mayGoOn = () => !stopping && (plan.requests === undefined || sent < plan.requests)

const finish = (connection: Connection) => {
  const { state } = connection
  state.busy = false
  if (state.ok) latencies.push((performance.now() - state.started) * 1000)
  if (plan.rate === undefined && mayGoOn()) send(connection)
  else idle.push(connection)
}

const fail = (why: string) => {
  errors += 1
  if (sample === '') sample = why.slice(0, SAMPLE_CHARACTERS)
}

/** Reads the head of an answer; returns the body bytes that came with it, or null while it is not all there. */
const readHead = (state: State, text: string): string | null => {
  const all = (state.head ?? '') + text
  const end = all.indexOf('\r\n\r\n')
  if (end < 0) {
    state.head = all
    return null
  }
  heads += 1
  const head = all.slice(0, end)
  state.head = null
  state.chunked = /\r\ntransfer-encoding: *chunked/i.test(head)
  state.left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  state.ok = head.startsWith('HTTP/1.1 200')
  if (!state.ok) fail(all)
  return all.slice(end + 4)
}

const receive = (connection: Connection, bytes: Buffer) => {
  const { state } = connection
  let text = bytes.toString('latin1')
  if (state.head !== null) {
    const rest = readHead(state, text)
    if (rest === null) return
    text = rest
  }
  if (state.chunked) {
    // Events end in bare newlines, so only the last chunk looks like this.
    state.tail = (state.tail + text).slice(-5)
    if (state.tail === '0\r\n\r\n') finish(connection)
    return
  }
  state.left -= text.length
  if (state.left <= 0) finish(connection)
}

const connect = async (): Promise<Connection> => {
  const connection: Connection = { socket: null, state: freshState() }
  connection.socket = await Bun.connect<State>({
    hostname: '127.0.0.1',
    port: plan.port,
    socket: {
      data: (_socket, bytes) => receive(connection, bytes),
      close: () => {
        if (connection.state.busy) fail('the connection closed before the answer was whole')
        connection.state.busy = false
        const at = idle.indexOf(connection)
        if (at >= 0) idle.splice(at, 1)
        if (plan.rate === undefined && mayGoOn()) void connect().then(send)
      },
      error: () => undefined,
    },
  })
  connection.socket.setNoDelay(true)
  return connection
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Sends what is due by the clock, every millisecond. */
const runOpen = async (rate: number, seconds: number) => {
  for (let i = 0; i < plan.connections; i += 1) idle.push(await connect())
  const started = performance.now()
  const total = Math.floor(rate * seconds)
  while (sent < total) {
    while (sent < Math.min(total, ((performance.now() - started) / 1000) * rate)) {
      const connection = idle.pop()
      if (connection === undefined) lateConnections += 1
      send(connection ?? (await connect()))
    }
    await sleep(1)
  }
}

const runClosed = async () => {
  const connections: Connection[] = []
  for (let i = 0; i < plan.connections; i += 1) connections.push(await connect())
  for (const connection of connections) if (mayGoOn()) send(connection)
  if (plan.seconds !== undefined) await sleep(plan.seconds * 1000)
  else while (mayGoOn()) await sleep(5)
}

const drained = async () => {
  const until = performance.now() + GRACE_MS
  while (latencies.length + errors < sent && performance.now() < until) await sleep(2)
}

const percentile = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

/** Opens slow streams, says when all have begun, and keeps them until it is ended. */
const runSlow = async () => {
  const batch = 50
  for (let i = 0; i < plan.connections; i += batch) {
    const connections = await Promise.all(
      Array.from({ length: Math.min(batch, plan.connections - i) }, connect),
    )
    for (const connection of connections) send(connection)
  }
  while (heads < plan.connections && errors === 0) await sleep(10)
  console.log(JSON.stringify({ live: heads - errors, errors, sample }))
  await sleep(GRACE_MS)
}

if (plan.kind === 'slow') await runSlow()
else {
  const started = performance.now()
  if (plan.rate !== undefined) await runOpen(plan.rate, plan.seconds ?? 1)
  else await runClosed()
  stopping = true
  const seconds = (performance.now() - started) / 1000
  const done = latencies.length
  await drained()
  errors += Math.max(0, sent - latencies.length - errors)
  latencies.sort((a, b) => a - b)
  const result: LoadResult = {
    requests: latencies.length,
    inTime: done,
    errors,
    seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    lateConnections,
    sample,
  }
  console.log(JSON.stringify(result))
}
process.exit(0)
