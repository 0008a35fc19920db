/**
 * The clockwork beside an answer under way: ends an upstream that is silent or too long, writes a checkpoint every
 * 15 s, and decides what becomes of an answer whose client has left.
 */
import type { Dispatch, Pipeline, StopReason } from './call.ts'
import { checkpoint } from './settle.ts'

const CHECKPOINT_MS = 15_000
const WRITE_STALL_MS = 30_000

export type Watch = {
  /** The upstream's headers, or some bytes, have come. */
  active(): void
  /** A write to the client begins (true) or has gone through (false). */
  writing(under: boolean): void
  /** The client has gone: read on within the bound, or stop. */
  left(): void
  /** Stops the upstream, for the first reason that is given. */
  stop(reason: StopReason): void
  /** Called when the upstream is stopped, to free whoever waits for it. */
  onStop(free: () => void): void
  /** Called when the client has left, to free whoever waits for it to read. */
  onLeft(free: () => void): void
  /** The answer has ended. */
  end(): void
}

/** Starts the clockwork for one dispatch. */
export function startWatch(pipeline: Pipeline, dispatch: Dispatch): Watch {
  const { settings, steadyClock, drains } = pipeline
  const { headersMs, idleMs, totalMs } = settings.timeouts
  let heardAt = dispatch.startedAt
  let headersCame = false
  let writingSince: number | null = null
  let checkpointAt = dispatch.startedAt + CHECKPOINT_MS
  let drainUntil: number | null = null
  let ended = false
  const stopped = listeners()
  const gone = listeners()

  const stop = (reason: StopReason) => {
    if (dispatch.stopped !== null) return
    dispatch.stopped = reason
    dispatch.controller.abort()
    stopped.tell()
  }
  const left = () => {
    // A client may go after the end as well: there is nothing to read on then, and no drain to count.
    if (dispatch.left || ended) return
    dispatch.left = true
    gone.tell()
    if (!worthReadingOn(dispatch) || drains.count >= settings.drain.concurrentMax) return stop('left')
    drains.count += 1
    drainUntil = steadyClock() + settings.drain.timeMs
  }
  const tick = () => {
    const now = steadyClock()
    // Once stopped it is about to be settled; if a fault prevents that, its lease must be able to end.
    if (now >= checkpointAt && dispatch.stopped === null) {
      checkpointAt = now + CHECKPOINT_MS
      dispatch.call.waitUntil(checkpoint(pipeline, dispatch))
    }
    if (drainUntil !== null && now >= drainUntil) return stop('left')
    if (now - dispatch.startedAt >= totalMs) return stop('total')
    if (writingSince !== null) return now - writingSince >= WRITE_STALL_MS ? left() : undefined
    if (!headersCame) return now - heardAt >= headersMs ? stop('headers') : undefined
    if (now - heardAt >= idleMs) stop('idle')
  }
  const timer = setInterval(tick, tickMs(pipeline))
  return {
    active() {
      headersCame = true
      heardAt = steadyClock()
    },
    writing(under) {
      writingSince = under ? steadyClock() : null
      if (!under) heardAt = steadyClock()
    },
    left,
    stop,
    onStop: stopped.listen,
    onLeft: gone.listen,
    end() {
      ended = true
      clearInterval(timer)
      if (drainUntil !== null) drains.count -= 1
      drainUntil = null
    },
  }
}

/**
 * An answer whose work cannot be seen yet (buffered, or a model that reasons first) is read on, since only its own
 * usage is a fair charge; one that shows is stopped, which costs its user less, unless the operator says otherwise.
 * Nothing is to be learnt from one whose usage is known.
 */
function worthReadingOn({ ask, model, tap }: Dispatch): boolean {
  if (tap.usage()?.stage === 'final') return false
  if (model.onDisconnect === 'drain' || !ask.stream) return true
  return model.reasoning && ask.mayReason && !tap.started()
}

function tickMs({ settings: { timeouts, drain } }: Pipeline): number {
  const shortest = Math.min(timeouts.headersMs, timeouts.idleMs, timeouts.totalMs, drain.timeMs)
  return Math.max(10, Math.min(1000, shortest / 4))
}

/** Calls each listener once: when told, or at once if that has been. */
function listeners(): { listen(each: () => void): void; tell(): void } {
  const waiting: (() => void)[] = []
  let told = false
  return {
    listen: (each) => {
      if (told) each()
      else waiting.push(each)
    },
    tell() {
      told = true
      for (const each of waiting) each()
    },
  }
}
