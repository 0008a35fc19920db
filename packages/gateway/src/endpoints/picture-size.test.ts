import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBase64, isHeif, pictureSize } from './picture-size.ts'
import { base64, jpegOf, pngOf, webpOf } from './test-kit-pictures.ts'

describe('the size of a picture', () => {
  test.each([
    ['a PNG', pngOf(1, 65_535), { width: 1, height: 65_535 }],
    [
      'a PNG of a URL’s alphabet',
      pngOf(1023, 4).replaceAll('+', '-').replaceAll('/', '_'),
      { width: 1023, height: 4 },
    ],
    ['a PNG without padding', pngOf(640, 480).replaceAll('=', ''), { width: 640, height: 480 }],
    ['a JPEG', jpegOf(4032, 3024), { width: 4032, height: 3024 }],
    ['a JPEG behind a long segment', jpegOf(17, 60_000, 60_001), { width: 17, height: 60_000 }],
    ['a lossy WebP', webpOf('VP8 ', 1280, 720), { width: 1280, height: 720 }],
    ['a lossless WebP', webpOf('VP8L', 16_384, 16_383), { width: 16_384, height: 16_383 }],
    ['an extended WebP', webpOf('VP8X', 65_535, 3), { width: 65_535, height: 3 }],
  ])('of %s', (_, data, size) => {
    expect(pictureSize(data)).toEqual(size)
  })

  test.each([
    ['nothing', ''],
    ['text', btoa('a text that is long enough to be looked at')],
    ['a PDF', btoa('%PDF-1.7 and more of it, and more')],
    ['a GIF', btoa('GIF89a and more of it, and more')],
    ['a PNG of no width', pngOf(0, 5)],
    ['a PNG that no decoder takes', pngOf(65_536, 5)],
    ['a PNG that is cut off', pngOf(640, 480).slice(0, 28)],
    ['a JPEG whose height comes later', jpegOf(640, 0)],
    ['a JPEG without a frame', base64([0xff, 0xd8, 0xff, 0xda, 0, 4, 0, 0])],
    ['a JPEG of broken segments', base64([0xff, 0xd8, 0xff, 0xe1, 0, 1, 0, 0])],
    ['a JPEG that is cut off', jpegOf(640, 480).slice(0, 28)],
    ['an unknown WebP', base64(['RIFF', 0, 0, 0, 0, 'WEBP', 'ABCD', 1, 2, 3])],
  ])('is not known of %s', (_, data) => {
    expect(pictureSize(data)).toBeNull()
  })

  test('is read from any bytes without a fault, and in one pass', () => {
    const prefixes = fc.constantFrom([0xff, 0xd8, 0xff], [0x89], ['RIFF'], [])
    fc.assert(
      fc.property(prefixes, fc.uint8Array({ maxLength: 300 }), (prefix, bytes) => {
        const size = pictureSize(base64([...prefix, ...bytes]))
        if (size !== null) expect(Math.min(size.width, size.height)).toBeGreaterThan(0)
      }),
    )
  })
})

test('HEIF files are known by their brand', () => {
  expect(isHeif(base64([0, 0, 0, 24, 'ftypheic']))).toBe(true)
  expect(isHeif(pngOf(1, 1))).toBe(false)
})

test.each([
  ['AAAA', true],
  ['AA-_+/A=', true],
  ['', true],
  ['AA A', false],
  ['AA\n', false],
  ['=AAA', false],
  ['data:image/png;base64,AAAA', false],
])('%j is base64: %s', (text, is) => {
  expect(isBase64(text)).toBe(is)
})
