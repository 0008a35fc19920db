/**
 * Sound that comes with a request: what it is by its own bytes, and how long it can last at most. Nobody's word is
 * taken: a header may lie, a name says nothing, and a compressed file can hold hours of silence in few bytes.
 */
import type { Model } from '../core/catalog.ts'
import { err, ok, type Result } from '../core/result.ts'

/**
 * Tokens of a second of sound, at most. OpenAI's models hear a tenth of a second as one (cost guide of the Realtime
 * API; the longest recording that gpt-4o-transcribe takes, 1,500 s, just fits its window of 16,000 tokens); twice that,
 * to be an upper bound. Others count more: Gemini's, of those known, the most, 32.
 */
const tokensPerSecond = { openAi: 20, others: 40 }

/** The most tokens that a model makes of so many seconds of sound. */
export function soundTokensMax({ upstreamModel }: Pick<Model, 'upstreamModel'>, seconds: number): number {
  const isOpenAi = /^(?:ft:)?(?:gpt-|chatgpt-|whisper-)/.test(upstreamModel)
  return seconds * (isOpenAi ? tokensPerSecond.openAi : tokensPerSecond.others)
}

/** The longest recording that OpenAI's token-priced transcription models take; they refuse longer ones. */
const TRANSCRIBE_SECONDS_MAX = 1500

/** Sound and its longest duration in seconds, or null where only the provider can tell. */
export type Sound = { format: 'wav' | 'mp3' | 'other'; seconds: number | null }

/** What may be decoded in bytes that are no frame of an MP3 that is seen here, in bytes for each second. */
const LOST_BYTES_PER_SECOND = 100

/** Formats of WAVE whose samples all have one size: PCM, floats, A-law and µ-law. */
const plainFormats = new Set([1, 3, 6, 7])
const extensibleFormat = 0xfffe

const mp4Boxes = ['ftyp', 'styp', 'moov', 'mdat', 'moof', 'wide', 'free', 'skip', 'pnot']

/** Recognizes sound by its bytes. Null for a WAVE file whose header cannot be true. */
export function measureSound(bytes: Uint8Array): Sound | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (hasText(view, 0, 'RIFF') && hasText(view, 8, 'WAVE')) return measureWav(view)
  const seconds = secondsOfMp3(view)
  return seconds === null
    ? { format: 'other', seconds: null }
    : { format: 'mp3', seconds: roundedUp(seconds) }
}

/** The most seconds that a recording can last for this model, or why there is no telling (a sentence's end). */
export function soundSecondsMax(sound: Sound, { media, upstreamModel }: Model): Result<number, string> {
  const own = media.audioSecondsMax
  if (sound.seconds !== null && own !== null && sound.seconds > own) {
    return err(`it may last ${sound.seconds} s, and the operator allows ${own} s`)
  }
  const documented = /^gpt-4o-(?:mini-)?transcribe\b/.test(upstreamModel) ? TRANSCRIBE_SECONDS_MAX : null
  const known = [sound.seconds, own ?? documented].filter((each) => each !== null)
  if (known.length > 0) return ok(Math.min(...known))
  return err(
    'how long it lasts cannot be told from its bytes. Send WAV or MP3, or have the operator set media.audioSecondsMax',
  )
}

