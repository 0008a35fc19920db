/**
 * What a request costs. Prices are integers of pico-USD (10⁻¹² USD) per token, costs are BigInt, and a charge
 * is rounded up once, to a whole microcredit. No float ever touches money.
 */
import { assert } from './result.ts'

/**
 * The price that a hold is made at and settled by, whatever the catalogue says later.
 * `rate` turns pico-USD of provider cost into microcredits: markup and the credit's price in one fraction.
 */
export type Price = {
  /** pico-USD per token. */
  input: number
  cachedInput: number
  cacheWrite: number
  output: number
  /** Microcredits per answered request, on top of tokens. */
  perRequest: number
  rate: { numerator: number; denominator: number }
  /** Names the row that was used, for the entry. */
  version: string
}

/** Tokens of one answer. `cachedInputTokens` and `cacheWriteTokens` are parts of `inputTokens`. */
export type Usage = {
  inputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  outputTokens: number
}

/** Usage whose input is only bounded. Whether the provider wrote it to its cache is not known: the dearer is presumed. */
export function boundedUsage(price: Price, inputTokens: number, outputTokens: number): Usage {
  const cacheWriteTokens = price.cacheWrite > price.input ? inputTokens : 0
  return { inputTokens, cachedInputTokens: 0, cacheWriteTokens, outputTokens }
}

/** What the provider asks for this usage, in pico-USD. */
export function upstreamCost(price: Price, usage: Usage): bigint {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = usage
  const plain = inputTokens - cachedInputTokens - cacheWriteTokens
  assert(plain >= 0, 'cached and cache-write tokens are parts of the input')
  return (
    times(plain, price.input) +
    times(cachedInputTokens, price.cachedInput) +
    times(cacheWriteTokens, price.cacheWrite) +
    times(outputTokens, price.output)
  )
}

/** The charge for this usage, in microcredits. */
export function charge(price: Price, usage: Usage): number {
  return microcredits(price, upstreamCost(price, usage))
}

/** The most that any usage within these tokens can cost, in microcredits: what a hold must hold. */
export function chargeMax(price: Price, inputTokens: number, outputTokens: number): number {
  const cost = times(inputTokens, dearestInput(price)) + times(outputTokens, price.output)
  return microcredits(price, cost)
}

/** The most output tokens that `available` microcredits can surely pay after the input; Infinity if output is free. */
export function affordableOutputTokens(price: Price, inputTokens: number, available: number): number {
  if (available < price.perRequest) return 0
  const { numerator, denominator } = price.rate
  const input = times(inputTokens, dearestInput(price))
  if (numerator === 0 || price.output === 0) {
    return microcredits(price, input) <= available ? Number.POSITIVE_INFINITY : 0
  }
  // ceil(cost × n / d) ≤ a holds exactly when cost ≤ floor(a × d / n).
  const budget = times(available - price.perRequest, denominator) / BigInt(numerator)
  const tokens = (budget - input) / BigInt(price.output)
  return budget < input ? 0 : Number(tokens)
}

function dearestInput(price: Price): number {
  return Math.max(price.input, price.cachedInput, price.cacheWrite)
}

/** Price per request and cost of tokens together. Stops at the largest safe integer, which no balance can reach. */
function microcredits(price: Price, pico: bigint): number {
  const numerator = BigInt(price.rate.numerator)
  const denominator = BigInt(price.rate.denominator)
  const whole = BigInt(price.perRequest) + (pico * numerator + denominator - 1n) / denominator
  return whole > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(whole)
}

function times(count: number, each: number): bigint {
  return BigInt(count) * BigInt(each)
}
