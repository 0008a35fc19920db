import { describe, expect, test } from 'vitest'
import { imageSize } from './image-size.ts'

const ascii = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0))
const two = (value: number) => [value >> 8, value & 0xff]
const small = (value: number) => [value & 0xff, value >> 8]
const base64 = (bytes: number[]) => Buffer.from(bytes).toString('base64')

const chunk = (name: string, content: number[]) => [
  ...[0, 0, ...two(content.length), ...ascii(name), ...content],
  ...[1, 2, 3, 4],
]
const header = (width: number, height: number) =>
  chunk('IHDR', [0, 0, ...two(width), 0, 0, ...two(height), 8, 6, 0, 0, 0])
const content = chunk('IDAT', [1, 2, 3])
const pngOf = (...chunks: number[][]) => [0x89, ...ascii('PNG'), 13, 10, 26, 10, ...chunks.flat()]
const png = (width: number, height: number) => pngOf(header(width, height), content)
const segment = (marker: number, content: number[]) => [0xff, marker, ...two(content.length + 2), ...content]
const frame = (marker: number, width: number, height: number) =>
  segment(marker, [8, ...two(height), ...two(width), 3, 1, 0x22, 0])
const scan = segment(0xda, [1, 1, 0])
const jpeg = (...segments: number[][]) => [0xff, 0xd8, ...segments.flat(), ...scan, 1, 2, 3]
const gif = (screen: number[], frameAt: number[], colours: number[] = [], extensions: number[] = []) => [
  ...[...ascii('GIF89a'), ...screen, colours.length > 0 ? 0x80 : 0, 0, 0, ...colours, ...extensions],
  ...[0x2c, ...frameAt, 0, 2, 1, 0, 0, 0x3b],
]
const tiny = (extension: number[]) =>
  gif([1, 0, 1, 0], [0, 0, 0, 0, 1, 0, 1, 0], [0, 0, 0, 9, 9, 9], extension)
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)
const riffChunk = (kind: string, content: number[]) => [
  ...ascii(kind),
  ...small(content.length),
  0,
  0,
  ...content,
]
const webp = (...chunks: number[][]) => [...ascii('RIFF'), 0, 0, 0, 0, ...ascii('WEBP'), ...chunks.flat()]
const extended = ([width, height]: [number, number], rest: number[]) =>
  webp(riffChunk('VP8X', [0, 0, 0, 0, ...small(width - 1), 0, ...small(height - 1), 0]), rest)
const lossy = (width: number, height: number) =>
  riffChunk('VP8 ', [0, 0, 0, 0x9d, 0x01, 0x2a, ...small(width), ...small(height)])
const thumbnail = segment(0xe1, [...ascii('Exif'), ...jpeg(frame(0xc0, 160, 120))])
const lossless = (width: number, height: number) => {
  const bits = width - 1 + (height - 1) * 2 ** 14
  return riffChunk('VP8L', [0x2f, bits & 0xff, (bits >> 8) & 0xff, (bits >> 16) & 0xff, (bits >> 24) & 0xff])
}

