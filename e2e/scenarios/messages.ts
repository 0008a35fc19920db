/** Anthropic's wire: what is forwarded, what is charged, and what is refused in its words. */
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import { call, newUser, tokenOf } from '../harness/calls.ts'
import { ALLOWANCE, arrival, arrivals, micro, newKey, outcome, untouched } from '../harness/exchange.ts'
import {
  askMessage,
  billedMessage,
  expectMessageRefusal,
  messageBody,
  messageEvents,
  saidIn,
  VERSION,
} from '../harness/messages.ts'
import { ANTHROPIC_KEY, type Stack } from '../harness/stack.ts'

const streamed = { stream: true }
const search = { type: 'web_search_20250305', name: 'web_search' }
const hour = { cache_control: { type: 'ephemeral', ttl: '1h' } }

export function messages(stack: () => Stack): void {
  exact(stack)
  forwarding(stack)
  refusals(stack)
  upstream(stack)
  counting(stack)
}

/** Credible reports: charged to the token, both ways alike. */
function exact(stack: () => Stack): void {
  const rows: [string, Script, Record<string, unknown>][] = [
    ['a message', { content: 'Grüße 🦊', promptTokens: 50 }, {}],
    ['one cut by its cap', { completionTokens: 900 }, {}],
    [
      'one from caches, and into them',
      { promptTokens: 101, cachedTokens: 31, cacheWriteTokens: 20, longCacheWriteTokens: 10 },
      hour,
    ],
    ['one with searches', { promptTokens: 900, toolCallsRun: 2 }, { tools: [search] }],
    ['one that another tier served', { promptTokens: 9, serviceTier: 'priority' }, { service_tier: 'auto' }],
    ['one with hidden reasoning', { completionTokens: 90, reasoningTokens: 70 }, { model: 'thinker' }],
    [
      'one with reasoning that shows',
      { reasoningContent: 'Let me see.', content: 'Yes.' },
      { model: 'thinker', thinking: { type: 'adaptive', display: 'summarized' } },
    ],
  ]
  for (const [title, script, more] of rows) {
    for (const way of [{}, streamed]) {
      const name = 'stream' in way ? 'streamed' : 'plain'
      it.concurrent(`200: ${title}, ${name}, is charged exactly`, async () => {
        const asked = await askMessage(stack(), script, { ...way, ...more })
        expect(asked.status, asked.text).toBe(200)
        const { entry, charged, available } = await outcome(stack(), asked.token)
        expect(entry).toMatchObject({ ended: 'complete' })
        expect(entry.estimated ?? false).toBe(false)
        expect(charged).toBe(billedMessage(stack(), asked.key))
        expect(charged).toBeLessThanOrEqual(micro(Number(asked.headers.get('faregate-credits-held'))))
        expect(available).toBe(ALLOWANCE - charged)
        const receipt = { creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 }
        const last = 'stream' in way ? messageEvents(asked.text).slice(-2) : [JSON.parse(asked.text)]
        expect(last[0]?.usage?.faregate).toEqual(receipt)
        expect(last.at(-1)?.type).toBe('stream' in way ? 'message_stop' : 'message')
      })
    }
  }

  it.concurrent('200: a stream in pieces of a byte passes whole, and costs the same', async () => {
    const script = { content: 'Grüße an alle 🦊', promptTokens: 50, splitEvery: 1, chunks: 3 }
    const asked = await askMessage(stack(), script, streamed)
    expect(saidIn(asked.text)).toBe(script.content)
    expect((await outcome(stack(), asked.token)).charged).toBe(billedMessage(stack(), asked.key))
  })
}

