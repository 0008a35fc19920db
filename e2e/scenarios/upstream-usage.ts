/**
 * What the provider reports, true or not, and what of its bytes reaches the caller: a credible report is charged
 * exactly, an incredible one on evidence, and whatever passes, passes byte for byte.
 */
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import {
  ALLOWANCE,
  ask,
  billed,
  chunksOf,
  costOf,
  errorOf,
  eventData,
  micro,
  outcome,
  said,
} from '../harness/exchange.ts'
import type { Stack } from '../harness/stack.ts'

const CAP = 400
const streamed = { stream: true, stream_options: { include_usage: true }, max_tokens: CAP }

/** Usage that cannot be true of an answer of ten words. */
const lies: [title: string, usage: unknown][] = [
  ['negative', { prompt_tokens: -5, completion_tokens: -10, total_tokens: -15 }],
  ['negative output', { prompt_tokens: 5, completion_tokens: -10 }],
  ['a fraction', { prompt_tokens: 5.5, completion_tokens: 10 }],
  ['in words', { prompt_tokens: '5', completion_tokens: '10' }],
  ['infinite', '{"prompt_tokens":5,"completion_tokens":1e400}'],
  ['no output where there was some', { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5 }],
  [
    'more cached than sent',
    { prompt_tokens: 5, completion_tokens: 10, prompt_tokens_details: { cached_tokens: 6 } },
  ],
  [
    'cached and written beyond the input',
    {
      prompt_tokens: 5,
      completion_tokens: 10,
      prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 4 },
    },
  ],
  [
    'negative cached',
    { prompt_tokens: 5, completion_tokens: 10, prompt_tokens_details: { cached_tokens: -50 } },
  ],
  ['without input', { completion_tokens: 10 }],
  ['an empty object', {}],
  ['beyond belief', { prompt_tokens: 5, completion_tokens: 1e15 }],
]

export function upstreamUsage(stack: () => Stack): void {
  for (const [title, usage] of lies) {
    for (const [way, more] of [
      ['plain', { max_tokens: CAP }],
      ['streamed', streamed],
    ] as const) {
      it.concurrent(`200: usage that is ${title}, ${way}, is charged on evidence`, async () => {
        const asked = await ask(stack(), { usage, completionTokens: 10 }, more)
        expect(asked.status, asked.text).toBe(200)
        const { entry, charged, available } = await outcome(stack(), asked.token)
        expect(entry).toMatchObject({ ended: 'complete', estimated: true })
        expect(charged).toBeGreaterThanOrEqual(billed(stack(), asked.key))
        expect(charged).toBeLessThanOrEqual(micro(Number(asked.headers.get('faregate-credits-held'))))
        expect(available).toBe(ALLOWANCE - charged)
      })
    }
  }
  notANumber(stack)
  beyondCaps(stack)
  exactUsage(stack)
  passing(stack)
  splitting(stack)
}

/** NaN is no JSON: what holds it is no answer. */
function notANumber(stack: () => Stack): void {
  const usage = '{"prompt_tokens":NaN,"completion_tokens":NaN}'
  it.concurrent('502: a plain answer whose usage is NaN', async () => {
    const asked = await ask(stack(), { usage }, { max_tokens: CAP })
    expect(asked.status).toBe(502)
    expect(errorOf(asked).code).toBe('upstream_invalid')
    const { charged } = await outcome(stack(), asked.token)
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), asked.key))
  })

  it.concurrent('200: a stream whose usage is NaN ends with an error', async () => {
    const asked = await ask(stack(), { usage }, streamed)
    expect(chunksOf(asked.text).at(-1)?.error?.code).toBe('upstream_invalid')
    const { entry, charged } = await outcome(stack(), asked.token)
    expect(entry).toMatchObject({ ended: 'error', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), asked.key))
  })
}

