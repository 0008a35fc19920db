import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { refusal } from '../../core/refusal.ts'
import { createSseFramer } from '../../pipeline/sse.ts'
import type { Tap } from '../../ports.ts'
import { responses } from './responses.ts'
import { createResponsesTap } from './responses-tap.ts'
import { responsesWire } from './responses-wire.ts'

const encoder = new TextEncoder()
const fixtures = new URL('../__fixtures__/', import.meta.url)
const streams = readdirSync(fixtures)
  .filter((name) => name.startsWith('responses-'))
  .map((name) => name.replace('.events.txt', ''))

/** Plays a stream in chunks that are cut at the given bytes. */
function play(bytes: Uint8Array, cuts: number[]): { tap: Tap; kinds: string[] } {
  const framer = createSseFramer()
  const tap = createResponsesTap()
  const kinds: string[] = []
  const cut = [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length))
  const events = cut.flatMap((chunk) => framer.push(chunk).events)
  const rest = framer.rest()
  for (const { data, event } of rest === null ? events : [...events, rest]) {
    if (data !== null) kinds.push(tap.event(data, event))
  }
  return { tap, kinds }
}

function stream(name: string): Uint8Array {
  return encoder.encode(readFileSync(new URL(`${name}.events.txt`, fixtures), 'utf8'))
}

function figures(tap: Tap) {
  return { usage: tap.usage(), outputBytes: tap.outputTokensSeen(), started: tap.started() }
}

function usage(inputTokens: number, outputTokens: number, more: object = {}) {
  const plain = { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens }
  return { usage: { ...plain, ...more }, stage: 'final', invalid: false }
}

const bytes = (text: string) => encoder.encode(text).length

describe('streams', () => {
  test.each<[string, unknown, number, string]>([
    [
      'text',
      usage(900, 120, { cachedInputTokens: 512, cacheWriteTokens: 256 }),
      bytes('Grüß dich 👋\ndata: 漢字'),
      'last',
    ],
    ['tools', usage(80, 91), bytes('Hm, **so**.weather{"city":"Köln"}sqlSELECT 1'), 'last'],
    ['search', usage(9000, 20, { toolCalls: 2 }), 6, 'last'],
    ['incomplete', usage(10, 16, { serviceTier: 'priority' }), 7, 'last'],
    ['refusal', usage(12, 6), 11, 'last'],
    ['whole-items', usage(5, 3), 11, 'last'],
    ['failed', null, 7, 'failed'],
    ['error', null, 7, 'error'],
    ['cut', null, 7, 'invalid'],
  ])('%s', (name, expected, outputBytes, last) => {
    const { tap, kinds } = play(stream(`responses-${name}`), [])
    expect(figures(tap)).toEqual({ usage: expected, outputBytes, started: true })
    expect(kinds.at(-1)).toBe(last)
    expect(kinds.slice(0, -1).every((kind) => kind === 'pass')).toBe(true)
  })

  test.each(streams)('%s gives the same figures split at every byte', (name) => {
    const all = stream(name)
    const whole = play(all, [])
    for (let at = 0; at <= all.length; at += 1) {
      const { tap, kinds } = play(all, [at])
      expect([figures(tap), kinds]).toEqual([figures(whole.tap), whole.kinds])
    }
  })

  test('only the last event is the end', () => {
    const tap = createResponsesTap()
    tap.event('{"type":"response.output_text.delta","delta":"a"}')
    expect(tap.ended?.()).toBe(false)
    tap.event('{"type":"response.incomplete"}')
    expect(tap.ended?.()).toBe(true)
  })

  test('the receipt stands in the usage of the last event', () => {
    const text = readFileSync(new URL('responses-text.events.txt', fixtures), 'utf8')
    const last = text.split('\ndata: ').at(-1)?.trim() ?? ''
    const receipt = { creditsCharged: 1, creditsAvailable: 2 }
    const out = responses.withReceipt(last, receipt)
    expect(JSON.parse(out).response.usage).toMatchObject({ input_tokens: 900, faregate: receipt })
    expect(out.replace(`,"faregate":${JSON.stringify(receipt)}`, '')).toBe(last)
  })

  test.each([
    ['[DONE]', null, 'done'],
    ['', null, 'pass'],
    ['{"type":"error","message":"x"}', null, 'error'],
    ['anything', 'error', 'error'],
    ['{"error":{"message":"x"}}', null, 'error'],
    ['{"type":"response.completed"}', null, 'last'],
    ['{"response":{}}', 'response.completed', 'last'],
    ['{"type":"response.new"}', 'response.new', 'pass'],
    ['{}', null, 'pass'],
    ['[]', null, 'invalid'],
    ['{"type":', null, 'invalid'],
  ])('%s named %s is %s', (data, name, kind) => {
    expect(createResponsesTap().event(data, name)).toBe(kind)
  })
})

