/**
 * The model provider of dev mode: answers anything, kindly. `@copilotkit/aimock` speaks the wire; a small server
 * before it adds what aimock 1.43 leaves out: `usage: null` on a stream's other chunks, and answers to the older
 * `functions` field as `function_call`. It speaks Responses, Anthropic's and Gemini's wires too, and answers one choice
 * whatever `n` says. Vectors, pictures, sound and moderations come from the scripted provider, unscripted.
 */
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { listen, readBody } from './http.ts'
import { replyTo } from './reply.ts'
import { isRecord } from './script.ts'
import { startScriptedProvider } from './scripted.ts'

/**
 * A running stand-in. `url` is a base URL for OpenAI's SDKs and ends in /v1; `origin` is one for Anthropic's and
 * Gemini's.
 */
export type ProviderSimulator = Readonly<{ url: string; origin: string; stop: () => Promise<void> }>

type Origins = Readonly<{ mock: string; scripted: string }>

/** What has to change in aimock's answer to this request. */
type Reshape = Readonly<{ legacy: boolean; nullUsage: boolean }>

// Some 320 characters in pieces of 12 take about a second.
const CHUNK_CHARACTERS = 12
const CHUNK_DELAY_MS = 45
const JOURNAL_ENTRIES_MAX = 20

const reshapeFor = (raw: Buffer): Reshape => {
  try {
    const body: unknown = JSON.parse(raw.toString())
    if (!isRecord(body)) return { legacy: false, nullUsage: false }
    const options = body.stream_options
    return {
      legacy: Array.isArray(body.functions) && !Array.isArray(body.tools),
      nullUsage: isRecord(options) && options.include_usage === true,
    }
  } catch {
    return { legacy: false, nullUsage: false }
  }
}

/** `tool_calls: [one]` of a message or a delta as `function_call`. */
const toFunctionCall = (said: unknown): unknown => {
  if (!isRecord(said) || !Array.isArray(said.tool_calls)) return said
  const { tool_calls: calls, ...rest } = said
  const first: unknown = calls[0]
  return { ...rest, function_call: isRecord(first) ? first.function : undefined }
}

const reshapeChoice = (choice: unknown): unknown => {
  if (!isRecord(choice)) return choice
  return {
    ...choice,
    ...('message' in choice ? { message: toFunctionCall(choice.message) } : {}),
    ...('delta' in choice ? { delta: toFunctionCall(choice.delta) } : {}),
    finish_reason: choice.finish_reason === 'tool_calls' ? 'function_call' : choice.finish_reason,
  }
}

/** A completion or one chunk of one, as OpenAI would have sent it. */
const reshapeJson = (json: string, reshape: Reshape): string => {
  const value: unknown = JSON.parse(json)
  if (!isRecord(value) || !Array.isArray(value.choices)) return json
  const choices = reshape.legacy ? value.choices.map(reshapeChoice) : value.choices
  const usage = reshape.nullUsage && value.object === 'chat.completion.chunk' && !('usage' in value)
  return JSON.stringify({ ...value, choices, ...(usage ? { usage: null } : {}) })
}

const reshapeEvent = (event: string, reshape: Reshape): string =>
  event.startsWith('data: {') ? `data: ${reshapeJson(event.slice(6), reshape)}` : event

/** Passes events on as they come, reshaped. */
const passEvents = async (body: AsyncIterable<Uint8Array>, response: ServerResponse, reshape: Reshape) => {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    const events = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) response.write(`${reshapeEvent(event, reshape)}\n\n`)
  }
  response.end(rest)
}

/** What aimock has no answer for of its own. */
const UNSPOKEN = /^(?:\/v1)?\/(?:embeddings|moderations|images\/|audio\/|messages\/count_tokens)/

const pass = async (origins: Origins, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const raw = await readBody(request)
  if (raw === null) return void response.destroy()
  const { method = 'GET', url = '/' } = request
  const isChat = method === 'POST' && (url.split('?')[0] ?? '').endsWith('/chat/completions')
  const reshape = isChat ? reshapeFor(raw) : { legacy: false, nullUsage: false }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const origin = UNSPOKEN.test(url) ? origins.scripted : origins.mock
  const answer = await fetch(`${origin}${/^\/v1(?:beta)?\//.test(url) ? url : `/v1${url}`}`, {
    method,
    headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
    signal: gone.signal,
    ...(raw.length > 0 ? { body: new Uint8Array(raw) } : {}),
  })
  const type = answer.headers.get('content-type') ?? 'application/json'
  response.writeHead(answer.status, {
    'content-type': type,
    'x-request-id': `req_sim_${crypto.randomUUID()}`,
  })
  if (type.startsWith('text/event-stream') && answer.body !== null) {
    return passEvents(answer.body, response, reshape)
  }
  const bytes = Buffer.from(await answer.arrayBuffer())
  response.end(isChat && answer.ok ? reshapeJson(bytes.toString(), reshape) : bytes)
}

/** Starts the friendly provider on a free loopback port (or the one given). */
export const startProviderSimulator = async (
  options: { port?: number; host?: string } = {},
): Promise<ProviderSimulator> => {
  // Loaded late: it is big, and tests that only want the scripted provider need none of it.
  const { LLMock } = await import('@copilotkit/aimock')
  const mock = new LLMock({
    host: '127.0.0.1',
    port: 0,
    chunkSize: CHUNK_CHARACTERS,
    journalMaxEntries: JOURNAL_ENTRIES_MAX,
  })
  mock.addFixture({
    match: { predicate: () => true },
    response: (request) => replyTo(request),
    latency: CHUNK_DELAY_MS,
  })
  await mock.start()
  const scripted = await startScriptedProvider()
  const origins = { mock: mock.url, scripted: new URL(scripted.url).origin }
  const server = await listen((request, response) => {
    pass(origins, request, response)
      .catch(() => response.destroy())
      // Nobody compares these books.
      .finally(() => scripted.reset())
  }, options)
  const stop = async () => {
    await server.stop()
    await mock.stop()
    await scripted.stop()
  }
  return { url: `${server.origin}/v1`, origin: server.origin, stop }
}
