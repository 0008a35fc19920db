/**
 * The wire `POST /chat/completions`: OpenAI's, and that of everyone who speaks it. The parser checks every field
 * against its table (`chat-parameters.ts`) and what goes before the model (`chat-messages.ts`); what is forwarded
 * is the caller's own text with only the fields replaced that must be. The tap is `chat-tap.ts`.
 * Source: openai 7.57, `resources/chat/completions`.
 */
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
import { insertReceipt, removeUsage } from '../receipt.ts'
import { record } from '../usage.ts'
import { type Asked, isPriced } from './chat-media.ts'
import { checkFunctions, checkMessages, checkTools, type MessageCount } from './chat-messages.ts'
import { chatParameters, overwritten } from './chat-parameters.ts'
import { createChatTap } from './chat-tap.ts'
import { openAiWire } from './openai-wire.ts'
import { askedTier, faultInTier } from './service-tier.ts'
import { soundBytesPerToken } from './sound-output.ts'

/** The chat-completions endpoint. */
export const chatCompletions: Endpoint = {
  id: 'chat-completions',
  wire: openAiWire,
  parse: parseChatRequest,
  tap: createChatTap,
  withReceipt: insertReceipt,
  withoutUsage: removeUsage,
}

type Caps = { asked: number | null; field: 'max_completion_tokens' | 'max_tokens' | null }

function parseChatRequest({ body }: RawRequest, options: ParseOptions): Result<ModelRequest, Refusal> {
  const opened = openRequest(body, chatParameters, options)
  if (!opened.ok) return opened
  const { scanned, value, model, found, allowed, removed, dropped } = opened.value
  const { stream, n, reasoning_effort: effort, audio } = value
  const counted = checkContent(value, allowed, found)
  if (!counted.ok) return counted
  const caps = readCaps(value)
  if (!caps.ok) return caps
  const streamOptions = readStreamOptions(value, allowed)
  if (!streamOptions.ok) return streamOptions

  const plan = {
    scanned,
    allowed,
    removed,
    capField: caps.value.field,
    streamOptions: streamOptions.value.given,
  }
  return ok({
    model,
    stream: stream === true,
    includeUsage: streamOptions.value.includeUsage,
    ...(streamOptions.value.given?.['continuous_usage_stats'] === true && { runningUsage: true }),
    outputTokensAsked: caps.value.asked,
    choices: typeof n === 'number' ? n : 1,
    items: counted.value.items,
    mayReason: effort !== 'none' || allowed.size > 0,
    dropped,
    forward: (forward) => {
      assertBounded(forward)
      return { body: replaceFields(scanned, changesOf(plan, forward)) }
    },
    forwardedBytesMax: forwardedBytesMax(scanned, changesOf(plan, longestForward)) - counted.value.mediaBytes,
    addedTokensMax:
      growthMax(scanned) + toolGrowthMax(scanned, 'tools', 'functions') + counted.value.callGrowth,
    ...usesOf(value, counted.value),
    ...(isSoundAsked(value) && { soundBytesPerToken: soundBytesPerToken(record(audio)?.format) }),
  })
}

/** Checks what goes before the model, and what is asked for beyond text at its usual price. */
function checkContent(
  value: Record<string, unknown>,
  allowed: ReadonlySet<string>,
  asked: Asked,
): Result<MessageCount, Refusal> {
  const messages = checkMessages(value.messages, allowed, asked)
  if (!messages.ok) return messages
  const tools = checkTools(value.tools, allowed)
  if (!tools.ok) return tools
  const functions = checkFunctions(value.functions)
  if (!functions.ok) return functions
  const fault = faultInTier(value.service_tier, asked?.price) ?? faultInSoundAsked(value, asked)
  if (fault !== null) return err(fault)
  return ok({ ...messages.value, items: messages.value.items + tools.value + functions.value })
}

function isSoundAsked({ modalities, audio }: Record<string, unknown>): boolean {
  return (Array.isArray(modalities) && modalities.includes('audio')) || record(audio) !== null
}

