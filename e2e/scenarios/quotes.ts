/** Quotes: what a request may cost, told before it is sent; the figure is the one that is then held. */
import { expect, it } from 'vitest'
import { account, call, entries, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { expectRefusal } from '../harness/refusals.ts'
import { wavFile } from '../harness/sound.ts'
import type { Stack } from '../harness/stack.ts'

const CHAT = '/v1/chat/completions'

type Quote = {
  model: string
  endpoint: string
  credits: { likely: number; most: number }
  tokens: { inputMax: number; outputMax: number }
  affordable: boolean
}

export function quotes(stack: () => Stack): void {
  wires(stack)
  const cases: [string, Record<string, unknown>][] = [
    ['a plain request', {}],
    ['a cap', { max_completion_tokens: 100 }],
    ['a stream of two choices', { max_completion_tokens: 50, n: 2, stream: true }],
    ['a price for each answer', { model: 'flat', n: 3 }],
    ['a free model', { model: 'free' }],
    ['a model whose cache is dear', { model: 'caching', max_completion_tokens: 10 }],
  ]
  it.concurrent.each(cases)(
    '200: of %s the most is what is then held; nothing is spent',
    async (_name, more) => {
      const user = newUser()
      const token = await tokenOf(stack(), user)
      // The first command gives the month's allowance, whose end would move until then.
      await call(stack(), token, CHAT, { body: keyed(newUser(), {}, { model: 'free' }) })
      const before = await booksOf(stack(), token)
      const body = keyed(user, {}, more)
      const quote = await quoteOf(stack(), token, body)
      expect(quote).toMatchObject({ model: body['model'], endpoint: CHAT, affordable: true })
      expect(quote.credits.likely).toBeLessThanOrEqual(quote.credits.most)
      expect(stack().provider.billFor(user)).toBeUndefined()
      expect(await booksOf(stack(), token)).toEqual(before)
      const answer = await call(stack(), token, CHAT, { body })
      expect(answer.status, await answer.text()).toBe(200)
      expect(answer.headers.get('faregate-credits-held')).toBe(String(quote.credits.most))
    },
  )

  it.concurrent('200: what is not affordable says so, where the request itself is 402', async () => {
    const token = await tokenOf(stack(), newUser(), 'none')
    const body = keyed(newUser(), {}, { max_completion_tokens: 100 })
    const quote = await quoteOf(stack(), token, body)
    expect(quote.affordable).toBe(false)
    expect(quote.credits.most).toBeGreaterThan(0)
    await expectRefusal(await call(stack(), token, CHAT, { body }), {
      status: 402,
      code: 'insufficient_credits',
      says: `may cost up to ${quote.credits.most} credits`,
    })
    expect(await entries(stack(), token)).toEqual([])
  })

  it.concurrent('200: quotes are not counted as requests', async () => {
    const token = await tokenOf(stack(), newUser(), 'slow')
    for (let count = 0; count < 4; count += 1) await quoteOf(stack(), token, keyed(newUser()))
    expect(await account(stack(), token)).toMatchObject({ limits: { requestsPerMinute: { remaining: 2 } } })
  })

  it.concurrent('403, 404: what is refused there is refused here', async () => {
    const token = await tokenOf(stack(), newUser(), 'basic')
    const ask = (model: string, query = '') =>
      call(stack(), token, `/v1/quotes${query}`, { body: keyed(newUser(), {}, { model }) })
    await expectRefusal(await ask('deep'), { status: 403, code: 'model_not_in_plan', param: 'model' })
    await expectRefusal(await ask('nobody'), { status: 404, code: 'model_not_found', param: 'model' })
    const elsewhere = await ask('fast', '?endpoint=/v1/account')
    await expectRefusal(elsewhere, { status: 404, code: 'unsupported_endpoint', param: 'endpoint' })
  })
}

function wires(stack: () => Stack): void {
  const hello = { contents: [{ role: 'user', parts: [{ text: 'hello' }] }] }
  const bodies: [string, () => string | FormData][] = [
    ['/v1beta/models/gem:generateContent', () => JSON.stringify(hello)],
    ['/v1beta/models/gem:streamGenerateContent?alt=sse', () => JSON.stringify(hello)],
    ['/v1/embeddings', () => JSON.stringify({ model: 'vectors', input: 'hello' })],
    [
      '/v1/images/generations',
      () => JSON.stringify({ model: 'picture', prompt: 'a cat', size: '1024x1024' }),
    ],
    ['/v1/audio/speech', () => JSON.stringify({ model: 'voice', input: 'hello', voice: 'alloy' })],
    ['/v1/audio/transcriptions', () => recording('scribe')],
    ['/audio/transcriptions', () => recording('listener')],
  ]
  it.concurrent.each(bodies)('200: the most is what is then held at %s', async (endpoint, bodyOf) => {
    const token = await tokenOf(stack(), newUser())
    const quoted = await send(stack(), token, `/v1/quotes?endpoint=${encodeURIComponent(endpoint)}`, bodyOf())
    const text = await quoted.text()
    expect(quoted.status, text).toBe(200)
    const quote = JSON.parse(text) as Quote
    expect(quote).toMatchObject({ endpoint: endpoint.split('?')[0], affordable: true })
    expect(quote.credits.likely).toBeGreaterThan(0)
    const answer = await send(stack(), token, endpoint, bodyOf())
    expect(answer.status, await answer.text()).toBe(200)
    expect(answer.headers.get('faregate-credits-held')).toBe(String(quote.credits.most))
  })
}

function recording(model: string): FormData {
  const form = new FormData()
  form.append('model', model)
  form.append('file', wavFile())
  return form
}

/** A body as it is: a form brings its own content type. */
function send(stack: Stack, token: string, path: string, body: string | FormData): Promise<Response> {
  const json = { 'content-type': 'application/json' }
  const headers = { authorization: `Bearer ${token}`, ...(typeof body === 'string' && json) }
  return fetch(stack.url + path, { method: 'POST', headers, body })
}

async function booksOf(stack: Stack, token: string): Promise<unknown> {
  return { account: await account(stack, token), entries: await entries(stack, token) }
}

async function quoteOf(stack: Stack, token: string, body: unknown): Promise<Quote> {
  const answer = await call(stack, token, '/v1/quotes', { body })
  const text = await answer.text()
  expect(answer.status, text).toBe(200)
  return JSON.parse(text) as Quote
}
