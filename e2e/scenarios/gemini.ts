/** Gemini's wire over sockets: what is forwarded, what is charged, what is refused and how. */
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import { call, newUser, tokenOf } from '../harness/calls.ts'
import {
  ALLOWANCE,
  arrival,
  arrivals,
  billed,
  micro,
  newKey,
  outcome,
  untouched,
} from '../harness/exchange.ts'
import {
  type Answer,
  answersOf,
  ask,
  CAP,
  expectRefusal,
  type More,
  STREAM,
  said,
  streamed,
} from '../harness/gemini.ts'
import { PROVIDER_KEY, type Stack } from '../harness/stack.ts'

export function gemini(stack: () => Stack): void {
  plain(stack)
  streams(stack)
  uses(stack)
  refusals(stack)
  credentials(stack)
  providerRefusals(stack)
}

function plain(stack: () => Stack): void {
  for (const prefix of ['/v1beta', '/v1']) {
    it.concurrent(`200: an answer at ${prefix}, charged exactly, with its thoughts`, async () => {
      const script = { promptTokens: 90, cachedTokens: 20, completionTokens: 50, reasoningTokens: 30 }
      const path = `${prefix}/models/gem:generateContent`
      const asked = await ask(stack(), script, { path })
      expect(asked.status, asked.text).toBe(200)
      const { entry, charged, available } = await outcome(stack(), asked.token)
      expect(charged).toBe(billed(stack(), asked.key))
      expect(available).toBe(ALLOWANCE - charged)
      expect(entry).toMatchObject({
        ended: 'complete',
        model: 'gem',
        usage: { inputTokens: 90, outputTokens: 50 },
      })
      expect(entry.estimated ?? false).toBe(false)
      expect(asked.headers.get('faregate-credits-charged')).toBe(String(charged / 1e6))
      expect(asked.text).not.toContain('faregate')
    })
  }

  it.concurrent('200: the operator’s key and the granted cap go on, and nothing of the caller’s but the body', async () => {
    const body = { labels: { team: 'a' }, store: true }
    const asked = await ask(stack(), {}, { config: { maxOutputTokens: undefined, topK: 3 }, body })
    expect(asked.headers.get('faregate-dropped-parameters')).toBe('labels')
    const { path, headers, json } = arrival(stack(), asked.key)
    expect(path).toBe('/v1beta/models/gemini-2.5-flash:generateContent')
    expect(headers).toMatchObject({ 'x-goog-api-key': PROVIDER_KEY, 'content-type': 'application/json' })
    expect(headers).not.toHaveProperty('authorization')
    expect(Object.keys(json).toSorted()).toEqual(['contents', 'generationConfig', 'store'])
    expect(json).toMatchObject({ store: false, generationConfig: { topK: 3, maxOutputTokens: 4096 } })
  })
}

function streams(stack: () => Stack): void {
  it.concurrent('200: a stream, charged exactly, its bytes as they came', async () => {
    const script = { promptTokens: 70, reasoningTokens: 9, content: 'one two three 🦊', splitEvery: 7 }
    const asked = await streamed(stack(), script)
    expect(asked.status, asked.text).toBe(200)
    expect(said(answersOf(asked))).toBe('one two three 🦊')
    const { entry, charged } = await outcome(stack(), asked.token)
    expect(entry).toMatchObject({ ended: 'complete', usage: { inputTokens: 70 } })
    expect(entry.estimated ?? false).toBe(false)
    expect(charged).toBe(billed(stack(), asked.key))
    // No comment, no receipt, no word of an end: its clients know none of them.
    expect(asked.text).toMatch(/^(data: \{.*\}\n\n)+$/)
    expect(asked.text).not.toContain('faregate')
    expect(arrival(stack(), asked.key).path).toBe(`/v1beta/models/gemini-2.5-flash${STREAM}`)
  })

  it.concurrent('200: several candidates are held and charged for, each', async () => {
    const asked = await streamed(stack(), { completionTokens: 60 }, { config: { candidateCount: 3 } })
    const { entry, charged } = await outcome(stack(), asked.token)
    expect(entry.usage?.outputTokens).toBe(180)
    expect(charged).toBe(billed(stack(), asked.key))
    expect(micro(Number(asked.headers.get('faregate-credits-held')))).toBeGreaterThanOrEqual(3 * CAP * 2)
  })

  it.concurrent('200: a prompt that was blocked costs its input', async () => {
    const usage = { promptTokenCount: 12, totalTokenCount: 12 }
    const blocked = { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: usage }
    const headers = { 'content-type': 'text/event-stream' }
    const asked = await streamed(stack(), { body: `data: ${JSON.stringify(blocked)}\n\n`, headers })
    expect(answersOf(asked)).toEqual([blocked])
    const { entry, charged } = await outcome(stack(), asked.token)
    expect(entry).toMatchObject({ ended: 'complete', usage: { inputTokens: 12, outputTokens: 0 } })
    expect(charged).toBe(12)
  })
}

