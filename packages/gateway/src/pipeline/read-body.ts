/** Reads a request's body within a size and a time: an endless or stalled body must not hold a connection. */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'

/** The whole body, or 413 when it is larger than `bytesMax`, or 408 when it takes longer than `timeoutMs`. */
export async function readBody(
  request: Request,
  { bytesMax, timeoutMs }: { bytesMax: number; timeoutMs: number },
): Promise<Result<Uint8Array, Refusal>> {
  const declared = request.headers.get('content-length')
  if (declared !== null && Number(declared) > bytesMax) return err(tooLarge(bytesMax))
  if (!request.body) return ok(new Uint8Array())
  const late = deadline(timeoutMs)
  // A server holds a body to its declared length, so it can be taken whole; that is much cheaper than by chunks.
  // Beside a transfer encoding, which workerd lets through, a length says nothing.
  const isHeld = declared !== null && !request.headers.has('transfer-encoding')
  const reader = isHeld ? null : request.body.getReader()
  const reading = reader ? readChunks(reader, bytesMax) : readWhole(request)
  const bytes = await Promise.race([reading, late.passed]).catch(() => brokenOff)
  late.clear()
  if (bytes) return bytes
  reader?.cancel().catch(() => {})
  return err(tooLate(timeoutMs))
}

const brokenOff = err(refusal('invalid_json', 'The request body broke off before its end.'))

async function readWhole(request: Request): Promise<Result<Uint8Array, Refusal>> {
  return ok(new Uint8Array(await request.arrayBuffer()))
}

async function readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  bytesMax: number,
): Promise<Result<Uint8Array, Refusal>> {
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return ok(chunks.length === 1 && chunks[0] ? chunks[0] : concatenate(chunks, length))
    length += value.byteLength
    if (length > bytesMax) {
      reader.cancel().catch(() => {})
      return err(tooLarge(bytesMax))
    }
    chunks.push(value)
  }
}

/** Resolves to null when the time has passed. */
function deadline(timeoutMs: number): { passed: Promise<null>; clear(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  const passed = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs)
  })
  return { passed, clear: () => clearTimeout(timer) }
}

/** One array of all the chunks. */
export function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
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
