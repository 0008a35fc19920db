/** The same tests under Bun, which is what the server runs on: its `node:sqlite` is another implementation. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const bun = fileURLToPath(new URL('../../../../node_modules/.bin/bun', import.meta.url))
const files = [
  'node-sqlite.test.ts',
  'node-sqlite.faults.test.ts',
  'node-sqlite.closing.test.ts',
  'migrations.test.ts',
].map((file) => fileURLToPath(new URL(file, import.meta.url)))

test.skipIf('bun' in process.versions)('the store passes its tests under Bun', { timeout: 120_000 }, () => {
  const { status, stderr, error } = spawnSync(bun, ['test', '--timeout=30000', ...files], {
    encoding: 'utf8',
  })
  expect(error).toBeUndefined()
  // The report is in the assertion, so that a failure shows what failed.
  expect(status === 0 ? '' : stderr).toBe('')
  expect(stderr).toMatch(/\b[1-9]\d+ pass\b/)
})
