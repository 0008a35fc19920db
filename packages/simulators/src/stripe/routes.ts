/** How the parts of the simulated API say what they answer. */
import type { Params } from './params.ts'
import type { World } from './types.ts'

/** A call of the API, authenticated and parsed. */
export type ApiCall = {
  world: World
  params: Params
  /** From the path's pattern. */
  path: Record<string, string>
}

/** One operation: it answers the object, or throws a fault. It runs in one turn, so nothing comes between. */
export type ApiRoute = {
  method: 'GET' | 'POST' | 'DELETE'
  pattern: string
  handle: (call: ApiCall) => object
}

/** Matches a path against a pattern such as `/v1/customers/:id`. */
export function matchPath(pattern: string, pathname: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = pathname.split('/')
  if (wanted.length !== given.length) return undefined
  const found: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? ''
    if (part.startsWith(':')) found[part.slice(1)] = value
    else if (part !== value) return undefined
  }
  return found
}