function beyondCaps(stack: () => Stack): void {
  for (const more of [{ max_tokens: 100 }, { ...streamed, max_tokens: 100 }]) {
    const way = 'stream' in more ? 'streamed' : 'plain'
    it.concurrent(`200: usage beyond the caps, ${way}, is flagged and never charged beyond the hold`, async () => {
      for (const script of [
        { completionTokens: 50_000, beyondCap: true, content: 'short' },
        { promptTokens: 1_000_000, completionTokens: 10 },
        { beyondCap: true, completionTokens: 101 },
      ]) {
        const asked = await ask(stack(), script, more)
        const held = micro(Number(asked.headers.get('faregate-credits-held')))
        const { entry, charged, available } = await outcome(stack(), asked.token)
        expect(entry).toMatchObject({ ended: 'complete', estimated: true })
        expect(charged).toBe(Math.min(held, billed(stack(), asked.key)))
        expect(available).toBe(ALLOWANCE - charged)
      }
    })
  }
}

/** Credible reports: charged to the token, both ways alike. */
function exactUsage(stack: () => Stack): void {
  const rows: [string, Script, Record<string, unknown>][] = [
    ['of two choices', { completionTokens: 30, promptTokens: 100 }, { n: 2 }],
    ['of cached input', { completionTokens: 30, promptTokens: 101, cachedTokens: 51 }, {}],
    ['of a refusal', { refusal: 'I would rather not.', promptTokens: 9 }, {}],
    ['of reasoning', { completionTokens: 90, reasoningTokens: 70, promptTokens: 9 }, { model: 'deep' }],
    ['at the cap to the token', { completionTokens: CAP, promptTokens: 9 }, {}],
    [
      'of nothing at all',
      { promptTokens: 7, usage: { prompt_tokens: 7, completion_tokens: 0 }, content: '' },
      {},
    ],
    ['of a free model', { completionTokens: 30, promptTokens: 100 }, { model: 'free' }],
  ]
  for (const [title, script, more] of rows) {
    for (const way of [{ max_tokens: CAP }, streamed]) {
      const name = 'stream' in way ? 'streamed' : 'plain'
      it.concurrent(`200: usage ${title}, ${name}, is charged exactly`, async () => {
        const asked = await ask(stack(), script, { ...way, ...more })
        expect(asked.status, asked.text).toBe(200)
        const { entry, charged, available } = await outcome(stack(), asked.token)
        expect(entry.ended).toBe('complete')
        expect(entry.estimated ?? false).toBe(false)
        const bill = script.content === '' ? costOf({ input: 7, output: 0 }) : billed(stack(), asked.key)
        expect(charged).toBe(more['model'] === 'free' ? 0 : bill)
        expect(available).toBe(ALLOWANCE - charged)
        const receipt = { creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 }
        const usage = 'stream' in way ? chunksOf(asked.text).at(-1)?.usage : JSON.parse(asked.text).usage
        expect(usage.faregate).toEqual(receipt)
      })
    }
  }

  it.concurrent('200: a price per request is charged as such, whatever the usage', async () => {
    const asked = await ask(stack(), { completionTokens: 300 }, { model: 'flat' })
    expect((await outcome(stack(), asked.token)).charged).toBe(250_000)
  })
}

/** A stream in all the shapes that the format allows, and none that our own writer would choose. */
const oddities = [
  ': a comment\r\n\r\n',
  'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
  'data:{"choices" : [ {"index":0 , "delta":{"content":"Grüße 🦊 \\u00e9 \\ud83e\\udd8a"}} ], "extra":1.50e0}\r\n\r\n',
  'id: 7\nretry: 100\nevent: message\ndata: {"choices":\ndata: [{"index":0,"delta":{"content":"two lines"}}]}\n\n',
  '\n\n',
  'data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}]}\r\r',
  ': keep-alive\n\n',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}\n\n',
].join('')
const usageFrame =
  'data: {"choices":[],"usage":{"prompt_tokens": 12,"completion_tokens":8,"total_tokens":20}}\n\n'

