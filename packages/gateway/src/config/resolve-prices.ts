/**
 * Prices from the config as integers, rounded up once; a price that could hide a loss or overflow is refused.
 */
import { chargeRate, type Fraction, microcreditsOf, parseDecimal, picoUsdPerToken } from '../core/credits.ts'
import type { Price } from '../core/pricing.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { PriceConfig } from './schema.ts'

type Decimal = number | string

// More than any request can hold: the body is bounded, and no model writes this much.
const tokensOfLargestRequest = 20_000_000n

/** The price row of a model, or what is wrong with it. */
export function resolvePrice(
  price: PriceConfig,
  rate: Fraction,
  markupPercent: Decimal,
): Result<Price, string> {
  if (price === 'free') return ok({ ...nothing, rate, version: 'free' })
  if ('creditsPerRequest' in price) {
    const perRequest = microcreditsOf(price.creditsPerRequest)
    if (perRequest === null) return err('must be an amount of credits with at most 6 decimals')
    if (perRequest === 0) return err(zeroPrice)
    return ok({
      ...nothing,
      perRequest,
      rate,
      version: `config:${decimalText(price.creditsPerRequest)}/request`,
    })
  }
  const written = [
    price.input,
    price.cachedInput ?? price.input,
    price.cacheWrite ?? price.input,
    price.output,
  ]
  const [input = null, cachedInput = null, cacheWrite = null, output = null] = written.map(picoUsdPerToken)
  if (input === null || cachedInput === null || cacheWrite === null || output === null) {
    return err('is too large to count with')
  }
  if (input + cachedInput + cacheWrite + output === 0) return err(zeroPrice)
  const dearest = BigInt(Math.max(input, cachedInput, cacheWrite, output))
  if (!countable(dearest, rate)) {
    return err('is too large for so small a credit: raise credit.usd, or lower the price or the markup')
  }
  const version = `config:${written.map(decimalText).join(',')}+${decimalText(markupPercent)}%`
  return ok({ input, cachedInput, cacheWrite, output, perRequest: 0, rate, version })
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
const zeroPrice = "is 0: write price: 'free' if that is meant"

function countable(dearest: bigint, rate: Fraction): boolean {
  const cost = dearest * tokensOfLargestRequest
  return (cost * BigInt(rate.numerator)) / BigInt(rate.denominator) < BigInt(Number.MAX_SAFE_INTEGER)
}
