/**
 * An identity provider that rotates its keys, is down or hangs: seven issuers of one gateway, each with a simulator
 * of its own, so that their waits of 30 s (one read of the keys at most in that time) pass together.
 */
import { type ClerkSimulator, startClerkSimulator } from '@faregate/simulators/clerk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { call, keyed, newUser } from '../harness/calls.ts'
import { entriesOf, expectUntouched } from '../harness/operator.ts'
import { expectRefusal, retryAfter } from '../harness/refusals.ts'
import { type Stack, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const names = ['cold', 'warm', 'hanging', 'rotating', 'flooded', 'checked', 'hidden'] as const
type Name = (typeof names)[number]
type World = { stack: Stack; issuers: Record<Name, ClerkSimulator> }

const CHAT = '/v1/chat/completions'
const KEYS = '/.well-known/jwks.json'
/** One read is allowed in 30 s; the rest is for a busy machine. */
const NEXT_READ_MS = 40_000

export function identityKeys(stack: () => Stack): void {
  let world: World
  beforeAll(async () => {
    world = await startWorld(stack().runtime)
  })
  afterAll(async () => {
    await world.stack.stop()
    await Promise.all(names.map((name) => world.issuers[name].stop()))
  })
  outages(() => world)
  rotation(() => world)
  claims(() => world)
}

async function startWorld(runtime: Stack['runtime']): Promise<World> {
  const started = await Promise.all(names.map(async (name) => [name, await startClerkSimulator()] as const))
  const issuers = Object.fromEntries(started) as Record<Name, ClerkSimulator>
  const config = started.map(([name, { issuer, url }]) => [
    name,
    {
      issuer,
      audience: 'ai',
      algorithms: ['RS256'],
      jwksUrl: url + KEYS,
      planClaim: 'app.plan',
      organizationClaim: 'tenant',
      tokenLifetimeMaxSeconds: 300,
    },
  ])
  const identity = { authorizedParties: ['http://localhost:3000'], issuers: Object.fromEntries(config) }
  return { stack: await startStack(runtime, { config: { identity } }), issuers }
}

function mint({ issuers }: World, name: Name, claims: Record<string, unknown> = {}): Promise<string> {
  return issuers[name].mint({ user: newUser(), overrides: { claims: { aud: 'ai', ...claims } } })
}

const reads = ({ issuers }: World, name: Name) => issuers[name].requests[KEYS] ?? 0

function chat({ stack }: World, token: string, key = 'x'): Promise<Response> {
  return call(stack, token, CHAT, { body: keyed(key) })
}

function outages(world: () => World): void {
  it.concurrent('503 then 200: keys that were never read cannot be had, and are asked for once in 30 s', async () => {
    const { issuers, stack } = world()
    issuers.cold.faults.jwks = 'error'
    const sub = newUser()
    const token = await mint(world(), 'cold', { sub })
    const answers = await Promise.all(Array.from({ length: 20 }, () => chat(world(), token, sub)))
    for (const answer of answers) {
      await expectRefusal(answer, { status: 503, code: 'identity_unavailable', retry: true, says: 'again' })
      expect(retryAfter(answer)).toBeGreaterThan(0)
      expect(retryAfter(answer)).toBeLessThanOrEqual(30)
    }
    expect(reads(world(), 'cold')).toBe(1)
    expect(stack.provider.billFor(sub)).toBeUndefined()
    await expectUntouched(stack, `cold:user:${sub}`)
    issuers.cold.faults.jwks = 'ok'
    await until('the keys are read again', NEXT_READ_MS, async () => {
      return (await chat(world(), await mint(world(), 'cold'))).status === 200
    })
    expect(reads(world(), 'cold')).toBe(2)
    await until('the outage is logged', 5000, () => stack.log().includes('identity_keys_unavailable'))
  })

  it.concurrent('200: keys that were read serve on while the issuer is down', async () => {
    expect((await chat(world(), await mint(world(), 'warm'))).status).toBe(200)
    world().issuers.warm.faults.jwks = 'error'
    expect((await chat(world(), await mint(world(), 'warm'))).status).toBe(200)
    expect(reads(world(), 'warm')).toBe(1)
  })

  it.concurrent('503: an issuer that never answers keeps nobody waiting for long', async () => {
    world().issuers.hanging.faults.jwks = 'hang'
    const token = await mint(world(), 'hanging')
    const started = performance.now()
    const answers = await Promise.all([chat(world(), token), chat(world(), token)])
    expect(performance.now() - started).toBeLessThan(15_000)
    for (const answer of answers) {
      await expectRefusal(answer, { status: 503, code: 'identity_unavailable', retry: true })
    }
    expect(reads(world(), 'hanging')).toBe(1)
  })
}

function rotation(world: () => World): void {
  it.concurrent('200: after a rotation the new key is found, and the old one is no longer good', async () => {
    const { issuers } = world()
    const old = await mint(world(), 'rotating', { exp: Math.floor(Date.now() / 1000) + 120 })
    expect((await chat(world(), old)).status).toBe(200)
    // Never seen by the gateway, so that its verdict is not in the cache of verified tokens.
    const oldToo = await mint(world(), 'rotating', { exp: Math.floor(Date.now() / 1000) + 120 })
    issuers.rotating.rotateKeys()
    await until('the new key is found', NEXT_READ_MS, async () => {
      return (await chat(world(), await mint(world(), 'rotating'))).status === 200
    })
    await expectRefusal(await chat(world(), oldToo), {
      status: 401,
      code: 'invalid_token',
      says: 'does not publish',
    })
    expect(reads(world(), 'rotating')).toBe(2)
  })

  it.concurrent('401: a flood of unknown key ids costs the issuer nothing', async () => {
    const { issuers } = world()
    expect((await chat(world(), await mint(world(), 'flooded'))).status).toBe(200)
    const flood = Array.from({ length: 50 }, (_, index) =>
      issuers.flooded.mint({
        user: newUser(),
        overrides: { claims: { aud: 'ai' }, header: { kid: `made-up-${index}` } },
      }),
    )
    const answers = await Promise.all(flood.map(async (token) => chat(world(), await token)))
    for (const answer of answers) {
      await expectRefusal(answer, { status: 401, code: 'invalid_token', says: 'does not publish' })
    }
    expect(reads(world(), 'flooded')).toBe(1)
    expect((await chat(world(), await mint(world(), 'flooded'))).status).toBe(200)
  })
}

function claims(world: () => World): void {
  it.concurrent('200: plan and organization are read where the config says', async () => {
    const sub = newUser()
    const token = await mint(world(), 'checked', { sub, app: { plan: 'team' }, tenant: `t/${sub}` })
    const answer = await chat(world(), token, sub)
    expect(answer.status, await answer.text()).toBe(200)
    const [charge, allowance] = await entriesOf(world().stack, `checked:org:t/${sub}`)
    expect(charge).toMatchObject({ kind: 'charge', member: `checked:user:${sub}` })
    expect(allowance).toMatchObject({ kind: 'grant', credits: 100 })
  })

  const bad: [string, Record<string, unknown>][] = [
    ['another audience', { aud: 'billing' }],
    ['no audience', { aud: undefined }],
    ['a life of 301 s', { exp: Math.floor(Date.now() / 1000) + 3600, iat: Math.floor(Date.now() / 1000) }],
    ['a plan that is no text', { app: { plan: ['pro'] } }],
    ['a subject that is no text', { sub: 7 }],
  ]
  it.concurrent.each(bad)('401: %s', async (_name, overrides) => {
    const token = await mint(world(), 'checked', overrides)
    await expectRefusal(await chat(world(), token, token.slice(-40)), { status: 401, code: 'invalid_token' })
    expect(world().stack.provider.billFor(token.slice(-40))).toBeUndefined()
  })

  it.concurrent('401: what can be refused from the text alone reads no keys', async () => {
    const expired = { exp: Math.floor(Date.now() / 1000) - 60, iat: Math.floor(Date.now() / 1000) - 120 }
    const [late, other] = await Promise.all([
      chat(world(), await mint(world(), 'hidden', expired)),
      chat(world(), await mint(world(), 'hidden', { aud: 'other' })),
    ])
    await expectRefusal(late, { status: 401, code: 'token_expired' })
    await expectRefusal(other, { status: 401, code: 'invalid_token' })
    expect(reads(world(), 'hidden')).toBe(0)
  })
}
