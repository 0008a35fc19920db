/**
 * What a Gemini request may say, one row a field, for its top level and for its `generationConfig`. The rows are the
 * fields of @google/genai 3.3 (`GenerateContentConfig`, `GenerationConfig`) as it puts them on the wire. The provider
 * takes every name in camel case and with underscores, so each row stands for both.
 */
import {
  anything,
  array,
  boolean,
  type Check,
  isPositiveInteger,
  number,
  object,
  oneOf,
  overwrittenFields,
  type Parameter,
  type ParameterTable,
  positiveInteger,
  string,
} from '../parameters.ts'
import { record } from '../usage.ts'

const choicesMax = 8
const choices: Check = {
  accepts: (value) => isPositiveInteger(value) && value <= choicesMax,
  expected: `an integer from 1 to ${choicesMax}`,
}
const strings: Check = {
  accepts: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  expected: 'an array of strings',
}
const standardTier = oneOf('standard', 'unspecified', 'SERVICE_TIER_STANDARD', 'SERVICE_TIER_UNSPECIFIED')
const textFormats: Check = {
  accepts: (value) => [value].flat().every(isTextFormat),
  expected: 'an array of text formats: sound, pictures and films are asked for by responseModalities',
  code: 'unsupported_parameter',
}
const vertexOnly = 'the Gemini API does not know it'

/** Fields of a request, by name. */
export const geminiParameters: ParameterTable = inBothSpellings([
  // The parser's own.
  ['contents', { policy: 'own', check: anything }],
  ['systemInstruction', { policy: 'own', check: anything }],
  ['tools', { policy: 'own', check: array }],
  ['toolConfig', { policy: 'own', check: object }],
  ['generationConfig', { policy: 'own', check: object }],

  ['safetySettings', { policy: 'forward', check: array }],
  // Other tiers have other prices.
  ['serviceTier', { policy: 'forward', check: standardTier }],
  // Answers are logged nowhere.
  ['store', { policy: 'overwrite', check: boolean, text: 'false' }],
  // The path names the model; labels are of the operator's own bill.
  ['model', { policy: 'drop' }],
  ['labels', { policy: 'drop' }],

  ['cachedContent', { policy: 'refuse', why: "it names a cache in the operator's account, of any size" }],
  [
    'continuationToken',
    {
      policy: 'refuse',
      why: 'what it brings along has no bound; ask for no more than one answer can hold, or set automaticContinuation to false',
    },
  ],
])

/** Fields of `generationConfig`, by name. */
export const generationParameters: ParameterTable = inBothSpellings([
  // The parser's own. The cap holds thoughts too, for each candidate.
  ['maxOutputTokens', { policy: 'own', check: positiveInteger }],
  ['candidateCount', { policy: 'own', check: choices }],
  ['thinkingConfig', { policy: 'own', check: object }],
  ['responseModalities', { policy: 'own', check: strings }],
  ['speechConfig', { policy: 'own', check: object }],
  ['imageConfig', { policy: 'own', check: object }],

  // Free of price: they shape the answer within its cap.
  ['temperature', { policy: 'forward', check: number }],
  ['topP', { policy: 'forward', check: number }],
  ['topK', { policy: 'forward', check: number }],
  ['seed', { policy: 'forward', check: number }],
  ['stopSequences', { policy: 'forward', check: strings }],
  ['presencePenalty', { policy: 'forward', check: number }],
  ['frequencyPenalty', { policy: 'forward', check: number }],
  ['responseMimeType', { policy: 'forward', check: string }],
  ['responseSchema', { policy: 'forward', check: object }],
  ['responseJsonSchema', { policy: 'forward', check: anything }],
  ['responseFormat', { policy: 'forward', check: textFormats }],
  // Every resolution is within the bound of a picture.
  ['mediaResolution', { policy: 'forward', check: string }],

  // No price row or no bound.
  ['responseLogprobs', { policy: 'refuse', why: 'its output is not bounded yet', harmless: isFalse }],
  ['logprobs', { policy: 'refuse', why: 'its output is not bounded yet' }],
  [
    'enableEnhancedCivicAnswers',
    { policy: 'refuse', why: 'what it looks up has no bound', harmless: isFalse },
  ],
  ['enableAffectiveDialog', { policy: 'refuse', why: 'it is for live sound', harmless: isFalse }],
  ['audioTimestamp', { policy: 'refuse', why: vertexOnly, harmless: isFalse }],
  ['audioTranscriptionConfig', { policy: 'refuse', why: 'sound has no bound on this endpoint' }],
  ['translationConfig', { policy: 'refuse', why: 'sound has no bound on this endpoint' }],
  ['routingConfig', { policy: 'refuse', why: `it may choose another model, and ${vertexOnly}` }],
  ['modelSelectionConfig', { policy: 'refuse', why: `it may choose another model, and ${vertexOnly}` }],
])

/** The fields that go on with the gateway's own value, where they are given. */
export const overwritten = overwrittenFields(geminiParameters)

/** `generation_config` as `generationConfig`; what has no underscore as it is. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, first: string) => first.toUpperCase())
}

/** The field that an object gives in both spellings, which two readers could understand differently; else null. */
export function givenTwice(names: Iterable<string>): string | null {
  const seen = new Set<string>()
  for (const name of names) {
    const camel = camelCase(name)
    if (seen.has(camel)) return name
    seen.add(camel)
  }
  return null
}

function inBothSpellings(rows: readonly (readonly [string, Parameter])[]): ParameterTable {
  return new Map(rows.flatMap(([name, row]) => [[name, row] as const, [snakeCase(name), row] as const]))
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function isFalse(value: unknown): boolean {
  return value === false
}

function isTextFormat(value: unknown): boolean {
  const format = record(value)
  return format !== null && Object.keys(format).every((key) => key === 'text')
}
