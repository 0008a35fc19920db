import { calcPrice, findProvider } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { convert, fileOf, providers, type SourceProvider } from '../../../../scripts/prices/convert.ts'
import { priceAt } from '../core/catalog.ts'
import { noUsage, type Usage, upstreamCost } from '../core/pricing.ts'
import { findCataloguePrice } from './price-catalogue.ts'
import { catalogueRows, catalogueVersion } from './price-rows.ts'
import { errorsIn, settingsOf, smallest } from './test-kit.ts'

const source = providers.map((providerId) => findProvider({ providerId }) as SourceProvider | undefined)

function modelOf(id: string, provider = 'openai') {
  const config = {
    ...smallest,
    providers: { one: { type: provider } },
    models: { [id]: { provider: 'one' } },
  }
  const env = { OPENAI_API_KEY: 'a', ANTHROPIC_API_KEY: 'a', GEMINI_API_KEY: 'a' }
  const model = settingsOf({ ...config, credit: { usd: 0.01 } }, { ...clerk, ...env }).catalog.models.get(id)
  if (!model) throw new Error('the model is there')
  return model
}

const clerk = { CLERK_PUBLISHABLE_KEY: `pk_test_${btoa('clerk.example.com$')}` }

test('the table is what the package gives: else run `pnpm prices:build`', async () => {
  const known = source.filter((provider) => provider !== undefined)
  const lines = convert(known, (providerId, id) => calcPrice({}, id, { providerId })?.model.id ?? null)
  expect(lines.length).toBeGreaterThan(200)
  expect(`\n${lines.join('\n')}\n`).toBe(catalogueRows)
  expect(fileOf(catalogueVersion, lines)).toContain(catalogueRows)
})

/** Kinds that the package knows, by ours; and the parts that it wants to be told of twice, since it counts by subsets. */
function theirUsage(usage: Usage) {
  const { cachedAudioInputTokens: cachedAudio = 0, audioInputTokens: audio = 0 } = usage
  const {
    longCacheWriteTokens: long = 0,
    imageInputTokens: picture = 0,
    imageOutputTokens: drawn = 0,
  } = usage
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_tokens: usage.cachedInputTokens + cachedAudio,
    cache_write_tokens: usage.cacheWriteTokens + long,
    cache_write_1h_tokens: long,
    input_audio_tokens: audio + cachedAudio,
    cache_audio_read_tokens: cachedAudio,
    output_audio_tokens: usage.audioOutputTokens,
    input_image_tokens: picture,
    output_image_tokens: drawn,
    web_searches: usage.toolCalls,
  }
}

const tokens = fc.nat({ max: 60_000 })
const plain = fc.record({ plain: fc.nat({ max: 400_000 }), outputTokens: tokens })
const kinds = {
  cached: { cachedInputTokens: tokens },
  writes: { cacheWriteTokens: tokens },
  longWrites: { longCacheWriteTokens: tokens },
  sound: { audioInputTokens: tokens },
  cachedSound: { cachedAudioInputTokens: tokens },
  speech: { audioOutputTokens: tokens },
  pictures: { imageInputTokens: tokens },
  drawn: { imageOutputTokens: tokens },
  tools: { toolCalls: fc.nat({ max: 20 }) },
}
type Kind = keyof typeof kinds

const checked: [string, string, Kind[]][] = [
  ['openai', 'gpt-5-mini', ['cached', 'tools']],
  ['openai', 'gpt-5.4', ['cached', 'tools']],
  ['openai', 'gpt-5.6', ['cached', 'writes', 'tools']],
  ['openai', 'gpt-6-luna', ['cached', 'writes', 'tools']],
  ['openai', 'gpt-audio', ['sound', 'speech']],
  ['openai', 'gpt-image-1.5', ['drawn']],
  ['openai', 'o3', ['cached', 'tools']],
  ['openai', 'text-embedding-3-small', []],
  ['anthropic', 'claude-haiku-4-5', ['cached', 'writes', 'longWrites', 'tools']],
  ['anthropic', 'claude-opus-5-5', ['cached', 'writes', 'longWrites', 'tools']],
  ['anthropic', 'claude-sonnet-4-5', ['cached', 'writes', 'longWrites', 'tools']],
  ['anthropic', 'claude-sonnet-5', ['cached', 'writes', 'longWrites', 'tools']],
  ['gemini', 'gemini-2.5-flash', ['cached', 'sound', 'cachedSound']],
  ['gemini', 'gemini-2.5-pro', ['cached']],
  ['gemini', 'gemini-3.7-flash', ['cached']],
]

test.each(checked)('%s %s costs what the package works out, at any time', (provider, id, names) => {
  const model = modelOf(id, provider)
  const parts = fc.record(Object.assign({}, ...names.map((name) => kinds[name])))
  const days = fc.integer({ min: Date.parse('2025-01-01'), max: Date.parse('2027-12-31') })
  fc.assert(
    fc.property(plain, parts, days, (base, part: Partial<Usage>, at) => {
      const { toolCalls = 0, audioOutputTokens = 0, imageOutputTokens = 0, ...inputs } = part
      const inputTokens = Object.values(inputs).reduce(
        (sum: number, count) => sum + Number(count),
        base.plain,
      )
      const outputTokens = base.outputTokens + audioOutputTokens + imageOutputTokens
      const usage: Usage = { ...noUsage, ...inputs, inputTokens, outputTokens }
      if (toolCalls > 0) usage.toolCalls = toolCalls
      if (audioOutputTokens > 0) usage.audioOutputTokens = audioOutputTokens
      if (imageOutputTokens > 0) usage.imageOutputTokens = imageOutputTokens
      const providerId = provider === 'gemini' ? 'google' : provider
      const theirs = calcPrice(theirUsage(usage), id, { providerId, timestamp: new Date(at) })
      const ours = Number(upstreamCost(priceAt(model, at), usage))
      const rounding = inputTokens + outputTokens + toolCalls + 1
      expect(Math.abs(ours - (theirs?.total_price ?? Number.NaN) * 1e12)).toBeLessThan(rounding + ours * 1e-9)
    }),
    { numRuns: 60 },
  )
})