/** Standard base64 as bytes; null for anything else. */
export function decodeBase64(text: string): Uint8Array | null {
  if (text === '' || text.length % 4 === 1 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}

function measureWav(view: DataView): Sound | null {
  const format = findChunk(view, 'fmt ')
  if (format === null || format.start + 16 > view.byteLength) return null
  // Of two formats some decoders take the first and some the last.
  if (findChunk(view, 'fmt ', afterChunk(format)) !== null) return null
  const at = format.start
  const samplesPerSecond = view.getUint32(at + 4, true)
  const bytesPerSecond = view.getUint32(at + 8, true)
  const frameBytes = view.getUint16(at + 12, true)
  // Compressed samples have no size of their own, so that such a file is as unknown as any other.
  if (!plainFormats.has(codecOf(view, at, format.bytes))) return { format: 'other', seconds: null }
  const isSane =
    samplesPerSecond >= 4000 &&
    frameBytes === (view.getUint16(at + 2, true) * view.getUint16(at + 14, true)) / 8 &&
    frameBytes > 0 &&
    bytesPerSecond === samplesPerSecond * frameBytes
  if (!isSane) return null
  const data = findChunk(view, 'data')
  // Whoever writes a file before knowing its length leaves all bits set.
  const declared = data === null || data.bytes >= 0xffff_ff00 ? 0 : data.bytes
  return { format: 'wav', seconds: roundedUp(Math.max(declared, view.byteLength) / bytesPerSecond) }
}

function codecOf(view: DataView, at: number, bytes: number): number {
  const codec = view.getUint16(at, true)
  const isExtended = codec === extensibleFormat && bytes >= 26 && at + 26 <= view.byteLength
  return isExtended ? view.getUint16(at + 24, true) : codec
}

/** A chunk of a RIFF file by name: where its content stands, and how long it says to be. */
function findChunk(view: DataView, name: string, from = 12): { start: number; bytes: number } | null {
  let at = from
  while (at + 8 <= view.byteLength) {
    const bytes = view.getUint32(at + 4, true)
    const chunk = { start: at + 8, bytes }
    if (hasText(view, at, name)) return chunk
    at = afterChunk(chunk)
  }
  return null
}

/** Chunks begin at even places. */
function afterChunk({ start, bytes }: { start: number; bytes: number }): number {
  return start + bytes + (bytes % 2)
}

/**
 * The length of an MP3 by walking its frames; null where it does not begin as one does, after its tag, with two
 * frames that fit together. What lies between frames is counted as if something lived in it, and so are frames of
 * another kind, since decoders may look for the next one of theirs inside.
 */
function secondsOfMp3(view: DataView): number | null {
  // Decoders know an MP4 by its second word, whatever the first one is.
  if (mp4Boxes.some((name) => hasText(view, 4, name))) return null
  let at = endOfTag(view)
  if (at === null) return null
  const first = frameAt(view, at)
  if (first === null) return null
  const next = at + first.bytes
  if (next < view.byteLength && frameAt(view, next)?.kind !== first.kind) return null
  let seconds = 0
  let lost = 0
  while (at < view.byteLength) {
    const frame = frameAt(view, at)
    if (frame?.kind !== first.kind) {
      lost += 1
      at += 1
    } else {
      seconds += frame.seconds
      at += frame.bytes
    }
  }
  return seconds + lost / LOST_BYTES_PER_SECOND
}

/**
 * The end of an ID3v2 tag, whose length has seven bits a byte; null for one that is not in order, which decoders do
 * not pass over, so that it may be full of frames.
 */
function endOfTag(view: DataView): number | null {
  if (!hasText(view, 0, 'ID3')) return 0
  if (view.byteLength < 10) return null
  const [version = 0, revision = 0, flags = 0, ...length] = new Uint8Array(
    view.buffer,
    view.byteOffset + 3,
    7,
  )
  const isInOrder = version >= 2 && version <= 4 && revision !== 0xff && (flags & 0x0f) === 0
  if (!isInOrder || length.some((byte) => byte > 0x7f)) return null
  const size = length.reduce((sum, byte) => sum * 128 + byte, 0)
  return 10 + size + (flags & 0x10 ? 10 : 0)
}

const kilobitsOfVersion1 = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const kilobitsOfVersion2 = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
const samplesPerSecondOfVersion1 = [44_100, 48_000, 32_000]

/** `kind` is the same for all frames of one recording. */
type Frame = { bytes: number; seconds: number; kind: number }

/** Bits of a frame's header for its version and its samples a second. */
const KIND_BITS = 0x00180c00

/** The Layer III frame of a known bit rate that begins here, if one does. */
function frameAt(view: DataView, at: number): Frame | null {
  if (at + 4 > view.byteLength) return null
  const header = view.getUint32(at)
  const version = (header >>> 19) & 3
  const isLayer3 = header >>> 21 === 0x7ff && version !== 1 && ((header >>> 17) & 3) === 1
  if (!isLayer3) return null
  const isVersion1 = version === 3
  const kilobits = (isVersion1 ? kilobitsOfVersion1 : kilobitsOfVersion2)[((header >>> 12) & 15) - 1]
  const fullRate = samplesPerSecondOfVersion1[(header >>> 10) & 3]
  if (kilobits === undefined || fullRate === undefined) return null
  const samplesPerSecond = fullRate / (isVersion1 ? 1 : version === 2 ? 2 : 4)
  const samples = isVersion1 ? 1152 : 576
  const padding = (header >>> 9) & 1
  const bytes = Math.floor((samples * kilobits * 125) / samplesPerSecond) + padding
  return { bytes, seconds: samples / samplesPerSecond, kind: header & KIND_BITS }
}

function hasText(view: DataView, at: number, text: string): boolean {
  if (at + text.length > view.byteLength) return false
  for (let index = 0; index < text.length; index += 1) {
    if (view.getUint8(at + index) !== text.charCodeAt(index)) return false
  }
  return true
}

/** A second more, for what an encoder adds at the ends. */
function roundedUp(seconds: number): number {
  return Math.ceil(seconds) + 1
}
