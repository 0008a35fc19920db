/**
 * The store of a Worker: one Durable Object per account, which keeps that account's ledger in its own SQLite and
 * lapses its holds by an alarm. The runtime makes an answer wait until what was written before it is durable.
 * Here is what the object does, and the client; the class itself, which the runtime demands, is the app's.
 */
import { type Account, newAccount } from '../core/account.ts'
import type { Catalog } from '../core/catalog.ts'
import type { Command, ReplyOf } from '../core/command.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Result } from '../core/result.ts'
import {
  type Clock,
  type EntryPage,
  type EntryQuery,
  type KeptAnswer,
  type PaymentPage,
  type PaymentQuery,
  type RequestKey,
  type Sink,
  type Store,
  StoreUnavailable,
  type UsageQuery,
  type UsageSum,
} from '../ports.ts'
import type { StoreLog } from './lapses.ts'
import { isMigrated, migrate } from './migrations.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { type Rows, runCommand } from './rows.ts'
import { type Ledger, openLedger } from './sqlite.ts'
import type { SqliteDriver, SqlRow, SqlValue } from './sqlite-driver.ts'
import { nextKeyUseOver, pruneKeyUses, selectAnswer, updateAnswer } from './sqlite-idempotency.ts'
import { advanceCursor, beginCursor, selectOutbox } from './sqlite-outbox.ts'

export type {
  Account,
  Catalog,
  Command,
  EntryPage,
  EntryQuery,
  KeptAnswer,
  PaymentPage,
  PaymentQuery,
  Refusal,
  ReplyOf,
  RequestKey,
  Result,
  StoreLog,
  UsageQuery,
  UsageSum,
}

/** What is used of a Durable Object's storage. */
export type ObjectStorage = {
  sql: { exec(query: string, ...bindings: SqlValue[]): { toArray(): SqlRow[] } }
  transactionSync<T>(work: () => T): T
  getAlarm(): Promise<number | null>
  setAlarm(time: number): Promise<void>
}

export type AccountLedgerOptions = {
  storage: ObjectStorage
  /** The object's name, if the runtime tells it: no other account's command is taken. */
  name: string | undefined
  /** From the Worker's bundle. Asked for when first needed, so that a broken config does not lose the alarm. */
  settings: () => { catalog: Catalog; creditUsd: number | string }
  /** Where charges go on to, if anywhere. Asked once, after the settings. */
  sink?: () => Sink | null
  clock?: Clock
  log?: StoreLog
}

/** What the object answers over RPC, and its alarm. */
export type AccountLedger = {
  apply<C extends Command>(accountId: string, command: C): Promise<Result<ReplyOf<C>, Refusal>>
  read(accountId: string): Promise<Account>
  entries(accountId: string, query: EntryQuery): Promise<EntryPage>
  payments(accountId: string, query: PaymentQuery): Promise<PaymentPage>
  usage(accountId: string, query: UsageQuery): Promise<UsageSum[]>
  keepAnswer(accountId: string, key: RequestKey, answer: KeptAnswer): Promise<void>
  answer(accountId: string, key: RequestKey): Promise<KeptAnswer | null>
  /**
   * Ends the holds whose lease ran out, and rings again when the next one does; forgets keys that have had their day;
   * delivers charges to the sink. Never throws for a hold or a delivery.
   */
  alarm(): Promise<void>
}

const LAPSES_MAX = 500
const ALARM_RETRY_MS = 10_000
/** A charge that no alarm is set for leaves after this time; as a rule the alarm for leases takes it along. */
const DELIVER_AFTER_MS = 30_000
const DELIVER_AGAIN_MS = 1_000
const PRUNE_AGAIN_MS = 1_000
/** A Worker may make 50 calls an invocation where nothing is paid. */
const OUTBOX_ROWS_MAX = 40
const RETRY_MAX_MS = 30 * 60_000

