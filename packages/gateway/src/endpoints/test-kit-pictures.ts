/** Pictures of a size, for tests, and Gemini's requests that hold them. */

/** The beginning of a PNG of that size, in base64. */
export function pngOf(width: number, height: number): string {
  return base64([
    0x89,
    'PNG\r\n\x1a\n',
    0,
    0,
    0,
    13,
    'IHDR',
    ...big(width, 4),
    ...big(height, 4),
    8,
    2,
    0,
    0,
    0,
  ])
}

/** The beginning of a JPEG of that size, behind so many bytes of another segment. */
export function jpegOf(width: number, height: number, before = 14): string {
  const exif = [0xff, 0xe1, ...big(before + 2, 2), ...Array<number>(before).fill(0xc0)]
  return base64([0xff, 0xd8, ...exif, 0xff, 0xff, 0xc2, 0, 11, 8, ...big(height, 2), ...big(width, 2), 1])
}

/** The beginning of a WebP of that size, in one of its three forms. */
export function webpOf(form: 'VP8 ' | 'VP8L' | 'VP8X', width: number, height: number): string {
  const head = ['RIFF', 0, 0, 0, 0, 'WEBP', form, 10, 0, 0, 0]
  if (form === 'VP8 ') {
    return base64([
      ...head,
      0,
      0,
      0,
      0x9d,
      0x01,
      0x2a,
      ...big(width, 2).reverse(),
      ...big(height, 2).reverse(),
    ])
  }
  if (form === 'VP8X') {
    return base64([...head, 0, 0, 0, 0, ...big(width - 1, 3).reverse(), ...big(height - 1, 3).reverse()])
  }
  return base64([...head, 0x2f, ...big((width - 1) | ((height - 1) << 14), 4).reverse()])
}

/** A part that holds a picture. */
export function pictureOf(data: string, mimeType = 'image/png'): { inlineData: Record<string, string> } {
  return { inlineData: { mimeType, data } }
}

/** A user's content of these parts. */
export function contentsOf(...parts: unknown[]): Record<string, unknown> {
  return { contents: [{ role: 'user', parts }] }
}

export function base64(bytes: readonly (number | string)[]): string {
  return btoa(bytes.map((each) => (typeof each === 'string' ? each : String.fromCharCode(each))).join(''))
}

function big(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => (value >>> (8 * (bytes - 1 - index))) & 0xff)
}
