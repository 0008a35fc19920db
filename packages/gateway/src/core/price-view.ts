/** A price in the amounts that people compare: what a million tokens, or a minute, costs the operator and a user. */
import { charge, noUsage, type Price, type Rates, type Usage, upstreamCost } from './pricing.ts'

/** What is priced. `answer` is a choice or a picture. */
export type PricedKind = keyof Rates | 'toolCall' | 'audioSecond' | 'character' | 'answer'

/** What so many of a kind cost: the provider asks `picoUsd`, a user pays `microcredits`. */
export type PriceLine = { kind: PricedKind; count: number; picoUsd: bigint; microcredits: number }

const MILLION = 1_000_000

/** One usage of each kind, in the order in which they are shown. */
const samples: readonly { kind: PricedKind; count: number; usage: Partial<Usage> }[] = [
  { kind: 'input', count: MILLION, usage: { inputTokens: MILLION } },
  { kind: 'cachedInput', count: MILLION, usage: { inputTokens: MILLION, cachedInputTokens: MILLION } },
  { kind: 'cacheWrite', count: MILLION, usage: { inputTokens: MILLION, cacheWriteTokens: MILLION } },
  { kind: 'longCacheWrite', count: MILLION, usage: { inputTokens: MILLION, longCacheWriteTokens: MILLION } },
  { kind: 'audioInput', count: MILLION, usage: { inputTokens: MILLION, audioInputTokens: MILLION } },
  {
    kind: 'cachedAudioInput',
    count: MILLION,
    usage: { inputTokens: MILLION, cachedAudioInputTokens: MILLION },
  },
  { kind: 'imageInput', count: MILLION, usage: { inputTokens: MILLION, imageInputTokens: MILLION } },
  { kind: 'output', count: MILLION, usage: { outputTokens: MILLION } },
  { kind: 'audioOutput', count: MILLION, usage: { outputTokens: MILLION, audioOutputTokens: MILLION } },
  { kind: 'imageOutput', count: MILLION, usage: { outputTokens: MILLION, imageOutputTokens: MILLION } },
  { kind: 'toolCall', count: 1000, usage: { toolCalls: 1000 } },
  { kind: 'audioSecond', count: 60, usage: { audioSeconds: 60 } },
  { kind: 'character', count: MILLION, usage: { characters: MILLION } },
  { kind: 'answer', count: 1, usage: { answers: 1 } },
]

/** Kinds that cost what `input` does where nothing else is said, so that they are shown only where they differ. */
const likeInput: readonly PricedKind[] = ['cachedInput', 'cacheWrite']

/** What each kind that has a price costs, in a request whose input is short. */
export function priceLines(price: Price): PriceLine[] {
  return samples.filter(({ kind }) => isPriced(price, kind)).map((sample) => lineOf(price, sample))
}

/** The same of requests with a longer input, for each bound from which they cost something else. */
export function tierLines(price: Price): { inputTokensAbove: number; lines: PriceLine[] }[] {
  return (price.tiers ?? []).map(({ inputTokensAbove, rates }) => {
    const { rate, version } = price
    return { inputTokensAbove, lines: priceLines({ ...rates, perRequest: 0, rate, version }) }
  })
}

function isPriced(price: Price, kind: PricedKind): boolean {
  if (kind === 'answer') return price.perRequest > 0
  const each = price[kind]
  if (each === undefined) return false
  if (likeInput.includes(kind)) return each !== price.input
  return each > 0 || (kind !== 'input' && kind !== 'output')
}

function lineOf(price: Price, { kind, count, usage }: (typeof samples)[number]): PriceLine {
  // A million of a kind is no request of a million: neither its length nor its answers count.
  const { tiers: _tiers, ...flat } = { ...price, perRequest: kind === 'answer' ? price.perRequest : 0 }
  const used = { ...noUsage, ...usage }
  return { kind, count, picoUsd: upstreamCost(flat, used), microcredits: charge(flat, used) }
}
