/** The file that keeps an instance over restarts: keys, browsers, people and subscriptions. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { StoredBilling } from './billing.ts'
import type { Browser } from './browsers.ts'
import type { StoredDirectory } from './directory.ts'
import type { StoredKey } from './keys.ts'

/** What is kept. A file of an earlier version has no people and no subscriptions: then they are the seeded ones. */
export type State = {
  keys: StoredKey[]
  browsers: Browser[]
  directory?: StoredDirectory
  billing?: StoredBilling
}

/** What a file kept; undefined if there is none, or none that can be read. */
export function readState(file: string): State | undefined {
  try {
    // The simulator's own file, written whole by writeState: its shape is not in doubt.
    return JSON.parse(readFileSync(file, 'utf8')) as State
  } catch {
    return undefined
  }
}

/** Keeps a state, whole or not at all. */
export function writeState(file: string, state: State): void {
  const temporary = `${file}.${process.pid}.tmp`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(temporary, JSON.stringify(state), { mode: 0o600 })
  renameSync(temporary, file)
}
