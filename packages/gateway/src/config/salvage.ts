/**
 * Reads what can be read of a part with errors in it, so that checks across parts still run and everything
 * wrong is told at once. What comes out is never used to serve: a config with any error is refused.
 */
import type { z } from 'zod'
import { faultsOf } from './errors.ts'

const depthMax = 16

/** The value without the places that do not fit; undefined when nothing is left. */
export function salvage<S extends z.ZodType>(schema: S, value: unknown): z.output<S> | undefined {
  const root: Record<string, unknown> = { value: copy(value, 0) }
  while (root.value !== undefined) {
    const parsed = schema.safeParse(root.value)
    if (parsed.success) return parsed.data
    // From the last to the first, so that removing a list's item does not move those yet to be removed.
    for (const { path } of faultsOf(parsed.error.issues, ['value']).reverse()) remove(root, path)
  }
  return undefined
}

/** Removes what is at a place; where nothing is, it was missing, and what lacks it goes. */
function remove(root: Record<string, unknown>, path: readonly PropertyKey[]): void {
  const parents: object[] = []
  let at: unknown = root
  for (const part of path) {
    if (typeof at !== 'object' || at === null) break
    parents.push(at)
    at = Reflect.get(at, part)
  }
  // What lay around it went with another fault.
  if (parents.length < path.length) return
  const depth = at === undefined ? Math.max(1, parents.length - 1) : parents.length
  const parent = parents[depth - 1]
  const key = path[depth - 1]
  if (parent === undefined || key === undefined) return
  if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else Reflect.deleteProperty(parent, key)
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > depthMax) return undefined
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, copy(entry, depth + 1)]))
}
