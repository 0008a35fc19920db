/** What only a file and processes show: crashes, two writers, locks, disks that fail, and starts that are refused. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { availableOf, heldOf } from '../core/account.ts'
import { LEASE_MS } from '../core/reserve.ts'
import { StoreUnavailable } from '../ports.ts'
import { catalog, grantOf, reserveOf, settleOf, usageOf } from './conformance/fixtures.ts'
import { accepted, allEntries } from './conformance/harness.ts'
import { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from './node-sqlite.ts'
import type { SqliteDriver } from './sqlite-driver.ts'

const burstScript = fileURLToPath(new URL('./conformance/burst.ts', import.meta.url))

let folder = ''
let path = ''
let stores: SqliteStore[] = []
let children: ChildProcessWithoutNullStreams[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faregate-faults-'))
  path = join(folder, 'data', 'ledger.db')
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(stores.map((store) => store.close()))
  children = []
  stores = []
  rmSync(folder, { recursive: true })
})

function open(options: Partial<SqliteStoreOptions> = {}): SqliteStore {
  const store = createSqliteStore({ path, catalog, creditUsd: '0.01', sweepMs: 3_600_000, ...options })
  stores.push(store)
  return store
}

/** Another connection to the file, as another program would have. */
function other(): DatabaseSync {
  return new DatabaseSync(path)
}

type Burst = { child: ChildProcessWithoutNullStreams; lines: string[]; exited: Promise<unknown> }

/** Starts a process of requests that waits for its start signal. */
async function burst(kind: 'reserve' | 'cycle', connections: number, count: number): Promise<Burst> {
  const args = [burstScript, path, 'shared', kind, String(connections), String(count)]
  const child = spawn(process.execPath, args)
  children.push(child)
  const lines: string[] = []
  let rest = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  })
  const exited = once(child, 'close')
  await until(() => lines.includes('ready'))
  return { child, lines, exited }
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > end) throw new Error('it never came to that')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

describe('a process that is killed', () => {
  for (let round = 1; round <= 5; round += 1) {
    test(`keeps all that it acknowledged (round ${round})`, async () => {
      const store = open()
      await accepted(store, 'shared', grantOf(1_000_000_000))
      await store.close()
      const { child, lines, exited } = await burst('cycle', 16, 1_000_000)
      child.stdin.write('go\n')
      const enough = 20 + Math.floor(Math.random() * 1500)
      await until(() => lines.length > enough)
      child.kill('SIGKILL')
      await exited
      await expectBooks(lines)
    })
  }

  async function expectBooks(lines: string[]): Promise<void> {
    const late = Date.now() + LEASE_MS
    const store = open({ clock: () => late })
    const state = await store.read('shared')
    const entries = await allEntries(store, 'shared')
    const charged = new Set(entries.filter(({ kind }) => kind === 'charge').map(({ id }) => id))
    const holds = new Set(
      other()
        .prepare('SELECT id FROM holds')
        .all()
        .map(({ id }) => id),
    )
    for (const line of lines) {
      const [word, id = ''] = line.split(' ')
      if (word === 'charged') expect(charged.has(id)).toBe(true)
      if (word === 'held') expect(charged.has(id) || holds.has(id)).toBe(true)
    }
    const sum = entries.reduce((total, { credits }) => total + credits, 0)
    expect(sum).toBe(availableOf(state) + heldOf(state))
    expect(state.open.total).toBe(holds.size)
    // A lease later nothing is left open, and nobody is kept from the credits.
    await store.sweep()
    const after = await store.read('shared')
    expect([after.open.total, heldOf(after)]).toEqual([0, 0])
  }
})

describe('two processes on one file', () => {
  test('admit together exactly what the account can pay', async () => {
    const store = open()
    await accepted(store, 'shared', grantOf(150 * 1000))
    const pair = await Promise.all([burst('reserve', 8, 120), burst('reserve', 8, 120)])
    for (const { child } of pair) child.stdin.write('go\n')
    await Promise.all(pair.map(({ exited }) => exited))
    const words = pair.flatMap(({ lines }) => lines.slice(1).map((line) => line.split(' ')[0]))
    expect(words.filter((word) => word === 'held')).toHaveLength(150)
    expect(words.filter((word) => word === 'insufficient_credits')).toHaveLength(90)
    expect(heldOf(await store.read('shared'))).toBe(150_000)
  })

  test("see each other's writes, though they remember accounts", async () => {
    const [one, two] = [open(), open()]
    await accepted(one, 'a', grantOf(3000))
    await accepted(two, 'a', reserveOf(1000, 'first'))
    expect((await accepted(one, 'a', reserveOf(1000, 'second'))).available).toBe(1000)
    expect((await accepted(two, 'a', settleOf('second', 500))).available).toBe(1500)
    expect((await accepted(one, 'a', settleOf('second', 900))).charged).toBe(500)
    expect((await accepted(one, 'a', settleOf('first', 100))).available).toBe(2400)
    expect(await allEntries(two, 'a')).toEqual(await allEntries(one, 'a'))
    expect(await allEntries(one, 'a')).toHaveLength(3)
  })
})

