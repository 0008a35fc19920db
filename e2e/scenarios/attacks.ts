/**
 * What has been tried on gateways like this one to get at models, money or others' data, on every wire that there is.
 * Attacks that belong to one subject have their tests there: races, hang-ups, tokens, webhooks, keys.
 */
import { expect, it } from 'vitest'
import { account, call, newUser, scripted, tokenOf } from '../harness/calls.ts'
import { ALLOWANCE, arrivals, micro, newKey, outcome, untouched } from '../harness/exchange.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { type WireExample, wireExamples } from '../harness/wires.ts'

/** A good request of each wire that names itself, so that its arrival at the provider can be looked for. */
function examples(): { key: string; wire: WireExample }[] {
  return wireExamples('').map(({ name }, index) => {
    const key = newKey()
    const wire = wireExamples(`hello ${key}`)[index]
    if (!wire) throw new Error(`${name} is gone`)
    return { key, wire }
  })
}

export function attacks(stack: () => Stack): void {
  noToken(stack)
  injected(stack)
  strangeModels(stack)
  strangeHeaders(stack)
  strangePaths(stack)
  hangUps(stack)
  injection(stack)
}

function noToken(stack: () => Stack): void {
  for (const { key, wire } of examples()) {
    it.concurrent(`401: ${wire.name} without a token, or with one that is none`, async () => {
      for (const authorization of [
        undefined,
        'Bearer nonsense',
        'Basic eDp5',
        `Bearer ${btoa('{"alg":"none"}')}..`,
      ]) {
        const answer = await fetch(stack().url + wire.path, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...wire.headers,
            ...(authorization && { authorization }),
          },
          body: JSON.stringify(wire.body),
        })
        expect(answer.status, `${authorization}`).toBe(401)
        expect(answer.headers.get('x-should-retry')).toBe('false')
        const code = wire.codeOf(await answer.json())
        expect(code).toBe('invalid_token')
      }
      expect(arrivals(stack(), key)).toEqual([])
    })
  }
}

/** Fields by which other gateways let a caller choose where a request goes, or who is billed for it. */
const steering: Record<string, unknown>[] = [
  { api_base: 'http://127.0.0.1:1' },
  { base_url: 'http://127.0.0.1:1' },
  { api_key: 'sk-mine' },
  { user_config: { model_list: [{ api_base: 'http://127.0.0.1:1' }] } },
  { extra_headers: { authorization: 'Bearer x' } },
  { extra_body: { store: true } },
  { provider: { order: ['x'] } },
  { metadata_config: 1, fallbacks: ['dear'] },
  { mock_response: 'free' },
]

function injected(stack: () => Stack): void {
  for (const { key, wire } of examples()) {
    it.concurrent(`400: ${wire.name} with fields that would steer it elsewhere`, async () => {
      const token = await tokenOf(stack(), newUser())
      for (const more of steering) {
        const body = { ...wire.body, ...more }
        const answer = await call(stack(), token, wire.path, {
          body,
          ...(wire.headers && { headers: wire.headers }),
        })
        const text = await answer.text()
        expect(answer.status, `${JSON.stringify(more)}: ${text}`).toBe(400)
        const code = wire.codeOf(JSON.parse(text))
        expect(code).toBe('unsupported_parameter')
      }
      expect(arrivals(stack(), key)).toEqual([])
      expect(await untouched(stack(), token)).toBe(true)
    })
  }
}

function strangeModels(stack: () => Stack): void {
  const spellings = (name: string) => [
    name.toUpperCase(),
    `${name} `,
    `${name}\u200b`,
    `openai/${name}`,
    `ft:${name}:x`,
    `${name}-2026-01-01`,
    'gpt-5-mini',
    '__proto__',
    'constructor',
    '../fast',
  ]
  for (const { key, wire } of examples()) {
    it.concurrent(`404: ${wire.name} at a model that is nearly one`, async () => {
      const token = await tokenOf(stack(), newUser())
      const named = /models\/([^:]+):/.exec(wire.path)?.[1]
      const { model = named } = wire.body as { model?: string }
      for (const spelling of spellings(model ?? '')) {
        const path = named === undefined ? wire.path : wire.path.replace(named, encodeURIComponent(spelling))
        const body = named === undefined ? { ...wire.body, model: spelling } : wire.body
        const answer = await call(stack(), token, path, {
          body,
          ...(wire.headers && { headers: wire.headers }),
        })
        expect([400, 404], `${spelling}: ${await answer.text()}`).toContain(answer.status)
      }
      expect(arrivals(stack(), key)).toEqual([])
      expect(await untouched(stack(), token)).toBe(true)
    })
  }
}

