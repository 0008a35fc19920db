/**
 * Turns the data of `@pydantic/genai-prices` into the gateway's own table: one line a row, pico-USD per token, rounded
 * up. Only ids that the data names in full are taken: its matching by prefix and by pattern gives a new model the price
 * of an older one. What has no place in our prices is left out by name, so that it is never half a price.
 */
import { picoUsdEach } from '../../packages/gateway/src/core/credits.ts'

/** What the package says of a provider, as far as it is read here. */
export type SourceProvider = { id: string; models: readonly SourceModel[] }
type SourceModel = {
  id: string
  match: Match
  prices: SourcePrices | { constraint?: Constraint; prices: SourcePrices }[]
  price_comments?: string
}
type Match = Readonly<Record<string, string | readonly Match[]>>
type Tiered = { base: number; tiers: readonly { start: number; price: number }[] }
type SourcePrices = Readonly<Record<string, number | Tiered | undefined>>
type Constraint = { type: string; start_date?: string }

/** The id of the row that the package itself finds for an id, if any. */
export type FindRow = (provider: string, id: string) => string | null

/** The providers that have a type of their own in the gateway's config, by their names in the data. */
export const providers = ['openai', 'anthropic', 'google', 'groq', 'deepseek', 'mistral'] as const

/** Our name of each price, and of how many units the data gives it. */
const kinds: Readonly<Record<string, { name: string; count: number }>> = {
  input_mtok: { name: 'input', count: 1_000_000 },
  cache_read_mtok: { name: 'cachedInput', count: 1_000_000 },
  cache_write_mtok: { name: 'cacheWrite', count: 1_000_000 },
  cache_write_1h_mtok: { name: 'longCacheWrite', count: 1_000_000 },
  output_mtok: { name: 'output', count: 1_000_000 },
  input_audio_mtok: { name: 'audioInput', count: 1_000_000 },
  cache_audio_read_mtok: { name: 'cachedAudioInput', count: 1_000_000 },
  input_image_mtok: { name: 'imageInput', count: 1_000_000 },
  // Pictures from the cache are not told from text there: both cost the dearer of the two.
  cache_image_read_mtok: { name: 'cachedInput', count: 1_000_000 },
  output_audio_mtok: { name: 'audioOutput', count: 1_000_000 },
  output_image_mtok: { name: 'imageOutput', count: 1_000_000 },
  web_searches_kcount: { name: 'toolCall', count: 1000 },
  audio_hours: { name: 'audioSecond', count: 3600 },
  input_audio_hours: { name: 'audioSecond', count: 3600 },
}

/** Prices of what the gateway does not let through, file search: the rest of the row stands without them. */
const notServed = ['storage_searches_kcount']

/** Rates that the data itself doubts, or has from a reseller. */
const doubtful = /^(imported from|seen on) openrouter|trusting|can't find/i

/** Models that search the web for every answer, which is billed beside their tokens and that no usage tells of. */
const searching = /-search(?:-|$)/

/** The table's lines, sorted by provider and id. */
export function convert(source: readonly SourceProvider[], find: FindRow): string[] {
  return source.flatMap((provider) => provider.models.flatMap((model) => linesOf(provider.id, model, find)))
}

function linesOf(provider: string, model: SourceModel, find: FindRow): string[] {
  const known = idsOf(model).filter((id) => !/\s/.test(id) && find(provider, id) === model.id)
  const searches = known.filter((id) => searching.test(id))
  if (searches.length > 0) {
    const others = known.filter((id) => !searching.test(id))
    const line = `${provider} ${searches.join(',')} ! each answer of it has a web search, which is billed beside its tokens`
    return [...rowsOf(provider, model, others), line]
  }
  return rowsOf(provider, model, known)
}

