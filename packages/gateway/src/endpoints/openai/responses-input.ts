/**
 * Checks the items of a Responses request: messages, the caller's own tools and what answers carry when they are sent
 * back. The input's price is bounded by the bytes of the request and its pictures, so whatever brings content from
 * elsewhere (an id, a file, an address) is refused, and a key is let through only if it is known not to.
 */
import type { Model } from '../../core/catalog.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { invalidValue, unsupported } from '../parameters.ts'
import { record } from '../usage.ts'
import { faultInBreakpoint } from './chat-messages.ts'
import { inlineImage, openAiImageTokens } from './media-images.ts'

/** The most items in one request. */
export const itemsMax = 4096

/** What the input comes to, besides its bytes. */
export type InputCount = {
  /** Items and pictures, which may each cost the provider's framing. */
  items: number
  imageTokens: number
  /** Bytes that are pictures and no text. */
  imageBytes: number
  /** Searches of earlier answers, whose finds the provider may put before the model again. */
  searches: number
}

/** Who is asked, and what the operator lets through besides, as `input.<key>` and `input.content.<key>`. */
export type InputContext = { model: Model | null; allowed: ReadonlySet<string>; mayUseTools: boolean }

type Fields = Record<string, unknown>
type Fault = Refusal | null

const roles = new Set(['user', 'assistant', 'system', 'developer'])

/** Keys of each type of item that cost their bytes and no more. */
const itemKeys: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['message', keys('type role content id status phase')],
  ['function_call', keys('type id call_id name arguments status namespace async caller')],
  ['function_call_output', keys('type id call_id output status name namespace caller')],
  ['custom_tool_call', keys('type id call_id name input status namespace async caller')],
  ['custom_tool_call_output', keys('type id call_id output status caller')],
  ['reasoning', keys('type id summary content encrypted_content status')],
  ['web_search_call', keys('type id status action')],
])
const partKeys: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['input_text', keys('type text prompt_cache_breakpoint')],
  ['output_text', keys('type text annotations logprobs')],
  ['refusal', keys('type refusal')],
  ['input_image', keys('type image_url detail prompt_cache_breakpoint')],
])

/** Checks `input`: a text, or items. */
export function checkInput(input: unknown, context: InputContext): Result<InputCount, Refusal> {
  const counted: InputCount = { items: 1, imageTokens: 0, imageBytes: 0, searches: 0 }
  if (typeof input === 'string') return ok(counted)
  if (!Array.isArray(input) || input.length === 0 || input.length > itemsMax) {
    return err(invalidValue('input', `a text or an array of 1 to ${itemsMax} items`))
  }
  counted.items = input.length
  for (let index = 0; index < input.length; index += 1) {
    const at = `input[${index}]`
    const item = record(input[index])
    if (item === null) return err(invalidValue(at, 'an object'))
    const fault = faultInItem(item, at, context, counted)
    if (fault !== null) return err(fault)
  }
  return ok(counted)
}

function faultInItem(item: Fields, at: string, context: InputContext, counted: InputCount): Fault {
  const type = typeOf(item)
  if (type === 'item_reference') return referenceFault(at)
  const known = itemKeys.get(type)
  if (known === undefined || (type === 'web_search_call' && !context.mayUseTools)) {
    const why = 'only messages, calls and results of functions, and reasoning have a price bound here'
    return typeFault('Items', type, at, why)
  }
  const strange = unknownKey(item, known, 'input', context)
  if (strange !== null) return unsupported(`${at}.${strange}`, 'it is not known here')
  if (type === 'message') return faultInMessage(item, at, context, counted)
  if (type === 'reasoning') return faultInReasoning(item, at)
  if (type === 'web_search_call') {
    counted.searches += 1
    return null
  }
  return faultInCaller(item, at) ?? faultInResult(item, type, at, context, counted)
}

/** Messages may leave their type out, and references as well. */
function typeOf(item: Fields): string {
  if (typeof item.type === 'string') return item.type
  return item.role === undefined && item.id !== undefined ? 'item_reference' : 'message'
}

function referenceFault(at: string): Refusal {
  const message =
    `'${at}' refers to an item of an earlier answer, and answers are kept nowhere. Send the item itself: with the ` +
    `AI SDK, set providerOptions: { openai: { store: false } }; with other clients, append "output" to the next "input".`
  return refusal('unsupported_parameter', message, { param: at })
}

function typeFault(what: string, type: string, at: string, why: string): Refusal {
  const message = `${what} of type '${type.slice(0, 64)}' are not supported: ${why}.`
  return refusal('unsupported_parameter', message, { param: at })
}