function forwarding(stack: () => Stack): void {
  it.concurrent('200: goes on with one key, in the version asked for, as a hash of the account', async () => {
    const headers = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'fast-mode-2026-02-01' }
    const more = { metadata: { user_id: 'me' }, max_tokens: 77, service_tier: 'auto', model: 'thinker' }
    const asked = await askMessage(stack(), {}, more, { headers, path: '/messages' })
    const { path, headers: sent, json } = arrival(stack(), asked.key)
    expect(path).toBe('/v1/messages')
    expect(sent).toMatchObject({ 'x-api-key': ANTHROPIC_KEY, 'anthropic-version': '2026-10-21' })
    expect(sent).not.toHaveProperty('authorization')
    expect(sent).not.toHaveProperty('anthropic-beta')
    expect(json).toMatchObject({
      model: 'claude-opus-5',
      max_tokens: 77,
      metadata: { user_id: expect.stringMatching(/^[0-9a-f]{64}$/) },
      service_tier: 'standard_only',
    })
  })

  it.concurrent('200: the key may be in x-api-key, and the version left out', async () => {
    const key = newKey()
    const token = await tokenOf(stack(), newUser())
    const answer = await fetch(`${stack().url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': token, 'content-type': 'application/json' },
      body: JSON.stringify(messageBody(key, {})),
    })
    expect(answer.status, await answer.text()).toBe(200)
    expect(arrival(stack(), key).headers['anthropic-version']).toBe('2023-06-01')
  })

  it.concurrent('200: a search goes on with as many uses as have a price', async () => {
    const asked = await askMessage(stack(), {}, { tools: [{ ...search, max_uses: 50 }] })
    expect(arrival(stack(), asked.key).json['tools']).toEqual([{ ...search, max_uses: 3 }])
  })
}

function refusals(stack: () => Stack): void {
  const image = (source: object) => ({ messages: [{ role: 'user', content: [{ type: 'image', source }] }] })
  const bad: [string, Record<string, unknown>, string, string][] = [
    ['no cap', { max_tokens: undefined }, 'invalid_value', 'max_tokens'],
    ['a container', { container: 'c' }, 'unsupported_parameter', 'container'],
    ['the fast mode without a price', { speed: 'fast' }, 'unsupported_parameter', 'speed'],
    [
      'a longer cache without a price',
      { model: 'thinker', ...hour },
      'unsupported_parameter',
      'cache_control.ttl',
    ],
    ['a search without a price', { model: 'thinker', tools: [search] }, 'unsupported_parameter', 'tools[0]'],
    [
      'code that the provider runs',
      { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] },
      'unsupported_parameter',
      'tools[0]',
    ],
    [
      'a stored file',
      image({ type: 'file', file_id: 'f' }),
      'unsupported_parameter',
      'messages[0].content[0].source',
    ],
    [
      'a picture elsewhere',
      image({ type: 'url', url: 'http://127.0.0.1:1/a.png' }),
      'unsupported_parameter',
      'messages[0].content[0].source',
    ],
  ]
  it.concurrent('400: what has no bound or no price is refused by name', async () => {
    for (const [title, more, code, param] of bad) {
      const asked = await askMessage(stack(), {}, more)
      expectMessageRefusal(asked, { status: 400, type: 'invalid_request_error', code, param })
      expect(arrivals(stack(), asked.key), title).toHaveLength(0)
      expect(await untouched(stack(), asked.token)).toBe(true)
    }
  })

  it.concurrent('400: an unknown version', async () => {
    const headers = { 'anthropic-version': '2030-01-01' }
    const asked = await askMessage(stack(), {}, {}, { headers })
    const expected = { code: 'invalid_value', param: 'anthropic-version' }
    expectMessageRefusal(asked, { status: 400, type: 'invalid_request_error', ...expected })
  })

  it.concurrent('401, 402, 403 and 404: in words that its SDKs know', async () => {
    const answer = await call(stack(), 'no.such.token', '/v1/messages', { body: messageBody('', {}) })
    const unknown = { status: answer.status, headers: answer.headers, text: await answer.text() }
    expectMessageRefusal(unknown, { status: 401, type: 'authentication_error', code: 'invalid_token' })
    const poor = await askMessage(stack(), {}, {}, { plan: 'none' })
    expectMessageRefusal(poor, { status: 402, type: 'billing_error', code: 'insufficient_credits' })
    const basic = await askMessage(stack(), {}, {}, { plan: 'basic' })
    const param = 'model'
    expectMessageRefusal(basic, { status: 403, type: 'permission_error', code: 'model_not_in_plan', param })
    const strange = await askMessage(stack(), {}, { model: 'claude-sonnet-5' })
    expectMessageRefusal(strange, { status: 404, type: 'not_found_error', code: 'model_not_found', param })
    const elsewhere = await askMessage(stack(), {}, { model: 'fast' })
    expectMessageRefusal(elsewhere, {
      status: 404,
      type: 'not_found_error',
      code: 'unsupported_endpoint',
      param,
    })
  })
}

/** What the provider refuses costs nothing; what it says of the operator's account stays hidden. */
function upstream(stack: () => Stack): void {
  const limit = (message: string): Script => ({
    status: 400,
    body: { type: 'error', error: { type: 'invalid_request_error', message } },
  })
  const rows: [string, Script, Omit<Parameters<typeof expectMessageRefusal>[1], 'says'>][] = [
    ['401', { status: 401 }, { status: 502, type: 'api_error', code: 'upstream_auth' }],
    ['402', { status: 402 }, { status: 503, type: 'api_error', code: 'upstream_quota' }],
    ['429', { status: 429 }, { status: 429, type: 'rate_limit_error', code: 'rate_limited', retry: true }],
    ['500', { status: 500 }, { status: 502, type: 'api_error', code: 'upstream_error', retry: true }],
    ['529', { status: 529 }, { status: 503, type: 'overloaded_error', code: 'overloaded', retry: true }],
    [
      '400 of a spent account',
      limit('Your credit balance is too low to access the Anthropic API.'),
      { status: 503, type: 'api_error', code: 'upstream_quota' },
    ],
    [
      '400 of a spent workspace',
      limit('You have reached your specified workspace API usage limits.'),
      { status: 503, type: 'api_error', code: 'upstream_quota' },
    ],
    [
      '400 of a spent tier',
      { status: 400, errorCode: 'enforced_spend_limit_reached' },
      { status: 503, type: 'api_error', code: 'upstream_quota' },
    ],
  ]
  for (const [title, script, expected] of rows) {
    it.concurrent(`${expected.status}: the provider's ${title} costs nothing`, async () => {
      const asked = await askMessage(stack(), script, title === '529' ? streamed : {})
      expectMessageRefusal(asked, expected)
      expect((await outcome(stack(), asked.token)).charged).toBe(0)
    })
  }

  it.concurrent("400: the provider's own refusal passes, in its words", async () => {
    const asked = await askMessage(stack(), { status: 400, errorCode: 'image_dimensions_too_large' })
    expect(asked.status).toBe(400)
    expect(JSON.parse(asked.text)).toEqual({
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: 'prompt is too long: 250000 tokens > 200000 maximum',
        details: { error_code: 'image_dimensions_too_large' },
      },
    })
    expect((await outcome(stack(), asked.token)).charged).toBe(0)
  })
}

