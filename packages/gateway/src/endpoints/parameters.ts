/**
 * The shape of every JSON wire's table of fields, and how a request is checked against it. Whatever can change the
 * price, reach something outside the body or touch another user's data is decided by name and by value; a field
 * without a row is unknown.
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { ScannedObject } from './json-scan.ts'

/**
 * - `forward`: goes on as it came; its value is checked.
 * - `own`: the parser reads it or writes it itself, on every request; nothing lifts that.
 * - `overwrite`: goes on as `text`, whatever it said; the parser also adds it where it was absent.
 * - `drop`: taken out and named in the answer's header.
 * - `refuse`: 400, because it has no price or no bound here; null, which says nothing, is taken out.
 */
export type Parameter =
  | { policy: 'forward' | 'own'; check: Check }
  | { policy: 'overwrite'; check: Check; text: string }
  | { policy: 'drop' }
  | { policy: 'refuse'; why: string; harmless?: (value: unknown) => boolean }

/** A wire's fields by name. */
export type ParameterTable = ReadonlyMap<string, Parameter>

/** `accepts` is not asked about null, which means absent; `code` is the refusal's where it is not a wrong type. */
export type Check = {
  accepts: (value: unknown) => boolean
  expected: string
  code?: 'unsupported_parameter'
}

const isString = (value: unknown) => typeof value === 'string'
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Checks that several wires have in common. */
export const anything: Check = { accepts: () => true, expected: 'any value' }
export const number: Check = { accepts: (value) => typeof value === 'number', expected: 'a number' }
export const string: Check = { accepts: isString, expected: 'a string' }
export const boolean: Check = { accepts: (value) => typeof value === 'boolean', expected: 'true or false' }
export const object: Check = { accepts: isObject, expected: 'an object' }
export const array: Check = { accepts: Array.isArray, expected: 'an array' }
export const stringOrArray: Check = {
  accepts: (value) => isString(value) || Array.isArray(value),
  expected: 'a string or an array of strings',
}
export const stringOrObject: Check = {
  accepts: (value) => isString(value) || isObject(value),
  expected: 'a string or an object',
}
export const positiveInteger: Check = { accepts: isPositiveInteger, expected: 'a positive integer' }

/** One of some texts; others are refused as `unsupported_parameter`. */
export function oneOf(...values: readonly string[]): Check {
  const listed = values.map((value) => `"${value}"`).join(', ')
  return {
    accepts: (value) => isString(value) && values.includes(value as string),
    expected: values.length === 1 ? listed : `one of ${listed}`,
    code: 'unsupported_parameter',
  }
}

const droppedMax = 32

/** The fields of a table that always go on with the gateway's own value, as `[name, JSON text]`. */
export function overwrittenFields(table: ParameterTable): ReadonlyArray<readonly [string, string]> {
  return [...table].flatMap(([name, row]) => (row.policy === 'overwrite' ? [[name, row.text] as const] : []))
}

/**
 * Fields to take out, and of these the ones to tell the caller about: the first 32, percent-encoded and cut so that
 * they can stand in a header, since a caller may name a field anything.
 */
export type FieldDecisions = { removed: string[]; dropped: string[] }

/**
 * Checks every top-level field against the table. `allowed` are the names that the operator lets through
 * untouched for this model: unknown ones, and any but the parser's own. Null means absent throughout. `within` stands
 * before the names, for an object that is part of another (`generationConfig.`).
 */
export function checkFields(
  table: ParameterTable,
  scanned: Pick<ScannedObject, 'value'> & { spans: ReadonlyMap<string, unknown> },
  allowed: ReadonlySet<string>,
  unknownParameters: 'refuse' | 'drop',
  within = '',
): Result<FieldDecisions, Refusal> {
  const removed: string[] = []
  const dropped: string[] = []
  for (const name of scanned.spans.keys()) {
    const value = scanned.value[name]
    const row = table.get(name)
    const path = within + name
    if (row?.policy !== 'own' && allowed.has(path)) continue
    if (row === undefined) {
      if (unknownParameters === 'refuse') return err(unsupported(path, 'it is not known here'))
      removed.push(name)
      dropped.push(path)
    } else if (row.policy === 'drop') {
      removed.push(name)
      if (value !== null) dropped.push(path)
    } else if (row.policy === 'refuse') {
      if (value === null) removed.push(name)
      else if (!row.harmless?.(value)) return err(unsupported(path, row.why))
    } else if (value !== null && !row.check.accepts(value)) {
      return err(wrongValue(path, row.check))
    }
  }
  return ok({ removed, dropped: dropped.slice(0, droppedMax).map(headerSafe) })
}

function headerSafe(name: string): string {
  return encodeURIComponent(name).slice(0, 64)
}

/** 400 `unsupported_parameter` that names the field, shortened if it is absurdly long. */
export function unsupported(param: string, why: string): Refusal {
  const name = param.length > 128 ? `${param.slice(0, 128)}…` : param
  return refusal('unsupported_parameter', `The parameter '${name}' is not supported: ${why}. Remove it.`, {
    param: name,
  })
}

/** 400 `invalid_value` that names the field and says what it must be. */
export function invalidValue(param: string, expected: string): Refusal {
  return refusal('invalid_value', `'${param}' must be ${expected}.`, { param })
}

/** 400 for a value that its check does not accept. */
export function wrongValue(name: string, check: Check): Refusal {
  if (check.code === undefined) return invalidValue(name, check.expected)
  return refusal(check.code, `This value of '${name}' is not supported: it must be ${check.expected}.`, {
    param: name,
  })
}

/** Whether the value is an integer from 1 to 2⁵³−1. */
export function isPositiveInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

/** Whether the value is an object whose `type` is one of these. */
export function typeIsOneOf(value: unknown, types: readonly string[]): boolean {
  const type = isObject(value) ? (value as Record<string, unknown>).type : undefined
  return typeof type === 'string' && types.includes(type)
}
