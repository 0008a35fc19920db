/** A port of this machine that nothing listens on. */
import { createServer } from 'node:net'

/** Asks the system for one. Somebody else may take it before it is used. */
export async function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      server.close(() => done(port))
    })
  })
}
