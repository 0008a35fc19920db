/** What cannot be timed over sockets: leaving between two steps, readers that stall, a ledger that fails half-way. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { chatCompletions } from '../endpoints/openai/chat-completions.ts'
import { chunk, fedStream, plainAnswer, startBench } from './test-kit.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Lets `ms` go by on the steady clock and the timers, in steps of a tenth of a second. */
async function pass(bench: { pass(ms: number): void }, ms: number): Promise<void> {
  for (let gone = 0; gone < ms; gone += 100) {
    bench.pass(100)
    await vi.advanceTimersByTimeAsync(100)
  }
}

it('408: who leaves while credits are being held is sent nowhere and charged nothing', async () => {
  let dispatched = 0
  const bench = await startBench(() => {
    dispatched += 1
    return plainAnswer()
  })
  const client = new AbortController()
  bench.onCommand((kind) => kind === 'reserve' && client.abort())
  const answer = await bench.ask({}, client.signal)
  expect(answer.status).toBe(408)
  expect(dispatched).toBe(0)
  expect(await bench.charges()).toMatchObject([{ credits: 0, ended: 'error' }])
  expect(await bench.held()).toBe(0)
})

it('200: a reader that stalls for 30 s counts as gone: the provider is stopped, evidence is charged', async () => {
  let signal: AbortSignal | null = null
  const bench = await startBench((request) => {
    signal = request.signal
    const { response, feed } = fedStream(request.signal)
    for (let i = 0; i < 10; i += 1) feed(chunk('word'))
    return response
  })
  const answer = await bench.ask({ stream: true })
  expect(answer.status).toBe(200)
  await pass(bench, 29_000)
  expect(signal).toMatchObject({ aborted: false })
  expect(await bench.held()).toBe(1)
  await pass(bench, 2000)
  expect(signal).toMatchObject({ aborted: true })
  expect(await bench.charges()).toMatchObject([{ ended: 'stopped', estimated: true }])
  expect(await bench.held()).toBe(0)
})

it('500: a fault of ours is logged by name and place, without a line of its message', async () => {
  const bench = await startBench(() => plainAnswer())
  bench.onCommand(() => {
    throw new TypeError('"Dear\ncanary,\nwhat…" is not what was expected')
  })
  const answer = await bench.ask()
  expect(answer.status).toBe(500)
  expect(bench.logged()).toMatch(/internal_error.*TypeError.* at /)
  expect(bench.logged() + (await answer.text())).not.toContain('canary')
})

it('502: what nobody saw is charged by its time for each choice, since they are written side by side', async () => {
  const sent = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<Response>()
  const bench = await startBench(() => {
    sent.resolve()
    return answer.promise
  })
  const asked = bench.ask({ n: 3 })
  await sent.promise
  await pass(bench, 1000)
  answer.resolve(new Response('{"choices":[', { headers: { 'content-type': 'application/json' } }))
  expect((await asked).status).toBe(502)
  expect(await bench.charges()).toMatchObject([{ estimated: true, usage: { outputTokens: 3000 } }])
})

it('400: what the provider says of a request is passed on without what names the operator there', async () => {
  const canaries = ['org-canary1', 'wrkspc_canary1', 'projects/canary-1', 'project_number:4711', 'sk-canary1']
  const bench = await startBench(() =>
    Response.json({ error: { message: `Too long for ${canaries.join(', ')}.` } }, { status: 400 }),
  )
  const text = await (await bench.ask()).text()
  expect(text).toContain('Too long for [removed]')
  expect(text).not.toMatch(/canary|4711/)
})

it('502: a provider that does not know the key has a word for the operator, not for the caller', async () => {
  const message = 'API Key not found. Please pass a valid API key.'
  const bench = await startBench(() => Response.json({ error: { code: 400, message } }, { status: 400 }))
  const answer = await bench.ask()
  expect(answer.status).toBe(502)
  expect(await answer.json()).toMatchObject({ error: { code: 'upstream_auth' } })
})

