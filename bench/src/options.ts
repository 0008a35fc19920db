/** What the command line of `pnpm bench` can say. */
import { parseArgs } from 'node:util'

export type Options = Readonly<{
  /** Distinct users whose tokens are sent in turn. */
  accounts: number
  /** Times that every proxy is measured; medians are reported. */
  rounds: number
  /** Seconds of each measurement. */
  seconds: number
  /** Slow streams open at once when memory is read. */
  streams: number
  /** Also measures the Worker in workerd, against a plain pass-through there. */
  worker: boolean
  /** Only these proxies, by name; empty for all. */
  only: readonly string[]
}>

const HELP = `pnpm bench [options]
  --accounts N   distinct users (10; try 100000)
  --rounds N     measure every proxy N times, report medians (3)
  --seconds N    length of each measurement (4)
  --streams N    slow streams open at once for the memory figure (1000)
  --worker       also workerd: plain pass-through and apps/worker
  --only a,b     only these of: faregate, nginx, hono, portkey, worker-plain, worker
  --quick        one round of 1 s and 200 streams: checks that it all runs, proves nothing`

const positive = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0)
    throw new Error(`--${name} must be a positive number, not ${text}`)
  return value
}

/** The options, or null when help was asked for and printed. */
export const readOptions = (args: string[]): Options | null => {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: {
      accounts: { type: 'string', default: '10' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      streams: { type: 'string' },
      worker: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return null
  }
  const { quick } = values
  return {
    accounts: Math.floor(positive('accounts', values.accounts)),
    rounds: Math.floor(positive('rounds', values.rounds ?? (quick ? '1' : '3'))),
    seconds: positive('seconds', values.seconds ?? (quick ? '1' : '4')),
    streams: Math.floor(positive('streams', values.streams ?? (quick ? '200' : '1000'))),
    worker: values.worker,
    only: values.only === '' ? [] : values.only.split(','),
  }
}
