/**
 * Prices from the config as integers, rounded up once; a price that could hide a loss or overflow is refused.
 */
import type { DatedPrice } from '../core/catalog.ts'
import {
  chargeRate,
  type Fraction,
  microcreditsOf,
  parseDecimal,
  picoUsdEach,
  picoUsdPerToken,
} from '../core/credits.ts'
import type { Price, Rates } from '../core/pricing.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Fault } from './errors.ts'
import { startOfDay } from './leaves.ts'
import { findCataloguePrice } from './price-catalogue.ts'
import type { PriceConfig, PricesConfig, TokenPriceConfig } from './schema.ts'

type Decimal = number | string

/** What turns the cost of a price into credits. */
export type Markup = { rate: Fraction; percent: Decimal }

// More than any request can hold: the body is bounded, and no model writes this much.
const mostOfOneRequest = {
  tokens: 20_000_000n,
  toolCalls: 1000n,
  seconds: 1_000_000n,
  characters: 20_000_000n,
}

/** Kinds of tokens that cost what a plainer one does, or are refused, where they have no rate. */
const otherKinds = [
  'longCacheWrite',
  'audioInput',
  'cachedAudioInput',
  'imageInput',
  'audioOutput',
  'imageOutput',
] as const
const allKinds = ['input', 'cachedInput', 'cacheWrite', 'output', ...otherKinds] as const

type RatesConfig = Pick<TokenPriceConfig, (typeof allKinds)[number]>

/** The prices of a model by date, or all that is wrong with them, by their places below the model's `price`. */
export function resolvePrices(
  config: PricesConfig,
  markup: Markup,
): Result<[DatedPrice, ...DatedPrice[]], Fault[]> {
  if (!Array.isArray(config)) {
    const price = resolvePrice(config, markup)
    return price.ok ? ok([dated(price.value, undefined)]) : price
  }
  const faults: Fault[] = []
  const found: DatedPrice[] = []
  for (const [index, row] of config.entries()) {
    const price = resolvePrice(row.price, markup)
    if (price.ok) found.push(dated(price.value, row.from))
    else
      faults.push(...price.error.map(({ path, message }) => ({ path: [index, 'price', ...path], message })))
  }
  const [first, ...rest] = found
  return faults.length > 0 || first === undefined ? err(faults) : ok([first, ...rest])
}

/** The catalogue's prices of a model, or why there are none. */
export function resolveCataloguePrices(
  providerType: string,
  upstreamModel: string,
  { rate, percent }: Markup,
): Result<[DatedPrice, ...DatedPrice[]], string> {
  const found = findCataloguePrice(providerType, upstreamModel)
  if (!found.ok) return err(`is missing: ${found.error}. Give ${priceForms}`)
  const markup = `+${decimalText(percent)}%`
  const prices = found.value.rows.map(({ from, price }) =>
    dated({ ...price, rate, version: `${found.value.name}${markup}` }, from ?? undefined),
  )
  const problem = prices.map(({ price }) => figureProblem(price)).find((each) => each !== null)
  const [first, ...rest] = prices
  return first === undefined || problem ? err(problem ?? 'is missing') : ok([first, ...rest])
}

function dated(price: Price, from: string | undefined): DatedPrice {
  if (from === undefined) return { from: Number.NEGATIVE_INFINITY, price }
  return { from: startOfDay(from), price: { ...price, version: `${price.version}@${from}` } }
}

function resolvePrice(config: PriceConfig, markup: Markup): Result<Price, Fault[]> {
  if (config === 'free') return ok({ ...nothing, rate: markup.rate, version: 'free' })
  if (!('creditsPerRequest' in config)) return resolveTokenPrice(config, markup)
  const perRequest = microcreditsOf(config.creditsPerRequest)
  if (perRequest === null) return wrong('must be an amount of credits with at most 6 decimals')
  if (perRequest === 0) return wrong(zeroPrice)
  const version = `config:${decimalText(config.creditsPerRequest)}/request`
  return ok({ ...nothing, perRequest, rate: markup.rate, version })
}

