/** The self-hosted server as an operator meets it: the one command, every refusal to start, and a stop that loses nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClerkSimulator, startClerkSimulator } from '@faregate/simulators/clerk'
import { type ScriptedProvider, startScriptedProvider } from '@faregate/simulators/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyed, newUser } from './harness/calls.ts'
import { testConfig } from './harness/config.ts'
import { freePort } from './harness/free-port.ts'
import { expectRefusal } from './harness/refusals.ts'
import { type ServerProcess, spawnServer, untilReady } from './harness/server-process.ts'
import { until } from './harness/until.ts'

const ADMIN = 'admin-of-the-start-up-test'

let clerk: ClerkSimulator
let provider: ScriptedProvider
let folder: string
const started: ServerProcess[] = []
let files = 0

beforeAll(async () => {
  clerk = await startClerkSimulator()
  provider = await startScriptedProvider()
  folder = mkdtempSync(join(tmpdir(), 'faregate-start-'))
})

afterAll(async () => {
  for (const server of started) server.signal('SIGKILL')
  await Promise.all(started.map(({ ended }) => ended))
  await Promise.all([clerk.stop(), provider.stop()])
  rmSync(folder, { recursive: true, force: true })
})

/** The smallest config that serves a model. */
function config(): Record<string, unknown> {
  const { fast } = testConfig(provider.url)['models'] as Record<string, unknown>
  const allowance = { credits: 10, every: 'month' }
  return {
    credit: { usd: 1 },
    providers: { openai: { type: 'openai' } },
    models: { fast },
    plans: { free: { slugs: ['free_user'], models: '*', allowance, limits: {} } },
    defaultPlan: 'free',
    identity: { authorizedParties: ['http://localhost:3000'] },
  }
}

/** A file of its own in the test's folder; text as it is, anything else as JSON. */
function file(content: unknown, extension = 'json'): string {
  files += 1
  const path = join(folder, `config-${files}.${extension}`)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** The environment of the README's command, with other values or without some of them. */
function environment(over: Record<string, string | undefined> = {}): Record<string, string> {
  files += 1
  const whole: Record<string, string | undefined> = {
    CLERK_JWT_KEY: clerk.jwtKey,
    OPENAI_API_KEY: 'sk-start-up',
    OPENAI_BASE_URL: provider.url,
    DATABASE_URL: `file:${join(folder, `data-${files}`, 'faregate.db')}`,
    FAREGATE_CONFIG: file(config()),
    FAREGATE_ADMIN_KEY: ADMIN,
    PORT: '0',
    ...over,
  }
  return Object.fromEntries(
    Object.entries(whole).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

async function start(
  env: Record<string, string>,
  command?: string[],
): Promise<{ server: ServerProcess; url: string }> {
  const port = await freePort()
  const server = spawnServer({ ...env, PORT: String(port) }, command)
  started.push(server)
  return { server, url: await untilReady(server, port) }
}

/** Starts what must not start; returns what it printed. Fails when it has not ended by itself in time. */
async function refused(env: Record<string, string>): Promise<string> {
  const server = spawnServer(env)
  started.push(server)
  let code: number | null | undefined
  void server.ended.then((ended) => {
    code = ended
  })
  await until(`the server ends (${server.output()})`, 15_000, () => code !== undefined)
  expect(server.output()).not.toContain('listening')
  expect(code).toBe(1)
  return server.output()
}

async function ask(url: string, body: unknown): Promise<Response> {
  const token = await clerk.mint({ user: newUser(), plan: 'free_user' })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) })
}

describe('pnpm start', () => {
  it('200: runs the real thing with no simulator in it', async () => {
    const { server, url } = await start(environment({ HOST: '127.0.0.1' }), ['npx', '-y', 'pnpm@12', 'start'])
    const answer = await ask(url, keyed('pnpm-start'))
    expect(answer.status, await answer.text()).toBe(200)
    expect(provider.requests.at(-1)?.headers['authorization']).toBe('Bearer sk-start-up')
    const token = await fetch(`${url}/dev/token`, { method: 'POST' })
    await expectRefusal(token, { status: 404, code: 'unsupported_endpoint' })
    expect(server.output()).toContain('"mode":"production"')
    expect(server.output()).not.toMatch(/simulat/i)
    server.signal('SIGTERM')
    await server.ended
  })
})