function faultInMessage(item: Fields, at: string, context: InputContext, counted: InputCount): Fault {
  const { role, content } = item
  if (typeof role !== 'string' || !roles.has(role)) {
    return invalidValue(`${at}.role`, `one of ${[...roles].join(', ')}`)
  }
  return faultInContent(content, `${at}.content`, context, counted)
}

function faultInResult(
  item: Fields,
  type: string,
  at: string,
  context: InputContext,
  counted: InputCount,
): Fault {
  if (type === 'function_call_output' || type === 'custom_tool_call_output') {
    return faultInContent(item.output, `${at}.output`, context, counted)
  }
  const given = type === 'function_call' ? 'arguments' : 'input'
  if (typeof item[given] !== 'string') return invalidValue(`${at}.${given}`, 'a string')
  return typeof item.name === 'string' ? null : invalidValue(`${at}.name`, 'a string')
}

/** A program of the provider's that calls functions is none of the caller's. */
function faultInCaller({ caller }: Fields, at: string): Fault {
  if (caller === undefined || caller === null || record(caller)?.type === 'direct') return null
  return unsupported(`${at}.caller`, 'programs that call tools have no price here')
}

/**
 * Reasoning comes back encrypted, which is longer than what it hides; with an id alone the provider would look for it
 * among the answers that it keeps.
 */
function faultInReasoning({ encrypted_content: content }: Fields, at: string): Fault {
  if (typeof content === 'string' && content !== '') return null
  const message =
    `'${at}' is reasoning without 'encrypted_content', and answers are kept nowhere. Ask for it with ` +
    `"include": ["reasoning.encrypted_content"], or leave the item out.`
  return refusal('unsupported_parameter', message, { param: `${at}.encrypted_content` })
}

function faultInContent(content: unknown, at: string, context: InputContext, counted: InputCount): Fault {
  if (typeof content === 'string') return null
  if (!Array.isArray(content)) return invalidValue(at, 'a string or an array of parts')
  for (let index = 0; index < content.length; index += 1) {
    const fault = faultInPart(content[index], `${at}[${index}]`, context, counted)
    if (fault !== null) return fault
  }
  return null
}

function faultInPart(value: unknown, at: string, context: InputContext, counted: InputCount): Fault {
  const part = record(value)
  if (part === null) return invalidValue(at, 'an object')
  const type = typeof part.type === 'string' ? part.type : ''
  const known = partKeys.get(type)
  if (known === undefined) {
    const why =
      type === 'input_file' ? 'files have no price bound here; send their text' : 'send text or pictures'
    return typeFault('Parts', type, at, why)
  }
  if (type === 'input_image' && part.file_id !== undefined && part.file_id !== null) {
    return unsupported(`${at}.file_id`, 'files of the provider are not the caller’s; send the picture itself')
  }
  const strange = unknownKey(part, known, 'input.content', context)
  if (strange !== null) return unsupported(`${at}.${strange}`, 'it is not known here')
  const fault = faultInBreakpoint(part.prompt_cache_breakpoint, `${at}.prompt_cache_breakpoint`)
  if (fault !== null) return fault
  if (type === 'input_image') return faultInImage(part, at, context, counted)
  const said = type === 'refusal' ? 'refusal' : 'text'
  return typeof part[said] === 'string' ? null : invalidValue(`${at}.${said}`, 'a string')
}

/** Counts a picture: by its size if it is in the request, by the most that one can cost if the provider fetches it. */
function faultInImage(part: Fields, at: string, { model }: InputContext, counted: InputCount): Fault {
  const { image_url: url, detail } = part
  if (typeof url !== 'string') return invalidValue(`${at}.image_url`, 'a string')
  const image = inlineImage(url)
  if (image === null && (!model?.media.remote || !/^https?:\/\//i.test(url))) {
    const why = 'pictures must be in the request, as data:image/png;base64,… (or jpeg, gif, webp)'
    return refusal('unsupported_parameter', `'${at}.image_url' is not supported: ${why}.`, {
      param: `${at}.image_url`,
    })
  }
  counted.items += 1
  counted.imageBytes += image?.bytes ?? 0
  if (model) counted.imageTokens += openAiImageTokens(model, image?.size ?? null, detail)
  return null
}

function unknownKey(
  value: Fields,
  known: ReadonlySet<string>,
  parent: string,
  { allowed }: InputContext,
): string | null {
  for (const key of Object.keys(value)) {
    if (known.has(key) || value[key] === null) continue
    if (!allowed.has(`${parent}.${key}`)) return key
  }
  return null
}

function keys(names: string): ReadonlySet<string> {
  return new Set(names.split(' '))
}
