/**
 * Leases lapse by themselves: a timer that ends holds whose lease ran out, and forgets old keys. It compares the wall
 * clock with a steady one, and when the wall clock has jumped it waits a whole lease, so that live requests can renew
 * theirs.
 */
import { LEASE_MS } from '../core/reserve.ts'
import type { Clock, Store } from '../ports.ts'
import type { OverdueHold } from './rows.ts'

const SWEEP_MS = 1_000
const JUMP_MS = 2_000

/** Told of failures that no caller hears of. */
export type StoreLog = (message: string, cause: unknown) => void

export type LapsesOptions = {
  clock: Clock
  apply: Store['apply']
  /** Open holds whose lease ended at or before `now`, in any order, as many as one sweep should take. */
  overdue: (now: number) => Promise<OverdueHold[]>
  /** Forgets, some at a time, what has had its time by `now`: uses of Idempotency-Keys, with their answers. */
  prune: (now: number) => Promise<void>
  log?: StoreLog
  /** A clock that never jumps, in milliseconds. */
  steadyClock?: Clock
  sweepMs?: number
}

export type Lapses = {
  /** One round, as the timer does it. Resolves to the number of holds that lapsed. */
  sweep: () => Promise<number>
  stop: () => void
}

/** Starts the timer. A lapse that fails is told to the log and tried again at the next tick. */
export function startLapses(options: LapsesOptions): Lapses {
  const { clock, apply, overdue, prune, log = () => {} } = options
  const { steadyClock = () => performance.now(), sweepMs = SWEEP_MS } = options
  let offset = clock() - steadyClock()
  let quietUntil = Number.NEGATIVE_INFINITY

  const lapse = async ({ accountId, holdId }: OverdueHold): Promise<number> => {
    try {
      const result = await apply(accountId, { kind: 'lapse', holdId })
      return result.ok && result.value.ended === 'lapsed' ? 1 : 0
    } catch (error) {
      // One hold that cannot lapse must not keep the others open.
      log(`the hold ${holdId} could not lapse`, error)
      return 0
    }
  }
  const sweep = async () => {
    const steady = steadyClock()
    const now = clock()
    if (Math.abs(now - steady - offset) > JUMP_MS) {
      offset = now - steady
      quietUntil = steady + LEASE_MS
    }
    if (steady < quietUntil) return 0
    const lapsed = await Promise.all((await overdue(now)).map(lapse))
    await prune(now)
    return lapsed.reduce((sum, one) => sum + one, 0)
  }

  let busy = false
  const tick = async () => {
    if (busy) return
    busy = true
    try {
      await sweep()
    } catch (error) {
      log('the sweep failed: leases lapse and old keys are forgotten later', error)
    } finally {
      busy = false
    }
  }
  const timer = setInterval(() => void tick(), sweepMs)
  return { sweep, stop: () => clearInterval(timer) }
}
