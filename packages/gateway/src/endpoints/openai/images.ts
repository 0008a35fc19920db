/**
 * The wire `POST /images/generations`: a prompt in, pictures out, whole or with previews in a stream. No field caps
 * what a picture takes, so its size and quality bound it (`picture-tokens.ts`), or else its price is per picture. The
 * tap is `images-tap.ts`.
 * Source: openai 7.57, `resources/images`.
 */
import type { Model } from '../../core/catalog.ts'
import { type Price, pricesTokens } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Endpoint, ForwardOptions, ModelRequest, ParseOptions, RawRequest } from '../../ports.ts'
import {
  assertBounded,
  type Changes,
  forwardedBytesMax,
  longestForward,
  openRequest,
  userFields,
} from '../json-request.ts'
import { replaceFields, type ScannedObject } from '../json-scan.ts'
import {
  anything,
  boolean,
  type Check,
  invalidValue,
  isPositiveInteger,
  oneOf,
  type ParameterTable,
  string,
} from '../parameters.ts'
import { insertReceipt } from '../receipt.ts'
import { createImagesTap } from './images-tap.ts'
import { openAiWire } from './openai-wire.ts'
import { partialImageTokens, pictureFamily, pictureTokensMax } from './picture-tokens.ts'

const picturesMax = 10
const previewsMax = 3
const promptCharactersMax = 32_000
/** A picture of 3840 × 2160 has 32 MiB before it is packed, and a third more in base64. */
const pictureBytesMax = 64 * 1024 * 1024

const pictures: Check = {
  accepts: (value) => isPositiveInteger(value) && value <= picturesMax,
  expected: `an integer from 1 to ${picturesMax}`,
}
const previews: Check = {
  accepts: (value) => value === 0 || (isPositiveInteger(value) && value <= previewsMax),
  expected: `an integer from 0 to ${previewsMax}`,
}
const percent: Check = {
  accepts: (value) => value === 0 || (isPositiveInteger(value) && value <= 100),
  expected: 'an integer from 0 to 100',
}
const onlyOfGifs = 'it is of moving pictures, which have no price here'

/** Every field that is known, by name: those of `ImageGenerateParamsBase`. */
export const imageParameters: ParameterTable = new Map([
  // The parser's own: read for the quote.
  ['model', { policy: 'own', check: anything }],
  ['prompt', { policy: 'own', check: anything }],
  ['n', { policy: 'own', check: pictures }],
  ['stream', { policy: 'own', check: boolean }],
  ['partial_images', { policy: 'own', check: previews }],
  ['size', { policy: 'own', check: string }],
  ['quality', { policy: 'own', check: string }],
  ['user', { policy: 'own', check: string }],
  ['safety_identifier', { policy: 'own', check: string }],

  // Free of price: they shape the picture.
  ['background', { policy: 'forward', check: oneOf('transparent', 'opaque', 'auto') }],
  ['moderation', { policy: 'forward', check: oneOf('low', 'auto') }],
  ['output_format', { policy: 'forward', check: oneOf('png', 'jpeg', 'webp') }],
  ['output_compression', { policy: 'forward', check: percent }],
  ['response_format', { policy: 'forward', check: oneOf('url', 'b64_json') }],
  ['style', { policy: 'forward', check: oneOf('vivid', 'natural') }],

  ['complexity', { policy: 'refuse', why: 'planning is billed beyond the picture, and has no bound' }],
  ['frame_count', { policy: 'refuse', why: onlyOfGifs }],
  ['frame_duration_ms', { policy: 'refuse', why: onlyOfGifs }],
  ['svg', { policy: 'refuse', why: 'it calls another model, which has no price here' }],
])

/** The images endpoint. */
export const images: Endpoint = {
  id: 'images',
  wire: openAiWire,
  parse: parseImageRequest,
  tap: createImagesTap,
  withReceipt: insertReceipt,
  answerBytesMax: pictureBytesMax,
  eventBytesMax: pictureBytesMax,
}

