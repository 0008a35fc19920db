/** What the endpoints' tests share: a model that may be anything, and a parser that may be asked with few words. */
import type { Model } from '../core/catalog.ts'
import { chargeMax, type Price } from '../core/pricing.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Result } from '../core/result.ts'
import { unitPrice } from '../core/test-kit.ts'
import type { Endpoint, ForwardOptions, ModelRequest, ParseOptions, RawRequest } from '../ports.ts'

export type ParseChoices = {
  unknownParameters?: ParseOptions['unknownParameters']
  allowParameters?: (model: string) => readonly string[]
  /** Over a text model at a microcredit a token, without tools, that fetches nothing. */
  model?: Partial<Model>
  price?: Partial<Price>
  headers?: Record<string, string>
  /** The model that the path names. */
  pathModel?: string
  url?: string
}

/** A model as the catalogue has it. */
export function modelOf(over: Partial<Model> = {}): Model {
  return {
    id: 'fast',
    provider: 'openai',
    upstreamModel: 'gpt-5-mini',
    prices: [{ from: Number.NEGATIVE_INFINITY, price: unitPrice }],
    outputTokensMax: null,
    outputTokensDefault: 4096,
    reasoning: true,
    onDisconnect: 'abort',
    allowParameters: [],
    media: { remote: false, imageTokensMax: null, audioSecondsMax: null },
    tools: null,
    ...over,
  }
}

/** A request and options as the pipeline would hand them over; a body that is no text is sent as JSON. */
export function inputOf(body: unknown, choices: ParseChoices = {}): [RawRequest, ParseOptions] {
  const { unknownParameters = 'refuse', allowParameters, model, price, headers } = choices
  const { pathModel = null, url = 'http://gateway/v1' } = choices
  const bytes =
    body instanceof Uint8Array
      ? body
      : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
  const find = (name: string) => ({
    model: modelOf({ id: name, allowParameters: allowParameters?.(name) ?? [], ...model }),
    price: { ...unitPrice, ...price },
  })
  return [
    { url, body: bytes, headers: new Headers(headers), model: pathModel },
    { unknownParameters, find },
  ]
}

/** Parses with an endpoint whose parser need not wait. */
export function parseWith(
  endpoint: Endpoint,
  body: unknown,
  choices: ParseChoices = {},
): Result<ModelRequest, Refusal> {
  const result = endpoint.parse(...inputOf(body, choices))
  if (result instanceof Promise) throw new Error(`${endpoint.id} parses later`)
  return result
}

/** What a request that must be accepted became. */
export function acceptedBy(endpoint: Endpoint, body: unknown, choices: ParseChoices = {}): ModelRequest {
  const result = parseWith(endpoint, body, choices)
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`)
  return result.value
}

/** Why a request that must be refused was. */
export function refusedBy(endpoint: Endpoint, body: unknown, choices: ParseChoices = {}): Refusal {
  const result = parseWith(endpoint, body, choices)
  if (result.ok) throw new Error('it was accepted')
  return result.error
}

/** The most that an accepted request can cost at this price, as admission reckons it; `frame` is the provider's framing. */
export function holdOf(request: ModelRequest, price: Price, frame = { base: 64, perItem: 16 }): number {
  const { forwardedBytesMax, items, addedTokensMax = 0, uses = {}, outputTokensAsked, choices } = request
  const text = forwardedBytesMax + frame.base + frame.perItem * items + addedTokensMax
  const inputTokens = text + (uses.audioInputTokens ?? 0) + (uses.imageInputTokens ?? 0)
  return chargeMax(price, { ...uses, answers: choices, inputTokens }, (outputTokensAsked ?? 0) * choices)
}

/** The JSON text that goes on. */
export function forwardedText(request: ModelRequest, options: Partial<ForwardOptions> = {}): string {
  const { body } = request.forward({
    upstreamModel: 'gpt-5-mini',
    outputTokensMax: 500,
    userHash: 'hash',
    ...options,
  })
  if (typeof body !== 'string') throw new Error('a form goes on')
  return body
}

/** Parses a form as it would come over the wire. */
export async function parseForm(
  endpoint: Endpoint,
  form: FormData,
  choices: ParseChoices = {},
): Promise<Result<ModelRequest, Refusal>> {
  const encoded = new Response(form)
  const type = encoded.headers.get('content-type') ?? ''
  const body = new Uint8Array(await encoded.arrayBuffer())
  return endpoint.parse(
    ...inputOf(body, { ...choices, headers: { 'content-type': type, ...choices.headers } }),
  )
}