function resolveTokenPrice(config: TokenPriceConfig, { rate, percent }: Markup): Result<Price, Fault[]> {
  const faults = [...missingFaults(config), ...longContextFaults(config)]
  if (faults.length > 0) return err(faults)
  const { perThousandToolCalls, perMinuteOfAudio, perMillionCharacters, longContext, serviceTiers } = config
  const price: Price = {
    ...ratesOf(config),
    perRequest: 0,
    ...(perThousandToolCalls !== undefined && { toolCall: picoEach(perThousandToolCalls, 1000) }),
    ...(perMinuteOfAudio !== undefined && { audioSecond: picoEach(perMinuteOfAudio, 60) }),
    ...(perMillionCharacters !== undefined && { character: picoEach(perMillionCharacters, 1_000_000) }),
    ...(longContext && {
      tiers: longContext.map((row) => ({ inputTokensAbove: row.inputTokensAbove, rates: ratesOf(row) })),
    }),
    ...(serviceTiers && { serviceTiers }),
    rate,
    version: `config:${wordsOf(config)}+${decimalText(percent)}%`,
  }
  const problem = figureProblem(price)
  return problem === null ? ok(price) : wrong(problem)
}

function ratesOf(config: RatesConfig): Rates {
  const input = config.input ?? 0
  const rates: Rates = {
    input: perToken(input),
    cachedInput: perToken(config.cachedInput ?? input),
    cacheWrite: perToken(config.cacheWrite ?? input),
    output: perToken(config.output ?? 0),
  }
  for (const kind of otherKinds) {
    const usd = config[kind]
    if (usd !== undefined) rates[kind] = perToken(usd)
  }
  return rates
}

/** Infinity for a figure that is too large to count with; `picoEach` too. */
function perToken(usdPerMillionTokens: Decimal): number {
  return picoUsdPerToken(usdPerMillionTokens) ?? Number.POSITIVE_INFINITY
}

function picoEach(usd: Decimal, count: number): number {
  return picoUsdEach(usd, count) ?? Number.POSITIVE_INFINITY
}

/** A forgotten price would be a free one, so that 0 is only what was written, or what a unit's price replaces. */
function missingFaults(config: TokenPriceConfig): Fault[] {
  const byUnit = config.perMinuteOfAudio !== undefined || config.perMillionCharacters !== undefined
  const byToken = allKinds.some((kind) => config[kind] !== undefined) || config.longContext !== undefined
  const faults: Fault[] = []
  if (byToken || !byUnit) {
    for (const kind of ['input', 'output'] as const) {
      if (config[kind] === undefined) faults.push({ path: [kind], message: `is missing: ${wanted(kind)}` })
    }
  }
  if (config.cachedAudioInput !== undefined && config.audioInput === undefined) {
    faults.push({ path: ['audioInput'], message: 'is missing: sound that is not cached has a price too' })
  }
  return faults
}

function wanted(kind: 'input' | 'output'): string {
  return `give USD per million ${kind} tokens, before markup, or 0 where there are none to pay`
}

function longContextFaults(config: TokenPriceConfig): Fault[] {
  let last = 0
  return (config.longContext ?? []).flatMap((row, index) => {
    const faults = allKinds.flatMap((kind): Fault[] => {
      if ((row[kind] === undefined) === (config[kind] === undefined)) return []
      // A price without input or output was told at its own place.
      if (config[kind] === undefined && (kind === 'input' || kind === 'output')) return []
      const message =
        row[kind] === undefined ? 'is missing: the price itself names it' : 'is not in the price itself'
      return [{ path: ['longContext', index, kind], message }]
    })
    if (row.inputTokensAbove <= last) {
      const message = `must be above ${last}: sort the rows, shortest input first`
      faults.push({ path: ['longContext', index, 'inputTokensAbove'], message })
    }
    last = Math.max(last, row.inputTokensAbove)
    return faults
  })
}