describe('a file that another program has locked', () => {
  test('is waited for without holding up the thread', async () => {
    const store = open()
    await accepted(store, 'a', grantOf(5000))
    const locker = other()
    locker.exec('BEGIN IMMEDIATE')
    const waiting = store.apply('a', reserveOf(1000))
    let turns = 0
    await until(() => (turns += 1) > 20)
    expect(availableOf(await store.read('a'))).toBe(5000)
    locker.exec('COMMIT')
    expect(await waiting).toMatchObject({ ok: true })
    locker.close()
  })

  test('for more than 2 s is store unavailable, also for commands that came later, and works again after', async () => {
    const store = open()
    await accepted(store, 'a', grantOf(5000))
    const locker = other()
    locker.exec('BEGIN IMMEDIATE')
    const started = performance.now()
    let turns = 0
    const pulse = setInterval(() => {
      turns += 1
    }, 5)
    const results = await Promise.allSettled([store.apply('a', reserveOf(1000)), store.ready()])
    clearInterval(pulse)
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
    }
    expect(performance.now() - started).toBeGreaterThan(1900)
    // Had the wait blocked the thread, next to nothing else would have had a turn.
    expect(turns).toBeGreaterThan(20)
    locker.exec('ROLLBACK')
    locker.close()
    expect(await accepted(store, 'a', reserveOf(1000))).toMatchObject({ available: 4000 })
  })
})

describe('a commit that fails', () => {
  /** A driver whose commits fail while `state.failing`: the transaction is done, and then undone. */
  function breakable() {
    const state = { failing: false }
    const wrapDriver = (driver: SqliteDriver): SqliteDriver => ({
      ...driver,
      transaction: (work) =>
        driver.transaction(() => {
          const value = work()
          if (state.failing) throw new StoreUnavailable('disk I/O error')
          return value
        }),
    })
    return { state, wrapDriver }
  }

  test('rejects its whole group, and the next command sees what is stored', async () => {
    const { state, wrapDriver } = breakable()
    const store = open({ wrapDriver })
    await accepted(store, 'a', grantOf(5000))
    await accepted(store, 'a', reserveOf(1000, 'req'))
    state.failing = true
    const group = [reserveOf(1000), settleOf('req', 700), grantOf(9000)].map((command) =>
      store.apply('a', command),
    )
    for (const result of await Promise.allSettled(group)) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
    }
    state.failing = false
    expect((await store.read('a')).open.total).toBe(1)
    expect(await accepted(store, 'a', settleOf('req', 300))).toMatchObject({ charged: 300, available: 4700 })
    expect(await allEntries(store, 'a')).toHaveLength(2)
  })

  test('a command that throws fails alone', async () => {
    const store = open()
    await accepted(store, 'a', grantOf(5000))
    const impossible = reserveOf(500, 'impossible', { inputTokens: Number.NaN })
    const results = await Promise.allSettled([
      store.apply('a', reserveOf(1000, 'one')),
      store.apply('a', impossible),
      store.apply('b', grantOf(10)),
      store.apply('a', reserveOf(1000, 'two')),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    const [, failed] = results
    expect(failed?.status === 'rejected' && failed.reason instanceof StoreUnavailable).toBe(false)
    expect(heldOf(await store.read('a'))).toBe(2000)
    expect(availableOf(await store.read('b'))).toBe(10)
  })

  test('a row that the tables refuse fails its command alone, and leaves no transaction open', async () => {
    const store = open()
    await accepted(store, 'a', grantOf(5000))
    await accepted(store, 'a', reserveOf(1000, 'doomed'))
    await accepted(store, 'a', reserveOf(1000, 'fine'))
    // A line that should not be there, with the id that the settlement is going to write.
    const meddler = other()
    meddler.exec(
      `INSERT INTO entries (sequence, account_id, id, at, body) VALUES (99, 'a', 'doomed', 0, '{}')`,
    )
    meddler.close()
    const results = await Promise.allSettled([
      store.apply('a', settleOf('fine', 400)),
      store.apply('a', settleOf('doomed', 400)),
      store.apply('b', grantOf(10)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await store.read('a')).open.total).toBe(1)
    expect((await accepted(store, 'a', reserveOf(1000))).available).toBe(5000 - 400 - 2000)
  })

  test('a disk that is full is store unavailable, and passes', async () => {
    const database = { limit: (_pages: number) => {} }
    const wrapDriver = (driver: SqliteDriver): SqliteDriver => {
      database.limit = (pages) => void driver.execute(`PRAGMA max_page_count = ${pages}`)
      return driver
    }
    const store = open({ wrapDriver })
    await accepted(store, 'a', grantOf(1_000_000))
    database.limit(1)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) => store.apply('a', reserveOf(1000, `req_${index}`))),
    )
    const rejected = outcomes.filter(({ status }) => status === 'rejected')
    expect(rejected.length).toBeGreaterThan(0)
    for (const outcome of rejected) expect(outcome).toMatchObject({ reason: expect.any(StoreUnavailable) })
    database.limit(1_000_000)
    const { open: held } = await store.read('a')
    expect(held.total).toBe(outcomes.length - rejected.length)
    await accepted(store, 'a', reserveOf(1000))
  })

  test('a store that is closed is unavailable, and closing finishes what was queued', async () => {
    const store = open()
    const queued = Promise.all(Array.from({ length: 50 }, () => store.apply('a', grantOf(10))))
    await store.close()
    for (const result of await queued) expect(result.ok).toBe(true)
    await expect(store.apply('a', grantOf(10))).rejects.toThrow(StoreUnavailable)
    await expect(store.read('a')).rejects.toThrow(StoreUnavailable)
    await expect(store.ready()).rejects.toThrow(StoreUnavailable)
    expect(availableOf(await open().read('a'))).toBe(500)
  })
})

