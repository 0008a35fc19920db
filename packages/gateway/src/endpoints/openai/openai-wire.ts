/** How OpenAI's endpoints word refusals and errors, and how everyone does who speaks its wire. */
import { type Refusal, refusalKind } from '../../core/refusal.ts'
import type { Wire } from '../../ports.ts'

/** OpenAI's error body. SDKs turn it into `APIError` with `code`, `param` and `type`. */
export type OpenAiError = {
  error: { message: string; type: string; param: string | null; code: string }
}

/** The body for a refusal: `{ error: { message, type, param, code } }`. */
export function openAiError(refusal: Refusal): OpenAiError {
  const { type } = refusalKind(refusal.code)
  return { error: { message: refusal.message, type, param: refusal.param ?? null, code: refusal.code } }
}

/** OpenAI's wire: an error in a stream is an event whose data has an `error`, which SDKs throw. */
export const openAiWire: Wire = {
  refusal: openAiError,
  rejection: (_status, error) => ({ error }),
  errorEvent: (refusal) => `data: ${JSON.stringify(openAiError(refusal))}\n\n`,
  comments: true,
}
