/**
 * Rate limits: fixed UTC minutes and days, counted inside the account so that one decision covers them and the
 * credits. A hold's estimate counts in the window that reserved it, and is corrected only there.
 */
import type { Limits } from './catalog.ts'
import { creditsOf } from './credits.ts'
import { type Refusal, refusal } from './refusal.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export type MinuteCounts = { requests: number; tokens: number }

/** Counters of the current minute and day, in total and for each model that was used in them. */
export type Windows = {
  minute: { start: number; total: MinuteCounts; models: Record<string, MinuteCounts> }
  day: { start: number; total: number; models: Record<string, number> }
}

/** What one request asks of the windows: tokens, and microcredits at most. */
export type Ask = { model: string; tokens: number; credits: number }

/** The windows a hold was counted in, so that its ending corrects those and no others. */
export type WindowStarts = { minute: number; day: number }

export type LimitStatus = { limit: number; remaining: number; resetsAt: number }

/** Fresh, empty windows at `now`. */
export function emptyWindows(now: number): Windows {
  return {
    minute: { start: startOf(now, MINUTE_MS), total: { requests: 0, tokens: 0 }, models: {} },
    day: { start: startOf(now, DAY_MS), total: 0, models: {} },
  }
}

/** The windows as they stand at `now`: those that have passed are empty. Returns copies that may be changed. */
export function windowsAt(windows: Windows, now: number): Windows {
  const fresh = emptyWindows(now)
  const { minute, day } = windows
  if (minute.start === fresh.minute.start) fresh.minute = copyMinute(minute)
  if (day.start === fresh.day.start) fresh.day = { ...day, models: { ...day.models } }
  return fresh
}

/** Counts an admitted request. Changes `windows`. */
export function countRequest(windows: Windows, ask: Ask): WindowStarts {
  const { minute, day } = windows
  const model = minute.models[ask.model] ?? { requests: 0, tokens: 0 }
  minute.models[ask.model] = model
  for (const counts of [minute.total, model]) {
    counts.requests += 1
    counts.tokens += ask.tokens
  }
  day.total += ask.credits
  day.models[ask.model] = (day.models[ask.model] ?? 0) + ask.credits
  return { minute: minute.start, day: day.start }
}

/** Replaces a hold's estimate by what it came to, in the windows that counted it. Changes `windows`. */
export function correctRequest(windows: Windows, counted: WindowStarts, estimate: Ask, actual: Ask): void {
  const { minute, day } = windows
  if (minute.start === counted.minute) {
    const difference = actual.tokens - estimate.tokens
    minute.total.tokens = Math.max(0, minute.total.tokens + difference)
    const model = minute.models[estimate.model]
    if (model) model.tokens = Math.max(0, model.tokens + difference)
  }
  if (day.start === counted.day) {
    const difference = actual.credits - estimate.credits
    day.total = Math.max(0, day.total + difference)
    day.models[estimate.model] = Math.max(0, (day.models[estimate.model] ?? 0) + difference)
  }
}

/** The figures that one set of limits is checked against. */
type Counted = { minute: MinuteCounts; open: number; dayCredits: number; where: string }

/** Checks an ask against a plan's limits and its limits for the model. Null when it fits. */
export function limitRefusal(
  limits: Limits & { models: Readonly<Record<string, Limits>> },
  windows: Windows,
  open: { total: number; models: Record<string, number> },
  ask: Ask,
  now: number,
): Refusal | null {
  const total = {
    minute: windows.minute.total,
    open: open.total,
    dayCredits: windows.day.total,
    where: 'your plan',
  }
  const ofModel = limits.models[ask.model]
  const model = {
    minute: windows.minute.models[ask.model] ?? { requests: 0, tokens: 0 },
    open: open.models[ask.model] ?? 0,
    dayCredits: windows.day.models[ask.model] ?? 0,
    where: `your plan for the model ${ask.model}`,
  }
  return (
    refuseOversize(limits, ask, total.where) ??
    (ofModel ? refuseOversize(ofModel, ask, model.where) : null) ??
    refuseOver(limits, total, ask, now) ??
    (ofModel ? refuseOver(ofModel, model, ask, now) : null)
  )
}