describe('a server that lacks something refuses to start, and says what', () => {
  const cases: [string, () => Record<string, string>, RegExp[]][] = [
    [
      'no identity',
      () => environment({ CLERK_JWT_KEY: undefined }),
      [/CLERK_PUBLISHABLE_KEY/, /CLERK_JWT_KEY/],
    ],
    ['a key that is no key', () => environment({ CLERK_JWT_KEY: 'secret-canary' }), [/CLERK_JWT_KEY/]],
    [
      'no provider key',
      () => environment({ OPENAI_API_KEY: undefined, OPENAI_BASE_URL: undefined }),
      [/OPENAI_API_KEY/],
    ],
    [
      'an empty provider key',
      () => environment({ OPENAI_API_KEY: ' ', OPENAI_BASE_URL: undefined }),
      [/OPENAI_API_KEY/],
    ],
    [
      'Postgres',
      () => environment({ DATABASE_URL: 'postgres://u:secret-canary@db/f' }),
      [/DATABASE_URL/, /Postgres/, /SQLite/],
    ],
    ['memory', () => environment({ DATABASE_URL: 'file::memory:' }), [/DATABASE_URL/]],
    ['no file', () => environment({ DATABASE_URL: '/tmp/x.db' }), [/DATABASE_URL/, /file:/]],
    [
      'a simulator',
      () => environment({ FAREGATE_DEV_CLERK_URL: 'http://localhost:1' }),
      [/FAREGATE_DEV_CLERK_URL/, /production/],
    ],
    ['a port that is none', () => environment({ PORT: '99999' }), [/PORT/]],
    [
      'an empty Stripe secret',
      () => environment({ STRIPE_WEBHOOK_SECRET: '' }),
      [/STRIPE_WEBHOOK_SECRET/, /empty/],
    ],
    [
      'an empty Clerk secret',
      () => environment({ CLERK_WEBHOOK_SIGNING_SECRET: ' ' }),
      [/CLERK_WEBHOOK_SIGNING_SECRET/],
    ],
    [
      'a short admin key',
      () => environment({ FAREGATE_ADMIN_KEY: 'short-canary' }),
      [/FAREGATE_ADMIN_KEY/, /openssl/],
    ],
    [
      'no config file',
      () => environment({ FAREGATE_CONFIG: join(folder, 'none.json') }),
      [/none\.json/, /FAREGATE_CONFIG/],
    ],
    [
      'JSON that is not',
      () => environment({ FAREGATE_CONFIG: file('{ credit: 1 }') }),
      [/config-\d+\.json/, /not JSON/],
    ],
    ['a list', () => environment({ FAREGATE_CONFIG: file([]) }), [/config/]],
    [
      'a module without a config',
      () => environment({ FAREGATE_CONFIG: file('export const a = 1', 'js') }),
      [/config|default/],
    ],
    [
      'a module that throws',
      () => environment({ FAREGATE_CONFIG: file('throw new Error("no luck")', 'js') }),
      [/no luck/],
    ],
  ]
  it.concurrent.each(cases)('exit 1: %s', async (_name, env, words) => {
    const said = await refused(env())
    for (const word of words) expect(said).toMatch(word)
    expect(said).not.toMatch(/canary|at .+\.ts:\d+/)
  })

  it.concurrent('exit 1: every error of config and environment at once', async () => {
    const bad = {
      ...config(),
      models: { fast: { provider: 'opnai' }, other: { provider: 'openai', upstreamModel: 'no-such-model' } },
      plans: { free: { models: ['fsat'], limit: {} } },
      defaultPlan: 'fre',
      credit: { usd: 0 },
    }
    const env = environment({ FAREGATE_CONFIG: file(bad), PORT: 'http', DATABASE_URL: 'mysql://x' })
    const said = await refused(env)
    for (const word of [
      'models.fast',
      'models.other',
      'plans.free',
      'defaultPlan',
      'credit.usd',
      'PORT',
      'DATABASE_URL',
      'did you mean "openai"',
    ]) {
      expect(said).toContain(word)
    }
  })

  it.concurrent('exit 1: a port that is taken, and the data is let go', async () => {
    const taken = createServer()
    const port = await new Promise<number>((done) => {
      taken.listen(0, '127.0.0.1', () => {
        const address = taken.address()
        done(typeof address === 'object' && address ? address.port : 0)
      })
    })
    const said = await refused(environment({ PORT: String(port), HOST: '127.0.0.1' }))
    await new Promise((done) => taken.close(done))
    expect(said).toContain(String(port))
    expect(said).toMatch(/in use/)
  })

  it.concurrent('exit 1: data whose credits were sold at another price', async () => {
    const env = environment({ HOST: '127.0.0.1' })
    const { server } = await start(env)
    server.signal('SIGTERM')
    expect(await server.ended).toBe(0)
    const dearer = { ...config(), credit: { usd: 2 } }
    const said = await refused({ ...env, FAREGATE_CONFIG: file(dearer) })
    expect(said).toMatch(/credit\.usd is 2, .* sold at 1 USD/)
    const same = { ...config(), credit: { usd: '1.00' } }
    const again = await start({ ...env, FAREGATE_CONFIG: file(same) })
    again.server.signal('SIGTERM')
    expect(await again.server.ended).toBe(0)
  })
})

