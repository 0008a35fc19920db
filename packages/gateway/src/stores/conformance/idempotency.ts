/** Idempotency-Keys: one request of many is admitted, whoever dies when, and what was kept for repeats goes in time. */
import { describe, expect, test } from 'vitest'
import type { Reserve } from '../../core/command.ts'
import { LEASE_MS } from '../../core/reserve.ts'
import type { KeptAnswer, Store } from '../../ports.ts'
import { grantOf, reserveOf, settleOf, uniqueId } from './fixtures.ts'
import { accepted, accountId, opener, type StoreUnderTest } from './harness.ts'

const DAY_MS = 86_400_000

export function describeIdempotency(store: StoreUnderTest): void {
  describe('keys', () => {
    const open = opener(store)
    races(open)
    lives(open)
  })
  describe('kept answers', () => answers(opener(store)))
}

type Open = ReturnType<typeof opener>

function keyed(id: string, keyHash = 'key', requestHash = 'hello'): Reserve {
  return reserveOf(1000, id, { idempotency: { keyHash, requestHash } })
}

/** Whom a key stands for, as a repeat is told; null when the repeat was admitted. */
async function holderOf(store: Store, account: string, keyHash = 'key'): Promise<string | null> {
  const result = await store.apply(account, keyed(uniqueId('repeat'), keyHash))
  return result.ok ? null : (result.error.first?.requestId ?? result.error.code)
}

function races(open: Open): void {
  test('of 40 requests with two keys and two bodies one is admitted a key, and the others are told of it', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(100_000))
    const ids = Array.from({ length: 40 }, () => uniqueId('req'))
    const results = await Promise.all(
      ids.map((id, index) => store.apply(account, keyed(id, `key${index % 2}`, `body${index % 4}`))),
    )
    for (const parity of [0, 1]) {
      const own = results.filter((_, index) => index % 2 === parity)
      const admitted = own.flatMap((result) => (result.ok ? [result.value.hold.id] : []))
      expect(admitted).toHaveLength(1)
      const told = own.flatMap((result) => (result.ok ? [] : [result.error.first?.requestId]))
      expect(new Set(told)).toEqual(new Set(admitted))
    }
    expect((await store.read(account)).open.total).toBe(2)
  })

  test('releases and repeats side by side: a key is never two requests’, and is charged once', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(100_000))
    let released = 0
    const connection = async () => {
      for (let attempts = 0; attempts < 200; attempts += 1) {
        const id = uniqueId('req')
        const result = await store.apply(account, keyed(id))
        if (!result.ok && result.error.first?.repeated) return
        if (!result.ok) continue
        expect((await store.read(account)).open.total).toBe(1)
        released += 1
        await accepted(store, account, released > 15 ? settleOf(id, 400) : { kind: 'release', holdId: id })
      }
    }
    await Promise.all(Array.from({ length: 6 }, connection))
    expect(released).toBe(16)
    expect((await store.read(account)).totals.charged).toBe(400)
  })

  test('a command that comes twice is one request, not a repeat of it', async () => {
    const { store } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(5000))
    const command = keyed('req')
    const [first, second] = await Promise.all([store.apply(account, command), store.apply(account, command)])
    expect([first?.ok, second?.ok]).toEqual([true, true])
    expect((await store.read(account)).open.total).toBe(1)
  })
}

