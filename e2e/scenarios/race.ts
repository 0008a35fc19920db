/**
 * The race that other gateways lose: many calls at once, the provider answering only when all are decided. Exactly
 * as many are admitted as the credits pay for.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { call, newUser, scripted, tokenOf } from '../harness/calls.ts'
import {
  accountIdOf,
  entriesOf,
  expectConserved,
  giveCredits,
  micro,
  showAccount,
} from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import { type Stack, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const CHAT = '/v1/chat/completions'
const BODY = scripted({ promptTokens: 40, completionTokens: 30 }, { max_completion_tokens: 300 })
/** 40 tokens of input and 30 of output at the test config's prices, in microcredits. */
const COST = 40 + 30 * 2
const DECIDED_MS = 45_000

/** A stack of its own, whose timeouts leave room for the slowest machine. */
export function race(stack: () => Stack): void {
  let own: Stack
  beforeAll(async () => {
    const timeouts = { headersMs: 60_000, idleMs: 60_000, totalMs: 120_000 }
    own = await startStack(stack().runtime, { config: { timeouts } })
  })
  afterAll(() => own.stop())
  oneUser(() => own)
  manyUsers(() => own)
}

/** What one call of BODY holds, in microcredits. */
async function holdOf(stack: Stack): Promise<number> {
  const token = await tokenOf(stack, newUser(), 'free_user')
  const answer = await call(stack, token, CHAT, { body: BODY })
  expect(answer.status, await answer.text()).toBe(200)
  return micro(Number(answer.headers.get('faregate-credits-held')))
}

type Asked = { statuses: Promise<number[]>; refused(): number }

/** Sends `count` calls at once; `refused` counts those that were told 402. */
function askAtOnce(stack: Stack, token: string, count: number): Asked {
  let refused = 0
  const ask = async () => {
    const answer = await call(stack, token, CHAT, { body: BODY })
    if (answer.status === 402) {
      await expectRefusal(answer, { status: 402, code: 'insufficient_credits' })
      refused += 1
    } else expect(answer.status, await answer.text()).toBe(200)
    return answer.status
  }
  return { statuses: Promise.all(Array.from({ length: count }, ask)), refused: () => refused }
}

const admitted = (statuses: number[]) => statuses.filter((status) => status === 200).length

function oneUser(stack: () => Stack): void {
  it('402: of 200 parallel calls with credit for exactly 50, exactly 50 are admitted', async () => {
    const { provider } = stack()
    const hold = await holdOf(stack())
    const user = newUser()
    const id = accountIdOf(user)
    await giveCredits(stack(), id, ((hold * 50) / 1e6).toFixed(6))
    const before = provider.bills().length
    provider.hold()
    const asked = askAtOnce(stack(), await tokenOf(stack(), user, 'none'), 200)
    await until('all are decided', DECIDED_MS, () => asked.refused() === 150 && provider.waiting() === 50)
    const { credits } = await showAccount(stack(), id)
    expect(credits).toMatchObject({ available: 0, held: (hold * 50) / 1e6, debt: 0 })
    provider.release()
    expect(admitted(await asked.statuses)).toBe(50)
    expect(provider.bills()).toHaveLength(before + 50)
    expect(await expectConserved(stack(), id)).toBe(hold * 50 - COST * 50)
    const charges = (await entriesOf(stack(), id)).filter(({ kind }) => kind === 'charge')
    expect(charges).toHaveLength(50)
    for (const charge of charges) expect(charge).toMatchObject({ ended: 'complete', credits: -COST / 1e6 })
    expect((await showAccount(stack(), id)).credits.held).toBe(0)
  })
}

function manyUsers(stack: () => Stack): void {
  it('402: 20 users with credit for 3 each, 10 calls at once and the refused sent again', async () => {
    const { provider } = stack()
    const hold = await holdOf(stack())
    const credits = ((hold * 3) / 1e6).toFixed(6)
    const users = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const user = newUser()
        const id = accountIdOf(user)
        // The same grant sent four times at once is one grant.
        const grants = Array.from({ length: 4 }, () =>
          giveCredits(stack(), id, credits, { 'idempotency-key': `order-${user}` }),
        )
        expect(new Set(await Promise.all(grants)).size).toBe(1)
        return { id, token: await tokenOf(stack(), user, 'none') }
      }),
    )
    provider.hold()
    const first = users.map(({ token }) => askAtOnce(stack(), token, 10))
    await until('all are decided', DECIDED_MS, () => {
      return first.every(({ refused }) => refused() === 7) && provider.waiting() === 60
    })
    // As an SDK would that does not heed x-should-retry: what is held is not there a second time.
    const again = await Promise.all(users.map(({ token }) => askAtOnce(stack(), token, 7).statuses))
    expect(again.flat().every((status) => status === 402)).toBe(true)
    provider.release()
    for (const { statuses } of first) expect(admitted(await statuses)).toBe(3)
    for (const { id } of users) {
      expect(await expectConserved(stack(), id)).toBe(hold * 3 - COST * 3)
      expect((await showAccount(stack(), id)).credits.held).toBe(0)
    }
  })
}
