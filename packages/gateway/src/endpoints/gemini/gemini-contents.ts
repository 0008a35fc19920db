/**
 * Checks what a Gemini request puts before the model: contents, the system instruction, tools and their config. Text is
 * bounded by its bytes, pictures and sound by what they measure; whatever brings in more than the request holds (a file, an address, a
 * tool that the provider runs) is refused, and a key is let through only if it is known not to.
 */
import type { Refusal } from '../../core/refusal.ts'
import { boolean, type Check, invalidValue, number, object, string, unsupported } from '../parameters.ts'
import { record } from '../usage.ts'
import { type Asked, boundMedia, isBase64 } from './gemini-media.ts'
import { camelCase, givenTwice } from './gemini-parameters.ts'

/** The most contents in one request, and parts in one content. */
export const contentsMax = 2048
export const partsMax = 2048

/** What a request was found to hold, added to as it is checked. */
export type Findings = {
  /** Contents, parts and functions: what may cost the provider's framing. */
  items: number
  /** The most tokens of all pictures, and of all sound. */
  pictureTokens: number
  soundTokens: number
  /** Bytes of the request that are pictures or sound, not text. */
  mediaBytes: number
}

/** What a check needs to know: who is asked, if it exists, and what the operator lets through (`parts.fileData`). */
export type Surroundings = { asked: Asked | null; allowed: ReadonlySet<string>; found: Findings }

type Rule = { why: string } | ((value: unknown, at: string, around: Surroundings) => Refusal | null)
/** Keys of an object that are known. `scope` is how the operator names one of them to let it through. */
type Shape = { scope: string; rules: ReadonlyMap<string, Rule> }

/** Checks `contents`. */
export function faultInContents(contents: unknown, around: Surroundings): Refusal | null {
  if (!Array.isArray(contents) || contents.length === 0 || contents.length > contentsMax) {
    return invalidValue('contents', `an array of 1 to ${contentsMax} contents`)
  }
  return faultInEach(contents, 'contents', contentShape, around)
}

/** Checks `systemInstruction`, a content. */
export function faultInInstruction(content: unknown, at: string, around: Surroundings): Refusal | null {
  around.found.items += 1
  return faultIn(content, at, contentShape, around)
}

/** Checks `tools`: functions, which the caller runs, cost the tokens of their text. */
export function faultInTools(tools: readonly unknown[], around: Surroundings): Refusal | null {
  return faultInEach(tools, 'tools', toolShape, around)
}

/** Checks `toolConfig`. */
export function faultInToolConfig(config: unknown, at: string, around: Surroundings): Refusal | null {
  return faultIn(config, at, toolConfigShape, around)
}

/** Checks `generationConfig.thinkingConfig`. */
export function faultInThinking(config: unknown, at: string, around: Surroundings): Refusal | null {
  return faultIn(config, at, thinkingShape, around)
}

/** Any object of these keys; null, which means absent, is passed over. */
function faultIn(value: unknown, at: string, { scope, rules }: Shape, around: Surroundings): Refusal | null {
  const given = record(value)
  if (given === null) return invalidValue(at, 'an object')
  const twice = givenTwice(Object.keys(given))
  if (twice !== null) return invalidValue(`${at}.${twice}`, 'given once, in one spelling')
  for (const [key, inner] of Object.entries(given)) {
    if (inner === null) continue
    const name = camelCase(key)
    const rule = rules.get(name)
    if (typeof rule === 'function') {
      const fault = rule(inner, `${at}.${key}`, around)
      if (fault !== null) return fault
    } else if (!around.allowed.has(`${scope}.${name}`)) {
      return unsupported(`${at}.${key}`, rule?.why ?? 'it is not known here')
    }
  }
  return null
}

function faultInEach(
  values: readonly unknown[],
  at: string,
  shape: Shape,
  around: Surroundings,
): Refusal | null {
  around.found.items += values.length
  for (let index = 0; index < values.length; index += 1) {
    const fault = faultIn(values[index], `${at}[${index}]`, shape, around)
    if (fault !== null) return fault
  }
  return null
}

/** A list of objects of one shape. */
function listOf(shape: Shape, most = partsMax): Rule {
  return (value, at, around) => {
    if (!Array.isArray(value) || value.length > most) {
      return invalidValue(at, `an array of at most ${most} objects`)
    }
    return faultInEach(value, at, shape, around)
  }
}

function shapeOf(scope: string, rules: Readonly<Record<string, Rule>>): Shape {
  return { scope, rules: new Map(Object.entries(rules)) }
}

/** Only the type matters: it costs its bytes and no more. */
function plain({ accepts, expected }: Check): Rule {
  return (value, at) => (accepts(value) ? null : invalidValue(at, expected))
}

