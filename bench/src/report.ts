/** The medians, their ratios and the goals, as a table and as JSON. */
import type { Round } from './measure.ts'
import { CHUNKS } from './workload.ts'

/** What the upstream takes when asked directly, per round. */
export type Direct = Readonly<{ p50: number; p99: number }>

/** Everything that was measured of one proxy. */
export type Measured = Readonly<{
  name: string
  title: string
  rounds: readonly Round[]
  firstSightCpu: number | null
  idleMemory: number
  memory: number
  live: number
}>

export type Summary = Readonly<{
  name: string
  title: string
  cpuPerRequest: number
  cpuPerRequestAt500: number
  requestsPerSecond: number
  addedP50: number
  addedP99: number
  cpuPerStream: number
  cpuPerChunk: number
  firstSightCpu: number | null
  idleMemory: number
  memory: number
  live: number
  errors: number
}>

export type Goal = Readonly<{ goal: string; value: number | null; limit: number; met: boolean | null }>

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const high = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2
}

/** Medians over the rounds; added latencies are medians over the upstream's own. */
export const summarize = (measured: Measured, direct: readonly Direct[]): Summary => {
  const { rounds, ...rest } = measured
  const of = (pick: (round: Round) => number) => median(rounds.map(pick))
  const cpuPerStream = of((round) => round.cpuPerStream)
  return {
    ...rest,
    cpuPerRequest: of((round) => round.cpuPerRequest),
    cpuPerRequestAt500: of((round) => round.cpuPerRequestAt500),
    requestsPerSecond: of((round) => round.requestsPerSecond),
    addedP50: of((round) => round.p50) - median(direct.map((round) => round.p50)),
    addedP99: of((round) => round.p99) - median(direct.map((round) => round.p99)),
    cpuPerStream,
    cpuPerChunk: cpuPerStream / CHUNKS,
    errors: rounds.reduce((sum, round) => sum + round.errors, 0),
  }
}

const upTo = (goal: string, value: number | null, limit: number): Goal => ({
  goal,
  value,
  limit,
  met: value === null ? null : value <= limit,
})

/** The goals of the design. A null value: what it needs was not measured. */
export const judge = (summaries: readonly Summary[], streams: number): Goal[] => {
  const find = (name: string) => summaries.find((summary) => summary.name === name)
  const ours = find('faregate')
  const limit = find('nginx')
  const peer = find('portkey')
  const plain = find('worker-plain')
  const worker = find('worker')
  const ratio = (over: number | undefined, under: number | undefined) =>
    over === undefined || under === undefined || under === 0 ? null : over / under
  const throughput = ratio(ours?.requestsPerSecond, peer?.requestsPerSecond)
  const goals = [
    upTo('CPU per request, × nginx', ratio(ours?.cpuPerRequest, limit?.cpuPerRequest), 3.5),
    {
      goal: 'throughput at 64 connections, × Portkey (at least)',
      value: throughput,
      limit: 12,
      met: throughput === null ? null : throughput >= 12,
    },
    upTo('added p50 at 500/s, × nginx', ratio(ours?.addedP50, limit?.addedP50), 2),
    upTo('added p99 at 500/s, × Portkey', ratio(ours?.addedP99, peer?.addedP99), 0.1),
    upTo('CPU per streamed chunk, × nginx', ratio(ours?.cpuPerChunk, limit?.cpuPerChunk), 2),
    upTo(`memory at ${streams} live streams, MB`, ours?.memory ?? null, 130),
  ]
  if (worker === undefined && plain === undefined) return goals
  return [
    ...goals,
    upTo('workerd: CPU per request, × plain Worker', ratio(worker?.cpuPerRequest, plain?.cpuPerRequest), 5),
    upTo('workerd: CPU per stream, × plain Worker', ratio(worker?.cpuPerStream, plain?.cpuPerStream), 3),
  ]
}

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  return rows.map(line).join('\n')
}

const whole = (value: number) => Math.round(value).toLocaleString('en-US')
const tenths = (value: number) => value.toFixed(1)

const perNginx = (summaries: readonly Summary[], pick: (summary: Summary) => number) => {
  const nginx = summaries.find((summary) => summary.name === 'nginx')
  const base = nginx === undefined ? 0 : pick(nginx)
  return (summary: Summary) => (base === 0 ? '–' : tenths(pick(summary) / base))
}

/** Buffered answers. */
export const requestTable = (summaries: readonly Summary[]): string => {
  const times = perNginx(summaries, (summary) => summary.cpuPerRequest)
  const head = [
    'buffered answers',
    'CPU µs',
    '× nginx',
    'req/s',
    'CPU µs at 500/s',
    'added p50 µs',
    'added p99 µs',
  ]
  const rows = summaries.map((summary) => [
    summary.title,
    tenths(summary.cpuPerRequest),
    times(summary),
    whole(summary.requestsPerSecond),
    tenths(summary.cpuPerRequestAt500),
    whole(summary.addedP50),
    whole(summary.addedP99),
    summary.firstSightCpu === null ? '–' : tenths(summary.firstSightCpu),
    whole(summary.errors),
  ])
  return table([[...head, 'CPU µs, new token', 'errors'], ...rows])
}

/** Streams and memory. */
export const streamTable = (summaries: readonly Summary[], streams: number): string => {
  const times = perNginx(summaries, (summary) => summary.cpuPerChunk)
  const head = [
    `streams of ${CHUNKS} chunks`,
    'CPU µs',
    'CPU µs/chunk',
    '× nginx',
    'MB before',
    `MB at ${streams} live`,
  ]
  const rows = summaries.map((summary) => [
    summary.title,
    whole(summary.cpuPerStream),
    tenths(summary.cpuPerChunk),
    times(summary),
    whole(summary.idleMemory),
    `${whole(summary.memory)}${summary.live < streams ? ` (only ${summary.live})` : ''}`,
  ])
  return table([head, ...rows])
}

/** The table of goals. */
export const goalTable = (goals: readonly Goal[]): string => {
  const word = (met: boolean | null) => (met === null ? 'not measured' : met ? 'met' : 'NOT MET')
  const rows = goals.map(({ goal, value, limit, met }) => [
    goal,
    value === null ? '–' : value.toFixed(2),
    String(limit),
    word(met),
  ])
  return table([['goal', 'measured', 'limit', ''], ...rows])
}
