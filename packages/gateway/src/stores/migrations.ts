/**
 * The tables, as numbered migrations. A table counts them, because Durable Objects have no `PRAGMA user_version`.
 * Never change one that was released: add the next.
 */
import { parseDecimal } from '../core/credits.ts'
import type { SqliteDriver } from './sqlite-driver.ts'
import { textOf } from './sqlite-reads.ts'

type Migration = {
  statements: readonly string[]
  /** For a file that many accounts share; an object of one account does without (each index is a billed row). */
  shared?: readonly string[]
}

const migrations: readonly Migration[] = [
  {
    statements: [
      `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,
      `CREATE TABLE accounts (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, last_entry INTEGER, state TEXT NOT NULL
      ) STRICT`,
      `CREATE TABLE holds (
        account_id TEXT NOT NULL, id TEXT NOT NULL, lease_until INTEGER NOT NULL, state TEXT NOT NULL,
        PRIMARY KEY (account_id, id)
      ) STRICT, WITHOUT ROWID`,
      // Each entry names the account's previous one, and ids begin with a time: so a new entry touches only
      // the ends of the table and of its index, however many accounts there are.
      `CREATE TABLE entries (
        sequence INTEGER PRIMARY KEY, account_id TEXT NOT NULL, previous INTEGER, id TEXT NOT NULL,
        at INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (id, account_id)
      ) STRICT`,
      `CREATE TABLE grants (
        account_id TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (account_id, id)
      ) STRICT, WITHOUT ROWID`,
    ],
    shared: [`CREATE INDEX holds_by_lease ON holds (lease_until)`],
  },
  {
    statements: [
      `CREATE TABLE payments (
        account_id TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (account_id, id)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE usage (
        account_id TEXT NOT NULL, day INTEGER NOT NULL, model TEXT NOT NULL, member TEXT NOT NULL,
        requests INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
        credits INTEGER NOT NULL, PRIMARY KEY (account_id, day, model, member)
      ) STRICT, WITHOUT ROWID`,
      // The sums of what was used before they were kept.
      `INSERT INTO usage (account_id, day, model, member, requests, input_tokens, output_tokens, credits)
        SELECT account_id, at / 86400000, body ->> '$.model', body ->> '$.member', count(*),
          sum(body ->> '$.usage.inputTokens'), sum(body ->> '$.usage.outputTokens'), -sum(body ->> '$.credits')
        FROM entries
        WHERE body ->> '$.kind' = 'charge' AND (body ->> '$.credits' <> 0
          OR body ->> '$.usage.inputTokens' > 0 OR body ->> '$.usage.outputTokens' > 0)
        GROUP BY 1, 2, 3, 4`,
      `UPDATE accounts SET state = json_set(state, '$.subscriptions', json('[]'), '$.billing', json(
        '{"customer":null,"savedCard":false,"topUp":null,"topUpDay":{"day":0,"count":0},"opened":{"hour":0,"count":0},"checking":0}'
      ))`,
    ],
  },
  {
    statements: [
      // `request_hash` is of what was asked; the answer is there only where the operator lets answers be kept.
      `CREATE TABLE idempotency (
        account_id TEXT NOT NULL, key_hash TEXT NOT NULL, request_hash TEXT NOT NULL, request_id TEXT NOT NULL,
        at INTEGER NOT NULL, status INTEGER, headers TEXT, body BLOB, PRIMARY KEY (account_id, key_hash)
      ) STRICT, WITHOUT ROWID`,
    ],
    shared: [`CREATE INDEX idempotency_by_time ON idempotency (at)`],
  },
]

export type MigrateOptions = {
  /** What one credit is sold for in USD, as the config says it. */
  creditUsd: number | string
  /** Whether many accounts share the database. */
  shared: boolean
  /** The migrations to bring it to; tests alone give others. */
  steps?: readonly Migration[]
}

/** Whether the database has tables. Reads only. */
export function isMigrated(driver: SqliteDriver): boolean {
  return driver.execute(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'`).length > 0
}

/**
 * Brings the tables up to date, all of it or nothing. Throws, with what to do, for a database that a newer
 * version wrote, and for one whose credits are worth something else than the config now says.
 */
export function migrate(driver: SqliteDriver, options: MigrateOptions): void {
  const { creditUsd, shared, steps = migrations } = options
  driver.transaction(() => {
    driver.execute('CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY) STRICT')
    const newest = Number(driver.execute('SELECT max(number) AS newest FROM migrations')[0]?.newest ?? 0)
    if (newest > steps.length) {
      throw new Error(
        `The database is at migration ${newest}, and this version of Faregate knows ${steps.length}: a newer version wrote it. Start that version again, or restore a backup from before the upgrade.`,
      )
    }
    for (const [index, step] of steps.entries()) {
      if (index < newest) continue
      for (const statement of [...step.statements, ...(shared ? (step.shared ?? []) : [])]) {
        driver.execute(statement)
      }
      driver.execute('INSERT INTO migrations (number) VALUES (?)', index + 1)
    }
    checkCredit(driver, creditUsd)
  })
}

/** Balances are counted in credits, so a credit must go on being worth what it was sold for. */
function checkCredit(driver: SqliteDriver, creditUsd: number | string): void {
  const configured = canonical(creditUsd)
  const row = driver.execute(`SELECT value FROM meta WHERE key = 'credit_usd'`)[0]
  if (!row) {
    driver.execute(`INSERT INTO meta (key, value) VALUES ('credit_usd', ?)`, configured)
    return
  }
  const stored = textOf(row.value)
  if (stored !== configured) {
    throw new Error(
      `credit.usd is ${configured}, but the balances in this database were sold at ${stored} USD a credit. Set credit.usd back to ${stored} and change markupPercent or the packs' prices instead, or start with a new database.`,
    )
  }
}

/** One spelling for each number: `0.010`, `1e-2` and 0.01 are the same credit. */
function canonical(value: number | string): string {
  const decimal = parseDecimal(value)
  if (!decimal) throw new Error(`credit.usd must be a positive decimal number, not ${value}.`)
  const digits = decimal.digits.toString().padStart(decimal.scale + 1, '0')
  if (decimal.scale === 0) return digits
  const whole = digits.slice(0, -decimal.scale)
  const part = digits.slice(-decimal.scale).replace(/0+$/, '')
  return part === '' ? whole : `${whole}.${part}`
}
