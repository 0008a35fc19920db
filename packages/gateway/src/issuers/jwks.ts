/**
 * The public keys of an issuer, read from its JWKS URL and kept. Written here rather than taken from jose,
 * whose remote set asks again for every token while the endpoint is down and forgets good keys when it is:
 * a flood of junk must not become a flood on the identity provider, and its outage must not become ours.
 *
 * - One read at a time, at most one per 30 s, failures included, whatever the tokens say. (A read is one
 *   request; two where the JWKS URL must be discovered first.)
 * - Fresh for 10 minutes, then refreshed behind the requests; used for up to an hour while reads fail.
 * - An unknown key id asks for one read when one is allowed: that is how a rotation is seen.
 *
 * On Workers a read belongs to the request that began it and dies with it. Pass `keepAlive` (`waitUntil`)
 * there; those who wait have a timer of their own in any case.
 */
import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { err, ok, type Result } from '../core/result.ts'
import type { Fetch } from '../ports.ts'
import { isRecord } from './token.ts'

const freshMs = 10 * 60_000
const usableMs = 60 * 60_000
const cooldownMs = 30_000
const readTimeoutMs = 5_000
const waitTimeoutMs = readTimeoutMs + 1_000
const answerBytesMax = 256 * 1024
const keysMax = 100

/** `unknown`: the issuer does not publish such a key (401). `unavailable`: nobody can say (503). */
export type KeyFault = { reason: 'unknown' } | { reason: 'unavailable'; retryAfterMs: number }

/** Finds the key for a token's header; `now` in milliseconds. */
export type KeySource = (
  header: { alg: string; kid: string | undefined },
  now: number,
) => Promise<Result<CryptoKey, KeyFault>>

export type JwksOptions = {
  /** The JWKS URL, or the issuer whose `/.well-known/openid-configuration` names it (read at need). */
  location: { jwksUrl: string } | { issuer: string }
  fetch: Fetch
  /** Keeps a read alive after the request that began it (`waitUntil` on Workers). */
  keepAlive?: ((work: Promise<unknown>) => void) | undefined
  /** Told why a read failed, for the operator's log: an address and a reason, never a token. */
  onKeysFailure?: ((problem: string) => void) | undefined
}

type Held = { find: ReturnType<typeof createLocalJWKSet>; readAt: number }

type Source = JwksOptions & {
  held: Held | null
  jwksUrl: string | null
  attemptedAt: number | null
  /** The latest read failed or has not ended. */
  failing: boolean
  running: Promise<void> | null
}

/** A source of keys over a JWKS URL. */
export function createJwksSource(options: JwksOptions): KeySource {
  const source: Source = {
    ...options,
    held: null,
    jwksUrl: 'jwksUrl' in options.location ? options.location.jwksUrl : null,
    attemptedAt: null,
    failing: false,
    running: null,
  }
  return (header, now) => findKey(source, header, now)
}

async function findKey(
  source: Source,
  header: { alg: string; kid: string | undefined },
  now: number,
): Promise<Result<CryptoKey, KeyFault>> {
  if (!isWithin(now, source.held?.readAt, usableMs)) await refresh(source, now)
  const held = source.held
  if (held === null || !isWithin(now, held.readAt, usableMs)) return err(unavailable(source, now))

  const key = await pick(held, header)
  if (key !== null) {
    if (!isWithin(now, held.readAt, freshMs)) void refresh(source, now)
    return ok(key)
  }
  await refresh(source, now)
  const found = source.held === null || source.held === held ? null : await pick(source.held, header)
  if (found !== null) return ok(found)
  // Keys may have been rotated while reads fail, so an unknown key is then no proof of a bad token.
  return err(source.failing ? unavailable(source, now) : { reason: 'unknown' })
}

/** Reads the keys if that is allowed now, or waits for the read under way. Never rejects. */
function refresh(source: Source, now: number): Promise<void> {
  if (source.running !== null && isWithin(now, source.attemptedAt, waitTimeoutMs)) {
    return settleWithin(source.running, waitTimeoutMs)
  }
  if (isWithin(now, source.attemptedAt, cooldownMs)) return Promise.resolve()
  source.attemptedAt = now
  source.failing = true
  const running = read(source, now).finally(() => {
    if (source.running === running) source.running = null
  })
  source.running = running
  source.keepAlive?.(running)
  return settleWithin(running, waitTimeoutMs)
}

