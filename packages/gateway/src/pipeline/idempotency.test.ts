/** Requests with an Idempotency-Key: sent once, told of the first, and given its answer where answers are kept. */
import { describe, expect, it } from 'vitest'
import { ok } from '../core/result.ts'
import type { Identity } from '../ports.ts'
import type { Dispatch, Pipeline } from './call.ts'
import { answerAndKeep, readIdempotencyKey } from './idempotency.ts'
import { type Outlet, openTransformOutlet } from './outlet.ts'
import { type Bench, chunk, fedStream, plainAnswer, startBench } from './test-kit.ts'

const key = { 'idempotency-key': 'order-17' }
const storing = { idempotency: { storeAnswers: true } }

/** Asks with the key. */
function ask(bench: Bench, body: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Response> {
  return bench.ask(body, signal, key)
}

async function refusalOf(answer: Response): Promise<{ code: string; message: string; param: string }> {
  const { error } = (await answer.json()) as { error: { code: string; message: string; param: string } }
  return error
}

/** A gateway whose provider answers at once, and counts. */
async function counting(config = {}, answers: (n: number) => Response = () => plainAnswer()) {
  const seen = { requests: 0 }
  const bench = await startBench(() => {
    seen.requests += 1
    return answers(seen.requests)
  }, config)
  return { bench, seen }
}

/** A whole stream of these texts. */
function streamOf(...texts: string[]): Response {
  const usage = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 }
  const frames = [...texts.map(chunk), `data: ${JSON.stringify({ choices: [], usage })}\n\n`]
  return new Response(`${frames.join('')}data: [DONE]\n\n`, {
    headers: { 'content-type': 'text/event-stream' },
  })
}

describe('a key', () => {
  it.each(['', ' ', 'a b', 'ü', 'x'.repeat(256)])('400: cannot be %j', async (value) => {
    const { bench, seen } = await counting()
    const answer = await bench.ask({}, undefined, { 'idempotency-key': value })
    expect(answer.status).toBe(400)
    expect(await refusalOf(answer)).toMatchObject({ code: 'invalid_value', param: 'Idempotency-Key' })
    expect(seen.requests).toBe(0)
  })

  it('409: while the first runs, after it has ended, and for another body', async () => {
    const gate = Promise.withResolvers<Response>()
    const bench = await startBench(() => gate.promise)
    const first = ask(bench)
    await expect.poll(() => bench.held()).toBe(1)
    const running = await ask(bench)
    expect(running.status).toBe(409)
    expect(running.headers.get('x-should-retry')).toBe('false')
    gate.resolve(plainAnswer())
    const id = (await first).headers.get('x-request-id')
    expect(running.headers.get('faregate-first-request-id')).toBe(id)
    expect(running.headers.get('x-request-id')).not.toBe(id)
    expect((await refusalOf(running)).message).toContain(`The request ${id}`)
    const ended = await ask(bench)
    const other = await ask(bench, { max_tokens: 17 })
    for (const [answer, says] of [
      [ended, 'has ended (complete)'],
      [other, 'used with another body'],
    ] as const) {
      expect([answer.status, answer.headers.get('faregate-first-request-id')]).toEqual([409, id])
      expect((await refusalOf(answer)).message).toContain(says)
    }
    expect(await bench.charges()).toHaveLength(1)
  })

  it.each([429, 500, 400, 401])('200: is free after the provider refused with %i', async (status) => {
    const { bench, seen } = await counting({}, (n) =>
      n === 1 ? Response.json({ error: { message: 'no' } }, { status }) : plainAnswer(),
    )
    expect((await ask(bench)).ok).toBe(false)
    expect((await ask(bench)).status).toBe(200)
    expect((await ask(bench)).status).toBe(409)
    expect(seen.requests).toBe(2)
  })

  it('200: is free after a refusal of ours, and after a client that left before anything was sent', async () => {
    const { bench, seen } = await counting()
    const block = (blocked: boolean) => bench.store.apply('clerk:user_test', { kind: 'setBlocked', blocked })
    await block(true)
    expect((await ask(bench)).status).toBe(403)
    await block(false)
    const client = new AbortController()
    bench.onCommand((kind) => kind === 'reserve' && client.abort())
    expect((await ask(bench, {}, client.signal)).status).toBe(408)
    bench.onCommand(() => {})
    expect((await ask(bench)).status).toBe(200)
    expect(seen.requests).toBe(1)
  })

  it('409: stays with a request that was charged on evidence', async () => {
    const { bench, seen } = await counting({}, () => new Response('no JSON', { status: 200 }))
    expect((await ask(bench)).status).toBe(502)
    const again = await ask(bench)
    expect(again.status).toBe(409)
    expect((await refusalOf(again)).message).toContain('has ended (error)')
    expect(seen.requests).toBe(1)
  })

  it('503: a ledger that is away is no repeat', async () => {
    const { bench } = await counting()
    bench.fail('reserve', 'before', 1)
    expect((await ask(bench)).status).toBe(503)
    expect((await ask(bench)).status).toBe(200)
  })
})

