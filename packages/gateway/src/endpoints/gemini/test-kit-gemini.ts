/** Gemini's requests that hold pictures of a size, for tests. */

/** A PNG of that size up to its content, in base64. */
export function pngOf(width: number, height: number): string {
  const head = [0x89, ...codesOf('PNG\r\n\u001a\n'), 0, 0, 0, 13, ...codesOf('IHDR')]
  const content = [0, 0, 0, 0, ...fourBytes(0), ...codesOf('IDAT')]
  const size = [...fourBytes(width), ...fourBytes(height)]
  return btoa(String.fromCharCode(...head, ...size, 8, 2, 0, 0, 0, ...content))
}

/** A part that holds a picture. */
export function pictureOf(data: string, mimeType = 'image/png'): { inlineData: Record<string, string> } {
  return { inlineData: { mimeType, data } }
}

/** A user's content of these parts. */
export function contentsOf(...parts: unknown[]): Record<string, unknown> {
  return { contents: [{ role: 'user', parts }] }
}

function codesOf(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0))
}

function fourBytes(value: number): number[] {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff)
}