/** What no wait can help: an ask that is larger than a whole window. */
function refuseOversize(limits: Limits, ask: Ask, where: string): Refusal | null {
  if (limits.tokensPerMinute !== undefined && ask.tokens > limits.tokensPerMinute) {
    return refusal(
      'request_too_large_for_plan',
      `This request may use ${ask.tokens} tokens, and ${where} allows ${limits.tokensPerMinute} a minute. Shorten the input or lower the output cap.`,
    )
  }
  if (limits.creditsPerDay !== undefined && ask.credits > limits.creditsPerDay) {
    return refusal(
      'request_too_large_for_plan',
      `This request may cost ${creditsOf(ask.credits)} credits, and ${where} allows ${creditsOf(limits.creditsPerDay)} a day. Shorten the input or lower the output cap.`,
    )
  }
  return null
}

function refuseOver(limits: Limits, counted: Counted, ask: Ask, now: number): Refusal | null {
  const minuteWait = startOf(now, MINUTE_MS) + MINUTE_MS - now
  const { requestsPerMinute, tokensPerMinute, concurrentRequests, creditsPerDay } = limits
  if (concurrentRequests !== undefined && counted.open >= concurrentRequests) {
    return limited(`${counted.open} requests are under way, as many as ${counted.where} allows at once`, 1000)
  }
  if (requestsPerMinute !== undefined && counted.minute.requests >= requestsPerMinute) {
    return limited(`${counted.where} allows ${requestsPerMinute} requests a minute`, minuteWait)
  }
  if (tokensPerMinute !== undefined && counted.minute.tokens + ask.tokens > tokensPerMinute) {
    const left = Math.max(0, tokensPerMinute - counted.minute.tokens)
    return limited(
      `this request may use ${ask.tokens} tokens, and ${left} of the ${tokensPerMinute} a minute that ${counted.where} allows are left`,
      minuteWait,
    )
  }
  if (creditsPerDay !== undefined && counted.dayCredits + ask.credits > creditsPerDay) {
    const left = Math.max(0, creditsPerDay - counted.dayCredits)
    return limited(
      `this request may cost ${creditsOf(ask.credits)} credits, and ${creditsOf(left)} of the ${creditsOf(creditsPerDay)} a day that ${counted.where} allows are left`,
      startOf(now, DAY_MS) + DAY_MS - now,
    )
  }
  return null
}

function limited(what: string, retryAfterMs: number): Refusal {
  const seconds = Math.ceil(retryAfterMs / 1000)
  const sentence = what.charAt(0).toUpperCase() + what.slice(1)
  return refusal('rate_limited', `${sentence}. Try again in ${seconds} s.`, { retryAfterMs })
}

export type LimitReport = {
  requestsPerMinute?: LimitStatus
  tokensPerMinute?: LimitStatus
  concurrentRequests?: LimitStatus
  creditsPerDay?: LimitStatus
}

/** What is left of each limit that is set; `creditsPerDay` in microcredits, times in milliseconds. */
export function limitReport(limits: Limits, windows: Windows, open: number, now: number): LimitReport {
  const minuteEnd = startOf(now, MINUTE_MS) + MINUTE_MS
  const dayEnd = startOf(now, DAY_MS) + DAY_MS
  const { requestsPerMinute, tokensPerMinute, concurrentRequests, creditsPerDay } = limits
  const { requests, tokens } = windows.minute.total
  return {
    ...(requestsPerMinute !== undefined && {
      requestsPerMinute: status(requestsPerMinute, requests, minuteEnd),
    }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute: status(tokensPerMinute, tokens, minuteEnd) }),
    ...(concurrentRequests !== undefined && { concurrentRequests: status(concurrentRequests, open, now) }),
    ...(creditsPerDay !== undefined && { creditsPerDay: status(creditsPerDay, windows.day.total, dayEnd) }),
  }
}

function status(limit: number, used: number, resetsAt: number): LimitStatus {
  return { limit, remaining: Math.max(0, limit - used), resetsAt }
}

function startOf(now: number, lengthMs: number): number {
  return Math.floor(now / lengthMs) * lengthMs
}

/** The UTC day of a time, counted since 1970. */
export function dayOf(now: number): number {
  return Math.floor(now / DAY_MS)
}

function copyMinute(minute: Windows['minute']): Windows['minute'] {
  const models: Record<string, MinuteCounts> = {}
  for (const id of Object.keys(minute.models)) {
    const counts = minute.models[id]
    if (counts) models[id] = { ...counts }
  }
  return { start: minute.start, total: { ...minute.total }, models }
}
