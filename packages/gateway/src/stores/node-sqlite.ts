/**
 * The store of a server: one SQLite file, through the `node:sqlite` that Node (22.5 and later) and Bun share.
 * Commands are decided one by one and commit in groups; an answer is given when it is on the disk.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Catalog } from '../core/catalog.ts'
import { type Clock, type Sink, type Store, StoreUnavailable } from '../ports.ts'
import { createGroupCommit, type GroupCommit } from './group-commit.ts'
import { type StoreLog, startLapses } from './lapses.ts'
import { migrate } from './migrations.ts'
import { createOutbox, type Deliveries, startDeliveries } from './outbox.ts'
import { type Ledger, openLedger } from './sqlite.ts'
import type { SqliteDriver } from './sqlite-driver.ts'
import { hasKeyUsesOver, pruneKeyUses, selectAnswer, updateAnswer } from './sqlite-idempotency.ts'
import { advanceCursor, beginCursor, claimOutbox, releaseOutbox, selectOutbox } from './sqlite-outbox.ts'

export type SqliteStoreOptions = {
  /** A file, whose folder is made if need be, or `:memory:`. */
  path: string
  catalog: Catalog
  /** What one credit is sold for in USD, as the config says it. */
  creditUsd: number | string
  clock?: Clock
  /** A clock that never jumps, in milliseconds. */
  steadyClock?: Clock
  /** Told of what no caller hears: a lapse that failed. */
  log?: StoreLog
  /** `NORMAL` may lose acknowledged commands when the power fails; it is there for the bench alone. */
  synchronous?: 'FULL' | 'NORMAL'
  /** The most accounts that are kept in memory. More of them cost more in garbage collection than a row costs to read. */
  accountsCachedMax?: number
  sweepMs?: number
  /** Where charges go on to, from the first start with it on; without it nothing is kept of that. */
  sink?: Sink
  deliverMs?: number
  /** Put between the ledger and the database by tests that make it fail. */
  wrapDriver?: (driver: SqliteDriver) => SqliteDriver
}

/** A store that can also be told to look for lapsed leases now, and to deliver what its sink has not had. */
export type SqliteStore = Store & { sweep: () => Promise<number>; deliver: () => Promise<void> }

const SWEEP_LIMIT = 500
const DELIVER_MS = 2_000
const OUTBOX_ROWS_MAX = 200
const RETRY_MAX_MS = 5 * 60_000
const START_WAIT_MS = 5_000

/**
 * Opens, or creates, the database. Throws, saying what to do, when the file cannot be used as it must:
 * written by a newer version, made with another `credit.usd`, or on a file system that cannot keep a WAL.
 */
export function createSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const { path, catalog, creditUsd, clock = Date.now, log = () => {}, wrapDriver = (same) => same } = options
  const { accountsCachedMax = 2_000, synchronous = 'FULL' } = options
  const database = openDatabase(path, synchronous)
  const driver = wrapDriver(nodeDriver(database))
  const ledger = prepareLedger(database, driver, {
    catalog,
    creditUsd,
    accountsCachedMax,
    delivers: options.sink !== undefined,
  })
  const queue = createGroupCommit({ transaction: ledger.transaction, isBusy, isConflict })
  let closed = false

  const enqueue = <T>(work: () => T): Promise<T> =>
    closed ? Promise.reject(new StoreUnavailable('The store is closed.')) : queue.enqueue(work)
  const apply: Store['apply'] = (accountId, command) =>
    enqueue(() => ledger.apply(accountId, command, clock()))
  const lapses = startLapses({
    clock,
    apply,
    log,
    overdue: (now) => patiently(() => ledger.overdue(now, SWEEP_LIMIT)),
    async prune(now) {
      // Looked up first: most sweeps find nothing, and should write nothing.
      if (!(await patiently(() => hasKeyUsesOver(driver, now)))) return
      await enqueue(() => pruneKeyUses(driver, now, SWEEP_LIMIT))
    },
    ...(options.steadyClock && { steadyClock: options.steadyClock }),
    ...(options.sweepMs !== undefined && { sweepMs: options.sweepMs }),
  })
  const deliveries = options.sink ? deliverTo(options.sink, { queue, driver, ...options }) : null
  return {
    apply,
    read: (accountId) => patiently(() => ledger.read(accountId, clock())),
    entries: (accountId, query) => patiently(() => ledger.entries(accountId, query)),
    payments: (accountId, query) => patiently(() => ledger.payments(accountId, query)),
    usage: (accountId, query) => patiently(() => ledger.usage(accountId, query)),
    keepAnswer: (accountId, key, answer) => enqueue(() => updateAnswer(driver, accountId, key, answer)),
    answer: (accountId, key) => patiently(() => selectAnswer(driver, accountId, key)),
    ready: async () => {
      // A commit that reaches the disk: a full one, or one that was taken away, is found out here.
      await enqueue(() => driver.execute(TOUCH, String(clock())))
    },
    sweep: lapses.sweep,
    deliver: async () => deliveries?.round(),
    close: async () => {
      if (closed) return
      closed = true
      lapses.stop()
      await deliveries?.stop()
      await queue.drained()
      shutDown(database)
    },
  }
}

type Outgoing = SqliteStoreOptions & { queue: GroupCommit; driver: SqliteDriver }

