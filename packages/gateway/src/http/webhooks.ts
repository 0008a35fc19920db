/** Where others report what happened. What they send is read within bounds here; who it is from, their adapter proves. */
import type { Hono } from 'hono'
import { readBody } from '../pipeline/read-body.ts'
import type { Webhook } from '../ports.ts'
import type { Env } from './env.ts'
import { refuse } from './respond.ts'

const BODY_LIMITS = { bytesMax: 1024 * 1024, timeoutMs: 15_000 }

/** Adds `POST` at `path`: 200 for all that needs no second delivery, what it changed or not. */
export function webhookRoute(routes: Hono<Env>, path: string, receive: Webhook): void {
  routes.post(path, async (context) => {
    const { req, env } = context
    const body = await readBody(req.raw, BODY_LIMITS)
    if (!body.ok) return refuse(body.error, env.requestId)
    // Only what signs it: the length and coding of what was read no longer say anything.
    const headers = [...req.raw.headers].filter(([name]) => /^(?:svix-|stripe-signature$)/.test(name))
    const whole = new Request(req.url, { method: 'POST', headers, body: new Uint8Array(body.value) })
    const received = await receive(whole)
    return received.ok ? context.json({ received: true }) : refuse(received.error, env.requestId)
  })
}
