/**
 * Faults before the provider's answer begins (safety.md section 3, "Upstream"), plain and streamed: what the caller
 * is told, that the operator's account stays hidden, and that what the provider does not bill is not charged.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import {
  ALLOWANCE,
  type Asked,
  arrivals,
  ask,
  billed,
  billOf,
  errorOf,
  outcome,
} from '../harness/exchange.ts'
import { PROVIDER_KEY, type Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const ways = [
  { way: 'plain', more: {} },
  { way: 'streamed', more: { stream: true } },
]

type Row = {
  title: string
  script: Script
  status: number
  code: string | null
  /** The answer's `retry-after`, in seconds. */
  retryAfter?: string
  /** Whether the SDKs may try again. */
  retry: boolean
}

const passedOn: Row[] = [
  { title: '400', script: { status: 400 }, status: 400, code: 'context_length_exceeded', retry: false },
  { title: '404', script: { status: 404 }, status: 404, code: 'model_not_found', retry: false },
  { title: '413', script: { status: 413 }, status: 413, code: null, retry: false },
  { title: '422', script: { status: 422 }, status: 422, code: null, retry: false },
  {
    title: '400 that is no JSON',
    script: { status: 400, body: '<html>nginx</html>' },
    status: 400,
    code: null,
    retry: false,
  },
]

const turned: Row[] = [
  { title: '401', script: { status: 401 }, status: 502, code: 'upstream_auth', retry: false },
  { title: '403', script: { status: 403 }, status: 502, code: 'upstream_auth', retry: false },
  { title: '402', script: { status: 402 }, status: 503, code: 'upstream_quota', retry: false },
  { title: '429', script: { status: 429 }, status: 429, code: 'rate_limited', retryAfter: '2', retry: true },
  {
    title: '429 of a spent account',
    script: { status: 429, errorCode: 'insufficient_quota' },
    status: 503,
    code: 'upstream_quota',
    retry: false,
  },
  { title: '500', script: { status: 500 }, status: 502, code: 'upstream_error', retry: true },
  { title: '503', script: { status: 503 }, status: 503, code: 'overloaded', retryAfter: '1', retry: true },
  {
    title: '529 with a Retry-After',
    script: { status: 529, headers: { 'retry-after': '7' } },
    status: 503,
    code: 'overloaded',
    retryAfter: '7',
    retry: true,
  },
  {
    title: 'a reset before any byte',
    script: { reset: 'beforeHeaders' },
    status: 502,
    code: 'upstream_unavailable',
    retry: true,
  },
]

/** Free of charge: one entry of nothing, nothing held, and asked once. */
async function expectFree(stack: Stack, asked: Asked, tries = 1): Promise<void> {
  const { entry, charged, available } = await outcome(stack, asked.token)
  expect({ charged, available, ended: entry.ended }).toEqual({
    charged: 0,
    available: ALLOWANCE,
    ended: 'error',
  })
  expect(entry.estimated ?? false).toBe(false)
  expect(arrivals(stack, asked.key)).toHaveLength(tries)
}

export function upstreamRefusals(stack: () => Stack): void {
  for (const { way, more } of ways) {
    for (const row of [...passedOn, ...turned]) {
      it.concurrent(`${row.status}: the provider's ${row.title}, ${way}, charges nothing`, async () => {
        const asked = await ask(stack(), row.script, more)
        expect(asked.status, asked.text).toBe(row.status)
        expect(errorOf(asked)).toMatchObject({ code: row.code, message: expect.stringMatching(/./) })
        expect(asked.headers.get('retry-after')).toBe(row.retryAfter ?? null)
        expect(asked.headers.get('x-should-retry')).toBe(row.retry ? null : 'false')
        expect(asked.headers.get('x-request-id')).toMatch(/^req_/)
        await expectFree(stack(), asked)
      })
    }
    unreachable(stack, way, more)
    silent(stack, way, more)
    redirected(stack, way, more)
    secrets(stack, way, more)
  }
}

function unreachable(stack: () => Stack, way: string, more: Record<string, unknown>): void {
  for (const model of ['refusing', 'unnamed', 'untrusted']) {
    it.concurrent(`502: a provider that is ${model}, ${way}, charges nothing`, async () => {
      const asked = await ask(stack(), {}, { ...more, model })
      expect(asked.status, asked.text).toBe(502)
      expect(errorOf(asked).code).toBe('upstream_unavailable')
      await expectFree(stack(), asked, 0)
    })
  }
}

function silent(stack: () => Stack, way: string, more: Record<string, unknown>): void {
  it.concurrent(`504: a provider that never sends headers, ${way}, is charged on evidence`, async () => {
    const asked = await ask(stack(), { hang: 'headers' }, { ...more, max_tokens: 500 })
    expect(asked.status, asked.text).toBe(504)
    expect(errorOf(asked).code).toBe('upstream_timeout')
    expect(asked.headers.get('x-should-retry')).toBe('false')
    const { entry, charged, available } = await outcome(stack(), asked.token)
    expect(entry).toMatchObject({ ended: 'error', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), asked.key))
    expect(available).toBe(ALLOWANCE - charged)
    await until('the provider sees the abort', 1500, () => billOf(stack(), asked.key).aborted)
  })

  it.concurrent(`504: a provider that refuses and never finishes saying so, ${way}, ends in time`, async () => {
    const headers = { 'content-length': '100000' }
    const asked = await ask(stack(), { status: 400, body: '{"error":{"message":"half', headers }, more)
    expect([400, 504]).toContain(asked.status)
    expect((await outcome(stack(), asked.token)).charged).toBe(0)
  })
}

function redirected(stack: () => Stack, way: string, more: Record<string, unknown>): void {
  for (const status of [301, 307, 308]) {
    it.concurrent(`502: a ${status} redirect, ${way}, is not followed`, async () => {
      const target = await startTarget()
      const asked = await ask(stack(), { status, redirect: target.url }, more)
      expect(asked.status, asked.text).toBe(502)
      expect(errorOf(asked).code).toBe('upstream_redirect')
      await expectFree(stack(), asked)
      expect(target.asked()).toBe(0)
      target.server.close()
    })
  }
}

async function startTarget(): Promise<{ url: string; asked(): number; server: Server }> {
  let asked = 0
  const server = createServer((_request, response) => {
    asked += 1
    response.end('{}')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/v1/chat/completions`, asked: () => asked, server }
}

/** A provider that names the operator's account in every place it can. */
function secrets(stack: () => Stack, way: string, more: Record<string, unknown>): void {
  const ids = `org-canary1234567 in proj_canary1234567 with ${PROVIDER_KEY}, acct_canary1234567`
  const error = { message: `No: ${ids}`, type: ids, param: ids, code: ids }
  const headers = {
    'openai-organization': 'org-canary1234567',
    'openai-project': 'proj_canary1234567',
    'set-cookie': '__cf=canary',
    'x-echo': PROVIDER_KEY,
    'cf-ray': 'canary',
  }
  for (const status of [200, 307, 400, 401, 404, 429, 500]) {
    it.concurrent(`${status} of the provider, ${way}, names nothing of the operator's account`, async () => {
      const body = { error }
      const type = { 'content-type': 'stream' in more ? 'text/event-stream' : 'application/json' }
      const streamed = status === 200 && 'stream' in more ? `data: ${JSON.stringify(body)}\n\n` : body
      const asked = await ask(stack(), { status, body: streamed, headers: { ...headers, ...type } }, more)
      const all = JSON.stringify([...asked.headers]) + asked.text
      expect(all).not.toMatch(/canary/)
      expect(asked.text).toMatch(/"error"/)
    })
  }
}
