/** The little that both stand-ins need of HTTP: loopback only, bounded bodies, waits that end with the client. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'

const BODY_BYTES_MAX = 64 * 1024 * 1024
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

/** A listening server: its origin, and a `stop` that also ends open connections. */
export type Listening = Readonly<{ origin: string; stop: () => Promise<void> }>

/** Starts a server on a loopback address; refuses any other, since simulators take any key. */
export const listen = async (
  handler: RequestListener,
  { port = 0, host = '127.0.0.1' }: { port?: number; host?: string },
): Promise<Listening> => {
  if (!LOOPBACK.has(host)) throw new Error(`a simulator listens on loopback only, not on ${host}`)
  const server: Server = createServer({ keepAliveTimeout: 60_000 }, handler)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  const stop = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  return { origin: `http://${name}:${address.port}`, stop }
}

/** The request's body, or null when it is longer than 64 MiB or ends early. */
export const readBody = async (request: IncomingMessage): Promise<Buffer | null> => {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of request) {
      const chunk = part as Buffer
      bytes += chunk.length
      if (bytes > BODY_BYTES_MAX) return null
      parts.push(chunk)
    }
  } catch {
    return null
  }
  return Buffer.concat(parts)
}

/** Waits, or returns early when the signal aborts. */
export const wait = (ms: number, signal: AbortSignal): Promise<void> => {
  if (!(ms > 0) || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