function strangeHeaders(stack: () => Stack): void {
  const headers = {
    'openai-organization': 'org-attacker',
    'openai-project': 'proj-attacker',
    'anthropic-beta': 'context-1m-2025-08-07,fast-mode',
    'x-goog-user-project': 'attacker',
    'x-forwarded-host': 'attacker.example',
    forwarded: 'host=attacker.example',
    'x-original-url': '/admin/accounts',
    'x-rewrite-url': '/admin/accounts',
    'x-http-method-override': 'DELETE',
    'x-portkey-custom-host': 'http://127.0.0.1:1',
    'x-litellm-api-base': 'http://127.0.0.1:1',
    cookie: '__session=x',
  }
  for (const { key, wire } of examples()) {
    it.concurrent(`200: ${wire.name} goes where the config says, whatever the headers say`, async () => {
      const token = await tokenOf(stack(), newUser())
      const sent = { body: wire.body, headers: { ...headers, ...wire.headers } }
      const answer = await call(stack(), token, wire.path, sent)
      expect(answer.status, await answer.text()).toBe(200)
      const [arrived, ...others] = arrivals(stack(), key)
      expect(others).toEqual([])
      for (const name of Object.keys(headers)) expect(arrived?.headers[name], name).toBeUndefined()
      expect(JSON.stringify(arrived?.headers)).not.toContain(token)
    })
  }
}

function strangePaths(stack: () => Stack): void {
  it.concurrent('404: a path is matched as it is, and none leads past the token', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const key = newKey()
    const paths = [
      '/v1//chat/completions',
      '/V1/chat/completions',
      '/v1/chat/completions/',
      '/v1/chat%2Fcompletions',
      '/v1/admin/../chat/completions/x',
      '/v1/chat/completions;x=1',
      '/v1/v1/chat/completions',
      '/v1beta/models/gem',
      '/v1beta/models/gem:countTokens',
      '/v1beta/models/gem:generateContent:streamGenerateContent/x',
      '/v1/files',
      '/v1/batches',
      '/v1/fine_tuning/jobs',
      '/v1/realtime',
      '/v1/responses/resp_1',
      '/v1/conversations',
    ]
    for (const path of paths) {
      const answer = await call(stack(), token, path, { body: scripted({}, { user: key }) })
      expect([401, 404], `${path}: ${await answer.text()}`).toContain(answer.status)
    }
    expect(arrivals(stack(), key)).toEqual([])
    expect(await untouched(stack(), token)).toBe(true)
  })

  it.concurrent('404: what others stored at the provider cannot be read, listed or deleted', async () => {
    const token = await tokenOf(stack(), newUser())
    for (const method of ['GET', 'DELETE']) {
      for (const path of [
        '/v1/responses/resp_1',
        '/v1/files',
        '/v1/files/file-1/content',
        '/v1/chat/completions',
      ]) {
        expect((await call(stack(), token, path, { method })).status).toBe(404)
      }
    }
  })
}

function hangUps(stack: () => Stack): void {
  it.concurrent('429: who hangs up on answers that are read on has them still under way', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user, 'narrow')
    const script = { completionTokens: 40, headersDelayMs: 1200 }
    const start = (key: string, signal?: AbortSignal) => {
      const messages = [{ role: 'user', content: JSON.stringify({ script, key }) }]
      const body = { model: 'drained', messages }
      return call(stack(), token, '/v1/chat/completions', { body, ...(signal && { signal }) })
    }
    const keys = [newKey(), newKey()]
    const client = new AbortController()
    const gone = keys.map((key) => start(key, client.signal).catch(() => null))
    await until('both are with the provider', 5000, () =>
      keys.every((key) => arrivals(stack(), key).length === 1),
    )
    client.abort()
    await Promise.all(gone)
    expect((await start(newKey())).status).toBe(429)
    const { available } = await outcome(stack(), token, 2)
    const { credits } = await account(stack(), token)
    expect(credits.held).toBe(0)
    expect(available).toBeLessThan(ALLOWANCE)
    expect((await start(newKey())).status).toBe(200)
  })
}

/** Text that other stores ran as their query, and text that is long, wherever one is looked up by. */
function injection(stack: () => Stack): void {
  it.concurrent('400 or nothing: queries are data, wherever they are sent', async () => {
    const token = await tokenOf(stack(), newUser())
    const before = await account(stack(), token)
    const texts = ["x' OR '1'='1", "'; DROP TABLE entries; --", '%', '_', '\\', '"', '0x00', 'a'.repeat(3000)]
    for (const text of texts) {
      for (const path of [
        `/v1/account/entries?requestId=${encodeURIComponent(text)}`,
        `/v1/account/entries?cursor=${encodeURIComponent(text)}`,
        `/v1/account/payments?cursor=${encodeURIComponent(text)}`,
        `/v1/account/usage?by=${encodeURIComponent(text)}`,
        `/v1/models/${encodeURIComponent(text)}`,
      ]) {
        const answer = await call(stack(), token, path)
        const body = await answer.text()
        expect([200, 400, 404], `${path}: ${body}`).toContain(answer.status)
        if (answer.status === 200) expect(JSON.parse(body)).toMatchObject({ data: [] })
      }
      const idempotent = { 'idempotency-key': text.replace(/\s/g, '') }
      const asked = { body: scripted({ promptTokens: 1, completionTokens: 1 }), headers: idempotent }
      expect([200, 400]).toContain((await call(stack(), token, '/v1/chat/completions', asked)).status)
    }
    const after = await account(stack(), token)
    expect(micro(before.credits.available) - micro(after.credits.available)).toBeLessThan(100)
  })
}
