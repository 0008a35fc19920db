/**
 * A whole gateway as its users meet it: a real process on a real socket (Bun, or the Worker in workerd), a simulated
 * Clerk and a scripted model provider around it. Every scenario runs against both runtimes through this.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ClerkSimulator, startClerkSimulator } from '@faregate/simulators/clerk'
import { type ScriptedProvider, startScriptedProvider } from '@faregate/simulators/provider'
import { type StripeSimulator, startStripeSimulator } from '@faregate/simulators/stripe'
import { writeWorkerTsconfig } from '../../scripts/worker-tsconfig.ts'
import { dialectEnvironment, testConfig } from './config.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

export type Runtime = 'server' | 'worker'

export const ADMIN_KEY = 'admin-canary-0123456789'
export const CLERK_WEBHOOK_SECRET = 'whsec_ZTJlLWNhbmFyeS1jbGVyay13ZWJob29r'
export const PROVIDER_KEY = 'sk-canary-operator-0123456789'
export const ANTHROPIC_KEY = 'sk-ant-canary-operator-0123456789'

export type StackOptions = {
  /** Changes to the test config, by top-level key. */
  config?: Record<string, unknown>
  env?: Record<string, string>
}

export type Stack = {
  runtime: Runtime
  /** Without a trailing slash. */
  url: string
  clerk: ClerkSimulator
  provider: ScriptedProvider
  stripe: StripeSimulator
  /** Where the gateway keeps its data and config. */
  folder: string
  /** Everything that the gateway printed. */
  log(): string
  /** Ends the gateway with a signal and waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts the gateway again on the same data. */
  start(): Promise<void>
  stop(): Promise<void>
}

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** What the test config's plans are sold for. */
const prices = (['pro', 'max'] as const).map((plan) => ({
  id: `price_${plan}_month`,
  product: plan,
  unit_amount: plan === 'pro' ? 2000 : 5000,
  interval: 'month' as const,
}))

/** Starts a stack; ready for requests when it resolves. */
export async function startStack(runtime: Runtime, options: StackOptions = {}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), 'faregate-e2e-'))
  const clerk = await startClerkSimulator()
  const provider = await startScriptedProvider()
  const stripe = await startStripeSimulator({ prices })
  const port = await freePort()
  const configPath = join(folder, 'config.json')
  writeFileSync(configPath, JSON.stringify({ ...testConfig(provider.url), ...options.config }))
  const env = {
    CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
    CLERK_JWT_KEY: clerk.jwtKey,
    CLERK_WEBHOOK_SIGNING_SECRET: CLERK_WEBHOOK_SECRET,
    OPENAI_API_KEY: PROVIDER_KEY,
    OPENAI_BASE_URL: provider.url,
    ANTHROPIC_API_KEY: ANTHROPIC_KEY,
    ANTHROPIC_BASE_URL: provider.url.replace(/\/v1$/, ''),
    ...dialectEnvironment(provider.url),
    GEMINI_API_KEY: PROVIDER_KEY,
    GEMINI_BASE_URL: provider.url.replace(/\/v1$/, ''),
    ...stripe.environment,
    FAREGATE_ADMIN_KEY: ADMIN_KEY,
    FAREGATE_CONFIG: configPath,
    DATABASE_URL: `file:${join(folder, 'faregate.db')}`,
    HOST: '127.0.0.1',
    PORT: String(port),
    ...options.env,
  }
  const output: string[] = []
  let child: ChildProcess | null = null
  const url = `http://127.0.0.1:${port}`
  stripe.setWebhook({ url: `${url}/webhooks/stripe`, secret: stripe.webhookSecret })
  const kill = async (signal: NodeJS.Signals) => {
    if (child) await endProcess(child, signal)
    child = null
  }
  const start = async () => {
    child = runtime === 'server' ? startServer(env, output) : startWorker(env, folder, output)
    await untilHealthy(child, url, output)
  }
  await start()
  const stop = async () => {
    await kill('SIGTERM')
    await Promise.all([clerk.stop(), provider.stop(), stripe.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
  // Wrangler prints a line for each request, with its path; what the gateway itself says is the rest.
  const log = () => output.join('').replace(/^.*\[wrangler:.*$/gm, '')
  return { runtime, url, clerk, provider, stripe, folder, log, kill, start, stop }
}

function startServer(env: Record<string, string>, output: string[]): ChildProcess {
  const bun = join(root, 'node_modules/.bin/bun')
  const more = { BUN_CONFIG_MAX_HTTP_REQUESTS: '65336' }
  return collect(
    spawn(bun, ['--no-env-file', 'apps/server/src/main.ts'], options(root, { ...env, ...more })),
    output,
  )
}

function startWorker(env: Record<string, string>, folder: string, output: string[]): ChildProcess {
  const file = join(folder, 'worker.env')
  const lines = Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  writeFileSync(file, lines.join('\n'))
  const cwd = join(root, 'apps/worker')
  const args = [
    ...['dev', '--ip', '127.0.0.1', '--port', env['PORT'] ?? '0', '--inspector-port', '0'],
    ...['--show-interactive-dev-session=false', '--log-level', 'log', '--env-file', file],
    ...['--tsconfig', writeWorkerTsconfig(env['FAREGATE_CONFIG'] ?? '', folder)],
    ...['--persist-to', join(folder, 'state')],
  ]
  const quiet = {
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    // Wrangler's own traces hold what was sent; they are no part of the gateway.
    X_LOCAL_OBSERVABILITY: 'false',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_LOG_PATH: folder,
  }
  return collect(spawn(join(cwd, 'node_modules/.bin/wrangler'), args, options(cwd, quiet)), output)
}

function options(cwd: string, env: Record<string, string>): SpawnOptions {
  // A process group of its own, so that wrangler's workerd ends with it.
  return { cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }
}

function collect(child: ChildProcess, output: string[]): ChildProcess {
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => output.push(text))
  }
  return child
}

async function untilHealthy(child: ChildProcess, url: string, output: string[]): Promise<void> {
  await until('the gateway answers', 60_000, async () => {
    if (child.exitCode !== null) throw new Error(`The gateway ended: ${output.join('')}`)
    return fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${output.join('')}`)
  })
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const group = -child.pid
  const gone = new Promise((done) => child.once('exit', done))
  process.kill(group, signal)
  const timer = setTimeout(() => process.kill(group, 'SIGKILL'), 10_000)
  await gone
  clearTimeout(timer)
}