function counting(stack: () => Stack): void {
  it.concurrent('200: tokens are counted for nothing, whatever is left', async () => {
    const token = await tokenOf(stack(), newUser(), 'none')
    for (const path of ['/v1/messages/count_tokens', '/messages/count_tokens']) {
      const key = newKey()
      const { max_tokens: _cap, ...body } = messageBody(key, { promptTokens: 12 })
      const answer = await call(stack(), token, path, { body, headers: VERSION })
      expect(await answer.text()).toBe('{"input_tokens":12}')
      expect(answer.headers.get('faregate-credits-charged')).toBe('0')
      const { path: sent, json } = arrival(stack(), key)
      expect(sent).toBe('/v1/messages/count_tokens')
      expect(json).toEqual({ ...body, model: 'claude-sonnet-5' })
    }
    expect((await outcome(stack(), token, 2)).charged).toBe(0)
  })

  it.concurrent('200: counting takes its place among the requests of a minute, and none among its tokens', async () => {
    const left = async (plan: string, limited: string) => {
      const token = await tokenOf(stack(), newUser(), plan)
      const { max_tokens: _cap, ...body } = messageBody('', {})
      const answer = await call(stack(), token, '/v1/messages/count_tokens', { body, headers: VERSION })
      expect(answer.status).toBe(200)
      await outcome(stack(), token)
      const after = await call(stack(), token, '/v1/account')
      const { limits } = (await after.json()) as {
        limits: Record<string, { limit: number; remaining: number }>
      }
      return (limits[limited]?.limit ?? 0) - (limits[limited]?.remaining ?? 0)
    }
    expect(await left('slow', 'requestsPerMinute')).toBe(1)
    expect(await left('short', 'tokensPerMinute')).toBe(0)
  })

  it.concurrent('401, 403 and 404: who may not ask may not count', async () => {
    const { max_tokens: _cap, ...body } = messageBody('', {})
    const count = (token: string, more: object = {}) =>
      call(stack(), token, '/v1/messages/count_tokens', { body: { ...body, ...more }, headers: VERSION })
    expect((await count('no.such.token')).status).toBe(401)
    expect((await count(await tokenOf(stack(), newUser(), 'basic'))).status).toBe(403)
    expect((await count(await tokenOf(stack(), newUser()), { model: 'never' })).status).toBe(404)
  })
}
