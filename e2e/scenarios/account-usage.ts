/** Sums of use after real calls, and the prices that the models are listed with. */
import { expect, it } from 'vitest'
import { asOperator, call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { accountIdOf, adminPath } from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'

const CHAT = '/v1/chat/completions'
const today = () => new Date().toISOString().slice(0, 10)

type Usage = { from: string; to: string; data: Record<string, unknown>[] }

export function accountUsage(stack: () => Stack): void {
  sums(stack)
  spans(stack)
  prices(stack)
}

async function usage(stack: Stack, token: string, query = ''): Promise<Usage> {
  const answer = await call(stack, token, `/v1/account/usage${query}`)
  const text = await answer.text()
  expect(answer.status, text).toBe(200)
  return JSON.parse(text) as Usage
}

async function spend(stack: Stack, token: string, model: string, tokens: [number, number]): Promise<void> {
  const [promptTokens, completionTokens] = tokens
  const body = keyed('usage', { promptTokens, completionTokens }, { model })
  const answer = await call(stack, token, CHAT, { body })
  expect(answer.status, await answer.text()).toBe(200)
}

function sums(stack: () => Stack): void {
  it.concurrent('200: what a user spent, by day and by model', async () => {
    const token = await tokenOf(stack(), newUser())
    const before = today()
    await spend(stack(), token, 'fast', [100, 50])
    await spend(stack(), token, 'fast', [10, 5])
    await spend(stack(), token, 'flat', [1, 1])
    await spend(stack(), token, 'free', [7, 3])
    const { from, to, data } = await usage(stack(), token)
    expect(Date.parse(to) - Date.parse(from)).toBe(29 * 86_400_000)
    expect([before, today()]).toContain(to)
    // Midnight may pass in between.
    const total = { requests: 0, inputTokens: 0, outputTokens: 0, credits: 0 }
    for (const row of data) {
      expect(Object.keys(row).sort()).toEqual(['credits', 'day', 'inputTokens', 'outputTokens', 'requests'])
      expect([before, today()]).toContain(row['day'])
      for (const name of ['requests', 'inputTokens', 'outputTokens', 'credits'] as const) {
        total[name] += Number(row[name])
      }
    }
    expect({ ...total, credits: Math.round(total.credits * 1e6) }).toEqual({
      requests: 4,
      inputTokens: 118,
      outputTokens: 59,
      credits: 250_220,
    })
    expect((await usage(stack(), token, '?by=model')).data).toEqual([
      { model: 'fast', requests: 2, inputTokens: 110, outputTokens: 55, credits: 0.00022 },
      { model: 'flat', requests: 1, inputTokens: 1, outputTokens: 1, credits: 0.25 },
      { model: 'free', requests: 1, inputTokens: 7, outputTokens: 3, credits: 0 },
    ])
    expect((await usage(stack(), token, '?from=2020-01-01&to=2020-02-01')).data).toEqual([])
  })

  it.concurrent("200: an organization's use by member, to its members and to the operator", async () => {
    const [one, two] = [newUser(), newUser()].sort()
    const organization = `org_usage${one}`
    const mint = (user = '') => stack().clerk.mint({ user, organization, plan: 'team' })
    const [first, second] = [await mint(one), await mint(two)]
    await spend(stack(), first, 'fast', [100, 50])
    await spend(stack(), second, 'fast', [10, 5])
    await spend(stack(), second, 'fast', [10, 5])
    const rows = [
      { member: `clerk:${one}`, requests: 1, inputTokens: 100, outputTokens: 50, credits: 0.0002 },
      { member: `clerk:${two}`, requests: 2, inputTokens: 20, outputTokens: 10, credits: 0.00004 },
    ]
    expect((await usage(stack(), first, '?by=member')).data).toEqual(rows)
    const shown = await asOperator(stack(), adminPath(accountIdOf(organization), '/usage?by=member'))
    expect(((await shown.json()) as Usage).data).toEqual(rows)
    // Their own accounts paid nothing.
    expect((await usage(stack(), await tokenOf(stack(), one ?? ''), '?by=member')).data).toEqual([])
  })
}

function spans(stack: () => Stack): void {
  it.concurrent.each([
    ['?from=2026-01-31&to=2026-02-02', '2026-01-31', '2026-02-02'],
    ['?to=2026-03-01', '2026-01-31', '2026-03-01'],
    ['?from=2024-02-29&to=2025-04-03', '2024-02-29', '2025-04-03'],
    ['?from=2999-01-01', '2999-01-01', '2999-01-01'],
  ])('200: usage%s spans %s to %s', async (query, from, to) => {
    const answer = await usage(stack(), await tokenOf(stack(), newUser()), query)
    expect(answer).toEqual({ from, to, data: [] })
  })

  it.concurrent.each([
    ['from=yesterday', 'from'],
    ['from=2026-02-29', 'from'],
    ['from=2026-1-1', 'from'],
    ['to=2026-01-01T00:00:00Z', 'to'],
    ['to=', 'to'],
    ['from=2026-02-02&to=2026-02-01', 'from'],
    ['from=2024-02-29&to=2025-04-04', 'from'],
    ['by=hour', 'by'],
    ['by=account_id', 'by'],
  ])('400: usage?%s names %s', async (query, param) => {
    const answer = await call(stack(), await tokenOf(stack(), newUser()), `/v1/account/usage?${query}`)
    await expectRefusal(answer, { status: 400, code: 'invalid_value', param })
  })
}

function prices(stack: () => Stack): void {
  it.concurrent('200: models are listed with what they cost', async () => {
    const token = await tokenOf(stack(), newUser())
    const answer = await call(stack(), token, '/v1/models')
    const { data } = (await answer.json()) as { data: { id: string; faregate: unknown }[] }
    const price = (id: string) => data.find((model) => model.id === id)?.faregate
    const figures = (input: number, output: number, request: number) => ({
      creditsPerMillionInputTokens: input,
      creditsPerMillionOutputTokens: output,
      creditsPerRequest: request,
    })
    expect(price('fast')).toEqual({ ...figures(1, 2, 0), creditsPerMillionCachedInputTokens: 0.5 })
    expect(price('flat')).toEqual(figures(0, 0, 0.25))
    expect(price('free')).toEqual(figures(0, 0, 0))
    const one = await call(stack(), token, '/v1/models/fast')
    expect(await one.json()).toEqual(data.find(({ id }) => id === 'fast'))
  })
}