it.each([
  ['after an empty line', '\n{"error":{"message":"canary"}}\n\n'],
  ['in a list', '[{"error":{"message":"canary"}}]\n\n'],
  ['at the very end', '\r\n {"error":{"message":"canary"}}'],
])('200: bare JSON in a stream, %s, is an error and is not shown', async (_, json) => {
  const bench = await startBench(({ signal }) => {
    const { response, feed, end } = fedStream(signal)
    feed(chunk('word'))
    feed(json)
    end()
    return response
  })
  const text = await (await bench.ask({ stream: true })).text()
  expect(text).toContain('upstream_error')
  expect(text).not.toContain('canary')
  await bench.settled()
  expect(await bench.charges()).toMatchObject([{ ended: 'error', estimated: true }])
})

it('200: a stream of four minutes keeps its hold, by checkpoints, and is charged exactly', async () => {
  const given: { stream?: ReturnType<typeof fedStream> } = {}
  const bench = await startBench(({ signal }) => {
    given.stream = fedStream(signal)
    return given.stream.response
  })
  const checkpoints: string[] = []
  bench.onCommand((kind) => kind === 'checkpoint' && checkpoints.push(kind))
  const answer = await bench.ask({ stream: true })
  const text = answer.text()
  for (let i = 0; i < 4; i += 1) {
    given.stream?.feed(chunk('word'))
    await pass(bench, 60_000)
  }
  expect(checkpoints.length).toBeGreaterThanOrEqual(15)
  expect(await bench.held()).toBe(1)
  given.stream?.feed(
    'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\ndata: [DONE]\n\n',
  )
  await vi.advanceTimersByTimeAsync(10)
  expect(await text).toMatch(/\[DONE\]\n\n$/)
  expect(await bench.charges()).toMatchObject([
    { ended: 'complete', usage: { inputTokens: 3, outputTokens: 4 } },
  ])
})

it('408: a request that was stopped renews its lease no more, even if its upstream never lets go', async () => {
  const dispatched = Promise.withResolvers<void>()
  const bench = await startBench(() => {
    dispatched.resolve()
    return new Promise<Response>(() => {})
  })
  let checkpoints = 0
  bench.onCommand((kind) => {
    if (kind === 'checkpoint') checkpoints += 1
  })
  const client = new AbortController()
  void bench.ask({}, client.signal)
  await dispatched.promise
  await pass(bench, 16_000)
  expect(checkpoints).toBe(1)
  client.abort()
  await pass(bench, 21_000)
  const untilStopped = checkpoints
  await pass(bench, 60_000)
  expect(checkpoints).toBe(untilStopped)
  expect(await bench.held()).toBe(1)
})

it('200: clients that go after their answers use up no drains', async () => {
  const dispatched = Promise.withResolvers<(answer: Response) => void>()
  let hang = false
  const bench = await startBench(() => {
    if (!hang) return plainAnswer()
    return new Promise<Response>((resolve) => dispatched.resolve(resolve))
  })
  for (let i = 0; i < 200; i += 1) {
    const client = new AbortController()
    const answer = await bench.ask({}, client.signal)
    expect(answer.status).toBe(200)
    client.abort()
  }
  hang = true
  const client = new AbortController()
  const last = bench.ask({}, client.signal)
  const finish = await dispatched.promise
  client.abort()
  await pass(bench, 1000)
  finish(plainAnswer(7))
  await last
  const [newest] = await bench.charges()
  expect(newest).toMatchObject({ ended: 'stopped', usage: { inputTokens: 3, outputTokens: 7 } })
  expect(newest?.estimated ?? false).toBe(false)
})

/** A wire whose streams end with their connection. */
for (const ended of [true, false]) {
  it(`200: a stream that ends ${ended ? 'after' : 'before'} its last word is ${ended ? 'whole' : 'broken'}`, async () => {
    const { tap } = chatCompletions
    vi.spyOn(chatCompletions, 'tap').mockImplementation((ask) => ({ ...tap(ask), ended: () => ended }))
    const usage =
      'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}'
    const bench = await startBench(({ signal }) => {
      const { response, feed, end } = fedStream(signal)
      feed(`${chunk('word')}${usage}`)
      end()
      return response
    })
    const text = await (await bench.ask({ stream: true })).text()
    const events = text.split('\n\n').filter((event) => event.startsWith('data: '))
    expect(events.slice(0, 2)).toEqual([chunk('word').trim(), usage])
    expect(events.slice(2).map((event) => JSON.parse(event.slice(6)).error.code)).toEqual(
      ended ? [] : ['upstream_error'],
    )
    expect(await bench.charges()).toMatchObject([
      ended
        ? { ended: 'complete', usage: { outputTokens: 1 } }
        : { ended: 'error', estimated: true, usage: { inputTokens: 3, outputTokens: 4 } },
    ])
  })
}

