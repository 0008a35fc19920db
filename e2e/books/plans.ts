/**
 * What may happen to one request of the run: what its script has the provider do, and what its client does. All of
 * it is what a provider that keeps its word can do: no more tokens than it was allowed, no faster than any model
 * writes, and a bill for no more than it did.
 */
import type { Script } from '@faregate/simulators/provider'
import type { Random } from './random.ts'

/** What the client does: reads to the end, leaves before the headers, or in the midst. */
export type Client =
  | { kind: 'reads' }
  | { kind: 'leaves'; afterMs: number }
  | { kind: 'leaves mid'; afterChunks: number }

/** No model writes faster than a token a millisecond; scripts stay well below. */
const MS_PER_TOKEN = 1.3

/** The most output tokens that a request of the run asks for. */
export const CAP = 160

export type Sizes = { completionTokens: number; reasoningTokens: number }

/** How much is written, and how long a part that nobody sees takes. */
export function sizesOf(random: Random, mayReason: boolean): Sizes {
  const reasoningTokens = mayReason && random.percent(40) ? random.between(1, 60) : 0
  return { reasoningTokens, completionTokens: reasoningTokens + random.between(1, CAP - 60) }
}

/** The script of one request. What is hidden takes its time; what is not comes in chunks. */
export function scriptOf(random: Random, stream: boolean, sizes: Sizes): Script {
  const { completionTokens, reasoningTokens } = sizes
  const hidden = stream ? reasoningTokens : completionTokens
  const delay = Math.ceil(hidden * MS_PER_TOKEN)
  const promptTokens = random.between(1, 90)
  const cachedTokens = random.percent(40) ? random.below(promptTokens + 1) : 0
  const base: Script = {
    promptTokens,
    cachedTokens,
    completionTokens,
    reasoningTokens,
    chunks: random.between(1, 8),
    ...(stream
      ? {
          // Some are left before they begin.
          headersDelayMs: random.percent(15) ? random.between(20, 200) : 0,
          firstChunkDelayMs: delay,
          chunkDelayMs: random.one([0, 0, 2, 5]),
        }
      : { headersDelayMs: delay }),
    ...(random.percent(10) && { splitEvery: random.between(1, 400) }),
  }
  return { ...base, ...faultOf(random, stream) }
}

/** What of a script may keep its answer from coming whole, with its usage. */
const faults = [
  ...(['status', 'redirect', 'reset', 'hang', 'noUsage', 'gzip'] as const),
  ...(['cutShort', 'errorEvent', 'badSse', 'badJson'] as const),
]

/** Whether a script has the provider do nothing wrong. */
export function goesWell(script: Script): boolean {
  return faults.every((fault) => script[fault] === undefined)
}

/** Two of three requests go well. */
function faultOf(random: Random, stream: boolean): Script {
  if (random.percent(66)) return {}
  const always: [Script, ...Script[]] = [
    { status: 400 },
    { status: 401 },
    { status: 403 },
    { status: 404 },
    { status: 413 },
    { status: 422 },
    { status: 429 },
    { status: 429, errorCode: 'insufficient_quota' },
    { status: 500 },
    { status: 503 },
    { status: 529 },
    { redirect: 'http://127.0.0.1:1/' },
    { reset: 'beforeHeaders' },
    { reset: 'mid' },
    { hang: 'mid' },
    { hang: 'headers' },
    { noUsage: true },
    { gzip: true },
  ]
  const streamed: [Script, ...Script[]] = [
    { cutShort: true },
    { errorEvent: true },
    { badSse: true },
    { reset: 'mid' },
    { reset: 'mid', billsInFull: false },
  ]
  const plain: [Script, ...Script[]] = [{ badJson: true }, { reset: 'mid' }]
  return random.percent(60) ? random.one(always) : random.one(stream ? streamed : plain)
}

/** Four of five clients read to the end. */
export function clientOf(random: Random): Client {
  if (random.percent(80)) return { kind: 'reads' }
  if (random.percent(30)) return { kind: 'leaves', afterMs: random.below(150) }
  return { kind: 'leaves mid', afterChunks: random.below(5) }
}