function rowsOf(provider: string, model: SourceModel, ids: readonly string[]): string[] {
  // Models of others, which our wires do not reach there.
  if (ids.length === 0 || (provider === 'google' && model.id.startsWith('claude'))) return []
  if (doubtful.test(model.price_comments ?? '')) return []
  const dated = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }]
  const [first] = dated
  if (dated.every(({ prices }) => Object.keys(prices).length === 0)) return []
  const head = `${provider} ${ids.join(',')}`
  const hole = dated.map((price) => holeOf(model.id, price)).find((each) => each !== null)
  if (hole) return [`${head} ! ${hole}`]
  if (first?.constraint !== undefined) throw new Error(`${head} has no price before its first date`)
  const dates = dated.slice(1).map(({ constraint }) => constraint?.start_date ?? '')
  if (dates.some((date, index) => date <= (dates[index - 1] ?? '')))
    throw new Error(`${head}: dates out of order`)
  return dated.map(({ constraint, prices }) => {
    const from = constraint?.start_date
    return [head, ...(from === undefined ? [] : [`from=${from}`]), ...figuresOf(prices)].join(' ')
  })
}

/** Ids that the data names in full: those that must be equal, and the row's own where it begins or ends so. */
function idsOf({ id, match }: SourceModel): string[] {
  const words = clausesOf(match)
  const equal = words.filter(([kind]) => kind === 'equals').map(([, word]) => word)
  const own = words.some(([, word]) => word === id) && !id.endsWith('-') ? [id] : []
  return [...new Set([...own, ...equal])]
}

function clausesOf(match: Match): [string, string][] {
  return Object.entries(match).flatMap(([kind, value]): [string, string][] =>
    typeof value === 'string' ? [[kind, value]] : value.flatMap(clausesOf),
  )
}

/** Why our prices cannot say what this one does, or null. */
function holeOf(
  id: string,
  { constraint, prices }: { constraint?: Constraint; prices: SourcePrices },
): string | null {
  if (constraint !== undefined && constraint.type !== 'start_date')
    return 'its price changes with the hour of the day'
  const unknown = Object.keys(prices).filter((key) => kinds[key] === undefined && !notServed.includes(key))
  if (unknown.length > 0) return `it has prices that Faregate cannot count by: ${unknown.join(', ')}`
  if (prices.audio_hours !== undefined) return null
  if (prices.input_mtok === undefined) return 'its input has no price there'
  // Of the rest only vectors are free: a price that is not there is one that somebody has yet to write down.
  return prices.output_mtok === undefined && !id.includes('embed') ? 'its output has no price there' : null
}

/** `input=250000 output=2000000 >271999 input=…`: a price by the token alone, of the base and then of each tier. */
function figuresOf(prices: SourcePrices): string[] {
  const bounds = Object.values(prices).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  )
  const starts = [...new Set(bounds)].sort((one, other) => one - other)
  return [
    ...wordsOf(prices, (price) => (typeof price === 'object' ? price.base : price)),
    ...starts.flatMap((start) => [
      `>${start}`,
      ...wordsOf(tokenPrices(prices), (price) => priceAbove(price, start)),
    ]),
  ]
}

function tokenPrices(prices: SourcePrices): SourcePrices {
  return Object.fromEntries(Object.entries(prices).filter(([key]) => key.endsWith('_mtok')))
}

/** What a kind costs in a request with more input than `start`. */
function priceAbove(price: number | Tiered, start: number): number {
  if (typeof price === 'number') return price
  return (
    price.tiers.filter((tier) => tier.start <= start).sort((one, other) => other.start - one.start)[0]
      ?.price ?? price.base
  )
}

function wordsOf(prices: SourcePrices, usdOf: (price: number | Tiered) => number): string[] {
  const figures = new Map<string, number>()
  for (const [key, { name, count }] of Object.entries(kinds)) {
    const price = prices[key]
    if (price === undefined) continue
    // The shortest text of a number is the decimal that was written.
    const pico = picoUsdEach(String(usdOf(price)), count)
    if (pico === null) throw new Error(`${key} is no price: ${String(usdOf(price))}`)
    figures.set(name, Math.max(pico, figures.get(name) ?? 0))
  }
  return [...figures].map(([name, pico]) => `${name}=${pico}`)
}

/** The generated file. */
export function fileOf(version: string, lines: readonly string[]): string {
  return `/**
 * Providers' prices as ${version} gives them (MIT), one row a line: provider, ids, the date it begins on,
 * pico-USD each, and after \`>\` the rates of a longer input. Generated by \`pnpm prices:build\`; not to be edited.
 */
export const catalogueVersion = '${version}'

export const catalogueRows = \`
${lines.join('\n')}
\`
`
}
