/** Answers that come whole: read, metered and settled before the client sees them, so that they carry the receipt. */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { answerHeaders, receiptOf } from './answer.ts'
import type { Dispatch, Pipeline } from './call.ts'
import { scrubFailure } from './forward.ts'
import { concatenate } from './read-body.ts'
import { settle } from './settle.ts'
import type { Watch } from './watch.ts'

/** The most that a buffered answer may have, in bytes, where its endpoint says nothing else. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** Reads the provider's answer to its end, settles, and returns it with headers and receipt. */
export async function buffer(
  pipeline: Pipeline,
  dispatch: Dispatch,
  watch: Watch,
  upstream: Response,
): Promise<Result<Response, Refusal>> {
  const text = await readAnswer(dispatch, watch, upstream)
  if (text.ok) dispatch.whole = true
  const ended = dispatch.left ? 'stopped' : text.ok ? 'complete' : 'error'
  const reply = await settle(pipeline, dispatch, ended)
  watch.end()
  if (!text.ok) return text
  const body = reply ? dispatch.call.endpoint.withReceipt(text.value, receiptOf(reply)) : text.value
  const headers = { ...answerHeaders(pipeline, dispatch, reply), 'content-type': 'application/json' }
  return ok(new Response(body, { headers }))
}

async function readAnswer(
  dispatch: Dispatch,
  watch: Watch,
  upstream: Response,
): Promise<Result<string, Refusal>> {
  const bytes = await readBytes(dispatch, watch, upstream)
  if (!bytes.ok) return bytes
  try {
    const text = decoder.decode(bytes.value)
    if (dispatch.tap.body(JSON.parse(text))) return ok(scrubFailure(dispatch, text))
  } catch {
    // Not UTF-8 or not JSON.
  }
  return err(refusal('upstream_invalid', 'The model provider sent something that is no valid answer.'))
}

/** A body of a declared length is taken whole, which is much cheaper than by chunks; its silence is a timeout too. */
async function readBytes(
  dispatch: Dispatch,
  watch: Watch,
  upstream: Response,
): Promise<Result<Uint8Array, Refusal>> {
  const declared = Number(upstream.headers.get('content-length') ?? Number.NaN)
  const bytesMax = dispatch.call.endpoint.answerBytesMax ?? ANSWER_BYTES_MAX
  try {
    if (declared <= bytesMax) return ok(new Uint8Array(await upstream.arrayBuffer()))
    return await readChunks(dispatch, watch, upstream, bytesMax)
  } catch {
    if (dispatch.stopped === null)
      return err(refusal('upstream_invalid', "The model provider's answer broke off."))
  }
  if (dispatch.stopped === 'invalid')
    return err(refusal('upstream_invalid', "The model provider's answer is too large."))
  return err(refusal('upstream_timeout', 'The model provider did not finish its answer in time.'))
}

/** Throws when the answer breaks off or is stopped. */
async function readChunks(
  dispatch: Dispatch,
  watch: Watch,
  upstream: Response,
  bytesMax: number,
): Promise<Result<Uint8Array, Refusal>> {
  const reader = upstream.body?.getReader()
  if (!reader) return ok(new Uint8Array())
  watch.onStop(() => void reader.cancel().catch(() => {}))
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (dispatch.stopped !== null) throw new Error('stopped')
    if (done) return ok(chunks.length === 1 && chunks[0] ? chunks[0] : concatenate(chunks, length))
    watch.active()
    length += value.byteLength
    if (length > bytesMax) watch.stop('invalid')
    chunks.push(value)
  }
}
