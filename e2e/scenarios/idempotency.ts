/** Requests with an Idempotency-Key: however often one is sent, the provider has it once and its user pays once. */
import { ConflictError, RateLimitError } from 'openai'
import { expect, it } from 'vitest'
import { call, entries, newUser, tokenOf } from '../harness/calls.ts'
import { arrivals, chatBody, costOf, newKey, outcome } from '../harness/exchange.ts'
import { expectRefusal } from '../harness/refusals.ts'
import { countingTries, rejection, scriptMessage, sdkUser, spent } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const PATH = '/v1/chat/completions'
const usage = { promptTokens: 20, completionTokens: 30 }
const cost = costOf({ input: 20, output: 30 })

type Sent = { token: string; key: string; body: unknown }

/** A request of a fresh user, and the key to send it with. */
async function fresh(stack: Stack, script = {}, more = {}): Promise<Sent> {
  const key = newKey()
  return { token: await tokenOf(stack, newUser()), key, body: chatBody(key, { ...usage, ...script }, more) }
}

function send(stack: Stack, { token, key, body }: Sent, over: { body?: unknown } = {}): Promise<Response> {
  return call(stack, token, PATH, { body, ...over, headers: { 'idempotency-key': key } })
}

/** Checks that an answer is the refusal of a repeat, and returns the id of the first request. */
async function conflict(answer: Response, says: RegExp): Promise<string> {
  const first = answer.headers.get('faregate-first-request-id')
  const param = 'Idempotency-Key'
  const message = await expectRefusal(answer, { status: 409, code: 'idempotency_conflict', param, says })
  expect(message).toContain(first)
  expect(answer.headers.get('x-request-id')).not.toBe(first)
  return first ?? ''
}

export function idempotency(stack: () => Stack): void {
  it.concurrent('409: of eight at once one is sent and charged, and the others are told of it', async () => {
    const sent = await fresh(stack(), { headersDelayMs: 500 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(stack(), sent)))
    const [answered, ...more] = answers.filter(({ status }) => status === 200)
    expect(more).toEqual([])
    const id = answered?.headers.get('x-request-id')
    for (const answer of answers) {
      if (answer !== answered) expect(await conflict(answer, /still running|has ended/)).toBe(id)
    }
    const { charged, entry } = await outcome(stack(), sent.token)
    expect([charged, entry.requestId, arrivals(stack(), sent.key).length]).toEqual([cost, id, 1])
  })

  it.concurrent('409: another body under the key is refused; under another key, or by another user, it is sent', async () => {
    const sent = await fresh(stack())
    const other = newKey()
    const body = chatBody(other, usage)
    expect((await send(stack(), sent)).status).toBe(200)
    const first = await conflict(await send(stack(), sent, { body }), /used with another body/)
    expect((await entries(stack(), sent.token, `&requestId=${first}`))[0]?.requestId).toBe(first)
    expect(arrivals(stack(), other)).toHaveLength(0)
    expect((await send(stack(), { ...sent, key: other, body })).status).toBe(200)
    expect((await send(stack(), { ...sent, token: await tokenOf(stack(), newUser()) })).status).toBe(200)
  })

  it.concurrent('409: a repeat of what has ended says how, and what it cost', async () => {
    const sent = await fresh(stack())
    expect((await send(stack(), sent)).status).toBe(200)
    const credits = new RegExp(`has ended \\(complete\\), and ${cost / 1e6} credits were charged`)
    await conflict(await send(stack(), sent), credits)
    // Routes are served with and without /v1, alike.
    const headers = { 'idempotency-key': sent.key }
    await conflict(await call(stack(), sent.token, '/chat/completions', { ...sent, headers }), credits)
    expect(arrivals(stack(), sent.key)).toHaveLength(1)
  })

  it.concurrent('409: a stream under way is not sent again, nor when its client has left it', async () => {
    const script = { chunks: 40, chunkDelayMs: 50, content: 'x'.repeat(4000), completionTokens: 1000 }
    const sent = await fresh(stack(), script, { stream: true })
    const client = new AbortController()
    const headers = { 'idempotency-key': sent.key }
    const answer = await call(stack(), sent.token, PATH, { body: sent.body, headers, signal: client.signal })
    await answer.body?.getReader().read()
    await conflict(await send(stack(), sent), /still running.*GET \/v1\/account\/entries\?requestId=req_/)
    client.abort()
    await outcome(stack(), sent.token)
    await conflict(await send(stack(), sent), /has ended \((stopped|complete)\)/)
    expect(arrivals(stack(), sent.key)).toHaveLength(1)
  })

  freedom(stack)
  sdks(stack)
}

