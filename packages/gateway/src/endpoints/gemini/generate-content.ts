/**
 * Gemini's wire: `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent?alt=sse`. The path names the
 * model and the way of answering; the body is the same. Parsers check every field (`gemini-parameters.ts`) and what goes
 * before the model (`gemini-contents.ts`); what is forwarded is the caller's own text with the output cap written into
 * its `generationConfig`. The tap is `gemini-tap.ts`.
 * Source: @google/genai 3.3, `Models.generateContent`.
 */
import type { Price } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Endpoint, ModelRequest, ParseOptions, RawRequest } from '../../ports.ts'
import {
  assertBounded,
  type Changes,
  forwardedBytesMax,
  longestForward,
  readJson,
  readModel,
} from '../json-request.ts'
import { replaceFields, type ScannedObject, scanJsonObject } from '../json-scan.ts'
import {
  checkFields,
  type FieldDecisions,
  invalidValue,
  type ParameterTable,
  unsupported,
} from '../parameters.ts'
import { record } from '../usage.ts'
import {
  type Findings,
  faultInContents,
  faultInInstruction,
  faultInThinking,
  faultInToolConfig,
  faultInTools,
  type Surroundings,
} from './gemini-contents.ts'
import {
  camelCase,
  geminiParameters,
  generationParameters,
  givenTwice,
  overwritten,
} from './gemini-parameters.ts'
import { createGeminiTap } from './gemini-tap.ts'
import { geminiWire } from './gemini-wire.ts'

/** A picture of the largest size, in base64, and more. */
const pictureBytesMax = 32 * 1024 * 1024

/** Answers come whole. */
export const generateContent: Endpoint = {
  id: 'generate-content',
  wire: geminiWire,
  parse: (raw, options) => parseGenerate(raw, options, false),
  tap: createGeminiTap,
  // Its clients are strict about what they do not know; the header of the answer tells the charge.
  withReceipt: (jsonText) => jsonText,
  // Whatever holds a picture holds it whole.
  answerBytesMax: pictureBytesMax,
  eventBytesMax: pictureBytesMax,
}

/** Answers come as server-sent events. */
export const streamGenerateContent: Endpoint = {
  ...generateContent,
  id: 'stream-generate-content',
  parse: (raw, options) => (asksForEvents(raw.url) ? parseGenerate(raw, options, true) : err(eventsOnly)),
}

const eventsOnly = refusal(
  'unsupported_parameter',
  'Streams are served as server-sent events only: add ?alt=sse to the address, as the SDKs do.',
  { param: 'alt' },
)

function asksForEvents(url: string): boolean {
  const { searchParams } = new URL(url)
  return (searchParams.get('alt') ?? searchParams.get('$alt')) === 'sse'
}

