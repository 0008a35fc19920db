/** What the `openai` SDK tries again, counted on the wire: a refusal that no retry helps is told once. */
import type { Script } from '@faregate/simulators/provider'
import { AuthenticationError, NotFoundError, PermissionDeniedError, RateLimitError } from 'openai'
import { expect, it } from 'vitest'
import { asOperator, call, tokenOf } from '../harness/calls.ts'
import { arrivals, newKey, outcome, untouched } from '../harness/exchange.ts'
import { countingTries, rejection, scriptMessage, sdkUser } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

type Row = {
  title: string
  plan?: string
  apiKey?: string
  model?: string
  error?: unknown
  code: string
  status: number
}

const once: Row[] = [
  { title: '401', apiKey: 'no.such.token', error: AuthenticationError, code: 'invalid_token', status: 401 },
  { title: '402', plan: 'none', code: 'insufficient_credits', status: 402 },
  {
    title: '403',
    plan: 'basic',
    model: 'deep',
    error: PermissionDeniedError,
    code: 'model_not_in_plan',
    status: 403,
  },
  { title: '404', model: 'gpt-5-mini', error: NotFoundError, code: 'model_not_found', status: 404 },
]

/** Of statuses that the SDK would try again by itself. */
const permanent: [status: number, script: Script, code: string][] = [
  [502, { status: 401 }, 'upstream_auth'],
  [503, { status: 429, errorCode: 'insufficient_quota' }, 'upstream_quota'],
  [502, { badJson: true }, 'upstream_invalid'],
  [504, { hang: 'headers' }, 'upstream_timeout'],
]

export function sdkRetries(stack: () => Stack): void {
  for (const { title, plan, apiKey, model = 'fast', error, code, status } of once) {
    it.concurrent(`${title}: ${code} is one try`, async () => {
      const { tries, result } = await countingTries(stack(), async ({ url }) => {
        const { client } = await sdkUser(stack(), { baseURL: url, ...(apiKey && { apiKey }) }, plan)
        return rejection(client.chat.completions.create({ model, messages: [scriptMessage({})] }))
      })
      expect(result).toMatchObject({ status, code, requestID: expect.stringMatching(/^req_/) })
      if (error) expect(result).toBeInstanceOf(error)
      expect(tries).toBe(1)
    })
  }

  for (const [status, script, code] of permanent) {
    it.concurrent(`${status}: ${code} carries x-should-retry: false and is one try`, async () => {
      const key = newKey()
      const { tries, result } = await countingTries(stack(), async ({ url }) => {
        const { client } = await sdkUser(stack(), { baseURL: url })
        return rejection(
          client.chat.completions.create({ model: 'fast', messages: [scriptMessage(script, key)] }),
        )
      })
      expect(result).toMatchObject({ status, code })
      expect(tries).toBe(1)
      expect(arrivals(stack(), key)).toHaveLength(1)
    })
  }
  retried(stack)
  ownLimit(stack)
  longWork(stack)
}

/** Tried again after `retry-after`, each try with a token of its own, each free of charge. */
function retried(stack: () => Stack): void {
  it.concurrent('429: is tried again, with a fresh token each time, and charges nothing', async () => {
    const key = newKey()
    const tokens: string[] = []
    const user = await sdkUser(stack())
    const { tries, result } = await countingTries(stack(), async ({ url, count }) => {
      const apiKey = async () => {
        const token = await tokenOf(stack(), user.user)
        tokens.push(token)
        return token
      }
      const client = user.client.withOptions({ baseURL: url, apiKey })
      const script = { status: 429, headers: { 'retry-after': '1' } }
      const error = await rejection(
        client.chat.completions.create({ model: 'fast', messages: [scriptMessage(script, key)] }),
      )
      expect(tokens.map((token) => count(token))).toEqual([1, 1, 1])
      return error
    })
    expect(result).toBeInstanceOf(RateLimitError)
    expect(result).toMatchObject({ code: 'rate_limited' })
    expect([tries, new Set(tokens).size, arrivals(stack(), key).length]).toEqual([3, 3, 3])
    expect((await outcome(stack(), user.token, 3)).available).toBe(10_000_000)
  })

  it.concurrent('502: a provider that cannot be reached is tried again, free of charge', async () => {
    const { client, token } = await sdkUser(stack())
    const error = await rejection(
      client.chat.completions.create({ model: 'refusing', messages: [scriptMessage({})] }),
    )
    expect(error).toMatchObject({ status: 502, code: 'upstream_unavailable' })
    expect((await outcome(stack(), token, 3)).available).toBe(10_000_000)
  })
}

