/**
 * A model provider for tests: every request says what shall go wrong with it (`Script`), and the provider keeps
 * its own bill of what it would charge, so that a ledger can be compared with it to the token. Plain node:http:
 * the same under Node and Bun.
 */
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { errorBody } from './errors.ts'
import { listen, readBody } from './http.ts'
import { type RunningBill, sendAnswer, sendPlain } from './send.ts'
import { NO_USE, type SimulatedWire, type Use, type WireRequest } from './wire.ts'
import { WIRES } from './wires.ts'

/**
 * What the provider would charge for one request. Refusals and resets before the headers cost nothing; a stream
 * that was cut costs its prompt, its hidden reasoning so far and the chunks written by then; a buffered answer
 * costs all of its tokens from its first byte on.
 */
export type Bill = Use &
  Readonly<{
    /** This provider's own id of the request, also its answer's `x-request-id`. */
    id: string
    /** The names `billFor` knows it by: the script's `key`, `x-request-id`, and what the wire has of a user. */
    keys: readonly string[]
    model: string
    /** The status answered, 0 while none was. */
    status: number
    /** The answer went out to its last byte. */
    complete: boolean
    /** The client left before that. */
    aborted: boolean
    /** Still being answered: the figures may grow. */
    open: boolean
  }>

/** One request as it arrived. Header names are lower case; `body` is `raw` as text. */
export type RecordedRequest = Readonly<{
  id: string
  method: string
  path: string
  headers: Readonly<Record<string, string>>
  body: string
  raw: Buffer
}>

export type ScriptedProvider = Readonly<{
  /** Base URL, ending in /v1; the same routes answer without it. */
  url: string
  /** All bills since the last reset, in order of arrival, as they stand now. */
  bills: () => Bill[]
  /** The newest bill known by that key. */
  billFor: (key: string) => Bill | undefined
  /** Everything that arrived since the last reset, model lists included. */
  requests: readonly RecordedRequest[]
  /** Forgets bills and requests, and opens the gate. */
  reset: () => void
  /** Closes the gate: requests that arrive wait, unanswered, for `release`. */
  hold: () => void
  /** Opens the gate and answers all that wait. */
  release: () => void
  /** How many requests wait at the gate now. */
  waiting: () => number
  /** Resolves when at least so many wait at the gate. */
  untilWaiting: (count: number) => Promise<void>
  /** Resolves when no request is being answered. */
  idle: () => Promise<void>
  stop: () => Promise<void>
}>

type OpenBill = RunningBill & { id: string; keys: string[]; model: string; aborted: boolean; open: boolean }

const MODELS = ['gpt-5', 'gpt-5-mini', 'gpt-5-nano', 'gpt-4o', 'gpt-4o-mini', 'o4-mini']
const POLL_MS = 2

const headersOf = (request: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : `${value}`,
    ]),
  )

const sendJson = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

const sendModels = (response: ServerResponse, id: string | undefined) => {
  const model = (name: string) => ({
    id: name,
    object: 'model',
    created: 1_754_000_000,
    owned_by: 'simulator',
  })
  if (id === undefined) sendJson(response, 200, { object: 'list', data: MODELS.map(model) })
  else if (MODELS.includes(id)) sendJson(response, 200, model(id))
  else sendJson(response, 404, errorBody(404))
}

const strings = (values: readonly unknown[]): string[] =>
  values.filter((value): value is string => typeof value === 'string' && value !== '')

/** The request for a wire: whatever stands before its path at OpenAI and at Azure taken off. */
const wireRequest = (url: string, raw: Buffer, headers: Record<string, string>): WireRequest => {
  const [whole = '/', query = ''] = url.split('?', 2)
  const below = whole.replace(/^\/v1(?=\/)/, '')
  const azure = /^\/openai\/(?:v1|deployments\/([^/]+))(?=\/)/.exec(below)
  const deployment = azure?.[1] === undefined ? null : decodeURIComponent(azure[1])
  const path = below.slice(azure?.[0].length ?? 0)
  return { raw, path, query: new URLSearchParams(query), headers, deployment }
}

