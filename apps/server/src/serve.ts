/** Listens, and on SIGTERM or SIGINT stops taking requests, lets answers end, and closes the store. */
import { type App, logJson, type Store } from '@faregate/gateway'

/** How long answers under way may go on after a signal, in ms. Their holds outlive the process and lapse. */
const DRAIN_MS = 30_000

export type ServeOptions = { gateway: App; store: Store; host: string; port: number }

/** Starts listening. */
export function serve({ gateway, store, host, port }: ServeOptions): void {
  // Counted and not collected: this is on the path of every request.
  let underWay = 0
  let idle = () => {}
  const done = () => {
    underWay -= 1
    if (underWay === 0) idle()
  }
  const waitUntil = (work: Promise<unknown>) => {
    underWay += 1
    work.then(done, done)
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
    logJson('info', 'stopping', { signal, underWay })
    const ended = server.stop().then(async () => {
      if (underWay > 0) await new Promise<void>((resolve) => (idle = resolve))
    })
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, DRAIN_MS))])
    await store.close()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop('SIGTERM'))
  process.on('SIGINT', () => void stop('SIGINT'))
}