/** The ledger within one Durable Object. An object that was only read stores nothing. */
export function createAccountLedger(options: AccountLedgerOptions): AccountLedger {
  const { storage, name, settings, clock = Date.now, log = () => {} } = options
  const driver = objectDriver(storage)
  const alarm = createAlarm(storage)
  let opened: Ledger | null = null
  let outbox: Outbox | null = null

  const open = (): Ledger => {
    if (opened) return opened
    const { catalog, creditUsd } = settingsOrUnavailable(settings)
    try {
      migrate(driver, { creditUsd, shared: false })
      const to = options.sink?.() ?? null
      outbox = to && createObjectOutbox(driver, to, clock, log)
      opened = openLedger(driver, { catalog, accountsCachedMax: 2 })
      return opened
    } catch (error) {
      throw new StoreUnavailable(messageOf(error), { cause: error })
    }
  }
  const openToRead = (): Ledger | null => (opened || isMigrated(driver) ? open() : null)
  // A made-up Faregate key can name any account: what a new one refuses leaves no trace in storage.
  const refusedOnPaper = (accountId: string, command: Command) => {
    const { catalog } = settingsOrUnavailable(settings)
    const result = runCommand(noRows, accountId, command, { now: clock(), catalog })
    return result.ok ? null : result
  }
  const expectOwn = (accountId: string) => {
    if (name !== undefined && name !== accountId)
      throw new Error(`the object of ${name} is not ${accountId}'s`)
  }
  return {
    async apply(accountId, command) {
      expectOwn(accountId)
      await alarm.known()
      const refused = opened || isMigrated(driver) ? null : refusedOnPaper(accountId, command)
      if (refused) return refused
      const ledger = open()
      const result = asFault(() => ledger.transaction(() => ledger.apply(accountId, command, clock())))
      // Nothing was awaited since the write, so that the runtime commits the hold and its alarm as one.
      const due = outbox && hasCharged(result) ? clock() + DELIVER_AFTER_MS : null
      await alarm.cover(alarm.isSet() ? leaseIn(result) : (ledger.earliestLease() ?? due))
      return result
    },
    ...reads(expectOwn, openToRead, clock),
    ...answers(expectOwn, openToRead, driver),
    async alarm() {
      alarm.fired()
      const now = clock()
      let next: number | null = now + ALARM_RETRY_MS
      try {
        const ledger = open()
        lapseOverdue(ledger, now, log)
        driver.transaction(() => pruneKeyUses(driver, now, LAPSES_MAX))
        next = nextAlarm(ledger.earliestLease(), nextKeyUseOver(driver), now)
      } catch (error) {
        // The runtime gives up an alarm that fails six times, so this one does not fail: it comes again.
        log('the sweep for lapsed leases failed', error)
      } finally {
        await alarm.cover(next)
      }
      const waitMs = (await outbox?.deliver()) ?? null
      if (waitMs !== null) await alarm.cover(clock() + Math.max(waitMs, DELIVER_AGAIN_MS))
    },
  }
}

/** The way out of one object's ledger. Only its alarm delivers, and alarms ring one at a time. */
function createObjectOutbox(driver: SqliteDriver, sink: Sink, clock: Clock, log: StoreLog): Outbox {
  beginCursor(driver)
  return createOutbox({
    sink,
    clock,
    // The platform keeps its own clock right.
    steadyClock: clock,
    log,
    retryMaxMs: RETRY_MAX_MS,
    rowsMax: OUTBOX_ROWS_MAX,
    next: (limit) => selectOutbox(driver, limit),
    advance: (sequence) => advanceCursor(driver, sequence),
  })
}

/** What is only read; of an account that has no tables there is nothing. */
function reads(
  expectOwn: (accountId: string) => void,
  openToRead: () => Ledger | null,
  clock: Clock,
): Pick<AccountLedger, 'read' | 'entries' | 'payments' | 'usage'> {
  return {
    async read(accountId) {
      expectOwn(accountId)
      const now = clock()
      return openToRead()?.read(accountId, now) ?? newAccount(accountId, now)
    },
    async entries(accountId, query) {
      expectOwn(accountId)
      return openToRead()?.entries(accountId, query) ?? { data: [], nextCursor: null }
    },
    async payments(accountId, query) {
      expectOwn(accountId)
      return openToRead()?.payments(accountId, query) ?? { data: [], nextCursor: null }
    },
    async usage(accountId, query) {
      expectOwn(accountId)
      return openToRead()?.usage(accountId, query) ?? []
    },
  }
}

/** The answers that are kept for repeats. */
function answers(
  expectOwn: (accountId: string) => void,
  openToRead: () => Ledger | null,
  driver: SqliteDriver,
): Pick<AccountLedger, 'keepAnswer' | 'answer'> {
  return {
    async keepAnswer(accountId, key, answer) {
      expectOwn(accountId)
      if (openToRead()) updateAnswer(driver, accountId, key, answer)
    },
    async answer(accountId, key) {
      expectOwn(accountId)
      return openToRead() && selectAnswer(driver, accountId, key)
    },
  }
}

/** When to ring next: for the first lease, which sees to the keys as well, else for the first key to be forgotten. */
function nextAlarm(lease: number | null, keyOver: number | null, now: number): number | null {
  if (lease !== null) return lease > now ? lease : now + ALARM_RETRY_MS
  return keyOver === null ? null : Math.max(keyOver, now + PRUNE_AGAIN_MS)
}

function settingsOrUnavailable(settings: AccountLedgerOptions['settings']) {
  try {
    return settings()
  } catch (error) {
    throw new StoreUnavailable(messageOf(error), { cause: error })
  }
}

/** The rows of an account that has none. */
const noRows: Rows = {
  account: newAccount,
  hold: () => undefined,
  entry: () => undefined,
  grant: () => undefined,
  payment: () => undefined,
  keyUse: () => undefined,
  write: () => {},
}

function lapseOverdue(ledger: Ledger, now: number, log: StoreLog): void {
  for (const { accountId, holdId } of ledger.overdue(now, LAPSES_MAX)) {
    try {
      ledger.transaction(() => ledger.apply(accountId, { kind: 'lapse', holdId }, now))
    } catch (error) {
      // One hold that cannot lapse must not keep the others open.
      log(`the hold ${holdId} could not lapse`, error)
    }
  }
}