const createGate = () => {
  let closed = false
  let waiters: (() => void)[] = []
  const pass = (gone: AbortSignal): Promise<void> =>
    closed && !gone.aborted
      ? new Promise((resolve) => {
          const go = () => {
            waiters = waiters.filter((waiter) => waiter !== go)
            resolve()
          }
          waiters.push(go)
          gone.addEventListener('abort', go, { once: true })
        })
      : Promise.resolve()
  const release = () => {
    closed = false
    for (const go of waiters) go()
  }
  const hold = () => {
    closed = true
  }
  return { pass, hold, release, waiting: () => waiters.length }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

const createBooks = () => {
  const bills: OpenBill[] = []
  const requests: RecordedRequest[] = []
  let count = 0
  const nextId = () => {
    count += 1
    return `req_sim_${count}`
  }
  const openBill = (id: string, keys: string[], model: string): OpenBill => {
    const bill = { ...NO_USE, id, keys, model, status: 0, complete: false, aborted: false, open: true }
    bills.push(bill)
    return bill
  }
  const clear = () => {
    bills.length = 0
    requests.length = 0
  }
  return { bills, requests, nextId, openBill, clear }
}

/** Aborts when the connection closes, or the answer is done. */
const goneSignal = (response: ServerResponse): AbortSignal => {
  const controller = new AbortController()
  response.once('close', () => controller.abort())
  return controller.signal
}

type Gate = ReturnType<typeof createGate>
type Books = ReturnType<typeof createBooks>

type Connection = Readonly<{ request: IncomingMessage; response: ServerResponse; id: string }>

/** Answers one request on its wire by its script, and closes its bill. */
const createAnswer =
  (gate: Gate, books: Books) =>
  async ({ request, response, id }: Connection, wire: SimulatedWire, asked: WireRequest) => {
    const gone = goneSignal(response)
    const reading = await wire.read(asked)
    if (reading === null) return sendJson(response, 400, wire.error(400, 'invalid_json'))
    const { script, model } = reading
    const bill = books.openBill(id, strings([...reading.keys, asked.headers['x-request-id']]), model)
    const headers = { 'x-request-id': id, ...script.headers }
    const exchange = { request, response, wire, script, bill, gone, headers }
    try {
      await gate.pass(gone)
      if (gone.aborted) return
      const plain =
        script.body !== undefined || script.redirect !== undefined || (script.status ?? 200) !== 200
      if (plain) return await sendPlain(exchange)
      const created = Math.floor(Date.now() / 1000)
      await sendAnswer(exchange, reading.plan({ id, created, bodyBytes: asked.raw.length }))
    } finally {
      if (bill.status === 0 && response.headersSent) bill.status = response.statusCode
      bill.aborted = gone.aborted && !bill.complete && script.reset === undefined
      bill.open = false
    }
  }

/** Starts a scripted provider on a free loopback port, of all wires or those given. Any API key will do. */
export const startScriptedProvider = async (
  options: { port?: number; host?: string; wires?: readonly SimulatedWire[] } = {},
): Promise<ScriptedProvider> => {
  const { wires = WIRES } = options
  const gate = createGate()
  const books = createBooks()

  const answer = createAnswer(gate, books)

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const raw = await readBody(request)
    if (raw === null) return response.destroy()
    const id = books.nextId()
    const { method = 'GET', url = '/' } = request
    const headers = headersOf(request)
    books.requests.push({ id, method, path: url, headers, body: raw.toString(), raw })
    const asked = wireRequest(url, raw, headers)
    const { path } = asked
    const wire = wires.find((candidate) => candidate.matches(method, path))
    if (wire !== undefined) return answer({ request, response, id }, wire, asked)
    if (method === 'GET' && path.startsWith('/models')) return sendModels(response, path.split('/')[2])
    return sendJson(response, 404, {
      error: { ...errorBody(404).error, message: `No route ${method} ${path}` },
    })
  }

  const server = await listen((request, response) => {
    handle(request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    )
  }, options)
  return {
    url: `${server.origin}/v1`,
    bills: () => books.bills.map((bill) => ({ ...bill })),
    billFor: (key) => {
      const bill = books.bills.findLast((candidate) => candidate.keys.includes(key) || candidate.id === key)
      return bill === undefined ? undefined : { ...bill }
    },
    requests: books.requests,
    reset: () => {
      gate.release()
      books.clear()
    },
    hold: gate.hold,
    release: gate.release,
    waiting: gate.waiting,
    untilWaiting: (count) => until(() => gate.waiting() >= count),
    idle: () => until(() => books.bills.every((bill) => !bill.open)),
    stop: async () => {
      gate.release()
      await server.stop()
    },
  }
}