/** A chunk with its choice's running total, as vLLM has it. */
function totalled(index: number, content: string, completionTokens: number): string {
  const usage = { prompt_tokens: 3, completion_tokens: completionTokens }
  return `data: ${JSON.stringify({ choices: [{ index, delta: { content } }], usage })}\n\n`
}

const outrunning: [title: string, choices: number, within: string[], beyond: string][] = [
  ['by its own count', 1, [totalled(0, 'a', 10)], totalled(0, 'b', 11)],
  ['by the counts of two choices', 2, [totalled(0, 'a', 12), totalled(1, 'b', 8)], totalled(1, 'c', 9)],
  ['by more bytes than tokens can have', 1, [chunk('x'.repeat(1280))], chunk('x')],
]
for (const [title, choices, within, beyond] of outrunning) {
  it(`200: a provider that goes beyond its cap ${title} is cut, and what is held is the most it costs`, async () => {
    let signal: AbortSignal | null = null
    const bench = await startBench((request) => {
      signal = request.signal
      const { response, feed } = fedStream(request.signal)
      for (const each of [...within, beyond, chunk('more')]) feed(each)
      return response
    })
    const answer = await bench.ask({ stream: true, max_tokens: 10, n: choices })
    const events = (await answer.text()).split('\n\n').filter((event) => event.startsWith('data: '))
    expect(events.slice(0, -1)).toEqual([...within, beyond].map((event) => event.trim()))
    const { error } = JSON.parse(events.at(-1)?.slice(6) ?? '')
    expect(error).toMatchObject({ code: 'upstream_invalid', message: expect.stringContaining('10 tokens') })
    expect(signal).toMatchObject({ aborted: true })
    const [charge, ...others] = await bench.charges()
    expect(others).toEqual([])
    expect(charge).toMatchObject({ ended: 'cut', estimated: true })
    const held = Number(answer.headers.get('faregate-credits-held')) * 1e6
    expect(-(charge?.credits ?? 0)).toBeLessThanOrEqual(held)
    expect(charge?.usage?.outputTokens).toBeGreaterThanOrEqual(10 * choices)
    expect(await bench.held()).toBe(0)
  })
}

it('200: usage that comes in two lines is shown in two lines, with its receipt', async () => {
  const usage = 'data: {"choices":[],\ndata: "usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
  const bench = await startBench(({ signal }) => {
    const { response, feed, end } = fedStream(signal)
    feed(`${chunk('word')}${usage}data: [DONE]\n\n`)
    end()
    return response
  })
  const answer = await bench.ask({ stream: true, stream_options: { include_usage: true } })
  const text = await answer.text()
  expect(text).toContain('data: {"choices":[],\ndata: "usage":{"prompt_tokens":3,')
  expect(text).toMatch(/"faregate":\{"creditsCharged":[^}]+\}\}\}\n\ndata: \[DONE\]\n\n$/)
})