/** Whether a command's answer tells of a charge. */
function hasCharged(result: Result<ReplyOf<Command>, Refusal>): boolean {
  return result.ok && 'charged' in result.value && result.value.charged > 0
}

/** The lease of the hold that a command made, if it made one. */
function leaseIn(result: Result<ReplyOf<Command>, Refusal>): number | null {
  return result.ok && 'hold' in result.value ? result.value.hold.leaseUntil : null
}

/** Remembers when the alarm will ring, since each setting of it is a billed write. */
function createAlarm(storage: ObjectStorage) {
  let at: number | null | undefined
  return {
    async known(): Promise<void> {
      if (at === undefined) at = await storage.getAlarm()
    },
    isSet: () => typeof at === 'number',
    fired() {
      at = null
    },
    /** Sees to it that the alarm rings at `time` or before; null needs none. */
    async cover(time: number | null): Promise<void> {
      if (time === null || (typeof at === 'number' && at <= time)) return
      at = time
      try {
        await storage.setAlarm(time)
      } catch (error) {
        at = undefined
        throw error
      }
    },
  }
}

function objectDriver(storage: ObjectStorage): SqliteDriver {
  return {
    execute(sql, ...parameters) {
      try {
        return storage.sql.exec(sql, ...parameters).toArray()
      } catch (error) {
        const message = messageOf(error)
        throw message.includes('SQLITE_CONSTRAINT') ? error : new StoreUnavailable(message, { cause: error })
      }
    },
    transaction: (work) => storage.transactionSync(work),
    // An object is the only one to write its storage.
    changedElsewhere: () => false,
  }
}

/** What an error of the rules themselves is called. Names survive RPC, and classes do not. */
const FAULT = 'LedgerFault'

/** Marks what must not happen, so that the client does not take it for an outage. */
function asFault<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error
    const fault = new Error(messageOf(error), { cause: error })
    fault.name = FAULT
    throw fault
  }
}

/** What is used of a stub of the app's class. */
export type AccountStub = {
  apply(accountId: string, command: Command): PromiseLike<unknown>
  read(accountId: string): PromiseLike<unknown>
  entries(accountId: string, query: EntryQuery): PromiseLike<unknown>
  payments(accountId: string, query: PaymentQuery): PromiseLike<unknown>
  usage(accountId: string, query: UsageQuery): PromiseLike<unknown>
  keepAnswer(accountId: string, key: RequestKey, answer: KeptAnswer): PromiseLike<unknown>
  answer(accountId: string, key: RequestKey): PromiseLike<unknown>
}

/** What is used of the binding to the objects. */
export type AccountNamespace = { getByName(name: string): AccountStub }

/** An object that nobody owns, to see whether objects answer. */
const PROBE = 'faregate:ready'

/** The store as the Worker sees it: each account's object, by name. */
export function createDurableObjectStore(namespace: AccountNamespace): Store {
  return {
    apply: async <C extends Command>(accountId: string, command: C) =>
      // Ending a key or an account twice is told apart from once; all others answer a repeat as the first time.
      (await call(command.kind === 'revokeKey' || command.kind === 'closeAccount' ? 1 : 2, () =>
        namespace.getByName(accountId).apply(accountId, command),
      )) as Result<ReplyOf<C>, Refusal>,
    read: async (accountId) =>
      (await call(2, () => namespace.getByName(accountId).read(accountId))) as Account,
    entries: async (accountId, query) =>
      (await call(2, () => namespace.getByName(accountId).entries(accountId, query))) as EntryPage,
    payments: async (accountId, query) =>
      (await call(2, () => namespace.getByName(accountId).payments(accountId, query))) as PaymentPage,
    usage: async (accountId, query) =>
      (await call(2, () => namespace.getByName(accountId).usage(accountId, query))) as UsageSum[],
    keepAnswer: async (accountId, key, answer) => {
      await call(2, () => namespace.getByName(accountId).keepAnswer(accountId, key, answer))
    },
    answer: async (accountId, key) =>
      (await call(2, () => namespace.getByName(accountId).answer(accountId, key))) as KeptAnswer | null,
    ready: async () => {
      await call(1, () => namespace.getByName(PROBE).read(PROBE))
    },
    close: async () => {},
  }
}

/**
 * Calls an object, each time through a fresh stub, since a stub that failed may stay broken. Whether a call that
 * failed has written is not known, so it may be made again; not to an object that has too much to do.
 */
async function call(attempts: number, method: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    return await method()
  } catch (error) {
    if (error instanceof Error && error.name === FAULT) throw error
    if (attempts > 1 && !isOverloaded(error)) return call(attempts - 1, method)
    throw new StoreUnavailable(`The account's object: ${messageOf(error)}`, { cause: error })
  }
}

function isOverloaded(error: unknown): boolean {
  return error instanceof Error && 'overloaded' in error && error.overloaded === true
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