/** What else than text a model can make and be given. */
function uses(stack: () => Stack): void {
  const pixel =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

  it.concurrent('200: a picture that the model makes costs its own price', async () => {
    const script = { promptTokens: 10, completionTokens: 1300, imageOutputTokens: 1290 }
    const config = { maxOutputTokens: 2000, responseModalities: ['TEXT', 'IMAGE'] }
    for (const path of [':generateContent', STREAM]) {
      const asked = await ask(stack(), script, { path: `/v1beta/models/painter${path}`, config })
      expect(asked.status, asked.text).toBe(200)
      expect((await outcome(stack(), asked.token)).charged).toBe(10 + 10 * 2 + 1290 * 3)
      // All of it could have been pictures.
      const held = Number(asked.headers.get('faregate-credits-held'))
      expect(micro(held)).toBeGreaterThanOrEqual(2000 * 3)
    }
  })

  it.concurrent('200: a picture in the request is held for by its size, and charged as it was counted', async () => {
    const inlineData = { mimeType: 'image/png', data: pixel }
    const script = { promptTokens: 300, imageInputTokens: 258, completionTokens: 5 }
    const key = newKey()
    const token = await tokenOf(stack(), newUser())
    const parts = [{ text: JSON.stringify({ script, key }) }, { inlineData }]
    const body = { contents: [{ parts }], generationConfig: { maxOutputTokens: CAP } }
    const answer = await call(stack(), token, '/v1beta/models/gem:generateContent', { body })
    expect(answer.status).toBe(200)
    const held = micro(Number(answer.headers.get('faregate-credits-held')))
    expect(held).toBeGreaterThanOrEqual(2240 + 2 * CAP)
    expect(held).toBeLessThanOrEqual(2240 + 2 * CAP + 1000)
    expect((await outcome(stack(), token)).charged).toBe(310)
  })
}

type Refused = { title: string; more: More; refusal: [number, string, string]; says: RegExp }

const unsupported: Refused['refusal'] = [400, 'INVALID_ARGUMENT', 'unsupported_parameter']
const notFound: Refused['refusal'] = [404, 'NOT_FOUND', 'model_not_found']
const at = (path: string): More => ({ path: `/v1beta/${path}` })

const refused: Refused[] = [
  {
    title: 'a cache of others',
    more: { body: { cachedContent: 'cachedContents/1' } },
    refusal: unsupported,
    says: /cachedContent/,
  },
  {
    title: 'a search',
    more: { body: { tools: [{ googleSearch: {} }] } },
    refusal: unsupported,
    says: /tools\[0\]\.googleSearch/,
  },
  {
    title: 'a file',
    more: { body: { contents: [{ parts: [{ fileData: { fileUri: 'x' } }] }] } },
    refusal: unsupported,
    says: /inlineData/,
  },
  {
    title: 'a dear tier',
    more: { body: { serviceTier: 'priority' } },
    refusal: unsupported,
    says: /serviceTier/,
  },
  {
    title: 'sound without a price',
    more: { config: { responseModalities: ['AUDIO'] } },
    refusal: unsupported,
    says: /no price for sound/,
  },
  {
    title: 'two caps',
    more: { config: { max_output_tokens: 9 } },
    refusal: [400, 'INVALID_ARGUMENT', 'invalid_value'],
    says: /one spelling/,
  },
  {
    title: 'a stream of another kind',
    more: at('models/gem:streamGenerateContent'),
    refusal: unsupported,
    says: /\?alt=sse/,
  },
  {
    title: 'no such model',
    more: at('models/none:generateContent'),
    refusal: notFound,
    says: /no model none/,
  },
  {
    title: 'a tuned model of others',
    more: at('tunedModels/x:generateContent'),
    refusal: notFound,
    says: /no model tunedModels\/x/,
  },
  {
    title: 'a model of another wire',
    more: at('models/fast:generateContent'),
    refusal: [404, 'NOT_FOUND', 'unsupported_endpoint'],
    says: /not served at this endpoint/,
  },
  {
    title: 'an empty balance',
    more: { plan: 'none' },
    refusal: [402, 'FAILED_PRECONDITION', 'insufficient_credits'],
    says: /credits/,
  },
]

