/**
 * Unpadded base64url, strict. Lax decoders accept several spellings of the same bytes (padding, the other
 * alphabet, stray bits in the last character), so that one signature would verify many texts; here each byte
 * string has exactly one spelling.
 */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Encodes bytes without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Decodes the one canonical spelling of some bytes; null for every other text. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | null {
  if (!isCanonicalBase64url(text)) return null
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/** Whether the text is the canonical unpadded base64url of some bytes (of none, when empty). */
export function isCanonicalBase64url(text: string): boolean {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return false
  const rest = text.length % 4
  if (rest === 0) return true
  if (rest === 1) return false
  const last = alphabet.indexOf(text.charAt(text.length - 1))
  // A last group of two or three characters carries 12 or 18 bits for 8 or 16: what is left must be zero.
  return (last & (rest === 2 ? 0b1111 : 0b11)) === 0
}