function ownLimit(stack: () => Stack): void {
  it.concurrent('429: the plan’s own limit says when to come back', async () => {
    const { client, token } = await sdkUser(stack(), { maxRetries: 0 }, 'slow')
    // Where the minute turns in between, the third request is the first of the next.
    const asks = await Promise.allSettled(
      Array.from({ length: 5 }, () =>
        client.chat.completions.create({ model: 'fast', messages: [scriptMessage({})] }),
      ),
    )
    const errors = asks.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
    expect(errors.length).toBeGreaterThanOrEqual(1)
    for (const error of errors) {
      expect(error).toBeInstanceOf(RateLimitError)
      if (!(error instanceof RateLimitError)) continue
      const seconds = Number(error.headers.get('retry-after'))
      expect(seconds).toBeGreaterThanOrEqual(1)
      expect(seconds).toBeLessThanOrEqual(60)
      expect(error.headers.get('x-should-retry')).toBeNull()
    }
    await outcome(stack(), token, asks.length - errors.length)
  })
}

/** An agent outlives the session token that started it. */
function longWork(stack: () => Stack): void {
  it.concurrent('200: a Faregate key works on after its session token has expired, until it is revoked', async () => {
    const { user } = await sdkUser(stack())
    const seconds = Math.floor(Date.now() / 1000)
    // Expired three seconds ago: within the five that clocks may differ by, for two more.
    const claims = { iat: seconds - 63, nbf: seconds - 73, exp: seconds - 3 }
    const token = await stack().clerk.mint({ user, plan: 'free_user', overrides: { claims } })
    const made = await call(stack(), token, '/v1/keys', { body: { name: 'agent', ttlSeconds: 600 } })
    expect(made.status, await made.clone().text()).toBe(201)
    const { key, id } = (await made.json()) as { key: string; id: string }
    await until('the session token has expired', 10_000, async () => {
      const answer = await call(stack(), token, '/v1/account')
      return answer.status === 401 && (await answer.text()).includes('token_expired')
    })
    const { client } = await sdkUser(stack(), { apiKey: key })
    for (let step = 1; step <= 5; step += 1) {
      const answer = await client.chat.completions.create({
        model: 'fast',
        messages: [scriptMessage({ promptTokens: 10, completionTokens: step })],
      })
      expect(answer.usage?.completion_tokens).toBe(step)
      const { available, entry } = await outcome(stack(), key, step)
      expect(available).toBe(10_000_000 - 10 * step - step * (step + 1))
      expect(entry).toMatchObject({ member: `clerk:${user}` })
    }
    const gone = await asOperator(stack(), `/admin/accounts/clerk:${user}/keys/${id}`, undefined, 'DELETE')
    expect(gone.status).toBe(200)
    await expect(
      client.chat.completions.create({ model: 'fast', messages: [scriptMessage({})] }),
    ).rejects.toMatchObject({ status: 401, code: 'invalid_token' })
    const fresh = await tokenOf(stack(), user)
    expect((await outcome(stack(), fresh, 5)).available).toBe(10_000_000 - 50 - 30)
    expect(await untouched(stack(), await tokenOf(stack(), `${user}other`))).toBe(true)
  })
}
