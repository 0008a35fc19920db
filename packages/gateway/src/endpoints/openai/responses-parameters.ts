/**
 * What a Responses request may say, one row a field. The rows are OpenAI's fields as of openai 7.57
 * (`ResponseCreateParamsBase`). Answers are kept nowhere, so all that names a kept one is refused: every user shares
 * the operator's account there.
 */
import {
  anything,
  array,
  boolean,
  type Check,
  number,
  object,
  oneOf,
  overwrittenFields,
  type ParameterTable,
  positiveInteger,
  string,
} from '../parameters.ts'
import { record } from '../usage.ts'

const stateless = 'answers are kept nowhere; send the earlier items in "input" again'
const cacheLife = 'longer cache lives have other prices'

/** What an answer may show besides: none of it is billed. */
const includable = [
  'reasoning.encrypted_content',
  'message.input_image.image_url',
  'web_search_call.action.sources',
  'web_search_call.results',
]
const include: Check = {
  accepts: (value) =>
    Array.isArray(value) && value.every((each) => typeof each === 'string' && includable.includes(each)),
  expected: `an array of ${includable.map((each) => `"${each}"`).join(', ')}`,
  code: 'unsupported_parameter',
}
const reasoning: Check = {
  accepts: (value) =>
    hasOnly(value, {
      effort: isString,
      summary: isString,
      generate_summary: isString,
      context: isString,
      mode: (mode) => mode === 'standard',
    }),
  expected: 'an object with "effort", "summary", "context" and no "mode" but "standard"',
  code: 'unsupported_parameter',
}
const text: Check = {
  accepts: (value) =>
    hasOnly(value, {
      verbosity: isString,
      format: (format) => formats.has(String(record(format)?.type)),
    }),
  expected: 'an object with "verbosity" and a "format" of type "text", "json_object" or "json_schema"',
  code: 'unsupported_parameter',
}
const formats = new Set(['text', 'json_object', 'json_schema'])

/** Every field that is known, by name. */
export const responsesParameters: ParameterTable = new Map([
  // The parser's own: read for the quote, written with what was granted.
  ['model', { policy: 'own', check: anything }],
  ['input', { policy: 'own', check: anything }],
  ['tools', { policy: 'own', check: array }],
  ['tool_choice', { policy: 'own', check: anything }],
  ['max_output_tokens', { policy: 'own', check: positiveInteger }],
  ['max_tool_calls', { policy: 'own', check: positiveInteger }],
  ['service_tier', { policy: 'own', check: string }],
  ['stream', { policy: 'own', check: boolean }],
  ['stream_options', { policy: 'own', check: object }],
  // All users share the operator's upstream account: who they are and whose cache it is, the gateway says.
  ['user', { policy: 'own', check: string }],
  ['safety_identifier', { policy: 'own', check: string }],
  ['prompt_cache_key', { policy: 'own', check: string }],

  // Cost their text and no more; the output is bounded by the cap.
  ['instructions', { policy: 'forward', check: string }],
  ['reasoning', { policy: 'forward', check: reasoning }],
  ['text', { policy: 'forward', check: text }],
  ['include', { policy: 'forward', check: include }],
  ['parallel_tool_calls', { policy: 'forward', check: boolean }],
  ['truncation', { policy: 'forward', check: oneOf('auto', 'disabled') }],
  ['temperature', { policy: 'forward', check: number }],
  ['top_p', { policy: 'forward', check: number }],

  // Answers are kept nowhere, although OpenAI keeps them unless told.
  ['store', { policy: 'overwrite', check: boolean, text: 'false' }],
  // Labels of stored answers: with `store` false they label nothing.
  ['metadata', { policy: 'drop' }],

  // Brings input from elsewhere, or from another user.
  ['previous_response_id', { policy: 'refuse', why: stateless }],
  ['conversation', { policy: 'refuse', why: stateless, harmless: isNone }],
  ['prompt', { policy: 'refuse', why: 'stored prompts are of unknown length; send their text' }],
  // No price row or no bound.
  ['background', { policy: 'refuse', why: 'it outlives the request that pays for it', harmless: isFalse }],
  [
    'context_management',
    { policy: 'refuse', why: 'what compaction costs is not bounded', harmless: isEmpty },
  ],
  ['moderation', { policy: 'refuse', why: 'it calls another model, which has no price here' }],
  ['image', { policy: 'refuse', why: 'pictures are priced as they are sent' }],
  ['access_programs', { policy: 'refuse', why: "programs are the operator's to join" }],
  ['top_logprobs', { policy: 'refuse', why: 'its output is not bounded yet', harmless: isZero }],
  ['prompt_cache_options', { policy: 'refuse', why: cacheLife }],
  ['prompt_cache_retention', { policy: 'refuse', why: cacheLife }],
])

/** The fields that always go on with the gateway's own value. */
export const overwritten = overwrittenFields(responsesParameters)

/** An object without other keys than these; an absent or null one is not checked. */
function hasOnly(value: unknown, checks: Record<string, (value: unknown) => boolean>): boolean {
  const fields = record(value)
  if (fields === null) return false
  return Object.entries(fields).every(([key, each]) => {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined
    return check !== undefined && (each === null || check(each))
  })
}

function isString(value: unknown): boolean {
  return typeof value === 'string'
}

function isFalse(value: unknown): boolean {
  return value === false
}

function isZero(value: unknown): boolean {
  return value === 0
}

function isNone(value: unknown): boolean {
  return value === 'none'
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