const text = plain(string)
const anyObject = plain(object)
const anyValue: Rule = () => null

const files = "it names a file of the operator's, or an address whose content has no bound; send inlineData"
const providerTools = 'tools that the provider runs have no price and no bound here'

const blobRules: Record<string, Rule> = { mimeType: text, data: text }
const blobShape = shapeOf('inlineData', { ...blobRules, displayName: text })
// By its name a function's answer could show one picture many times.
const resultBlobShape = shapeOf('inlineData', {
  ...blobRules,
  displayName: { why: 'pictures cannot be referred to by name here' },
})

const functionResponseShape = shapeOf('functionResponse', {
  id: text,
  name: text,
  response: anyObject,
  parts: listOf(
    shapeOf('functionResponse.parts', { inlineData: media(resultBlobShape), fileData: { why: files } }),
  ),
  scheduling: text,
  willContinue: plain(boolean),
})

const partShape = shapeOf('parts', {
  text,
  thought: plain(boolean),
  thoughtSignature: text,
  functionCall: anyObject,
  functionResponse: (value, at, around) => faultIn(value, at, functionResponseShape, around),
  // What an answer held may go back as it came.
  executableCode: anyObject,
  codeExecutionResult: anyObject,
  partMetadata: anyObject,
  speechMetadata: anyObject,
  inlineData: media(blobShape),
  mediaResolution: (value, at, around) => faultIn(value, at, resolutionShape, around),
  fileData: { why: files },
  videoMetadata: { why: 'films have no bound on this endpoint yet' },
  mediaProcessing: { why: 'films have no bound on this endpoint yet' },
  audioTranscription: { why: 'it is for sound, which speaks for itself' },
  toolCall: { why: providerTools },
  toolResponse: { why: providerTools },
})

const resolutionShape = shapeOf('mediaResolution', {
  level: text,
  numTokens: { why: 'it sets what a picture costs' },
})

const roles = new Set(['user', 'model', 'function'])
const contentShape = shapeOf('contents', {
  role: (value, at) =>
    roles.has(String(value)) && typeof value === 'string'
      ? null
      : invalidValue(at, `one of ${[...roles].join(', ')}`),
  parts: listOf(partShape),
})

const declarationShape = shapeOf('functionDeclarations', {
  name: text,
  description: text,
  parameters: anyObject,
  parametersJsonSchema: anyValue,
  response: anyObject,
  responseJsonSchema: anyValue,
  behavior: text,
})

const toolShape = shapeOf('tools', {
  functionDeclarations: listOf(declarationShape),
  googleSearch: { why: providerTools },
  googleSearchRetrieval: { why: providerTools },
  googleMaps: { why: providerTools },
  urlContext: { why: providerTools },
  codeExecution: { why: providerTools },
  computerUse: { why: providerTools },
  fileSearch: { why: providerTools },
  mcpServers: { why: providerTools },
  retrieval: { why: providerTools },
  enterpriseWebSearch: { why: providerTools },
  exaAiSearch: { why: providerTools },
  parallelAiSearch: { why: providerTools },
})

const toolConfigShape = shapeOf('toolConfig', {
  functionCallingConfig: anyObject,
  // Only for tools that the provider runs: without them it says nothing.
  retrievalConfig: anyObject,
  includeServerSideToolInvocations: plain(boolean),
})

const thinkingShape = shapeOf('thinkingConfig', {
  includeThoughts: plain(boolean),
  thinkingBudget: plain(number),
  thinkingLevel: text,
})

/** A blob of a picture or of sound. Its data is no text, and costs what it measures. */
function media(shape: Shape): Rule {
  return (value, at, around) => {
    const fault = faultIn(value, at, shape, around)
    if (fault !== null) return fault
    const blob = new Map(Object.entries(record(value) ?? {}).map(([key, inner]) => [camelCase(key), inner]))
    const [type, data] = [blob.get('mimeType'), blob.get('data')]
    if (typeof type !== 'string') return invalidValue(`${at}.mimeType`, 'the type of the data')
    if (typeof data !== 'string' || !isBase64(data)) return invalidValue(`${at}.data`, 'base64 on one line')
    // A model that does not exist is told so when it is looked for.
    if (around.asked === null) return null
    const bounded = boundMedia(type.toLowerCase(), data, around.asked)
    if (!bounded.ok) return { ...bounded.error, param: at }
    const { kind, tokens } = bounded.value
    around.found[kind === 'sound' ? 'soundTokens' : 'pictureTokens'] += tokens
    around.found.mediaBytes += data.length
    return null
  }
}
