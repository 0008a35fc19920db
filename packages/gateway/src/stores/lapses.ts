/**
 * Leases lapse by themselves: a timer that ends holds whose lease ran out. It compares the wall clock with a
 * steady one, and when the wall clock has jumped it waits a whole lease, so that live requests can renew theirs.
 */
import { LEASE_MS } from '../core/reserve.ts'
import type { Clock, Store } from '../ports.ts'
import type { OverdueHold } from './rows.ts'

const SWEEP_MS = 5_000
const JUMP_MS = 2_000

export type LapsesOptions = {
  clock: Clock
  apply: Store['apply']
  /** Open holds whose lease ended at or before `now`, in any order, as many as one sweep should take. */
  overdue(now: number): Promise<OverdueHold[]>
  /** A clock that never jumps, in milliseconds. */
  steadyClock?: Clock
  sweepMs?: number
}

export type Lapses = {
  /** One round, as the timer does it. Resolves to the number of holds that lapsed. */
  sweep(): Promise<number>
  stop(): void
}

/** Starts the timer. A sweep that fails is tried again at the next tick. */
export function startLapses(options: LapsesOptions): Lapses {
  const { clock, apply, overdue, steadyClock = () => performance.now(), sweepMs = SWEEP_MS } = options
  let offset = clock() - steadyClock()
  let quietUntil = Number.NEGATIVE_INFINITY
  const sweep = async () => {
    const steady = steadyClock()
    const now = clock()
    if (Math.abs(now - steady - offset) > JUMP_MS) {
      offset = now - steady
      quietUntil = steady + LEASE_MS
    }
    if (steady < quietUntil) return 0
    let lapsed = 0
    for (const { accountId, holdId } of await overdue(now)) {
      const result = await apply(accountId, { kind: 'lapse', holdId })
      if (result.ok && result.value.ended === 'lapsed') lapsed += 1
    }
    return lapsed
  }
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    sweep()
      .catch(() => 0)
      .finally(() => {
        busy = false
      })
  }, sweepMs)
  return { sweep, stop: () => clearInterval(timer) }
}
