/**
 * The smallest parts of the schema: decimals, counts, names, origins. Each says what it wants when it is
 * missing and what is wrong when it is there; decimals are read digit by digit and never pass through a
 * float.
 */
import { z } from 'zod'
import { CREDITS_MAX, microcreditsOf, parseDecimal } from '../core/credits.ts'
import { addressProblem } from './addresses.ts'
import { suggestion } from './errors.ts'

const decimalLengthMax = 40
const nameLengthMax = 128

/** A value with one check, which answers what is wrong with it or null. `wanted` tells what to give. */
export function leaf<T>(wanted: string, problem: (value: unknown) => string | null): z.ZodType<T, T> {
  return z.custom<T>((value) => problem(value) === null, {
    error: ({ input }) =>
      input === undefined ? `is missing: give ${wanted}` : (problem(input) ?? 'is wrong'),
  })
}

/** A leaf whose problems do not say what to give. */
function plainLeaf<T>(wanted: string, problem: (value: unknown) => string | null): z.ZodType<T, T> {
  return leaf<T>(wanted, (value) => {
    const found = problem(value)
    return found === null ? null : `${found}: give ${wanted}`
  })
}

/**
 * An object in which an unknown key is an error that names the nearest known one, of its own or of `others`: the keys
 * of its alternatives.
 */
export function strict<S extends z.core.$ZodLooseShape>(
  shape: S,
  hints: Record<string, string> = {},
  others: readonly string[] = [],
) {
  const known = Object.keys(shape)
  const suggested = [...known, ...others]
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return wrongKind('an object', known, issue.input)
      const lines = issue.keys.map((key) => `unknown key; ${hints[key] ?? suggestion(key, suggested)}`)
      return lines.join('\n')
    },
  })
}

/** Named entries, e.g. models by id. */
export function named<V extends z.ZodType>(what: string, entry: V) {
  return z.record(nameOf(what), entry, {
    error: ({ input }) => wrongKind(`an object of ${what}s by name`, [], input),
  })
}

function wrongKind(wanted: string, known: readonly string[], input: unknown): string {
  const keys = known.length === 0 ? '' : ` with ${known.join(', ')}`
  return input === undefined ? `is missing: give ${wanted}${keys}` : `must be ${wanted}${keys}`
}

/** Why a text is no name for a model, plan, provider or pack; null when it is one. */
export function nameProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text'
  if (value.length > nameLengthMax) return `is longer than ${nameLengthMax} characters`
  // Names become keys of records, where those of every object would be found without being there.
  if (value === '__proto__' || value in {}) return 'is a name that JavaScript keeps for itself'
  return /^[A-Za-z0-9][\w.:/@-]*$/.test(value)
    ? null
    : 'must begin with a letter or digit and hold only letters, digits and _ . : / @ -'
}

/** The name of a model, plan, provider or pack. */
export function nameOf(what: string): z.ZodType<string, string> {
  return leaf(`the name of a ${what}`, nameProblem)
}

/** A text of one line. */
export function text(wanted: string, pattern?: RegExp): z.ZodType<string, string> {
  return plainLeaf(wanted, (value) => {
    if (typeof value !== 'string') return 'must be a text'
    if (value.trim() === '') return 'is empty'
    if (value.length > 500 || /\p{Cc}/u.test(value)) return 'must be one line of at most 500 characters'
    return pattern === undefined || pattern.test(value) ? null : 'is not of the right form'
  })
}

/** A whole number. */
export function whole(wanted: string, min = 1, max = Number.MAX_SAFE_INTEGER): z.ZodType<number, number> {
  return plainLeaf(wanted, (value) => {
    if (typeof value !== 'number') return 'must be a number'
    if (!Number.isSafeInteger(value)) return 'must be a whole number'
    return value < min || value > max ? `must be between ${min} and ${max}` : null
  })
}

/** A decimal, as a number or as text where every digit counts. */
export function decimal(wanted: string): z.ZodType<number | string, number | string> {
  return plainLeaf(wanted, decimalProblem)
}

/** An amount of credits: a decimal down to a millionth. */
export function creditAmount(wanted: string): z.ZodType<number | string, number | string> {
  return plainLeaf(wanted, (value) => {
    const problem = decimalProblem(value)
    if (problem !== null) return problem
    if ((typeof value === 'number' || typeof value === 'string') && microcreditsOf(value) !== null)
      return null
    return `must be at most ${CREDITS_MAX} credits, with at most 6 decimals`
  })
}

function decimalProblem(value: unknown): string | null {
  if (typeof value !== 'number' && typeof value !== 'string') return 'must be a number'
  const written = String(value)
  if (written.startsWith('-')) return 'must not be negative'
  if (written.length > decimalLengthMax) return `must have at most ${decimalLengthMax} characters`
  return parseDecimal(value) === null ? 'must be a decimal number such as 0.25 or "0.25"' : null
}

/** A day of the calendar, which begins at midnight UTC. */
export function day(): z.ZodType<string, string> {
  return leaf('a date such as "2027-01-01"', (value) => {
    const wrong = 'must be a date such as "2027-01-01"'
    if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return wrong
    const at = startOfDay(value)
    return !Number.isNaN(at) && new Date(at).toISOString().startsWith(value) ? null : wrong
  })
}

/** When a day begins, in milliseconds since 1970. */
export function startOfDay(date: string): number {
  return Date.parse(`${date}T00:00:00Z`)
}

/** True or false. */
export function flag(): z.ZodType<boolean, boolean> {
  return leaf('true or false', (value) => (typeof value === 'boolean' ? null : 'must be true or false'))
}

/** One of some words. */
export function oneOf<const T extends string>(...words: readonly T[]): z.ZodType<T, T> {
  const quoted = words.map((word) => `'${word}'`)
  const listed = [quoted.slice(0, -1).join(', '), ...quoted.slice(-1)].filter(Boolean).join(' or ')
  return leaf<T>(listed, (value) => (words.some((word) => word === value) ? null : `must be ${listed}`))
}

/** An address of a provider or an issuer. */
export function address(wanted: string): z.ZodType<string, string> {
  return leaf(wanted, (value) => (typeof value === 'string' ? addressProblem(value) : 'must be a text'))
}

/** A list. */
export function listOf<V extends z.ZodType>(what: string, entry: V) {
  return z.array(entry, {
    error: ({ input }) =>
      input === undefined ? `is missing: give a list of ${what}` : `must be a list of ${what}`,
  })
}

/** A web origin such as `https://app.example.com`: exactly what a browser sends, or it would never match. */
export function origin(): z.ZodType<string, string> {
  return leaf('an origin such as https://app.example.com', originProblem)
}

function originProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text'
  if (value.includes('*')) {
    return 'must not have *: any website could then spend the credits of your signed-in users, so name each origin'
  }
  if (value === 'null') return 'must not be null: every sandboxed page has that origin'
  const match = /^([a-z][a-z0-9+.-]*):\/\/[^\s/?#@\\]+$/.exec(value)
  const url = URL.canParse(value) ? new URL(value) : null
  if (match && (match[1] !== 'http' && match[1] !== 'https' ? url !== null : url?.origin === value))
    return null
  if (url === null || url.origin === 'null') return 'must be an origin, with its scheme and without a path'
  return `must be the origin alone, as a browser sends it: ${url.origin}`
}