function faultInSoundAsked(value: Record<string, unknown>, asked: Asked): Refusal | null {
  if (asked === null || !isSoundAsked(value) || isPriced(asked.price, 'audioOutput')) return null
  const param = record(value.audio) === null ? 'modalities' : 'audio'
  return unsupported(
    param,
    `the operator has given no price for sound that ${asked.model.id} speaks (audioOutput)`,
  )
}

/** What the request may use beside text. */
function usesOf(
  value: Record<string, unknown>,
  { audioTokens, imageTokens }: MessageCount,
): Pick<ModelRequest, 'uses'> {
  const uses = {
    ...(audioTokens > 0 && { audioInputTokens: audioTokens }),
    ...(imageTokens > 0 && { imageInputTokens: imageTokens }),
    ...(isSoundAsked(value) && { audioOutput: true as const }),
    ...(askedTier(value.service_tier) !== null && { serviceTier: true as const }),
  }
  return Object.keys(uses).length > 0 ? { uses } : {}
}

/** Both names of the cap may be given if they agree; the field that the caller used is kept where it can be. */
function readCaps(value: Record<string, unknown>): Result<Caps, Refusal> {
  const { max_completion_tokens: now, max_tokens: legacy } = value
  if (typeof now === 'number' && typeof legacy === 'number' && now !== legacy) {
    return err(invalidValue('max_tokens', "equal to 'max_completion_tokens' where both are given"))
  }
  if (typeof now === 'number') return ok({ asked: now, field: 'max_completion_tokens' })
  return ok(
    typeof legacy === 'number' ? { asked: legacy, field: 'max_tokens' } : { asked: null, field: null },
  )
}

/** `given` is null without a stream, where the options mean nothing. */
type StreamOptions = { includeUsage: boolean; given: Record<string, unknown> | null }

function readStreamOptions(
  value: Record<string, unknown>,
  allowed: ReadonlySet<string>,
): Result<StreamOptions, Refusal> {
  const given = record(value.stream_options) ?? {}
  for (const key of Object.keys(given)) {
    const param = `stream_options.${key}`
    if (key === 'include_usage' || key === 'include_obfuscation') {
      if (given[key] !== null && typeof given[key] !== 'boolean')
        return err(invalidValue(param, 'true or false'))
    } else if (!allowed.has(param)) {
      return err(unsupported(param, 'it is not known here'))
    }
  }
  if (value.stream !== true) return ok({ includeUsage: false, given: null })
  return ok({ includeUsage: given.include_usage === true, given })
}

/** Usage is always asked for, in the provider's way; the options are taken out where it knows none. */
function streamOptionsText(
  given: StreamOptions['given'],
  how: ForwardOptions['streamOptions'] = 'include_usage',
): string | undefined {
  if (given === null || how === 'none') return undefined
  const continuous = how === 'continuous_usage' && { continuous_usage_stats: true }
  return JSON.stringify({ ...given, include_usage: true, ...continuous })
}

type Plan = {
  scanned: ScannedObject
  allowed: ReadonlySet<string>
  removed: string[]
  capField: Caps['field']
  streamOptions: StreamOptions['given']
}

/** The fields to write, remove (`undefined`) or add when the request is forwarded. */
function changesOf(plan: Plan, options: ForwardOptions): Changes {
  const { upstreamModel, outputTokensMax, outputCapField, addFields = true } = options
  const { value } = plan.scanned
  const changes: Changes = userFields(value, options)
  for (const name of plan.removed) changes[name] = undefined
  changes.model = JSON.stringify(upstreamModel)
  changes.stream_options = streamOptionsText(plan.streamOptions, options.streamOptions)
  // An upstream that knows only one name would ignore the other, and with it the cap that was paid for.
  const capField = outputCapField ?? plan.capField ?? 'max_completion_tokens'
  changes.max_tokens = undefined
  changes.max_completion_tokens = undefined
  changes[capField] = String(outputTokensMax)
  if (addFields || Object.hasOwn(value, 'service_tier')) {
    changes.service_tier = JSON.stringify(askedTier(value.service_tier) ?? 'default')
  }
  for (const [name, text] of overwritten) {
    if (!plan.allowed.has(name) && (addFields || Object.hasOwn(value, name))) changes[name] = text
  }
  return changes
}
