/**
 * The wire `POST /embeddings`: texts, or tokens, in; vectors out. Nothing is written, so the input alone is bounded
 * and charged.
 * Source: openai 7.57, `resources/embeddings`.
 */
import type { Refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type {
  Endpoint,
  ForwardOptions,
  ModelRequest,
  ParseOptions,
  RawRequest,
  Reading,
  Tap,
} from '../../ports.ts'
import {
  assertBounded,
  type Changes,
  forwardedBytesMax,
  growthMax,
  longestForward,
  openRequest,
  userFields,
} from '../json-request.ts'
import { replaceFields, type ScannedObject } from '../json-scan.ts'
import { anything, invalidValue, oneOf, type ParameterTable, positiveInteger, string } from '../parameters.ts'
import { insertReceipt } from '../receipt.ts'
import { count, optionalCount, record, usageOf } from '../usage.ts'
import { openAiWire } from './openai-wire.ts'

/** The most inputs in one request. */
const inputsMax = 2048

/** Every field that is known, by name: those of `EmbeddingCreateParams`. */
export const embeddingParameters: ParameterTable = new Map([
  ['model', { policy: 'own', check: anything }],
  ['input', { policy: 'own', check: anything }],
  ['user', { policy: 'own', check: string }],
  ['dimensions', { policy: 'forward', check: positiveInteger }],
  ['encoding_format', { policy: 'forward', check: oneOf('float', 'base64') }],
])

/** The embeddings endpoint. Its answers have room for 2,048 vectors of 3,072 numbers in print. */
export const embeddings: Endpoint = {
  id: 'embeddings',
  wire: openAiWire,
  parse: parseEmbeddingRequest,
  tap: createEmbeddingTap,
  withReceipt: insertReceipt,
  answerBytesMax: 96 * 1024 * 1024,
}

function parseEmbeddingRequest({ body }: RawRequest, options: ParseOptions): Result<ModelRequest, Refusal> {
  const opened = openRequest(body, embeddingParameters, options)
  if (!opened.ok) return opened
  const { scanned, value, model, removed, dropped } = opened.value
  const inputs = countInputs(value.input)
  if (!inputs.ok) return inputs
  return ok({
    model,
    stream: false,
    includeUsage: false,
    outputTokensAsked: 0,
    outputFixed: true,
    choices: 1,
    items: inputs.value,
    mayReason: false,
    dropped,
    forward: (forward) => {
      assertBounded(forward)
      return { body: replaceFields(scanned, changesOf(scanned, removed, forward)) }
    },
    forwardedBytesMax: forwardedBytesMax(scanned, changesOf(scanned, removed, longestForward)),
    addedTokensMax: growthMax(scanned),
  })
}

/** How many inputs there are. */
function countInputs(input: unknown): Result<number, Refusal> {
  if (typeof input === 'string' && input !== '') return ok(1)
  if (!Array.isArray(input) || input.length === 0) return err(invalidValue('input', expected))
  if (input.every(isToken)) return ok(1)
  if (input.length > inputsMax) return err(invalidValue('input', `at most ${inputsMax} inputs`))
  for (const [index, each] of input.entries()) {
    const isText = typeof each === 'string' && each !== ''
    if (!isText && (!Array.isArray(each) || each.length === 0 || !each.every(isToken))) {
      return err(invalidValue(`input[${index}]`, 'a text or an array of tokens, and not empty'))
    }
  }
  return ok(input.length)
}

const expected = 'a text, an array of texts, an array of tokens or an array of such, and not empty'

/** Tokens are written in at least two bytes each, so that the bytes of the request bound these too. */
function isToken(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function changesOf(scanned: ScannedObject, removed: readonly string[], options: ForwardOptions): Changes {
  const changes = userFields(scanned.value, options)
  for (const name of removed) changes[name] = undefined
  changes.model = JSON.stringify(options.upstreamModel)
  return changes
}

/** Reads the usage of the one answer there is. */
function createEmbeddingTap(): Tap {
  let reading: Reading | null = null
  let vectors = 0
  return {
    event: () => 'invalid',
    body: (json) => {
      const answer = record(json)
      if (answer === null || !Array.isArray(answer.data)) return false
      vectors = answer.data.length
      const usage = record(answer.usage)
      if (usage !== null) reading = readUsage(usage)
      return true
    },
    usage: () => reading,
    outputTokensSeen: () => 0,
    started: () => vectors > 0,
  }
}

/** Nothing is written, so all tokens are input; an input of none cannot be true. */
function readUsage(usage: Record<string, unknown>): Reading {
  const prompt = count(usage.prompt_tokens)
  const total = optionalCount(usage.total_tokens)
  const input = { tokens: Math.max(prompt.tokens, total.tokens), sane: prompt.sane && total.sane }
  const read = usageOf({ input, output: { tokens: 0, sane: true } })
  return { usage: read.usage, stage: 'final', invalid: read.invalid || input.tokens === 0 }
}
