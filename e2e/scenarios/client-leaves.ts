/**
 * Clients that go before their answer's end (safety.md section 3, "Client"): hanging up is no way around paying, and
 * costs its user no more than what the provider had done.
 */
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import { account, call, newUser, tokenOf } from '../harness/calls.ts'
import {
  ALLOWANCE,
  arrivals,
  billed,
  billOf,
  chatBody,
  costOf,
  micro,
  newKey,
  outcome,
  untouched,
} from '../harness/exchange.ts'
import { LEFT_CAP, type Left, leave } from '../harness/leave.ts'
import { openRaw, rawHead } from '../harness/raw.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

/** Starts a stream and hangs up as soon as the provider has it, before anything came. */
async function leaveUnanswered(stack: Stack, model: string, script: Script): Promise<Omit<Left, 'held'>> {
  const [token, key, client] = [await tokenOf(stack, newUser()), newKey(), new AbortController()]
  const body = chatBody(key, script, { model, stream: true, max_tokens: LEFT_CAP })
  const asked = call(stack, token, '/v1/chat/completions', { body, signal: client.signal })
  await until('the provider is asked', 5000, () => arrivals(stack, key).length > 0)
  client.abort()
  // Bun sends headers with the first byte, workerd at once.
  await asked.then(
    () => {},
    () => {},
  )
  return { token, key }
}

/**
 * Whether a hang-up is told while nothing is written. The local workerd, behind wrangler's proxy, tells of it at the
 * next write: what is silent then runs on to its end or its timeout, and is charged as if its client were there.
 */
function isToldAtOnce(stack: Stack): boolean {
  return stack.runtime === 'server'
}

/** A drip of 60 chunks in 6 s, 3,000 tokens in all. */
const drip: Script = { promptTokens: 20, completionTokens: 3000, chunks: 60, chunkDelayMs: 100 }
const whole = costOf({ input: 20, output: 3000 })

export function clientLeaves(stack: () => Stack): void {
  it.concurrent('200: who leaves mid-stream stops the provider and pays for what had come', async () => {
    const { token, key, held } = await leave(stack(), 'fast', { ...drip, content: 'x'.repeat(12_000) }, 4)
    await until('the provider sees the abort', 1500, () => billOf(stack(), key).aborted)
    const { entry, charged, available } = await outcome(stack(), token)
    expect(entry).toMatchObject({ ended: 'stopped', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), key))
    expect(charged).toBeLessThanOrEqual(held)
    expect(available).toBe(ALLOWANCE - charged)
  })

  it.concurrent('200: leaving early is far cheaper than staying', async () => {
    const { token } = await leave(stack(), 'fast', drip, 3)
    expect((await outcome(stack(), token)).charged).toBeLessThan(whole / 2)
  })

  it.concurrent('who leaves before the first byte pays for the input', async () => {
    const { token, key } = await leaveUnanswered(stack(), 'fast', { ...drip, firstChunkDelayMs: 5000 })
    await until('the provider sees the abort', 2500, () => billOf(stack(), key).aborted)
    const { entry, charged } = await outcome(stack(), token)
    expect(entry.ended).toBe(isToldAtOnce(stack()) ? 'stopped' : 'error')
    expect(entry.usage).toMatchObject({ outputTokens: 0 })
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), key))
  })

  it.concurrent('200: a drained model is read on and charged exactly', async () => {
    const { token, key } = await leave(stack(), 'drained', { ...drip, chunks: 10, completionTokens: 1000 }, 2)
    await expectExact(stack(), token, key)
  })
  reasoning(stack)
  drainBound(stack)
  plain(stack)
  beforeDispatch(stack)
  manyAtOnce(stack)
}

async function expectExact(stack: Stack, token: string, key: string): Promise<void> {
  const { entry, charged, available } = await outcome(stack, token)
  expect(billOf(stack, key)).toMatchObject({ complete: true, aborted: false })
  expect(isToldAtOnce(stack) ? ['stopped'] : ['stopped', 'complete']).toContain(entry.ended)
  expect(entry.estimated ?? false).toBe(false)
  expect(charged).toBe(billed(stack, key))
  expect(available).toBe(ALLOWANCE - charged)
}

function reasoning(stack: () => Stack): void {
  const thinking = { promptTokens: 20, completionTokens: 900, reasoningTokens: 800, firstChunkDelayMs: 900 }

  it.concurrent('a model that still thinks out of sight is read on and charged exactly', async () => {
    const { token, key } = await leaveUnanswered(stack(), 'deep', { ...thinking, chunks: 4 })
    if (isToldAtOnce(stack())) return expectExact(stack(), token, key)
    // Told at the first visible output, if by then there is more to come, it is stopped and its thinking charged.
    const { entry, charged } = await outcome(stack(), token)
    expect(['stopped', 'complete']).toContain(entry.ended)
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), key))
  })

  it.concurrent('200: a model that thought first and then shows is stopped, its thinking charged', async () => {
    const script = { ...thinking, chunks: 20, chunkDelayMs: 100 }
    const { token, key, held } = await leave(stack(), 'deep', script, 3)
    const { entry, charged } = await outcome(stack(), token)
    await until('the provider sees the abort', 1500, () => billOf(stack(), key).aborted)
    expect(entry).toMatchObject({ ended: 'stopped', estimated: true })
    expect(entry.usage?.outputTokens).toBeGreaterThanOrEqual(800)
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), key))
    expect(charged).toBeLessThanOrEqual(held)
  })
}

