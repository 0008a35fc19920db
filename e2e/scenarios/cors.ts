/** What a browser needs to call from the app's page, and what it must not get from another's. */
import { expect, it } from 'vitest'
import { call, newUser, tokenOf } from '../harness/calls.ts'
import { arrival, arrivals, chatBody, newKey, untouched } from '../harness/exchange.ts'
import type { Stack } from '../harness/stack.ts'

const ORIGIN = 'http://localhost:3000'
const foreign = [
  'http://localhost:3001',
  'https://localhost:3000',
  'http://localhost:3000.evil.example',
  'null',
]

/** What @google/genai 3.3 asks for. */
const askedByGemini = [
  'content-type',
  'user-agent',
  'x-goog-api-client',
  'x-goog-api-key',
  'x-server-timeout',
]

/** What openai 7.57 asks for from a browser. */
const asked = [
  ...['authorization', 'content-type', 'user-agent'],
  ...['retry-count', 'lang', 'package-version', 'os', 'arch', 'runtime', 'runtime-version', 'timeout'].map(
    stainless,
  ),
  ...['helper-method', 'of-a-later-version'].map(stainless),
]

function stainless(name: string): string {
  return `x-stainless-${name}`
}

function preflight(stack: Stack, origin: string, headers: readonly string[], path = '/v1/chat/completions') {
  return fetch(stack.url + path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': headers.join(', '),
    },
  })
}

function listOf(answer: Response, name: string): string[] {
  return (answer.headers.get(name) ?? '').split(', ')
}

export function cors(stack: () => Stack): void {
  preflights(stack)
  answers(stack)
  refusals(stack)
  origins(stack)
}

function preflights(stack: () => Stack): void {
  for (const path of ['/v1/chat/completions', '/chat/completions', '/v1/account', '/v1/keys', '/v1/models']) {
    it.concurrent(`204: the preflight of ${path} allows what the SDKs send, for a day`, async () => {
      const answer = await preflight(stack(), ORIGIN, asked, path)
      expect(answer.status).toBe(204)
      expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN)
      expect(listOf(answer, 'access-control-allow-headers')).toEqual(expect.arrayContaining(asked))
      const methods = listOf(answer, 'access-control-allow-methods')
      expect(methods).toEqual(expect.arrayContaining(['GET', 'POST', 'PUT', 'DELETE']))
      expect(answer.headers.get('access-control-max-age')).toBe('86400')
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin')
    })
  }

  it.concurrent('204: the preflight of a Gemini model allows what its SDK sends', async () => {
    const answer = await preflight(stack(), ORIGIN, askedByGemini, '/v1beta/models/gem:generateContent')
    expect(answer.status).toBe(204)
    expect(listOf(answer, 'access-control-allow-headers')).toEqual(expect.arrayContaining(askedByGemini))
  })

  it.concurrent('204: a preflight allows no header outside the list', async () => {
    const answer = await preflight(stack(), ORIGIN, [
      'x-evil',
      'cookie',
      'x-stainless-\u00e9',
      'x-stainless-a b',
    ])
    const allowed = listOf(answer, 'access-control-allow-headers')
    expect(allowed.filter((name) => /evil|cookie|\s/.test(name))).toEqual([])
  })

  for (const origin of foreign) {
    it.concurrent(`204: a preflight from ${origin} allows nothing`, async () => {
      const answer = await preflight(stack(), origin, asked)
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
      expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin')
    })
  }
}

/** An answer that the page of this origin can read, with the headers of the contract. */
function expectReadable(answer: Response): void {
  expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN)
  expect(listOf(answer, 'access-control-expose-headers')).toEqual(
    expect.arrayContaining([
      ...[
        'x-request-id',
        'retry-after',
        'x-should-retry',
        'faregate-output-tokens-max',
        'content-disposition',
      ],
      ...['faregate-credits-held', 'faregate-credits-available', 'faregate-credits-charged'],
      ...['x-ratelimit-limit-requests', 'x-ratelimit-remaining-tokens', 'x-ratelimit-reset-requests'],
    ]),
  )
  expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin')
}

