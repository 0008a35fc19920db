/** The shortest whole path: a token buys an answer, and the balance falls by exactly what it cost. */
import { expect, it } from 'vitest'
import { account, call, newUser, scripted, tokenOf } from '../harness/calls.ts'
import type { Stack } from '../harness/stack.ts'

export function walk(stack: () => Stack): void {
  it('200: an answer is metered and charged exactly', async () => {
    const token = await tokenOf(stack(), newUser())
    const answer = await call(stack(), token, '/v1/chat/completions', {
      body: scripted({ promptTokens: 100, completionTokens: 50 }),
    })
    expect(answer.status).toBe(200)
    const { usage } = (await answer.json()) as { usage: { faregate: unknown } }
    expect(usage.faregate).toEqual({ creditsCharged: 0.0002, creditsAvailable: 9.9998 })
    expect((await account(stack(), token)).credits).toMatchObject({ available: 9.9998, held: 0 })
  })
}
