/**
 * A caller's Idempotency-Key: for a day it stands for the one request that it was first used for, so that a repeat
 * is neither sent nor charged again. What was given back without a charge frees its key.
 */
import type { Hold } from './account.ts'
import { creditsOf } from './credits.ts'
import type { Entry } from './entry.ts'
import { type Refusal, refusal } from './refusal.ts'

/** How long a key stands for its first request, in milliseconds. */
export const KEY_LIFE_MS = 24 * 60 * 60_000

/** The furthest ahead that a first use can lie without the clock having been set since, in milliseconds. */
export const KEY_AHEAD_MS = 2 * KEY_LIFE_MS

/** The key that came with a request, and what it asked: both as SHA-256, hexadecimal. */
export type IdempotencyKey = { keyHash: string; requestHash: string }

/** The first use of a key: which request, what it asked, and when it began (ms). Neither key nor body is in it. */
export type KeyUse = IdempotencyKey & { requestId: string; at: number }

/** The first use of a key, and how its request stands: its open hold, or the entry that it ended with. */
export type FirstUse = { use: KeyUse; hold?: Hold | undefined; entry?: Entry | undefined }

/** Whether a first use is so old, or dated so far ahead, that its key is free again. */
export function isKeyUseOver({ at }: KeyUse, now: number): boolean {
  return now - at >= KEY_LIFE_MS || at - now > KEY_AHEAD_MS
}

/**
 * Why a request with this key must not run, if it must not. A request under way keeps its key however old it is: a
 * clock that was set must not send it twice.
 */
export function repeatRefusal(key: IdempotencyKey, first: FirstUse | undefined, now: number): Refusal | null {
  if (!first || (!first.hold && isKeyUseOver(first.use, now))) return null
  const { requestId, requestHash } = first.use
  if (requestHash !== key.requestHash) {
    const message = `This Idempotency-Key was used with another body, for the request ${requestId}. Nothing was sent or charged. Use a new key for a new request.`
    return conflict(message, requestId, false)
  }
  if (first.hold) {
    const message = `The request ${requestId} with this Idempotency-Key is still running. Nothing was sent or charged again. GET /v1/account/entries?requestId=${requestId} shows how it ended.`
    return conflict(message, requestId, false)
  }
  const message = `The request ${requestId} with this Idempotency-Key has ${outcomeOf(first.entry)}. Nothing was sent or charged again. Use a new key to send it anew.`
  return conflict(message, requestId, true)
}

function outcomeOf(entry: Entry | undefined): string {
  if (!entry) return 'ended'
  const { ended = 'complete', credits } = entry
  return `ended (${ended}), and ${creditsOf(Math.abs(credits))} credits were charged for it`
}

function conflict(message: string, requestId: string, repeated: boolean): Refusal {
  const first = { requestId, repeated }
  return refusal('idempotency_conflict', message, { param: 'Idempotency-Key', first })
}
