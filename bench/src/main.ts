/**
 * `pnpm bench`: Faregate beside its peers and its limit, in one run. Load and upstream on core 0, the proxy on core
 * 1; rounds interleaved, medians, ratios. See README.md for what it measures and what it does not.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Bench,
  measureDirect,
  measureFirstSight,
  measureMemory,
  measureRound,
  ready,
  type Target,
  warmUp,
} from './measure.ts'
import { type Options, readOptions } from './options.ts'
import { canPin, freePort, type Running, start } from './process.ts'
import { bun, type Proxy, proxies, type Setting } from './proxies.ts'
import {
  type Direct,
  goalTable,
  judge,
  type Measured,
  requestTable,
  streamTable,
  summarize,
} from './report.ts'
import { createTokens } from './tokens.ts'

const here = dirname(fileURLToPath(import.meta.url))
const output = join(here, '..', '..', 'test-output')
const LOAD_CORE = 0
const WARM_UP_SECONDS = 0.5
// Portkey's figures still fall after two seconds of work.
const FIRST_WARM_UP_SECONDS = 4
const FIRST_SIGHT_ACCOUNTS_MIN = 1000

type Growing = { -readonly [K in keyof Measured]: Measured[K] } & { rounds: Measured['rounds'][number][] }
type Contender = { target: Target; measured: Growing; seen: number }

/** Starts all proxies that can run here; those that cannot are named with the reason. */
const startAll = async (bench: Bench, setting: Setting, list: readonly Proxy[], contenders: Contender[]) => {
  for (const proxy of list) {
    const missing = proxy.missing()
    if (missing !== null) {
      console.log(`skipped ${proxy.name}: ${missing}`)
      continue
    }
    const port = await freePort()
    let running: Running | null = null
    try {
      running = proxy.start(setting, port)
      await ready(bench, { proxy, port, running })
    } catch (error) {
      await running?.stop()
      console.log(
        `skipped: ${error instanceof Error ? error.message : String(error)} (log in ${setting.folder})`,
      )
      continue
    }
    const { name, title } = proxy
    contenders.push({
      seen: 0,
      target: { proxy, port, running },
      measured: { name, title, rounds: [], firstSightCpu: null, idleMemory: 0, memory: 0, live: 0 },
    })
  }
}

/** Sends every token to Faregate once when they are new, so that rounds measure users who are known. */
const showTokens = async (bench: Bench, contender: Contender) => {
  const { expires } = await bench.tokens.file(bench.seconds * 3 + FIRST_WARM_UP_SECONDS * 2 + 120)
  if (contender.seen === expires || contender.target.proxy.name !== 'faregate') return
  contender.seen = expires
  if (bench.accounts < FIRST_SIGHT_ACCOUNTS_MIN) return
  const cpu = await measureFirstSight(bench, contender.target)
  contender.measured.firstSightCpu ??= cpu
}

const runRounds = async (
  bench: Bench,
  options: Options,
  contenders: readonly Contender[],
  upstreamPort: number,
) => {
  const directs: Direct[] = []
  for (let round = 1; round <= options.rounds; round += 1) {
    const direct = await measureDirect(bench, upstreamPort)
    console.log(
      `round ${round}: upstream itself p50 ${Math.round(direct.p50)} µs, p99 ${Math.round(direct.p99)} µs`,
    )
    for (const contender of contenders) {
      const { target, measured } = contender
      await showTokens(bench, contender)
      await warmUp(bench, target, round === 1 ? FIRST_WARM_UP_SECONDS : WARM_UP_SECONDS)
      const result = await measureRound(bench, target)
      measured.rounds.push(result)
      const { cpuPerRequest, requestsPerSecond, cpuPerStream } = result
      const figures = [cpuPerRequest.toFixed(1), Math.round(requestsPerSecond), Math.round(cpuPerStream)]
      console.log(
        `  ${target.proxy.name}: ${figures[0]} µs/request, ${figures[1]}/s, ${figures[2]} µs/stream`,
      )
    }
  }
  for (const { target, measured } of contenders) {
    const { idle, memory, live } = await measureMemory(bench, target, options.streams)
    Object.assign(measured, { idleMemory: idle, memory, live })
  }
  return directs
}

const report = (options: Options, contenders: readonly Contender[], directs: readonly Direct[]) => {
  const summaries = contenders.map(({ measured }) => summarize(measured, directs))
  const goals = judge(summaries, options.streams)
  console.log(
    `\n${requestTable(summaries)}\n\n${streamTable(summaries, options.streams)}\n\n${goalTable(goals)}\n`,
  )
  const rounds = Object.fromEntries(contenders.map(({ measured }) => [measured.name, measured.rounds]))
  const machine = { cores: cpus().length, model: cpus()[0]?.model, node: process.version, pinned: canPin() }
  writeFileSync(
    join(output, 'bench.json'),
    JSON.stringify(
      { at: new Date().toISOString(), options, machine, summaries, goals, directs, rounds },
      null,
      2,
    ),
  )
  console.log('also in test-output/bench.json')
}

const main = async (options: Options) => {
  if (process.platform !== 'linux') throw new Error('the bench reads /proc, so it runs on Linux only')
  const folder = join(output, 'bench')
  mkdirSync(folder, { recursive: true })
  if (!canPin() || cpus().length < 2) console.log('no taskset or one core only: the figures say little here')
  const tokens = createTokens(options.accounts)
  let used = 0
  // Each load goes on where the last one stopped being sure to have been, so that all accounts get their turn.
  const next = () => {
    used += 7919
    return used
  }
  const bench: Bench = { tokens, accounts: options.accounts, seconds: options.seconds, folder, next }
  const upstreamPort = await freePort()
  const upstream = start([bun, join(here, 'upstream.ts'), String(upstreamPort)], {
    core: LOAD_CORE,
    log: join(folder, 'upstream.log'),
  })
  const setting: Setting = { upstreamPort, folder, publicPem: tokens.publicPem }
  const contenders: Contender[] = []
  const stopAll = async () => {
    await Promise.all([...contenders.map(({ target }) => target.running.stop()), upstream.stop()])
  }
  process.once('SIGINT', () => void stopAll().then(() => process.exit(130)))
  try {
    await startAll(bench, setting, proxies(upstreamPort, options.only, options.worker), contenders)
    const directs = await runRounds(bench, options, contenders, upstreamPort)
    report(options, contenders, directs)
  } finally {
    await stopAll()
  }
}

const options = readOptions(process.argv.slice(2))
if (options !== null) await main(options)
