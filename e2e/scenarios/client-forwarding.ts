/**
 * What goes on to the provider of what a client sent (safety.md sections 3 and 4): the checked request, the operator's
 * key, a cap that was paid for, and nothing that tells who asked or lets them reach further.
 */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { account, asOperator, call, newUser, tokenOf } from '../harness/calls.ts'
import {
  ALLOWANCE,
  type Asked,
  arrival,
  arrivals,
  ask,
  billed,
  chatBody,
  chunksOf,
  errorOf,
  eventData,
  newKey,
  outcome,
  untouched,
} from '../harness/exchange.ts'
import { PROVIDER_KEY, type Stack } from '../harness/stack.ts'

export function clientForwarding(stack: () => Stack): void {
  caps(stack)
  affordable(stack)
  usageFrames(stack)
  identityOf(stack)
  it.concurrent('200: what is not changed goes on as it was written', async () => {
    const [token, key] = [await tokenOf(stack(), newUser()), newKey()]
    const content = JSON.stringify(JSON.stringify({ key, script: {} }))
    const body = `{ "temperature" : 1.0, "seed":-0,\n"model":"fast","messages":[ {"role":"user","content":${content}} ],"logit_bias":{"50256":-1e2},"stop":["\\u00e9","🦊"] }`
    const answer = await call(stack(), token, '/v1/chat/completions', { body })
    expect(answer.status, await answer.text()).toBe(200)
    const sent = arrival(stack(), key).body
    for (const part of [
      '"temperature" : 1.0, "seed":-0,\n',
      '"logit_bias":{"50256":-1e2},"stop":["\\u00e9","🦊"]',
    ]) {
      expect(sent).toContain(part)
    }
    expect(sent).toContain(`"messages":[ {"role":"user","content":${content}} ]`)
    expect(sent).toContain('"model":"gpt-5-mini"')
  })
}

function caps(stack: () => Stack): void {
  for (const field of ['max_tokens', 'max_completion_tokens']) {
    it.concurrent(`200: ${field} of a billion is lowered to the model's and said so`, async () => {
      const asked = await ask(stack(), {}, { model: 'capped', [field]: 1e9 })
      expect(asked.status, asked.text).toBe(200)
      expect(asked.headers.get('faregate-output-tokens-max')).toBe('1000')
      expect(capSent(stack(), asked)).toBe(1000)
    })
  }

  it.concurrent('200: a cap within the model’s goes on as it is, unsaid', async () => {
    const asked = await ask(stack(), {}, { model: 'capped', max_tokens: 77 })
    expect(asked.headers.get('faregate-output-tokens-max')).toBeNull()
    expect(capSent(stack(), asked)).toBe(77)
  })

  it.concurrent('200: an absent cap becomes the default of 4096, or the model’s', async () => {
    const [open, capped] = await Promise.all([ask(stack(), {}), ask(stack(), {}, { model: 'capped' })])
    expect([capSent(stack(), open), capSent(stack(), capped)]).toEqual([4096, 1000])
    expect(open.headers.get('faregate-output-tokens-max')).toBe('4096')
  })

  it.concurrent('402: a billion that no model lowers is too dear, and says what would do', async () => {
    const asked = await ask(stack(), {}, { max_tokens: 1e9 })
    expect(asked.status).toBe(402)
    const affordableTokens = Number(/ask for at most (\d+)/.exec(errorOf(asked).message)?.[1])
    expect(affordableTokens).toBeGreaterThan(4_900_000)
    expect(arrivals(stack(), asked.key)).toHaveLength(0)
    expect(await untouched(stack(), asked.token)).toBe(true)
  })
}

/** The one cap that the provider was given. */
function capSent(stack: Stack, asked: Asked): unknown {
  const { max_tokens: legacy, max_completion_tokens: now } = arrival(stack, asked.key).json
  expect([legacy, now].filter((cap) => cap !== undefined)).toHaveLength(1)
  return legacy ?? now
}

function affordable(stack: () => Stack): void {
  it.concurrent('200: an absent cap becomes what the balance pays for; what cannot be paid is 402', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user, 'none')
    const grant = { credits: 0.002, reason: 'test' }
    const granted = await asOperator(stack(), `/admin/accounts/clerk:${user}/grants`, grant)
    expect(granted.status).toBe(201)
    const key = newKey()
    const answer = await call(stack(), token, '/v1/chat/completions', {
      body: chatBody(key, { completionTokens: 9999 }),
    })
    expect(answer.status, await answer.text()).toBe(200)
    const cap = Number(arrival(stack(), key).json['max_completion_tokens'])
    expect(cap).toBeGreaterThanOrEqual(256)
    expect(cap).toBeLessThan(1000)
    expect(answer.headers.get('faregate-output-tokens-max')).toBe(String(cap))
    const { charged, available } = await outcome(stack(), token)
    expect(charged).toBe(billed(stack(), key))
    expect(available).toBe(2000 - charged)
    const again = newKey()
    const refused = await call(stack(), token, '/v1/chat/completions', { body: chatBody(again, {}) })
    expect(refused.status).toBe(402)
    expect(arrivals(stack(), again)).toHaveLength(0)
    expect((await account(stack(), token)).credits).toMatchObject({ available: available / 1e6, held: 0 })
  })
}

