/** Signs an event as Clerk's webhooks are signed (by Svix), for tests that play Clerk. */
import { Webhook } from 'standardwebhooks'

export type SignedEvent = { body: string; headers: Record<string, string> }

/** The body and headers of one delivery. `id` names the event; the time is now unless told. */
export function signClerkEvent(
  signingSecret: string,
  event: unknown,
  { id = `msg_${crypto.randomUUID()}`, at = new Date() }: { id?: string; at?: Date } = {},
): SignedEvent {
  const body = JSON.stringify(event)
  const signature = new Webhook(signingSecret).sign(id, at, body)
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'svix-id': id,
      'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
      'svix-signature': signature,
    },
  }
}
