/**
 * What a request costs. Prices are integers of pico-USD (10⁻¹² USD) per unit, costs are BigInt, and a charge
 * is rounded up once, to a whole microcredit. No float ever touches money.
 */
import { assert } from './result.ts'

/** pico-USD per token, by kind. A kind that is absent costs what its plain one does: input, or output. */
export type Rates = {
  input: number
  cachedInput: number
  cacheWrite: number
  output: number
  /** Input written to a cache that keeps it longer (an hour at Anthropic). */
  longCacheWrite?: number
  audioInput?: number
  cachedAudioInput?: number
  imageInput?: number
  audioOutput?: number
  imageOutput?: number
}

/**
 * The price that a hold is made at and settled by, whatever the catalogue says later.
 * `rate` turns pico-USD of provider cost into microcredits: markup and the credit's price in one fraction.
 */
export type Price = Rates & {
  /** Microcredits for each answer (choice, picture), on top of tokens. */
  perRequest: number
  /** pico-USD per call of a tool that the provider runs, such as a web search. */
  toolCall?: number
  /** pico-USD per second of sound that is read. */
  audioSecond?: number
  /** pico-USD per character that is spoken. */
  character?: number
  /** Rates of requests with a longer input, shortest first: crossing a bound reprices the whole request. */
  tiers?: readonly { inputTokensAbove: number; rates: Rates }[]
  /** What other service tiers cost, in percent of the rates, by the provider's name for them. */
  serviceTiers?: Readonly<Record<string, number>>
  rate: { numerator: number; denominator: number }
  /** Names the row that was used, for the entry. */
  version: string
}

/**
 * What one answer used. `inputTokens` and `outputTokens` are totals; the other tokens are parts of them, and no token
 * is in two parts. Absent is 0.
 */
export type Usage = {
  inputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  outputTokens: number
  longCacheWriteTokens?: number
  audioInputTokens?: number
  cachedAudioInputTokens?: number
  imageInputTokens?: number
  audioOutputTokens?: number
  imageOutputTokens?: number
  toolCalls?: number
  audioSeconds?: number
  characters?: number
  /** Answers (choices, pictures) that a price per request is asked for; 1 where absent. */
  answers?: number
  /** The provider's name for the tier that served, where it is not the standard one. */
  serviceTier?: string
}

/** The most that a request can use, its output tokens apart. Absent is none. */
export type Bound = {
  /** All of the input. */
  inputTokens: number
  /** Parts of the input that may be sound or pictures. */
  audioInputTokens?: number
  imageInputTokens?: number
  /** Whether the input may be written to a cache that keeps it longer. */
  longCacheWrite?: true
  /** Whether the output may be sound, or pictures. */
  audioOutput?: true
  imageOutput?: true
  toolCalls?: number
  audioSeconds?: number
  characters?: number
  answers?: number
  /** Whether another service tier than the standard one may serve it. */
  serviceTier?: true
}

/** The bound of a request or a hold. */
export function boundOf({
  inputTokens,
  uses,
}: {
  inputTokens: number
  uses?: Omit<Bound, 'inputTokens'>
}): Bound {
  return { ...uses, inputTokens }
}

const kinds = [
  ...(['input', 'cachedInput', 'cacheWrite', 'longCacheWrite', 'audioInput', 'cachedAudioInput'] as const),
  ...(['imageInput', 'output', 'audioOutput', 'imageOutput'] as const),
]

/** Whether a token costs anything: not where all is free, or where each answer or another unit has a price alone. */
export function pricesTokens(price: Price): boolean {
  const rows = [price, ...(price.tiers ?? []).map(({ rates }) => rates)]
  return rows.some((rates) => kinds.some((kind) => (rates[kind] ?? 0) > 0))
}

/** Nothing was used. */
export const noUsage: Usage = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0 }

/** Names of service tiers that cost what the rates say. */
export const standardTiers: ReadonlySet<string> = new Set(['default', 'standard', 'auto', 'on_demand'])

/** What the provider asks for this usage, in pico-USD. */
export function upstreamCost(price: Price, usage: Usage): bigint {
  const rates = ratesFor(price, usage.inputTokens)
  const percent = usage.serviceTier === undefined ? 100 : percentOf(price, usage.serviceTier)
  return scaled(tokenCost(rates, usage), percent) + unitCost(price, usage)
}

/** The charge for this usage, in microcredits. */
export function charge(price: Price, usage: Usage): number {
  return microcredits(price, upstreamCost(price, usage), usage.answers)
}

/** The most that any usage within the bound and these output tokens can cost, in microcredits: what a hold must hold. */
export function chargeMax(price: Price, bound: Bound, outputTokens: number): number {
  assert(outputTokens >= 0, 'a cap on the output is not negative')
  const percent = dearestPercent(price, bound)
  const costs = reachableRates(price, bound.inputTokens).map((rates) => {
    const cost = inputMax(rates, bound) + times(outputTokens, dearestOutput(rates, bound))
    return scaled(cost, percent)
  })
  return microcredits(price, dearest(costs) + unitCost(price, bound), bound.answers)
}