function answers(stack: () => Stack): void {
  for (const more of [{}, { stream: true }]) {
    it.concurrent(`200: an answer ${JSON.stringify(more)} can be read from the page`, async () => {
      const [token, key] = [await tokenOf(stack(), newUser()), newKey()]
      const body = chatBody(key, {}, more)
      const answer = await call(stack(), token, '/v1/chat/completions', { body, headers: { origin: ORIGIN } })
      expect(answer.status, await answer.text()).toBe(200)
      expectReadable(answer)
      expect(arrival(stack(), key).headers).not.toHaveProperty('origin')
    })
  }

  const account = ['/v1/account', '/v1/account/entries', '/v1/account/usage', '/v1/account/export']
  for (const path of [...account, '/v1/models', '/v1/keys', '/healthz']) {
    it.concurrent(`200: GET ${path} can be read from the page, and from no other`, async () => {
      const token = await tokenOf(stack(), newUser())
      const answer = await call(stack(), token, path, { headers: { origin: ORIGIN } })
      expect(answer.status, await answer.text()).toBe(200)
      expectReadable(answer)
      const [other = ''] = foreign
      const theirs = await call(stack(), token, path, { headers: { origin: other } })
      expect(theirs.headers.get('access-control-allow-origin')).toBeNull()
      await theirs.text()
    })
  }
}

function refusals(stack: () => Stack): void {
  const post = (token: string, body: unknown, path = '/v1/chat/completions') =>
    call(stack(), token, path, { body, headers: { origin: ORIGIN } })
  const rows: [status: number, send: (token: string) => Promise<Response>][] = [
    [400, (token) => post(token, '{')],
    [401, () => post('no.such.token', chatBody(newKey(), {}))],
    [404, (token) => post(token, chatBody(newKey(), {}, { model: 'none' }))],
    [404, (token) => post(token, {}, '/nowhere')],
    [413, (token) => post(token, 'x'.repeat(4_300_000))],
    [429, (token) => post(token, chatBody(newKey(), { status: 429 }))],
    [502, (token) => post(token, chatBody(newKey(), { status: 500 }))],
    [504, (token) => post(token, chatBody(newKey(), { hang: 'headers' }))],
  ]
  for (const [status, send] of rows) {
    it.concurrent(`${status}: a refusal can be read from the page`, async () => {
      const answer = await send(await tokenOf(stack(), newUser()))
      expect(answer.status, await answer.text()).toBe(status)
      expectReadable(answer)
    })
  }

  it.concurrent('402, 403: refusals of credits and plan can be read from the page', async () => {
    const poor = await post(await tokenOf(stack(), newUser(), 'none'), chatBody(newKey(), {}))
    expect(poor.status, await poor.text()).toBe(402)
    expectReadable(poor)
    const basic = await tokenOf(stack(), newUser(), 'basic')
    const barred = await post(basic, chatBody(newKey(), {}, { model: 'deep' }))
    expect(barred.status, await barred.text()).toBe(403)
    expectReadable(barred)
  })
}

/** A token is bound to the page that it was made for. */
function origins(stack: () => Stack): void {
  for (const origin of foreign) {
    it.concurrent(`401: a token used from ${origin} is refused, even when it was just used properly`, async () => {
      const [token, key] = [await tokenOf(stack(), newUser()), newKey()]
      await call(stack(), token, '/v1/account', { headers: { origin: ORIGIN } })
      const answer = await call(stack(), token, '/v1/chat/completions', {
        body: chatBody(key, {}),
        headers: { origin },
      })
      expect(answer.status).toBe(401)
      expect(await answer.json()).toMatchObject({ error: { code: 'invalid_token' } })
      expect(arrivals(stack(), key)).toHaveLength(0)
      expect(await untouched(stack(), token)).toBe(true)
    })
  }

  it.concurrent('401: a token made for another page is refused from this one', async () => {
    const overrides = { claims: { azp: 'http://localhost:3001' } }
    const token = await stack().clerk.mint({ user: newUser(), plan: 'free_user', overrides })
    const answer = await call(stack(), token, '/v1/account', { headers: { origin: ORIGIN } })
    expect(answer.status, await answer.text()).toBe(401)
    expectReadable(answer)
  })
}
