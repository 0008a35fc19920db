/** Figures for people. */

const EXACT = new Intl.NumberFormat('en', { maximumFractionDigits: 6 })
const SHORT = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })
const SHORT_AND_SMALL = new Intl.NumberFormat('en', { maximumFractionDigits: 4 })
const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** Credits to the microcredit, which is all that a balance has. */
export function formatCredits(credits: number): string {
  return EXACT.format(credits)
}

/** Credits where room is short; below a thousand still fine enough to see a small answer's cost. */
export function formatBalance(credits: number): string {
  return (Math.abs(credits) < 1000 ? SHORT_AND_SMALL : SHORT).format(credits)
}

/** A count. */
export function formatCount(count: number): string {
  return WHOLE.format(count)
}
