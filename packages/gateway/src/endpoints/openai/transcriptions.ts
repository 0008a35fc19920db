/**
 * The wire `POST /audio/transcriptions`: a form with sound goes in, text comes out. What is forwarded is a new form of
 * the checked fields alone, in which the file has the name and type that its bytes say, so that the provider cannot
 * take it for something longer than was bounded (`media-sound.ts`). The tap is `transcription-tap.ts`.
 * Source: openai 7.57, `resources/audio/transcriptions`.
 */
import type { Model } from '../../core/catalog.ts'
import { type Price, pricesTokens } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Endpoint, ModelRequest, ParseOptions, RawRequest } from '../../ports.ts'
import { assertBounded, readModel } from '../json-request.ts'
import { measureSound, type Sound, soundSecondsMax, soundTokensMax } from '../media-sound.ts'
import { checkFields, invalidValue, unsupported } from '../parameters.ts'
import { insertReceipt } from '../receipt.ts'
import { utf8Length } from '../text.ts'
import { type Form, readForm } from './form-request.ts'
import { openAiWire } from './openai-wire.ts'
import { transcriptionLists, transcriptionParameters } from './transcription-parameters.ts'
import { createTranscriptionTap } from './transcription-tap.ts'

/** The largest file that OpenAI takes. */
const fileBytesMax = 25 * 1024 * 1024

/** What OpenAI says its models write at most of one recording that is heard as a whole. */
const transcribeOutputTokensMax = 2000

/** The transcriptions endpoint. */
export const transcriptions: Endpoint = {
  id: 'transcriptions',
  wire: openAiWire,
  takesFiles: true,
  parse: parseTranscriptionRequest,
  tap: createTranscriptionTap,
  withReceipt: insertReceipt,
}

async function parseTranscriptionRequest(
  request: RawRequest,
  options: ParseOptions,
): Promise<Result<ModelRequest, Refusal>> {
  const read = await readForm(request, transcriptionLists)
  if (!read.ok) return read
  const form = read.value
  const named = readModel(form.value.model)
  if (!named.ok) return named
  const found = options.find(named.value)
  const allowed = new Set(found?.model.allowParameters)
  const fields = checkFields(transcriptionParameters, form, allowed, options.unknownParameters)
  if (!fields.ok) return fields
  const file = await readFile(form.value.file)
  if (!file.ok) return file
  const bound = found
    ? boundOf(form, file.value.sound, found.model, found.price)
    : ok({ output: 0, uses: {} })
  if (!bound.ok) return bound

  const { dropped } = fields.value
  const removed = new Set(fields.value.removed)
  const texts = textsOf(form).filter(([name]) => !removed.has(name.replace(/\[\]$/, '')))
  return ok({
    model: named.value,
    stream: form.value.stream === 'true',
    includeUsage: true,
    outputTokensAsked: bound.value.output,
    outputFixed: true,
    choices: 1,
    items: 1,
    mayReason: false,
    dropped,
    forward: (forward) => {
      assertBounded(forward)
      return { body: formOf(forward.upstreamModel, texts, file.value) }
    },
    forwardedBytesMax: texts.reduce((bytes, [name, text]) => bytes + utf8Length(name) + utf8Length(text), 0),
    uses: bound.value.uses,
  })
}

type Recording = { file: File; sound: Sound }

/** The one file, known by its bytes. */
async function readFile(given: unknown): Promise<Result<Recording, Refusal>> {
  if (!(given instanceof File)) return err(invalidValue('file', 'one file of sound'))
  if (given.size === 0) return err(invalidValue('file', 'not empty'))
  if (given.size > fileBytesMax) return err(invalidValue('file', `at most ${fileBytesMax} bytes`))
  const bytes = new Uint8Array(await given.arrayBuffer())
  const sound = measureSound(bytes)
  if (sound === null) return err(invalidValue('file', 'sound: the header of this WAV file cannot be true'))
  return ok({ file: new File([bytes], nameOf(given, sound), { type: typeOf(given, sound) }), sound })
}

