/**
 * The wire `POST /responses`: OpenAI's, and the one that its SDK and the AI SDK use by default. The parser checks every
 * field against its table (`responses-parameters.ts`), the items (`responses-input.ts`) and the tools
 * (`responses-tools.ts`); what is forwarded is the caller's own text with only the fields replaced that must be. Answers
 * are kept nowhere: `store` is always false. The tap is `responses-tap.ts`.
 * Source: openai 7.57, `resources/responses`.
 */
import type { Model } from '../../core/catalog.ts'
import type { Refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Endpoint, ForwardOptions, ModelRequest, ParseOptions, RawRequest } from '../../ports.ts'
import {
  assertBounded,
  type Changes,
  forwardedBytesMax,
  growthMax,
  longestForward,
  openRequest,
  toolGrowthMax,
  userFields,
} from '../json-request.ts'
import { replaceFields, type ScannedObject } from '../json-scan.ts'
import { invalidValue, unsupported } from '../parameters.ts'
import { editErrors, insertReceipt } from '../receipt.ts'
import { record, tokensMax } from '../usage.ts'
import { checkInput } from './responses-input.ts'
import { overwritten, responsesParameters } from './responses-parameters.ts'
import { createResponsesTap } from './responses-tap.ts'
import { checkToolChoice, checkTools, type ToolRuns, toolRunsOf } from './responses-tools.ts'
import { responsesWire } from './responses-wire.ts'
import { askedTier, faultInTier } from './service-tier.ts'

/** Its streams begin and end with an event of the whole answer, which repeats the instructions and the tools. */
const eventBytesMax = 16 * 1024 * 1024

/** The Responses endpoint. */
export const responses: Endpoint = {
  id: 'responses',
  wire: responsesWire,
  parse: parseResponsesRequest,
  tap: createResponsesTap,
  eventBytesMax,
  withReceipt: (text, receipt) => insertReceipt(text, receipt, [['response', 'usage'], ['usage']]),
  withFailure: (text, edit) => editErrors(text, [['response', 'error'], ['error']], edit),
}

function parseResponsesRequest({ body }: RawRequest, options: ParseOptions): Result<ModelRequest, Refusal> {
  const opened = openRequest(body, responsesParameters, options)
  if (!opened.ok) return opened
  const { scanned, value, model, found, allowed, removed, dropped } = opened.value
  const runs = toolRunsOf(found)
  const input = checkInput(value.input, { model: found?.model ?? null, allowed, mayUseTools: runs !== null })
  if (!input.ok) return input
  const tools = checkTools(value.tools, runs, allowed)
  if (!tools.ok) return tools
  const fault =
    checkToolChoice(value.tool_choice, runs) ??
    faultInTier(value.service_tier, found?.price) ??
    faultInStreamOptions(value.stream_options, allowed)
  if (fault !== null) return err(fault)

  const tier = askedTier(value.service_tier)
  const calls = tools.value.searches && runs ? callsOf(value.max_tool_calls, runs) : null
  const plan: Plan = { scanned, allowed, removed, tier, calls }
  const { max_output_tokens: asked, stream } = value
  const outputTokensAsked = typeof asked === 'number' ? asked : null
  const reading = {
    bytes: forwardedBytesMax(scanned, changesOf(plan, longestForward)) - input.value.imageBytes,
    growth: growthMax(scanned) + toolGrowthMax(scanned, 'tools'),
    items: input.value.items + tools.value.items,
    imageTokens: input.value.imageTokens,
    earlierSearches: input.value.searches,
    outputTokens: outputTokensMax(outputTokensAsked, found?.model),
  }
  return ok({
    model,
    stream: stream === true,
    includeUsage: true,
    outputTokensAsked,
    choices: 1,
    items: reading.items,
    mayReason: record(value.reasoning)?.effort !== 'none' || allowed.size > 0,
    dropped,
    forward: (forward) => {
      assertBounded(forward)
      return { body: replaceFields(scanned, changesOf(plan, forward)) }
    },
    forwardedBytesMax: reading.bytes,
    addedTokensMax: reading.growth + (runs ? searchTokensMax(reading, calls ?? 0, runs) : 0),
    ...usesOf(reading.imageTokens, plan),
  })
}