describe('what a request asks', () => {
  const pipeline = { sha256: (text: string) => text } as Pick<Pipeline, 'sha256'> as Pipeline

  const identity: Identity = { accountId: 'clerk:org_1', payer: 'organization', member: 'clerk:user_1' }

  async function keyOf(who: Identity, path: string, body: string, type = 'application/json') {
    const headers = { ...key, 'content-type': type }
    const request = new Request(`http://gateway${path}`, { method: 'POST', headers })
    const read = await readIdempotencyKey(pipeline, who, request, new TextEncoder().encode(body))
    return read.ok ? read.value : null
  }

  async function hashOf(path: string, body: string, type?: string): Promise<string | undefined> {
    return (await keyOf(identity, path, body, type))?.requestHash
  }

  it('is asked by somebody: the same key of two members, or of a member and a Faregate key, are two', async () => {
    const { member: _member, ...account } = identity
    const senders: Identity[] = [
      identity,
      { ...identity, member: 'clerk:user_2' },
      { ...account, keyHash: 'a1' },
      { ...account, keyHash: 'b2' },
    ]
    const keys = await Promise.all(senders.map((who) => keyOf(who, '/v1/chat/completions', '{}')))
    expect(new Set(keys.map((each) => each?.keyHash)).size).toBe(senders.length)
    expect(new Set(keys.map((each) => each?.requestHash)).size).toBe(1)
  })

  it('is its route, with or without /v1, its query and its body', async () => {
    const asked = await hashOf('/v1/chat/completions', '{}')
    expect(asked).toMatch(/^POST \/chat\/completions [0-9a-f]{64}$/)
    expect(await hashOf('/chat/completions', '{}')).toBe(asked)
    for (const other of [
      await hashOf('/v1/messages', '{}'),
      await hashOf('/v1/chat/completions?alt=sse', '{}'),
      await hashOf('/v1/chat/completions', '{ }'),
      await hashOf('/v1beta/models/a:generateContent', '{}'),
    ]) {
      expect(other).not.toBe(asked)
    }
  })

  it('does not depend on the boundary of a form, and does on everything else in it', async () => {
    const form = (boundary: string, value: string) =>
      hashOf(
        '/v1/audio/transcriptions',
        `--${boundary}\r\n${value}\r\n--${boundary}--`,
        `multipart/form-data; boundary=${boundary}`,
      )
    expect(await form('AaB03x', 'sound')).toBe(await form('----x7', 'sound'))
    expect(await form('AaB03x', 'sound')).not.toBe(await form('AaB03x', 'sounD'))
    expect(await form('AaB03x', 'é')).not.toBe(await form('AaB03x', 'è'))
  })
})

