/**
 * What is wrong with a config, in an operator's words. Every error names its place and the way out, and none
 * repeats a value that could be a secret: values of the environment are never shown.
 */
import type { z } from 'zod'

/** One thing to put right. `path` is a place in the config (`models.fast.price`) or a variable's name. */
export type ConfigError = { path: string; message: string }

type Path = readonly PropertyKey[]
type Issue = z.core.$ZodIssue

/** All errors as one text for a terminal. */
export function formatConfigErrors(errors: readonly ConfigError[]): string {
  const count = errors.length === 1 ? 'one thing' : `${errors.length} things`
  const lines = errors.map(({ path, message }) => `  ${path}\n    ${message}`)
  return [`The configuration has ${count} to put right:`, ...lines].join('\n')
}

/**
 * A place in the config: `models.fast.price`, or `models["gpt-4.1"]` where a name holds more than letters.
 */
export function pathOf(parts: Path): string {
  let path = ''
  for (const part of parts) {
    const name = String(part)
    if (typeof part === 'number') path += `[${name}]`
    else if (/^[\w-]+$/.test(name)) path += path === '' ? name : `.${name}`
    else path += `[${JSON.stringify(name)}]`
  }
  return path === '' ? 'config' : path
}

/** What is wrong at one place: the place may be missing, and then the message says so. */
export type Fault = { path: Path; message: string }

/** The issues of a parse as errors. */
export function errorsOf(issues: readonly Issue[]): ConfigError[] {
  return faultsOf(issues, []).map(({ path, message }) => ({ path: pathOf(path), message }))
}

/** The issues of a parse one by one, below `base`. */
export function faultsOf(issues: readonly Issue[], base: Path): Fault[] {
  return issues.flatMap((issue) => faultsOfIssue(issue, [...base, ...issue.path]))
}

function faultsOfIssue(issue: Issue, path: Path): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    // `strict()` writes one line for each key, in order.
    const lines = issue.message.split('\n')
    return issue.keys.map((key, index) => ({ path: [...path, key], message: lines[index] ?? 'unknown key' }))
  }
  if (issue.code === 'invalid_union') {
    const branch = closestBranch(issue.errors)
    if (branch) return faultsOf(branch, path)
  }
  if (issue.code === 'invalid_key') return [{ path, message: issue.issues[0]?.message ?? issue.message }]
  return [{ path, message: issue.message }]
}

/** Of a union's forms, the one that was most likely meant: right in kind, and wrong in the fewest places. */
function closestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  let best: { issues: readonly Issue[]; faults: number } | null = null
  for (const issues of branches) {
    const otherKind = issues.some(({ path, code }) => path.length === 0 && code !== 'unrecognized_keys')
    const faults = issues.reduce((sum, issue) => sum + ('keys' in issue ? issue.keys.length : 1), 0)
    if (!otherKind && (best === null || faults < best.faults)) best = { issues, faults }
  }
  return best?.issues ?? null
}

/** The known name that was most likely meant, or null when none is near. */
export function nearest(name: string, known: Iterable<string>): string | null {
  return nearestOf(name, known, 1)[0] ?? null
}

/** The known names that are near, at most so many, the nearest first. */
export function nearestOf(name: string, known: Iterable<string>, countMax: number): string[] {
  const allowed = Math.ceil(name.length / 3)
  return [...known]
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((one, other) => one.distance - other.distance)
    .slice(0, countMax)
    .map(({ candidate }) => candidate)
}

/** `; did you mean "fast"?`, or the known names when none is near. */
export function suggestion(name: string, known: Iterable<string>): string {
  const names = [...known]
  const near = nearest(name, names)
  if (near !== null) return `did you mean "${near}"?`
  return names.length === 0 ? 'none is defined' : `known here: ${names.join(', ')}`
}

function editDistance(from: string, to: string): number {
  // A typing error is short; longer names are not worth comparing.
  if (from.length > 64 || to.length > 64) return from === to ? 0 : 64
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1]
      const replaced = (previous[column - 1] ?? 0) + (same ? 0 : 1)
      const removed = (previous[column] ?? 0) + 1
      const added = (current[column - 1] ?? 0) + 1
      current.push(Math.min(replaced, removed, added))
    }
    previous = current
  }
  return previous[to.length] ?? 64
}
