/**
 * The wire `POST /audio/speech`: text goes in, sound comes out. A model that is priced by the character answers with
 * bytes, and what it costs is known from the request. One that is priced by the token says what it used only in a
 * stream of events, so that only such a stream can be charged. The tap is `speech-tap.ts`.
 * Source: openai 7.57, `resources/audio/speech`.
 */
import type { Model } from '../../core/catalog.ts'
import { type Price, pricesTokens } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Endpoint, ModelRequest, ParseOptions, RawRequest } from '../../ports.ts'
import {
  assertBounded,
  type Changes,
  forwardedBytesMax,
  longestForward,
  openRequest,
} from '../json-request.ts'
import { replaceFields } from '../json-scan.ts'
import { anything, type Check, oneOf, type ParameterTable, string } from '../parameters.ts'
import { insertReceipt } from '../receipt.ts'
import { codePoints } from '../text.ts'
import { openAiWire } from './openai-wire.ts'
import { soundBytesPerToken, voice } from './sound-output.ts'
import { createSpeechTap } from './speech-tap.ts'

/** The most characters that are spoken at once. */
const charactersMax = 4096

const spoken: Check = {
  accepts: (value) => typeof value === 'string' && value !== '' && codePoints(value) <= charactersMax,
  expected: `a text of 1 to ${charactersMax} characters`,
}
const speed: Check = {
  accepts: (value) => typeof value === 'number' && value >= 0.25 && value <= 4,
  expected: 'a number from 0.25 to 4',
}
/** Every field that is known, by name. */
export const speechParameters: ParameterTable = new Map([
  ['model', { policy: 'own', check: anything }],
  ['input', { policy: 'own', check: spoken }],
  ['voice', { policy: 'own', check: voice }],
  ['response_format', { policy: 'own', check: oneOf('mp3', 'opus', 'aac', 'flac', 'wav', 'pcm') }],
  ['stream_format', { policy: 'own', check: oneOf('audio', 'sse') }],
  ['instructions', { policy: 'forward', check: string }],
  ['speed', { policy: 'forward', check: speed }],
])

/** The speech endpoint. */
export const speech: Endpoint = {
  id: 'speech',
  wire: openAiWire,
  parse: parseSpeechRequest,
  tap: createSpeechTap,
  withReceipt: insertReceipt,
}

function parseSpeechRequest({ body }: RawRequest, options: ParseOptions): Result<ModelRequest, Refusal> {
  const opened = openRequest(body, speechParameters, options)
  if (!opened.ok) return opened
  const { scanned, value, model, found, removed, dropped } = opened.value
  const { input, stream_format: streamFormat, response_format: format } = value
  if (typeof input !== 'string')
    return err(refusal('invalid_value', `'input' must be ${spoken.expected}.`, { param: 'input' }))
  const stream = streamFormat === 'sse'
  const output = found ? outputOf(found.model, found.price, stream) : ok(0)
  if (!output.ok) return output

  const changes = (upstreamModel: string): Changes => ({
    ...Object.fromEntries(removed.map((name) => [name, undefined])),
    model: JSON.stringify(upstreamModel),
  })
  return ok({
    model,
    stream,
    ...(!stream && { binary: true as const }),
    includeUsage: true,
    outputTokensAsked: output.value,
    outputFixed: true,
    choices: 1,
    items: 1,
    mayReason: false,
    dropped,
    forward: (forward) => {
      assertBounded(forward)
      return { body: replaceFields(scanned, changes(forward.upstreamModel)) }
    },
    forwardedBytesMax: forwardedBytesMax(scanned, changes(longestForward.upstreamModel)),
    soundBytesPerToken: soundBytesPerToken(format),
    uses: { characters: codePoints(input), ...(stream && { audioOutput: true as const }) },
  })
}

/** The most output tokens that the sound can take, as far as tokens are counted; 400 where that has no bound or price. */
function outputOf(model: Model, price: Price, stream: boolean): Result<number, Refusal> {
  const byToken = pricesTokens(price)
  if (!stream) return byToken ? err(bytesRefusal(model)) : ok(0)
  if (byToken && (price.audioOutput ?? price.output) === 0) {
    return err(refused('model', `The operator has given no price for the sound of ${model.id}.`))
  }
  if (model.outputTokensMax !== null) return ok(model.outputTokensMax)
  const why = `The sound of ${model.id} has no bound: nothing in a request limits it, and the operator has set no outputTokensMax.`
  return err(refused('stream_format', why))
}

function bytesRefusal({ id }: Model): Refusal {
  const why = `The model ${id} is priced by the token, and an answer of bytes does not say how many it took.`
  const wayOut = `Ask for events with "stream_format": "sse", or have the operator price it by the character or the request.`
  return refused('stream_format', `${why} ${wayOut}`)
}

function refused(param: string, message: string): Refusal {
  return refusal('unsupported_parameter', message, { param })
}
