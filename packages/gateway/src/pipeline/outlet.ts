/**
 * Where a streamed answer leaves for its client. The pump pushes into it at the upstream's pace; it says when there is
 * no more room, and when the client is gone.
 */

/** One answer's way out. */
export type Outlet = {
  readable: ReadableStream<Uint8Array>
  /** Takes the next bytes. Null when there is room for more, else resolves when there is, or when nobody waits for it. */
  write(bytes: Uint8Array): Promise<void> | null
  /** The answer is whole. Resolves when that has been handed on. */
  close(): Promise<void>
  /** Breaks the answer off, and frees whoever waits for room. */
  abort(): void
}

/** Opens an outlet for one answer; `gone` is called when its client has left. */
export type OpenOutlet = (gone: () => void) => Outlet

/** The outlet for every runtime: on workerd it is the one that was seen to tell of every client that left. */
export const openTransformOutlet: OpenOutlet = (gone) => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  let free = () => {}
  writer.closed.catch(gone)
  return {
    readable,
    write: (bytes) =>
      new Promise((resolve) => {
        // A write that nobody takes never ends, not even when it is aborted: who leaves frees it.
        free = resolve
        writer.write(bytes).then(resolve, () => {
          gone()
          resolve()
        })
      }),
    close: () => writer.close().catch(() => {}),
    abort() {
      writer.abort().catch(() => {})
      free()
    },
  }
}
