/**
 * A process for the crash and two-process tests: sends requests to a store on a file and prints a line for each
 * that was acknowledged, and only then. Run as `burst.ts <file> <account> <reserve|cycle> <connections> <count>`.
 */
import { writeSync } from 'node:fs'
import { createSqliteStore } from '../node-sqlite.ts'
import { catalog, reserveOf, settleOf, uniqueId } from './fixtures.ts'

const [path = '', account = '', kind = '', connections = '1', count = '1'] = process.argv.slice(2)
const store = createSqliteStore({ path, catalog, creditUsd: '0.01' })
let left = Number(count)

function acknowledge(word: string, id: string): void {
  // Written at once: a line that was buffered when the process dies would not count as an acknowledgement.
  writeSync(1, `${word} ${id}\n`)
}

async function connection(): Promise<void> {
  while (left > 0) {
    left -= 1
    const id = uniqueId('req')
    const reserved = await store.apply(account, reserveOf(1000, id))
    acknowledge(reserved.ok ? 'held' : reserved.error.code, id)
    if (kind !== 'cycle' || !reserved.ok) continue
    const settled = await store.apply(account, settleOf(id, 400))
    if (settled.ok) acknowledge('charged', id)
  }
}

writeSync(1, 'ready\n')
// The two-process test starts both at one time.
await new Promise<void>((resolve) => process.stdin.once('data', () => resolve()))
await Promise.all(Array.from({ length: Number(connections) }, connection))
await store.close()
process.exit(0)