/** The most output tokens that `available` microcredits can surely pay after the rest; Infinity if output is free. */
export function affordableOutputTokens(price: Price, bound: Bound, available: number): number {
  const { numerator, denominator } = price.rate
  const left = BigInt(available) - perAnswers(price, bound.answers)
  if (left < 0n) return 0
  const percent = BigInt(dearestPercent(price, bound))
  const units = unitCost(price, bound)
  let most = Number.POSITIVE_INFINITY
  for (const rates of reachableRates(price, bound.inputTokens)) {
    const input = inputMax(rates, bound)
    const output = dearestOutput(rates, bound)
    if (numerator === 0 || output === 0) {
      const rest = ceilDivide(
        (ceilDivide(input * percent, 100n) + units) * BigInt(numerator),
        BigInt(denominator),
      )
      if (rest > left) return 0
      continue
    }
    // ceil(cost × n / d) ≤ a holds exactly when cost ≤ floor(a × d / n), and so does the ceiling of the percent.
    const budget = ((left * BigInt(denominator)) / BigInt(numerator) - units) * 100n
    const spare = budget - input * percent
    most = spare < 0n ? 0 : Math.min(most, Number(spare / (BigInt(output) * percent)))
    if (most === 0) return 0
  }
  return most
}

/**
 * Usage of which only bounds are known: all of the input and these output tokens, each as the dearest kind that the
 * request allows. It costs at least what any usage within them does.
 */
export function boundedUsage(price: Price, bound: Bound, outputTokens: number): Usage {
  const { inputTokens, audioInputTokens = 0, imageInputTokens = 0, serviceTier, ...rest } = bound
  const { longCacheWrite, audioOutput: _audio, imageOutput: _image, ...units } = rest
  const rates = ratesFor(price, inputTokens)
  const usage: Usage = { ...units, ...noUsage, inputTokens, outputTokens }
  const text = textKind(rates, longCacheWrite === true)
  const textRate = rates[text] ?? 0
  const sound = Math.max(rates.audioInput ?? 0, rates.cachedAudioInput ?? 0) > textRate
  const picture = (rates.imageInput ?? 0) > textRate
  const asText = inputTokens - (sound ? audioInputTokens : 0) - (picture ? imageInputTokens : 0)
  if (text !== 'input') usage[partOf[text]] = asText
  if (sound) {
    const cached = (rates.cachedAudioInput ?? 0) > (rates.audioInput ?? rates.input)
    usage[cached ? 'cachedAudioInputTokens' : 'audioInputTokens'] = audioInputTokens
  }
  if (picture) usage.imageInputTokens = imageInputTokens
  const output = outputKind(rates, bound)
  if (output !== 'output') usage[partOf[output]] = outputTokens
  if (serviceTier) usage.serviceTier = dearestTier(price)
  return usage
}

/** The tier's rates that apply to a request with this much input. */
function ratesFor(price: Price, inputTokens: number): Rates {
  const tier = price.tiers?.findLast(({ inputTokensAbove }) => inputTokens > inputTokensAbove)
  return tier?.rates ?? price
}

/** The rates that may come to apply to a request with at most this much input. */
function reachableRates(price: Price, inputTokens: number): Rates[] {
  const tiers = price.tiers?.filter(({ inputTokensAbove }) => inputTokens > inputTokensAbove) ?? []
  return [price, ...tiers.map(({ rates }) => rates)]
}

const partOf = {
  cachedInput: 'cachedInputTokens',
  cacheWrite: 'cacheWriteTokens',
  longCacheWrite: 'longCacheWriteTokens',
  audioOutput: 'audioOutputTokens',
  imageOutput: 'imageOutputTokens',
} as const

function tokenCost(rates: Rates, usage: Usage): bigint {
  const { input, output } = rates
  const { longCacheWriteTokens = 0, audioInputTokens = 0, cachedAudioInputTokens = 0 } = usage
  const { imageInputTokens = 0, audioOutputTokens = 0, imageOutputTokens = 0 } = usage
  const plainInput =
    usage.inputTokens -
    usage.cachedInputTokens -
    usage.cacheWriteTokens -
    longCacheWriteTokens -
    audioInputTokens -
    cachedAudioInputTokens -
    imageInputTokens
  const plainOutput = usage.outputTokens - audioOutputTokens - imageOutputTokens
  assert(plainInput >= 0 && plainOutput >= 0, 'the parts of the input and of the output are within them')
  return (
    times(plainInput, input) +
    times(usage.cachedInputTokens, rates.cachedInput) +
    times(usage.cacheWriteTokens, rates.cacheWrite) +
    times(longCacheWriteTokens, rates.longCacheWrite ?? rates.cacheWrite) +
    times(audioInputTokens, rates.audioInput ?? input) +
    times(cachedAudioInputTokens, rates.cachedAudioInput ?? rates.audioInput ?? input) +
    times(imageInputTokens, rates.imageInput ?? input) +
    times(plainOutput, output) +
    times(audioOutputTokens, rates.audioOutput ?? output) +
    times(imageOutputTokens, rates.imageOutput ?? output)
  )
}