/** A name that the provider tells the format by; what was measured is not to be taken for something else. */
function nameOf({ name }: File, { format }: Sound): string {
  if (format !== 'other') return `audio.${format}`
  const [, extension] = /\.([A-Za-z0-9]{1,8})$/.exec(name) ?? []
  return extension === undefined ? 'audio' : `audio.${extension.toLowerCase()}`
}

function typeOf({ type }: File, { format }: Sound): string {
  if (format === 'wav') return 'audio/wav'
  if (format === 'mp3') return 'audio/mpeg'
  const [plain = ''] = type.toLowerCase().split(';')
  return /^(?:audio|video)\/[\w.+-]{1,64}$/.test(plain) ? plain : 'application/octet-stream'
}

type Bound = { output: number; uses: NonNullable<ModelRequest['uses']> }

/** What the recording can cost, by the second or by the token; 400 where that has no price or no bound. */
function boundOf(form: Form, sound: Sound, model: Model, price: Price): Result<Bound, Refusal> {
  const byToken = pricesTokens(price)
  const bySecond = price.audioSecond !== undefined
  const stream = form.value.stream === 'true'
  if (stream && (bySecond || model.upstreamModel.startsWith('whisper'))) {
    return err(unsupported('stream', `a stream of ${model.id} does not say how many seconds were heard`))
  }
  if (byToken && price.audioInput === undefined) {
    return err(
      refused('model', `The operator has given no price for sound that ${model.id} hears (audioInput).`),
    )
  }
  const output = byToken || stream ? outputOf(form, model) : ok(0)
  if (!output.ok) return output
  if (!byToken && !bySecond) return ok({ output: output.value, uses: {} })
  const seconds = soundSecondsMax(sound, model)
  if (!seconds.ok) return err(refused('file', `The file is not accepted: ${seconds.error}.`))
  const uses = {
    ...(bySecond && { audioSeconds: seconds.value }),
    ...(byToken && { audioInputTokens: soundTokensMax(model, seconds.value) }),
  }
  return ok({ output: output.value, uses })
}

/** The most tokens of the transcript: nothing in a request caps it. */
function outputOf({ value, spans }: Form, model: Model): Result<number, Refusal> {
  const inParts = [...spans.keys()].some((name) => name.startsWith('chunking_strategy'))
  if (inParts && (value.prompt !== undefined || value.keywords !== undefined)) {
    return err(
      unsupported('chunking_strategy', 'each part would be billed the prompt and the keywords again'),
    )
  }
  if (model.outputTokensMax !== null) return ok(model.outputTokensMax)
  const isDocumented = /^gpt-4o-(?:mini-)?transcribe(?:-\d{4}-\d\d-\d\d)?$/.test(model.upstreamModel)
  if (isDocumented && !inParts) return ok(transcribeOutputTokensMax)
  const why = `What ${model.id} writes has no bound${inParts ? ' where the file is cut into parts' : ''}: the operator has set no outputTokensMax.`
  return err(refused(inParts && isDocumented ? 'chunking_strategy' : 'model', why))
}

/** The form's texts by the names that they go on by. */
function textsOf({ value }: Form): [string, string][] {
  return Object.entries(value).flatMap(([name, given]): [string, string][] => {
    if (name === 'model' || name === 'file') return []
    if (typeof given === 'string') return [[name, given]]
    return Array.isArray(given) ? given.map((item: string) => [`${name}[]`, item]) : []
  })
}

function formOf(model: string, texts: readonly [string, string][], { file }: Recording): FormData {
  const form = new FormData()
  form.append('model', model)
  for (const [name, text] of texts) form.append(name, text)
  form.append('file', file, file.name)
  return form
}

function refused(param: string, message: string): Refusal {
  return refusal('unsupported_parameter', message, { param })
}
