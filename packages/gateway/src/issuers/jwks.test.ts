import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { down, fakeWeb, jwksOf, makeKey, now, type TestKey } from './__fixtures__/tokens.ts'
import { createJwksSource, type KeySource } from './jwks.ts'

const jwksUrl = 'https://clerk.shop.test/.well-known/jwks.json'
const minute = 60_000
let first: TestKey
let second: TestKey

beforeAll(async () => {
  first = await makeKey('ES256', 'first')
  second = await makeKey('ES256', 'second')
})
afterEach(() => {
  vi.useRealTimers()
})

function setUp(answer: () => Response | Promise<Response> = jwksOf(first)) {
  const web = fakeWeb({ [jwksUrl]: answer })
  const keys = createJwksSource({ location: { jwksUrl }, fetch: web.fetch })
  const serve = (next: () => Response | Promise<Response>) => {
    web.answers[jwksUrl] = next
  }
  return { web, keys, serve }
}

async function outcome(keys: KeySource, kid: string | undefined, at: number): Promise<string> {
  const key = await keys({ alg: 'ES256', kid }, at)
  return key.ok ? 'key' : key.error.reason
}

/** Lets work in the background end: it is all microtasks and settled answers here. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('reading', () => {
  it('reads nothing until a key is needed, then once for many tokens', async () => {
    const { web, keys } = setUp()
    expect(web.asked).toEqual([])
    const all = await Promise.all(Array.from({ length: 50 }, () => outcome(keys, 'first', now)))
    expect(new Set(all)).toEqual(new Set(['key']))
    expect(web.asked).toEqual([jwksUrl])
  })

  it('stays fresh for ten minutes, then refreshes behind the request', async () => {
    const { web, keys } = setUp()
    await outcome(keys, 'first', now)
    await outcome(keys, 'first', now + 10 * minute - 1)
    expect(web.asked).toHaveLength(1)
    expect(await outcome(keys, 'first', now + 10 * minute)).toBe('key')
    await settle()
    expect(web.asked).toHaveLength(2)
    // The new read counts from its own time.
    expect(await outcome(keys, 'first', now + 19 * minute)).toBe('key')
    expect(web.asked).toHaveLength(2)
  })

  it('keeps the work alive where the runtime needs that', async () => {
    const kept: Promise<unknown>[] = []
    const { fetch } = fakeWeb({ [jwksUrl]: jwksOf(first) })
    const keys = createJwksSource({ location: { jwksUrl }, fetch, keepAlive: (work) => kept.push(work) })
    await outcome(keys, 'first', now)
    expect(kept).toHaveLength(1)
  })

  it('tells the operator why a read failed', async () => {
    const problems: string[] = []
    const { fetch } = fakeWeb({ [jwksUrl]: () => new Response('no', { status: 404 }) })
    const onKeysFailure = (problem: string) => problems.push(problem)
    const keys = createJwksSource({ location: { jwksUrl }, fetch, onKeysFailure })
    await outcome(keys, 'first', now)
    expect(problems).toEqual([`could not read the keys of the identity provider at ${jwksUrl}: answered 404`])
  })

  it('takes a token without kid where one key fits, and no other', async () => {
    expect(await outcome(setUp().keys, undefined, now)).toBe('key')
    expect(await outcome(setUp(jwksOf(first, second)).keys, undefined, now)).toBe('unknown')
  })

  it('never hands out a key for another algorithm, for encryption or a symmetric one', async () => {
    const { keys } = setUp(() =>
      Response.json({
        keys: [
          { ...first.jwk, use: 'enc' },
          { ...first.jwk, kid: 'other', alg: 'ES384' },
          { kty: 'oct', kid: 'oct', k: 'c2VjcmV0', alg: 'HS256' },
        ],
      }),
    )
    expect(await outcome(keys, 'first', now)).toBe('unknown')
    expect(await outcome(keys, 'other', now)).toBe('unknown')
    const symmetric = await keys({ alg: 'HS256', kid: 'oct' }, now)
    expect(symmetric.ok).toBe(false)
  })
})

describe('rotation and floods', () => {
  it('sees a rotation with one read', async () => {
    const { web, keys, serve } = setUp()
    await outcome(keys, 'first', now)
    serve(jwksOf(first, second))
    const all = await Promise.all(Array.from({ length: 20 }, () => outcome(keys, 'second', now + 31_000)))
    expect(new Set(all)).toEqual(new Set(['key']))
    expect(web.asked).toHaveLength(2)
  })

  it('says unknown (401) without a read while one was made less than 30 s ago', async () => {
    const { web, keys, serve } = setUp()
    await outcome(keys, 'first', now)
    serve(jwksOf(first, second))
    expect(await outcome(keys, 'second', now + 29_999)).toBe('unknown')
    expect(web.asked).toHaveLength(1)
    expect(await outcome(keys, 'second', now + 30_000)).toBe('key')
  })

  it('reads once per 30 s under a flood of unknown key ids', async () => {
    const { web, keys } = setUp()
    await outcome(keys, 'first', now)
    for (let second = 0; second < 120; second += 1) {
      await Promise.all(Array.from({ length: 10 }, (_, n) => outcome(keys, `junk-${n}`, now + second * 1000)))
    }
    // At 0 s for the good token, then at 30, 60 and 90 s.
    expect(web.asked).toHaveLength(4)
    expect(await outcome(keys, 'first', now + 120_000)).toBe('key')
  })

  it('reads once for a cold flood', async () => {
    const { web, keys } = setUp()
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => outcome(keys, `junk-${n}`, now)))
    expect(new Set(all)).toEqual(new Set(['unknown']))
    expect(web.asked).toHaveLength(1)
  })
})

describe('outage', () => {
  it('is unavailable (503) when cold, with one read per 30 s', async () => {
    const { web, keys, serve } = setUp(down)
    const all = await Promise.all(Array.from({ length: 50 }, () => outcome(keys, 'first', now)))
    expect(new Set(all)).toEqual(new Set(['unavailable']))
    expect(await outcome(keys, 'first', now + 29_999)).toBe('unavailable')
    expect(web.asked).toHaveLength(1)
    serve(jwksOf(first))
    expect(await outcome(keys, 'first', now + 30_000)).toBe('key')
    expect(web.asked).toHaveLength(2)
  })

  it('says when to come back', async () => {
    const { keys } = setUp(down)
    await keys({ alg: 'ES256', kid: 'first' }, now)
    const again = await keys({ alg: 'ES256', kid: 'first' }, now + 10_000)
    expect(again).toEqual({ ok: false, error: { reason: 'unavailable', retryAfterMs: 20_000 } })
  })

  it('uses keys for an hour, then is unavailable', async () => {
    const { web, keys, serve } = setUp()
    await outcome(keys, 'first', now)
    serve(down)
    for (let at = 11; at < 60; at += 1) expect(await outcome(keys, 'first', now + at * minute)).toBe('key')
    await settle()
    expect(await outcome(keys, 'first', now + 60 * minute - 1)).toBe('key')
    await settle()
    expect(await outcome(keys, 'first', now + 60 * minute + 30_000)).toBe('unavailable')
    // One for the first read, 49 minutes of one each, two more.
    expect(web.asked.length).toBeLessThanOrEqual(52)
    serve(jwksOf(first))
    expect(await outcome(keys, 'first', now + 62 * minute)).toBe('key')
  })

  it('is unavailable, not unknown, for a new key while reads fail', async () => {
    const { keys, serve } = setUp()
    await outcome(keys, 'first', now)
    serve(down)
    expect(await outcome(keys, 'second', now + 5 * minute)).toBe('unavailable')
    expect(await outcome(keys, 'second', now + 5 * minute + 1_000)).toBe('unavailable')
    expect(await outcome(keys, 'first', now + 5 * minute + 1_000)).toBe('key')
  })

  it('is not frozen by a clock that was set back', async () => {
    const { keys, serve } = setUp(down)
    await outcome(keys, 'first', now)
    serve(jwksOf(first))
    expect(await outcome(keys, 'first', now - 24 * 60 * minute)).toBe('key')
  })
})

describe('answers that are refused', () => {
  const answers: Record<string, () => Response> = {
    'status 500': () => new Response('{}', { status: 500 }),
    'a redirect': () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.test/' } }),
    'no JSON': () => new Response('<html>'),
    'no keys': () => Response.json({ keys: [] }),
    'no key set': () => Response.json({ keys: ['a'] }),
    'over 256 KB': () => new Response(`{"keys":[{"kty":"EC"}],"x":"${'x'.repeat(256 * 1024)}"}`),
    'over 100 keys': () => Response.json({ keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) }),
    'bad UTF-8': () => new Response(new Uint8Array([0x7b, 0xff, 0x7d])),
  }
  for (const [name, answer] of Object.entries(answers)) {
    it(`503 for ${name}, and good keys are kept`, async () => {
      expect(await outcome(setUp(answer).keys, 'first', now)).toBe('unavailable')
      const { keys, serve } = setUp()
      await outcome(keys, 'first', now)
      serve(answer)
      expect(await outcome(keys, 'first', now + 11 * minute)).toBe('key')
      await settle()
      expect(await outcome(keys, 'first', now + 12 * minute)).toBe('key')
    })
  }

  it('does not follow redirects and gives up after 5 s', async () => {
    vi.useFakeTimers()
    const asked: RequestInit[] = []
    const keys = createJwksSource({
      location: { jwksUrl },
      fetch: (_url, init = {}) => {
        asked.push(init)
        return new Promise(() => {})
      },
    })
    const waiting = outcome(keys, 'first', now)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(asked[0]?.signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await waiting).toBe('unavailable')
    expect(asked).toMatchObject([{ redirect: 'manual', signal: { aborted: true } }])
  })

  it('does not wait for a read whose request was cut off (as Workers do)', async () => {
    vi.useFakeTimers()
    const { keys, serve } = setUp(() => new Promise(() => {}))
    void outcome(keys, 'first', now)
    // The runtime drops the first request with its timers: nothing of it will ever settle.
    vi.clearAllTimers()
    const waiting = outcome(keys, 'first', now + 1_000)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await waiting).toBe('unavailable')
    expect(await outcome(keys, 'first', now + 20_000)).toBe('unavailable')
    serve(jwksOf(first))
    expect(await outcome(keys, 'first', now + 30_000)).toBe('key')
  })
})

describe('discovery', () => {
  const issuer = 'https://auth.example.com'
  const configuration = `${issuer}/.well-known/openid-configuration`
  const discovered = 'https://keys.example.com/jwks'

  it('finds the JWKS URL lazily, once', async () => {
    const web = fakeWeb({
      [configuration]: () => Response.json({ issuer, jwks_uri: discovered }),
      [discovered]: jwksOf(first),
    })
    const keys = createJwksSource({ location: { issuer }, fetch: web.fetch })
    expect(web.asked).toEqual([])
    expect(await outcome(keys, 'first', now)).toBe('key')
    expect(await outcome(keys, 'second', now + 31_000)).toBe('unknown')
    expect(web.asked).toEqual([configuration, discovered, discovered])
  })

  it('looks again when the address has moved', async () => {
    let at = discovered
    const web = fakeWeb({
      [configuration]: () => Response.json({ issuer, jwks_uri: at }),
      [discovered]: down,
      'https://new.example.com/jwks': jwksOf(first),
    })
    const keys = createJwksSource({ location: { issuer }, fetch: web.fetch })
    expect(await outcome(keys, 'first', now)).toBe('unavailable')
    at = 'https://new.example.com/jwks'
    expect(await outcome(keys, 'first', now + 30_000)).toBe('key')
  })

  it('503 for another issuer, plain http or a missing document', async () => {
    const documents = [
      () => Response.json({ issuer: 'https://evil.test', jwks_uri: discovered }),
      () => Response.json({ issuer, jwks_uri: 'http://keys.example.com/jwks' }),
      () => Response.json({ issuer, jwks_uri: 'nowhere' }),
      () => Response.json({ issuer }),
      () => new Response(null, { status: 404 }),
      down,
    ]
    for (const document of documents) {
      const web = fakeWeb({ [configuration]: document, [discovered]: jwksOf(first) })
      const keys = createJwksSource({ location: { issuer }, fetch: web.fetch })
      expect(await outcome(keys, 'first', now)).toBe('unavailable')
      expect(await outcome(keys, 'first', now + 10_000)).toBe('unavailable')
      expect(web.asked).toHaveLength(1)
    }
  })
})
