/** How the conformance suite opens a store: with clocks that a test moves, and a way to let leases lapse. */
import { afterEach } from 'vitest'
import type { Command, ReplyOf } from '../../core/command.ts'
import type { Entry } from '../../core/entry.ts'
import type { Payment } from '../../core/payment.ts'
import type { Clock, Store, UsageQuery, UsageSum } from '../../ports.ts'
import { START, uniqueId } from './fixtures.ts'

/** Two clocks in milliseconds: the wall's, which may be set, and a steady one, which only goes forward. */
export type TestClock = {
  wall: Clock
  steady: Clock
  /** Time passes. */
  advance: (ms: number) => void
  /** Somebody sets the wall clock. */
  step: (ms: number) => void
}

export type OpenStore = {
  store: Store
  /** Does now what the timer or the alarm would do by itself. */
  sweep: (accountIds: readonly string[]) => Promise<void>
  close: () => Promise<void>
}

/** What a store brings to the suite. */
export type StoreUnderTest = {
  name: string
  open: (clock: TestClock) => Promise<OpenStore>
  /** Whether it notices that the wall clock was set: a Durable Object trusts its platform's. */
  noticesClockSteps: boolean
  /** Whether it shows the books of an account that was closed: a Durable Object shows its own account's alone. */
  readsClosed: boolean
  /** Random runs of the model comparison. */
  runs: number
}

export type Bench = OpenStore & { clock: TestClock }

/** Makes clocks that stand still until they are moved. */
export function createTestClock(): TestClock {
  let wall = START
  let steady = 1_000
  return {
    wall: () => wall,
    steady: () => steady,
    advance(ms) {
      wall += ms
      steady += ms
    },
    step(ms) {
      wall += ms
    },
  }
}

/** An opener of stores that are closed after each test. Call it within a `describe`. */
export function opener({ open }: StoreUnderTest): () => Promise<Bench> {
  const opened: OpenStore[] = []
  afterEach(async () => {
    for (const { close } of opened.splice(0)) await close()
  })
  return async () => {
    const clock = createTestClock()
    const store = await open(clock)
    opened.push(store)
    return { ...store, clock }
  }
}

/** An account that nothing else uses. */
export function accountId(): string {
  return uniqueId('test:user')
}

/** Applies a command that must be accepted. */
export async function accepted<C extends Command>(
  store: Store,
  account: string,
  command: C,
): Promise<ReplyOf<C>> {
  const result = await store.apply(account, command)
  if (!result.ok) throw new Error(`${command.kind} was refused: ${result.error.message}`)
  return result.value
}

/** All entries, newest first, by pages of `limit`. */
export async function allEntries(store: Store, account: string, limit = 100): Promise<Entry[]> {
  const found: Entry[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < 1000; pages += 1) {
    const page = await store.entries(account, cursor === null ? { limit } : { limit, cursor })
    found.push(...page.data)
    cursor = page.nextCursor
    if (cursor === null) return found
  }
  throw new Error('the pages never end')
}

/** All purchases, newest first, by pages of `limit`. */
export async function allPayments(store: Store, account: string, limit = 100): Promise<Payment[]> {
  const found: Payment[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < 1000; pages += 1) {
    const page = await store.payments(account, cursor === null ? { limit } : { limit, cursor })
    found.push(...page.data)
    cursor = page.nextCursor
    if (cursor === null) return found
  }
  throw new Error('the pages never end')
}

/** The sums of all that was used, in each dimension. */
export async function allUsage(store: Store, account: string): Promise<Record<UsageQuery['by'], UsageSum[]>> {
  const by = (dimension: UsageQuery['by']) => store.usage(account, { from: 0, to: 1_000_000, by: dimension })
  return { day: await by('day'), model: await by('model'), member: await by('member') }
}
