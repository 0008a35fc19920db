/** How Anthropic's endpoints word refusals and errors, and which versions of its API may be asked for. */
import { type Refusal, type RefusalCode, refusalKind } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Wire } from '../../ports.ts'
import { invalidValue } from '../parameters.ts'

/** Anthropic's error body. SDKs turn it into `APIError` with `type`, and `errorCode` from the details. */
export type AnthropicError = {
  type: 'error'
  error: { type: string; message: string; details?: { error_code: string; param?: string } }
}

/** The API versions that requests are checked for, the newest last. They differ in what the provider refuses. */
const versions = ['2023-06-01', '2026-10-21'] as const

const types: Partial<Record<RefusalCode, string>> = {
  request_timeout: 'timeout_error',
  upstream_timeout: 'timeout_error',
  request_too_large: 'request_too_large',
  overloaded: 'overloaded_error',
}

const typeOfStatus: Record<number, string> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
}

/** The body for a refusal; its details name the house's own code, and the field. */
export function anthropicError({ code, message, param }: Refusal): AnthropicError {
  const { status } = refusalKind(code)
  const type = types[code] ?? typeOfStatus[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  const details = { error_code: code, ...(param !== undefined && { param }) }
  return { type: 'error', error: { type, message, details } }
}

/** Anthropic's wire: an error in a stream is an event of that name, which SDKs throw. */
export const anthropicWire: Wire = {
  refusal: anthropicError,
  rejection: (_status, { type, message, code }) => ({
    type: 'error',
    error: { type, message, ...(code !== null && { details: { error_code: code } }) },
  }),
  errorEvent: (refusal) => `event: error\ndata: ${JSON.stringify(anthropicError(refusal))}\n\n`,
  comments: true,
  requestIdHeader: 'request-id',
}

/**
 * The headers that go on: the API version that the caller asks for. Without one the first is meant, as clients that
 * name none were written for it; Anthropic itself would refuse them.
 */
export function versionHeader(headers: Headers): Result<Record<string, string>, Refusal> {
  const version = headers.get('anthropic-version')?.trim() || versions[0]
  if (versions.some((known) => known === version)) return ok({ 'anthropic-version': version })
  return err(invalidValue('anthropic-version', `one of ${versions.join(', ')}`))
}
