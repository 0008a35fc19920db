/** A refusal in OpenAI's error shape, for every endpoint that speaks OpenAI's wire. */
import { type Refusal, refusalKind } from '../core/refusal.ts'

/** OpenAI's error body. SDKs turn it into `APIError` with `code`, `param` and `type`. */
export type OpenAiError = {
  error: { message: string; type: string; param: string | null; code: string }
}

/** The body for a refusal: `{ error: { message, type, param, code } }`. */
export function openAiError(refusal: Refusal): OpenAiError {
  const { type } = refusalKind(refusal.code)
  return { error: { message: refusal.message, type, param: refusal.param ?? null, code: refusal.code } }
}
