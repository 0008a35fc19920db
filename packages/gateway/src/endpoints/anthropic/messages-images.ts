/**
 * What a picture costs on Anthropic's wire. Claude reads it in patches of 28 by 28 pixels, a token each, and makes a
 * larger one smaller first. Of older models it is said that they count a token for every 750 pixels.
 * Source: platform.claude.com, "Vision".
 */
import type { ImageSize } from '../image-size.ts'

/** The most tokens of one picture on any model: those that read 2,576 pixels of its longer side. */
export const imageTokensMax = 4784

/** The most tokens that a picture can cost, or, where its size is unknown, any picture at all. */
export function messageImageTokens(size: ImageSize | null, modelTokensMax: number | null): number {
  const most = modelTokensMax ?? imageTokensMax
  if (size === null) return most
  const { width, height } = size
  const patches = Math.ceil(width / 28) * Math.ceil(height / 28)
  return Math.min(most, Math.max(patches, Math.ceil((width * height) / 750)))
}
