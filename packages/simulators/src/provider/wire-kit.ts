/** What wires have in common: reading a body, cutting an answer to its cap and into pieces, lying about usage. */
import { isRecord, type Script } from './script.ts'

export const JSON_TYPE = 'application/json'
export const EVENT_STREAM_TYPE = 'text/event-stream; charset=utf-8'

const DEFAULT_TOKENS = 20
const DEFAULT_CHUNKS = 5
const WORD = 'word'
const RAW_USAGE = '\u0000usage\u0000'

/** A text answer's share of tokens and words, per choice. */
export type Measured = Readonly<{
  /** Reasoning included. */
  completionTokens: number
  reasoningTokens: number
  /** The part of `reasoningTokens` that is never sent: none where the script has the reasoning's text. */
  hiddenTokens: number
  /** What is said (or a call's arguments, or a refusal), as far as the cap leaves it. */
  text: string
  /** The visible reasoning, as far as the cap leaves it. */
  reasoningText: string
  /** The cap cut it short. */
  capped: boolean
}>

/** A body that is a JSON object, else null. */
export const jsonBody = (raw: Buffer): Record<string, unknown> | null => {
  try {
    const body: unknown = JSON.parse(raw.toString())
    return isRecord(body) ? body : null
  } catch {
    return null
  }
}

/** A whole number from 0 on, else undefined. */
export const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.floor(value) : undefined

/** Bytes / 4, rounded up: what a text counts for where the script does not say. */
export const tokensOf = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4)

const spoken = (script: Script): string | undefined =>
  script.functionCall?.arguments ??
  script.toolCalls?.map((call) => call.arguments).join('') ??
  script.refusal ??
  script.content

const share = (text: string, part: number, whole: number): string =>
  part >= whole ? text : text.slice(0, Math.floor(text.length * (part / whole)))

/** How many tokens each choice takes, and how much of its text a cap leaves. */
export const measure = (script: Script, cap: number | undefined): Measured => {
  const reasoning =
    script.reasoningTokens ??
    (script.reasoningContent === undefined ? 0 : Math.max(1, tokensOf(script.reasoningContent)))
  const given = spoken(script)
  const visible = given === undefined ? DEFAULT_TOKENS : Math.max(1, tokensOf(given))
  const beyond = script.beyondCap === true && cap !== undefined ? cap * 2 : undefined
  const wanted = script.completionTokens ?? beyond ?? reasoning + visible
  const capped = script.beyondCap !== true && cap !== undefined && wanted > cap
  const completionTokens = capped ? cap : wanted
  const reasoningTokens = Math.min(reasoning, completionTokens)
  const said = completionTokens - reasoningTokens
  const text =
    given === undefined ? WORD.repeat(said) : capped ? share(given, said, wanted - reasoning) : given
  return {
    completionTokens,
    reasoningTokens,
    hiddenTokens: script.reasoningContent === undefined ? reasoningTokens : 0,
    text,
    reasoningText: share(script.reasoningContent ?? '', reasoningTokens, reasoning),
    capped,
  }
}

/** How many pieces a stream's text is sent in. */
export const chunksOf = (script: Script): number => Math.max(1, script.chunks ?? DEFAULT_CHUNKS)

/** `total` as that many whole numbers, as even as can be. */
export const spread = (total: number, parts: number): number[] =>
  Array.from(
    { length: parts },
    (_, i) => Math.floor(((i + 1) * total) / parts) - Math.floor((i * total) / parts),
  )

/** A text in so many pieces, none of which splits a character. */
export const pieces = (text: string, parts: number): string[] => {
  const characters = Array.from(text)
  let from = 0
  return spread(characters.length, parts).map((length) => {
    const piece = characters.slice(from, from + length).join('')
    from += length
    return piece
  })
}

/** A server-sent event of that JSON text, with an `event:` line where the wire names its events. */
export const sseEvent = (json: string, name?: string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${json}\n\n`

/** What is reported as usage: the truth, or what the script has the provider say; undefined for none at all. */
export const reportedUsage = (script: Script, truth: unknown): unknown => {
  if (script.noUsage === true) return undefined
  if (typeof script.usage === 'string') return RAW_USAGE
  return script.usage === undefined ? truth : script.usage
}

/** JSON, with raw text where the script gives `usage` as such (NaN, 1e400: not sayable in a JSON value). */
export const toJson = (value: unknown, { usage }: Script): string => {
  const json = JSON.stringify(value)
  return typeof usage === 'string' ? json.replaceAll(JSON.stringify(RAW_USAGE), () => usage) : json
}

/** Spread into the JSON of a whole answer, this makes its line as long as `script.longLine` asks. */
export const padding = ({ longLine }: Script): { padding?: string } =>
  longLine === undefined ? {} : { padding: 'x'.repeat(longLine) }

/** So many bytes of sound, no two places alike, so that a gap would show. */
export const soundOf = (length: number): Buffer => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31) % 251
  return bytes
}
