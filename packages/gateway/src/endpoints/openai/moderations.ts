/**
 * The wire `POST /moderations`: texts and pictures in, verdicts out. The answer has no usage, so a model is free here
 * or has a price per request; one that is sold by the token is refused.
 * Source: openai 7.57, `resources/moderations`.
 */
import { noUsage, pricesTokens } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Endpoint, ForwardOptions, ModelRequest, ParseOptions, RawRequest, Tap } from '../../ports.ts'
import {
  assertBounded,
  type Changes,
  forwardedBytesMax,
  longestForward,
  openRequest,
} from '../json-request.ts'
import { replaceFields } from '../json-scan.ts'
import { anything, invalidValue, type ParameterTable, unsupported } from '../parameters.ts'
import { insertReceipt } from '../receipt.ts'
import { record } from '../usage.ts'
import { openAiWire } from './openai-wire.ts'

/** The model that a request means which names none. */
const modelDefault = 'omni-moderation-latest'

/** The most inputs, or parts of one, in a request. */
const inputsMax = 2048

/** Every field that is known, by name: those of `ModerationCreateParams`. */
export const moderationParameters: ParameterTable = new Map([
  ['model', { policy: 'own', check: anything }],
  ['input', { policy: 'own', check: anything }],
])

/** The moderations endpoint. */
export const moderations: Endpoint = {
  id: 'moderations',
  wire: openAiWire,
  parse: parseModerationRequest,
  tap: createModerationTap,
  withReceipt: insertReceipt,
}

function parseModerationRequest({ body }: RawRequest, options: ParseOptions): Result<ModelRequest, Refusal> {
  const opened = openRequest(body, moderationParameters, options, modelDefault)
  if (!opened.ok) return opened
  const { scanned, value, model, found, removed, dropped } = opened.value
  if (found && pricesTokens(found.price)) return err(tokenPriced(model))
  const inputs = readInputs(value.input, found?.model.media.remote ?? false)
  if (!inputs.ok) return inputs
  const changesOf = ({ upstreamModel }: ForwardOptions): Changes => ({
    ...Object.fromEntries(removed.map((name) => [name, undefined])),
    model: JSON.stringify(upstreamModel),
  })
  return ok({
    model,
    stream: false,
    includeUsage: false,
    outputTokensAsked: 0,
    outputFixed: true,
    choices: 1,
    items: inputs.value.items,
    mayReason: false,
    dropped,
    forward: (forward) => {
      assertBounded(forward)
      return { body: replaceFields(scanned, changesOf(forward)) }
    },
    forwardedBytesMax: forwardedBytesMax(scanned, changesOf(longestForward)) - inputs.value.mediaBytes,
  })
}

function tokenPriced(model: string): Refusal {
  const message = `Moderations report no tokens, and the model ${model} is sold by the token here. The operator can price it with creditsPerRequest, or as 'free'.`
  return refusal('unsupported_parameter', message, { param: 'model' })
}

/** How many inputs there are, and the least bytes of the request that are pictures. */
type Inputs = { items: number; mediaBytes: number }

const expected = 'a text, an array of texts, or an array of parts of type "text" and "image_url"'

function readInputs(input: unknown, remote: boolean): Result<Inputs, Refusal> {
  if (typeof input === 'string') return ok({ items: 1, mediaBytes: 0 })
  if (!Array.isArray(input) || input.length === 0 || input.length > inputsMax) {
    return err(invalidValue('input', `${expected}, at most ${inputsMax}`))
  }
  let mediaBytes = 0
  for (const [index, each] of input.entries()) {
    if (typeof each === 'string') continue
    const part = readPart(each, `input[${index}]`, remote)
    if (!part.ok) return part
    mediaBytes += part.value
  }
  return ok({ items: input.length, mediaBytes })
}

/** The least bytes of one part that are a picture. */
function readPart(value: unknown, at: string, remote: boolean): Result<number, Refusal> {
  const part = record(value)
  if (part?.type === 'text') {
    const fault = unknownKey(part, ['type', 'text'])
    if (fault !== null) return err(unsupported(`${at}.${fault}`, 'it is not known here'))
    return typeof part.text === 'string' ? ok(0) : err(invalidValue(`${at}.text`, 'a string'))
  }
  if (part?.type !== 'image_url') return err(invalidValue(at, expected))
  const image = record(part.image_url) ?? {}
  const fault = unknownKey(part, ['type', 'image_url']) ?? unknownKey(image, ['url'])
  if (fault !== null) return err(unsupported(`${at}.${fault}`, 'it is not known here'))
  const { url } = image
  if (typeof url !== 'string') return err(invalidValue(`${at}.image_url.url`, 'a string'))
  if (/^data:image\/[\w.+-]+;base64,/i.test(url)) return ok(url.length)
  if (remote && /^https?:\/\//i.test(url)) return ok(0)
  const why = 'pictures are taken inline only, as "data:image/…;base64,…"'
  return err(unsupported(`${at}.image_url.url`, why))
}

function unknownKey(value: Record<string, unknown>, known: readonly string[]): string | null {
  return Object.keys(value).find((key) => !known.includes(key)) ?? null
}

/** There is no usage to read, and nothing that it could change: whatever answer there is, is all there will be. */
function createModerationTap(): Tap {
  let seen = false
  return {
    event: () => 'invalid',
    body: (json) => {
      seen = Array.isArray(record(json)?.results)
      return seen
    },
    usage: () => (seen ? { usage: noUsage, stage: 'final', invalid: false } : null),
    outputTokensSeen: () => 0,
    started: () => seen,
  }
}
