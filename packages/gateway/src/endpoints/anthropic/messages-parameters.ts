/**
 * What a request for a message, or for its tokens to be counted, may say, one row a field. The rows are Anthropic's
 * fields as of @anthropic-ai/sdk 1.13 (`MessageCreateParamsBase`, `MessageCountTokensParams`), those that only the API
 * version 2023-06-01 takes, and those of its betas that cost.
 */
import {
  anything,
  array,
  boolean,
  type Check,
  isPositiveInteger,
  number,
  oneOf,
  type Parameter,
  type ParameterTable,
  positiveInteger,
  string,
} from '../parameters.ts'
import { record } from '../usage.ts'

const thinkingTypes = ['enabled', 'adaptive', 'between_tools', 'disabled']
const thinking: Check = {
  accepts: (value) => {
    const { type, budget_tokens: budget } = record(value) ?? {}
    const known = hasOnly(value, ['type', 'budget_tokens', 'display'])
    return known && thinkingTypes.includes(String(type)) && (budget == null || isPositiveInteger(budget))
  },
  expected: `an object of type ${thinkingTypes.map((type) => `"${type}"`).join(', ')}, with "budget_tokens" and "display" at most`,
}
const outputConfig: Check = {
  accepts: (value) => hasOnly(value, ['effort', 'format']),
  expected: 'an object with "effort" and "format" at most',
  code: 'unsupported_parameter',
}
const toolChoice: Check = {
  accepts: (value) => hasOnly(value, ['type', 'name', 'disable_parallel_tool_use']),
  expected: 'an object with "type", "name" and "disable_parallel_tool_use" at most',
}
const metadata: Check = {
  accepts: (value) => hasOnly(value, ['user_id']),
  expected: 'an object with "user_id" at most',
}

function hasOnly(value: unknown, keys: readonly string[]): boolean {
  const given = record(value)
  return given !== null && Object.keys(given).every((key) => keys.includes(key))
}

const own = (check: Check): Parameter => ({ policy: 'own', check })
const forward = (check: Check): Parameter => ({ policy: 'forward', check })
const refuse = (why: string, harmless?: (value: unknown) => boolean): Parameter => ({
  policy: 'refuse',
  why,
  ...(harmless && { harmless }),
})

/** What both endpoints take: all that goes before the model. */
const promptRows: [string, Parameter][] = [
  // The parser's own: read for the quote, and checked deeply.
  ['model', own(anything)],
  ['messages', own(anything)],
  ['system', own(anything)],
  ['tools', own(array)],
  ['cache_control', own(anything)],
  ['speed', own(string)],

  // Free of price: they shape the answer within its cap.
  ['thinking', forward(thinking)],
  ['output_config', forward(outputConfig)],
  ['tool_choice', forward(toolChoice)],

  ['mcp_servers', refuse('servers that the provider calls bring in what is not bounded here')],
  ['context_management', refuse('what it costs is not bounded here')],
]

/** Every known field of `POST /v1/messages`, by name. */
export const messageParameters: ParameterTable = new Map<string, Parameter>([
  ...promptRows,
  ['max_tokens', own(positiveInteger)],
  ['stream', own(boolean)],
  // All users share the operator's account there: who they are, the gateway says.
  ['metadata', own(metadata)],
  ['service_tier', own(oneOf('auto', 'standard_only'))],

  ['stop_sequences', forward(array)],
  ['temperature', forward(number)],
  ['top_p', forward(number)],
  ['top_k', forward(number)],

  ['container', refuse("containers are billed by time, and may be another user's")],
  ['inference_geo', refuse('places have prices of their own', (value) => value === 'global')],
  ['diagnostics', refuse("it compares with earlier requests, which may be another user's")],
])

/** Every known field of `POST /v1/messages/count_tokens`, by name. */
export const countTokensParameters: ParameterTable = new Map(promptRows)
