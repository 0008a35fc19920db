/**
 * Dispatch: sends the checked request to the provider with the operator's key, and reads the provider's refusals.
 * The address comes from the config alone, redirects are not followed, and no header of the caller goes along.
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Outgoing, ProviderError } from '../ports.ts'
import { type Dispatch, nameOf, type Pipeline } from './call.ts'
import { concatenate } from './read-body.ts'

/** The most of a provider's error body that is read, in bytes. */
const ERROR_BYTES_MAX = 65_536

/**
 * Why there is no answer. `billed` says whether the provider may have worked, so that evidence must be charged;
 * `rejected` is the provider's own refusal of the request, to be passed on.
 */
export type ForwardFailure =
  | { kind: 'refused'; refusal: Refusal; billed: boolean }
  | { kind: 'rejected'; status: number; error: ProviderError }

/** Sends the request; resolves with the provider's answer once its headers are there. */
export async function forward(
  pipeline: Pipeline,
  dispatch: Dispatch,
  { body, headers }: Outgoing,
): Promise<Result<Response, ForwardFailure>> {
  const { provider } = dispatch
  try {
    const response = await pipeline.fetch(addressOf(dispatch), {
      method: 'POST',
      headers: {
        ...headers,
        ...provider.headers,
        // A form brings its own, with the boundary.
        ...(typeof body === 'string' && { 'content-type': 'application/json' }),
        accept: answerType(dispatch),
        'accept-encoding': 'identity',
      },
      body,
      redirect: 'manual',
      signal: dispatch.controller.signal,
    })
    return await checked(pipeline, dispatch, response)
  } catch (error) {
    return err(unreachable(pipeline, dispatch, error))
  }
}

function addressOf({ provider, call, model }: Dispatch): string {
  const path = provider.paths[call.endpoint.id] ?? ''
  return provider.baseUrl + path.replace('{model}', encodeURIComponent(model.upstreamModel))
}

function answerType({ ask }: Dispatch): string {
  if (ask.binary) return '*/*'
  return ask.stream ? 'text/event-stream' : 'application/json'
}

/** A fetch that failed: by our own clock or hand (the provider may have worked), or before any byte came (it is free). */
function unreachable(
  pipeline: Pipeline,
  { stopped, provider, call }: Dispatch,
  error: unknown,
): ForwardFailure {
  if (stopped === 'left') return refused('request_timeout', 'The client left before the answer came.', true)
  if (stopped !== null) return refused('upstream_timeout', `The model provider did not answer in time.`, true)
  pipeline.log('warn', 'upstream_unavailable', {
    requestId: call.requestId,
    provider: provider.name,
    error: nameOf(error),
  })
  return refused(
    'upstream_unavailable',
    'The model provider cannot be reached. Nothing was charged. Try again.',
    false,
  )
}

/** Lets a good answer through; turns the others into failures. */
async function checked(
  pipeline: Pipeline,
  dispatch: Dispatch,
  response: Response,
): Promise<Result<Response, ForwardFailure>> {
  const { status, headers } = response
  if (status >= 200 && status < 300) {
    const encoding = headers.get('content-encoding') ?? 'identity'
    const type = (headers.get('content-type') ?? '').toLowerCase()
    if (encoding === 'identity' && isExpected(dispatch, type)) return ok(response)
    dispatch.controller.abort()
    const expected = dispatch.ask.binary ? 'sound' : answerType(dispatch)
    return err(refused('upstream_invalid', `The model provider did not answer with ${expected}.`, true))
  }
  const body = await errorBody(response, Object.values(dispatch.provider.headers))
  const failure = failureOf(status, headers, body)
  const facts = { requestId: dispatch.call.requestId, provider: dispatch.provider.name, status }
  pipeline.log(
    status === 401 || status === 402 || status === 403 ? 'error' : 'warn',
    'upstream_refused',
    facts,
  )
  return err(failure)
}

function isExpected(dispatch: Dispatch, type: string): boolean {
  if (!dispatch.ask.binary) return type.startsWith(answerType(dispatch))
  return type.startsWith('audio/') || type.startsWith('application/octet-stream')
}

