/** Credits that do not suffice: the refusal names a figure, and that figure then indeed is admitted. */
import { expect, it } from 'vitest'
import { call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { accountIdOf, expectConserved, giveCredits, micro, showAccount } from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'

const CHAT = '/v1/chat/completions'

export function affordable(stack: () => Stack): void {
  const cases: [string, Record<string, unknown>][] = [
    ['a cap that is too high', { max_completion_tokens: 100_000 }],
    ['a cap by its old name', { max_tokens: 100_000 }],
    ['two choices', { max_completion_tokens: 100_000, n: 2 }],
    ['a stream', { max_completion_tokens: 100_000, stream: true }],
  ]
  it.concurrent.each(cases)(
    '402 then 200: %s; the affordable figure is admitted, five more are not',
    async (_n, ask) => {
      const user = newUser()
      await giveCredits(stack(), accountIdOf(user), 0.003)
      const field = 'max_tokens' in ask ? 'max_tokens' : 'max_completion_tokens'
      const post = async (more: Record<string, unknown>) =>
        call(stack(), await tokenOf(stack(), user, 'none'), CHAT, { body: keyed(user, {}, more) })
      const tokens = await affordableFigure(await post(ask))
      expect(tokens).toBeGreaterThan(500)
      await expectRefusal(await post({ ...ask, [field]: tokens + 5 }), {
        status: 402,
        code: 'insufficient_credits',
      })
      expect(stack().provider.billFor(user)).toBeUndefined()
      const admitted = await post({ ...ask, [field]: tokens })
      expect(admitted.status, await admitted.text()).toBe(200)
      expect(Number(admitted.headers.get('faregate-credits-held'))).toBeLessThanOrEqual(0.003)
      await expectConserved(stack(), accountIdOf(user))
    },
  )

  it.concurrent('402 then 200: no cap and less than the floor; the figure is admitted when it is asked for', async () => {
    const user = newUser()
    const post = async (more: Record<string, unknown>) =>
      call(stack(), await tokenOf(stack(), user, 'none'), CHAT, { body: keyed(user, {}, more) })
    const need = await post({})
    await expectRefusal(need, {
      status: 402,
      code: 'insufficient_credits',
      says: 'Shorten the input, or buy',
    })
    // Of one size for all users: enough for the input and some 100 tokens of output.
    const probe = await stack().clerk.mint({ user: newUser(), plan: 'free_user' })
    const held = await call(stack(), probe, CHAT, {
      body: keyed(user, {}, { max_completion_tokens: 100 }),
    })
    await giveCredits(stack(), accountIdOf(user), held.headers.get('faregate-credits-held') ?? '')
    const tokens = await affordableFigure(await post({}))
    expect(tokens).toBeGreaterThan(50)
    expect(tokens).toBeLessThan(256)
    const admitted = await post({ max_completion_tokens: tokens })
    expect(admitted.status, await admitted.text()).toBe(200)
  })

  clamped(stack)
}

function clamped(stack: () => Stack): void {
  it.concurrent('200: without a cap the answer is clamped to what is affordable, and says so', async () => {
    const user = newUser()
    await giveCredits(stack(), accountIdOf(user), 0.002)
    const token = await tokenOf(stack(), user, 'none')
    const answer = await call(stack(), token, CHAT, { body: keyed(user, { completionTokens: 5000 }) })
    expect(answer.status, await answer.text()).toBe(200)
    const cap = Number(answer.headers.get('faregate-output-tokens-max'))
    expect(cap).toBeGreaterThanOrEqual(256)
    expect(stack().provider.billFor(user)?.completionTokens).toBe(cap)
    const { credits, totals } = await showAccount(stack(), accountIdOf(user))
    expect(micro(totals.charged) + micro(credits.available)).toBe(2000)
  })

  it.concurrent('200: a balance of nothing still pays for what is free', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user, 'none')
    const answer = await call(stack(), token, CHAT, { body: keyed(user, {}, { model: 'free' }) })
    expect(answer.status, await answer.text()).toBe(200)
    expect(answer.headers.get('faregate-credits-charged')).toBe('0')
  })
}

async function affordableFigure(answer: Response): Promise<number> {
  const said = await expectRefusal(answer, { status: 402, code: 'insufficient_credits', says: /buy credits/ })
  const [, tokens] = /That pays for (\d+) output tokens/.exec(said) ?? []
  return Number(tokens)
}
