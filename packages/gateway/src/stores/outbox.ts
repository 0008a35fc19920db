/**
 * Charges leave the ledger for a sink. The entries themselves are the outbox: a store keeps a cursor in them, which
 * moves after the sink has said what is done. So nothing is lost, whenever a process dies, and what was delivered
 * without the cursor's knowing goes out again under the same id. Requests never wait for it.
 */
import type { Entry } from '../core/entry.ts'
import type { Clock, OutgoingCharge, Sink } from '../ports.ts'
import type { StoreLog } from './lapses.ts'

/** An entry after the cursor, and the customer whose account it is on, if it has one. */
export type OutboxRow = { sequence: number; accountId: string; customer: string | null; entry: Entry }

export type OutboxOptions = {
  sink: Sink
  /** The next entries after the cursor, the oldest first. */
  next: (limit: number) => OutboxRow[] | Promise<OutboxRow[]>
  /** The most entries of a batch. */
  rowsMax: number
  /** Moves the cursor; durable when it returns. */
  advance: (sequence: number) => void | Promise<void>
  /** The clock that entries are dated by. */
  clock: Clock
  /** A clock that never jumps, in milliseconds, to wait by. */
  steadyClock: Clock
  log: StoreLog
  /** The longest pause after a failure. */
  retryMaxMs: number
}

export type Outbox = {
  /**
   * Delivers one batch, unless a failure is too fresh. Resolves to how long to wait before the next one, in ms: 0
   * when there is more, null when there is nothing more. Never throws.
   */
  deliver: (stop?: AbortSignal) => Promise<number | null>
}

const RETRY_MIN_MS = 10_000
/** No delivery begins later in a batch than this, so that a slow sink holds up neither an alarm nor a stop. */
const BATCH_MS = 20_000

/** Makes the way out. `deliver` must not be called again before it has resolved. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { sink, next, rowsMax, advance, steadyClock, log } = options
  let retryAt = Number.NEGATIVE_INFINITY

  const batch = async (stop?: AbortSignal): Promise<number | null> => {
    const rows = await next(rowsMax)
    const last = rows.at(-1)
    if (!last) return null
    const leaving = rows.flatMap(outgoing)
    const charges = leaving.map(({ charge }) => charge)
    const ending = new AbortController()
    const deliver = () => sink.deliver(charges, ending.signal)
    const done = charges.length === 0 ? 0 : await within(ending, stop, deliver)
    const stuck = leaving[done]
    const through = stuck ? stuck.sequence - 1 : last.sequence
    if (through >= (rows[0]?.sequence ?? 0)) await advance(through)
    if (!stuck) return rows.length < rowsMax ? null : 0
    return done > 0 && ending.signal.aborted ? 0 : pauseFor(stuck.charge.entry, options)
  }
  return {
    async deliver(stop) {
      const early = retryAt - steadyClock()
      if (early > 0) return early
      let waitMs: number | null = RETRY_MIN_MS
      try {
        waitMs = await batch(stop)
      } catch (error) {
        log('charges could not leave for the meter', error)
      }
      retryAt = waitMs === null || waitMs === 0 ? Number.NEGATIVE_INFINITY : steadyClock() + waitMs
      return waitMs
    },
  }
}

/** Runs `work`, and aborts `ending` when its time is up or when `stop` says so. */
async function within<T>(
  ending: AbortController,
  stop: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const abort = () => ending.abort()
  // Taken back at the end: a timer that is left keeps an object in memory, and `stop` outlives many batches.
  const timer = setTimeout(abort, BATCH_MS)
  stop?.addEventListener('abort', abort)
  if (stop?.aborted) abort()
  try {
    return await work()
  } finally {
    clearTimeout(timer)
    stop?.removeEventListener('abort', abort)
  }
}

/** The row as a charge for the sink; none for what is no charge, costs nothing, or has no customer to bill. */
function outgoing({ sequence, accountId, customer, entry }: OutboxRow): {
  sequence: number
  charge: OutgoingCharge
}[] {
  if (entry.kind !== 'charge' || entry.credits >= 0 || customer === null) return []
  return [{ sequence, charge: { accountId, customer, entry } }]
}

/** Waits as long again as the oldest charge has waited: a back-off that doubles, and that a restart does not forget. */
function pauseFor({ at }: Entry, { clock, retryMaxMs }: OutboxOptions): number {
  return Math.min(retryMaxMs, Math.max(RETRY_MIN_MS, clock() - at))
}

export type Deliveries = {
  /** One round, as the timer does it: batches until there is nothing left or one fails. */
  round: () => Promise<void>
  /** Ends the timer, and resolves when the batch under way has ended. */
  stop: () => Promise<void>
}

/** Starts a timer that empties the outbox. */
export function startDeliveries(outbox: Outbox, everyMs: number): Deliveries {
  const stopping = new AbortController()
  let underWay: Promise<void> | null = null
  const empty = async () => {
    while (!stopping.signal.aborted && (await outbox.deliver(stopping.signal)) === 0);
  }
  const round = (): Promise<void> => {
    underWay ??= empty().finally(() => {
      underWay = null
    })
    return underWay
  }
  const timer = setInterval(() => void round(), everyMs)
  return {
    round,
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await underWay
    },
  }
}