describe('whole answers', () => {
  const message = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] }
  const body = (more: object) => {
    const tap = createResponsesTap()
    return { isAnswer: tap.body({ output: [message], ...more }), ...figures(tap) }
  }
  const reported = { input_tokens: 5, output_tokens: 3 }

  test('are read like the last event of a stream', () => {
    expect(body({ usage: reported })).toEqual({
      isAnswer: true,
      usage: usage(5, 3),
      outputBytes: 2,
      started: true,
    })
  })

  test.each(['completed', 'incomplete', 'failed'])('of status %s are answers', (status) => {
    const error = status === 'failed' ? { code: 'server_error', message: 'x' } : null
    expect(body({ status, error, usage: reported })).toMatchObject({ isAnswer: true, usage: usage(5, 3) })
  })

  test.each([[null], [[]], ['text'], [{}], [{ output: 'x' }], [{ choices: [] }]])('%j is none', (json) => {
    expect(createResponsesTap().body(json)).toBe(false)
  })

  test('without usage report nothing', () => {
    expect(body({ usage: null }).usage).toBeNull()
    expect(body({}).usage).toBeNull()
  })

  test.each<[string, object, number | undefined]>([
    ['by the provider itself', { tool_usage: { web_search: { num_requests: 5 } } }, 5],
    ['none by the provider itself', { tool_usage: { web_search: { num_requests: 0 } } }, undefined],
    ['by their items', {}, 2],
    ['by their items where it does not say', { tool_usage: { web_search: null } }, 2],
  ])('searches are counted %s', (_title, more, toolCalls) => {
    const search = (type?: string) => ({ type: 'web_search_call', ...(type && { action: { type } }) })
    const output = [search('search'), search('open_page'), search('find_in_page'), search(), message]
    expect(body({ output, usage: reported, ...more }).usage?.usage.toolCalls).toBe(toolCalls)
  })

  test.each<[unknown, string | undefined]>([
    ['default', undefined],
    ['auto', undefined],
    [null, undefined],
    [5, undefined],
    ['flex', 'flex'],
    ['priority', 'priority'],
  ])('served by tier %j are charged as %s', (service_tier, tier) => {
    expect(body({ service_tier, usage: reported }).usage?.usage.serviceTier).toBe(tier)
  })

  test('cache writes of a longer life are told apart', () => {
    const details = {
      cached_tokens: 10,
      cache_write_tokens: 50,
      cache_write_tokens_details: { ttl_12h_tokens: 20 },
    }
    expect(
      body({ usage: { input_tokens: 100, input_tokens_details: details, output_tokens: 3 } }).usage,
    ).toEqual(usage(100, 3, { cachedInputTokens: 10, cacheWriteTokens: 30, longCacheWriteTokens: 20 }))
  })

  test.each<[string, unknown]>([
    ['negative', { input_tokens: -5, output_tokens: -10 }],
    ['a fraction', { input_tokens: 5.5, output_tokens: 10 }],
    ['in words', { input_tokens: '5', output_tokens: '10' }],
    ['no output where there was some', { input_tokens: 5, output_tokens: 0 }],
    ['no input', { input_tokens: 0, output_tokens: 10 }],
    ['more cached than sent', { ...reported, input_tokens_details: { cached_tokens: 6 } }],
    [
      'longer than written',
      {
        ...reported,
        input_tokens_details: { cache_write_tokens: 1, cache_write_tokens_details: { ttl_12h_tokens: 2 } },
      },
    ],
    ['beyond belief', { input_tokens: 5, output_tokens: 1e15 }],
    ['an empty object', {}],
  ])('usage that is %s is not believed', (_title, lie) => {
    expect(body({ usage: lie }).usage).toMatchObject({ invalid: true })
  })

  test('searches that are no number are not believed', () => {
    const tool_usage = { web_search: { num_requests: 'many' } }
    expect(body({ usage: reported, tool_usage }).usage).toMatchObject({ invalid: true })
  })
})

test('an error of ours is an event that SDKs raise', () => {
  expect(responsesWire.errorEvent(refusal('upstream_error', 'It broke.', { param: 'model' }))).toBe(
    'event: error\ndata: {"type":"error","code":"upstream_error","message":"It broke.","param":"model","sequence_number":0}\n\n',
  )
  expect(responsesWire.errorEvent(refusal('upstream_error', 'It broke.'))).toContain('"param":null')
})
