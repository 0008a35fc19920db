/**
 * The wire `POST /chat/completions`: OpenAI's, and that of everyone who speaks it. The parser checks every field
 * against its table (`chat-parameters.ts`) and what goes before the model (`chat-messages.ts`); what is forwarded
 * is the caller's own text with only the fields replaced that must be. The tap is `chat-tap.ts`.
 * Source: openai 7.57, `resources/chat/completions`.
 */
import type { Refusal } from '../core/refusal.ts'
import { assert, err, ok, type Result } from '../core/result.ts'
import type { Endpoint, ForwardOptions, ModelRequest, ParseOptions } from '../ports.ts'
import { checkFunctions, checkMessages, checkTools } from './chat-messages.ts'
import { checkFields, invalidValue, overwritten, unsupported } from './chat-parameters.ts'
import { createChatTap } from './chat-tap.ts'
import { record } from './chat-usage.ts'
import { decodeUtf8, replaceFields, type ScannedObject, scanJsonObject } from './json-scan.ts'
import { openAiError } from './openai-error.ts'
import { insertReceipt } from './receipt.ts'
import { fingerprint, utf8Length } from './text.ts'

const modelNameMax = 256
const upstreamModelBytesMax = 128
const userHashMax = 64
/** A provider may print a number that came with an exponent in full: `1e15` has sixteen digits and a `.0`. */
const exponentBytes = 24

/** What makes the forwarded text longest; a `max_tokens` that the caller used only makes it shorter. */
const longestForward: ForwardOptions = {
  upstreamModel: 'm'.repeat(upstreamModelBytesMax),
  outputTokensMax: Number.MAX_SAFE_INTEGER,
  userHash: 'h'.repeat(userHashMax),
  outputCapField: 'max_completion_tokens',
}

/** The chat-completions endpoint. */
export const chatCompletions: Endpoint = {
  id: 'chat-completions',
  parse: parseChatRequest,
  tap: createChatTap,
  withReceipt: insertReceipt,
  error: openAiError,
}

type Caps = { asked: number | null; field: 'max_completion_tokens' | 'max_tokens' | null }

function parseChatRequest(body: Uint8Array, options: ParseOptions): Result<ModelRequest, Refusal> {
  const text = decodeUtf8(body)
  if (!text.ok) return text
  const scan = scanJsonObject(text.value)
  if (!scan.ok) return scan
  const scanned = scan.value
  const { model, messages, tools, functions, stream, n, reasoning_effort: effort } = scanned.value
  if (typeof model !== 'string' || model === '' || model.length > modelNameMax) {
    return err(invalidValue('model', 'the name of a model; GET /v1/models lists them'))
  }
  const allowed = new Set(options.allowParameters(model))
  const fields = checkFields(scanned, allowed, options.unknownParameters)
  if (!fields.ok) return fields
  const messageItems = checkMessages(messages, allowed)
  if (!messageItems.ok) return messageItems
  const toolItems = checkTools(tools, allowed)
  if (!toolItems.ok) return toolItems
  const functionItems = checkFunctions(functions)
  if (!functionItems.ok) return functionItems
  const caps = readCaps(scanned.value)
  if (!caps.ok) return caps
  const streamOptions = readStreamOptions(scanned.value, allowed)
  if (!streamOptions.ok) return streamOptions

  const { removed, dropped } = fields.value
  const plan = {
    scanned,
    allowed,
    removed,
    capField: caps.value.field,
    streamOptions: streamOptions.value.text,
  }
  return ok({
    model,
    stream: stream === true,
    includeUsage: streamOptions.value.includeUsage,
    outputTokensAsked: caps.value.asked,
    choices: typeof n === 'number' ? n : 1,
    items: messageItems.value + toolItems.value + functionItems.value,
    mayReason: effort !== 'none' || allowed.size > 0,
    dropped,
    forward: (forward) => {
      assertBounded(forward)
      return replaceFields(scanned, changesOf(plan, forward))
    },
    forwardedBytesMax: forwardedBytesMax(scanned, changesOf(plan, longestForward)),
  })
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

type StreamOptions = { includeUsage: boolean; text: string | undefined }

/** Usage is always asked for upstream; without a stream the options mean nothing and are taken out. */
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
  if (value.stream !== true) return ok({ includeUsage: false, text: undefined })
  const text = JSON.stringify({ ...given, include_usage: true })
  return ok({ includeUsage: given.include_usage === true, text })
}

type Plan = {
  scanned: ScannedObject
  allowed: ReadonlySet<string>
  removed: string[]
  capField: Caps['field']
  streamOptions: string | undefined
}

/** The fields to write, remove (`undefined`) or add when the request is forwarded. */
function changesOf(plan: Plan, options: ForwardOptions): Record<string, string | undefined> {
  const { upstreamModel, userHash, outputTokensMax, outputCapField, addFields = true } = options
  const { value } = plan.scanned
  const changes: Record<string, string | undefined> = {}
  for (const name of plan.removed) changes[name] = undefined
  changes.model = JSON.stringify(upstreamModel)
  changes.stream_options = plan.streamOptions
  // An upstream that knows only one name would ignore the other, and with it the cap that was paid for.
  const capField = outputCapField ?? plan.capField ?? 'max_completion_tokens'
  changes.max_tokens = undefined
  changes.max_completion_tokens = undefined
  changes[capField] = String(outputTokensMax)
  const hash = JSON.stringify(userHash)
  if (addFields || Object.hasOwn(value, 'user')) changes.user = hash
  if (typeof value.safety_identifier === 'string') changes.safety_identifier = hash
  if (typeof value.prompt_cache_key === 'string') {
    changes.prompt_cache_key = JSON.stringify(
      `${userHash.slice(0, 32)}-${fingerprint(value.prompt_cache_key)}`,
    )
  }
  for (const [name, text] of overwritten) {
    if (!plan.allowed.has(name) && (addFields || Object.hasOwn(value, name))) changes[name] = text
  }
  return changes
}

/** A true bound for every model name, cap and user that `forward` takes. */
function forwardedBytesMax(scanned: ScannedObject, longest: Record<string, string | undefined>): number {
  let bytes = scanned.bytes + scanned.exponents * exponentBytes
  for (const [name, text] of Object.entries(longest)) {
    if (text === undefined) continue
    const span = scanned.spans.get(name)
    // A value that is replaced had at least a byte for each character; one that is added brings `,"name":` along.
    bytes += utf8Length(text) + (span ? span.valueStart - span.valueEnd : name.length + 4)
  }
  return bytes
}

function assertBounded({ upstreamModel, userHash }: ForwardOptions): void {
  const modelBytes = utf8Length(JSON.stringify(upstreamModel)) - 2
  assert(modelBytes <= upstreamModelBytesMax, 'an upstream model has at most 128 bytes')
  assert(/^[\w-]{1,64}$/.test(userHash), 'a user hash has at most 64 letters, digits, _ and -')
}
