/**
 * Pictures and sound in a chat request's messages. What is in the request is measured by its own bytes; what the
 * provider would fetch, or what has no price, is refused. Files are too: nobody can tell what a PDF holds.
 */
import type { Model } from '../../core/catalog.ts'
import { type Price, pricesTokens } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'
import { decodeBase64, measureSound, soundSecondsMax, soundTokensMax } from '../media-sound.ts'
import { invalidValue, oneOf } from '../parameters.ts'
import { record } from '../usage.ts'
import { inlineImage, openAiImageTokens } from './media-images.ts'

/** The model that is asked, and its price now; null where there is no such model, which is refused later. */
export type Asked = { model: Model; price: Price } | null

/** Upper bounds on what messages hold beside text, and the bytes of the request that are no text. */
export type MediaCount = { imageTokens: number; audioTokens: number; mediaBytes: number }

type Part = Record<string, unknown>
type Fault = Refusal | null

/** Parts that are no text, and who checks them. */
const mediaParts = new Map([
  ['image_url', faultInImage],
  ['input_audio', faultInSound],
])

/** Whether a part of this type is a picture or sound. */
export function isMedia(type: string): boolean {
  return mediaParts.has(type)
}

/** Checks a part that is a picture or sound, and counts it. */
export function faultInMedia(
  part: Part & { type: string },
  at: string,
  asked: Asked,
  counted: MediaCount,
): Fault {
  const { type } = part
  const content = record(part[type])
  if (content === null) return invalidValue(`${at}.${type}`, 'an object')
  return mediaParts.get(type)?.(content, `${at}.${type}`, asked, counted) ?? null
}

/** Whether a kind of token has a price, or needs none because tokens cost nothing. */
export function isPriced(price: Price, kind: 'audioInput' | 'audioOutput'): boolean {
  return price[kind] !== undefined || !pricesTokens(price)
}

const detail = oneOf('auto', 'low', 'high', 'original')

function faultInImage(content: Part, at: string, asked: Asked, counted: MediaCount): Fault {
  const { url, detail: given, ...others } = content
  const [strange] = Object.keys(others)
  if (strange !== undefined) return refused(`${at}.${strange}`, 'it is not known here')
  if (typeof url !== 'string') return invalidValue(`${at}.url`, 'a string')
  if (given !== undefined && given !== null && !detail.accepts(given)) {
    return refused(`${at}.detail`, `it must be ${detail.expected}`)
  }
  const image = inlineImage(url)
  if (image === null && !(asked?.model.media.remote && /^https?:\/\//i.test(url))) {
    const why = 'pictures must be in the request, as data:image/png;base64,… (or jpeg, gif, webp)'
    return refused(`${at}.url`, why)
  }
  counted.mediaBytes += image?.bytes ?? 0
  if (asked) counted.imageTokens += openAiImageTokens(asked.model, image?.size ?? null, given)
  return null
}

function faultInSound(content: Part, at: string, asked: Asked, counted: MediaCount): Fault {
  const { data, format, ...others } = content
  const [strange] = Object.keys(others)
  if (strange !== undefined) return refused(`${at}.${strange}`, 'it is not known here')
  if (format !== 'wav' && format !== 'mp3') return refused(`${at}.format`, 'it must be "wav" or "mp3"')
  const bytes = typeof data === 'string' ? decodeBase64(data) : null
  if (bytes === null) return invalidValue(`${at}.data`, 'standard base64, without a data: prefix')
  if (asked && !isPriced(asked.price, 'audioInput')) {
    return refused(at, `the operator has given no price for sound that ${asked.model.id} hears (audioInput)`)
  }
  const sound = measureSound(bytes)
  if (sound?.format !== format) return invalidValue(`${at}.data`, `a ${format} file, as its format says`)
  counted.mediaBytes += (data as string).length
  if (asked === null) return null
  const seconds = soundSecondsMax(sound, asked.model)
  if (!seconds.ok) return refused(`${at}.data`, seconds.error)
  counted.audioTokens += soundTokensMax(asked.model, seconds.value)
  return null
}

function refused(param: string, why: string): Refusal {
  return refusal('unsupported_parameter', `'${param.slice(0, 128)}' is not supported: ${why}.`, {
    param: param.slice(0, 128),
  })
}
