/** What tests of the simulated Clerk share: starting it, a browser that calls it as clerk-js does, and a webhook receiver. */
import { createServer } from 'node:http'
import { decodeJwt, type JWTPayload } from 'jose'
import { Webhook } from 'standardwebhooks'
import {
  type ClerkSimulator,
  type ClerkSimulatorOptions,
  SEEDED_PASSWORD,
  startClerkSimulator,
} from './clerk.ts'

/** The app that users are signed in to. */
export const APP = 'http://localhost:3000'

/** Signs webhooks in tests. */
export const WEBHOOK_SECRET = `whsec_${Buffer.from('a secret of thirty-two characters').toString('base64')}`

/** Starts simulators and stops all of them. */
export function createStarter() {
  const running: ClerkSimulator[] = []
  return {
    start: async (options: ClerkSimulatorOptions = {}): Promise<ClerkSimulator> => {
      const clerk = await startClerkSimulator({ appUrl: APP, ...options })
      running.push(clerk)
      return clerk
    },
    stopAll: async () => {
      await Promise.all(running.splice(0).map((clerk) => clerk.stop()))
    },
  }
}

/** A browser: calls the Frontend API as clerk-js does, with its own development browser. */
export async function openBrowser(clerk: ClerkSimulator, knownId?: string) {
  const devBrowser = await fetch(`${clerk.url}/v1/dev_browser`, { method: 'POST', headers: { origin: APP } })
  const id: string = knownId ?? (await devBrowser.json()).id
  const call = async (path: string, fields?: Record<string, string>, method = fields ? 'POST' : 'GET') => {
    const url = new URL(`/v1${path}`, clerk.url)
    url.searchParams.set('__clerk_db_jwt', id)
    if (method !== 'GET' && method !== 'POST') url.searchParams.set('_method', method)
    const response = await fetch(url, {
      headers: { origin: APP, 'content-type': 'application/x-www-form-urlencoded' },
      ...(method === 'GET' ? {} : { method: 'POST', body: new URLSearchParams(fields) }),
    })
    return { status: response.status, body: await response.json() }
  }
  const signIn = async (identifier: string, password = SEEDED_PASSWORD) => {
    const attempt = await call('/client/sign_ins', { identifier })
    return call(`/client/sign_ins/${attempt.body.response.id}/attempt_first_factor`, {
      strategy: 'password',
      password,
    })
  }
  const sessionId = async (): Promise<string> => (await call('/client')).body.response.last_active_session_id
  return {
    id,
    call,
    signIn,
    signUp: (email: string, password = 'long enough') =>
      call('/client/sign_ups', { email_address: email, password }),
    /** The claims of a freshly minted token of the active session. */
    claims: async (): Promise<JWTPayload> =>
      decodeJwt((await call(`/client/sessions/${await sessionId()}/tokens`, {})).body.jwt),
    /** Switches to an organization, or to the personal account with an empty id. */
    activate: async (organizationId: string) =>
      call(`/client/sessions/${await sessionId()}/touch`, { active_organization_id: organizationId }),
  }
}

/** A browser of a test. */
export type TestBrowser = Awaited<ReturnType<typeof openBrowser>>

/** A webhook as it arrived, its signature verified. */
export type Received = { id: string; type: string; event: Record<string, unknown>; status: number }

/** Receives webhooks; `answer` picks the status of each delivery, by what arrived before it. */
export async function startReceiver(answer: (before: Received[]) => number = () => 200) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const id = String(request.headers['svix-id'])
      try {
        new Webhook(WEBHOOK_SECRET).verify(body, {
          'webhook-id': id,
          'webhook-timestamp': String(request.headers['svix-timestamp']),
          'webhook-signature': String(request.headers['svix-signature']),
        })
      } catch {
        response.writeHead(400).end()
        return
      }
      const event: Record<string, unknown> = JSON.parse(body)
      const status = answer(received)
      received.push({ id, type: String(event['type']), event, status })
      response.writeHead(status).end()
    })
  })
  const listen = (port: number) =>
    new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', () => resolve())
    })
  await listen(0)
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    webhook: { url: `http://127.0.0.1:${port}/`, secret: WEBHOOK_SECRET },
    received,
    types: () => received.map(({ type }) => type),
    close,
    reopen: () => listen(port),
  }
}
