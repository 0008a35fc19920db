/**
 * SHA-256 of a text as lower-case hexadecimal. Injectable, because Web Crypto's digest is asynchronous and
 * costs 9 µs a token on Bun and 18 µs on Node, where a runtime's own synchronous hash costs under 1 µs: the
 * self-host server passes `(text) => Bun.SHA256.hash(text, 'hex')`, and every other runtime uses the default.
 */

/** Hashes the UTF-8 bytes of `text`; 64 lower-case hexadecimal digits. */
export type Sha256 = (text: string) => string | Promise<string>

/** The default, over Web Crypto alone. */
export async function webSha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  let hex = ''
  for (const byte of new Uint8Array(digest)) hex += byte.toString(16).padStart(2, '0')
  return hex
}
