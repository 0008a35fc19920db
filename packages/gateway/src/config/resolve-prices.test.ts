import { expect, test } from 'vitest'
import { priceAt } from '../core/catalog.ts'
import { upstreamCost } from '../core/pricing.ts'
import { configSchema } from './schema.ts'
import { contractExample, errorsIn, settingsOf, withPlace } from './test-kit.ts'

const price = ['models', 'fast', 'price'] as const
const usage = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0 }

/** A price with every kind in it. */
const everything = {
  input: 1,
  cachedInput: 0.1,
  cacheWrite: 1.25,
  longCacheWrite: 2,
  output: 4,
  audioInput: 10,
  cachedAudioInput: '0.5',
  imageInput: 3,
  audioOutput: 20,
  imageOutput: 30,
  perThousandToolCalls: 10,
  perMinuteOfAudio: 0.006,
  perMillionCharacters: 15,
  longContext: [
    {
      inputTokensAbove: 200_000,
      input: 2,
      cachedInput: 0.2,
      cacheWrite: 2.5,
      longCacheWrite: 4,
      output: 8,
      audioInput: 11,
      cachedAudioInput: 1,
      imageInput: 6,
      audioOutput: 21,
      imageOutput: 31,
    },
  ],
  serviceTiers: { priority: 200, flex: 50 },
}

function modelWith(options: object) {
  const config = withPlace(contractExample, ['models', 'fast'], { provider: 'openai', ...options })
  const model = settingsOf(config).catalog.models.get('fast')
  if (!model) throw new Error('the model is there')
  return model
}

function errorsWith(value: unknown) {
  return errorsIn(withPlace(contractExample, price, value))
}

test('every kind of price becomes an integer, and the price names itself', () => {
  const [{ price: resolved }] = modelWith({ price: everything }).prices
  expect(resolved).toEqual({
    input: 1_000_000,
    cachedInput: 100_000,
    cacheWrite: 1_250_000,
    longCacheWrite: 2_000_000,
    output: 4_000_000,
    audioInput: 10_000_000,
    cachedAudioInput: 500_000,
    imageInput: 3_000_000,
    audioOutput: 20_000_000,
    imageOutput: 30_000_000,
    perRequest: 0,
    toolCall: 10_000_000_000,
    audioSecond: 100_000_000,
    character: 15_000_000,
    tiers: [
      {
        inputTokensAbove: 200_000,
        rates: {
          input: 2_000_000,
          cachedInput: 200_000,
          cacheWrite: 2_500_000,
          longCacheWrite: 4_000_000,
          output: 8_000_000,
          audioInput: 11_000_000,
          cachedAudioInput: 1_000_000,
          imageInput: 6_000_000,
          audioOutput: 21_000_000,
          imageOutput: 31_000_000,
        },
      },
    ],
    serviceTiers: { priority: 200, flex: 50 },
    rate: { numerator: 1, denominator: 8000 },
    version:
      'config:1,0.1,1.25,4,longCacheWrite=2,audioInput=10,cachedAudioInput=0.5,imageInput=3,audioOutput=20,' +
      'imageOutput=30;toolCalls=10/1k;audio=0.006/min;characters=15/M;>200000:2,0.2,2.5,8,longCacheWrite=4,' +
      'audioInput=11,cachedAudioInput=1,imageInput=6,audioOutput=21,imageOutput=31;priority=200%;flex=50%+25%',
  })
  expect(configSchema.safeParse(withPlace(contractExample, price, everything)).success).toBe(true)
})

test('a price by the minute or the character needs none by the token, and rounds up', () => {
  const [{ price: minute }] = modelWith({ price: { perMinuteOfAudio: '0.0000000001' } }).prices
  expect(minute).toMatchObject({
    input: 0,
    output: 0,
    audioSecond: 2,
    version: 'config:audio=0.0000000001/min+25%',
  })
  const [{ price: speech }] = modelWith({ price: { perMillionCharacters: 15 } }).prices
  expect(upstreamCost(speech, { ...usage, characters: 1000 })).toBe(15_000_000_000n)
})

test('the price of the day holds from midnight UTC', () => {
  const model = modelWith({
    price: [
      { price: 'free' },
      { from: '2027-01-01', price: { input: 1, output: 2 } },
      { from: '2027-03-01', price: { creditsPerRequest: 3 } },
    ],
  })
  const versionAt = (time: string) => priceAt(model, Date.parse(time)).version
  expect(versionAt('1999-01-01T00:00:00Z')).toBe('free')
  expect(versionAt('2026-12-31T23:59:59.999Z')).toBe('free')
  expect(versionAt('2027-01-01T00:00:00Z')).toBe('config:1,1,1,2+25%@2027-01-01')
  expect(versionAt('2027-03-01T00:00:00Z')).toBe('config:3/request@2027-03-01')
})

