/** A gateway in memory with models on every wire, for the fuzzers. */
import { resolveConfig } from './config/resolve.ts'
import { goodEnv, publicPem } from './config/test-kit.ts'
import { createGateway } from './gateway.ts'
import { createFaregateKey } from './issuers/faregate-key.ts'
import type { Store } from './ports.ts'
import { createMemoryStore } from './stores/memory.ts'

const accountId = 'clerk:user_fuzz'

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
    providers: { openai: { type: 'openai' }, anthropic: { type: 'anthropic' }, gemini: { type: 'gemini' } },
    models: {
      text: { provider: 'openai', upstreamModel: 'gpt-5-mini', price },
      vector: { provider: 'openai', upstreamModel: 'text-embedding-3-small', price: { input: 1, output: 0 } },
      'omni-moderation-latest': { provider: 'openai', price: { creditsPerRequest: 0.01 } },
      picture: { provider: 'openai', upstreamModel: 'gpt-image-2', price: { ...price, imageOutput: 3 } },
      voice: { provider: 'openai', upstreamModel: 'tts-1', price: { perMillionCharacters: 15 } },
      scribe: { provider: 'openai', upstreamModel: 'gpt-4o-transcribe', price: { ...price, audioInput: 6 } },
      claude: {
        provider: 'anthropic',
        upstreamModel: 'claude-sonnet-5',
        price: { ...price, longCacheWrite: 2, perThousandToolCalls: 10 },
        tools: { callsMax: 2, inputTokensPerCall: 1000 },
      },
      gem: { provider: 'gemini', upstreamModel: 'gemini-2.5-flash', price },
    },
    plans: { all: { models: '*', limits: {} } },
    defaultPlan: 'all',
    identity: { authorizedParties: ['http://localhost:3000'] },
  }
  const env = {
    ...goodEnv,
    ANTHROPIC_API_KEY: 'sk-ant-of-anthropic',
    GEMINI_API_KEY: 'of-gemini',
    CLERK_JWT_KEY: publicPem(),
  }
  const resolved = resolveConfig(config, env, 'production')
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
