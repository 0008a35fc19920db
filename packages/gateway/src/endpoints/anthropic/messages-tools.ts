/**
 * Checks `tools` on Anthropic's wire. Those that the caller runs cost the tokens of their text, and for the provider's
 * own schemas what it adds; of those that the provider runs only web search has a bound, and needs a price.
 */
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { invalidValue, isPositiveInteger, unsupported } from '../parameters.ts'
import { record } from '../usage.ts'
import { type Checking, faultInCacheControl, searchIsPriced, unknownKey } from './messages-content.ts'

/** What the tools came to. */
export type CheckedTools = {
  /** The JSON text that goes on in their place, where the number of searches had to be written. */
  text?: string
  /** The most searches that the provider may make. */
  searches: number
}

/**
 * Schemas that the provider has for tools which the caller runs: the most tokens that each may add. Anthropic tells of
 * some 250 for the shell and 700 for the editor, and of instructions for the memory.
 */
const schemaTokensMax = 2048
const schemaTools: ReadonlySet<string> = new Set([
  'bash_20250124',
  'text_editor_20250124',
  'text_editor_20250429',
  'text_editor_20250728',
  'memory_20250818',
])
/** Newer versions let code that the provider runs call them, unless told otherwise. */
const searchTools: ReadonlySet<string> = new Set([
  'web_search_20250305',
  'web_search_20260209',
  'web_search_20260318',
])

const commonKeys = 'type name cache_control strict defer_loading allowed_callers '
const customKeys = new Set(
  `${commonKeys}description input_schema input_examples eager_input_streaming`.split(' '),
)
const schemaKeys = new Set(`${commonKeys}input_examples max_characters`.split(' '))
const searchKeys = new Set(
  `${commonKeys}max_uses allowed_domains blocked_domains user_location response_inclusion`.split(' '),
)

type Tool = Record<string, unknown>

/** Checks and counts the tools; for web search writes how often it may be used, within what the model's price allows. */
export function checkTools(tools: unknown, checking: Checking): Result<CheckedTools, Refusal> {
  if (!Array.isArray(tools)) return ok({ searches: 0 })
  let searches = 0
  let rewritten = false
  const written: Tool[] = []
  for (const [index, value] of tools.entries()) {
    const at = `tools[${index}]`
    const tool = record(value)
    if (tool === null) return err(invalidValue(at, 'an object'))
    const fault = faultInTool(tool, at, checking)
    if (fault !== null) return err(fault)
    checking.tally.items += 1
    const uses = isSearch(tool) ? searchesOf(tool, checking) : null
    if (uses !== null && searches > 0) return err(invalidValue(at, 'the only web search'))
    searches += uses ?? 0
    rewritten ||= uses !== null && uses !== tool.max_uses
    written.push(uses === null ? tool : { ...tool, max_uses: uses })
  }
  return ok({ searches, ...(rewritten && { text: JSON.stringify(written) }) })
}

function isSearch({ type }: Tool): boolean {
  return typeof type === 'string' && searchTools.has(type)
}

function searchesOf({ max_uses: asked }: Tool, { rules }: Checking): number {
  const most = rules.found?.model.tools?.callsMax ?? 0
  return typeof asked === 'number' ? Math.min(asked, most) : most
}

function faultInTool(tool: Tool, at: string, checking: Checking): Refusal | null {
  const { type = null, allowed_callers: callers } = tool
  const keys = keysOf(type)
  if (keys === null) return refusedTool(type, at)
  const strange = unknownKey(tool, keys, 'tools', checking.rules.allowed)
  if (strange !== null) return unsupported(`${at}.${strange}`, 'it is not known here')
  if (typeof tool.name !== 'string') return invalidValue(`${at}.name`, 'a string')
  if (keys === customKeys && record(tool.input_schema) === null) {
    return invalidValue(`${at}.input_schema`, 'an object')
  }
  if (keys === schemaKeys) checking.tally.addedTokens += schemaTokensMax
  const direct = Array.isArray(callers) && callers.length > 0 && callers.every((each) => each === 'direct')
  const mayBeAbsent = keys !== searchKeys || type === 'web_search_20250305'
  if (!direct && !(mayBeAbsent && (callers === undefined || callers === null))) {
    const expected = '["direct"]: calls from code that the provider runs have no price here'
    return invalidValue(`${at}.allowed_callers`, expected)
  }
  if (keys === searchKeys) {
    const fault = faultInSearch(tool, at, checking)
    if (fault !== null) return fault
  }
  return faultInCacheControl(tool.cache_control, `${at}.cache_control`, checking)
}

function keysOf(type: unknown): ReadonlySet<string> | null {
  if (type === null || type === 'custom') return customKeys
  if (typeof type !== 'string') return null
  if (schemaTools.has(type)) return schemaKeys
  return searchTools.has(type) ? searchKeys : null
}

function faultInSearch({ max_uses: uses }: Tool, at: string, { rules }: Checking): Refusal | null {
  if (!searchIsPriced(rules)) {
    return refusal(
      'unsupported_parameter',
      `'${at}' is not supported: the operator has given no price for searches with this model. Remove it.`,
      { param: at },
    )
  }
  if (uses === undefined || uses === null || isPositiveInteger(uses)) return null
  return invalidValue(`${at}.max_uses`, 'a positive integer')
}

function refusedTool(type: unknown, at: string): Refusal {
  const named = typeof type === 'string' ? ` of type '${type.slice(0, 64)}'` : ''
  const known = ['custom', ...schemaTools, ...searchTools].join(', ')
  return refusal(
    'unsupported_parameter',
    `A tool${named} is not supported: what it costs is not bounded here. Tools may be of type ${known}.`,
    { param: at },
  )
}
