/** What a plan allows: requests, tokens and credits in a window, requests at once, models; and what credits can pay. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { account, call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { accountIdOf, expectConserved, expectUntouched } from '../harness/operator.ts'
import { expectRefusal, retryAfter } from '../harness/refusals.ts'
import { type Stack, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { affordable } from './limits-credits.ts'

const CHAT = '/v1/chat/completions'
const allowance = { credits: 10, every: 'month' }

const plans = {
  free: { slugs: ['free_user'], models: '*', allowance, limits: {} },
  none: { models: '*', limits: {} },
  basic: { models: ['fast'], allowance, limits: {} },
  slow: { models: '*', allowance, limits: { requestsPerMinute: 2 } },
  narrow: { models: '*', allowance, limits: { concurrentRequests: 2 } },
  short: { models: '*', allowance, limits: { tokensPerMinute: 5000 } },
  daily: { models: '*', allowance, limits: { creditsPerDay: 0.02 } },
  each: {
    models: '*',
    allowance,
    limits: {
      requestsPerMinute: 6,
      models: { fast: { requestsPerMinute: 2, tokensPerMinute: 4000, creditsPerDay: 1 } },
    },
  },
}

/** A stack of its own, with room in its timeouts for requests that wait at the gate. */
export function limits(stack: () => Stack): void {
  let own: Stack
  beforeAll(async () => {
    const timeouts = { headersMs: 30_000, idleMs: 30_000, totalMs: 60_000 }
    own = await startStack(stack().runtime, { config: { plans, timeouts } })
  })
  afterAll(() => own.stop())
  const given = () => own
  atOnce(given)
  estimates(given)
  windows(given)
  perModel(given)
  perDay(given)
  models(given)
  affordable(given)
}

/** Waits for the next minute only where this one is about to end, so that a window covers a whole test. */
async function freshMinute(): Promise<void> {
  await until('a minute has 6 s left', 7000, () => 60_000 - (Date.now() % 60_000) > 6000)
}

type Ask = (script?: Record<string, unknown>, more?: Record<string, unknown>) => Promise<Response>

/** A new user of a plan: how they ask, their account's id, and the name of their requests at the provider. */
async function userOf(
  stack: Stack,
  plan: string,
): Promise<{ ask: Ask; user: string; token: string; id: string }> {
  const user = newUser()
  const token = await tokenOf(stack, user, plan)
  const ask: Ask = (script = {}, more = {}) => call(stack, token, CHAT, { body: keyed(user, script, more) })
  return { ask, user, token, id: accountIdOf(user) }
}

async function expectAnswered(answer: Response): Promise<void> {
  expect(answer.status, await answer.text()).toBe(200)
}

const sent = ({ provider }: Stack, user: string) =>
  provider.bills().filter(({ keys }) => keys.includes(user)).length

function atOnce(stack: () => Stack): void {
  it('429: as many requests at once as the plan allows, the next one a second later', async () => {
    const { provider } = stack()
    const { ask, user, token, id } = await userOf(stack(), 'narrow')
    provider.hold()
    const under = [ask({}, { stream: true }), ask()]
    await provider.untilWaiting(2)
    const refused = await Promise.all([ask(), ask(), ask()])
    for (const answer of refused) {
      await expectRefusal(answer, { status: 429, code: 'rate_limited', retry: true, says: '2 requests' })
      expect(retryAfter(answer)).toBe(1)
    }
    expect((await account(stack(), token)).limits).toMatchObject({
      concurrentRequests: { limit: 2, remaining: 0 },
    })
    provider.release()
    for (const answer of await Promise.all(under)) await expectAnswered(answer)
    await until('the slots are free', 5000, async () => (await account(stack(), token)).credits.held === 0)
    await expectAnswered(await ask())
    expect(sent(stack(), user)).toBe(3)
    await expectConserved(stack(), id)
  })

  it('429: of 20 at once exactly as many as fit are admitted', async () => {
    const { provider } = stack()
    const { ask, user } = await userOf(stack(), 'narrow')
    provider.hold()
    let refused = 0
    const answers = Array.from({ length: 20 }, async () => {
      const answer = await ask()
      if (answer.status === 429) refused += 1
      await answer.text()
      return answer.status
    })
    await until('18 are refused', 20_000, () => refused === 18)
    expect(provider.waiting()).toBe(2)
    provider.release()
    expect((await Promise.all(answers)).filter((status) => status === 200)).toHaveLength(2)
    expect(sent(stack(), user)).toBe(2)
  })
}