test('tools and media are the operator’s to allow', () => {
  const plain = modelWith({ price: { input: 1, output: 2 } })
  expect(plain).toMatchObject({
    tools: null,
    media: { remote: false, imageTokensMax: null, audioSecondsMax: null },
  })
  const allowed = modelWith({
    price: { input: 1, output: 2, perThousandToolCalls: 10 },
    tools: { callsMax: 5, inputTokensPerCall: 20_000 },
    media: { remote: true, imageTokensMax: 1600, audioSecondsMax: 600 },
  })
  expect(allowed).toMatchObject({
    tools: { callsMax: 5, inputTokensPerCall: 20_000 },
    media: { remote: true, imageTokensMax: 1600, audioSecondsMax: 600 },
  })
})

test.each([
  ['output', { input: 1 }, /^is missing: give USD per million output tokens/],
  ['input', { output: 1 }, /^is missing: give USD per million input tokens/],
  // A price for sound or tools alone would give the text away.
  ['output', { input: 1, perMinuteOfAudio: 0.006 }, /^is missing/],
  ['input', { output: 0, audioInput: 3 }, /^is missing/],
  ['input', { output: 1, perThousandToolCalls: 10 }, /^is missing/],
  ['audioInput', { input: 1, output: 1, cachedAudioInput: 1 }, /^is missing: sound that is not cached/],
  ['creditsPerRequests', { creditsPerRequests: 4 }, /did you mean "creditsPerRequest"/],
  ['input', { creditsPerRequest: 4, input: 1 }, /^unknown key/],
])('%s of %j is refused', (place, value, says) => {
  expect(errorsWith(value)).toContainEqual({
    path: `models.fast.price.${place}`,
    message: expect.stringMatching(says),
  })
})

test('a price without any price is refused twice: for its input and its output', () => {
  for (const value of [{}, { perThousandToolCalls: 10 }, { serviceTiers: { flex: 50 } }]) {
    expect(errorsWith(value).map(({ path }) => path)).toEqual([
      'models.fast.price.input',
      'models.fast.price.output',
    ])
  }
})

test.each([
  ['', { perMinuteOfAudio: 0 }, /^is 0: write price: 'free'/],
  ['', { perMinuteOfAudio: '1e9' }, /too large/],
  ['', { input: 0.01, output: 0.01, perThousandToolCalls: '1e12' }, /too large/],
  // A hundredth of this could be counted.
  ['', { input: 100_000, output: 1, serviceTiers: { priority: 10_000 } }, /too large for so small a credit/],
  ['.serviceTiers.default', { input: 1, output: 1, serviceTiers: { default: 200 } }, /is the standard tier/],
  ['.serviceTiers.flex', { input: 1, output: 1, serviceTiers: { flex: 0.5 } }, /must be a whole number/],
  ['.serviceTiers.flex', { input: 1, output: 1, serviceTiers: { flex: 0 } }, /must be between 1 and 10000/],
  [
    '.longContext[0].output',
    { input: 1, output: 1, longContext: [{ inputTokensAbove: 9, input: 2 }] },
    /is missing/,
  ],
  [
    '.longContext[0].cacheWrite',
    { input: 1, cacheWrite: 1.25, output: 1, longContext: [{ inputTokensAbove: 9, input: 2, output: 2 }] },
    /^is missing: the price itself names it/,
  ],
  [
    '.longContext[0].audioInput',
    { input: 1, output: 1, longContext: [{ inputTokensAbove: 9, input: 2, output: 2, audioInput: 3 }] },
    /^is not in the price itself/,
  ],
  [
    '.longContext[1].inputTokensAbove',
    {
      input: 1,
      output: 1,
      longContext: [9, 9].map((inputTokensAbove) => ({ inputTokensAbove, input: 2, output: 2 })),
    },
    /^must be above 9/,
  ],
  ['', [], /^is empty/],
  ['[0].from', [{ from: '2027-01-01', price: 'free' }], /^must not be in the first price/],
  ['[1].from', [{ price: 'free' }, { price: 'free' }], /^is missing: give a date/],
  ['[1].from', [{ price: 'free' }, { from: '2027-02-30', price: 'free' }], /^must be a date such as/],
  [
    '[2].from',
    [{ price: 'free' }, { from: '2027-01-02', price: 'free' }, { from: '2027-01-01', price: 'free' }],
    /^must be later than 2027-01-02/,
  ],
  ['[0].price.output', [{ price: { input: 1 } }], /^is missing/],
  ['[0].price', [{ price: 'cheap' }, { from: '2027-01-01', price: 'free' }], /or 'free'/],
])('price%s = %j is refused by its place', (place, value, says) => {
  expect(errorsWith(value)).toEqual([
    { path: `models.fast.price${place}`, message: expect.stringMatching(says) },
  ])
})

test.each([
  ['free'],
  [{ creditsPerRequest: 1 }],
  [[{ price: everything }, { from: '2027-01-01', price: 'free' }]],
])('tools that have no price in %j are refused', (value) => {
  const config = withPlace(withPlace(contractExample, price, value), ['models', 'fast', 'tools'], {
    callsMax: 5,
    inputTokensPerCall: 0,
  })
  expect(errorsIn(config)).toEqual([
    { path: 'models.fast.tools', message: expect.stringContaining('perThousandToolCalls') },
  ])
})