/** What is wrong with the figures together, or null. */
function figureProblem(price: Price): string | null {
  const { toolCall = 0, audioSecond = 0, character = 0 } = price
  const rates = [price, ...(price.tiers ?? []).map((tier) => tier.rates)].flatMap((row) =>
    allKinds.map((kind) => row[kind] ?? 0),
  )
  const figures = [...rates, toolCall, audioSecond, character]
  if (!figures.every(Number.isFinite)) return 'is too large to count with'
  if (figures.every((figure) => figure === 0)) return zeroPrice
  const percent = BigInt(Math.max(100, ...Object.values(price.serviceTiers ?? {})))
  const most =
    (BigInt(Math.max(...rates)) * mostOfOneRequest.tokens * percent) / 100n +
    BigInt(toolCall) * mostOfOneRequest.toolCalls +
    BigInt(audioSecond) * mostOfOneRequest.seconds +
    BigInt(character) * mostOfOneRequest.characters
  const { numerator, denominator } = price.rate
  return (most * BigInt(numerator)) / BigInt(denominator) < BigInt(Number.MAX_SAFE_INTEGER)
    ? null
    : 'is too large for so small a credit: raise credit.usd, or lower the price or the markup'
}

/** The price as it was written, in one form: what entries name it by. */
function wordsOf(config: TokenPriceConfig): string {
  const { perThousandToolCalls: calls, perMinuteOfAudio: minute, perMillionCharacters: characters } = config
  return [
    ...(config.input === undefined ? [] : [ratesWords(config)]),
    ...(calls === undefined ? [] : [`toolCalls=${decimalText(calls)}/1k`]),
    ...(minute === undefined ? [] : [`audio=${decimalText(minute)}/min`]),
    ...(characters === undefined ? [] : [`characters=${decimalText(characters)}/M`]),
    ...(config.longContext ?? []).map((row) => `>${row.inputTokensAbove}:${ratesWords(row)}`),
    ...Object.entries(config.serviceTiers ?? {}).map(([name, percent]) => `${name}=${percent}%`),
  ].join(';')
}

function ratesWords(config: RatesConfig): string {
  const { input = 0, output = 0 } = config
  const plain = [input, config.cachedInput ?? input, config.cacheWrite ?? input, output].map(decimalText)
  const others = otherKinds.flatMap((kind) => {
    const usd = config[kind]
    return usd === undefined ? [] : [`${kind}=${decimalText(usd)}`]
  })
  return [...plain, ...others].join(',')
}

/** The rate that turns provider cost into credits, or what is wrong with it. */
export function resolveRate(creditUsd: Decimal, markupPercent: Decimal): Result<Fraction, string> {
  const rate = chargeRate(creditUsd, markupPercent)
  return rate === null
    ? err('has too many digits, together with credit.usd, to be counted exactly: use fewer decimals')
    : ok(rate)
}

/** A decimal as one text, however it was written: `0.01` for `1e-2` and `0.0100`. */
export function decimalText(value: Decimal): string {
  const decimal = parseDecimal(value)
  if (decimal === null) return String(value)
  const digits = decimal.digits.toString().padStart(decimal.scale + 1, '0')
  const whole = digits.slice(0, digits.length - decimal.scale)
  const part = digits.slice(digits.length - decimal.scale).replace(/0+$/, '')
  return part === '' ? whole : `${whole}.${part}`
}

const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, perRequest: 0 }
/** What an operator may write for a price. */
export const priceForms =
  "{ input, output } in USD per million tokens, { creditsPerRequest: … }, or 'free' if that is meant"
const zeroPrice = "is 0: write price: 'free' if that is meant"

function wrong(message: string): Result<never, Fault[]> {
  return err([{ path: [], message }])
}
