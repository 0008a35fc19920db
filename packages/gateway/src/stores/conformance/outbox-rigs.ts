/** One account whose charges leave for a sink, on a server's file and in a Durable Object, for tests that watch them go. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Command } from '../../core/command.ts'
import type { OutgoingCharge, Sink, Store } from '../../ports.ts'
import { createAccountLedger } from '../durable-object.ts'
import { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../node-sqlite.ts'
import type { SqliteDriver } from '../sqlite-driver.ts'
import { fakeStorage } from './fake-storage.ts'
import { catalog, grantOf, reserveOf, START, settleOf } from './fixtures.ts'

/** A sink that remembers what came, and does what a test tells it. */
export function recordingSink() {
  const calls: OutgoingCharge[][] = []
  const sink = {
    /** The most charges that are done in a call. */
    doneMax: Number.POSITIVE_INFINITY,
    throws: false,
    calls,
    /** Ids of all that came, in order. */
    ids: () => calls.flat().map(({ entry }) => entry.id),
    async deliver(charges: readonly OutgoingCharge[]) {
      calls.push([...charges])
      if (sink.throws) throw new Error('no sink today')
      return Math.min(charges.length, sink.doneMax)
    },
  }
  return sink
}

export type Rig = {
  name: string
  apply: Store['apply']
  /** Everything that can leave now leaves, as the timer or the alarm does it. */
  round: () => Promise<void>
  /** Begins anew on the same data, after a crash. */
  restart: (sink: Sink | null) => Promise<void>
  /** Passes in ms. */
  wait: (ms: number) => void
  /** Set to make the cursor's writes fail. */
  faults: { cursor: boolean }
  /** The keys in `meta`. */
  meta: () => unknown[]
  logged: string[]
  /** The most rows of a batch. */
  rowsMax: number
  close: () => Promise<void>
}

export const ACCOUNT = 'a'

/** Buys, holds and settles: one charge of `amount` microcredits under the id. */
export async function spend({ apply }: Pick<Rig, 'apply'>, id: string, amount = 500): Promise<void> {
  const commands: Command[] = [grantOf(5000), reserveOf(1000, id), settleOf(id, amount)]
  for (const command of commands) {
    const result = await apply(ACCOUNT, command)
    if (!result.ok) throw new Error(result.error.message)
  }
}

/** Gives the account a customer at the payment provider. */
export async function makeCustomer({ apply }: Pick<Rig, 'apply'>, account = ACCOUNT): Promise<void> {
  const result = await apply(account, { kind: 'setCustomer', customer: `cus_${account}`, replaces: null })
  if (!result.ok) throw new Error(result.error.message)
}

export type SqliteRig = Rig & {
  /** Opens the file once more, as another process does. */
  open: (sink: Sink | null, more?: Partial<SqliteStoreOptions>) => SqliteStore
}

/** A server's file. */
export function sqliteRig(first: Sink | null): SqliteRig {
  const folder = mkdtempSync(join(tmpdir(), 'faregate-outbox-'))
  const path = join(folder, 'ledger.db')
  const time = { now: START }
  const faults = { cursor: false }
  const logged: string[] = []
  const stores: SqliteStore[] = []
  const wrapDriver = (driver: SqliteDriver): SqliteDriver => ({
    ...driver,
    execute: (sql, ...parameters) => guarded(faults, sql, () => driver.execute(sql, ...parameters)),
  })
  const open: SqliteRig['open'] = (sink, more = {}) => {
    const store = createSqliteStore({
      ...{ path, catalog, creditUsd: '0.01', wrapDriver },
      ...{ sweepMs: 3_600_000, deliverMs: 3_600_000 },
      clock: () => time.now,
      steadyClock: () => time.now,
      log: (problem) => logged.push(problem),
      ...(sink && { sink }),
      ...more,
    })
    stores.push(store)
    return store
  }
  let current = open(first)
  return {
    ...{ name: 'a file', faults, logged, rowsMax: 200, open },
    apply: (account, command) => current.apply(account, command),
    round: () => current.deliver(),
    async restart(sink) {
      // The process that is gone says nothing more, and its claim ends.
      time.now += 20_000
      current = open(sink)
    },
    wait: (ms) => {
      time.now += ms
    },
    meta: () => keysIn(new DatabaseSync(path, { readOnly: true })),
    async close() {
      for (const store of stores) await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}

export type ObjectRig = Rig & Pick<ReturnType<typeof fakeStorage>, 'alarm' | 'database'>

/** A Durable Object. */
export function objectRig(first: Sink | null): ObjectRig {
  const { database, storage, alarm } = fakeStorage()
  const time = { now: START }
  const faults = { cursor: false }
  const logged: string[] = []
  const guardedStorage = {
    ...storage,
    sql: {
      exec: (query: string, ...bindings: (string | number | null)[]) =>
        guarded(faults, query, () => storage.sql.exec(query, ...bindings)),
    },
  }
  const wake = (sink: Sink | null) =>
    createAccountLedger({
      storage: guardedStorage,
      name: ACCOUNT,
      settings: () => ({ catalog, creditUsd: '0.01' }),
      sink: () => sink,
      clock: () => time.now,
      log: (problem) => logged.push(problem),
    })
  let current = wake(first)
  return {
    ...{ name: 'an object', faults, logged, rowsMax: 40, alarm, database },
    apply: (account, command) => current.apply(account, command),
    async round() {
      for (let soon = true; soon; ) {
        alarm.at = null
        await current.alarm()
        soon = alarm.at !== null && alarm.at <= time.now + 1000
        if (soon) time.now += 1000
      }
    },
    restart: async (sink) => {
      current = wake(sink)
    },
    wait: (ms) => {
      time.now += ms
    },
    meta: () => keysIn(database),
    close: async () => database.close(),
  }
}

function guarded<T>(faults: Rig['faults'], sql: string, run: () => T): T {
  if (faults.cursor && sql.startsWith('UPDATE meta')) throw new Error('the disk is gone')
  return run()
}

function keysIn(database: DatabaseSync): unknown[] {
  const rows = database.prepare('SELECT key FROM meta ORDER BY key').all()
  return rows.map(({ key }) => key)
}