function estimates(stack: () => Stack): void {
  it('429 then 200: a request under way counts by what it may use, an ended one by what it used', async () => {
    await freshMinute()
    const { provider } = stack()
    const { ask, id } = await userOf(stack(), 'short')
    provider.hold()
    const first = ask({}, { max_completion_tokens: 3000 })
    await provider.untilWaiting(1)
    const second = await ask({}, { max_completion_tokens: 3000 })
    const said = await expectRefusal(second, { status: 429, code: 'rate_limited', retry: true })
    expect(said).toMatch(/of the 5000 a minute/)
    expect(retryAfter(second)).toBeGreaterThan(0)
    expect(retryAfter(second)).toBeLessThanOrEqual(60)
    provider.release()
    await expectAnswered(await first)
    const third = await ask({ promptTokens: 100, completionTokens: 2900 }, { max_completion_tokens: 3000 })
    expect(third.headers.get('x-ratelimit-limit-tokens')).toBe('5000')
    await expectAnswered(third)
    await expectRefusal(await ask({}, { max_completion_tokens: 3000 }), {
      status: 429,
      code: 'rate_limited',
      retry: true,
    })
    await expectAnswered(await ask({}, { max_completion_tokens: 100 }))
    await expectConserved(stack(), id)
  })
}

function windows(stack: () => Stack): void {
  it.concurrent('429: requests a minute; what was refused does not count', async () => {
    await freshMinute()
    const { ask, user, token, id } = await userOf(stack(), 'slow')
    await expectRefusal(await ask({}, { logit_bias: 1 }), {
      status: 400,
      code: 'invalid_value',
      param: 'logit_bias',
    })
    await expectRefusal(await ask({}, { max_completion_tokens: 90_000_000 }), {
      status: 402,
      code: 'insufficient_credits',
    })
    const first = await ask()
    expect(first.headers.get('x-ratelimit-limit-requests')).toBe('2')
    expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1')
    expect(first.headers.get('x-ratelimit-reset-requests')).toMatch(/^([1-9]|[1-5]\d|60)s$/)
    await expectAnswered(first)
    const second = await ask({}, { stream: true })
    expect(second.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    await expectAnswered(second)
    const third = await ask()
    await expectRefusal(third, {
      status: 429,
      code: 'rate_limited',
      retry: true,
      says: '2 requests a minute',
    })
    expect(retryAfter(third)).toBeLessThanOrEqual(60)
    expect((await account(stack(), token)).limits).toMatchObject({
      requestsPerMinute: { limit: 2, remaining: 0 },
    })
    expect(sent(stack(), user)).toBe(2)
    await expectConserved(stack(), id)
  })

  it.concurrent('429: of 20 in parallel exactly as many as the minute has left are admitted', async () => {
    await freshMinute()
    const { ask, user } = await userOf(stack(), 'slow')
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await ask()).status))
    expect(statuses.filter((status) => status === 200)).toHaveLength(2)
    expect(statuses.filter((status) => status === 429)).toHaveLength(18)
    expect(sent(stack(), user)).toBe(2)
  })

  it.concurrent('400: what no whole minute can hold is too large for the plan, and no wait would help', async () => {
    const { ask, user, id } = await userOf(stack(), 'short')
    const answer = await ask({}, { max_completion_tokens: 6000 })
    await expectRefusal(answer, { status: 400, code: 'request_too_large_for_plan', says: '5000 a minute' })
    expect(answer.headers.get('retry-after')).toBeNull()
    expect(sent(stack(), user)).toBe(0)
    await expectUntouched(stack(), id)
  })

  it.concurrent('200: a request without a cap is fitted into the minute', async () => {
    const { ask } = await userOf(stack(), 'short')
    const answer = await ask()
    expect(Number(answer.headers.get('faregate-output-tokens-max'))).toBeLessThan(5000)
    await expectAnswered(answer)
  })
}

