/**
 * The run: thousands of requests of all wires, in flight together, from a few users who share their accounts' balance.
 * Who leaves before the answer's headers never learns the request's id, and is a user of their own, so that every
 * line of the books can be told.
 */
import { asOperator, newUser } from '../harness/calls.ts'
import { micro, newKey } from '../harness/exchange.ts'
import type { Stack } from '../harness/stack.ts'
import { type Client, clientOf } from './plans.ts'
import { type Random, seededRandom } from './random.ts'
import { anyWire, type BookRequest } from './wires.ts'

/** What a request was said to cost and to use at most, before it was sent. Microcredits, and tokens of all choices. */
export type Quote = { most: number; outputTokensMax: number }

/** A request that was sent, and what its client saw of it. Microcredits. */
export type Sent = {
  key: string
  wire: string
  user: string
  request: BookRequest
  client: Client['kind']
  status: number | null
  requestId: string | null
  held: number | null
  quote: Quote
  /** What came of the answer, and how long its client waited for that. */
  text: string
  elapsedMs: number
}

export type BooksOptions = { requests: number; seed: number; concurrent: number; users: number }

const CREDITS_OF_A_USER = 1_000_000

/** Sends them all and resolves when the last one has ended for its client. */
export async function runBooks(stack: Stack, options: BooksOptions): Promise<Sent[]> {
  const random = seededRandom(options.seed)
  const users = Array.from({ length: options.users }, newUser)
  for (const user of users) await fund(stack, user)
  const sent: Sent[] = []
  const token = tokens(stack)
  const worker = async () => {
    while (sent.length < options.requests) {
      const one = await planned(stack, random, random.one(users as [string, ...string[]]), sent)
      const bearer = await token(one.sent.user)
      one.sent.quote = await quoteOf(stack, bearer, one.sent.request)
      await send(stack, bearer, one)
    }
  }
  await Promise.all(Array.from({ length: options.concurrent }, worker))
  return sent
}

type Planned = { sent: Sent; client: Client }

async function planned(stack: Stack, random: Random, shared: string, all: Sent[]): Promise<Planned> {
  const wire = anyWire(random)
  const key = newKey()
  const request = wire.make(random, key)
  const client = clientOf(random)
  const alone = client.kind === 'leaves'
  const user = alone ? newUser() : shared
  const sent: Sent = {
    key,
    wire: wire.name,
    user,
    request,
    client: client.kind,
    status: null,
    requestId: null,
    held: null,
    quote: { most: 0, outputTokensMax: 0 },
    text: '',
    elapsedMs: 0,
  }
  all.push(sent)
  if (alone) await fund(stack, user)
  return { sent, client }
}

async function fund(stack: Stack, user: string): Promise<void> {
  const path = `/admin/accounts/${encodeURIComponent(`clerk:${user}`)}/grants`
  const answer = await asOperator(stack, path, { credits: CREDITS_OF_A_USER, reason: 'books' })
  if (!answer.ok) throw new Error(`grant: ${answer.status} ${await answer.text()}`)
}

/** A token of each user, minted anew before it runs out. */
function tokens(stack: Stack): (user: string) => Promise<string> {
  const known = new Map<string, { token: string; until: number }>()
  return async (user) => {
    const before = known.get(user)
    if (before && Date.now() < before.until) return before.token
    const token = await stack.clerk.mint({ user, plan: 'none' })
    known.set(user, { token, until: Date.now() + 30_000 })
    return token
  }
}

function sentTo(url: string, token: string, { body, headers }: BookRequest, signal?: AbortSignal) {
  return fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(typeof body === 'string' && { 'content-type': 'application/json' }),
      ...headers,
    },
    body,
    ...(signal && { signal }),
  })
}

async function quoteOf(stack: Stack, token: string, request: BookRequest): Promise<Quote> {
  const url = `${stack.url}/v1/quotes?endpoint=${encodeURIComponent(request.path)}`
  const answer = await sentTo(url, token, request)
  if (!answer.ok) throw new Error(`quote: ${answer.status} ${await answer.text()}`)
  const { credits, tokens: most } = (await answer.json()) as {
    credits: { most: number }
    tokens: { outputMax: number }
  }
  return { most: micro(credits.most), outputTokensMax: most.outputMax }
}

/** Sends one request and does what its client does. */
async function send(stack: Stack, token: string, { sent, client }: Planned): Promise<void> {
  const leaving = new AbortController()
  const timer = client.kind === 'leaves' ? setTimeout(() => leaving.abort(), client.afterMs) : undefined
  const startedAt = performance.now()
  try {
    const answer = await sentTo(stack.url + sent.request.path, token, sent.request, leaving.signal)
    sent.status = answer.status
    sent.requestId = answer.headers.get('x-request-id')
    const held = answer.headers.get('faregate-credits-held')
    sent.held = held === null ? null : micro(Number(held))
    await read(answer, sent, client, leaving)
  } catch {
    // Who leaves gets no answer, and a binary answer that broke off ends its connection.
  }
  sent.elapsedMs = performance.now() - startedAt
  clearTimeout(timer)
}

async function read(answer: Response, sent: Sent, client: Client, leaving: AbortController): Promise<void> {
  const reader = answer.body?.getReader()
  const decoder = new TextDecoder()
  let chunks = 0
  for (;;) {
    const next = await reader?.read()
    if (!next || next.done) break
    sent.text += decoder.decode(next.value, { stream: true })
    chunks += 1
    if (client.kind === 'leaves mid' && chunks > client.afterChunks) leaving.abort()
  }
}
