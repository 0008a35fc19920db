/**
 * Credits and money as integers. A balance counts microcredits (10⁻⁶ credit); a price counts pico-USD
 * (10⁻¹² USD) per token. Decimals from the config are read digit by digit, never through float arithmetic.
 */

/** Microcredits in one credit. */
export const MICROCREDITS = 1_000_000

/** The most credits that one grant, cap or limit may name; keeps every sum a safe integer. */
export const CREDITS_MAX = 1_000_000_000

export type Decimal = { digits: bigint; scale: number }
export type Fraction = { numerator: number; denominator: number }

/** Reads a non-negative decimal such as `0.25`, `25` or `1e-7` exactly; null when it is not one. */
export function parseDecimal(value: number | string): Decimal | null {
  const match = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(String(value))
  if (!match) return null
  const [, whole = '', part = '', exponent = '0'] = match
  const scale = part.length - Number(exponent)
  const digits = BigInt(whole + part)
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 }
}

/** Microcredits of a decimal number of credits; null when it is negative, too large or finer than a microcredit. */
export function microcreditsOf(credits: number | string): number | null {
  const decimal = parseDecimal(credits)
  if (!decimal) return null
  const scaled = decimal.digits * 1_000_000n
  const divisor = 10n ** BigInt(decimal.scale)
  if (scaled % divisor !== 0n) return null
  const value = scaled / divisor
  return value <= BigInt(CREDITS_MAX) * 1_000_000n ? Number(value) : null
}

/** Credits as the decimal number that users see. */
export function creditsOf(microcredits: number): number {
  return microcredits / MICROCREDITS
}

/** pico-USD per token of a price in USD per million tokens, rounded up; null when it is no decimal or too large. */
export function picoUsdPerToken(usdPerMillionTokens: number | string): number | null {
  return picoUsdEach(usdPerMillionTokens, 1_000_000)
}

/** pico-USD of each of `count` that cost `usd` together, rounded up; null when it is no decimal or too large. */
export function picoUsdEach(usd: number | string, count: number): number | null {
  const decimal = parseDecimal(usd)
  if (!decimal) return null
  const pico = ceilDivide(decimal.digits * 10n ** 12n, BigInt(count) * 10n ** BigInt(decimal.scale))
  return pico <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(pico) : null
}

/**
 * Microcredits per pico-USD of provider cost: (100 + markup) / (100 × USD per credit × 10⁶), in lowest terms.
 * Null when an input is no decimal, the credit is free, or the fraction does not fit safe integers.
 */
export function chargeRate(creditUsd: number | string, markupPercent: number | string): Fraction | null {
  const usd = parseDecimal(creditUsd)
  const markup = parseDecimal(markupPercent)
  if (!usd || !markup || usd.digits === 0n) return null
  const markupScale = 10n ** BigInt(markup.scale)
  const numerator = (100n * markupScale + markup.digits) * 10n ** BigInt(usd.scale)
  const denominator = 100n * markupScale * usd.digits * 1_000_000n
  const divisor = greatestCommonDivisor(numerator, denominator)
  const fraction = { numerator: Number(numerator / divisor), denominator: Number(denominator / divisor) }
  return Number.isSafeInteger(fraction.numerator) && Number.isSafeInteger(fraction.denominator)
    ? fraction
    : null
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b)
}