/** Which keys are free, and which cannot be keys. */
function freedom(stack: () => Stack): void {
  it.concurrent('200: a key is free after a refusal: the provider’s, or ours before anything was held', async () => {
    const sent = await fresh(stack())
    const refused = await send(stack(), sent, { body: chatBody(newKey(), { status: 500 }) })
    expect(refused.status).toBe(502)
    await outcome(stack(), sent.token)
    const dear = chatBody(newKey(), {}, { model: 'dear' })
    expect((await send(stack(), sent, { body: dear })).status).toBe(402)
    expect((await send(stack(), sent)).status).toBe(200)
    await conflict(await send(stack(), sent), /has ended/)
    expect((await outcome(stack(), sent.token, 2)).charged).toBe(cost)
  })

  it.concurrent('409: what the provider may have worked on is charged, and keeps its key', async () => {
    const sent = await fresh(stack(), { badJson: true })
    expect((await send(stack(), sent)).status).toBe(502)
    await conflict(await send(stack(), sent), /has ended \(error\)/)
    expect(arrivals(stack(), sent.key)).toHaveLength(1)
  })

  it.concurrent.each(['', 'two words', 'x'.repeat(256)])('400: a key cannot be %j', async (key) => {
    const sent = await fresh(stack())
    const answer = await send(stack(), { ...sent, key })
    await expectRefusal(answer, { status: 400, code: 'invalid_value', param: 'Idempotency-Key', says: /255/ })
    expect(arrivals(stack(), sent.key)).toHaveLength(0)
  })
}

function sdks(stack: () => Stack): void {
  it.concurrent('openai: its retries run under one key, and a conflict is one try', async () => {
    const [failing, key] = [newKey(), newKey()]
    const headers = { 'Idempotency-Key': key }
    const user = await sdkUser(stack())
    const { tries, result } = await countingTries(stack(), async ({ url }) => {
      const client = user.client.withOptions({ baseURL: url })
      const script = { status: 429, headers: { 'retry-after': '1' } }
      const messages = [scriptMessage(script, failing)]
      return rejection(client.chat.completions.create({ model: 'fast', messages }, { headers }))
    })
    expect(result).toBeInstanceOf(RateLimitError)
    expect([tries, arrivals(stack(), failing).length]).toEqual([3, 3])

    const messages = [scriptMessage(usage, key)]
    const ask = (url: string) =>
      user.client
        .withOptions({ baseURL: url })
        .chat.completions.create({ model: 'fast', messages }, { headers })
    await ask(stack().url)
    const again = await countingTries(stack(), ({ url }) => rejection(ask(url)))
    expect(again.result).toBeInstanceOf(ConflictError)
    expect(again.result).toMatchObject({ code: 'idempotency_conflict', param: 'Idempotency-Key' })
    expect(again.tries).toBe(1)
    expect([arrivals(stack(), key).length, await spent(stack(), user.token)]).toEqual([1, cost])
  })

  it.concurrent('browsers may send the key and read what they are told of the first', async () => {
    const sent = await fresh(stack())
    const origin = 'http://localhost:3000'
    const asked = { origin, 'access-control-request-headers': 'authorization,idempotency-key' }
    const headers = { ...asked, 'access-control-request-method': 'POST' }
    const preflight = await fetch(stack().url + PATH, { method: 'OPTIONS', headers })
    expect(preflight.headers.get('access-control-allow-headers')).toContain('idempotency-key')
    await send(stack(), sent)
    await until('the first has ended', 5000, async () => (await entries(stack(), sent.token)).length > 1)
    const answer = await call(stack(), sent.token, PATH, {
      body: sent.body,
      headers: { origin, 'idempotency-key': sent.key },
    })
    const exposed = answer.headers.get('access-control-expose-headers')
    expect(exposed).toContain('faregate-first-request-id')
    expect(exposed).toContain('idempotent-replayed')
  })
}
