/**
 * A caller's Idempotency-Key on its way through: read and hashed, and, where the operator lets answers be kept, what
 * went out under it is written down and given again to whoever repeats the request. Whether a request is a repeat is
 * the ledger's to say, in the one decision that also holds its credits.
 */
import type { IdempotencyKey } from '../core/idempotency.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Identity, KeptAnswer } from '../ports.ts'
import { type Dispatch, nameOf, type Pipeline } from './call.ts'
import type { Outlet } from './outlet.ts'
import { concatenate } from './read-body.ts'

/** The largest answer that is kept, in bytes: a Durable Object's row may have 2 MB. */
const KEPT_BYTES_MAX = 1024 * 1024

/**
 * The key that a request came with, if any, and what it asks. 400 for a key that cannot be one. A key is its sender's
 * own: two members of an organization with the same one do not meet.
 */
export async function readIdempotencyKey(
  { sha256 }: Pipeline,
  { accountId, member, keyHash: ofFaregateKey }: Identity,
  request: Request,
  body: Uint8Array,
): Promise<Result<IdempotencyKey | null, Refusal>> {
  const key = request.headers.get('idempotency-key')
  if (key === null) return ok(null)
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    const message = 'The Idempotency-Key must have 1 to 255 characters of visible ASCII, such as a UUID.'
    return err(refusal('invalid_value', message, { param: 'Idempotency-Key' }))
  }
  const { pathname, search } = new URL(request.url)
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(comparable(request, body)))
  // Routes are served with and without /v1, alike.
  const asked = `${request.method} ${pathname.replace(/^\/v1(?=\/)/, '')}${search} ${hexadecimal(digest)}`
  const sender = member ?? ofFaregateKey ?? accountId
  const [keyHash, requestHash] = await Promise.all([sha256(`${sender} ${key}`), sha256(asked)])
  return ok({ keyHash, requestHash })
}

/** The body without the boundary of a form, which clients make anew for each try. */
function comparable({ headers }: Request, body: Uint8Array): Uint8Array {
  const type = headers.get('content-type') ?? ''
  const boundary = /^multipart\/form-data;.*\bboundary="?([^";]+)/i.exec(type)?.[1]
  if (boundary === undefined) return body
  // One character for each byte, so that no two bodies become one.
  return new TextEncoder().encode(new TextDecoder('latin1').decode(body).replaceAll(boundary, ''))
}

function hexadecimal(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What a repeat gets in place of its refusal: the first answer as it went out, if that was kept. */
export async function replay(
  { store, settings }: Pipeline,
  { accountId }: Identity,
  key: IdempotencyKey | null,
  refused: Refusal,
): Promise<Result<Response, Refusal>> {
  const { first } = refused
  if (key === null || !first?.repeated || !settings.idempotency.storeAnswers) return err(refused)
  const { requestId } = first
  const kept = await store.answer(accountId, { keyHash: key.keyHash, requestId })
  if (kept === null) return err(refused)
  const headers = { ...kept.headers, 'idempotent-replayed': 'true' }
  return ok(new Response(kept.body, { status: kept.status, headers }))
}

type Answering = (pipeline: Pipeline) => Result<Response, Refusal> | Promise<Result<Response, Refusal>>

/**
 * Has the answer made, and keeps it for repeats of its key where the operator wants that: before its last byte is
 * out, so that whoever has had it whole finds it. What broke off, or whose client left it, is not kept.
 */
export async function answerAndKeep(
  pipeline: Pipeline,
  dispatch: Dispatch,
  answer: Answering,
): Promise<Result<Response, Refusal>> {
  const { idempotency: key } = dispatch
  if (key === null || !pipeline.settings.idempotency.storeAnswers) return answer(pipeline)
  let streams = false
  const keep = async (body: Uint8Array<ArrayBuffer>) => {
    const head = await heading
    if (head && isComplete(dispatch)) await keepAnswer(pipeline, dispatch, key, { ...head, body })
  }
  const openOutlet: Pipeline['openOutlet'] = (gone) => {
    streams = true
    return recordingOutlet(pipeline.openOutlet(gone), keep)
  }
  const answering = Promise.resolve(answer({ ...pipeline, openOutlet }))
  // Read before the answer leaves: who sends it on changes its headers.
  const heading = answering.then(
    (answered) => (answered.ok ? headOf(answered.value) : null),
    () => null,
  )
  const answered = await answering
  await heading
  if (!answered.ok || streams) return answered
  const body = new Uint8Array(await answered.value.clone().arrayBuffer())
  if (body.byteLength <= KEPT_BYTES_MAX) await keep(body)
  return answered
}

/** What is kept beside the body. Limits are left out: they say how things stood at that moment. */
function headOf({ status, headers }: Response): Omit<KeptAnswer, 'body'> {
  const kept = [...headers].filter(([name]) => !name.startsWith('x-ratelimit-'))
  return { status, headers: Object.fromEntries(kept) }
}

/** A buffered answer is whole even if its client has gone, which is when a repeat is likeliest. */
function isComplete({ whole, ended }: Dispatch): boolean {
  return whole && (ended === 'complete' || ended === 'stopped')
}

/** An outlet that hands over all that went out when it closes; nothing when it is too much, or breaks off. */
function recordingOutlet(outlet: Outlet, keep: (body: Uint8Array<ArrayBuffer>) => Promise<void>): Outlet {
  let chunks: Uint8Array[] | null = []
  let length = 0
  return {
    readable: outlet.readable,
    write(bytes) {
      length += bytes.byteLength
      if (length > KEPT_BYTES_MAX) chunks = null
      chunks?.push(bytes)
      return outlet.write(bytes)
    },
    async close() {
      if (chunks) await keep(concatenate(chunks, length))
      await outlet.close()
    },
    abort() {
      chunks = null
      outlet.abort()
    },
  }
}

async function keepAnswer(
  { store, log }: Pipeline,
  { identity, reply }: Dispatch,
  { keyHash }: IdempotencyKey,
  answer: KeptAnswer,
): Promise<void> {
  const requestId = reply.hold.id
  try {
    await store.keepAnswer(identity.accountId, { keyHash, requestId }, answer)
  } catch (error) {
    // A repeat is then refused, as it is where no answers are kept.
    log('warn', 'answer_not_kept', { requestId, error: nameOf(error) })
  }
}
