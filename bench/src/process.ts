/** Processes pinned to a core, and what they cost: CPU time and memory of a process and all its children. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { dirname } from 'node:path'

/** A process that the bench started. */
export type Running = Readonly<{ pid: number; stop: () => Promise<void>; exited: () => boolean }>

export type StartOptions = Readonly<{
  core: number
  env?: Readonly<Record<string, string>>
  cwd?: string
  /** Where its output goes. */
  log: string
}>

const KILL_AFTER_MS = 5_000
const MICROSECONDS = 1_000_000

const hasTaskset = (() => {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** False where taskset is missing: the figures then say little. */
export const canPin = (): boolean => hasTaskset

/** The command, pinned and with as many open files as this user may have. */
const pinned = (command: readonly string[], core: number): string[] => {
  const pin = hasTaskset ? ['taskset', '-c', String(core)] : []
  return ['-c', 'ulimit -n "$(ulimit -Hn)"; exec "$@"', 'sh', ...pin, ...command]
}

const stopGroup = async (child: ChildProcess, pid: number): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const kill = (signal: NodeJS.Signals) => {
    try {
      // Its own group: whatever it started goes with it, and nothing else does.
      process.kill(-pid, signal)
    } catch {
      // Gone already.
    }
  }
  kill('SIGTERM')
  const timer = setTimeout(() => kill('SIGKILL'), KILL_AFTER_MS)
  await gone
  clearTimeout(timer)
  kill('SIGKILL')
}

/** Starts a long-lived process on a core. */
export const start = (command: readonly string[], options: StartOptions): Running => {
  mkdirSync(dirname(options.log), { recursive: true })
  const log = openSync(options.log, 'w')
  const child = spawn('sh', pinned(command, options.core), {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', log, log],
    detached: true,
  })
  closeSync(log)
  const { pid } = child
  if (pid === undefined) throw new Error(`could not start ${command.join(' ')}`)
  return {
    pid,
    stop: () => stopGroup(child, pid),
    exited: () => child.exitCode !== null || child.signalCode !== null,
  }
}

/** Runs a command on a core to its end and returns its output's first line that is JSON, parsed by `read`. */
export const run = <T>(
  command: readonly string[],
  core: number,
  read: (line: string) => T,
): { first: Promise<T>; ended: Promise<void>; stop: () => Promise<void> } => {
  const child = spawn('sh', pinned(command, core), { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const { pid } = child
  if (pid === undefined) throw new Error(`could not start ${command.join(' ')}`)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const first = new Promise<T>((resolve, reject) => {
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
      const line = text.split('\n').find((candidate) => candidate.startsWith('{') && candidate.endsWith('}'))
      if (line !== undefined) resolve(read(line))
    })
    void ended.then(() => reject(new Error(`the load ended without a result: ${text}`)))
  })
  return { first, ended, stop: () => stopGroup(child, pid) }
}

type Stat = { pid: number; parent: number; ticks: number }

const statOf = (pid: string): Stat[] => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const close = text.lastIndexOf(')')
    const fields = text.slice(close + 2).split(' ')
    return [{ pid: Number(pid), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }]
  } catch {
    return []
  }
}

/** The process and its descendants. */
const tree = (root: number): Stat[] => {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap(statOf)
  const inside = new Set([root])
  for (let grown = true; grown; ) {
    const before = inside.size
    for (const stat of all) if (inside.has(stat.parent)) inside.add(stat.pid)
    grown = inside.size > before
  }
  return all.filter((stat) => inside.has(stat.pid))
}

/** User and system time so far, in microseconds. */
export const cpuOf = (root: number): number =>
  (tree(root).reduce((sum, stat) => sum + stat.ticks, 0) / ticksPerSecond) * MICROSECONDS

/** Resident memory now, in MB. */
export const memoryOf = (root: number): number => {
  const kilobytes = tree(root).map(({ pid }) => {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
    } catch {
      return 0
    }
  })
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1024
}

/** A free loopback port. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
