/** The self-hosted server as its operator starts it: one command with an environment of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

export type ServerProcess = {
  pid: number
  /** Everything that it printed. */
  output(): string
  /** Resolves to the exit code once it has ended; null after a signal. */
  ended: Promise<number | null>
  signal(signal: NodeJS.Signals): void
}

const bun = [join(root, 'node_modules/.bin/bun'), '--no-env-file', 'apps/server/src/main.ts']

/** Starts the server with exactly these of its variables. `command` is what `pnpm start` runs, or another. */
export function spawnServer(env: Record<string, string>, command: string[] = bun): ServerProcess {
  const [file = '', ...args] = command
  const child = spawn(file, args, {
    cwd: root,
    env: { ...machine(), ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${file} could not be started`)
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => output.push(text))
  }
  return { pid, output: () => output.join(''), ended: ending(child), signal: signalGroup(child, pid) }
}

/** The machine's own variables, without any that the server would read. */
function machine(): NodeJS.ProcessEnv {
  const ours = /^(?:CLERK|NEXT_PUBLIC|OPENAI|ANTHROPIC|GEMINI|STRIPE|FAREGATE|DATABASE_URL|PORT$|HOST$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

function ending(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => child.once('close', (code) => done(code)))
}

/** Signals the whole group, so that what a package manager started ends with it. */
function signalGroup(child: ChildProcess, pid: number): (signal: NodeJS.Signals) => void {
  return (signal) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, signal)
  }
}

/** Waits until it answers at this port; throws with what it printed if it ends or does not. */
export async function untilReady(server: ServerProcess, port: number): Promise<string> {
  const url = `http://127.0.0.1:${port}`
  let code: number | null | undefined
  void server.ended.then((ended) => {
    code = ended
  })
  await until('the server answers', 60_000, async () => {
    if (code !== undefined) throw new Error(`The server ended with ${code}: ${server.output()}`)
    return fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
  })
  return url
}