it('200: a reader who does not read holds the provider back', async () => {
  const piece = new TextEncoder().encode(chunk('x'.repeat(10_000)))
  let pulled = 0
  const bench = await startBench(() => {
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      pulled += 1
      controller.enqueue(piece)
    }
    const body = new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
  const client = new AbortController()
  const answer = await bench.ask({ stream: true }, client.signal)
  await pass(bench, 5000)
  expect(pulled).toBeLessThanOrEqual(5)
  const reader = answer.body?.getReader()
  for (let read = 0; read < 20; read += 1) await reader?.read()
  expect(pulled).toBeGreaterThanOrEqual(20)
  expect(pulled).toBeLessThanOrEqual(25)
  client.abort()
  await bench.settled()
  expect(await bench.charges()).toMatchObject([{ ended: 'stopped', estimated: true }])
})

it('200: who hangs up on running totals pays for the input exactly, and for the output that was told or seen', async () => {
  for (const [content, told, expected] of [
    ['word', 9, 9],
    ['a longer text', 2, 13],
  ] as const) {
    const fed = Promise.withResolvers<(text: string) => void>()
    const bench = await startBench(({ signal }) => {
      const { response, feed } = fedStream(signal)
      fed.resolve(feed)
      return response
    })
    const client = new AbortController()
    const answer = await bench.ask({ stream: true }, client.signal)
    const reader = answer.body?.getReader()
    const feed = await fed.promise
    feed(totalled(0, content, told))
    await reader?.read()
    client.abort()
    await bench.settled()
    expect(await bench.charges()).toMatchObject([
      { ended: 'stopped', estimated: true, usage: { inputTokens: 3, outputTokens: expected } },
    ])
  }
})

it('500: a fault of our own tells nothing of itself, and the page can read that', async () => {
  let dispatched = 0
  const bench = await startBench(() => {
    dispatched += 1
    return plainAnswer()
  })
  bench.onCommand(() => {
    throw new Error('canary')
  })
  const answer = await bench.ask({}, undefined, { origin: 'http://localhost:3000' })
  expect(answer.status).toBe(500)
  expect(await answer.text()).not.toContain('canary')
  expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
  expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id')
  expect(answer.headers.get('x-should-retry')).toBe('false')
  expect(dispatched).toBe(0)
})

for (const when of ['before', 'after'] as const) {
  it(`200: a ledger that fails ${when} the settlement is decided charges once, a little later`, async () => {
    const bench = await startBench(() => plainAnswer())
    bench.fail('settle', when, 3)
    const answer = await bench.ask()
    expect(answer.status).toBe(200)
    // The charge is not known yet, so no receipt is made up.
    expect(answer.headers.get('faregate-credits-charged')).toBeNull()
    expect(await answer.text()).not.toContain('faregate')
    await pass(bench, 3000)
    expect(await bench.charges()).toMatchObject([{ ended: 'complete', usage: { outputTokens: 5 } }])
    expect(await bench.held()).toBe(0)
  })

  it(`503: a ledger that fails ${when} a reserve is decided: nothing is sent`, async () => {
    let dispatched = 0
    const bench = await startBench(() => {
      dispatched += 1
      return plainAnswer()
    })
    bench.fail('reserve', when, 1)
    const answer = await bench.ask()
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ error: { code: 'store_unavailable' } })
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(dispatched).toBe(0)
  })
}

it('200: what a provider says of a failure names nothing of its account, and nothing else is touched', async () => {
  const said = 'Rate limit reached for gpt-5-mini in organization org-AbCd1234 with sk-live_1234567'
  const answer = {
    status: 'failed',
    instructions: 'Say key_value_store.',
    error: { code: 'rate_limit_exceeded', message: said },
    output: [],
    usage: { input_tokens: 3, output_tokens: 0 },
  }
  const event = `event: response.failed\ndata: ${JSON.stringify({ type: 'response.failed', response: answer })}\n\n`
  const bench = await startBench(({ body }) =>
    JSON.parse(body).stream
      ? new Response(event, { headers: { 'content-type': 'text/event-stream' } })
      : Response.json(answer),
  )
  for (const stream of [false, true]) {
    const told = await bench.ask({ model: 'fast', input: 'Hi', stream }, undefined, {}, '/v1/responses')
    const text = await told.text()
    expect(text).not.toMatch(/org-AbCd|sk-live/)
    const shown = JSON.parse(stream ? (text.split('data: ')[1] ?? '') : text)
    expect(shown.response ?? shown).toMatchObject({
      ...answer,
      error: { code: 'rate_limit_exceeded', message: expect.stringContaining('[removed]') },
      usage: { ...answer.usage, faregate: expect.anything() },
    })
  }
  expect(await bench.charges()).toMatchObject([
    { usage: { inputTokens: 3, outputTokens: 0 } },
    { usage: { inputTokens: 3, outputTokens: 0 } },
  ])
})
