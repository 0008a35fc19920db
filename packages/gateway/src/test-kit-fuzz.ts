/** A gateway in memory with models on every wire, for the fuzzers, and a good request and answer of each wire. */
import { readFileSync } from 'node:fs'
import { resolveConfig } from './config/resolve.ts'
import { goodEnv, publicPem } from './config/test-kit.ts'
import { createGateway } from './gateway.ts'
import { createFaregateKey } from './issuers/faregate-key.ts'
import type { Store } from './ports.ts'
import { createMemoryStore } from './stores/memory.ts'

const accountId = 'clerk:user_fuzz'

/** A good request of a wire, and good answers to it, whole and as events. */
export type Seed = {
  name: string
  path: string
  body: Record<string, unknown>
  headers?: Record<string, string>
  plain: unknown
  events: string
}

/** What became of a request. Microcredits. */
export type FuzzedRequest = {
  status: number
  text: string
  dispatched: boolean
  /** What was held for it before it was sent. */
  held: number
  outcome: { charged: number } | null
  heldAfter: number
}

const tool = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { place: { type: 'string' } } } },
}

const pictureUsage = {
  input_tokens: 9,
  input_tokens_details: { text_tokens: 9, image_tokens: 0, cached_tokens: 2 },
  output_tokens: 196,
  total_tokens: 205,
}

export const seeds: readonly Seed[] = [
  {
    name: 'chat completions',
    path: '/v1/chat/completions',
    body: {
      model: 'text',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'Grüße 🦊' }] },
      ],
      tools: [tool],
      temperature: 0.5,
      max_completion_tokens: 300,
      stream_options: { include_usage: true },
    },
    plain: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Grüße 🦊' }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 40,
        completion_tokens: 20,
        total_tokens: 60,
        prompt_tokens_details: { cached_tokens: 10 },
        completion_tokens_details: { reasoning_tokens: 5 },
      },
    },
    events: fixture('openai-text.chunks.txt'),
  },
  {
    name: 'embeddings',
    path: '/v1/embeddings',
    body: { model: 'vector', input: ['Grüße 🦊', [1, 2]], dimensions: 3, encoding_format: 'float' },
    plain: {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.1, -0.2, 0.3] }],
      usage: { prompt_tokens: 9, total_tokens: 9 },
    },
    events: '',
  },
  {
    name: 'moderations',
    path: '/v1/moderations',
    body: {
      input: [
        { type: 'text', text: 'Grüße 🦊' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      ],
    },
    plain: { id: 'modr-1', model: 'omni-moderation-latest', results: [{ flagged: false }] },
    events: '',
  },
  {
    name: 'images',
    path: '/v1/images/generations',
    body: {
      model: 'picture',
      prompt: 'A fox 🦊',
      n: 1,
      size: '1024x1024',
      quality: 'low',
      partial_images: 2,
    },
    plain: { created: 1, data: [{ b64_json: 'AAAA' }], usage: pictureUsage },
    events: ['partial_image', 'partial_image', 'completed']
      .map((name) => `image_generation.${name}`)
      .map((type) => ({ type, b64_json: 'AAAA', ...(type.endsWith('completed') && { usage: pictureUsage }) }))
      .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      .join(''),
  },
]

function fixture(name: string): string {
  return readFileSync(new URL(`./endpoints/__fixtures__/${name}`, import.meta.url), 'utf8')
}

type Answer = (stream: boolean) => Response

/** Starts a gateway and gives its user a great many credits. */
export async function fuzzRig() {
  const settings = settingsOf()
  const store = createMemoryStore({ catalog: settings.catalog })
  const key = await userKey(store)
  let answer: Answer = () => Response.json({})
  let sends = 0
  let held = 0
  const gateway = createGateway({
    settings,
    store,
    log: () => {},
    fetch: async (_input, init) => {
      sends += 1
      held = await heldBy(store)
      const accepts = new Headers(init?.headers).get('accept') ?? ''
      return answer(accepts.includes('event-stream'))
    },
  })
  const send = async (
    path: string,
    body: string | Uint8Array,
    headers: Record<string, string>,
    next: Answer,
  ): Promise<FuzzedRequest> => {
    answer = next
    const before = { sends, ...(await booksOf(store)) }
    const works: Promise<unknown>[] = []
    const request = new Request(`http://gateway${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers, authorization: `Bearer ${key}` },
      body: body as BodyInit,
    })
    const response = await gateway(request, (work) => void works.push(work.catch(() => {})))
    const text = await response.text().catch(() => 'broken off')
    await Promise.all(works)
    const { newest, sum } = await booksOf(store)
    const dispatched = sends > before.sends
    return {
      status: response.status,
      text,
      dispatched,
      held,
      outcome: newest === before.newest ? null : { charged: sum - before.sum },
      heldAfter: await heldBy(store),
    }
  }
  return {
    send,
    plain: (json: unknown) =>
      new Response(JSON.stringify(json) ?? 'null', { headers: { 'content-type': 'application/json' } }),
    stream: (pieces: Uint8Array[]) =>
      new Response(streamOf(pieces), { headers: { 'content-type': 'text/event-stream' } }),
  }
}

function streamOf(pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  const left = [...pieces]
  return new ReadableStream({
    pull(controller) {
      const next = left.shift()
      if (next) controller.enqueue(next)
      else controller.close()
    },
  })
}

function settingsOf() {
  const price = { input: 1, cachedInput: 0.5, cacheWrite: 1.25, output: 2 }
  const config = {
    credit: { usd: 1 },
    providers: { openai: { type: 'openai' } },
    models: {
      text: { provider: 'openai', upstreamModel: 'gpt-5-mini', price },
      vector: { provider: 'openai', upstreamModel: 'text-embedding-3-small', price: { input: 1, output: 0 } },
      'omni-moderation-latest': { provider: 'openai', price: { creditsPerRequest: 0.01 } },
      picture: { provider: 'openai', upstreamModel: 'gpt-image-2', price: { ...price, imageOutput: 3 } },
    },
    plans: { all: { models: '*', limits: {} } },
    defaultPlan: 'all',
    identity: { authorizedParties: ['http://localhost:3000'] },
  }
  const resolved = resolveConfig(config, { ...goodEnv, CLERK_JWT_KEY: publicPem() }, 'production')
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.error))
  return resolved.value
}

async function userKey(store: Store): Promise<string> {
  const { key, hash } = await createFaregateKey(accountId)
  const names = { id: 'key_1', name: '', hash, member: accountId } as const
  const terms = {
    payer: 'user',
    planClaim: null,
    by: 'operator',
    ttlSeconds: null,
    creditsMax: null,
  } as const
  await store.apply(accountId, { kind: 'createKey', ...names, ...terms })
  const grant = { id: 'g', credits: 9e14, source: 'operator', reason: 'fuzz', expiresAt: null } as const
  await store.apply(accountId, { kind: 'grant', ...grant })
  return key
}

async function heldBy(store: Store): Promise<number> {
  const { grants } = await store.read(accountId)
  return grants.reduce((sum, { held }) => sum + held, 0)
}

/** The newest entry, which each ending replaces, and all charges together. */
async function booksOf(store: Store): Promise<{ newest: string | undefined; sum: number }> {
  const { totals } = await store.read(accountId)
  const { data } = await store.entries(accountId, { limit: 1 })
  return { newest: data[0]?.id, sum: totals.charged }
}
