/**
 * Checks what a chat request puts before the model: messages, tools and legacy functions. The input's price is
 * bounded by the bytes of the request, so everything in it must be in those bytes: a part or a key that brings
 * content from elsewhere (a URL, a file id, a provider-side tool) or another price (a longer cache life) is
 * refused, and a key is let through only if it is known not to. Pictures and sound are `chat-media.ts`.
 */
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { printGrowthMax } from '../json-request.ts'
import { invalidValue, unsupported } from '../parameters.ts'
import { record } from '../usage.ts'
import { type Asked, faultInMedia, isMedia, type MediaCount } from './chat-media.ts'

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
const mediaKeys = new Set(['type', 'image_url', 'input_audio', 'prompt_cache_breakpoint'])
const toolKeys = new Set(['type', 'function', 'custom'])
const noFiles = 'what a file holds has no bound; send its text, or its pages as pictures'
const noEarlierSound =
  "the sound of an earlier answer lies in the operator's account; send its transcript as the message's content"

type Names = ReadonlySet<string>
type Context = { allowed: Names; asked: Asked; counted: MessageCount }

/**
 * The items that may each cost the provider's framing (messages, and calls and media in them), the bytes that calls may
 * grow by before they reach the model, and the media.
 */
export type MessageCount = MediaCount & { items: number; callGrowth: number }

/**
 * Counts what the messages hold. `allowed` holds what the operator lets through besides, as `messages.<key>`; `asked`
 * is the model that is to read them.
 */
export function checkMessages(
  messages: unknown,
  allowed: Names,
  asked: Asked = null,
): Result<MessageCount, Refusal> {
  if (messages === undefined || messages === null) return err(invalidValue('messages', 'given'))
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > messagesMax) {
    return err(invalidValue('messages', `an array of 1 to ${messagesMax} messages`))
  }
  const counted = { items: messages.length, callGrowth: 0, imageTokens: 0, audioTokens: 0, mediaBytes: 0 }
  const context = { allowed, asked, counted }
  for (let index = 0; index < messages.length; index += 1) {
    const at = `messages[${index}]`
    const message = record(messages[index])
    if (message === null) return err(invalidValue(at, 'an object'))
    const fault = faultInMessage(message, at, context)
    if (fault !== null) return err(fault)
    const calls = callsOf(message)
    counted.items += calls.length
    if (calls.length > 0) counted.callGrowth += printGrowthMax(JSON.stringify(calls))
  }
  return ok(counted)
}

/** The calls of tools that a message tells of. */
function callsOf({ tool_calls: calls, function_call: call }: Record<string, unknown>): unknown[] {
  const legacy = record(call) === null ? [] : [call]
  return Array.isArray(calls) ? [...calls, ...legacy] : legacy
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

function faultInMessage(message: Record<string, unknown>, at: string, context: Context): Refusal | null {
  const { role, content, tool_calls: calls } = message
  if (typeof role !== 'string' || !roles.has(role)) {
    return invalidValue(`${at}.role`, `one of ${[...roles].join(', ')}`)
  }
  const strange = unknownKey(message, messageKeys, 'messages', context.allowed)
  if (strange !== null) {
    return unsupported(`${at}.${strange}`, strange === 'audio' ? noEarlierSound : 'it is not known here')
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
    const fault = faultInPart(content[index], `${at}.content[${index}]`, context)
    if (fault !== null) return fault
  }
  return null
}

function faultInPart(value: unknown, at: string, { allowed, asked, counted }: Context): Refusal | null {
  const part = record(value)
  if (part === null) return invalidValue(at, 'an object')
  const { type } = part
  if (typeof type !== 'string') return invalidValue(`${at}.type`, '"text", "image_url" or "input_audio"')
  const media = isMedia(type)
  if (!media && type !== 'text' && type !== 'refusal') {
    const kind = type.slice(0, 64)
    const why = kind === 'file' ? noFiles : 'what they hold has no bound here'
    return refusal('unsupported_parameter', `Parts of type '${kind}' are not supported: ${why}.`, {
      param: at,
    })
  }
  if (!media && typeof part[type] !== 'string') return invalidValue(`${at}.${type}`, 'a string')
  const strange = unknownKey(part, media ? mediaKeys : partKeys, 'messages.content', allowed)
  if (strange !== null) return unsupported(`${at}.${strange}`, 'it is not known here')
  const fault = faultInBreakpoint(part.prompt_cache_breakpoint, `${at}.prompt_cache_breakpoint`)
  if (fault !== null || !media) return fault
  counted.items += 1
  return faultInMedia({ ...part, type }, at, asked, counted)
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