function perModel(stack: () => Stack): void {
  it.concurrent('429: a limit of one model leaves the others alone', async () => {
    await freshMinute()
    const { ask, user } = await userOf(stack(), 'each')
    const small = { max_completion_tokens: 500 }
    for (let count = 0; count < 2; count += 1) await expectAnswered(await ask({}, small))
    await expectRefusal(await ask({}, small), {
      status: 429,
      code: 'rate_limited',
      retry: true,
      says: 'for the model fast',
    })
    for (let count = 0; count < 4; count += 1)
      await expectAnswered(await ask({}, { ...small, model: 'free' }))
    // The plan's own limit counts all models together.
    await expectRefusal(await ask({}, { ...small, model: 'free' }), {
      status: 429,
      code: 'rate_limited',
      retry: true,
      says: '6 requests a minute',
    })
    expect(sent(stack(), user)).toBe(6)
  })

  it.concurrent("400: a request too large for the model's own window", async () => {
    const { ask } = await userOf(stack(), 'each')
    await expectRefusal(await ask({}, { max_completion_tokens: 4001 }), {
      status: 400,
      code: 'request_too_large_for_plan',
      says: 'for the model fast',
    })
    await expectAnswered(await ask({}, { max_completion_tokens: 4001, model: 'free' }))
  })
}

function perDay(stack: () => Stack): void {
  it.concurrent('429: credits a day, until midnight in UTC', async () => {
    await until('the day does not end', 20_000, () => 86_400_000 - (Date.now() % 86_400_000) > 15_000)
    const { ask, id, token } = await userOf(stack(), 'daily')
    await expectRefusal(await ask({}, { max_completion_tokens: 15_000 }), {
      status: 400,
      code: 'request_too_large_for_plan',
      says: '0.02 a day',
    })
    const large = { max_completion_tokens: 4000 }
    for (let count = 0; count < 2; count += 1) {
      await expectAnswered(await ask({ promptTokens: 100, completionTokens: 4000 }, large))
    }
    const third = await ask({}, large)
    await expectRefusal(third, { status: 429, code: 'rate_limited', retry: true, says: '0.02 a day' })
    const toMidnight = 86_400 - (Date.now() % 86_400_000) / 1000
    expect(Math.abs(retryAfter(third) - toMidnight)).toBeLessThan(10)
    expect((await account(stack(), token)).limits).toMatchObject({
      creditsPerDay: { limit: 0.02, remaining: 0.0038 },
    })
    await expectAnswered(await ask({}, { max_completion_tokens: 500 }))
    await expectConserved(stack(), id)
  })
}

function models(stack: () => Stack): void {
  it.concurrent('403: a model that the plan does not include, before anything is granted or sent', async () => {
    const { ask, user, id, token } = await userOf(stack(), 'basic')
    await expectRefusal(await ask({}, { model: 'deep' }), {
      status: 403,
      code: 'model_not_in_plan',
      param: 'model',
      says: /basic .*deep.* Upgrade/,
    })
    expect(sent(stack(), user)).toBe(0)
    await expectUntouched(stack(), id)
    const list = (await (await call(stack(), token, '/v1/models')).json()) as { data: { id: string }[] }
    expect(list.data.map((model) => model.id)).toEqual(['fast'])
    await expectRefusal(await call(stack(), token, '/v1/models/deep'), {
      status: 404,
      code: 'model_not_found',
      param: 'model',
    })
    expect((await call(stack(), token, '/models/fast')).status).toBe(200)
  })

  it.concurrent.each([
    'FAST',
    ' fast',
    'gpt-5-mini',
    'ft:fast',
    'fast:nitro',
    '__proto__',
    'toString',
    'fаst',
  ])('404: there is no model %j', async (model) => {
    const { ask, user, id } = await userOf(stack(), 'free')
    await expectRefusal(await ask({}, { model }), {
      status: 404,
      code: 'model_not_found',
      param: 'model',
      says: 'The models are',
    })
    expect(sent(stack(), user)).toBe(0)
    await expectUntouched(stack(), id)
  })
}
