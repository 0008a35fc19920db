/** What was used in a span of days, summed for charts: by day, by model or by the member who spent. */
import { z } from 'zod'
import { creditsOf } from '../core/credits.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Store, UsageSum } from '../ports.ts'
import { day, dayAt, dayText } from './input.ts'

/** The most days that one answer spans, and how many it spans unasked. */
const DAYS_MAX = 400
const DAYS_DEFAULT = 30

/** Query of the usage routes. */
export const usageQuery = z.object({
  from: day.optional(),
  to: day.optional(),
  by: z.enum(['day', 'model', 'member'], 'must be day, model or member').default('day'),
})

type Asked = z.infer<typeof usageQuery>
type Span = { from: number; to: number }

/** The sums that were asked for; days without use are absent. Refuses spans that are too long or turned round. */
export async function usageAnswer(
  store: Store,
  accountId: string,
  { by, ...asked }: Asked,
  now: number,
): Promise<Result<Record<string, unknown>, Refusal>> {
  const span = spanOf(asked, now)
  if (!span.ok) return span
  const { from, to } = span.value
  const sums = await store.usage(accountId, { from, to, by })
  return ok({ from: dayText(from), to: dayText(to), data: sums.map((sum) => usageView(sum, by)) })
}

/** One sum as its account's owner sees it, under the name of its dimension. */
export function usageView(
  { key, requests, inputTokens, outputTokens, credits }: UsageSum,
  by: Asked['by'],
): Record<string, unknown> {
  const shown = typeof key === 'number' ? dayText(key) : key
  return { [by]: shown, requests, inputTokens, outputTokens, credits: creditsOf(credits) }
}

/** With one end of the span only, the other lies 30 days from it, or today. */
function spanOf(asked: Pick<Asked, 'from' | 'to'>, now: number): Result<Span, Refusal> {
  const today = dayAt(now)
  const to = asked.to ?? Math.max(today, asked.from ?? today)
  const from = asked.from ?? to - (DAYS_DEFAULT - 1)
  if (from > to) return err(bad('from', `${dayText(from)} is after ${dayText(to)}`))
  if (to - from < DAYS_MAX) return ok({ from, to })
  return err(bad('from', `${dayText(from)} to ${dayText(to)} is more than ${DAYS_MAX} days`))
}

function bad(param: string, problem: string): Refusal {
  return refusal('invalid_value', `${param}: ${problem}.`, { param })
}