describe('the size of', () => {
  test.each<[string, number[], [number, number]]>([
    ['a PNG', png(1024, 768), [1024, 768]],
    ['a large PNG', png(65_535, 40_000), [65_535, 40_000]],
    [
      'a PNG after a text that names another',
      pngOf(header(5, 6), chunk('tEXt', header(9, 9)), content, header(7, 7)),
      [5, 6],
    ],
    ['a PNG that names two', pngOf(header(1, 900), header(700, 2), content), [700, 900]],
    ['a JPEG', jpeg(frame(0xc0, 640, 480)), [640, 480]],
    ['a progressive JPEG', jpeg(frame(0xc2, 640, 480)), [640, 480]],
    [
      'a JPEG after tables and a thumbnail',
      jpeg(segment(0xc4, [0, 1]), thumbnail, frame(0xc0, 4000, 3000)),
      [4000, 3000],
    ],
    ['a JPEG with fill bytes', jpeg([0xff, 0xff], frame(0xc0, 7, 9)), [7, 9]],
    ['a JPEG that names two', jpeg(frame(0xc0, 10, 900), frame(0xc1, 700, 20)), [700, 900]],
    ['a GIF', gif([...small(320), ...small(200)], [0, 0, 0, 0, ...small(320), ...small(200)]), [320, 200]],
    [
      'a GIF whose frame reaches beyond its screen',
      gif([...small(1), ...small(1)], [...small(5), ...small(6), ...small(3000), ...small(2000)]),
      [3005, 2006],
    ],
    [
      'a GIF with colours and a comment',
      gif(
        [...small(30), ...small(20)],
        [0, 0, 0, 0, ...small(30), ...small(20)],
        [0, 0, 0, 9, 9, 9],
        [0x21, 0xfe, 2, 0x2c, 0x2c, 0],
      ),
      [30, 20],
    ],
    ['a lossy WebP', webp(lossy(550, 368)), [550, 368]],
    ['a lossless WebP', webp(lossless(400, 301)), [400, 301]],
    ['an extended WebP', extended([1200, 800], lossy(1200, 800)), [1200, 800]],
    ['a WebP whose picture is larger than its canvas', extended([1, 1], lossy(3000, 2000)), [3000, 2000]],
    [
      'a WebP that moves',
      extended(
        [64, 48],
        [
          ...ascii('ANIM'),
          6,
          0,
          0,
          0,
          ...zeros(6),
          ...ascii('ANMF'),
          99,
          0,
          0,
          0,
          ...zeros(16),
          ...lossy(64, 32),
        ],
      ),
      [64, 48],
    ],
  ])('%s', (_name, bytes, [width, height]) => {
    expect(imageSize(base64(bytes))).toEqual({ width, height })
  })

  test.each<[string, number[]]>([
    ['nothing', []],
    ['text', ascii('<svg width="1" height="1"/>')],
    ['a PNG that is cut', png(5, 5).slice(0, 20)],
    [
      'a PNG of endless chunks',
      pngOf(header(5, 5), ...Array.from({ length: 5000 }, () => chunk('tEXt', []))),
    ],
    ['a PNG of no width', png(0, 5)],
    ['a JPEG without a frame', jpeg()],
    ['a JPEG that is cut', [0xff, 0xd8, ...frame(0xc0, 5, 5)]],
    // What some take for a segment of 23 bytes, others pass over, and find a frame in it.
    [
      'a JPEG with stuffing',
      jpeg([0xff, 0x00, 0, 23, ...frame(0xc0, 4000, 3000), ...scan], frame(0xc0, 1, 1)),
    ],
    ['a JPEG that ends first', jpeg([0xff, 0xd9], frame(0xc0, 1, 1))],
    ['a JPEG out of step', jpeg([1, 2, 3], frame(0xc0, 5, 5))],
    ['a GIF without a frame', [...ascii('GIF89a'), 1, 0, 1, 0, 0, 0, 0, 0x3b]],
    ['a GIF that is cut', [...ascii('GIF89a'), 1, 0]],
    ['a WebP of another kind', webp(riffChunk('ALPH', [1, 2, 3]))],
    ['an extended WebP without a picture', extended([5, 5], [])],
    ['a JPEG of endless segments', jpeg(...Array.from({ length: 5000 }, () => segment(0xfe, [])))],
    // Decoders pass over the stray marker alone, and find the frame behind it.
    ...[0x00, 0x01, 0xd0, 0xd8, 0xd9].map((stray): [string, number[]] => [
      `a JPEG that hides its frame behind the marker ${stray}`,
      jpeg([0xff, stray, 0, 15], frame(0xc0, 4000, 3000), frame(0xc0, 8, 8)),
    ]),
    // Some decoders read what follows an empty extension as if it were part of it.
    ['a GIF with an empty extension', tiny([0x21, 0xf9, 0])],
    ['a GIF with a name for an extension', tiny([0x21, 0xff, 11, ...ascii('NETSCAPE2.0'), 0])],
    [
      'a GIF with an endless extension',
      tiny([
        0x21,
        0xfe,
        ...Array.from({ length: 4096 }, () => [1, 9]).flat(),
        0x2c,
        ...zeros(0x2c).fill(1),
        0,
      ]),
    ],
  ])('%s cannot be told', (_name, bytes) => {
    expect(imageSize(base64(bytes))).toBeNull()
  })
})