function parseImageRequest({ body }: RawRequest, options: ParseOptions): Result<ModelRequest, Refusal> {
  const opened = openRequest(body, imageParameters, options)
  if (!opened.ok) return opened
  const { scanned, value, model, found, removed, dropped } = opened.value
  const { prompt, n, stream } = value
  if (typeof prompt !== 'string' || prompt === '' || isTooLong(prompt)) {
    return err(invalidValue('prompt', `a text of 1 to ${promptCharactersMax} characters`))
  }
  const choices = typeof n === 'number' ? n : 1
  // OpenAI says so too; and what several would report in one stream is settled nowhere.
  if (stream === true && choices > 1) return err(invalidValue('n', '1 in a stream'))
  const tokens = found ? tokensMax(found.model, found.price, value) : ok(0)
  if (!tokens.ok) return tokens
  return ok({
    model,
    stream: stream === true,
    includeUsage: true,
    outputTokensAsked: tokens.value,
    outputFixed: true,
    choices,
    items: 1,
    mayReason: true,
    dropped,
    forward: (forward) => {
      assertBounded(forward)
      return { body: replaceFields(scanned, changesOf(scanned, removed, forward)) }
    },
    forwardedBytesMax: forwardedBytesMax(scanned, changesOf(scanned, removed, longestForward)),
    ...(tokens.value > 0 && { uses: { imageOutput: true } }),
  })
}

/** Characters are counted as everyone but JavaScript does. */
function isTooLong(prompt: string): boolean {
  if (prompt.length <= promptCharactersMax) return false
  return prompt.length > 2 * promptCharactersMax || Array.from(prompt).length > promptCharactersMax
}

/** The most tokens of one picture with its previews; 0 where tokens cost nothing. */
function tokensMax(model: Model, price: Price, value: Record<string, unknown>): Result<number, Refusal> {
  const family = pictureFamily(model.upstreamModel)
  const limit = model.media.imageTokensMax
  if (!pricesTokens(price)) {
    // A picture has one price then, whatever it takes of the operator's: their limit is what keeps it in bounds.
    const drawn = family === null || limit === null ? ok(0) : pictureOf(family, limit, value)
    return drawn.ok ? ok(0) : drawn
  }
  if (family === null && limit === null) {
    return err(
      unsold(
        model,
        'what a picture of it takes has no bound that is known. The operator can set its media.imageTokensMax, or a price of creditsPerRequest',
      ),
    )
  }
  // The output of a known family is pictures alone; another's output may be words, at another price.
  if (price.imageOutput === undefined && (family === null || price.output === 0)) {
    return err(unsold(model, 'the operator has given no price for pictures'))
  }
  const picture = family === null ? ok(limit ?? 0) : pictureOf(family, limit, value)
  if (!picture.ok) return picture
  const { partial_images: partial } = value
  return ok(picture.value + partialImageTokens * (typeof partial === 'number' ? partial : 0))
}

/** The operator's limit stands for what `auto` may become, and refuses what is surely larger. */
function pictureOf(
  family: NonNullable<ReturnType<typeof pictureFamily>>,
  limit: number | null,
  value: Record<string, unknown>,
): Result<number, Refusal> {
  const size = typeof value.size === 'string' ? value.size : null
  const quality = typeof value.quality === 'string' ? value.quality : null
  const tokens = pictureTokensMax(family, { size, quality })
  if (!tokens.ok) return err(invalidValue(tokens.error.param, tokens.error.expected))
  if (limit === null || tokens.value <= limit) return tokens
  const isOpen = [size, quality].some((each) => each === null || each === 'auto')
  if (isOpen) return ok(limit)
  return err(
    invalidValue(
      'size',
      `smaller: at this quality it takes up to ${tokens.value} tokens, and ${limit} are allowed`,
    ),
  )
}

function unsold(model: Model, why: string): Refusal {
  return refusal('unsupported_parameter', `The model ${model.id} cannot draw here: ${why}.`, {
    param: 'model',
  })
}

function changesOf(scanned: ScannedObject, removed: readonly string[], options: ForwardOptions): Changes {
  const changes = userFields(scanned.value, options)
  for (const name of removed) changes[name] = undefined
  changes.model = JSON.stringify(options.upstreamModel)
  return changes
}
