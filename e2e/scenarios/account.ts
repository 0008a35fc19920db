/** What users see of their account, and the routes that are there for nobody. */
import { expect, it } from 'vitest'
import { account, call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { accountIdOf, entriesOf, expectConserved, expectUntouched, giveCredits } from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'

const CHAT = '/v1/chat/completions'

type Page = { data: Record<string, unknown>[]; nextCursor: string | null }

export function accounts(stack: () => Stack): void {
  due(stack)
  pages(stack)
  isolation(stack)
  elsewhere(stack)
}

async function page(stack: Stack, token: string, query: string): Promise<Page> {
  const answer = await call(stack, token, `/v1/account/entries?${query}`)
  expect(answer.status).toBe(200)
  return (await answer.json()) as Page
}

function due(stack: () => Stack): void {
  it.concurrent('200: the allowance that is due is shown, and nothing is written', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const views = await Promise.all(Array.from({ length: 5 }, () => account(stack(), token)))
    for (const view of views) {
      expect(view).toMatchObject({
        id: accountIdOf(user),
        plan: 'free',
        credits: { available: 10, held: 0, debt: 0, grants: [{ source: 'allowance', remaining: 10 }] },
        limits: {},
        blocked: false,
      })
    }
    expect(await page(stack(), token, '')).toEqual({ data: [], nextCursor: null })
    await expectUntouched(stack(), accountIdOf(user))
  })

  it.concurrent('200: many first requests at once are one allowance', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const ask = () =>
      call(stack(), token, CHAT, { body: keyed(user, { promptTokens: 10, completionTokens: 5 }) })
    const answers = await Promise.all(Array.from({ length: 15 }, ask))
    for (const answer of answers) expect(answer.status, await answer.text()).toBe(200)
    const entries = await entriesOf(stack(), accountIdOf(user))
    expect(entries.filter(({ kind }) => kind === 'grant')).toHaveLength(1)
    expect(await expectConserved(stack(), accountIdOf(user))).toBe(10_000_000 - 15 * 20)
  })

  it.concurrent('200: a plan that comes and goes gives its allowance once a month', async () => {
    const user = newUser()
    for (const plan of ['basic', 'pro', 'basic', 'pro', 'free_user', 'basic']) {
      const answer = await call(stack(), await tokenOf(stack(), user, plan), CHAT, { body: keyed(user) })
      expect(answer.status, await answer.text()).toBe(200)
    }
    const given = (await entriesOf(stack(), accountIdOf(user))).filter(({ kind }) => kind === 'grant')
    expect(given.map(({ credits }) => credits).sort((a, b) => a - b)).toEqual([10, 10, 1000])
  })
}

function pages(stack: () => Stack): void {
  it.concurrent('200: entries page by page, each once, the newest first', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    for (let count = 0; count < 6; count += 1) {
      expect((await call(stack(), token, CHAT, { body: keyed(user) })).status).toBe(200)
    }
    const all = await page(stack(), token, 'limit=500')
    expect(all.data).toHaveLength(7)
    expect(all.nextCursor).toBeNull()
    const seen: unknown[] = []
    let cursor = ''
    for (let count = 0; count < 10; count += 1) {
      const next = await page(stack(), token, `limit=3${cursor}`)
      expect(next.data.length).toBeLessThanOrEqual(3)
      seen.push(...next.data)
      if (next.nextCursor === null) break
      cursor = `&cursor=${next.nextCursor}`
    }
    expect(seen).toEqual(all.data)
    const times = all.data.map(({ at }) => Date.parse(String(at)))
    expect(times).toEqual(times.toSorted((a, b) => b - a))
    for (const entry of all.data) {
      expect(entry).not.toHaveProperty('upstreamPicoUsd')
      expect(entry).not.toHaveProperty('priceVersion')
    }
  })

  it.concurrent('200: the entry of one request, by the x-request-id of its answer', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const script = { promptTokens: 100, completionTokens: 50 }
    const ask = () => call(stack(), token, CHAT, { body: keyed(user, script) })
    const [answer] = await Promise.all([ask(), ask()])
    const requestId = answer.headers.get('x-request-id') ?? ''
    const { data } = await page(stack(), token, `requestId=${requestId}`)
    expect(data).toEqual([
      {
        id: requestId,
        at: expect.any(String),
        kind: 'charge',
        credits: -0.0002,
        member: accountIdOf(user),
        model: 'fast',
        usage: { inputTokens: 100, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 50 },
        ended: 'complete',
        requestId,
      },
    ])
    expect((await page(stack(), token, 'requestId=req_none')).data).toEqual([])
  })

  it.concurrent.each(['limit=0', 'limit=501', 'limit=-1', 'limit=1.5', 'limit=all', 'limit='])(
    '400: entries?%s',
    async (query) => {
      const answer = await call(stack(), await tokenOf(stack(), newUser()), `/v1/account/entries?${query}`)
      await expectRefusal(answer, { status: 400, code: 'invalid_value', param: 'limit' })
    },
  )
}