test('a price names its source, its date and the markup', () => {
  expect(modelOf('gpt-5-mini').prices).toEqual([
    {
      from: Number.NEGATIVE_INFINITY,
      price: {
        input: 250_000,
        cachedInput: 25_000,
        cacheWrite: 250_000,
        output: 2_000_000,
        toolCall: 10_000_000_000,
        perRequest: 0,
        rate: { numerator: 1, denominator: 10_000 },
        version: 'genai-prices@0.1.8:openai/gpt-5-mini+0%',
      },
    },
  ])
  const [first, second, ...rest] = modelOf('gemini-3.7-flash', 'gemini').prices
  expect(rest).toEqual([])
  expect(first?.price.version).toBe('genai-prices@0.1.8:google/gemini-3.7-flash+0%')
  expect(second).toMatchObject({
    from: Date.parse('2027-01-01T00:00:00Z'),
    price: { input: 1_500_000, version: 'genai-prices@0.1.8:google/gemini-3.7-flash+0%@2027-01-01' },
  })
})

test('the size of the input reprices the whole request', () => {
  const { tiers } = modelOf('gpt-5.6').prices[0].price
  expect(tiers).toEqual([
    {
      inputTokensAbove: 271_999,
      rates: { input: 10_000_000, cachedInput: 1_000_000, cacheWrite: 12_500_000, output: 45_000_000 },
    },
  ])
})

test('a dated name of a model is the model, unless it has a price of its own', () => {
  const inputOf = (id: string, provider = 'openai') => modelOf(id, provider).prices[0].price.input
  expect(inputOf('gpt-5-nano-2025-08-07')).toBe(50_000)
  expect(inputOf('claude-haiku-4-5-20251001', 'anthropic')).toBe(1_000_000)
  expect(inputOf('gpt-4o-2024-05-13')).toBe(5_000_000)
  expect(inputOf('gpt-4o-2024-12-01')).toBe(2_500_000)
})

test.each([
  // The package itself gives these the price of another model.
  ['openai', 'gpt-5-nano-turbo'],
  ['anthropic', 'claude-sonnet-5-5'],
  ['anthropic', 'claude-haiku-5-5'],
  ['anthropic', 'claude-haiku-4-5-20259999'],
  ['gemini', 'gemini-3.7-flash-ultra'],
  ['openai', 'GPT-5-mini'],
  ['openai', 'tts-1'],
  // Free there, and so only here if an operator says so.
  ['gemini', 'gemma-4-31b-it'],
  ['openai', 'omni-moderation-latest'],
  // Imported there from a reseller.
  ['openai', 'gpt-oss-120b'],
  // Whose price depends on where the request goes.
  ['openai-compatible', 'gpt-5-mini'],
])('of %s %s there is no price', (provider, id) => {
  expect(findCataloguePrice(provider, id).ok).toBe(false)
})

test('why there is none is told, with the way out', () => {
  const told = (id: string) =>
    errorsIn({ ...smallest, models: { [id]: { provider: 'openai' } } }).map(({ message }) => message)
  expect(told('gpt-6.1-sol')).toEqual([
    expect.stringMatching(
      /^is missing: .*genai-prices@0\.1\.8, has none for .*\(the nearest are gpt-5\.6-sol, gpt-6-sol, gpt-5-6-sol\)\. Give \{/,
    ),
  ])
  expect(told('something-else-altogether')).toEqual([expect.not.stringContaining('nearest')])
  const hourly = findCataloguePrice('deepseek', 'deepseek-v4-flash')
  expect(hourly).toEqual({ ok: false, error: expect.stringContaining('changes with the hour of the day') })
  for (const id of ['gpt-4o-search-preview', 'gpt-4o-mini-search-preview-2025-03-11']) {
    expect(told(id)).toEqual([expect.stringContaining('web search, which is billed beside its tokens')])
  }
})

test("the operator's own price stands over the catalogue's", () => {
  const models = { 'gpt-5-mini': { provider: 'openai', price: { input: 1, output: 1 } } }
  expect(settingsOf({ ...smallest, models }).catalog.models.get('gpt-5-mini')?.prices[0].price.input).toBe(
    1_000_000,
  )
})

test('an address that is not the provider’s own is warned of, since it may ask another price', () => {
  const warningsOf = (provider: object, more = {}) =>
    settingsOf({
      ...smallest,
      providers: { openai: { type: 'openai', ...provider } },
      models: { 'gpt-5-mini': { provider: 'openai', ...more } },
    }).warnings.filter((warning) => warning.includes('baseUrl'))
  const elsewhere = { baseUrl: 'https://eu.example.com/v1' }
  expect(warningsOf(elsewhere)).toEqual([expect.stringContaining('models.gpt-5-mini')])
  expect(warningsOf(elsewhere, { price: { input: 1, output: 1 } })).toEqual([])
  expect(warningsOf({})).toEqual([])
})