function usageFrames(stack: () => Stack): void {
  for (const options of [undefined, {}, { include_usage: false }, { include_obfuscation: false }]) {
    it.concurrent(`200: with stream_options ${JSON.stringify(options)} usage is asked for and kept back`, async () => {
      const asked = await ask(stack(), {}, { stream: true, ...(options && { stream_options: options }) })
      expect(arrival(stack(), asked.key).json['stream_options']).toEqual({ ...options, include_usage: true })
      expect(chunksOf(asked.text).every(({ usage, choices }) => !usage && choices?.length === 1)).toBe(true)
      expect(eventData(asked.text).at(-1)).toBe('[DONE]')
      const { charged } = await outcome(stack(), asked.token)
      expect(charged).toBe(billed(stack(), asked.key))
      expect(asked.text).toContain(`: faregate credits-charged=${charged / 1e6} `)
    })
  }

  it.concurrent('200: with include_usage the frame comes, with the receipt, once', async () => {
    const asked = await ask(stack(), {}, { stream: true, stream_options: { include_usage: true } })
    const frames = chunksOf(asked.text).filter(({ usage }) => usage)
    expect(frames).toHaveLength(1)
    const { charged, available } = await outcome(stack(), asked.token)
    const receipt = { creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 }
    expect(frames[0]?.usage?.faregate).toEqual(receipt)
    expect(available).toBe(ALLOWANCE - charged)
    expect(asked.text).not.toContain(': faregate')
  })
}

function identityOf(stack: () => Stack): void {
  it.concurrent('200: no header of the caller goes along, and the operator’s key does', async () => {
    const [token, key] = [await tokenOf(stack(), newUser()), newKey()]
    const headers = {
      'openai-organization': 'org-evil',
      'openai-project': 'proj_evil',
      'openai-beta': 'assistants=v2',
      'x-evil': 'evil',
      cookie: '__session=evil',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-host': 'evil.example',
      'user-agent': 'evil/1.0',
      'x-stainless-lang': 'evil',
      'idempotency-key': 'evil',
      'accept-encoding': 'gzip, br',
      referer: 'https://evil.example',
      baggage: 'evil=1',
    }
    const answer = await call(stack(), token, '/v1/chat/completions?evil=1', {
      body: chatBody(key, {}),
      headers,
    })
    expect(answer.status, await answer.text()).toBe(200)
    const request = arrival(stack(), key)
    expect(JSON.stringify([request.path, request.headers])).not.toMatch(/evil|6\.6\.6\.6/)
    expect(JSON.stringify(request.headers)).not.toContain(token)
    expect(request.headers).toMatchObject({
      authorization: `Bearer ${PROVIDER_KEY}`,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      host: new URL(stack().provider.url).host,
    })
    expect(request.path).toBe('/v1/chat/completions')
  })

  it.concurrent('200: the user is a hash, whatever the caller says, and nothing is stored', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const hash = createHash('sha256').update(`clerk:${user}`).digest('hex')
    for (const more of [
      {},
      { user: 'someone-else', safety_identifier: 'someone', store: true, prompt_cache_key: 'theirs' },
      { service_tier: 'auto', metadata: { a: 'b' } },
    ]) {
      const key = newKey()
      const answer = await call(stack(), token, '/v1/chat/completions', { body: chatBody(key, {}, more) })
      expect(answer.status, await answer.text()).toBe(200)
      const { body, json } = arrival(stack(), key)
      expect(json).toMatchObject({ user: hash, store: false, service_tier: 'default' })
      expect(body).not.toContain(user)
      expect(body).not.toMatch(/someone|theirs|metadata/)
      if ('safety_identifier' in more) expect(json['safety_identifier']).toBe(hash)
      if ('metadata' in more) expect(answer.headers.get('faregate-dropped-parameters')).toBe('metadata')
    }
  })

  it.concurrent('200: two users with one cache key do not share it', async () => {
    const asked = await Promise.all([0, 1].map(() => ask(stack(), {}, { prompt_cache_key: 'shared' })))
    const [one, two] = asked.map(({ key }) => arrival(stack(), key).json['prompt_cache_key'])
    expect(one).not.toBe(two)
  })
}
