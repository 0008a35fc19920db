/**
 * Pictures in a request: those that are in its bytes are measured, and bounded in tokens by OpenAI's formulas. Which
 * formula holds follows from the model; where its name does not say, the dearest counts.
 * Source: OpenAI's guide "Images and vision", "Calculating costs".
 */
import type { Model } from '../../core/catalog.ts'
import { type ImageSize, imageSize } from '../image-size.ts'

/** A picture that is in the request itself. */
export type InlineImage = {
  /** Bytes of the request that are the picture and no text. */
  bytes: number
  /** Null where it cannot be told. */
  size: ImageSize | null
}

const prefix = /^data:image\/(?:png|jpe?g|gif|webp);base64,/i
const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/** The picture in a `data:` URL, or null for any other address or kind of content. */
export function inlineImage(url: string): InlineImage | null {
  const head = prefix.exec(url.slice(0, 64))?.[0]
  if (head === undefined) return null
  const content = url.slice(head.length)
  if (content === '' || !base64.test(content)) return null
  return { bytes: content.length, size: imageSize(content) }
}

/** Models of OpenAI's, by the names that it gives them. */
const openAiModel = /^(?:gpt-\d|chatgpt-|o\d|ft:gpt-\d)/

/** What GPT-4o mini counts, of all the most; and the most of what other models count by tiles of 512 pixels. */
const dearTiles = { base: 2833, perTile: 5667 }
const plainTiles = { base: 85, perTile: 170 }
/** Within 2048 × 768 pixels. */
const tilesMax = 8

/** Tokens that a patch of 32 × 32 pixels is counted as: the most of all models (the nano ones). */
const patchMultiplier = 2.46
/** Pictures are made smaller until they have no more patches: models before GPT-5.4, and later ones by `detail`. */
const patchesMax = { early: 1536, high: 2500, original: 10_000 }

/**
 * The most tokens that OpenAI counts for one picture. `size` is null where it is unknown. The operator's
 * `media.imageTokensMax`, where there is one, is the most of all.
 */
export function openAiImageTokens(
  { upstreamModel, media }: Pick<Model, 'upstreamModel' | 'media'>,
  size: ImageSize | null,
  detail: unknown,
): number {
  const isOpenAi = openAiModel.test(upstreamModel)
  // Others that speak this wire may pay no heed to it.
  const heeded = isOpenAi ? detail : undefined
  const isDear = !isOpenAi || upstreamModel.includes('gpt-4o-mini')
  const byTiles = tileTokens(isDear ? dearTiles : plainTiles, size, heeded)
  const tokens = Math.max(byTiles, patchTokens(patchLimit(upstreamModel, heeded), size))
  return Math.min(tokens, media.imageTokensMax ?? tokens)
}

function patchLimit(upstreamModel: string, detail: unknown): number {
  if (/^(?:ft:)?(?:gpt-4|gpt-5(?!\.)|o[134])/.test(upstreamModel)) return patchesMax.early
  return detail === 'low' || detail === 'high' ? patchesMax.high : patchesMax.original
}

function patchTokens(limit: number, size: ImageSize | null): number {
  const patches = size === null ? limit : Math.ceil(size.width / 32) * Math.ceil(size.height / 32)
  return Math.ceil(Math.min(limit, patches) * patchMultiplier)
}

/**
 * The picture is fitted into 2048 × 2048 pixels, and its shorter side into 768. Small ones are said to grow to that,
 * and seen not to: what they would have then is counted.
 */
function tileTokens(rates: typeof plainTiles, size: ImageSize | null, detail: unknown): number {
  if (detail === 'low') return rates.base
  if (size === null) return rates.base + rates.perTile * tilesMax
  const { width, height } = size
  const scale = Math.min(768 / Math.min(width, height), 2048 / Math.max(width, height))
  // A pixel more than the scaled side, however it is rounded.
  const tiles = Math.ceil((width * scale + 1) / 512) * Math.ceil((height * scale + 1) / 512)
  return rates.base + rates.perTile * Math.min(tilesMax, tiles)
}
