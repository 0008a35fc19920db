/**
 * How Gemini's endpoints word refusals and errors. `@google/genai` raises `ApiError` with the status for a body or a
 * stream's event that has an `error` with a numeric `code`; clients that throw on comments in a stream get none.
 */
import { type Refusal, refusalKind } from '../../core/refusal.ts'
import type { Wire } from '../../ports.ts'

type Detail = { '@type': string } & Record<string, unknown>

/** Gemini's error body: the HTTP status, a `google.rpc` name for it, and details. */
export type GeminiError = { error: { code: number; message: string; status: string; details?: Detail[] } }

/** Names of `google.rpc.Code` by HTTP status. */
const statusNames: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  // Google has no word for 402; of this one no client makes a reason to try again.
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  431: 'INVALID_ARGUMENT',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** The body for a refusal. Its own code, and the field that it names, are in `details`. */
export function geminiError({ code, message, param, retryAfterMs }: Refusal): GeminiError {
  const { status } = refusalKind(code)
  const details: Detail[] = [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: code,
      domain: 'faregate',
      ...(param !== undefined && { metadata: { param } }),
    },
  ]
  if (retryAfterMs !== undefined) {
    const retryDelay = `${Math.ceil(retryAfterMs / 1000)}s`
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay })
  }
  return { error: { code: status, message, status: nameOf(status), details } }
}

/** Gemini's wire. */
export const geminiWire: Wire = {
  refusal: geminiError,
  rejection: (status, { message, type }): GeminiError => ({
    error: { code: status, message, status: /^[A-Z_]+$/.test(type) ? type : nameOf(status) },
  }),
  errorEvent: (refusal) => `data: ${JSON.stringify(geminiError(refusal))}\n\n`,
  comments: false,
}

function nameOf(status: number): string {
  return statusNames[status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT')
}
