/** Parameters of a request as Stripe's API takes them: a form whose names nest (`line_items[0][price_data][currency]`). */
import { invalid, missing } from './errors.ts'

type Value = string | Value[] | { [name: string]: Value }

/** Parameters at one level of nesting; `path` is how an error names them. */
export type Params = { path: string; values: { [name: string]: Value } }

const DEPTH_MAX = 8

/** Reads a form body or a query. */
export function parseForm(text: string): Params {
  const root: { [name: string]: Value } = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const parts = name.replace(/\]/g, '').split('[')
    if (parts.length <= DEPTH_MAX) place(root, parts, value)
  }
  const values: { [name: string]: Value } = {}
  for (const [name, value] of Object.entries(root)) values[name] = withLists(value)
  return { path: '', values }
}

function place(root: { [name: string]: Value }, parts: string[], value: string): void {
  let level = root
  for (const [index, part] of parts.entries()) {
    // `expand[]=a&expand[]=b` counts up.
    const name = part === '' ? String(Object.keys(level).length) : part
    if (index === parts.length - 1) {
      level[name] = value
      return
    }
    const existing = level[name]
    const next: { [name: string]: Value } =
      typeof existing === 'object' && !Array.isArray(existing) ? existing : Object.create(null)
    level[name] = next
    level = next
  }
}

/** Turns `{ 0: a, 1: b }` into `[a, b]`. */
function withLists(value: Value): Value {
  if (typeof value !== 'object' || Array.isArray(value)) return value
  const entries = Object.entries(value).map(([name, each]): [string, Value] => [name, withLists(each)])
  if (entries.length > 0 && entries.every(([name]) => /^\d+$/.test(name)))
    return entries.map(([, each]) => each)
  return Object.fromEntries(entries)
}

/** How an error names a parameter, e.g. `line_items[0][quantity]`. */
export function nameOf(params: Params, name: string): string {
  return params.path ? `${params.path}[${name}]` : name
}

/** Whether the caller said anything about it, be it to empty it. */
export function has(params: Params, name: string): boolean {
  return params.values[name] !== undefined
}

/** Refuses parameters that Stripe does not know, and those that the simulator would not obey. */
export function allowOnly(params: Params, names: readonly string[]): void {
  for (const name of Object.keys(params.values)) {
    if (names.includes(name)) continue
    const param = nameOf(params, name)
    throw invalid(
      `Received unknown parameter: ${param}. (The simulator does not know it; Stripe might.)`,
      param,
      'parameter_unknown',
    )
  }
}

/** A text, undefined where absent or emptied. */
export function text(params: Params, name: string): string | undefined {
  const value = params.values[name]
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string')
    throw invalid(`Invalid string: ${nameOf(params, name)}`, nameOf(params, name))
  return value
}

/** A text that must be there. */
export function requiredText(params: Params, name: string): string {
  const value = text(params, name)
  if (value === undefined) throw missing(nameOf(params, name))
  return value
}

/** One of a few words. */
export function choice<const Word extends string>(
  params: Params,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const value = text(params, name)
  if (value === undefined) return undefined
  const found = words.find((word) => word === value)
  if (found === undefined)
    throw invalid(`Invalid ${name}: must be one of ${words.join(', ')}`, nameOf(params, name))
  return found
}

/** An integer of any sign. */
export function integer(params: Params, name: string): number | undefined {
  const value = text(params, name)
  if (value === undefined) return undefined
  if (!/^-?\d{1,15}$/.test(value))
    throw invalid(`Invalid integer: ${value}`, nameOf(params, name), 'parameter_invalid_integer')
  return Number(value)
}

/** A flag. */
export function flag(params: Params, name: string): boolean | undefined {
  const value = text(params, name)
  if (value === undefined) return undefined
  if (value !== 'true' && value !== 'false') throw invalid(`Invalid boolean: ${value}`, nameOf(params, name))
  return value === 'true'
}

/** A nested level. */
export function child(params: Params, name: string): Params | undefined {
  const value = params.values[name]
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'object' || Array.isArray(value))
    throw invalid(`Invalid object: ${nameOf(params, name)}`, nameOf(params, name))
  return { path: nameOf(params, name), values: value }
}

/** A list of nested levels. */
export function children(params: Params, name: string): Params[] {
  const value = params.values[name]
  if (value === undefined || value === '') return []
  if (!Array.isArray(value)) throw invalid(`Invalid array: ${nameOf(params, name)}`, nameOf(params, name))
  return value.map((each, index) => {
    const path = `${nameOf(params, name)}[${index}]`
    if (typeof each !== 'object' || Array.isArray(each)) throw invalid(`Invalid object: ${path}`, path)
    return { path, values: each }
  })
}

/** A list of texts. */
export function texts(params: Params, name: string): string[] {
  const value = params.values[name]
  if (!Array.isArray(value)) return []
  return value.filter((each) => typeof each === 'string')
}

/** Metadata after a call: given keys are set, emptied ones go, and all go where the whole is emptied. */
export function metadata(params: Params, before: Record<string, string> = {}): Record<string, string> {
  const value = params.values.metadata
  if (value === undefined) return before
  if (value === '') return {}
  const after = { ...before }
  for (const [key, each] of Object.entries(child(params, 'metadata')?.values ?? {})) {
    const param = `${nameOf(params, 'metadata')}[${key}]`
    if (typeof each !== 'string') throw invalid(`Metadata values must be strings`, param)
    if (key.length > 40)
      throw invalid('Metadata keys can have up to 40 characters.', param, 'parameter_invalid_string_long')
    if (each.length > 500)
      throw invalid('Metadata values can have up to 500 characters.', param, 'parameter_invalid_string_long')
    if (each === '') delete after[key]
    else after[key] = each
  }
  if (Object.keys(after).length > 50)
    throw invalid('Metadata can have up to 50 keys.', nameOf(params, 'metadata'))
  return after
}
