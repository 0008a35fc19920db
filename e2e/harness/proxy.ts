/** A pass-through in front of the gateway that counts what its clients send: how often an SDK tries. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Stack } from './stack.ts'

export type CountingProxy = {
  url: string
  /** Requests so far whose headers and path hold this text. */
  count(text: string): number
  stop(): Promise<void>
}

export async function startCountingProxy(stack: Stack): Promise<CountingProxy> {
  const seen: string[] = []
  const server = createServer((incoming, outgoing) => {
    seen.push(JSON.stringify([incoming.url, incoming.headers]))
    const options = { method: incoming.method, headers: incoming.headers }
    const onward = request(stack.url + (incoming.url ?? '/'), options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    count: (text) => seen.filter((each) => each.includes(text)).length,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
