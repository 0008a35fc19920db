/** A price list as text: what each model costs the operator, and what users pay for it. */
import type { PriceList } from '../../packages/gateway/src/config/price-list.ts'
import { type DatedPrice, type Model, priceAt } from '../../packages/gateway/src/core/catalog.ts'
import { creditsOf } from '../../packages/gateway/src/core/credits.ts'
import {
  type PricedKind,
  type PriceLine,
  priceLines,
  tierLines,
} from '../../packages/gateway/src/core/price-view.ts'

const words: Record<PricedKind, string> = {
  input: '1M input tokens',
  cachedInput: '1M tokens read from the cache',
  cacheWrite: '1M tokens written to the cache',
  longCacheWrite: '1M tokens written for longer',
  audioInput: '1M tokens of sound heard',
  cachedAudioInput: '1M tokens of cached sound',
  imageInput: '1M tokens of pictures seen',
  output: '1M output tokens',
  audioOutput: '1M tokens of sound spoken',
  imageOutput: '1M tokens of pictures drawn',
  toolCall: '1,000 tool calls',
  audioSecond: '1 minute of sound',
  character: '1M characters',
  answer: '1 answer',
}

const columns = { label: 32, usd: 12, credits: 14 }

/** The whole list. `now` in milliseconds since 1970: prices that another has followed are left out. */
export function tableOf({ creditUsd, creditName, models }: PriceList, now: number): string {
  const head = row('', 'you pay', 'users pay')
  const units = row('', 'USD', creditName)
  const blocks = models.map((model) => blockOf(model, now))
  return [
    `A credit is sold for ${creditUsd} USD. What you pay is before the markup, what users pay is after it.`,
    [head, units].join('\n'),
    ...blocks,
  ].join('\n\n')
}

function blockOf(model: Model, now: number): string {
  const current = priceAt(model, now)
  const prices = model.prices.filter(({ from, price }) => from > now || price === current)
  const title = `${model.id}: ${model.upstreamModel} of ${model.provider}`
  return [title, ...prices.flatMap((dated) => linesOf(dated, now))].join('\n')
}

function linesOf({ from, price }: DatedPrice, now: number): string[] {
  const lines = priceLines(price)
  return [
    `  ${price.version}`,
    ...(from > now ? [`  from ${new Date(from).toISOString().slice(0, 10)}:`] : []),
    ...(lines.length === 0 ? [row('everything', '0', '0')] : lines.map(lineOf)),
    ...tierLines(price).flatMap(({ inputTokensAbove, lines: above }) => [
      `  with more than ${inputTokensAbove.toLocaleString('en')} input tokens, all of them:`,
      ...above.map(lineOf),
    ]),
    ...Object.entries(price.serviceTiers ?? {}).map(
      ([name, percent]) => `  service tier ${name}: ${percent} %`,
    ),
  ]
}

function lineOf({ kind, picoUsd, microcredits }: PriceLine): string {
  // A price in credits says nothing of what the provider asks.
  const usd = kind === 'answer' ? '' : usdText(picoUsd)
  return row(words[kind], usd, String(creditsOf(microcredits)))
}

function row(label: string, usd: string, credits: string): string {
  return `    ${label.padEnd(columns.label)}${usd.padStart(columns.usd)}${credits.padStart(columns.credits)}`
}

/** pico-USD as US dollars, digit by digit. */
function usdText(pico: bigint): string {
  const digits = pico.toString().padStart(13, '0')
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/\.?0+$/, '')
}
