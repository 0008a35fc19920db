/** The measurements: each is one run of the load generator against one port. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LoadPlan, LoadResult } from './load.ts'
import { cpuOf, memoryOf, type Running, run } from './process.ts'
import { bun, type Proxy } from './proxies.ts'
import { type Tokens } from './tokens.ts'
import { requestBody } from './workload.ts'

const LOAD_CORE = 0
const CONNECTIONS = 64
const OPEN_RATE = 500
const STREAM_CONNECTIONS = 16
const SETTLE_MS = 3_000
const READY_MS = 60_000
const load = join(dirname(fileURLToPath(import.meta.url)), 'load.ts')

/** A proxy that runs and answers. */
export type Target = Readonly<{ proxy: Proxy; port: number; running: Running }>

/** One round of one proxy. Times in microseconds. */
export type Round = Readonly<{
  cpuPerRequest: number
  requestsPerSecond: number
  cpuPerRequestAt500: number
  p50: number
  p99: number
  cpuPerStream: number
  errors: number
}>

export type Bench = Readonly<{
  tokens: Tokens
  accounts: number
  seconds: number
  folder: string
  next: () => number
}>

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const generate = async <T>(bench: Bench, to: Omit<LoadPlan, 'tokensFile' | 'offset'>) => {
  const { path } = await bench.tokens.file(bench.seconds + 60)
  const plan: LoadPlan = { ...to, tokensFile: path, offset: bench.next() }
  const file = join(bench.folder, 'plan.json')
  writeFileSync(file, JSON.stringify(plan))
  return run([bun, load, file], LOAD_CORE, (line) => JSON.parse(line) as T)
}

const measure = async (bench: Bench, to: Omit<LoadPlan, 'tokensFile' | 'offset'>): Promise<LoadResult> => {
  const { first, ended } = await generate<LoadResult>(bench, to)
  const result = await first
  await ended
  return result
}

const address = ({ proxy, port }: Target) => ({ port, path: proxy.path, headers: proxy.headers })

/** Runs a load and says what CPU time each answer took of the proxy. */
const withCpu = async (bench: Bench, target: Target, to: Omit<LoadPlan, 'tokensFile' | 'offset'>) => {
  const { running, proxy } = target
  const before = cpuOf(running.pid)
  const result = await measure(bench, to)
  const cpu = cpuOf(running.pid) - before
  if (result.errors > 0) console.log(`  ${proxy.name}: ${result.errors} errors, the first: ${result.sample}`)
  return { ...result, cpuEach: cpu / Math.max(1, result.requests) }
}

/** Asks the upstream directly: what the load and the upstream themselves take. */
export const measureDirect = (bench: Bench, upstreamPort: number): Promise<LoadResult> =>
  measure(bench, {
    port: upstreamPort,
    path: '/v1/chat/completions',
    headers: {},
    kind: 'plain',
    connections: CONNECTIONS,
    rate: OPEN_RATE,
    seconds: bench.seconds,
  })

/** Every measure of one proxy, once. */
export const measureRound = async (bench: Bench, target: Target): Promise<Round> => {
  const to = address(target)
  const { seconds } = bench
  const busy = await withCpu(bench, target, { ...to, kind: 'plain', connections: CONNECTIONS, seconds })
  const steady = await withCpu(bench, target, {
    ...to,
    kind: 'plain',
    connections: CONNECTIONS,
    rate: OPEN_RATE,
    seconds,
  })
  const streams = await withCpu(bench, target, {
    ...to,
    kind: 'stream',
    connections: STREAM_CONNECTIONS,
    seconds,
  })
  return {
    cpuPerRequest: busy.cpuEach,
    requestsPerSecond: busy.inTime / busy.seconds,
    cpuPerRequestAt500: steady.cpuEach,
    p50: steady.p50,
    p99: steady.p99,
    cpuPerStream: streams.cpuEach,
    errors: busy.errors + steady.errors + streams.errors,
  }
}

/** Work of both kinds before anything is measured, so that code is compiled and connections are open. */
export const warmUp = async (bench: Bench, target: Target, seconds: number): Promise<void> => {
  const to = address(target)
  await measure(bench, { ...to, kind: 'plain', connections: CONNECTIONS, seconds })
  await measure(bench, { ...to, kind: 'stream', connections: STREAM_CONNECTIONS, seconds })
}

/** Sends every account's token once; the CPU time of an account's first request with a new token. */
export const measureFirstSight = async (bench: Bench, target: Target): Promise<number> => {
  const to = address(target)
  const result = await withCpu(bench, target, {
    ...to,
    kind: 'plain',
    connections: CONNECTIONS,
    requests: bench.accounts,
  })
  return result.cpuEach
}

/** Resident memory, in MB, while so many slow streams are open. */
export const measureMemory = async (bench: Bench, target: Target, streams: number) => {
  const { running, proxy } = target
  const idle = memoryOf(running.pid)
  const to = { ...address(target), kind: 'slow' as const, connections: streams }
  const { first, ended, stop } = await generate<{ live: number; errors: number; sample: string }>(bench, to)
  const { live, errors, sample } = await first
  if (errors > 0) console.log(`  ${proxy.name}: ${errors} streams failed, the first: ${sample}`)
  await sleep(SETTLE_MS)
  const memory = memoryOf(running.pid)
  await stop()
  await ended
  await sleep(SETTLE_MS)
  return { idle, memory, live }
}

/** Waits until a proxy answers, and makes sure that it answers right. Throws with its reason if not. */
export const ready = async (bench: Bench, target: Target): Promise<void> => {
  const { path: tokensFile } = await bench.tokens.file(bench.seconds + 60)
  const token = readFileSync(tokensFile, 'latin1').split('\n', 1)[0] ?? ''
  const ask = (kind: 'plain' | 'stream') =>
    fetch(`http://127.0.0.1:${target.port}${target.proxy.path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        ...target.proxy.headers,
      },
      body: requestBody(kind),
      signal: AbortSignal.timeout(10_000),
    })
  const until = Date.now() + READY_MS
  let problem = 'it does not listen'
  while (Date.now() < until && !target.running.exited()) {
    try {
      const plain = await ask('plain')
      const text = await plain.text()
      const streamed = await (await ask('stream')).text()
      if (plain.ok && text.includes('"usage"') && streamed.includes('[DONE]')) return
      problem = `it answered ${plain.status} ${text.slice(0, 300)}`
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
    await sleep(200)
  }
  throw new Error(
    `${target.proxy.name} is not ready: ${target.running.exited() ? 'it ended at start' : problem}`,
  )
}
