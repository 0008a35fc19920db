/** Reads a request's body within a size and a time: an endless or stalled body must not hold a connection. */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'

/** The whole body, or 413 when it is larger than `bytesMax`, or 408 when it takes longer than `timeoutMs`. */
export async function readBody(
  request: Request,
  { bytesMax, timeoutMs }: { bytesMax: number; timeoutMs: number },
): Promise<Result<Uint8Array, Refusal>> {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) return err(tooLarge(bytesMax))
  if (!request.body) return ok(new Uint8Array())
  const reader = request.body.getReader()
  let late = false
  const timer = setTimeout(() => {
    late = true
    reader.cancel().catch(() => {})
  }, timeoutMs)
  try {
    const chunks: Uint8Array[] = []
    let length = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (late) return err(tooLate(timeoutMs))
      if (done) return ok(chunks.length === 1 && chunks[0] ? chunks[0] : concatenate(chunks, length))
      length += value.byteLength
      if (length > bytesMax) {
        reader.cancel().catch(() => {})
        return err(tooLarge(bytesMax))
      }
      chunks.push(value)
    }
  } catch {
    return err(refusal('invalid_json', 'The request body broke off before its end.'))
  } finally {
    clearTimeout(timer)
  }
}

/** One array of all the chunks. */
export function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

function tooLarge(bytesMax: number): Refusal {
  return refusal(
    'request_too_large',
    `The request body is larger than the ${bytesMax} bytes that are allowed.`,
  )
}

function tooLate(timeoutMs: number): Refusal {
  return refusal('request_timeout', `The request body did not arrive within ${timeoutMs / 1000} s.`)
}