function passing(stack: () => Stack): void {
  const headers = { 'content-type': 'text/event-stream; charset=utf-8' }
  const body = `${oddities}${usageFrame}data: [DONE]\n\n`

  it.concurrent('200: a stream passes byte for byte, the hidden usage frame apart', async () => {
    const asked = await ask(stack(), { body, headers }, { stream: true })
    const { charged, available } = await outcome(stack(), asked.token)
    expect(charged).toBe(costOf({ input: 12, output: 8 }))
    const comment = `: faregate credits-charged=${charged / 1e6} credits-available=${available / 1e6}\n\n`
    expect(asked.text).toBe(`${oddities}${comment}data: [DONE]\n\n`)
  })

  it.concurrent('200: where usage was asked for, its frame alone is added to', async () => {
    const asked = await ask(stack(), { body, headers }, streamed)
    const { charged, available } = await outcome(stack(), asked.token)
    const receipt = JSON.stringify({ creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 })
    const frame = usageFrame.replace('"total_tokens":20}', `"total_tokens":20,"faregate":${receipt}}`)
    expect(asked.text).toBe(`${oddities}${frame}data: [DONE]\n\n`)
  })

  it.concurrent('200: of usage told twice nothing is shown to who did not ask, and the last is charged', async () => {
    const earlier = 'data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":1}}\n\n'
    const twice = `${earlier}${oddities}${usageFrame}data: [DONE]\n\n`
    const asked = await ask(stack(), { body: twice, headers }, { stream: true })
    expect((await outcome(stack(), asked.token)).charged).toBe(costOf({ input: 12, output: 8 }))
    expect(asked.text).not.toContain('completion_tokens')
    expect(asked.text.startsWith(oddities)).toBe(true)
  })

  it.concurrent('200: a plain answer passes byte for byte, the receipt apart', async () => {
    const plain =
      '{ "choices" : [{"message":{"content":"\\u00e9🦊"}}],\n "usage":{"prompt_tokens":12,"completion_tokens":8 } , "x":1.0}'
    const asked = await ask(stack(), { body: plain })
    const { charged, available } = await outcome(stack(), asked.token)
    expect(charged).toBe(costOf({ input: 12, output: 8 }))
    const receipt = JSON.stringify({ creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 })
    expect(asked.text).toBe(plain.replace('8 }', `8 ,"faregate":${receipt}}`))
    expect(asked.headers.get('faregate-credits-charged')).toBe(String(charged / 1e6))
  })
}

function splitting(stack: () => Stack): void {
  it.concurrent('200: a stream in pieces of one byte has the same events and the same charge', async () => {
    const script = { content: 'Grüße an alle 🦊🦊 und weiter', promptTokens: 50, chunks: 4 }
    const [whole, split] = await Promise.all([
      ask(stack(), script, streamed),
      ask(stack(), { ...script, splitEvery: 1 }, streamed),
    ])
    const steady = (text: string) =>
      eventData(text).map((data) => data.replace(/"(id|created)":("[^"]*"|\d+)/g, '"$1":0'))
    expect(said(split.text)).toBe(script.content)
    expect(steady(split.text)).toEqual(steady(whole.text))
    const [one, two] = await Promise.all([outcome(stack(), whole.token), outcome(stack(), split.token)])
    expect(two.charged).toBe(one.charged)
    expect(two.charged).toBe(billed(stack(), split.key))
    expect(two.entry.estimated ?? false).toBe(false)
  })

  it.concurrent('200: a plain answer of over a mebibyte passes', async () => {
    const asked = await ask(stack(), { longLine: 1_100_000, completionTokens: 10 })
    expect(asked.text.length).toBeGreaterThan(1_100_000)
    expect((await outcome(stack(), asked.token)).charged).toBe(billed(stack(), asked.key))
  })
}
