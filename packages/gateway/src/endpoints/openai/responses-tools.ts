/**
 * Checks the tools of a Responses request. Functions and custom tools are the caller's to run and cost their text. Of
 * the provider's own only the web search is known to be bounded, by the most calls and by what each may add; it needs
 * the operator's `tools` for the model and a price for a call.
 */
import type { Model } from '../../core/catalog.ts'
import type { Price } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { invalidValue, unsupported } from '../parameters.ts'
import { record } from '../usage.ts'

/**
 * What the provider may run for a request: the most calls, and the most input tokens that each adds. `previews` tells
 * whether its earlier search has the same price.
 */
export type ToolRuns = { callsMax: number; inputTokensPerCall: number; previews: boolean }

/** `searches` tells whether the request offers the web search. */
export type ToolCount = { items: number; searches: boolean }

type Fields = Record<string, unknown>

const ownKeys: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    'function',
    keys('type name description parameters strict output_schema async defer_loading allowed_callers'),
  ],
  ['custom', keys('type name description format async defer_loading allowed_callers')],
])
const searchKeys = keys(
  'type external_web_access filters search_context_size user_location search_content_types',
)
const searchTypes: ReadonlySet<string> = new Set(['web_search', 'web_search_2025_08_26'])
const previewTypes: ReadonlySet<string> = new Set(['web_search_preview', 'web_search_preview_2025_03_11'])

/** Models that do not reason: OpenAI asks $25 for 1,000 calls of their earlier search, and $10 for any other. */
const dearPreviews = /^(?:ft:)?gpt-4/

/** What the operator lets the provider run for this model; null where nothing, or where a call has no price. */
export function toolRunsOf(found: { model: Model; price: Price } | null): ToolRuns | null {
  if (!found?.model.tools || found.price.toolCall === undefined) return null
  return { ...found.model.tools, previews: !dearPreviews.test(found.model.upstreamModel) }
}

/** Checks `tools`. `allowed` holds what the operator lets through besides, as `tools.<key>`. */
export function checkTools(
  tools: unknown,
  runs: ToolRuns | null,
  allowed: ReadonlySet<string>,
): Result<ToolCount, Refusal> {
  const counted: ToolCount = { items: 0, searches: false }
  if (!Array.isArray(tools)) return ok(counted)
  counted.items = tools.length
  for (let index = 0; index < tools.length; index += 1) {
    const at = `tools[${index}]`
    const tool = record(tools[index])
    if (tool === null) return err(invalidValue(at, 'an object'))
    const type = String(tool.type)
    const searches = searchTypes.has(type) || previewTypes.has(type)
    const known = searches ? searchKeys : ownKeys.get(type)
    if (known === undefined || (searches && !mayRun(type, runs))) return err(typeFault(type, runs, at))
    const strange = Object.keys(tool).find(
      (key) => tool[key] !== null && !known.has(key) && !allowed.has(`tools.${key}`),
    )
    if (strange !== undefined) return err(unsupported(`${at}.${strange}`, 'it is not known here'))
    const fault = searches ? faultInSearch(tool, at) : faultInOwn(tool, at)
    if (fault !== null) return err(fault)
    counted.searches ||= searches
  }
  return ok(counted)
}

/** Checks `tool_choice`: a tool that could not be offered cannot be chosen. */
export function checkToolChoice(choice: unknown, runs: ToolRuns | null): Refusal | null {
  if (choice === undefined || choice === null || typeof choice === 'string') return null
  const fields = record(choice)
  const type = String(fields?.type)
  if (type === 'function' || type === 'custom' || mayRun(type, runs)) return null
  if (type === 'allowed_tools' && Array.isArray(fields?.tools)) {
    for (const tool of fields.tools) {
      if (checkToolChoice(tool, runs) !== null || record(tool)?.type === 'allowed_tools') {
        return choiceFault('tool_choice.tools')
      }
    }
    return null
  }
  return choiceFault('tool_choice')
}

function choiceFault(param: string): Refusal {
  const message = `This value of '${param}' is not supported: it must name functions and custom tools, or be "none", "auto" or "required".`
  return refusal('unsupported_parameter', message, { param })
}

function mayRun(type: string, runs: ToolRuns | null): boolean {
  return runs !== null && (searchTypes.has(type) || (runs.previews && previewTypes.has(type)))
}

function typeFault(type: string, runs: ToolRuns | null, at: string): Refusal {
  const isSearch = searchTypes.has(type) || previewTypes.has(type)
  const why = !isSearch
    ? 'only tools of type "function" and "custom" have a price here'
    : runs === null
      ? 'the operator has given no price for its calls'
      : 'its calls have another price with this model; use "web_search"'
  const message = `'${at}' of type '${type.slice(0, 64)}' is not supported: ${why}.`
  return refusal('unsupported_parameter', message, { param: at })
}

/** Finds of pictures would come on top of what a call is known to add. */
function faultInSearch({ search_content_types: kinds }: Fields, at: string): Refusal | null {
  const isText =
    kinds === undefined || kinds === null || (Array.isArray(kinds) && kinds.every((kind) => kind === 'text'))
  return isText ? null : unsupported(`${at}.search_content_types`, 'only ["text"] has a price here')
}

/** What lets the provider go on by itself, or load tools later, is not known to be bounded. */
function faultInOwn(tool: Fields, at: string): Refusal | null {
  for (const key of ['async', 'defer_loading']) {
    const value = tool[key]
    if (value !== undefined && value !== null && value !== false) {
      return unsupported(`${at}.${key}`, 'only false has a price here')
    }
  }
  const { allowed_callers: callers } = tool
  const isDirect =
    callers === undefined ||
    callers === null ||
    (Array.isArray(callers) && callers.every((each) => each === 'direct'))
  return isDirect ? null : unsupported(`${at}.allowed_callers`, 'only ["direct"] has a price here')
}

function keys(names: string): ReadonlySet<string> {
  return new Set(names.split(' '))
}
