/**
 * Sound that a model speaks: which voices it may have, and what its bytes say of the tokens that it took, while the
 * provider has not said it yet.
 */
import type { Check } from '../parameters.ts'

/** A custom voice belongs to whoever made it in the operator's account. */
export const voice: Check = {
  accepts: (value) => typeof value === 'string' && value.length <= 64 && !value.startsWith('voice_'),
  expected: 'the name of a built-in voice; custom voices, which have an id, are not served',
  code: 'unsupported_parameter',
}

/**
 * The fewest bytes that a token of spoken sound has, by format. A token is a twentieth of a second (cost guide of
 * OpenAI's Realtime API); these are well below what its encoders write for one. Speech has noise in it, so that
 * silence squeezed to nothing need not be thought of.
 */
const bytesPerToken: Readonly<Record<string, number>> = {
  // 24 kHz of 16 bits: 2,400 bytes.
  pcm: 1000,
  pcm16: 1000,
  wav: 1000,
  // 8 kbit/s, the lowest there is: 50 bytes.
  mp3: 25,
  aac: 20,
  flac: 20,
  // Frames of 20 ms have some bytes each, whatever they say.
  opus: 5,
}

/** The fewest bytes that a token of sound has in this format; MP3 where none is asked for. */
export function soundBytesPerToken(format: unknown): number {
  return bytesPerToken[typeof format === 'string' ? format : 'mp3'] ?? 1
}

/** The most tokens that this base64 text of sound took. */
export function soundTokens(base64: unknown, bytesEach: number): number {
  return typeof base64 === 'string' ? Math.ceil((base64.length * 3) / 4 / bytesEach) : 0
}
