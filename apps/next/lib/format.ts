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

const SIGNED = new Intl.NumberFormat('en', { maximumFractionDigits: 6, signDisplay: 'exceptZero' })
const USD = new Intl.NumberFormat('en', {
  style: 'currency',
  currency: 'USD',
  trailingZeroDisplay: 'stripIfInteger',
})
const DATE = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })
const DATE_AND_TIME = new Intl.DateTimeFormat('en', {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})
const UTC_DAY = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', timeZone: 'UTC' })

/** What an entry adds to or takes from the balance, with its sign. */
export function formatChange(credits: number): string {
  return SIGNED.format(credits)
}

/** A price in US dollars; whole dollars without cents. */
export function formatUsd(usd: number): string {
  return USD.format(usd)
}

/** The date of an ISO 8601 time, where the reader is. */
export function formatDate(at: string): string {
  return DATE.format(new Date(at))
}

/** Day and minute of an ISO 8601 time, where the reader is. */
export function formatDateAndTime(at: string): string {
  return DATE_AND_TIME.format(new Date(at))
}

/** A UTC day such as `2026-11-24`, in short. */
export function formatDay(day: string): string {
  return UTC_DAY.format(new Date(`${day}T00:00:00Z`))
}

/** How long to wait, such as "in 34 s" or "in 6 days", in the largest unit of which there is one. */
export function formatWait(waitMs: number): string {
  const seconds = Math.max(0, Math.ceil(waitMs / 1000))
  if (seconds < 100) return `in ${seconds} s`
  if (seconds < 100 * 60) return `in ${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `in ${Math.round(seconds / 3600)} hours`
  return `in ${Math.round(seconds / 86_400)} days`
}
