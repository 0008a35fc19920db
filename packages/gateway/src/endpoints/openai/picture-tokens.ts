/**
 * The most tokens that OpenAI's picture models write for one picture, by size and quality. Earlier models print a
 * table; from gpt-image-2 on any size can be drawn, and tokens grow with its shape and its pixels. Models that also
 * plan in words beside the picture (gpt-image-1.5, 2.6) are not here: what they write has no bound.
 * Sources: OpenAI's guide to image generation (the table, and the limits of sizes) and its calculator, which the
 * formula meets at all sizes and qualities that were compared.
 */
import { err, ok, type Result } from '../../core/result.ts'

/** What one preview in a stream adds, in tokens. */
export const partialImageTokens = 100

/** A family of models: the qualities that they know, and their tokens; `size` null means whichever is dearest. */
export type PictureFamily = {
  qualities: readonly string[]
  /** Null for a size that is not drawn. */
  tokens(quality: string, size: string | null): number | null
}

type Table = Readonly<Record<string, Readonly<Record<string, number>>>>

const printed: Table = {
  '1024x1024': { low: 272, medium: 1056, high: 4160 },
  '1024x1536': { low: 408, medium: 1584, high: 6240 },
  '1536x1024': { low: 400, medium: 1568, high: 6208 },
}

const tabled: PictureFamily = {
  qualities: ['low', 'medium', 'high'],
  tokens: (quality, size) => {
    const sizes = size === null ? Object.values(printed) : [printed[size] ?? {}]
    const tokens = sizes.map((row) => row[quality] ?? 0)
    return Math.max(...tokens) || null
  },
}

const anySize2 = formulaOf({ low: 16, medium: 48, high: 96 })
const anySize25 = formulaOf({ low: 16, medium: 24, high: 48, xhigh: 64, max: 96 })

/** By the model's name at the provider, with or without a date. */
const families: readonly [RegExp, PictureFamily][] = [
  [/^gpt-image-1(-mini)?(-\d{4}-\d\d-\d\d)?$/, tabled],
  [/^gpt-image-2(-\d{4}-\d\d-\d\d)?$/, anySize2],
  [/^gpt-image-2\.5-(sunburst|flare)(-\d{4}-\d\d-\d\d)?$/, anySize25],
]

/** The family of a model, or null where its pictures have no bound that is known. */
export function pictureFamily(upstreamModel: string): PictureFamily | null {
  return families.find(([name]) => name.test(upstreamModel))?.[1] ?? null
}

/** The field that is at fault, and what it must be. */
export type PictureFault = { param: 'size' | 'quality'; expected: string }

/** The most tokens of one picture. A size or quality that is absent or `auto` is the dearest there is. */
export function pictureTokensMax(
  family: PictureFamily,
  { size, quality }: { size: string | null; quality: string | null },
): Result<number, PictureFault> {
  const qualities = quality === null || quality === 'auto' ? family.qualities : [quality]
  if (!qualities.every((each) => family.qualities.includes(each))) {
    return err({
      param: 'quality',
      expected: `"auto", ${family.qualities.map((each) => `"${each}"`).join(', ')}`,
    })
  }
  const tokens = qualities.map((each) => family.tokens(each, size === 'auto' ? null : size))
  if (tokens.includes(null)) {
    return err({
      param: 'size',
      expected: '"auto", "1024x1024", "1536x1024", "1024x1536" or another that the model draws',
    })
  }
  return ok(Math.max(...tokens.map((each) => each ?? 0)))
}

/** The sizes that are drawn: edges in steps, up to a length; up to three times as long as wide; pixels from, to. */
const edgeStep = 16
const edgeMax = 3840
const ratioMax = 3
const pixelsMin = 655_360
const pixelsMax = 8_294_400

/** Nothing takes more tokens than the square of the most pixels. */
const dearestEdge = Math.sqrt(pixelsMax)

/** `steps` is how finely each quality divides the longer edge. */
function formulaOf(steps: Readonly<Record<string, number>>): PictureFamily {
  return {
    qualities: Object.keys(steps),
    tokens: (quality, size) => {
      const fine = steps[quality] ?? 0
      if (size === null) return tokensOf(fine, dearestEdge, dearestEdge)
      const [, width, height] = /^([1-9]\d{2,3})x([1-9]\d{2,3})$/.exec(size) ?? []
      return isDrawn(Number(width), Number(height)) ? tokensOf(fine, Number(width), Number(height)) : null
    },
  }
}

function isDrawn(width: number, height: number): boolean {
  const [short, long] = [Math.min(width, height), Math.max(width, height)]
  const pixels = width * height
  return (
    width % edgeStep === 0 &&
    height % edgeStep === 0 &&
    long <= edgeMax &&
    long <= ratioMax * short &&
    pixels >= pixelsMin &&
    pixels <= pixelsMax
  )
}

/** Integers up to 2⁵³ throughout, so that nothing is lost to fractions before the one division. */
function tokensOf(fine: number, width: number, height: number): number {
  const [short, long] = [Math.min(width, height), Math.max(width, height)]
  const across = Math.floor((2 * fine * short + long) / (2 * long))
  return Math.ceil((fine * across * (2_000_000 + width * height)) / 4_000_000)
}
