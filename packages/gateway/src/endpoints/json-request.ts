/** What the parsers of all JSON wires share: reading the body, naming the model, bounding and changing what goes on. */
import { type Refusal } from '../core/refusal.ts'
import { assert, err, ok, type Result } from '../core/result.ts'
import type { ForwardOptions, ParseOptions } from '../ports.ts'
import { decodeUtf8, type ScannedObject, scanJsonObject } from './json-scan.ts'
import { checkFields, type FieldDecisions, invalidValue, type ParameterTable } from './parameters.ts'
import { fingerprint, utf8Length } from './text.ts'

const modelNameMax = 256
const upstreamModelBytesMax = 128
const userHashMax = 64
/** A provider may print a number that came with an exponent in full: `1e15` has sixteen digits and a `.0`. */
const exponentBytes = 24

/** The fields to write, remove (`undefined`) or add when a request is forwarded, as JSON text. */
export type Changes = Record<string, string | undefined>

/** What makes the forwarded text longest; a `max_tokens` that the caller used only makes it shorter. */
export const longestForward: ForwardOptions = {
  upstreamModel: 'm'.repeat(upstreamModelBytesMax),
  outputTokensMax: Number.MAX_SAFE_INTEGER,
  userHash: 'h'.repeat(userHashMax),
  outputCapField: 'max_completion_tokens',
  streamOptions: 'continuous_usage',
}

/** Scans a JSON body strictly: 400 `invalid_json` for what two readers could understand differently. */
export function readJson(body: Uint8Array): Result<ScannedObject, Refusal> {
  const text = decodeUtf8(body)
  return text.ok ? scanJsonObject(text.value) : text
}

/** A request whose fields its wire's table lets through. */
export type OpenedRequest = FieldDecisions & {
  scanned: ScannedObject
  /** The scanned value. */
  value: Record<string, unknown>
  model: string
  /** The model and its price; null where there is none of that name. */
  found: ReturnType<ParseOptions['find']>
  /** What the operator lets through besides for this model. */
  allowed: ReadonlySet<string>
}

/** Reads a body, names its model (`modelDefault` where it names none) and checks its fields; 400 for what is at fault. */
export function openRequest(
  body: Uint8Array,
  table: ParameterTable,
  options: ParseOptions,
  modelDefault?: string,
): Result<OpenedRequest, Refusal> {
  const scanned = readJson(body)
  if (!scanned.ok) return scanned
  const { value } = scanned.value
  const model = readModel(value.model ?? modelDefault)
  if (!model.ok) return model
  const found = options.find(model.value)
  const allowed = new Set(found?.model.allowParameters)
  const fields = checkFields(table, scanned.value, allowed, options.unknownParameters)
  if (!fields.ok) return fields
  return ok({ scanned: scanned.value, value, model: model.value, found, allowed, ...fields.value })
}

/** The model that a request names, or 400. */
export function readModel(model: unknown): Result<string, Refusal> {
  if (typeof model === 'string' && model !== '' && model.length <= modelNameMax) return ok(model)
  return err(invalidValue('model', 'the name of a model; GET /v1/models lists them'))
}

/** A true bound on the bytes that go on, for every model name, cap and user that `forward` takes. */
export function forwardedBytesMax(scanned: ScannedObject, longest: Changes): number {
  let bytes = scanned.bytes + scanned.exponents * exponentBytes
  for (const [name, text] of Object.entries(longest)) {
    if (text === undefined) continue
    const span = scanned.spans.get(name)
    // A value that is replaced had at least a byte for each character; one that is added brings `,"name":` along.
    bytes += utf8Length(text) + (span ? span.valueStart - span.valueEnd : name.length + 4)
  }
  return bytes
}

/**
 * Bytes that text may grow by before it is cut into tokens: many tokenizers compose or fold characters first, and three
 * bytes can become thirty-three (U+FDFA).
 */
export function growthMax({ text, value, bytes }: ScannedObject): number {
  const hasEscapes = text.includes('\\u')
  if (bytes === text.length && !hasEscapes) return 0
  // Printed anew, no character hides in an escape.
  const plain = hasEscapes ? JSON.stringify(value) : text
  let growth = 0
  for (const [run] of plain.matchAll(/[\u0080-\uffff]+/g)) {
    const [composed, folded] = [utf8Length(run.normalize('NFC')), utf8Length(run.normalize('NFKC'))]
    growth += Math.max(0, composed - utf8Length(run), folded - utf8Length(run))
  }
  return growth
}

/**
 * Bytes that fields with tools may grow by. Tools do not reach a model as their JSON but printed anew, which can be
 * longer: OpenAI's format has the description of a nested object twice, and a line for each of its members; other
 * templates spread JSON over lines. No more than twice the text was found, but for what printing JSON adds.
 * Source: github.com/openai/harmony, `json_schema_to_typescript`.
 */
export function toolGrowthMax({ text, spans }: ScannedObject, ...names: readonly string[]): number {
  let bytes = 0
  for (const name of names) {
    const span = spans.get(name)
    if (!span) continue
    const tools = text.slice(span.valueStart, span.valueEnd)
    bytes += utf8Length(tools) + printGrowthMax(tools)
  }
  return bytes
}

/**
 * Bytes that JSON may grow by where a server reads it and prints it for its model: spaces after commas and colons
 * (Python), characters that could be markup as escapes of six (Go, and so Ollama), numbers in full.
 */
export function printGrowthMax(json: string): number {
  const count = (what: RegExp) => json.match(what)?.length ?? 0
  return count(/[,:]/g) + 5 * count(/[<>&']/g) + exponentBytes * count(/\d[eE][+-]?\d/g)
}

/** Throws unless model and user are within what the byte bound counted on. */
export function assertBounded({ upstreamModel, userHash }: ForwardOptions): void {
  const modelBytes = utf8Length(JSON.stringify(upstreamModel)) - 2
  assert(modelBytes <= upstreamModelBytesMax, 'an upstream model has at most 128 bytes')
  assert(/^[\w-]{1,64}$/.test(userHash), 'a user hash has at most 64 letters, digits, _ and -')
}

/**
 * OpenAI's names for who asks, in the gateway's words: all users share the operator's account there, so a user is a
 * hash, and a cache is the user's own.
 */
export function userFields(
  value: Record<string, unknown>,
  { userHash, addFields = true }: ForwardOptions,
): Changes {
  const changes: Changes = {}
  const hash = JSON.stringify(userHash)
  if (addFields || Object.hasOwn(value, 'user')) changes.user = hash
  if (typeof value.safety_identifier === 'string') changes.safety_identifier = hash
  if (typeof value.prompt_cache_key === 'string') {
    changes.prompt_cache_key = JSON.stringify(
      `${userHash.slice(0, 32)}-${fingerprint(value.prompt_cache_key)}`,
    )
  }
  return changes
}
