/**
 * Providers' prices by the exact id of a model, for operators who give none of their own. A model of a later date
 * (`-2026-08-07`) is the one without it, unless it has a row of its own; nothing else is guessed: a new model at the
 * price of an older one would be a loss that nobody sees.
 */
import type { Price, Rates } from '../core/pricing.ts'
import { err, ok, type Result } from '../core/result.ts'
import { nearestOf } from './errors.ts'
import { startOfDay } from './leaves.ts'
import { catalogueRows, catalogueVersion } from './price-rows.ts'

/** A provider's price, and the day it begins on; null for the first. */
export type CatalogueRow = { from: string | null; price: Omit<Price, 'rate' | 'version'> }

/** The provider in the catalogue that each type of provider is. The others serve models of many, at their own prices. */
const providerOfType: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  gemini: 'google',
  groq: 'groq',
  deepseek: 'deepseek',
  mistral: 'mistral',
}

const rateKinds = [
  'longCacheWrite',
  'audioInput',
  'cachedAudioInput',
  'imageInput',
  'audioOutput',
  'imageOutput',
] as const
const unitKinds = ['toolCall', 'audioSecond'] as const

/** Rows by provider and id, in the order of their dates; or why an id that is known has none. */
type Catalogue = ReadonlyMap<string, ReadonlyMap<string, CatalogueRow[] | string>>

let read: Catalogue | null = null

/** The rows of a model, and the name that entries give their price; else why there are none. */
export function findCataloguePrice(
  providerType: string,
  upstreamModel: string,
): Result<{ rows: readonly CatalogueRow[]; name: string }, string> {
  const provider = providerOfType[providerType]
  const models = provider === undefined ? undefined : catalogue().get(provider)
  if (provider === undefined || models === undefined) {
    return err(`the catalogue has none for providers of type ${providerType}`)
  }
  const found = models.get(upstreamModel) ?? models.get(withoutDate(upstreamModel))
  if (typeof found === 'string') return err(`the catalogue has none for ${upstreamModel}, since ${found}`)
  if (found) return ok({ rows: found, name: `${catalogueVersion}:${provider}/${upstreamModel}` })
  const near = nearestOf(upstreamModel, models.keys(), 3).join(', ')
  const hint = near === '' ? '' : ` (the nearest are ${near})`
  return err(
    `the catalogue, ${catalogueVersion}, has none for the model "${upstreamModel}" of ${provider}${hint}`,
  )
}

function catalogue(): Catalogue {
  read ??= parseRows(catalogueRows)
  return read
}

function withoutDate(id: string): string {
  const [, base = id, digits = ''] = /^(.+)-(\d{4}-\d\d-\d\d|\d{8})$/.exec(id) ?? []
  const date = digits.replace(/^(\d{4})-?(\d\d)-?(\d\d)$/, '$1-$2-$3')
  return Number.isNaN(startOfDay(date)) ? id : base
}

function parseRows(text: string): Catalogue {
  const catalogue = new Map<string, Map<string, CatalogueRow[] | string>>()
  for (const line of text.trim().split('\n')) {
    const [provider = '', ids = '', ...words] = line.split(' ')
    const models = catalogue.get(provider) ?? new Map<string, CatalogueRow[] | string>()
    catalogue.set(provider, models)
    for (const id of ids.split(',')) {
      const earlier = models.get(id)
      if (words[0] === '!') models.set(id, words.slice(1).join(' '))
      else models.set(id, [...(Array.isArray(earlier) ? earlier : []), parseRow(words)])
    }
  }
  return catalogue
}

/** `from=2027-01-01 input=1 output=2 >200000 input=2 output=4`. */
function parseRow(words: readonly string[]): CatalogueRow {
  const from = words[0]?.startsWith('from=') ? words[0].slice('from='.length) : null
  const [base = new Map<string, number>(), ...tiers] = sectionsOf(from === null ? words : words.slice(1))
  const price: CatalogueRow['price'] = { ...ratesOf(base), perRequest: 0 }
  for (const kind of unitKinds) {
    const each = base.get(kind)
    if (each !== undefined) price[kind] = each
  }
  if (tiers.length > 0) {
    price.tiers = tiers.map((tier) => ({ inputTokensAbove: tier.get('>') ?? 0, rates: ratesOf(tier) }))
  }
  return { from, price }
}

/** The figures of the row itself, then of each of its tiers. */
function sectionsOf(words: readonly string[]): Map<string, number>[] {
  const sections = [new Map<string, number>()]
  for (const word of words) {
    const [name = '', figure] = word.split('=')
    if (figure === undefined) sections.push(new Map([['>', Number(word.slice(1))]]))
    else sections.at(-1)?.set(name, Number(figure))
  }
  return sections
}

function ratesOf(figures: ReadonlyMap<string, number>): Rates {
  const input = figures.get('input') ?? 0
  const rates: Rates = {
    input,
    cachedInput: figures.get('cachedInput') ?? input,
    cacheWrite: figures.get('cacheWrite') ?? input,
    output: figures.get('output') ?? 0,
  }
  for (const kind of rateKinds) {
    const rate = figures.get(kind)
    if (rate !== undefined) rates[kind] = rate
  }
  return rates
}
