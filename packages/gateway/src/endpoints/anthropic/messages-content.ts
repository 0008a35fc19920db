/**
 * Checks what a request puts before the model on Anthropic's wire: messages and the system prompt, block by block.
 * The input's price is bounded by the bytes of the request, so everything must be in those bytes, or be a picture,
 * whose size bounds it. What brings content from elsewhere (a file id, an address, a container) is refused, and so is
 * what is neither (a PDF is read as pictures too); a key is let through only if it is known not to cost.
 * Source: @anthropic-ai/sdk 1.13, `resources/messages`.
 */
import type { Model } from '../../core/catalog.ts'
import type { Price } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { imageSize } from '../image-size.ts'
import { invalidValue, unsupported } from '../parameters.ts'
import { utf8Length } from '../text.ts'
import { record } from '../usage.ts'
import { messageImageTokens } from './messages-images.ts'

/** The most messages in one request. */
export const messagesMax = 2048

/** What decides whether a block may go on: the operator's own names, and the model with its price, if it exists. */
export type Rules = { allowed: ReadonlySet<string>; found: { model: Model; price: Price } | null }

/** What the checks count on their way. */
export type Tally = {
  /** Messages, blocks and tools, each of which may cost the provider's framing. */
  items: number
  imageTokens: number
  /** Bytes of inline pictures, which are not text. */
  mediaBytes: number
  /** Tokens that the provider may add of its own accord. */
  addedTokens: number
  /** Whether something asks for the cache that keeps it longer. */
  longCacheWrite: boolean
}

/** The check of one request. */
export type Checking = { rules: Rules; tally: Tally }

/** A check that has counted nothing yet. */
export function startChecking(rules: Rules): Checking {
  const tally = { items: 0, imageTokens: 0, mediaBytes: 0, addedTokens: 0, longCacheWrite: false }
  return { rules, tally }
}

type Block = Record<string, unknown>
type BlockKind = {
  keys: ReadonlySet<string>
  fault(block: Block, at: string, checking: Checking): Refusal | null
}

/** Whether the model's price covers web searches. */
export function searchIsPriced({ found }: Rules): boolean {
  return found !== null && found.model.tools !== null && found.price.toolCall !== undefined
}

/** Checks `messages`. */
export function faultInMessages(messages: unknown, checking: Checking): Refusal | null {
  if (messages === undefined || messages === null) return invalidValue('messages', 'given')
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > messagesMax) {
    return invalidValue('messages', `an array of 1 to ${messagesMax} messages`)
  }
  for (const [index, each] of messages.entries()) {
    const at = `messages[${index}]`
    const message = record(each)
    if (message === null) return invalidValue(at, 'an object')
    const { role, content } = message
    const kinds = typeof role === 'string' ? kindsOfRole.get(role) : undefined
    if (kinds === undefined) return invalidValue(`${at}.role`, '"user", "assistant" or "system"')
    const strange = unknownKey(message, messageKeys, 'messages', checking.rules.allowed)
    if (strange !== null) return unsupported(`${at}.${strange}`, 'it is not known here')
    checking.tally.items += 1
    const fault = faultInContent(content, `${at}.content`, kinds, checking)
    if (fault !== null) return fault
  }
  return null
}

/** Checks `system`: a text, or blocks of text. */
export function faultInSystem(system: unknown, checking: Checking): Refusal | null {
  if (system === undefined || system === null) return null
  checking.tally.items += 1
  return faultInContent(system, 'system', textOnly, checking)
}

