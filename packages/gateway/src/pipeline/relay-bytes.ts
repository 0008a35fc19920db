/**
 * Answers that are no text (sound): passed on as they come. What they cost is known from the request, so nothing is
 * read off them; how they end is all that is left to write down.
 */
import type { Ended } from '../core/entry.ts'
import { answerHeaders } from './answer.ts'
import { type Dispatch, nameOf, type Pipeline } from './call.ts'
import { settle } from './settle.ts'
import type { Watch } from './watch.ts'

/** Starts the pump and returns the answer that it fills. */
export function relayBytes(
  pipeline: Pipeline,
  dispatch: Dispatch,
  watch: Watch,
  upstream: Response,
): Response {
  dispatch.tap.began?.()
  // Whoever left while the provider had not answered left an answer whose price is now known.
  if (dispatch.left && dispatch.tap.usage()?.stage === 'final') watch.stop('left')
  const outlet = pipeline.openOutlet(watch.left)
  const reader = upstream.body?.getReader()
  watch.onStop(() => void reader?.cancel().catch(() => {}))
  watch.onLeft(outlet.abort)

  /** Resolves to how the answer ended once nothing more comes. */
  async function pump(): Promise<Ended> {
    for (;;) {
      const next = await reader?.read()
      if (dispatch.stopped !== null) return 'error'
      if (!next || next.done) break
      watch.active()
      if (dispatch.left) continue
      const room = outlet.write(next.value)
      if (room === null) continue
      watch.writing(true)
      await room
      watch.writing(false)
    }
    dispatch.whole = true
    return 'complete'
  }

  async function relay(): Promise<void> {
    const ended = await pump().catch(() => 'error' as const)
    try {
      await settle(pipeline, dispatch, dispatch.left ? 'stopped' : ended)
    } catch (error) {
      pipeline.log('error', 'stream_failed', { requestId: dispatch.call.requestId, error: nameOf(error) })
    }
    // A client can tell a broken answer from a whole one only by its connection.
    if (ended === 'complete') await outlet.close()
    else outlet.abort()
    if (!dispatch.whole) dispatch.controller.abort()
    watch.end()
  }

  dispatch.call.waitUntil(relay())
  const headers = {
    ...answerHeaders(pipeline, dispatch),
    'content-type': upstream.headers.get('content-type') ?? 'application/octet-stream',
    'cache-control': 'no-store',
  }
  return new Response(outlet.readable, { headers })
}
