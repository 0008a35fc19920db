/** Spans of UTC days, as usage is summed. */

const DAY_MS = 86_400_000

/** The last `count` days up to the one of `now`, each as `2026-11-24`. */
export function lastDays(count: number, now: number): string[] {
  return Array.from({ length: count }, (_, index) => toDay(now - (count - 1 - index) * DAY_MS))
}

function toDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
