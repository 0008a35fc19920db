/** What a runtime brings to the SQLite ledger: a small synchronous driver over `node:sqlite` or an object's storage. */

export type SqlValue = string | number | null | Uint8Array<ArrayBuffer>
export type SqlRow = Readonly<Record<string, unknown>>

/** What a runtime brings: `node:sqlite`, or a Durable Object's storage. */
export type SqliteDriver = {
  /** Runs one statement; it may be called with the same text very often. */
  execute(sql: string, ...parameters: SqlValue[]): SqlRow[]
  /** Runs `work` in one write transaction. Rolls back and throws on when `work` or the commit throws. */
  transaction<T>(work: () => T): T
  /** Whether another connection has written since this was last asked. Asked inside a transaction. */
  changedElsewhere(): boolean
}
