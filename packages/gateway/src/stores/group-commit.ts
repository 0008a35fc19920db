/**
 * Group commit: one commit to disk costs more than all the rest of a command, so what has queued up commits
 * together. An idle queue waits for nothing but the rest of the event loop's turn. A busy database is tried
 * again later, off the thread.
 */
import { StoreUnavailable } from '../ports.ts'

export type GroupCommitOptions = {
  /** Runs `work` in one transaction: all of it is durable when this returns, none of it when it throws. */
  transaction: (work: () => void) => void
  /** Whether another connection held the database, so that trying again can help. */
  isBusy: (error: unknown) => boolean
  /** Whether one task may be at fault, so that each should be tried alone. */
  isConflict: (error: unknown) => boolean
  /** Runs the next group soon: after the events that are ready now, so that theirs join it. */
  schedule?: (run: () => void) => void
  queueMax?: number
  groupMax?: number
  /** How long a task waits for a busy database, in milliseconds. */
  busyWaitMs?: number
}

export type GroupCommit = {
  /** Queues `work` and answers when it is durable. What `work` throws fails it alone. */
  enqueue<T>(work: () => T): Promise<T>
  /** Resolves when nothing is queued. */
  drained(): Promise<void>
}

type Outcome = { value: unknown } | { error: unknown }
type Task = { work: () => unknown; settle(outcome: Outcome): void; queuedAt: number }

const BUSY_RETRY_MS = [1, 2, 4, 8, 16, 20]

/** Makes the queue. */
export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { transaction, isBusy, isConflict, schedule = setImmediate } = options
  const { queueMax = 10_000, groupMax = 256, busyWaitMs = 2000 } = options
  let queue: Task[] = []
  let awake = false
  let retries = 0
  let idle: (() => void)[] = []

  const wake = () => {
    awake = true
    const run = () => turn(queue.splice(0, groupMax))
    if (retries === 0) schedule(run)
    else setTimeout(run, BUSY_RETRY_MS[Math.min(retries, BUSY_RETRY_MS.length) - 1])
  }

  const turn = (group: Task[]) => {
    retries = commit(group) ? 0 : retries + 1
    if (queue.length > 0) return wake()
    awake = false
    for (const resolve of idle) resolve()
    idle = []
  }

  /** Commits the group and answers it. False when the database was busy and some went back to the queue. */
  const commit = (group: Task[]): boolean => {
    let outcomes: Outcome[] = []
    try {
      transaction(() => {
        outcomes = group.map(attempt)
      })
    } catch (error) {
      if (isBusy(error)) return postpone(group, error)
      if (group.length > 1 && isConflict(error)) return group.map((task) => commit([task])).every(Boolean)
      for (const task of group) task.settle({ error })
      return true
    }
    for (const [index, task] of group.entries()) {
      const outcome = outcomes[index]
      if (outcome) task.settle(outcome)
    }
    return true
  }

  const postpone = (group: Task[], error: unknown): boolean => {
    const oldest = performance.now() - busyWaitMs
    const waiting = [...group, ...queue]
    queue = waiting.filter(({ queuedAt }) => queuedAt > oldest)
    for (const task of waiting) if (task.queuedAt <= oldest) task.settle({ error })
    return false
  }

  return {
    enqueue<T>(work: () => T) {
      if (queue.length >= queueMax) {
        return Promise.reject(new StoreUnavailable(`${queueMax} commands are waiting for the database.`))
      }
      return new Promise<T>((resolve, reject) => {
        // `attempt` pairs a task with its own outcome, so the value is this work's.
        const settle = (outcome: Outcome) =>
          'error' in outcome ? reject(outcome.error) : resolve(outcome.value as T)
        queue.push({ work, settle, queuedAt: performance.now() })
        if (!awake) wake()
      })
    },
    drained: () => (awake ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
  }
}

function attempt({ work }: Task): Outcome {
  try {
    return { value: work() }
  } catch (error) {
    return { error }
  }
}
