import { expect, test } from 'vitest'
import { tableOf } from '../../../../scripts/prices/table.ts'
import { readPriceList } from './price-list.ts'
import { smallest } from './test-kit.ts'

function textOf(models: object, now = '2026-11-24') {
  const providers = { openai: { type: 'openai' }, google: { type: 'gemini' } }
  const list = readPriceList({ ...smallest, markupPercent: 25, providers, models })
  if (!list.ok) throw new Error(JSON.stringify(list.error))
  const [, , ...blocks] = tableOf(list.value, Date.parse(now)).split('\n\n')
  return blocks.join('\n\n')
}

test('every price is there with its source, in dollars and in credits', () => {
  const house = {
    provider: 'openai',
    price: {
      input: '0.0000012',
      output: 2,
      perMinuteOfAudio: 0.006,
      longContext: [{ inputTokensAbove: 200_000, input: 1, output: 4 }],
      serviceTiers: { priority: 200 },
    },
  }
  expect(textOf({ fast: { provider: 'openai', upstreamModel: 'gpt-5-mini' }, house })).toBe(
    `
fast: gpt-5-mini of openai
  genai-prices@0.1.8:openai/gpt-5-mini+25%
    1M input tokens                         0.25         31.25
    1M tokens read from the cache          0.025         3.125
    1M output tokens                           2           250
    1,000 tool calls                          10          1250

house: house of openai
  config:0.0000012,0.0000012,0.0000012,2;audio=0.006/min;>200000:1,1,1,4;priority=200%+25%
    1M input tokens                     0.000002       0.00025
    1M output tokens                           2           250
    1 minute of sound                      0.006          0.75
  with more than 200,000 input tokens, all of them:
    1M input tokens                            1           125
    1M output tokens                           4           500
  service tier priority: 200 %
`.trim(),
  )
})

test('prices that have not begun yet are there with their date, those that are over are not', () => {
  const dated = { provider: 'google', upstreamModel: 'gemini-3.7-flash' }
  const now = textOf({ dated })
  expect(now).toContain('1.5')
  expect(now).toContain('from 2027-01-01:')
  const later = textOf({ dated }, '2027-01-01')
  expect(later).not.toContain('0.75 ')
  expect(later).not.toContain('from 2027-01-01:')
})

test('what is free or priced by the answer says so', () => {
  const models = {
    free: { provider: 'openai', price: 'free' },
    flat: { provider: 'openai', price: { creditsPerRequest: 4 } },
  }
  expect(textOf(models)).toBe(
    `
free: free of openai
  free
    everything                                 0             0

flat: flat of openai
  config:4/request
    1 answer                                                 4
`.trim(),
  )
})

test('no key is needed, and what is wrong is told', () => {
  expect(readPriceList(smallest).ok).toBe(true)
  expect(readPriceList({ ...smallest, models: { one: { provider: 'openai' } } })).toEqual({
    ok: false,
    error: [{ path: 'models.one.price', message: expect.stringContaining('genai-prices') }],
  })
  expect(readPriceList({})).toMatchObject({ ok: false })
})
