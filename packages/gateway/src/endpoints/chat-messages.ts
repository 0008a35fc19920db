/**
 * Checks what a chat request puts before the model: messages, tools and legacy functions. The input's price is
 * bounded by the bytes of the request, so everything in it must be in those bytes: a part or a key that brings
 * content from elsewhere (a URL, a file id, a provider-side tool) or another price (a longer cache life) is
 * refused, and a key is let through only if it is known not to.
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { invalidValue, unsupported } from './parameters.ts'
import { record } from './usage.ts'

/** The most messages in one request. */
export const messagesMax = 2048

const roles = new Set(['developer', 'system', 'user', 'assistant', 'tool', 'function'])

/** Keys of a message that cost their bytes and no more. The second line is what answers carry when echoed. */
const messageKeys = new Set(
  'role content name refusal tool_calls tool_call_id function_call '
    .concat('reasoning_content reasoning reasoning_details annotations parsed prefix')
    .split(' '),
)
const partKeys = new Set(['type', 'text', 'refusal', 'prompt_cache_breakpoint', 'annotations'])
const toolKeys = new Set(['type', 'function', 'custom'])
const notYet = 'images, audio and files have no price bound on this endpoint yet; send text'

type Names = ReadonlySet<string>

/**
 * Counts the items that may each cost the provider's framing (messages and the calls in them). `allowed` holds
 * what the operator lets through besides, as `messages.<key>`.
 */
export function checkMessages(messages: unknown, allowed: Names): Result<number, Refusal> {
  if (messages === undefined || messages === null) return err(invalidValue('messages', 'given'))
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > messagesMax) {
    return err(invalidValue('messages', `an array of 1 to ${messagesMax} messages`))
  }
  let items = messages.length
  for (let index = 0; index < messages.length; index += 1) {
    const at = `messages[${index}]`
    const message = record(messages[index])
    if (message === null) return err(invalidValue(at, 'an object'))
    const fault = faultInMessage(message, at, allowed)
    if (fault !== null) return err(fault)
    if (Array.isArray(message.tool_calls)) items += message.tool_calls.length
    if (record(message.function_call) !== null) items += 1
  }
  return ok(items)
}

/** Checks `tools`: `function` and `custom` ones, which the caller runs; they cost the tokens of their text. */
export function checkTools(tools: unknown, allowed: Names): Result<number, Refusal> {
  if (!Array.isArray(tools)) return ok(0)
  for (let index = 0; index < tools.length; index += 1) {
    const at = `tools[${index}]`
    const tool = record(tools[index])
    if (tool === null) return err(invalidValue(at, 'an object'))
    if (tool.type !== 'function' && tool.type !== 'custom') {
      const why = 'only tools of type "function" and "custom" have a price here'
      return err(refusal('unsupported_parameter', `'${at}' is not supported: ${why}.`, { param: at }))
    }
    if (record(tool[tool.type]) === null) return err(invalidValue(`${at}.${tool.type}`, 'an object'))
    const strange = unknownKey(tool, toolKeys, 'tools', allowed)
    if (strange !== null) return err(unsupported(`${at}.${strange}`, 'it is not known here'))
  }
  return ok(tools.length)
}

/** Checks legacy `functions`. */
export function checkFunctions(functions: unknown): Result<number, Refusal> {
  if (!Array.isArray(functions)) return ok(0)
  const wrong = functions.findIndex((each) => record(each) === null)
  return wrong < 0 ? ok(functions.length) : err(invalidValue(`functions[${wrong}]`, 'an object'))
}

function faultInMessage(message: Record<string, unknown>, at: string, allowed: Names): Refusal | null {
  const { role, content, tool_calls: calls } = message
  if (typeof role !== 'string' || !roles.has(role)) {
    return invalidValue(`${at}.role`, `one of ${[...roles].join(', ')}`)
  }
  const strange = unknownKey(message, messageKeys, 'messages', allowed)
  if (strange !== null) {
    return unsupported(`${at}.${strange}`, strange === 'audio' ? notYet : 'it is not known here')
  }
  if (calls !== undefined && calls !== null && !(Array.isArray(calls) && calls.every(isRecord))) {
    return invalidValue(`${at}.tool_calls`, 'an array of objects')
  }
  if (typeof content === 'string') return null
  if (content === undefined || content === null) {
    const mayBeEmpty = role === 'assistant' || role === 'function'
    return mayBeEmpty ? null : invalidValue(`${at}.content`, 'a string or an array of parts')
  }
  if (!Array.isArray(content)) return invalidValue(`${at}.content`, 'a string or an array of parts')
  for (let index = 0; index < content.length; index += 1) {
    const fault = faultInPart(content[index], `${at}.content[${index}]`, allowed)
    if (fault !== null) return fault
  }
  return null
}

function faultInPart(value: unknown, at: string, allowed: Names): Refusal | null {
  const part = record(value)
  if (part === null) return invalidValue(at, 'an object')
  if (typeof part.type !== 'string') return invalidValue(`${at}.type`, '"text" or "refusal"')
  if (part.type !== 'text' && part.type !== 'refusal') {
    const kind = part.type.slice(0, 64)
    return refusal('unsupported_parameter', `Parts of type '${kind}' are not supported: ${notYet}.`, {
      param: at,
    })
  }
  if (typeof part[part.type] !== 'string') return invalidValue(`${at}.${part.type}`, 'a string')
  const strange = unknownKey(part, partKeys, 'messages.content', allowed)
  if (strange !== null) return unsupported(`${at}.${strange}`, 'it is not known here')
  return faultInBreakpoint(part.prompt_cache_breakpoint, `${at}.prompt_cache_breakpoint`)
}

/** A cache breakpoint of the ordinary life costs what the cache writes on its own, which the hold covers. */
export function faultInBreakpoint(value: unknown, at: string): Refusal | null {
  if (value === undefined || value === null) return null
  const breakpoint = record(value)
  if (breakpoint === null) return invalidValue(at, 'an object')
  const { mode, ttl, ...others } = breakpoint
  const ordinary = mode === 'explicit' && (ttl === undefined || ttl === '30m')
  return ordinary && Object.keys(others).length === 0
    ? null
    : unsupported(at, 'only { "mode": "explicit" } with the ordinary life of 30m has a price here')
}

function unknownKey(
  value: Record<string, unknown>,
  known: Names,
  parent: string,
  allowed: Names,
): string | null {
  for (const key of Object.keys(value)) {
    if (known.has(key) || value[key] === null) continue
    if (!allowed.has(`${parent}.${key}`)) return key
  }
  return null
}

function isRecord(value: unknown): boolean {
  return record(value) !== null
}
