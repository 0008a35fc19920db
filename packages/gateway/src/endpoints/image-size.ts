/**
 * Reads a picture's width and height off its first bytes, where it is PNG, JPEG, GIF or WebP. What providers charge
 * for a picture follows from its size, so a size is only believed where decoders agree on it: of several that a file
 * names, the larger counts. Bytes are taken out of base64 one by one, since a picture may be megabytes.
 * Source: PNG 11.2.2; ITU T.81 B.2; GIF89a 18 and 20; RFC 9649.
 */

/** In pixels. */
export type ImageSize = { width: number; height: number }

/** The byte at an offset, or -1 past the end. */
type ByteAt = (offset: number) => number

/** No picture that anybody sends has more segments than this before its content. */
const segmentsMax = 4096

/** The size of a picture in base64, or null where it cannot be told. */
export function imageSize(base64: string): ImageSize | null {
  const byteAt = reader(base64)
  const size = pngSize(byteAt) ?? jpegSize(byteAt) ?? gifSize(byteAt) ?? webpSize(byteAt)
  return size !== null && size.width > 0 && size.height > 0 ? size : null
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const sixBits = new Map(Array.from(alphabet, (letter, value) => [letter.charCodeAt(0), value]))

function reader(base64: string): ByteAt {
  return (offset) => {
    const first = Math.floor(offset / 3) * 4 + (offset % 3)
    const high = sixBits.get(base64.charCodeAt(first))
    const low = sixBits.get(base64.charCodeAt(first + 1))
    if (high === undefined || low === undefined) return -1
    const shift = 2 * (offset % 3) + 2
    return ((high << shift) | (low >> (6 - shift))) & 0xff
  }
}

function bigEndian(byteAt: ByteAt, offset: number, length: number): number {
  let value = 0
  for (let at = offset; at < offset + length; at += 1) value = value * 256 + byteAt(at)
  return value
}

function littleEndian(byteAt: ByteAt, offset: number, length: number): number {
  let value = 0
  for (let at = offset + length - 1; at >= offset; at -= 1) value = value * 256 + byteAt(at)
  return value
}

function startsWith(byteAt: ByteAt, offset: number, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (byteAt(offset + at) !== text.charCodeAt(at)) return false
  }
  return true
}

/** The largest that a header before the content names: some decoders keep the first of several, some the last. */
function pngSize(byteAt: ByteAt): ImageSize | null {
  if (!startsWith(byteAt, 0, '\u0089PNG\r\n\u001a\n') || !startsWith(byteAt, 12, 'IHDR')) return null
  const size = { width: 0, height: 0 }
  let at = 8
  for (let chunks = 0; chunks < segmentsMax; chunks += 1) {
    // One that ends before its content, or goes on as something else, is no picture to anybody.
    if (startsWith(byteAt, at + 4, 'IDAT') || !isLetter(byteAt(at + 4))) return size
    if (startsWith(byteAt, at + 4, 'IHDR')) {
      size.width = Math.max(size.width, bigEndian(byteAt, at + 8, 4))
      size.height = Math.max(size.height, bigEndian(byteAt, at + 12, 4))
    }
    // Length, name and checksum.
    at += 12 + bigEndian(byteAt, at, 4)
  }
  return null
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
}

/**
 * The largest of the frames before the first scan. Of other markers only those are passed over that every decoder
 * passes over alike: of a stray one some skip the marker alone, some what seems to be its length, and find other frames.
 */
function jpegSize(byteAt: ByteAt): ImageSize | null {
  if (!startsWith(byteAt, 0, '\u00ff\u00d8\u00ff')) return null
  const size = { width: 0, height: 0 }
  let at = 2
  for (let segments = 0; segments < segmentsMax; segments += 1) {
    while (byteAt(at) === 0xff && byteAt(at + 1) === 0xff) at += 1
    if (byteAt(at) !== 0xff) return null
    const marker = byteAt(at + 1)
    if (marker === 0xda) return size
    if (isFrame(marker)) {
      size.height = Math.max(size.height, bigEndian(byteAt, at + 5, 2))
      size.width = Math.max(size.width, bigEndian(byteAt, at + 7, 2))
    } else if (!isPassedOver(marker)) return null
    at += 2 + Math.max(2, bigEndian(byteAt, at + 2, 2))
  }
  return null
}

