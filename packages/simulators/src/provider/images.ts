/**
 * OpenAI's images wire: pictures whole, or one with previews in a stream. The prompt is the script. A picture takes
 * `completionTokens` (or `imageOutputTokens`), by default 196, and is a speck of PNG, or `content` as base64.
 */
import { errorBody } from './errors.ts'
import { type Script, scriptFrom } from './script.ts'
import { type AnswerPlan, type Given, NO_USE, type SimulatedWire, type Use, type WireEvent } from './wire.ts'
import {
  count,
  EVENT_STREAM_TYPE,
  JSON_TYPE,
  jsonBody,
  padding,
  reportedUsage,
  sseEvent,
  toJson,
} from './wire-kit.ts'

const PICTURE_TOKENS = 196
const PREVIEW_TOKENS = 100
const SPECK =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='

type ImagePlan = Readonly<{
  body: Record<string, unknown>
  script: Script
  given: Given
  use: Use
  pictures: number
  previews: number
}>

const planOf = (body: Record<string, unknown>, script: Script, given: Given): ImagePlan => {
  const pictures = Math.max(1, count(body.n) ?? 1)
  const previews = body.stream === true ? (count(body.partial_images) ?? 0) : 0
  const written = script.completionTokens ?? script.imageOutputTokens ?? PICTURE_TOKENS
  const drawn = Math.min(script.imageOutputTokens ?? written, written)
  const use = {
    ...NO_USE,
    promptTokens: script.promptTokens ?? Math.ceil(given.bodyBytes / 4),
    cachedTokens: script.cachedTokens ?? 0,
    completionTokens: written * pictures + PREVIEW_TOKENS * previews,
    imageOutputTokens: drawn * pictures + PREVIEW_TOKENS * previews,
  }
  return { body, script, given, use, pictures, previews }
}

const usageOf = ({ use }: ImagePlan) => ({
  total_tokens: use.promptTokens + use.completionTokens,
  input_tokens: use.promptTokens,
  input_tokens_details: { text_tokens: use.promptTokens, image_tokens: 0, cached_tokens: use.cachedTokens },
  output_tokens: use.completionTokens,
  output_tokens_details: {
    image_tokens: use.imageOutputTokens,
    text_tokens: use.completionTokens - use.imageOutputTokens,
  },
})

const base64Of = ({ content }: Script): string =>
  content === undefined ? SPECK : Buffer.from(content).toString('base64')

const look = ({ body }: ImagePlan) => ({
  background: body.background === 'transparent' ? 'transparent' : 'opaque',
  output_format: body.output_format ?? 'png',
  quality: typeof body.quality === 'string' && body.quality !== 'auto' ? body.quality : 'low',
  size: typeof body.size === 'string' && body.size !== 'auto' ? body.size : '1024x1024',
})

const imagesResponse = (plan: ImagePlan): string => {
  const { script, given, body } = plan
  const picture =
    body.response_format === 'url'
      ? { url: `https://pictures.invalid/${given.id}.png` }
      : { b64_json: base64Of(script) }
  const data = Array.from({ length: plan.pictures }, () => picture)
  const usage = reportedUsage(script, usageOf(plan))
  return toJson({ created: given.created, ...look(plan), data, ...padding(script), usage }, script)
}

const previewEvent = (plan: ImagePlan, index: number, picture: string): string => {
  const type = 'image_generation.partial_image'
  const event = { type, b64_json: picture, partial_image_index: index, created_at: plan.given.created }
  return sseEvent(JSON.stringify({ ...event, ...look(plan) }), type)
}

/** The previews, then the picture with its usage. */
const imageEvents = (plan: ImagePlan): WireEvent[] => {
  const { script, use, previews } = plan
  const type = 'image_generation.completed'
  const completed = toJson(
    {
      type,
      b64_json: base64Of(script),
      created_at: plan.given.created,
      ...look(plan),
      usage: reportedUsage(script, usageOf(plan)),
    },
    script,
  )
  const early = Array.from({ length: previews }, (_, index) => ({
    text: previewEvent(plan, index, base64Of(script)),
    tokens: PREVIEW_TOKENS,
    content: true,
    use: { imageOutputTokens: PREVIEW_TOKENS },
  }))
  const last = {
    text: sseEvent(completed, type),
    tokens: use.completionTokens - PREVIEW_TOKENS * previews,
    content: true,
    use: { imageOutputTokens: use.imageOutputTokens - PREVIEW_TOKENS * previews },
  }
  return [...early, last]
}

const answer = (plan: ImagePlan): AnswerPlan => {
  const stream = plan.body.stream === true
  return {
    stream,
    use: plan.use,
    hiddenTokens: 0,
    contentType: stream ? EVENT_STREAM_TYPE : JSON_TYPE,
    whole: () => imagesResponse(plan),
    events: () => imageEvents(plan),
    closing: '',
    errorEvent: sseEvent(JSON.stringify({ type: 'error', ...errorBody(500) }), 'error'),
    longLine: (content) => previewEvent(plan, 0, content),
  }
}

/** `POST /images/generations`, Azure's deployments too. */
export const imagesWire: SimulatedWire = {
  id: 'images',
  matches: (method, path) => method === 'POST' && path === '/images/generations',
  read: ({ raw, deployment }) => {
    const body = jsonBody(raw)
    if (body === null || typeof body.prompt !== 'string') return null
    // As OpenAI has it: a stream has one picture.
    if (body.stream === true && (count(body.n) ?? 1) > 1) return null
    const { script, key } = scriptFrom(body.prompt)
    const model = script.model ?? (typeof body.model === 'string' ? body.model : (deployment ?? 'unknown'))
    return {
      script,
      keys: [key, body.user, body.safety_identifier],
      model,
      plan: (given) => answer(planOf(body, script, given)),
    }
  },
  error: errorBody,
}
