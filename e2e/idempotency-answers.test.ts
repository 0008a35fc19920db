/** Answers that are kept for repeats, on both runtimes: over a kill, for streams, and for clients that were cut off. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, newUser, tokenOf } from './harness/calls.ts'
import { arrivals, chatBody, newKey, outcome, said } from './harness/exchange.ts'
import { type Runtime, type Stack, startStack } from './harness/stack.ts'
import { until } from './harness/until.ts'

const PATH = '/v1/chat/completions'
const usage = { promptTokens: 20, completionTokens: 30 }

describe.each<Runtime>(['server', 'worker'])('kept answers of a %s', (runtime) => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack(runtime, { config: { idempotency: { storeAnswers: true } } })
  })
  afterAll(() => stack.stop())

  /** Sends a request with its key, once or again. */
  async function sender(script = {}, more = {}) {
    const [user, key] = [newUser(), newKey()]
    const body = chatBody(key, { ...usage, ...script }, more)
    const send = async (init: { body?: unknown; signal?: AbortSignal } = {}) =>
      call(stack, await tokenOf(stack, user), PATH, { body, ...init, headers: { 'idempotency-key': key } })
    return { user, key, send }
  }

  it('200: a repeat gets the first answer, and over a kill', async () => {
    const { user, key, send } = await sender()
    const first = await send()
    const text = await first.text()
    expect(first.status, text).toBe(200)
    await stack.kill('SIGKILL')
    await stack.start()
    const again = await send()
    expect([again.status, await again.text()]).toEqual([200, text])
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    for (const name of ['x-request-id', 'content-type', 'faregate-credits-charged']) {
      expect(again.headers.get(name)).toBe(first.headers.get(name))
    }
    const other = await send({ body: chatBody(newKey(), usage) })
    expect([other.status, await other.text()]).toEqual([409, expect.stringContaining('another body')])
    const { entry } = await outcome(stack, await tokenOf(stack, user))
    expect(entry.requestId).toBe(first.headers.get('x-request-id'))
    expect(arrivals(stack, key)).toHaveLength(1)
  })

  it('200: a stream comes again byte for byte, with its receipt', async () => {
    const { key, send } = await sender({ content: 'grüße 👋 '.repeat(50) }, { stream: true })
    const first = await (await send()).text()
    const again = await send()
    expect(again.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    const text = await again.text()
    expect(text).toBe(first)
    expect(said(text)).toContain('grüße 👋')
    expect(text).toContain('faregate credits-charged')
    expect(arrivals(stack, key)).toHaveLength(1)
  })

  it('200: whose connection was cut before the answer came has it by repeating', async () => {
    const { user, key, send } = await sender({ headersDelayMs: 1000 })
    const client = new AbortController()
    const lost = send({ signal: client.signal }).catch(() => null)
    await until('the provider is asked', 5000, () => arrivals(stack, key).length > 0)
    client.abort()
    await lost
    const answer = await until('the answer is there', 15_000, async () => {
      const again = await send()
      return again.status === 200 ? again : null
    })
    expect(answer.headers.get('idempotent-replayed')).toBe('true')
    expect(await answer.json()).toMatchObject({ usage: { completion_tokens: 30 } })
    await outcome(stack, await tokenOf(stack, user))
    expect(arrivals(stack, key)).toHaveLength(1)
  })

  it('409: a stream that broke off is not given again', async () => {
    const { send } = await sender({ errorEvent: true }, { stream: true })
    expect(await (await send()).text()).toContain('upstream_error')
    const again = await send()
    expect([again.status, await again.text()]).toEqual([409, expect.stringContaining('has ended (error)')])
  })
})