describe('a start', () => {
  test('makes the folder, and a database that waits for the disk', () => {
    let synchronous: unknown
    open({
      wrapDriver(driver) {
        synchronous = driver.execute('PRAGMA synchronous')[0]?.synchronous
        return driver
      },
    })
    expect(synchronous).toBe(2)
    expect(other().prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  })

  test('with another credit.usd is refused, saying what to do; another spelling is the same', async () => {
    await open({ creditUsd: 0.01 }).close()
    expect(() => open({ creditUsd: '0.02' })).toThrow(
      /credit\.usd is 0\.02.*sold at 0\.01.*Set credit\.usd back/,
    )
    for (const creditUsd of ['0.010', '1e-2', 0.01]) await open({ creditUsd }).close()
  })

  test('on a database of a newer version is refused', async () => {
    await open().close()
    const newer = other()
    newer.exec('INSERT INTO migrations (number) VALUES (99)')
    newer.close()
    expect(() => open()).toThrow(/migration 99.*a newer version wrote it/)
  })

  test('on a file that is no database is refused', async () => {
    await open().close()
    const { writeFileSync } = await import('node:fs')
    writeFileSync(
      path,
      'this is a text, and it is long enough to be taken for a header of something else. '.repeat(20),
    )
    expect(() => open()).toThrow(/not a database/)
  })

  test('on a copy that was made by VACUUM INTO while the store ran has everything up to then', async () => {
    const store = open()
    await accepted(store, 'a', grantOf(5000))
    await accepted(store, 'a', reserveOf(1000, 'req'))
    const backup = join(folder, 'backup.db')
    const tool = other()
    tool.exec(`VACUUM INTO '${backup}'`)
    tool.close()
    await accepted(store, 'a', settleOf('req', 500))
    const restored = open({ path: backup })
    expect((await restored.read('a')).open.total).toBe(1)
    expect(await accepted(restored, 'a', settleOf('req', 500))).toMatchObject({ available: 4500 })
  })

  test('frees by its own timer what a dead process held', async () => {
    const first = open()
    await accepted(first, 'a', grantOf(5000))
    await accepted(first, 'a', reserveOf(1000))
    await first.close()
    const late = Date.now() + LEASE_MS
    const second = open({ clock: () => late, sweepMs: 5 })
    const end = performance.now() + 10_000
    while ((await second.read('a')).open.total > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect((await second.read('a')).open.total).toBe(0)
  })
})

describe('one transaction', () => {
  test('ends a hold for the commands behind it too, while its row is still there', async () => {
    const before = open()
    await accepted(before, 'a', grantOf(5000))
    for (const id of ['ends', 'lives']) await accepted(before, 'a', reserveOf(1000, id))
    await before.close()
    // A store that has just started knows neither hold: each is read from its row.
    const store = open()
    const checkpoint = { kind: 'checkpoint', holdId: 'ends', usage: usageOf(400) } as const
    const replies = await Promise.all([
      store.apply('a', settleOf('ends', 300)),
      store.apply('a', settleOf('ends', 700)),
      store.apply('a', checkpoint),
    ])
    expect(replies.map((reply) => reply.ok && reply.value.charged)).toEqual([300, 300, 300])
    expect((await store.read('a')).open.total).toBe(1)
    expect(other().prepare('SELECT id FROM holds').all()).toEqual([{ id: 'lives' }])
  })
})
