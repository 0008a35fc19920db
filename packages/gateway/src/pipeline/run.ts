/**
 * One request from top to bottom: who, what, may they, hold, send, meter, settle. The file to read first.
 * It is a plain function and not middleware, because a streamed answer ends long after a handler has returned.
 */
import { priceAt } from '../core/catalog.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Identity, Outgoing } from '../ports.ts'
import { admit, storeRefusal } from './admit.ts'
import { buffer } from './buffer.ts'
import type { Admitted, Asked, Call, Dispatch, Pipeline } from './call.ts'
import { type ForwardFailure, forward } from './forward.ts'
import { answerAndKeep, readIdempotencyKey, replay } from './idempotency.ts'
import { stream } from './meter.ts'
import { readBody } from './read-body.ts'
import { relayBytes } from './relay-bytes.ts'
import { release, settle } from './settle.ts'
import { startWatch, type Watch } from './watch.ts'

/** Serves one model request. A refusal is turned into the wire's words by the caller. */
export async function run(pipeline: Pipeline, call: Call): Promise<Result<Response, Refusal>> {
  const identity = await pipeline.authenticate(call.request.headers, pipeline.clock())
  if (!identity.ok) return identity
  const asked = await parse(pipeline, call, identity.value)
  if (!asked.ok) return asked
  const admitted = await admit(pipeline, call, identity.value, asked.value).catch((error) =>
    err(storeRefusal(error)),
  )
  if (!admitted.ok) {
    return replay(pipeline, identity.value, asked.value.idempotency, admitted.error).catch((error) =>
      err(storeRefusal(error)),
    )
  }
  const work = dispatch(pipeline, call, admitted.value)
  call.waitUntil(work)
  return work
}

/** Reads and checks what was sent. */
export async function parse(
  pipeline: Pipeline,
  call: Call,
  identity: Identity,
): Promise<Result<Asked, Refusal>> {
  const { settings, catalog, clock } = pipeline
  const bytes = await readBody(call.request, call.endpoint.takesFiles ? settings.upload : settings.body)
  if (!bytes.ok) return bytes
  const { url, headers } = call.request
  const raw = { url, body: bytes.value, headers, model: call.model }
  const ask = await call.endpoint.parse(raw, {
    unknownParameters: settings.unknownParameters,
    find: (name) => {
      const model = catalog.models.get(name)
      return model ? { model, price: priceAt(model, clock()) } : null
    },
  })
  if (!ask.ok) return ask
  const key = await readIdempotencyKey(pipeline, identity, call.request, bytes.value)
  return key.ok ? ok({ ask: ask.value, idempotency: key.value }) : key
}

/** From here on credits are held: every way out ends the hold, once. */
async function dispatch(
  pipeline: Pipeline,
  call: Call,
  admitted: Admitted,
): Promise<Result<Response, Refusal>> {
  const outgoing = await outgoingOf(pipeline, admitted).catch(async (error) => {
    await release(pipeline, call, admitted)
    throw error
  })
  if (call.request.signal.aborted) {
    await release(pipeline, call, admitted)
    return err(refusal('request_timeout', 'The client left before the request was sent.'))
  }
  const way: Dispatch = {
    ...admitted,
    call,
    tap: call.endpoint.tap(admitted.ask, admitted.provider),
    startedAt: pipeline.steadyClock(),
    firstOutputAt: null,
    whole: false,
    left: false,
    ended: null,
    stopped: null,
    controller: new AbortController(),
  }
  const watch = startWatch(pipeline, way)
  call.request.signal.addEventListener('abort', watch.left, { once: true })
  const upstream = await forward(pipeline, way, outgoing)
  if (!upstream.ok) return failed(pipeline, way, watch, upstream.error)
  watch.active()
  return answerAndKeep(pipeline, way, (keeping) => answer(keeping, way, watch, upstream.value))
}

/** The answer that the provider's becomes: its bytes, its events, or the whole of it. */
function answer(
  pipeline: Pipeline,
  way: Dispatch,
  watch: Watch,
  upstream: Response,
): Result<Response, Refusal> | Promise<Result<Response, Refusal>> {
  const { body } = upstream
  if (!body) return failed(pipeline, way, watch, emptyAnswer)
  if (way.ask.binary) return ok(relayBytes(pipeline, way, watch, upstream))
  return way.ask.stream ? ok(stream(pipeline, way, watch, body)) : buffer(pipeline, way, watch, upstream)
}

async function outgoingOf(
  { sha256 }: Pipeline,
  { identity, ask, model, provider, reply }: Admitted,
): Promise<Outgoing> {
  const hash = sha256(identity.accountId)
  return ask.forward({
    upstreamModel: model.upstreamModel,
    outputTokensMax: reply.hold.outputTokensMax,
    userHash: (typeof hash === 'string' ? hash : await hash).slice(0, 64),
    outputCapField: provider.outputCapField,
    addFields: provider.addFields,
    streamOptions: provider.streamOptions,
  })
}

const emptyAnswer: ForwardFailure = {
  kind: 'refused',
  refusal: refusal('upstream_invalid', 'The model provider sent an empty answer.'),
  billed: true,
}

/** Ends a request that got no answer: charged on evidence if the provider may have worked, else given back. */
async function failed(
  pipeline: Pipeline,
  way: Dispatch,
  watch: Watch,
  failure: ForwardFailure,
): Promise<Result<Response, Refusal>> {
  if (failure.kind === 'refused' && failure.billed)
    await settle(pipeline, way, way.left ? 'stopped' : 'error')
  else await release(pipeline, way.call, way)
  watch.end()
  if (failure.kind === 'refused') return err(failure.refusal)
  const headers = { 'x-request-id': way.call.requestId, 'x-should-retry': 'false' }
  const body = way.call.endpoint.wire.rejection(failure.status, failure.error)
  return ok(Response.json(body, { status: failure.status, headers }))
}
