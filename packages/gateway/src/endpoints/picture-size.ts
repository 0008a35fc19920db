/**
 * The size of a picture, read from the beginning of its file: what a provider asks for one grows with it. Only what is
 * needed of the base64 text is decoded.
 * Sources: PNG (W3C), JPEG (ITU-T T.81, B.2), WebP (RFC 9649, 2.7).
 */

/** Width and height in pixels. */
export type PictureSize = { width: number; height: number }

type ByteAt = (at: number) => number

const pieceCharacters = 4096
const pieceBytes = (pieceCharacters / 4) * 3
const sideMax = 65_535

/** Whether a text is base64, of either alphabet, on one line. */
export function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text)
}

/** The size of a PNG, JPEG or WebP in base64; null for anything else, and for what says no size. */
export function pictureSize(base64: string): PictureSize | null {
  const byteAt = bytesOf(base64)
  const size = sizeOfPng(byteAt) ?? sizeOfJpeg(byteAt) ?? sizeOfWebp(byteAt)
  if (size === null) return null
  const { width, height } = size
  return width > 0 && height > 0 && width <= sideMax && height <= sideMax ? size : null
}

/** Whether it is a HEIC, HEIF or AVIF file, whose size stands too deep in it to be read here. */
export function isHeif(base64: string): boolean {
  return startsWith(bytesOf(base64), 4, 'ftyp')
}

/** Reads single bytes; NaN beyond the end. */
function bytesOf(base64: string): ByteAt {
  const pieces = new Map<number, string>()
  return (at) => {
    const index = Math.floor(at / pieceBytes)
    let piece = pieces.get(index)
    if (piece === undefined) {
      piece = decoded(base64.slice(index * pieceCharacters, (index + 1) * pieceCharacters))
      pieces.set(index, piece)
    }
    return piece.charCodeAt(at % pieceBytes)
  }
}

function decoded(base64: string): string {
  try {
    return atob(base64.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return ''
  }
}

function startsWith(byteAt: ByteAt, at: number, signature: string): boolean {
  for (let index = 0; index < signature.length; index += 1) {
    if (byteAt(at + index) !== signature.charCodeAt(index)) return false
  }
  return true
}

function bigEndian(byteAt: ByteAt, at: number, bytes: number): number {
  let value = 0
  for (let index = 0; index < bytes; index += 1) value = value * 256 + byteAt(at + index)
  return value
}

function littleEndian(byteAt: ByteAt, at: number, bytes: number): number {
  let value = 0
  for (let index = bytes - 1; index >= 0; index -= 1) value = value * 256 + byteAt(at + index)
  return value
}

function sizeOfPng(byteAt: ByteAt): PictureSize | null {
  if (!startsWith(byteAt, 0, '\u0089PNG\r\n\u001a\n') || !startsWith(byteAt, 12, 'IHDR')) return null
  return { width: bigEndian(byteAt, 16, 4), height: bigEndian(byteAt, 20, 4) }
}

/** Walks the segments to the frame header; the picture itself comes after it. */
function sizeOfJpeg(byteAt: ByteAt): PictureSize | null {
  if (!startsWith(byteAt, 0, '\u00ff\u00d8')) return null
  let at = 2
  for (;;) {
    if (byteAt(at) !== 0xff) return null
    while (byteAt(at) === 0xff) at += 1
    const marker = byteAt(at)
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return { width: bigEndian(byteAt, at + 6, 2), height: bigEndian(byteAt, at + 4, 2) }
    // The scan, or the end, before any frame.
    if (marker === 0xda || marker === 0xd9) return null
    const length = bigEndian(byteAt, at + 1, 2)
    if (!(length >= 2)) return null
    at += 1 + length
  }
}

function sizeOfWebp(byteAt: ByteAt): PictureSize | null {
  if (!startsWith(byteAt, 0, 'RIFF') || !startsWith(byteAt, 8, 'WEBP')) return null
  if (startsWith(byteAt, 12, 'VP8 ')) {
    return { width: littleEndian(byteAt, 26, 2) & 0x3fff, height: littleEndian(byteAt, 28, 2) & 0x3fff }
  }
  if (startsWith(byteAt, 12, 'VP8L')) {
    const bits = littleEndian(byteAt, 21, 4)
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) }
  }
  if (!startsWith(byteAt, 12, 'VP8X')) return null
  return { width: 1 + littleEndian(byteAt, 24, 3), height: 1 + littleEndian(byteAt, 27, 3) }
}
