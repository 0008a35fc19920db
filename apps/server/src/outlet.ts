/** The outlet for Bun: a plain stream that is pushed into, which costs less a chunk than a TransformStream. */
import type { OpenOutlet } from '@faregate/gateway'

/** Opens an outlet. It holds at most one write that the connection has not taken. */
export const openBunOutlet: OpenOutlet = (gone) => {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null
  let free: (() => void) | null = null
  const release = () => {
    free?.()
    free = null
  }
  const end = () => {
    controller = null
    release()
  }
  const readable = new ReadableStream<Uint8Array>({
    start(opened) {
      controller = opened
    },
    pull: release,
    cancel() {
      end()
      gone()
    },
  })
  return {
    readable,
    write(bytes) {
      controller?.enqueue(bytes)
      if ((controller?.desiredSize ?? 1) > 0) return null
      return new Promise((resolve) => {
        free = resolve
      })
    },
    async close() {
      controller?.close()
      end()
    },
    abort() {
      controller?.error(new Error('broken off'))
      end()
    },
  }
}