/** The test config reads on for 3 s at most. */
function drainBound(stack: () => Stack): void {
  it.concurrent('200: reading on ends at its bound, on evidence', async () => {
    const script = { ...drip, chunks: 100, chunkDelayMs: 100 }
    const { token, key, held } = await leave(stack(), 'drained', script, 2)
    const { entry, charged } = await outcome(stack(), token)
    await until('the provider sees the abort', 1500, () => billOf(stack(), key).aborted)
    // It was read on: far more was produced than had come when the client left.
    expect(billOf(stack(), key).completionTokens).toBeGreaterThan(200)
    expect(entry).toMatchObject({ ended: 'stopped', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), key))
    expect(charged).toBeLessThanOrEqual(held)
  })

  it.concurrent('a model that thinks past the bound is charged for the time', async () => {
    const script = { completionTokens: 3000, reasoningTokens: 2900, firstChunkDelayMs: 10_000 }
    const { token, key } = await leaveUnanswered(stack(), 'deep', script)
    const { entry, charged } = await outcome(stack(), token)
    expect(entry.estimated).toBe(true)
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), key))
  })
}

function plain(stack: () => Stack): void {
  for (const model of ['fast', 'deep']) {
    it.concurrent(`200: a plain answer of ${model} whose client left is read on and charged exactly`, async () => {
      const [token, key, client] = [await tokenOf(stack(), newUser()), newKey(), new AbortController()]
      const body = chatBody(key, { headersDelayMs: 700, completionTokens: 50 }, { model })
      const asked = call(stack(), token, '/v1/chat/completions', { body, signal: client.signal })
      await until('the provider is asked', 5000, () => arrivals(stack(), key).length > 0)
      client.abort()
      await expect(asked).rejects.toThrow()
      await expectExact(stack(), token, key)
    })
  }
}

function beforeDispatch(stack: () => Stack): void {
  it.concurrent('who leaves before the request is whole is charged nothing, and nothing is sent', async () => {
    const [token, key] = [await tokenOf(stack(), newUser()), newKey()]
    const text = JSON.stringify(chatBody(key, {}))
    const head = rawHead(stack(), token, [`content-length: ${text.length + 10}`])
    const { socket } = openRaw(stack(), head + text)
    await new Promise((done) => socket.once('connect', done))
    socket.end()
    socket.destroy()
    // Another request of the same user, sent and settled after it, shows that nothing else was.
    const answer = await call(stack(), token, '/v1/chat/completions', { body: chatBody(newKey(), {}) })
    expect(answer.status).toBe(200)
    await outcome(stack(), token)
    expect(arrivals(stack(), key)).toHaveLength(0)
  })

  it.concurrent('408: a body that never ends', async () => {
    const token = await tokenOf(stack(), newUser())
    const open = openRaw(stack(), `${rawHead(stack(), token, ['content-length: 1000'])}{"model":`)
    await until('the body is late', 8000, () => open.received().includes('HTTP/1.1 408'))
    expect(open.received()).toContain('request_timeout')
    open.socket.destroy()
    expect(await untouched(stack(), token)).toBe(true)
  })

  it.concurrent('408: a body that drips for ever', async () => {
    const token = await tokenOf(stack(), newUser())
    const open = openRaw(stack(), `${rawHead(stack(), token, ['transfer-encoding: chunked'])}1\r\n{\r\n`)
    await until('the body is late', 8000, () => {
      open.socket.write('1\r\n \r\n')
      return open.received().includes('HTTP/1.1 408')
    })
    open.socket.destroy()
    expect(await untouched(stack(), token)).toBe(true)
  })
}

/** The way to get answers free of charge that others were caught by: many at once, each hung up on. */
function manyAtOnce(stack: () => Stack): void {
  it.concurrent('200: many that are hung up on are each paid for, and none keeps its hold', async () => {
    const token = await tokenOf(stack(), newUser())
    const asks = Array.from({ length: 20 }, async () => {
      const [key, client] = [newKey(), new AbortController()]
      const body = chatBody(key, drip, { stream: true, max_tokens: 2000 })
      const answer = await call(stack(), token, '/v1/chat/completions', { body, signal: client.signal })
      await answer.body?.getReader().read()
      client.abort()
      return key
    })
    const keys = await Promise.all(asks)
    await outcome(stack(), token, keys.length)
    const bills = keys.map((key) => billed(stack(), key))
    const { credits } = await account(stack(), token)
    const charged = ALLOWANCE - micro(credits.available)
    expect(charged).toBeGreaterThanOrEqual(bills.reduce((sum, bill) => sum + bill, 0))
    expect(charged).toBeLessThan(keys.length * whole)
  })
}