function refusals(stack: () => Stack): void {
  for (const { title, more, refusal, says } of refused) {
    it.concurrent(`${refusal[0]}: ${title}`, async () => {
      const asked = await ask(stack(), {}, more)
      expect(expectRefusal(asked, refusal)).toMatch(says)
      expect(asked.headers.get('x-should-retry')).toBe('false')
      expect(arrivals(stack(), asked.key)).toHaveLength(0)
      expect(await untouched(stack(), asked.token)).toBe(true)
    })
  }

  it.concurrent('404: other methods of a model are not served', async () => {
    const asked = await ask(stack(), {}, { path: '/v1beta/models/gem:countTokens' })
    expect(asked.status).toBe(404)
    expect(asked.text).toContain('unsupported_endpoint')
  })

  it.concurrent('404: a model of this wire is not served at another', async () => {
    const token = await tokenOf(stack(), newUser())
    const body = { model: 'gem', messages: [{ role: 'user', content: 'hi' }] }
    const answer = await call(stack(), token, '/v1/chat/completions', { body })
    expect(answer.status).toBe(404)
    expect(await answer.text()).toContain('unsupported_endpoint')
  })
}

function credentials(stack: () => Stack): void {
  const path = '/v1beta/models/gem:generateContent'
  const body = JSON.stringify({ contents: [{ parts: [{ text: 'hi' }] }] })

  it.concurrent('401: a token in the address counts for nothing', async () => {
    const token = await tokenOf(stack(), newUser())
    const answer = await fetch(`${stack().url}${path}?key=${token}`, { method: 'POST', body })
    const asked = {
      token,
      key: '',
      status: answer.status,
      headers: answer.headers,
      text: await answer.text(),
    }
    expectRefusal(asked, [401, 'UNAUTHENTICATED', 'invalid_token'])
  })

  it.concurrent('200: a token in x-goog-api-key is a key', async () => {
    const token = await tokenOf(stack(), newUser())
    const headers = { 'x-goog-api-key': token, 'content-type': 'application/json' }
    const answer = await fetch(stack().url + path, { method: 'POST', headers, body })
    expect(answer.status).toBe(200)
    expect((await outcome(stack(), token)).entry.ended).toBe('complete')
  })
}

function providerRefusals(stack: () => Stack): void {
  it.concurrent.each<[Script, [number, string, string | undefined]]>([
    [{ status: 400 }, [400, 'INVALID_ARGUMENT', undefined]],
    [{ status: 404 }, [404, 'NOT_FOUND', undefined]],
    [{ status: 400, errorCode: 'API_KEY_INVALID' }, [502, 'UNAVAILABLE', 'upstream_auth']],
    [{ status: 403 }, [502, 'UNAVAILABLE', 'upstream_auth']],
    [{ status: 429 }, [429, 'RESOURCE_EXHAUSTED', 'rate_limited']],
    [{ status: 503 }, [503, 'UNAVAILABLE', 'overloaded']],
    [{ status: 500 }, [502, 'UNAVAILABLE', 'upstream_error']],
  ])('the provider’s %j is told as %j, and costs nothing', async (script, [status, name, reason]) => {
    const asked = await ask(stack(), script)
    const { error } = JSON.parse(asked.text) as Answer
    expect(asked.status, asked.text).toBe(status)
    expect(error).toMatchObject({ code: status, status: name })
    expect(error?.details?.[0]?.reason).toBe(reason)
    const { charged } = await outcome(stack(), asked.token)
    expect(charged).toBe(0)
  })
}
