/** A whole gateway in memory for tests of the pipeline: a clock to turn, a provider to play, and a user with a key. */

import { resolveConfig } from '../config/resolve.ts'
import { contractExample, goodEnv, publicPem } from '../config/test-kit.ts'
import type { Command } from '../core/command.ts'
import type { Entry } from '../core/entry.ts'
import { createGateway } from '../gateway.ts'
import { createFaregateKey } from '../issuers/faregate-key.ts'
import { type Store, StoreUnavailable } from '../ports.ts'
import { createMemoryStore } from '../stores/memory.ts'

const accountId = 'clerk:user_test'

export type Bench = {
  store: Store
  /** Moves the steady clock; timers are the test's own. */
  pass(ms: number): void
  /** What the store does wrong with the next commands of these kinds: before they are decided, or after. */
  fail(kind: Command['kind'], when: 'before' | 'after', times: number): void
  /** Called before each command. */
  onCommand(listen: (kind: Command['kind']) => void): void
  /** Sends a chat request; `signal` is the client's connection. */
  ask(
    body?: Record<string, unknown>,
    signal?: AbortSignal,
    headers?: Record<string, string>,
    path?: string,
  ): Promise<Response>
  charges(): Promise<Entry[]>
  held(): Promise<number>
  /** What was logged so far, as JSON. */
  logged(): string
  /** All work that was to outlive its request. */
  settled(): Promise<unknown>
}

/** Starts a gateway whose providers are `provider`; `config` stands over the contract's example. */
export async function startBench(
  provider: (request: { signal: AbortSignal; body: string }) => Response | Promise<Response>,
  config: Record<string, unknown> = {},
): Promise<Bench> {
  const resolved = resolveConfig(
    { ...contractExample, ...config },
    { ...goodEnv, CLERK_JWT_KEY: publicPem(), LOCAL_KEY: 'k' },
    'production',
  )
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.error))
  let steady = 0
  const logs: unknown[] = []
  let failures: { kind: Command['kind']; when: 'before' | 'after'; times: number } | null = null
  let listener: (kind: Command['kind']) => void = () => {}
  const inner = createMemoryStore({ catalog: resolved.value.catalog })
  const apply: Store['apply'] = async (id, command) => {
    listener(command.kind)
    const failing = failures?.kind === command.kind && failures.times > 0 ? failures : null
    if (failing) failing.times -= 1
    if (failing?.when === 'before') throw new StoreUnavailable('away')
    const result = await inner.apply(id, command)
    if (failing) throw new StoreUnavailable('answer lost')
    return result
  }
  const store: Store = { ...inner, apply }
  const gateway = createGateway({
    settings: resolved.value,
    store,
    steadyClock: () => steady,
    log: (...line) => void logs.push(line),
    fetch: async (_input, init) =>
      provider({ signal: init?.signal ?? new AbortController().signal, body: String(init?.body) }),
  })
  const key = await userKey(store)
  const works: Promise<unknown>[] = []
  return {
    store,
    pass: (ms) => {
      steady += ms
    },
    fail: (kind, when, times) => {
      failures = { kind, when, times }
    },
    onCommand: (listen) => {
      listener = listen
    },
    ask: async (body = {}, signal, headers = {}, path = '/v1/chat/completions') => {
      const request = new Request(`http://gateway${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(
          path.endsWith('/chat/completions')
            ? { model: 'fast', messages: [{ role: 'user', content: 'hi' }], ...body }
            : body,
        ),
        ...(signal && { signal }),
      })
      return gateway(request, (work) => void works.push(work.catch(() => {})))
    },
    charges: async () => {
      const { data } = await store.entries(accountId, { limit: 100 })
      return data.filter(({ kind }) => kind === 'charge')
    },
    held: async () => (await store.read(accountId)).open.total,
    logged: () => JSON.stringify(logs),
    settled: () => Promise.all(works),
  }
}

async function userKey(store: Store): Promise<string> {
  const { key, hash } = await createFaregateKey(accountId)
  const made = await store.apply(accountId, {
    kind: 'createKey',
    id: 'key_1',
    name: '',
    hash,
    member: accountId,
    payer: 'user',
    planClaim: 'pro',
    by: 'operator',
    ttlSeconds: null,
    creditsMax: null,
  })
  if (!made.ok) throw new Error(made.error.message)
  await store.apply(accountId, { kind: 'setPlan', plan: 'pro', until: null })
  return key
}

/** A plain answer of these tokens. */
export function plainAnswer(outputTokens = 5): Response {
  const usage = { prompt_tokens: 3, completion_tokens: outputTokens, total_tokens: 3 + outputTokens }
  return Response.json({ choices: [{ message: { role: 'assistant', content: 'hello' } }], usage })
}

/** A stream that is fed by hand, and ends when its request is aborted. */
export function fedStream(signal: AbortSignal): {
  response: Response
  feed(text: string): void
  end(): void
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given
    },
  })
  signal.addEventListener('abort', () => controller?.error(new Error('aborted')))
  const encoder = new TextEncoder()
  return {
    response: new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
    feed: (text) => controller?.enqueue(encoder.encode(text)),
    end: () => controller?.close(),
  }
}

/** A chunk that says this. */
export function chunk(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`
}
