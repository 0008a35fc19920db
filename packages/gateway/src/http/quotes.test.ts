import { expect, test } from 'vitest'
import { contractExample, goodEnv, settingsOf } from '../config/test-kit.ts'
import { createGateway } from '../gateway.ts'
import { createFaregateKey } from '../issuers/faregate-key.ts'
import { StoreUnavailable } from '../ports.ts'
import { createMemoryStore } from '../stores/memory.ts'

const ID = 'clerk:user_quotes'

/** A gateway with these credits whose user has a key; any call to a provider is a fault. */
async function open({ credits = 100, plan = 'pro', away = false } = {}) {
  const settings = settingsOf({ ...contractExample, models, plans }, { ...goodEnv, LOCAL_KEY: 'k' })
  const memory = createMemoryStore({ catalog: settings.catalog })
  const read = async (): Promise<never> => {
    throw new StoreUnavailable('away')
  }
  const fetch = async (): Promise<Response> => {
    throw new Error('a quote calls nobody')
  }
  const store = away ? { ...memory, read } : memory
  const gateway = createGateway({ settings, store, fetch, log: () => {} })
  const { key, hash } = await createFaregateKey(ID)
  const base = { ttlSeconds: null, creditsMax: null, planClaim: null, payer: 'user', by: 'operator' } as const
  await memory.apply(ID, { kind: 'createKey', id: 'key_1', name: '', hash, member: ID, ...base })
  await memory.apply(ID, { kind: 'setPlan', plan, until: null })
  const grant = { kind: 'grant', source: 'operator', reason: 'test', expiresAt: null } as const
  if (credits > 0) await memory.apply(ID, { ...grant, id: 'g1', credits: credits * 1_000_000 })
  const post = async (path: string, body: unknown, token = key) => {
    const init = { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(body) }
    const answer = await gateway(new Request(`http://gateway${path}`, init), () => {})
    const json: unknown = await answer.json()
    return { status: answer.status, json }
  }
  return { post, account: () => memory.read(ID) }
}

const price = { input: 1, cachedInput: 0.5, output: 2 }
const models = {
  fast: { provider: 'openai', upstreamModel: 'gpt-5-mini', price, outputTokensMax: 8192 },
  house: { provider: 'local', price },
  vectors: { provider: 'openai', upstreamModel: 'text-embedding-3-small', price: { input: 1, output: 0 } },
  picture: { provider: 'openai', upstreamModel: 'gpt-image-2', price: { creditsPerRequest: 4 } },
}
const plans = {
  free: { models: ['house'] },
  pro: { models: '*', limits: { requestsPerMinute: 1 } },
}

const chat = (more: object = {}) => ({
  model: 'fast',
  messages: [{ role: 'user', content: 'hi'.repeat(400) }],
  max_completion_tokens: 1000,
  ...more,
})

test('200: the likely and the most that a request can cost, and nothing changes', async () => {
  const { post, account } = await open()
  const before = await account()
  const { status, json } = await post('/v1/quotes', chat({ n: 2 }))
  expect({ status, json }).toEqual({
    status: 200,
    json: {
      model: 'fast',
      endpoint: '/v1/chat/completions',
      credits: { likely: expect.any(Number), most: expect.any(Number) },
      tokens: { inputMax: expect.any(Number), outputMax: 2000 },
      affordable: true,
    },
  })
  const { credits, tokens } = json as {
    credits: Record<'likely' | 'most', number>
    tokens: { inputMax: number }
  }
  // A quarter on top, and a credit is a cent: 125 credits for a million input tokens, 250 for a million of output.
  expect(credits.most).toBeCloseTo((tokens.inputMax * 125 + 2000 * 250) / 1e6, 6)
  expect(tokens.inputMax).toBeGreaterThan(800)
  expect(credits.likely).toBeGreaterThan((200 * 125 + 600 * 250) / 1e6)
  expect(credits.likely).toBeLessThan((400 * 125 + 600 * 250) / 1e6)
  expect(await account()).toEqual(before)
  // The one request a minute is still there to be made, and quotes do not wait for the next.
  expect((await post('/quotes', chat())).status).toBe(200)
})

test('200: too few credits are an answer', async () => {
  const { post } = await open({ credits: 0 })
  expect(await post('/v1/quotes', chat())).toMatchObject({ status: 200, json: { affordable: false } })
})

test.each([
  ['/v1/embeddings', { model: 'vectors', input: 'hello' }, { model: 'vectors', tokens: { outputMax: 0 } }],
  ['/images/generations', { model: 'picture', prompt: 'a cat', n: 3 }, { credits: { likely: 12, most: 12 } }],
])('200: a body for %s is quoted with ?endpoint', async (endpoint, body, expected) => {
  const { post } = await open()
  const answer = await post(`/v1/quotes?endpoint=${encodeURIComponent(endpoint)}`, body)
  expect(answer).toMatchObject({ status: 200, json: { ...expected, endpoint, affordable: true } })
})

test.each([
  [404, 'unsupported_endpoint', '/v1/quotes?endpoint=/v1/account', chat()],
  [404, 'unsupported_endpoint', '/v1/quotes?endpoint=https://elsewhere.example/v1/chat/completions', chat()],
  [404, 'unsupported_endpoint', '/v1/quotes?endpoint=/v1/quotes', chat()],
  [
    404,
    'unsupported_endpoint',
    '/v1/quotes?endpoint=/v1/messages',
    { ...chat(), max_tokens: 1, max_completion_tokens: undefined },
  ],
  [404, 'model_not_found', '/v1/quotes', chat({ model: 'nobody' })],
  [400, 'unsupported_parameter', '/v1/quotes', chat({ conversation: 'c' })],
  [400, 'invalid_value', '/v1/quotes', chat({ max_completion_tokens: -1 })],
])('%d: %s of %s', async (status, code, path, body) => {
  const { post } = await open()
  expect(await post(path, body)).toMatchObject({ status, json: { error: { code } } })
})

test('401, 403: whoever may not call a model gets no quote of it', async () => {
  const { post } = await open({ plan: 'free' })
  expect(await post('/v1/quotes', chat())).toMatchObject({
    status: 403,
    json: { error: { code: 'model_not_in_plan', param: 'model' } },
  })
  expect(await post('/v1/quotes', chat(), 'nonsense')).toMatchObject({ status: 401 })
})

test('503: without the ledger there is no quote', async () => {
  const { post } = await open({ away: true })
  expect(await post('/v1/quotes', chat())).toMatchObject({ status: 503 })
})