describe('where answers are kept', () => {
  it('200: a repeat gets the first answer, which is charged once', async () => {
    const { bench, seen } = await counting(storing)
    const first = await ask(bench)
    const again = await ask(bench)
    expect(again.status).toBe(200)
    expect(await again.text()).toBe(await first.text())
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(first.headers.get('idempotent-replayed')).toBe(null)
    for (const name of ['x-request-id', 'content-type', 'faregate-credits-charged']) {
      expect(first.headers.get(name)).not.toBe(null)
      expect(again.headers.get(name)).toBe(first.headers.get(name))
    }
    expect(again.headers.get('x-ratelimit-limit-requests')).toBe(null)
    expect((await ask(bench, { max_tokens: 17 })).status).toBe(409)
    expect([seen.requests, (await bench.charges()).length]).toEqual([1, 1])
  })

  it('200: a stream comes again as it went out, receipt and all', async () => {
    const { bench, seen } = await counting(storing, () => streamOf('hel', 'lo'))
    const body = { stream: true, stream_options: { include_usage: true } }
    const first = await (await ask(bench, body)).text()
    expect(first).toContain('creditsCharged')
    const again = await ask(bench, body)
    expect(again.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(await again.text()).toBe(first)
    expect(seen.requests).toBe(1)
  })

  it('200: an answer whose client had left is there for the repeat', async () => {
    const gate = Promise.withResolvers<Response>()
    const bench = await startBench(() => gate.promise, storing)
    const client = new AbortController()
    const lost = ask(bench, {}, client.signal)
    await expect.poll(() => bench.held()).toBe(1)
    client.abort()
    gate.resolve(plainAnswer())
    await lost
    await bench.settled()
    const again = await ask(bench)
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true'])
    expect(await again.json()).toMatchObject({ choices: [{ message: { content: 'hello' } }] })
    expect(await bench.charges()).toMatchObject([{ ended: 'stopped' }])
  })

  it('409: a stream that broke off, or that its client left, is not given again', async () => {
    const client = new AbortController()
    for (const [keyed, signal] of [
      [{ 'idempotency-key': 'broken' }, undefined],
      [{ 'idempotency-key': 'left' }, client.signal],
    ] as const) {
      const bench = await startBench(({ signal: stopped }) => {
        const fed = fedStream(stopped)
        fed.feed(chunk('hel'))
        if (signal === undefined) fed.feed('data: {"error":{"message":"overloaded"}}\n\n')
        return fed.response
      }, storing)
      const first = await bench.ask({ stream: true }, signal, keyed)
      if (signal) client.abort()
      await first.text().catch(() => {})
      await bench.settled()
      const again = await bench.ask({ stream: true }, undefined, keyed)
      expect(again.status).toBe(409)
    }
  })

  it.each([false, true])('409: an answer over 1 MiB is not given again (streamed: %j)', async (stream) => {
    const [half, text] = ['x'.repeat(524_288), 'x'.repeat(1_048_576)]
    const big = Response.json({
      choices: [{ message: { role: 'assistant', content: text } }],
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
    })
    const { bench } = await counting(storing, () => (stream ? streamOf(half, half) : big))
    const body = { stream, model: 'house', max_tokens: 100_000 }
    expect((await (await ask(bench, body)).text()).length).toBeGreaterThan(text.length)
    expect((await ask(bench, body)).status).toBe(409)
  })

  it('200: a store that keeps nothing costs the caller only the repeat', async () => {
    const { bench } = await counting(storing)
    bench.store.keepAnswer = () => Promise.reject(new Error('no room'))
    const first = await ask(bench)
    expect(first.status).toBe(200)
    expect((await ask(bench)).status).toBe(409)
  })

  it('keeps nothing of what its client left, though it was read to its end', async () => {
    const kept: string[] = []
    const pipeline = {
      settings: { idempotency: { storeAnswers: true } },
      store: { keepAnswer: async (_: string, { requestId }: { requestId: string }) => kept.push(requestId) },
      openOutlet: openTransformOutlet,
    } as unknown as Pipeline
    for (const requestId of ['left', 'read']) {
      const dispatch = {
        idempotency: { keyHash: 'key', requestHash: 'asked' },
        identity: { accountId: 'a' },
        reply: { hold: { id: requestId } },
        whole: true,
        ended: 'complete',
      } as unknown as Dispatch
      const given: { outlet?: Outlet } = {}
      await answerAndKeep(pipeline, dispatch, ({ openOutlet }) => {
        given.outlet = openOutlet(() => {})
        return ok(new Response(given.outlet.readable))
      })
      given.outlet?.write(new Uint8Array([1]))?.catch(() => {})
      if (requestId === 'left') given.outlet?.abort()
      void given.outlet?.close()
    }
    await expect.poll(() => kept).toContain('read')
    expect(kept).toEqual(['read'])
  })
})