/** Checks a `cache_control`: the usual life costs what the hold covers, the longer one needs a price of its own. */
export function faultInCacheControl(value: unknown, at: string, { rules, tally }: Checking): Refusal | null {
  if (value === undefined || value === null) return null
  const control = record(value)
  const { type, ttl = null, ...others } = control ?? {}
  if (control === null || type !== 'ephemeral') return invalidValue(at, 'an object of type "ephemeral"')
  const [strange] = Object.keys(others)
  if (strange !== undefined) return unsupported(`${at}.${strange}`, 'it is not known here')
  if (ttl === null || ttl === '5m') return null
  if (ttl !== '1h') return invalidValue(`${at}.ttl`, '"5m" or "1h"')
  if (rules.found?.price.longCacheWrite === undefined) {
    return unsupported(`${at}.ttl`, 'the operator has given no price for the cache that keeps an hour')
  }
  tally.longCacheWrite = true
  return null
}

/** Checks who may call a tool, or did: the model itself, not code that the provider runs. */
export function isDirect(caller: unknown): boolean {
  return caller === undefined || caller === null || record(caller)?.type === 'direct'
}

/** The first key that is neither known nor null nor let through by the operator as `<parent>.<key>`. */
export function unknownKey(
  value: Block,
  known: ReadonlySet<string>,
  parent: string,
  allowed: ReadonlySet<string>,
): string | null {
  const strange = Object.keys(value).find(
    (key) => !known.has(key) && value[key] !== null && !allowed.has(`${parent}.${key}`),
  )
  return strange ?? null
}

const messageKeys = new Set(['role', 'content'])

function faultInContent(
  content: unknown,
  at: string,
  kinds: ReadonlyMap<string, BlockKind>,
  checking: Checking,
): Refusal | null {
  if (typeof content === 'string') return null
  if (!Array.isArray(content)) return invalidValue(at, 'a string or an array of blocks')
  for (const [index, block] of content.entries()) {
    const fault = faultInBlock(block, `${at}[${index}]`, kinds, checking)
    if (fault !== null) return fault
  }
  return null
}

function faultInBlock(
  value: unknown,
  at: string,
  kinds: ReadonlyMap<string, BlockKind>,
  checking: Checking,
): Refusal | null {
  const block = record(value)
  if (block === null) return invalidValue(at, 'an object')
  const { type } = block
  if (typeof type !== 'string') return invalidValue(`${at}.type`, 'the type of a block')
  const kind = kinds.get(type)
  if (kind === undefined) {
    const why = `here may be ${[...kinds.keys()].join(', ')}`
    const message = `Blocks of type '${type.slice(0, 64)}' are not supported: ${why}.`
    return refusal('unsupported_parameter', message, { param: at })
  }
  const strange = unknownKey(block, kind.keys, 'messages.content', checking.rules.allowed)
  if (strange !== null) return unsupported(`${at}.${strange}`, 'it is not known here')
  checking.tally.items += 1
  return (
    faultInCacheControl(block.cache_control, `${at}.cache_control`, checking) ??
    kind.fault(block, at, checking)
  )
}

function kindOf(keys: string, fault: BlockKind['fault']): BlockKind {
  return { keys: new Set(['type', ...keys.split(' ')]), fault }
}

/** A kind whose named fields are texts, and whose others cost their bytes and no more. */
function plain(keys: string, ...texts: string[]): BlockKind {
  return kindOf(keys, (block, at) => {
    const wrong = texts.find((name) => typeof block[name] !== 'string')
    return wrong === undefined ? null : invalidValue(`${at}.${wrong}`, 'a string')
  })
}

const text = plain('text cache_control citations', 'text')
// Reasoning that is sent back is in its text, or encrypted in its signature, which is longer than its tokens are many.
const thinking = plain('thinking signature', 'thinking')
const redactedThinking = plain('data', 'data')

const image = kindOf('source cache_control transformations', (block, at, checking) => {
  const strange = Object.keys(record(block.transformations) ?? {}).find((key) => key !== 'oversized_image')
  if (strange !== undefined) return unsupported(`${at}.transformations.${strange}`, 'it is not known here')
  return faultInImage(block.source, `${at}.source`, checking)
})