/** Charges go to the sink on a timer, one process at a time. */
function deliverTo(sink: Sink, options: Outgoing): Deliveries {
  const { queue, driver, clock = Date.now, steadyClock = () => performance.now(), log = () => {} } = options
  const owner = crypto.randomUUID()
  const outbox = createOutbox({
    sink,
    clock,
    steadyClock,
    log,
    retryMaxMs: RETRY_MAX_MS,
    rowsMax: OUTBOX_ROWS_MAX,
    async next(limit) {
      const waiting = await patiently(() => selectOutbox(driver, 1))
      if (waiting.length === 0) return []
      // Read anew with the claim in hand: whoever had it before has moved the cursor.
      return queue.enqueue(() => (claimOutbox(driver, owner, clock()) ? selectOutbox(driver, limit) : []))
    },
    advance: (sequence) => queue.enqueue(() => advanceCursor(driver, sequence)),
  })
  const deliveries = startDeliveries(outbox, options.deliverMs ?? DELIVER_MS)
  return {
    ...deliveries,
    async stop() {
      await deliveries.stop()
      await queue
        .enqueue(() => releaseOutbox(driver, owner))
        .catch(() => {
          // It ends by itself.
        })
    },
  }
}

const TOUCH = `INSERT INTO meta (key, value) VALUES ('ready_at', ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value`

/** Opens the file and sets what durability rests on, believing only what the database says it has set. */
function openDatabase(path: string, synchronous: 'FULL' | 'NORMAL'): DatabaseSync {
  // Asked for by name at run time, so that bundlers for runtimes without it leave this module alone.
  const sqlite = process.getBuiltinModule?.('node:sqlite')
  const files = process.getBuiltinModule?.('node:fs')
  const paths = process.getBuiltinModule?.('node:path')
  if (!sqlite || !files || !paths) {
    throw new Error('The SQLite store needs node:sqlite: Node 22.13 or later, or Bun 1.4 or later.')
  }
  if (path !== ':memory:') files.mkdirSync(paths.dirname(paths.resolve(path)), { recursive: true })
  const database = new sqlite.DatabaseSync(path)
  try {
    // Nothing is served yet, so that here alone waiting may block: another process may be starting too.
    database.exec(`PRAGMA busy_timeout = ${START_WAIT_MS}`)
    database.exec('PRAGMA journal_mode = WAL')
    database.exec(`PRAGMA synchronous = ${synchronous}`)
    expectPragma(database, path, 'journal_mode', path === ':memory:' ? 'memory' : 'wal')
    expectPragma(database, path, 'synchronous', synchronous === 'FULL' ? 2 : 1)
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

function expectPragma(database: DatabaseSync, path: string, name: string, expected: string | number): void {
  const value = Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  if (value === expected) return
  throw new Error(
    `The database ${path} has ${name} = ${value} and needs ${expected}, or commands that were acknowledged could be lost. Keep it on a local disk.`,
  )
}

function prepareLedger(
  database: DatabaseSync,
  driver: SqliteDriver,
  options: { catalog: Catalog; creditUsd: number | string; accountsCachedMax: number; delivers: boolean },
): Ledger {
  const { catalog, creditUsd, accountsCachedMax, delivers } = options
  try {
    migrate(driver, { creditUsd, shared: true })
    if (delivers) driver.transaction(() => beginCursor(driver))
    // From here on a busy file is tried again by timers, never waited for on the thread.
    database.exec('PRAGMA busy_timeout = 0')
    return openLedger(driver, { catalog, accountsCachedMax })
  } catch (error) {
    database.close()
    throw error
  }
}

function nodeDriver(database: DatabaseSync): SqliteDriver {
  const statements = new Map<string, StatementSync>()
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  const execute: SqliteDriver['execute'] = (sql, ...parameters) => {
    try {
      return prepared(sql).all(...parameters)
    } catch (error) {
      throw isConflict(error)
        ? error
        : new StoreUnavailable(`The database: ${describe(error)}.`, { cause: error })
    }
  }
  let version: unknown
  return {
    execute,
    transaction(work) {
      execute('BEGIN IMMEDIATE')
      try {
        const value = work()
        execute('COMMIT')
        return value
      } catch (error) {
        rollBack(database)
        throw error
      }
    },
    changedElsewhere() {
      const before = version
      version = execute('PRAGMA data_version')[0]?.data_version
      return version !== before
    },
  }
}

/** Ends what is left of a transaction; some errors have already ended it, and some leave it open. */
function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // It was over, or the database is closed: either way nothing of it was committed.
  }
}

/** Moves the log into the file, so that a copy of the file alone is a backup of a store that was closed. */
function shutDown(database: DatabaseSync): void {
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // Another process reads it; the log keeps everything until the last one leaves.
  }
  database.close()
}

const BUSY = 5
const LOCKED = 6
const CONSTRAINT = 19

function isBusy(error: unknown): boolean {
  const code = primaryCode(error instanceof StoreUnavailable ? error.cause : error)
  return code === BUSY || code === LOCKED
}

function isConflict(error: unknown): boolean {
  return primaryCode(error) === CONSTRAINT
}

/** SQLite's result code without its extension; undefined for what is not SQLite's error. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined
  return error.errcode & 0xff
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Repeats a read that found the file locked, as another process's start or end can do for a moment. */
async function patiently<T>(read: () => T): Promise<T> {
  const until = performance.now() + 2000
  for (;;) {
    try {
      return read()
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}
