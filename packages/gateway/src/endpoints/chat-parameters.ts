/**
 * What a chat request may say, one row a field. Whatever can change the price, reach something outside the body
 * or touch another user's data is decided here, by name and by value; a field without a row is unknown. The rows
 * are OpenAI's fields as of openai 7.57 (`ChatCompletionCreateParamsBase`) and `best_of`.
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { ScannedObject } from './json-scan.ts'

/**
 * - `forward`: goes on as it came; its value is checked.
 * - `own`: the parser reads it or writes it itself, on every request; nothing lifts that.
 * - `overwrite`: goes on as `text`, whatever it said; `add` writes it even where it was absent.
 * - `drop`: taken out and named in the answer's header.
 * - `refuse`: 400, because it has no price or no bound here; null, which says nothing, is taken out.
 */
type Parameter =
  | { policy: 'forward' | 'own'; check: Check }
  | { policy: 'overwrite'; check: Check; text: string }
  | { policy: 'drop' }
  | { policy: 'refuse'; why: string; harmless?: (value: unknown) => boolean }

/** `accepts` is not asked about null, which means absent; `code` is the refusal's where it is not a wrong type. */
type Check = {
  accepts: (value: unknown) => boolean
  expected: string
  code?: 'unsupported_parameter'
}

const isString = (value: unknown) => typeof value === 'string'
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

const anything: Check = { accepts: () => true, expected: 'any value' }
const number: Check = { accepts: (value) => typeof value === 'number', expected: 'a number' }
const string: Check = { accepts: isString, expected: 'a string' }
const boolean: Check = { accepts: (value) => typeof value === 'boolean', expected: 'true or false' }
const object: Check = { accepts: isObject, expected: 'an object' }
const array: Check = { accepts: Array.isArray, expected: 'an array' }
const stringOrArray: Check = {
  accepts: (value) => isString(value) || Array.isArray(value),
  expected: 'a string or an array of strings',
}
const stringOrObject: Check = {
  accepts: (value) => isString(value) || isObject(value),
  expected: 'a string or an object',
}
const toolChoice: Check = {
  accepts: (value) => isString(value) || typeIsOneOf(value, ['function', 'custom', 'allowed_tools']),
  expected: '"none", "auto", "required", or an object of type "function", "custom" or "allowed_tools"',
  code: 'unsupported_parameter',
}
const responseFormat: Check = {
  accepts: (value) => typeIsOneOf(value, ['text', 'json_object', 'json_schema']),
  expected: 'an object of type "text", "json_object" or "json_schema"',
  code: 'unsupported_parameter',
}
const standardTier: Check = {
  accepts: (value) => value === 'auto' || value === 'default',
  expected: '"auto" or "default": other tiers have other prices',
  code: 'unsupported_parameter',
}
const choicesMax = 8
const droppedMax = 32
const choices: Check = {
  accepts: (value) => isPositiveInteger(value) && value <= choicesMax,
  expected: `an integer from 1 to ${choicesMax}`,
}
const cap: Check = { accepts: isPositiveInteger, expected: 'a positive integer' }