function isolation(stack: () => Stack): void {
  it.concurrent("200: nobody reads another's entries by request id or by cursor", async () => {
    const [owner, other] = await Promise.all([tokenOf(stack(), newUser()), tokenOf(stack(), newUser())])
    const answer = await call(stack(), owner, CHAT, { body: keyed('x') })
    const requestId = answer.headers.get('x-request-id') ?? ''
    for (let count = 0; count < 3; count += 1) await call(stack(), owner, CHAT, { body: keyed('x') })
    const { nextCursor } = await page(stack(), owner, 'limit=1')
    expect(nextCursor).not.toBeNull()
    expect((await page(stack(), other, `requestId=${requestId}`)).data).toEqual([])
    const stolen = await page(stack(), other, `cursor=${nextCursor}`)
    expect(stolen.data).toEqual([])
    expect((await page(stack(), other, 'cursor=1')).data).toEqual([])
    const odd = await call(stack(), other, `/v1/account/entries?cursor=${encodeURIComponent("1' OR '1'='1")}`)
    await expectRefusal(odd, { status: 400, code: 'invalid_value', param: 'cursor' })
  })

  it.concurrent('200: ids with quotes, slashes and percent signs are accounts of their own', async () => {
    const id = `acme:user:it's/"100%" ${newUser()}`
    const path = `/admin/accounts/${encodeURIComponent(id)}`
    await giveCredits(stack(), id, 1)
    expect(await expectConserved(stack(), id)).toBe(1_000_000)
    const shown = await call(stack(), 'admin-canary-0123456789', path)
    expect(((await shown.json()) as { id: string }).id).toBe(id)
  })
}

function elsewhere(stack: () => Stack): void {
  it.concurrent.each(['/healthz', '/readyz'])('200: %s', async (path) => {
    const answer = await fetch(stack().url + path)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ status: path === '/healthz' ? 'ok' : 'ready' })
  })

  const routes: [method: string, path: string][] = [
    ['GET', '/'],
    ['GET', '/v1'],
    ['POST', '/dev/token'],
    ['GET', '/dev/users'],
    ['GET', CHAT],
    ['PUT', CHAT],
    ['POST', `${CHAT}/`],
    ['POST', `/v1${CHAT}`],
    ['POST', '/V1/chat/completions'],
    ['POST', '/v1/chat%2Fcompletions'],
    ['POST', '//v1/chat/completions'],
    ['POST', '/v1/completions'],
    ['POST', '/v1/files'],
    ['POST', '/v1/batches'],
    ['POST', '/v1/images/edits'],
    ['POST', '/v1/images/variations'],
    ['GET', '/v1/account/../../admin'],
    ['GET', '/admin'],
    ['GET', '/admin/accounts'],
    ['PUT', '/admin/accounts/clerk:user_1'],
    ['GET', '/webhooks/clerk'],
    ['POST', '/webhooks/other'],
    ['POST', '/v1/account'],
    ['DELETE', '/v1/keys'],
    ['GET', '/.env'],
  ]
  it.concurrent.each(routes)('404: %s %s', async (method, path) => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const body = method === 'GET' ? undefined : keyed(user)
    const answer = await call(stack(), token, path, { method, body })
    await expectRefusal(answer, { status: 404, code: 'unsupported_endpoint', says: '/v1/chat/completions' })
    expect(stack().provider.billFor(user)).toBeUndefined()
    await expectUntouched(stack(), accountIdOf(user))
  })

  it.concurrent('200: model routes are the same with and without /v1', async () => {
    const token = await tokenOf(stack(), newUser())
    for (const path of ['/chat/completions', CHAT]) {
      expect((await call(stack(), token, path, { body: keyed('x') })).status).toBe(200)
    }
    const [bare, full] = await Promise.all([
      call(stack(), token, '/models'),
      call(stack(), token, '/v1/models'),
    ])
    expect(await bare.json()).toEqual(await full.json())
  })
}