/** The most that the request can use beside its text. */
function usesOf(imageTokens: number, { calls, tier }: Plan): Pick<ModelRequest, 'uses'> {
  const uses = {
    ...(imageTokens > 0 && { imageInputTokens: imageTokens }),
    ...(calls !== null && { toolCalls: calls }),
    ...(tier !== null && { serviceTier: true as const }),
  }
  return Object.keys(uses).length > 0 ? { uses } : {}
}

/** The most that a cap can come to. */
function outputTokensMax(asked: number | null, model: Model | undefined): number {
  const cap = asked ?? model?.outputTokensDefault ?? tokensMax
  return Math.min(cap, model?.outputTokensMax ?? tokensMax, tokensMax)
}

/** What the model has before it at first, and the most that it can write. */
type ModelReading = {
  bytes: number
  /** What the text may be longer than its bytes. */
  growth: number
  items: number
  imageTokens: number
  earlierSearches: number
  outputTokens: number
}

// As the provider's own overhead, which the pipeline adds for the first reading only.
const framingBase = 64
const framingPerItem = 16

/**
 * The input that searches can bring: those of earlier answers, whose finds may be put before the model again, and new
 * ones, after each of which it reads all again that it had, with what it has written and what was found so far. The
 * provider counts all of that: a prompt of 5,000 tokens was seen to come to 243,551 with 13 searches.
 */
function searchTokensMax(reading: ModelReading, calls: number, { inputTokensPerCall }: ToolRuns): number {
  const earlier = reading.earlierSearches * inputTokensPerCall
  const framing = framingBase + framingPerItem * reading.items
  const text = reading.bytes + reading.growth
  const again = text + reading.imageTokens + framing + earlier + reading.outputTokens
  return earlier + calls * again + ((calls * (calls + 1)) / 2) * inputTokensPerCall
}

/** The provider is told the most calls that it may run, since each has a price. */
function callsOf(asked: unknown, { callsMax }: ToolRuns): number {
  return typeof asked === 'number' ? Math.min(asked, callsMax) : callsMax
}

function faultInStreamOptions(given: unknown, allowed: ReadonlySet<string>): Refusal | null {
  for (const [key, value] of Object.entries(record(given) ?? {})) {
    const param = `stream_options.${key}`
    if (key !== 'include_obfuscation') {
      if (!allowed.has(param)) return unsupported(param, 'it is not known here')
    } else if (value !== null && typeof value !== 'boolean') {
      return invalidValue(param, 'true or false')
    }
  }
  return null
}

type Plan = {
  scanned: ScannedObject
  allowed: ReadonlySet<string>
  removed: string[]
  /** The service tier that was asked for, where it is not the standard one. */
  tier: string | null
  /** The most calls of the provider's tools, where it may run any. */
  calls: number | null
}

/** The fields to write, remove (`undefined`) or add when the request is forwarded. */
function changesOf(plan: Plan, options: ForwardOptions): Changes {
  const { upstreamModel, outputTokensMax, addFields = true } = options
  const { value } = plan.scanned
  const changes: Changes = userFields(value, options)
  for (const name of plan.removed) changes[name] = undefined
  changes.model = JSON.stringify(upstreamModel)
  // Without a stream its options mean nothing, and OpenAI refuses them.
  if (value.stream !== true) changes.stream_options = undefined
  changes.max_output_tokens = String(outputTokensMax)
  if (plan.calls !== null) changes.max_tool_calls = String(plan.calls)
  if (addFields || Object.hasOwn(value, 'service_tier')) {
    changes.service_tier = JSON.stringify(plan.tier ?? 'default')
  }
  // Whoever speaks this wire keeps answers unless told not to, so these are always added.
  for (const [name, text] of overwritten) {
    if (!plan.allowed.has(name)) changes[name] = text
  }
  return changes
}