function parseGenerate(
  { body, model: named }: RawRequest,
  options: ParseOptions,
  stream: boolean,
): Result<ModelRequest, Refusal> {
  // The SDKs put `models/` before a name that has no folder.
  const model = readModel(named?.replace(/^models\//, ''))
  if (!model.ok) return model
  const scan = readJson(body)
  if (!scan.ok) return scan
  const scanned = scan.value
  const found = options.find(model.value)
  const allowed = new Set(found?.model.allowParameters)
  const reading = { allowed, unknownParameters: options.unknownParameters }
  const fields = decide(geminiParameters, scanned, reading)
  if (!fields.ok) return fields
  const config = readConfig(scanned, reading)
  if (!config.ok) return config
  const findings: Findings = { items: 0, pictureTokens: 0, soundTokens: 0, mediaBytes: 0 }
  const around: Surroundings = { asked: found, allowed, found: findings }
  const asked = config.value.fields
  const fault = faultInInput(scanned.value, around) ?? faultInConfig(config.value, around, found?.price)
  if (fault !== null) return err(fault)
  const plan: Plan = { scanned, removed: fields.value.removed, config: config.value }
  const uses = usesOf(findings, asked, found?.price)
  return ok({
    model: model.value,
    stream,
    includeUsage: false,
    outputTokensAsked: typeof asked.maxOutputTokens === 'number' ? asked.maxOutputTokens : null,
    choices: typeof asked.candidateCount === 'number' ? asked.candidateCount : 1,
    items: findings.items,
    mayReason: byCamelCase(asked.thinkingConfig).thinkingBudget !== 0 || allowed.size > 0,
    dropped: [...fields.value.dropped, ...config.value.dropped],
    forward: (forward) => {
      assertBounded(forward)
      return { body: replaceFields(scanned, changesOf(plan, forward.outputTokensMax)) }
    },
    forwardedBytesMax: bytesMaxOf(plan) - findings.mediaBytes,
    ...(Object.keys(uses).length > 0 && { uses }),
  })
}

/** An object's fields by their names in camel case. */
type Fields = Readonly<Record<string, unknown>>

type Config = FieldDecisions & {
  /** As the caller spelled it; `generationConfig` where there is none. */
  name: string
  /** Null where there is none. */
  scanned: ScannedObject | null
  fields: Fields
}

type Reading = {
  allowed: ReadonlySet<string>
  unknownParameters: ParseOptions['unknownParameters']
}

/** Checks the fields of one object against its table, each of which may be given in one spelling only. */
function decide(
  table: ParameterTable,
  scanned: ScannedObject,
  { allowed, unknownParameters }: Reading,
  within = '',
): Result<FieldDecisions, Refusal> {
  const twice = givenTwice(scanned.spans.keys())
  if (twice !== null) return err(invalidValue(within + twice, 'given once, in one spelling'))
  return checkFields(table, scanned, allowed, unknownParameters, within)
}

/** Reads `generationConfig` as an object of its own, so that its fields can be replaced one by one too. */
function readConfig({ text, value, spans }: ScannedObject, reading: Reading): Result<Config, Refusal> {
  const name = Object.hasOwn(value, 'generation_config') ? 'generation_config' : 'generationConfig'
  const span = spans.get(name)
  if (span === undefined || value[name] === null) {
    return ok({ name, scanned: null, fields: {}, removed: [], dropped: [] })
  }
  const scan = scanJsonObject(text.slice(span.valueStart, span.valueEnd))
  if (!scan.ok) return scan
  const decided = decide(generationParameters, scan.value, reading, `generationConfig.`)
  if (!decided.ok) return decided
  // What does not go on is not read either: of unknown names some would be known ones in camel case.
  const goingOn = Object.entries(scan.value.value).filter(([key]) => !decided.value.removed.includes(key))
  const fields = byCamelCase(Object.fromEntries(goingOn))
  return ok({ ...decided.value, name, scanned: scan.value, fields })
}

function faultInInput(value: Record<string, unknown>, around: Surroundings): Refusal | null {
  const { contents, systemInstruction, tools, toolConfig } = byCamelCase(value)
  const fault = faultInContents(contents, around)
  if (fault !== null) return fault
  if (isGiven(systemInstruction)) {
    const inInstruction = faultInInstruction(systemInstruction, 'systemInstruction', around)
    if (inInstruction !== null) return inInstruction
  }
  const inTools = Array.isArray(tools) ? faultInTools(tools, around) : null
  if (inTools !== null) return inTools
  return isGiven(toolConfig) ? faultInToolConfig(toolConfig, 'toolConfig', around) : null
}

function faultInConfig({ fields }: Config, around: Surroundings, price: Price | undefined): Refusal | null {
  const { thinkingConfig, responseModalities, speechConfig, imageConfig } = fields
  if (isGiven(thinkingConfig)) {
    const fault = faultInThinking(thinkingConfig, 'generationConfig.thinkingConfig', around)
    if (fault !== null) return fault
  }
  // A model that does not exist has no price, and is told so when it is looked for.
  const priced = {
    TEXT: true,
    IMAGE: price?.imageOutput !== undefined,
    AUDIO: price?.audioOutput !== undefined,
  }
  const wanted: [string, unknown][] = [
    ...(Array.isArray(responseModalities) ? responseModalities : []).map(
      (each: unknown): [string, unknown] => ['responseModalities', each],
    ),
    ...(isGiven(imageConfig) ? [['imageConfig', 'IMAGE'] as [string, unknown]] : []),
    ...(isGiven(speechConfig) ? [['speechConfig', 'AUDIO'] as [string, unknown]] : []),
  ]
  for (const [name, kind] of wanted) {
    const isKnown = kind === 'TEXT' || kind === 'IMAGE' || kind === 'AUDIO'
    if (isKnown && (price === undefined || priced[kind])) continue
    const why = isKnown
      ? `the operator has given no price for ${nouns[kind]} that a model makes`
      : `only TEXT, IMAGE and AUDIO are known here`
    return unsupported(`generationConfig.${name}`, why)
  }
  return null
}

const nouns = { TEXT: 'text', IMAGE: 'pictures', AUDIO: 'sound' }

/** Some models answer with pictures or sound unless they are told not to; an empty list tells them nothing. */
function usesOf(
  { pictureTokens, soundTokens }: Findings,
  { responseModalities: modalities }: Fields,
  price: Price | undefined,
): NonNullable<ModelRequest['uses']> {
  const told = Array.isArray(modalities) && modalities.length > 0 ? modalities : null
  const mayBe = (kind: string) => told === null || told.includes(kind)
  return {
    ...(pictureTokens > 0 && { imageInputTokens: pictureTokens }),
    ...(soundTokens > 0 && { audioInputTokens: soundTokens }),
    ...(price?.imageOutput !== undefined && mayBe('IMAGE') && { imageOutput: true }),
    ...(price?.audioOutput !== undefined && mayBe('AUDIO') && { audioOutput: true }),
  }
}

type Plan = { scanned: ScannedObject; removed: string[]; config: Config }

/** The fields to write, remove (`undefined`) or add when the request is forwarded. */
function changesOf({ scanned, removed, config }: Plan, outputTokensMax: number): Changes {
  const changes: Changes = {}
  for (const [name, text] of overwritten) if (Object.hasOwn(scanned.value, name)) changes[name] = text
  for (const name of removed) changes[name] = undefined
  changes[config.name] = configText(config, outputTokensMax)
  return changes
}

function configText(config: Config, outputTokensMax: number): string {
  const { scanned } = config
  if (scanned === null) return `{"maxOutputTokens":${outputTokensMax}}`
  return replaceFields(scanned, configChanges(config, outputTokensMax))
}

function configChanges({ scanned, removed }: Config, outputTokensMax: number): Changes {
  const changes: Changes = {}
  for (const name of removed) changes[name] = undefined
  const isSnake = Object.hasOwn(scanned?.value ?? {}, 'max_output_tokens')
  changes[isSnake ? 'max_output_tokens' : 'maxOutputTokens'] = String(outputTokensMax)
  return changes
}

/** The most bytes that go on: of a config that was given, only what changes in it is added. */
function bytesMaxOf(plan: Plan): number {
  const { scanned, config } = plan
  const { outputTokensMax } = longestForward
  const { [config.name]: whole, ...others } = changesOf(plan, outputTokensMax)
  if (config.scanned === null) return forwardedBytesMax(scanned, { ...others, [config.name]: whole })
  const inConfig = forwardedBytesMax(config.scanned, configChanges(config, outputTokensMax))
  return forwardedBytesMax(scanned, others) + inConfig - config.scanned.bytes
}

function byCamelCase(value: unknown): Fields {
  return Object.fromEntries(
    Object.entries(record(value) ?? {}).map(([key, inner]) => [camelCase(key), inner]),
  )
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