function faultInImage(value: unknown, at: string, { rules, tally }: Checking): Refusal | null {
  const source = record(value)
  if (source === null) return invalidValue(at, 'an object')
  const { type, data, media_type: _mediaType, url: _url, ...others } = source
  const remote = type === 'url' && rules.found?.model.media.remote === true
  if (type !== 'base64' && !remote) {
    return unsupported(at, 'pictures must be in the request itself, as base64')
  }
  const [strange] = Object.keys(others)
  if (strange !== undefined) return unsupported(`${at}.${strange}`, 'it is not known here')
  const tokensMax = rules.found?.model.media.imageTokensMax ?? null
  const other = remote ? 'data' : 'url'
  if (source[other] !== undefined) {
    return unsupported(`${at}.${other}`, 'a picture has either data or an address')
  }
  if (remote) {
    tally.imageTokens += messageImageTokens(null, tokensMax)
    return null
  }
  if (typeof data !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) {
    return invalidValue(`${at}.data`, 'a picture in base64, without a "data:" address before it')
  }
  tally.mediaBytes += data.length
  tally.imageTokens += messageImageTokens(imageSize(data), tokensMax)
  return null
}

const document = kindOf('source cache_control citations context title', (block, at, checking) => {
  const source = record(block.source)
  if (source === null) return invalidValue(`${at}.source`, 'an object')
  const cited = (record(block.citations)?.enabled ?? false) !== false
  if (source.type === 'text' && typeof source.data === 'string') {
    // What is to be cited is cut into sentences, each of which gets a mark; a sentence has two bytes at least.
    if (cited) checking.tally.addedTokens += 4 * utf8Length(source.data)
    return null
  }
  if (source.type === 'content') {
    return faultInContent(source.content, `${at}.source.content`, documentParts, checking)
  }
  return unsupported(
    `${at}.source`,
    'documents must be text in the request itself; the pages of a PDF are billed as pictures too, and are not bounded here',
  )
})

const searchResult = kindOf('content source title cache_control citations', (block, at, checking) =>
  faultInContent(block.content, `${at}.content`, textOnly, checking),
)

const toolUse = kindOf('id name input cache_control caller', (block, at) =>
  isDirect(block.caller) ? null : unsupported(`${at}.caller`, codeIsNotRun),
)

const toolResult = kindOf('tool_use_id content is_error cache_control', (block, at, checking) =>
  block.content === undefined || block.content === null
    ? null
    : faultInContent(block.content, `${at}.content`, resultParts, checking),
)

const codeIsNotRun = 'calls from code that the provider runs have no price here'

/** A search that the provider made, as answers carry it: its results are in the bytes, encrypted. */
function searched(keys: string): BlockKind {
  return kindOf(keys, (block, at, { rules }) => {
    const { type, name, caller } = block
    if (!searchIsPriced(rules) || (type === 'server_tool_use' && name !== 'web_search')) {
      return unsupported(at, 'the operator has given no price for this tool of the provider')
    }
    return isDirect(caller) ? null : unsupported(`${at}.caller`, codeIsNotRun)
  })
}

const textOnly: ReadonlyMap<string, BlockKind> = new Map([['text', text]])
const documentParts: ReadonlyMap<string, BlockKind> = new Map([...textOnly, ['image', image]])
const resultParts: ReadonlyMap<string, BlockKind> = new Map([
  ...documentParts,
  ['document', document],
  ['search_result', searchResult],
])
const everyKind: ReadonlyMap<string, BlockKind> = new Map([
  ...resultParts,
  ['thinking', thinking],
  ['redacted_thinking', redactedThinking],
  ['tool_use', toolUse],
  ['tool_result', toolResult],
  ['server_tool_use', searched('id name input cache_control caller')],
  ['web_search_tool_result', searched('tool_use_id content cache_control caller')],
])

const kindsOfRole: ReadonlyMap<string, ReadonlyMap<string, BlockKind>> = new Map([
  ['user', everyKind],
  ['assistant', everyKind],
  ['system', textOnly],
])
