/**
 * What a request for a transcript may say, one row a field of its form: those of openai 7.57's
 * `TranscriptionCreateParamsBase`. An object in a form comes as JSON, or field by field as `name[key]`.
 */
import { scanJsonObject } from '../json-scan.ts'
import { anything, type Check, oneOf, type ParameterTable, string } from '../parameters.ts'

/** Fields that may be given many times, as `name[]`. */
export const transcriptionLists: ReadonlySet<string> = new Set([
  'include',
  'keywords',
  'languages',
  'timestamp_granularities',
  'known_speaker_names',
  'known_speaker_references',
])

const language: Check = {
  accepts: (value) => typeof value === 'string' && /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/.test(value),
  expected: 'a language such as "en"',
}
const temperature = decimalBetween(0, 1)
const vadKeys = new Map([
  ['type', oneOf('server_vad')],
  ['threshold', decimalBetween(0, 1)],
  ['prefix_padding_ms', decimalBetween(0, 60_000)],
  ['silence_duration_ms', decimalBetween(0, 60_000)],
])
const chunkingStrategy: Check = {
  accepts: (value) => value === 'auto' || (typeof value === 'string' && isVad(value)),
  expected: '"auto", or JSON of type "server_vad" with threshold, prefix_padding_ms and silence_duration_ms',
  code: 'unsupported_parameter',
}
const format: Check = {
  accepts: (value) => value === 'json' || value === 'verbose_json' || value === 'diarized_json',
  expected: '"json", "verbose_json" or "diarized_json": others do not say what was used',
  code: 'unsupported_parameter',
}
const noSpeakers = 'their recordings are heard again with each part of the file, and have no bound here'

/** Every field that is known, by name. */
export const transcriptionParameters: ParameterTable = new Map([
  ['file', { policy: 'own', check: anything }],
  ['model', { policy: 'own', check: anything }],
  ['stream', { policy: 'own', check: oneOf('true', 'false') }],

  // Free of price, or bounded by their bytes: they shape the transcript.
  ['response_format', { policy: 'forward', check: format }],
  ['language', { policy: 'forward', check: language }],
  ['languages', { policy: 'forward', check: each(language) }],
  ['prompt', { policy: 'forward', check: string }],
  ['keywords', { policy: 'forward', check: each(string) }],
  ['temperature', { policy: 'forward', check: temperature }],
  ['timestamp_granularities', { policy: 'forward', check: each(oneOf('word', 'segment')) }],
  // Says how sure the model was of each token; it takes none itself.
  ['include', { policy: 'forward', check: each(oneOf('logprobs')) }],
  ['chunking_strategy', { policy: 'forward', check: chunkingStrategy }],
  ...[...vadKeys].map(([key, check]) => [`chunking_strategy[${key}]`, { policy: 'forward', check }] as const),

  ['known_speaker_names', { policy: 'refuse', why: noSpeakers }],
  ['known_speaker_references', { policy: 'refuse', why: noSpeakers }],
])

/** Read as strictly as a body: it goes on as the text that it is. */
function isVad(text: string): boolean {
  const scan = scanJsonObject(text)
  if (!scan.ok || scan.value.value.type === undefined) return false
  return Object.entries(scan.value.value).every(
    ([key, value]) =>
      value === null || vadKeys.get(key)?.accepts(typeof value === 'number' ? String(value) : value),
  )
}

/** A number in a form is a text. */
function decimalBetween(least: number, most: number): Check {
  return {
    accepts: (value) =>
      typeof value === 'string' &&
      /^\d{1,5}(?:\.\d{1,20})?$/.test(value) &&
      Number(value) >= least &&
      Number(value) <= most,
    expected: `a number from ${least} to ${most}`,
  }
}

function each(check: Check): Check {
  return {
    ...check,
    accepts: (value) => Array.isArray(value) && value.every((item) => check.accepts(item)),
  }
}