/** Every field that is known, by name. */
export const chatParameters: ReadonlyMap<string, Parameter> = new Map<string, Parameter>([
  // The parser's own: read for the quote, written with what was granted.
  ['model', { policy: 'own', check: anything }],
  ['messages', { policy: 'own', check: anything }],
  ['tools', { policy: 'own', check: array }],
  ['functions', { policy: 'own', check: array }],
  ['n', { policy: 'own', check: choices }],
  ['max_completion_tokens', { policy: 'own', check: cap }],
  ['max_tokens', { policy: 'own', check: cap }],
  ['stream', { policy: 'own', check: boolean }],
  ['stream_options', { policy: 'own', check: object }],
  // All users share the operator's upstream account: who they are and whose cache it is, the gateway says.
  ['user', { policy: 'own', check: string }],
  ['safety_identifier', { policy: 'own', check: string }],
  ['prompt_cache_key', { policy: 'own', check: string }],

  // Free of price: they shape the answer within its cap.
  ['temperature', { policy: 'forward', check: number }],
  ['top_p', { policy: 'forward', check: number }],
  ['stop', { policy: 'forward', check: stringOrArray }],
  ['seed', { policy: 'forward', check: number }],
  ['presence_penalty', { policy: 'forward', check: number }],
  ['frequency_penalty', { policy: 'forward', check: number }],
  ['logit_bias', { policy: 'forward', check: object }],
  ['response_format', { policy: 'forward', check: responseFormat }],
  ['tool_choice', { policy: 'forward', check: toolChoice }],
  ['parallel_tool_calls', { policy: 'forward', check: boolean }],
  ['function_call', { policy: 'forward', check: stringOrObject }],
  ['reasoning_effort', { policy: 'forward', check: string }],
  ['verbosity', { policy: 'forward', check: string }],

  // The tier that is priced is the tier that is charged; answers are kept nowhere.
  ['service_tier', { policy: 'overwrite', check: standardTier, text: '"default"' }],
  ['store', { policy: 'overwrite', check: boolean, text: 'false' }],
  // Labels of stored answers: with `store` false they label nothing, and OpenAI refuses them.
  ['metadata', { policy: 'drop' }],

  // No price row or no bound, or a way to get at something that is not the caller's.
  ['audio', { policy: 'refuse', why: 'audio output has no price here' }],
  ['modalities', { policy: 'refuse', why: 'only ["text"] has a price here', harmless: isTextOnly }],
  ['prediction', { policy: 'refuse', why: 'rejected predicted tokens are billed beyond the answer' }],
  ['web_search_options', { policy: 'refuse', why: 'searches are billed per call and have no price here' }],
  ['moderation', { policy: 'refuse', why: 'it calls another model, which has no price here' }],
  ['logprobs', { policy: 'refuse', why: 'its output is not bounded yet', harmless: isFalse }],
  ['top_logprobs', { policy: 'refuse', why: 'its output is not bounded yet' }],
  ['prompt_cache_options', { policy: 'refuse', why: 'longer cache lives have other prices' }],
  ['prompt_cache_retention', { policy: 'refuse', why: 'longer cache lives have other prices' }],
  ['best_of', { policy: 'refuse', why: 'answers that are thrown away are billed too; use "n"' }],
])

/** The fields that always go on with the gateway's own value, as `[name, JSON text]`. */
export const overwritten: ReadonlyArray<readonly [string, string]> = [...chatParameters].flatMap(
  ([name, row]) => (row.policy === 'overwrite' ? [[name, row.text] as const] : []),
)

/**
 * Fields to take out, and of these the ones to tell the caller about: the first 32, percent-encoded and cut so that
 * they can stand in a header, since a caller may name a field anything.
 */
export type FieldDecisions = { removed: string[]; dropped: string[] }

/**
 * Checks every top-level field against the table. `allowed` are the names that the operator lets through
 * untouched for this model: unknown ones, and any but the parser's own. Null means absent throughout.
 */
export function checkFields(
  scanned: ScannedObject,
  allowed: ReadonlySet<string>,
  unknownParameters: 'refuse' | 'drop',
): Result<FieldDecisions, Refusal> {
  const removed: string[] = []
  const dropped: string[] = []
  for (const name of scanned.spans.keys()) {
    const value = scanned.value[name]
    const row = chatParameters.get(name)
    if (row?.policy !== 'own' && allowed.has(name)) continue
    if (row === undefined) {
      if (unknownParameters === 'refuse') return err(unsupported(name, 'it is not known here'))
      removed.push(name)
      dropped.push(name)
    } else if (row.policy === 'drop') {
      removed.push(name)
      if (value !== null) dropped.push(name)
    } else if (row.policy === 'refuse') {
      if (value === null) removed.push(name)
      else if (!row.harmless?.(value)) return err(unsupported(name, row.why))
    } else if (value !== null && !row.check.accepts(value)) {
      return err(wrongValue(name, row.check))
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

function wrongValue(name: string, check: Check): Refusal {
  if (check.code === undefined) return invalidValue(name, check.expected)
  return refusal(check.code, `This value of '${name}' is not supported: it must be ${check.expected}.`, {
    param: name,
  })
}

/** Whether the value is an integer from 1 to 2⁵³−1. */
export function isPositiveInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function typeIsOneOf(value: unknown, types: readonly string[]): boolean {
  const type = isObject(value) ? (value as Record<string, unknown>).type : undefined
  return typeof type === 'string' && types.includes(type)
}

function isTextOnly(value: unknown): boolean {
  return Array.isArray(value) && value.length === 1 && value[0] === 'text'
}

function isFalse(value: unknown): boolean {
  return value === false
}
