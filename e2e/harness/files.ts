/** What a gateway left on disk, to be searched for what must not be there. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stack } from './stack.ts'

/** Files of the harness itself, which hand the keys to the gateway. */
const handedOver = /(?:worker\.env|\.dev\.vars)$/
/** Wrangler's own record of requests in local development: it notes their addresses and the objects they call. */
const traces = /[\\/]observability[\\/]/

export type DataFile = { name: string; bytes: Buffer; trace: boolean }

/** Every file of a stack's folder: the database with its log, or workerd's state and wrangler's record. */
export function dataFiles({ folder }: Stack): DataFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && !handedOver.test(file.name))
    .map((file) => join(file.parentPath, file.name))
    .flatMap((name) => {
      const bytes = readIfThere(name)
      return bytes ? [{ name, bytes, trace: traces.test(name) }] : []
    })
}

/** A database's journal may go between the listing and the reading. */
function readIfThere(name: string): Buffer | null {
  try {
    return readFileSync(name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