function lives(open: Open): void {
  test('a request whose process died keeps its key, open and lapsed', async () => {
    const { store, clock, sweep } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(5000))
    await accepted(store, account, keyed('dead'))
    expect(await holderOf(store, account)).toBe('dead')
    clock.advance(LEASE_MS)
    await sweep([account])
    const result = await store.apply(account, keyed('again'))
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'idempotency_conflict', first: { requestId: 'dead', repeated: true } },
    })
    expect(result.ok || result.error.message).toContain('(lapsed), and 0.0001 credits')
  })

  test('a key is free after a release, after a day, and when its account was closed', async () => {
    const { store, clock, sweep } = await open()
    const account = accountId()
    await accepted(store, account, grantOf(50_000))
    await accepted(store, account, keyed('released'))
    await accepted(store, account, { kind: 'release', holdId: 'released' })
    await accepted(store, account, keyed('charged'))
    await accepted(store, account, settleOf('charged', 400))
    clock.advance(DAY_MS - 1)
    await sweep([account])
    expect(await holderOf(store, account)).toBe('charged')
    clock.advance(1)
    await accepted(store, account, keyed('next day'))
    await accepted(store, account, settleOf('next day', 400))
    expect(await holderOf(store, account)).toBe('next day')
    await accepted(store, account, { kind: 'closeAccount', pseudonym: uniqueId('closed'), block: false })
    await accepted(store, account, grantOf(5000))
    expect(await holderOf(store, account)).toBe(null)
  })

  test('a sweep forgets what is over and nothing else, and a key is its account’s alone', async () => {
    const { store, clock, sweep } = await open()
    const [account, neighbour] = [accountId(), accountId()]
    for (const id of [account, neighbour]) await accepted(store, id, grantOf(50_000))
    await accepted(store, account, keyed('old', 'old'))
    await accepted(store, account, settleOf('old', 400))
    clock.advance(DAY_MS / 2)
    await accepted(store, account, keyed('young', 'young'))
    await accepted(store, account, settleOf('young', 400))
    expect(await holderOf(store, neighbour, 'young')).toBe(null)
    clock.advance(DAY_MS / 2)
    for (let round = 0; round < 3; round += 1) await sweep([account, neighbour])
    expect(await holderOf(store, account, 'old')).toBe(null)
    expect(await holderOf(store, account, 'young')).toBe('young')
  })
}

const answer: KeptAnswer = {
  status: 200,
  headers: { 'content-type': 'text/event-stream', 'x-request-id': 'req' },
  body: Uint8Array.from({ length: 70_000 }, (_, index) => index % 256),
}

function answers(open: Open): void {
  const charged = async ({ store }: { store: Store }, account: string, id: string, key = 'key') => {
    await accepted(store, account, keyed(id, key))
    await accepted(store, account, settleOf(id, 400))
  }

  test('an answer is had again as it was, by its own request and key alone', async () => {
    const bench = await open()
    const { store } = bench
    const [account, neighbour] = [accountId(), accountId()]
    const key = { keyHash: 'key', requestId: 'req' }
    expect(await store.answer(account, key)).toBe(null)
    await store.keepAnswer(account, key, answer)
    await accepted(store, account, grantOf(5000))
    await charged(bench, account, 'req')
    expect(await store.answer(account, key)).toBe(null)
    await store.keepAnswer(account, key, answer)
    await store.keepAnswer(account, { ...key, requestId: 'other' }, { ...answer, status: 500 })
    await store.keepAnswer(account, { ...key, keyHash: 'other' }, { ...answer, status: 500 })
    expect(await store.answer(account, key)).toEqual(answer)
    expect(await store.answer(account, { ...key, requestId: 'other' })).toBe(null)
    expect(await store.answer(account, { ...key, keyHash: 'other' })).toBe(null)
    expect(await store.answer(neighbour, key)).toBe(null)
  })

  test('the largest that is kept, and an empty one, come back whole', async () => {
    const bench = await open()
    const account = accountId()
    await accepted(bench.store, account, grantOf(5000))
    for (const length of [0, 1_048_576]) {
      const key = { keyHash: `key${length}`, requestId: `req${length}` }
      await charged(bench, account, key.requestId, key.keyHash)
      await bench.store.keepAnswer(account, key, { ...answer, body: new Uint8Array(length).fill(7) })
      const kept = await bench.store.answer(account, key)
      expect(kept?.body.byteLength).toBe(length)
      expect(kept?.body.every((byte) => byte === 7)).toBe(true)
    }
  })

  test('an answer goes with its key: after a day, with a new use, and with its account', async () => {
    const bench = await open()
    const { store, clock, sweep } = bench
    const account = accountId()
    await accepted(store, account, grantOf(50_000))
    const keep = async (id: string, keyHash: string) => {
      await charged(bench, account, id, keyHash)
      await store.keepAnswer(account, { keyHash, requestId: id }, answer)
    }
    const kept = (requestId: string, keyHash: string) => store.answer(account, { keyHash, requestId })
    await keep('pruned', 'a')
    await keep('replaced', 'b')
    clock.advance(DAY_MS)
    await charged(bench, account, 'new', 'b')
    expect([await kept('new', 'b'), await kept('replaced', 'b')]).toEqual([null, null])
    expect(await kept('pruned', 'a')).not.toBe(null)
    for (let round = 0; round < 3; round += 1) await sweep([account])
    expect(await kept('pruned', 'a')).toBe(null)
    await keep('closed', 'c')
    await accepted(store, account, { kind: 'closeAccount', pseudonym: uniqueId('closed'), block: false })
    expect(await kept('closed', 'c')).toBe(null)
  })
}