/** SOF0 to SOF15; the three among them that are none are DHT, JPG and DAC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

/** DHT, DAC, DQT, DRI, APP0 to APP15 and COM. */
function isPassedOver(marker: number): boolean {
  const isTable = marker === 0xc4 || marker === 0xcc || marker === 0xdb || marker === 0xdd
  return isTable || (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe
}

/** The screen, or the first frame where it reaches beyond. */
function gifSize(byteAt: ByteAt): ImageSize | null {
  if (!startsWith(byteAt, 0, 'GIF87a') && !startsWith(byteAt, 0, 'GIF89a')) return null
  const flags = byteAt(10)
  let at = 13 + (flags & 0x80 ? 3 * 2 ** ((flags & 0x07) + 1) : 0)
  for (let blocks = 0; blocks < segmentsMax; blocks += 1) {
    if (byteAt(at) === 0x2c) {
      const [left, top, width, height] = [1, 3, 5, 7].map((from) => littleEndian(byteAt, at + from, 2))
      return {
        width: Math.max(littleEndian(byteAt, 6, 2), (left ?? 0) + (width ?? 0)),
        height: Math.max(littleEndian(byteAt, 8, 2), (top ?? 0) + (height ?? 0)),
      }
    }
    if (byteAt(at) !== 0x21) return null
    at = afterExtension(byteAt, at)
    if (at < 0) return null
  }
  return null
}

/**
 * Where the block after an extension begins; -1 where decoders may not agree on that: some read on past the end of
 * one that is empty, or of an application's that holds nothing but its name.
 */
function afterExtension(byteAt: ByteAt, from: number): number {
  const blocksMin = byteAt(from + 1) === 0xff ? 2 : 1
  let at = from + 2
  for (let blocks = 0; blocks < segmentsMax; blocks += 1) {
    const length = byteAt(at)
    if (length <= 0) return length === 0 && blocks >= blocksMin ? at + 1 : -1
    at += 1 + length
  }
  return -1
}

/** The canvas, or the first picture on it where that is larger. */
function webpSize(byteAt: ByteAt): ImageSize | null {
  if (!startsWith(byteAt, 0, 'RIFF') || !startsWith(byteAt, 8, 'WEBP')) return null
  if (!startsWith(byteAt, 12, 'VP8X')) return webpFrameSize(byteAt, 12)
  const canvas = { width: littleEndian(byteAt, 24, 3) + 1, height: littleEndian(byteAt, 27, 3) + 1 }
  let at = 12
  for (let chunks = 0; chunks < segmentsMax; chunks += 1) {
    const length = littleEndian(byteAt, at + 4, 4)
    // A frame of an animation has chunks of its own, after its place on the canvas.
    at += startsWith(byteAt, at, 'ANMF') ? 24 : 8 + length + (length % 2)
    if (byteAt(at) < 0) return null
    const frame = webpFrameSize(byteAt, at)
    if (frame !== null) {
      return {
        width: Math.max(canvas.width, frame.width),
        height: Math.max(canvas.height, frame.height),
      }
    }
  }
  return null
}

/** The size in the chunk of a picture, lossy or lossless; null for another chunk. */
function webpFrameSize(byteAt: ByteAt, at: number): ImageSize | null {
  if (startsWith(byteAt, at, 'VP8L')) {
    const bits = littleEndian(byteAt, at + 9, 4)
    return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 }
  }
  if (!startsWith(byteAt, at, 'VP8 ')) return null
  return {
    width: littleEndian(byteAt, at + 14, 2) & 0x3fff,
    height: littleEndian(byteAt, at + 16, 2) & 0x3fff,
  }
}
