/** HTTP by hand over a plain socket: for requests that no client library would send, and readers that stop reading. */
import { connect, type Socket } from 'node:net'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

export type RawConnection = {
  socket: Socket
  /** All that has come so far. */
  received(): string
  /** Whether the other side has closed. */
  closed(): boolean
}

/** Opens a connection to the gateway and sends these bytes as they are. */
export function openRaw(stack: Stack, text: string): RawConnection {
  const { hostname, port } = new URL(stack.url)
  const parts: Buffer[] = []
  let gone = false
  const socket = connect(Number(port), hostname)
  socket.on('data', (bytes) => parts.push(bytes))
  socket.on('close', () => {
    gone = true
  })
  // A reset is an answer too: `closed` tells.
  socket.on('error', () => {})
  socket.write(text)
  return { socket, received: () => Buffer.concat(parts).toString('latin1'), closed: () => gone }
}

/** Sends bytes and gives back the status of the first answer; 0 when the gateway closed without one. */
export async function rawStatus(stack: Stack, text: string, timeoutMs = 10_000): Promise<number> {
  const connection = openRaw(stack, text)
  const status = await until('the gateway answers or closes', timeoutMs, () => {
    const found = /^HTTP\/1\.1 (\d{3})/.exec(connection.received())
    if (found) return { code: Number(found[1]) }
    return connection.closed() ? { code: 0 } : null
  })
  connection.socket.destroy()
  return status.code
}

/** The head of a chat request, up to the blank line; `lines` are added as they are. */
export function rawHead(stack: Stack, token: string, lines: readonly string[]): string {
  const { host } = new URL(stack.url)
  return [
    'POST /v1/chat/completions HTTP/1.1',
    `host: ${host}`,
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    ...lines,
    '',
    '',
  ].join('\r\n')
}
