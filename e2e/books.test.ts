/**
 * Two-sided books: the scripted provider keeps its own bill of every request, and the ledger must agree with it,
 * whatever goes wrong. `FAREGATE_BOOKS_REQUESTS` and `FAREGATE_BOOKS_SEED` make a long run of it (`pnpm test:books`).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { balanceBooks } from './books/check.ts'
import { runBooks } from './books/run.ts'
import { bookWires } from './books/wires.ts'
import { type Runtime, type Stack, startStack } from './harness/stack.ts'

const requests = Number(process.env['FAREGATE_BOOKS_REQUESTS'] ?? 400)
const seed = Number(process.env['FAREGATE_BOOKS_SEED'] ?? 1)
const runtimes = (process.env['FAREGATE_BOOKS_RUNTIMES'] ?? 'server,worker').split(',') as Runtime[]

describe.each(runtimes)('the books of the %s', (runtime) => {
  let stack: Stack
  beforeAll(async () => {
    // Short, so that what hangs does not hold up the run; the clock only decides how long evidence is gathered.
    const timeouts = { headersMs: 700, idleMs: 600, totalMs: 20_000 }
    stack = await startStack(runtime, { config: { timeouts, drain: { concurrentMax: 20, timeMs: 1000 } } })
  })
  afterAll(() => stack.stop())

  it(`agree with the provider's over ${requests} requests of seed ${seed}`, {
    timeout: 60_000 + requests * 60,
  }, async () => {
    const sent = await runBooks(stack, { requests, seed, concurrent: 48, users: 12 })
    const { faults, ...sums } = await balanceBooks(stack, sent)
    console.log(`books on the ${runtime}, seed ${seed}: ${JSON.stringify(sums)}`)
    expect(faults.slice(0, 5), `${faults.length} of ${sent.length} differ; seed ${seed}`).toEqual([])
    expect(sums.metered + sums.cut + sums.unsent).toBe(sent.length)
    // A run in which nothing was metered, cut or refused would prove nothing, nor would one without a wire.
    for (const { name } of bookWires) expect(sums.counts[`${name}: metered`], name).toBeGreaterThan(0)
    expect(Math.min(sums.metered, sums.cut, sums.unsent)).toBeGreaterThan(requests / 40)
  })
})
