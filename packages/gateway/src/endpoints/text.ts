/** Small measures of text that the endpoints share. */

/** UTF-8 bytes of a string, without encoding it. Half a surrogate pair counts as U+FFFD, three bytes. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 0x80) continue
    if (code < 0x800) bytes += 1
    else if (code >= 0xd800 && code < 0xdc00 && isLow(text.charCodeAt(at + 1))) {
      bytes += 2
      at += 1
    } else bytes += 2
  }
  return bytes
}

/** Characters of a text, as providers count them: a surrogate pair is one. */
export function codePoints(text: string): number {
  let count = text.length
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code >= 0xd800 && code < 0xdc00 && isLow(text.charCodeAt(at + 1))) count -= 1
  }
  return count
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}

/**
 * UTF-8 bytes of the text in a value. Text counts as it is; parts and objects (Mistral's thinking, Ollama's arguments) by the text inside, as deep as
 * any provider nests it.
 */
export function bytesIn(value: unknown, levels = 8): number {
  if (typeof value === 'string') return utf8Length(value)
  if (typeof value !== 'object' || value === null || levels === 0) return 0
  let bytes = 0
  for (const [key, inner] of Object.entries(value)) {
    if (key !== 'type') bytes += bytesIn(inner, levels - 1)
  }
  return bytes
}

/**
 * Sixteen hexadecimal digits that stand for a text. It is quick, not secret and not collision-proof: only for
 * names within one account (cyrb53's mixing, public domain, on two 32-bit lanes).
 */
export function fingerprint(text: string): string {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return hex(high) + hex(low)
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0')
}