async function read(source: Source, now: number): Promise<void> {
  const abort = new AbortController()
  try {
    const find = await withTimeout(load(source, abort.signal), readTimeoutMs)
    source.held = { find, readAt: now }
    source.failing = false
  } catch (error) {
    abort.abort()
    source.onKeysFailure?.(problemOf(source, error))
    // The address may have moved: it is looked up again with the next read.
    if (!('jwksUrl' in source.location)) source.jwksUrl = null
  }
}

function problemOf({ jwksUrl, location }: Source, error: unknown): string {
  const at = jwksUrl ?? ('issuer' in location ? location.issuer : location.jwksUrl)
  const reason = error instanceof Error ? error.message : 'failed'
  return `could not read the keys of the identity provider at ${at}: ${reason}`
}

async function load(source: Source, signal: AbortSignal): Promise<Held['find']> {
  if (source.jwksUrl === null && 'issuer' in source.location) {
    source.jwksUrl = await discover(source.fetch, source.location.issuer, signal)
  }
  if (source.jwksUrl === null) throw new Error('no JWKS URL')
  const set = await readJson(source.fetch, source.jwksUrl, signal)
  if (!isKeySet(set)) throw new Error('not a JSON Web Key Set')
  return createLocalJWKSet(set)
}

async function discover(fetch: Fetch, issuer: string, signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const document = await readJson(fetch, url, signal)
  if (!isRecord(document) || document.issuer !== issuer || typeof document.jwks_uri !== 'string') {
    throw new Error('not the OpenID configuration of this issuer')
  }
  const jwksUrl = new URL(document.jwks_uri)
  // Plain http only where the operator's own config has it, as on a developer's machine.
  if (jwksUrl.protocol !== 'https:' && jwksUrl.origin !== new URL(issuer).origin) {
    throw new Error('the JWKS URL is not https')
  }
  return jwksUrl.href
}

async function readJson(fetch: Fetch, url: string, signal: AbortSignal): Promise<unknown> {
  // `manual` and a check of the status, since Workers do not know `redirect: 'error'`.
  const response = await fetch(url, { redirect: 'manual', signal, headers: { accept: 'application/json' } })
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel()
    throw new Error(`answered ${response.status}`)
  }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  const reader = response.body.getReader()
  let text = ''
  let bytes = 0
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    bytes += chunk.value.byteLength
    if (bytes > answerBytesMax) {
      await reader.cancel()
      throw new Error(`longer than ${answerBytesMax} bytes`)
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
  return JSON.parse(text + decoder.decode())
}

// An empty set counts as a failure, so that a glitch does not wipe good keys.
function isKeySet(value: unknown): value is JSONWebKeySet {
  if (!isRecord(value) || !Array.isArray(value.keys)) return false
  return value.keys.length > 0 && value.keys.length <= keysMax && value.keys.every(isRecord)
}

async function pick(held: Held, header: { alg: string; kid: string | undefined }): Promise<CryptoKey | null> {
  const { alg, kid } = header
  try {
    return await held.find(kid === undefined ? { alg } : { alg, kid })
  } catch {
    // No key, more than one, or one that cannot be used for this algorithm.
    return null
  }
}

function unavailable(source: Source, now: number): KeyFault {
  const waited = source.attemptedAt === null ? cooldownMs : Math.abs(now - source.attemptedAt)
  return { reason: 'unavailable', retryAfterMs: Math.max(1_000, cooldownMs - waited) }
}

/** Whether `since` is less than `ms` away from `now`, either way: clocks may be set back. */
function isWithin(now: number, since: number | null | undefined, ms: number): boolean {
  return since !== null && since !== undefined && Math.abs(now - since) < ms
}

async function settleWithin(work: Promise<void>, ms: number): Promise<void> {
  await withTimeout(work, ms).catch(() => {})
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