type Units = { toolCalls?: number; audioSeconds?: number; characters?: number }

function unitCost(price: Price, { toolCalls = 0, audioSeconds = 0, characters = 0 }: Units): bigint {
  return (
    times(toolCalls, price.toolCall ?? 0) +
    times(audioSeconds, price.audioSecond ?? 0) +
    times(characters, price.character ?? 0)
  )
}

/** The dearest that the input can be: sound and pictures may be counted as text too. */
function inputMax(rates: Rates, bound: Bound): bigint {
  const { inputTokens, audioInputTokens = 0, imageInputTokens = 0 } = bound
  const text = rates[textKind(rates, bound.longCacheWrite === true)] ?? 0
  const sound = Math.max(text, rates.audioInput ?? 0, rates.cachedAudioInput ?? 0)
  const picture = Math.max(text, rates.imageInput ?? 0)
  return (
    times(inputTokens - audioInputTokens - imageInputTokens, text) +
    times(audioInputTokens, sound) +
    times(imageInputTokens, picture)
  )
}

type TextKind = 'input' | 'cachedInput' | 'cacheWrite' | 'longCacheWrite'

/** The dearest kind that text may turn out to be. Of equal ones the plainest. */
function textKind(rates: Rates, mayBeLong: boolean): TextKind {
  let kind: TextKind = 'input'
  if (rates.cachedInput > rates[kind]) kind = 'cachedInput'
  if (rates.cacheWrite > rates[kind]) kind = 'cacheWrite'
  if (mayBeLong && (rates.longCacheWrite ?? 0) > rates[kind]) kind = 'longCacheWrite'
  return kind
}

function outputKind(rates: Rates, bound: Bound): 'output' | 'audioOutput' | 'imageOutput' {
  const sound = bound.audioOutput ? (rates.audioOutput ?? 0) : 0
  const picture = bound.imageOutput ? (rates.imageOutput ?? 0) : 0
  if (picture > Math.max(rates.output, sound)) return 'imageOutput'
  return sound > rates.output ? 'audioOutput' : 'output'
}

function dearestOutput(rates: Rates, bound: Bound): number {
  return rates[outputKind(rates, bound)] ?? 0
}

/** A tier that has no price here is one that the provider was not asked for: the dearest of all is presumed. */
function percentOf(price: Price, serviceTier: string): number {
  const { serviceTiers = {} } = price
  if (Object.hasOwn(serviceTiers, serviceTier)) return serviceTiers[serviceTier] ?? tierMax(price)
  return standardTiers.has(serviceTier) ? 100 : tierMax(price)
}

/**
 * The tier that served as it may be written down: its name where it has a price here or is the standard one. Any other
 * is a text of the provider's own, and counts as the dearest tier all the same.
 */
export function tierName({ serviceTiers = {} }: Price, serviceTier: string): string {
  return standardTiers.has(serviceTier) || Object.hasOwn(serviceTiers, serviceTier) ? serviceTier : 'other'
}

function dearestPercent(price: Price, { serviceTier }: Bound): number {
  return serviceTier ? tierMax(price) : 100
}

function tierMax({ serviceTiers = {} }: Price): number {
  return Math.max(100, ...Object.values(serviceTiers))
}

function dearestTier({ serviceTiers = {} }: Price): string {
  const [name, percent] = Object.entries(serviceTiers).reduce(
    (a, b) => (b[1] > a[1] ? b : a),
    ['default', 100],
  )
  return percent > 100 ? name : 'default'
}

function scaled(cost: bigint, percent: number): bigint {
  return percent === 100 ? cost : ceilDivide(cost * BigInt(percent), 100n)
}

function dearest(costs: readonly bigint[]): bigint {
  return costs.reduce((most, cost) => (cost > most ? cost : most), 0n)
}

function perAnswers(price: Price, answers = 1): bigint {
  return times(answers, price.perRequest)
}

/** Price per request and cost of the rest together. Stops at the largest safe integer, which no balance can reach. */
function microcredits(price: Price, pico: bigint, answers: number | undefined): number {
  const { numerator, denominator } = price.rate
  const whole = perAnswers(price, answers) + ceilDivide(pico * BigInt(numerator), BigInt(denominator))
  return whole > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(whole)
}

function times(count: number, each: number): bigint {
  return BigInt(count) * BigInt(each)
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor
}
