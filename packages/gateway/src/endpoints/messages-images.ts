/**
 * What a picture costs on Anthropic's wire. Claude reads it in patches of 28 by 28 pixels, a token each; a larger one
 * is first made smaller. Older models are said to count a token for every 750 pixels.
 * Source: platform.claude.com, "Vision".
 */

/** The most tokens of one picture on any model: those that read 2,576 pixels of its longer side. */
export const imageTokensMax = 4784

/** The most tokens that a picture can cost; null is one that is not here to be measured. */
export function messageImageTokens(_base64: string | null, modelTokensMax: number | null): number {
  return modelTokensMax ?? imageTokensMax
}