function failureOf(status: number, headers: Headers, body: ProviderError): ForwardFailure {
  if (status >= 300 && status < 400) {
    return refused('upstream_redirect', 'The model provider sent a redirect, which is not followed.', false)
  }
  if (status === 401 || status === 403 || isKeyRefusal(body)) {
    return refused(
      'upstream_auth',
      "The model provider refused the operator's key. Tell the operator of this app.",
      false,
    )
  }
  if (status === 402 || isQuota(body)) {
    return refused(
      'upstream_quota',
      "The operator's account at the model provider is used up. Tell the operator.",
      false,
    )
  }
  if (status === 429) {
    const message = 'The model provider is limiting requests. Try again later.'
    return refused('rate_limited', message, false, retryAfterMs(headers) ?? 1000)
  }
  if (status === 503 || status === 529) {
    const message = 'The model provider is overloaded. Try again later.'
    return refused('overloaded', message, false, retryAfterMs(headers) ?? 1000)
  }
  if (status >= 500 || status < 400) {
    return refused(
      'upstream_error',
      `The model provider failed with status ${status}. Nothing was charged.`,
      false,
    )
  }
  return { kind: 'rejected', status, error: body }
}

function refused(
  code: Refusal['code'],
  message: string,
  billed: boolean,
  retryAfter?: number,
): Extract<ForwardFailure, { kind: 'refused' }> {
  const more = retryAfter === undefined ? {} : { retryAfterMs: retryAfter }
  return { kind: 'refused', refusal: refusal(code, message, more), billed }
}

/** The provider's error, bounded and without ids or keys of the operator's account. */
async function errorBody(response: Response, secrets: readonly string[]): Promise<ProviderError> {
  const parsed = parse(await readBounded(response))
  const text = (name: string) => {
    const value = parsed[name]
    return typeof value === 'string' ? scrub(value, secrets) : null
  }
  return {
    message: text('message') ?? `The model provider refused the request with status ${response.status}.`,
    type: text('type') ?? text('status') ?? 'invalid_request_error',
    param: text('param'),
    code: text('code') ?? detailedCode(parsed.details),
  }
}

/** Anthropic's `error.details.error_code`. */
function detailedCode(details: unknown): string | null {
  const code = isRecord(details) ? details.error_code : null
  return typeof code === 'string' ? code.slice(0, 128) : null
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  try {
    for (;;) {
      const next = await reader?.read()
      if (!next || next.done || length + next.value.byteLength > ERROR_BYTES_MAX) break
      chunks.push(next.value)
      length += next.value.byteLength
    }
  } catch {
    // What arrived before the break is all there is to say.
  }
  reader?.cancel().catch(() => {})
  return new TextDecoder().decode(concatenate(chunks, length))
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value) && isRecord(value['error'])) return value['error']
    // Mistral and vLLM have no envelope.
    if (isRecord(value) && value['object'] === 'error') return value
  } catch {
    // Not JSON: the status alone must do.
  }
  return {}
}

/** Removes what names the operator's account at the provider: organization, project and key ids, and the key sent. */
export function scrub(message: string, secrets: readonly string[] = []): string {
  const keys = secrets.map((secret) => secret.replace(/^Bearer /, '')).filter((key) => key.length >= 8)
  const clean = keys.reduce((text, key) => text.replaceAll(key, '[removed]'), message)
  return clean
    .replace(/\b(?:org|proj|wrkspc|sk|key|acct)[-_][A-Za-z0-9*_-]{4,}/g, '[removed]')
    .replace(/\bprojects?(?:\/|[ _]number:? ?)[\w-]+/g, '[removed]')
    .slice(0, 2000)
}

/** The JSON text of an answer or a frame, without such names where it tells of a failure. */
export function scrubFailure({ call, provider }: Dispatch, jsonText: string): string {
  const secrets = Object.values(provider.headers)
  return call.endpoint.withFailure?.(jsonText, (words) => scrub(words, secrets)) ?? jsonText
}

const quotaCodes = new Set([
  ...['insufficient_quota', 'billing_hard_limit_reached', 'billing_error'],
  ...['contract_spend_limit_reached', 'enforced_spend_limit_reached'],
])

/** Anthropic says it of its own customer in the words of an invalid request. */
const quotaMessage = /credit balance is too low|specified (?:workspace )?API usage limits/i

function isQuota({ code, type, message }: ProviderError): boolean {
  return quotaCodes.has(code ?? '') || quotaCodes.has(type) || quotaMessage.test(message)
}

/** Gemini refuses a key with a 400. */
function isKeyRefusal({ message }: ProviderError): boolean {
  return /API key (?:not valid|not found|expired)/i.test(message)
}

function retryAfterMs(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
