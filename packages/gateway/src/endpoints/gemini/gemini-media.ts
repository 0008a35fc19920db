/**
 * Pictures and sound in a Gemini request: bounded in tokens by what their own bytes say, whatever type they are said to
 * be of.
 * Sources: ai.google.dev, "Understand and count tokens", "Image understanding", "Media resolution".
 */
import type { Model } from '../../core/catalog.ts'
import type { Price } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { imageSize } from '../image-size.ts'
import { decodeBase64, measureSound, soundSecondsMax } from '../media-sound.ts'

/** What a blob is, and the most tokens that it takes. */
export type Media = { kind: 'picture' | 'sound'; tokens: number }

/** The model that is asked, and the price that it has now. */
export type Asked = { model: Model; price: Price }

const pictures = ['image/png', 'image/jpeg', 'image/webp']
const deepPictures = ['image/heic', 'image/heif']

/** Whether a text is base64, of either alphabet that the provider takes, on one line. */
export function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text)
}

/** Bounds a blob; refuses what has no bound or no price here. `type` is in lower case, `data` is base64. */
export function boundMedia(type: string, data: string, asked: Asked): Result<Media, Refusal> {
  const base64 = data.replaceAll('-', '+').replaceAll('_', '/')
  if (type.startsWith('audio/')) return boundSound(base64, asked)
  const most = asked.model.media.imageTokensMax
  if (pictures.includes(type)) return boundPicture(base64, most)
  // Their size stands too deep in them to be read.
  if (deepPictures.includes(type) && most !== null) {
    return isHeif(base64) ? ok({ kind: 'picture', tokens: most }) : err(noPicture)
  }
  const kinds = [...pictures, ...(most === null ? [] : deepPictures)].join(', ')
  const message = `Data of type '${type.slice(0, 64)}' is not supported: it has no bound on this endpoint. Send text, pictures (${kinds}) or sound.`
  return err(refusal('unsupported_parameter', message))
}

function boundPicture(base64: string, most: number | null): Result<Media, Refusal> {
  const size = imageSize(base64)
  if (size === null || size.width > sideMax || size.height > sideMax) return err(noPicture)
  const tokens = pictureTokensMax(size.width, size.height)
  return ok({ kind: 'picture', tokens: Math.min(tokens, most ?? tokens) })
}

/** No picture is larger, in pixels, that its decoders take. */
const sideMax = 65_535

function isHeif(base64: string): boolean {
  return base64.length > 12 && atob(base64.slice(0, 12)).endsWith('ftyp', 8)
}

const noPicture = refusal(
  'invalid_value',
  'The data of a picture is not of the type that it says, or does not tell its size.',
)

/** Gemini hears a second of sound as 32 tokens. */
const soundTokensPerSecond = 32

function boundSound(base64: string, { model, price }: Asked): Result<Media, Refusal> {
  if (price.audioInput === undefined) {
    const message = 'Sound is not supported: the operator has given no price for sound that a model hears.'
    return err(refusal('unsupported_parameter', message))
  }
  const bytes = decodeBase64(base64)
  const sound = bytes === null ? null : measureSound(bytes)
  if (sound === null) return err(refusal('invalid_value', 'The data is no sound that can be read.'))
  const seconds = soundSecondsMax(sound, model)
  if (!seconds.ok)
    return err(refusal('unsupported_parameter', `This sound is not supported: ${seconds.error}.`))
  return ok({ kind: 'sound', tokens: Math.ceil(seconds.value * soundTokensPerSecond) })
}

/** The most that a picture takes at the highest resolution, from Gemini 3 on. */
const highestResolutionTokens = 2240
const tileTokens = 258
const tileSideMax = 768

/**
 * The most tokens of a picture. Earlier models cut it into tiles of 768 pixels or, by the newer rule, of two thirds of
 * its shorter side; later ones ask for a fixed number by resolution. Which of them is asked is not known here.
 */
export function pictureTokensMax(width: number, height: number): number {
  const side = Math.max(1, Math.min(tileSideMax, Math.floor(Math.min(width, height) / 1.5)))
  const tiles = Math.ceil(width / side) * Math.ceil(height / side)
  return Math.max(highestResolutionTokens, tiles * tileTokens)
}
