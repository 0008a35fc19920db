/** The processes of dev mode: started together, stopped together. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { writeWorkerTsconfig } from '../worker-tsconfig.ts'
import type { Environment } from './environment.ts'

const READY_TIMEOUT_MS = 120_000

/** Where dev mode keeps what it must: balances, simulated users' sessions, and what the Worker is started with. */
export const devFolder = resolve(process.env['FAREGATE_DEV_FOLDER'] ?? 'data/dev')

const children: ChildProcess[] = []
let stopping = false

/** Starts the gateway as a Worker in workerd, or as the self-hosted server. */
export function startGateway(runtime: 'worker' | 'server', environment: Environment, port: number): void {
  if (runtime === 'server') {
    run('bun', ['--no-env-file', 'apps/server/src/main.ts', '--dev'], {
      ...environment,
      BUN_CONFIG_MAX_HTTP_REQUESTS: '65336',
    })
    return
  }
  const { FAREGATE_CONFIG } = environment
  const config = FAREGATE_CONFIG ? ['--tsconfig', writeWorkerTsconfig(FAREGATE_CONFIG, devFolder)] : []
  const flags = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0']
  const persist = ['--persist-to', join(devFolder, 'worker')]
  const quiet = ['--show-interactive-dev-session=false', '--log-level', 'warn']
  run(
    'wrangler',
    ['dev', ...flags, ...quiet, ...persist, '--env-file', workerFile(environment), ...config],
    {
      ...environment,
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      // Wrangler's own traces hold what was sent; prompts are kept nowhere.
      X_LOCAL_OBSERVABILITY: 'false',
      WRANGLER_SEND_METRICS: 'false',
    },
    'apps/worker',
  )
}

/** Starts the web app. Its own variables must not be read from the files again: they are in the environment. */
export function startWeb(environment: Environment, port: number): void {
  run(
    'next',
    ['dev', '-H', 'localhost', '-p', String(port)],
    {
      ...environment,
      NEXT_TELEMETRY_DISABLED: '1',
    },
    'apps/next',
  )
}

/** What wrangler gives to the Worker: the gateway's own variables, in a file only its owner can read. */
function workerFile(environment: Environment): string {
  const names = /^(?:CLERK_|OPENAI_|ANTHROPIC_|GEMINI_|STRIPE_|FAREGATE_|HOST$|PORT$)|_KEY$|_URL$/
  const lines = Object.entries(environment)
    .filter(([name]) => names.test(name) && !name.startsWith('npm_'))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  const path = join(devFolder, 'worker.env')
  mkdirSync(devFolder, { recursive: true })
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
  return path
}

function run(command: string, args: string[], environment: Environment, cwd = '.'): void {
  const bin = [resolve(cwd, 'node_modules/.bin'), resolve('node_modules/.bin')].join(':')
  const env = { ...process.env, ...environment, PATH: `${bin}:${process.env['PATH']}` }
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] })
  children.push(child)
  child.on('exit', (code) => {
    if (stopping) return
    console.error(`${command} ended with code ${code}; stopping the rest.`)
    void stopAll().then(() => process.exit(1))
  })
}

/** Ends every process that was started, and waits until they are gone. */
export async function stopAll(): Promise<void> {
  stopping = true
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
      await gone
      clearTimeout(timer)
    }),
  )
}

/** Waits until a page answers, whatever its status below 500. */
export async function untilReady(url: string, what: string): Promise<void> {
  const until = Date.now() + READY_TIMEOUT_MS
  while (Date.now() < until) {
    try {
      const answer = await fetch(url, { redirect: 'manual' })
      if (answer.status < 500) return
      if (answer.headers.get('content-type')?.includes('json')) console.error(await answer.text())
    } catch {
      // Not listening yet.
    }
    await new Promise((done) => setTimeout(done, 250))
  }
  throw new Error(`${what} did not answer at ${url} within ${READY_TIMEOUT_MS / 1000} s.`)
}

/** Throws, naming the way out, when something listens on the port already. */
export async function freePort(port: number): Promise<void> {
  await new Promise<void>((done, fail) => {
    const server = createServer()
    server.once('error', () => {
      fail(
        new Error(
          `Port ${port} is in use. Stop what listens there, or set PORT, FAREGATE_DEV_WEB_PORT or FAREGATE_DEV_CLERK_PORT.`,
        ),
      )
    })
    server.listen(port, '127.0.0.1', () => server.close(() => done()))
  })
}
