/** The suite over `node:sqlite`: runs under Node with `vitest` and under Bun with `bun test`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { catalog } from './conformance/fixtures.ts'
import type { StoreUnderTest } from './conformance/harness.ts'
import { describeStore } from './conformance/suite.ts'
import { createSqliteStore } from './node-sqlite.ts'

const sqlite = (name: string, file: boolean, accountsCachedMax: number): StoreUnderTest => ({
  name,
  noticesClockSteps: true,
  readsClosed: true,
  runs: 60,
  async open(clock) {
    const folder = file ? mkdtempSync(join(tmpdir(), 'faregate-store-')) : null
    const store = createSqliteStore({
      path: folder === null ? ':memory:' : join(folder, 'ledger.db'),
      catalog,
      creditUsd: '0.01',
      clock: clock.wall,
      steadyClock: clock.steady,
      sweepMs: 3_600_000,
      accountsCachedMax,
    })
    return {
      store,
      sweep: async () => void (await store.sweep()),
      async close() {
        await store.close()
        if (folder !== null) rmSync(folder, { recursive: true })
      },
    }
  },
})

describeStore(sqlite('node:sqlite in memory', false, 1000))
describeStore(sqlite('node:sqlite in a file, remembering next to nothing', true, 1))
