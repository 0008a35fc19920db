/** From a refusal to an HTTP answer, in the words of the wire that was spoken. */
import { type Refusal, refusal, refusalKind } from '../core/refusal.ts'
import { openAiError } from '../endpoints/openai/openai-wire.ts'

/** The answer for a refusal: status, wire body, when to come back and whether a retry can help. */
export function refuse(
  refused: Refusal,
  requestId: string,
  body: (refused: Refusal) => unknown = openAiError,
): Response {
  const { status, retry } = refusalKind(refused.code)
  const headers = new Headers({ 'x-request-id': requestId })
  if (refused.retryAfterMs !== undefined)
    headers.set('retry-after', String(Math.ceil(refused.retryAfterMs / 1000)))
  if (refused.first) headers.set('faregate-first-request-id', refused.first.requestId)
  if (!retry) headers.set('x-should-retry', 'false')
  if (status === 401) headers.set('www-authenticate', 'Bearer')
  return Response.json(body(refused), { status, headers })
}

/** The refusal for a fault of our own; what it was is in the log, under the request's id. */
export function internalError(): Refusal {
  return refusal(
    'internal_error',
    'Something went wrong here. Tell the operator the x-request-id of this answer.',
  )
}
