/**
 * Clerk's webhooks: events in Clerk's envelope, signed as Svix signs them, delivered in order and one at a time.
 * A receiver that is down or answers 5xx is tried again a few times, then the event is given up, as Svix does.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { randomId } from './random-id.ts'

/** Pauses between the tries of one event, in ms: together long enough for a gateway that restarts. */
const PAUSES_MS = [50, 100, 200, 400, 800, 1600, 3200]
const LOG_MAX = 2000
const DELIVERY_TIMEOUT_MS = 10_000

/** Where events go, and the `whsec_…` secret that signs them. */
export type WebhookTarget = { url: string; secret: string }

/** One event. `body` is what is signed and sent, to the byte; the `id` is the `svix-id`, the same at every try. */
export type SentEvent = {
  type: string
  id: string
  body: string
  /** 'unsent' where no webhook is set up, or while events are held. */
  status: 'unsent' | 'waiting' | 'delivered' | 'refused' | 'undelivered'
}

/** The webhooks of an instance. */
export type Events = {
  /** Every event so far, oldest first, whether or not anybody listens. */
  sent: SentEvent[]
  /** While true, events are only logged: `deliver` and `resend` send them in whatever order a test wants. */
  holding: boolean
  /** Sets the receiver, or takes it away. */
  sendTo: (target: WebhookTarget | undefined) => void
  /** Something happened: logs it and sends it after all that happened before. */
  emit: (type: string, data: object) => void
  /** Sends an event now, past the queue and once; resolves to the receiver's status, 0 if it cannot be reached. */
  deliver: (event: Pick<SentEvent, 'id' | 'body'>) => Promise<number>
  /** Sends a logged event once more, under the same id. */
  resend: (id: string) => Promise<number>
  /** Resolves when nothing is under way. */
  settled: () => Promise<void>
  stop: () => Promise<void>
}

type Receiver = { url: string; signer: Webhook }

/** Makes the webhooks of one instance. */
export function createEvents(options: {
  now: () => number
  instanceId: string
  target?: WebhookTarget | undefined
}): Events {
  const state = { receiver: receiverOf(options.target), holding: false, stopping: new AbortController() }
  const sent: SentEvent[] = []
  const queue = { last: Promise.resolve() }
  const post = (event: Pick<SentEvent, 'id' | 'body'>) =>
    state.receiver
      ? postEvent(state.receiver, event, options.now(), state.stopping.signal)
      : Promise.resolve(0)
  return {
    sent,
    get holding() {
      return state.holding
    },
    set holding(holding) {
      state.holding = holding
    },
    sendTo: (target) => {
      state.receiver = receiverOf(target)
    },
    emit: (type, data) => {
      const event: SentEvent = {
        type,
        id: `msg_${randomId()}`,
        body: JSON.stringify(envelope(type, data, options)),
        status: 'unsent',
      }
      sent.push(event)
      if (sent.length > LOG_MAX) sent.shift()
      if (!state.receiver || state.holding) return
      event.status = 'waiting'
      queue.last = queue.last.then(() => deliverInTurn(event, post, state.stopping.signal))
    },
    deliver: post,
    resend: async (id) => {
      const event = sent.find((candidate) => candidate.id === id)
      if (!event) throw new Error(`no event ${id} was sent`)
      return post(event)
    },
    settled: () => queue.last,
    stop: async () => {
      state.stopping.abort()
      await queue.last
    },
  }
}

/** Where to post and what signs; throws for a secret that is none, which would otherwise look like a dead receiver. */
function receiverOf(target: WebhookTarget | undefined): Receiver | undefined {
  return target && { url: target.url, signer: new Webhook(target.secret) }
}

function envelope(
  type: string,
  data: object,
  { now, instanceId }: { now: () => number; instanceId: string },
) {
  return {
    data,
    event_attributes: { http_request: { client_ip: '127.0.0.1', user_agent: 'simulated' } },
    instance_id: instanceId,
    object: 'event',
    timestamp: now(),
    type,
  }
}

async function deliverInTurn(
  event: SentEvent,
  post: (event: SentEvent) => Promise<number>,
  stopping: AbortSignal,
): Promise<void> {
  for (const pauseMs of [...PAUSES_MS, undefined]) {
    if (stopping.aborted) break
    const status = await post(event)
    if (status >= 200 && status < 500) {
      event.status = status < 300 ? 'delivered' : 'refused'
      return
    }
    if (pauseMs !== undefined) await pause(pauseMs, undefined, { signal: stopping }).catch(() => {})
  }
  event.status = 'undelivered'
}

async function postEvent(
  { url, signer }: Receiver,
  event: Pick<SentEvent, 'id' | 'body'>,
  now: number,
  stopping: AbortSignal,
): Promise<number> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'svix-id': event.id,
        'svix-timestamp': String(Math.floor(now / 1000)),
        'svix-signature': signer.sign(event.id, new Date(now), event.body),
      },
      body: event.body,
      signal: AbortSignal.any([stopping, AbortSignal.timeout(DELIVERY_TIMEOUT_MS)]),
    })
    await response.body?.cancel()
    return response.status
  } catch {
    return 0
  }
}