describe('the admin key', () => {
  it.concurrent('404: without one there are no admin routes', async () => {
    const { url, server } = await start(environment({ FAREGATE_ADMIN_KEY: undefined, HOST: '127.0.0.1' }))
    for (const key of ['', 'undefined', 'null', ADMIN]) {
      const answer = await fetch(`${url}/admin/accounts/clerk:user_1`, {
        headers: { authorization: `Bearer ${key}` },
      })
      await expectRefusal(answer, { status: 404, code: 'unsupported_endpoint' })
    }
    expect(server.output()).toContain('FAREGATE_ADMIN_KEY is not set')
  })

  it.concurrent('200: two at once, to rotate', async () => {
    const second = 'the-next-admin-key-0123'
    const { url } = await start(environment({ FAREGATE_ADMIN_KEY: `${ADMIN}, ${second}`, HOST: '127.0.0.1' }))
    const ask = (key: string) =>
      fetch(`${url}/admin/accounts/clerk:user_1`, { headers: { authorization: `Bearer ${key}` } })
    expect((await ask(ADMIN)).status).toBe(200)
    expect((await ask(second)).status).toBe(200)
    expect((await ask(`${ADMIN}, ${second}`)).status).toBe(401)
    expect((await ask('')).status).toBe(401)
  })
})

describe('SIGTERM', () => {
  it.concurrent('exit 0: answers under way end and are settled; data outlives the restart', async () => {
    const env = environment({ HOST: '127.0.0.1' })
    const { url, server } = await start(env)
    const user = newUser()
    const token = await clerk.mint({ user, plan: 'free_user' })
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const post = (body: unknown) =>
      fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) })
    const slow = { promptTokens: 100, completionTokens: 50, chunks: 10, chunkDelayMs: 150 }
    const stream = await post(keyed(user, slow, { stream: true, stream_options: { include_usage: true } }))
    const buffered = post(keyed(user, { ...slow, headersDelayMs: 1200 }))
    await until('both are at the provider', 5000, () => {
      return provider.bills().filter(({ keys }) => keys.includes(user)).length === 2
    })
    server.signal('SIGTERM')
    const text = await stream.text()
    expect(text).toContain('"creditsCharged":0.0002')
    expect(text.trimEnd()).toMatch(/data: \[DONE\]$/)
    expect(((await (await buffered).json()) as { usage: unknown }).usage).toMatchObject({
      faregate: { creditsCharged: 0.0002 },
    })
    expect(await server.ended).toBe(0)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()

    const again = await start(env)
    const shown = await fetch(`${again.url}/v1/account`, { headers })
    expect(await shown.json()).toMatchObject({ credits: { available: 9.9996, held: 0 } })
    again.server.signal('SIGINT')
    expect(await again.server.ended).toBe(0)
  })
})
