/** Listens, and on SIGTERM or SIGINT stops taking requests, lets answers end, and closes the store. */
import { type App, logJson, type Store } from '@faregate/gateway'

/** How long answers under way may go on after a signal, in ms. Their holds outlive the process and lapse. */
const DRAIN_MS = 30_000

export type ServeOptions = { gateway: App; store: Store; host: string; port: number }

/** Starts listening. */
export function serve({ gateway, store, host, port }: ServeOptions): void {
  const pending = new Set<Promise<unknown>>()
  const waitUntil = (work: Promise<unknown>) => {
    const tracked = work.catch(() => {}).finally(() => pending.delete(tracked))
    pending.add(tracked)
  }
  const server = Bun.serve({
    hostname: host,
    port,
    // Answers may be silent for minutes while a model reasons; the pipeline has its own timeouts.
    idleTimeout: 0,
    fetch: (request) => gateway(request, waitUntil),
  })
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    logJson('info', 'stopping', { signal, underWay: server.pendingRequests })
    const ended = server.stop().then(async () => {
      while (pending.size > 0) await Promise.all(pending)
    })
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, DRAIN_MS))])
    await store.close()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop('SIGTERM'))
  process.on('SIGINT', () => void stop('SIGINT'))
}
