/**
 * Events and their delivery: signed with the SDK's own function, POSTed one after another in the order in which things
 * happened, and tried again a few times while the endpoint is down.
 */
import Stripe from 'stripe'
import { find, newId } from './state.ts'
import type { State, StripeEvent } from './types.ts'

/** The version whose shapes the simulator speaks. */
export const API_VERSION = '2026-10-28.endive'

/** The endpoint's secret unless another is given: that of nothing but simulations. */
export const WEBHOOK_SECRET = 'whsec_simulated'

const ATTEMPT_TIMEOUT_MS = 10_000
const DELIVERIES_MAX = 1000
const RETRY_PAUSES_MS = [250, 500, 1000, 2000]

/** Where events go. Without `events` all of them go. */
export type Webhook = {
  url: string
  /** What signs; `WEBHOOK_SECRET` if none is given. */
  secret?: string
  events?: string[]
  /** False: events are recorded, and go only when `resend` or `deliver` is called, in whatever order. */
  automatic?: boolean
}

/** One try at delivering an event; status 0 is an endpoint that could not be reached. */
export type Delivery = { event: string; type: string; status: number; at: number }

/** Records events and sends them. */
export type Events = {
  emit: (type: string, object: object, previous?: Record<string, unknown>) => StripeEvent
  /** The request that causes the events to come. */
  causedBy: (request: StripeEvent['request']) => void
  /** Sends an event once more, whether it arrived or not. */
  resend: (id: string) => Promise<Delivery>
  /** Sends what is not of this account's making, e.g. an event of a test's own. */
  deliver: (event: StripeEvent) => Promise<Delivery>
  /** Resolves when nothing waits to be sent. */
  settled: () => Promise<void>
  setWebhook: (webhook: Webhook | undefined) => void
  /** The tries so far. */
  deliveries: Delivery[]
  stop: () => void
}

/** Starts with what an earlier run could not deliver. */
export function createEvents(
  state: State,
  options: { webhook?: Webhook; now: () => number; changed: () => void },
): Events {
  let webhook = options.webhook
  let cause: StripeEvent['request'] = { id: null, idempotency_key: null }
  let queue: Promise<unknown> = Promise.resolve()
  const deliveries: Delivery[] = []
  const stopped = new AbortController()
  const note = (delivery: Delivery) => {
    deliveries.push(delivery)
    deliveries.splice(0, Math.max(0, deliveries.length - DELIVERIES_MAX))
  }
  const send = async (event: StripeEvent): Promise<Delivery> => {
    let delivery = await attempt(event, webhook, stopped.signal)
    note(delivery)
    for (const pauseMs of RETRY_PAUSES_MS) {
      if (stopped.signal.aborted || !isWorthRetrying(delivery)) break
      await pause(pauseMs, stopped.signal)
      delivery = await attempt(event, webhook, stopped.signal)
      note(delivery)
    }
    if (delivery.status >= 200 && delivery.status < 300) {
      state.owed = state.owed.filter((id) => id !== event.id)
      options.changed()
    }
    return delivery
  }
  const enqueue = (event: StripeEvent): Promise<Delivery> => {
    const sent = queue.then(() => send(event))
    queue = sent
    return sent
  }
  for (const id of webhook ? state.owed : []) {
    const event = state.events[id]
    if (event) void enqueue(event)
  }
  return {
    emit: (type, object, previous) => {
      const event = envelope(type, object, previous, { created: options.now(), request: cause })
      state.events[event.id] = event
      if (webhook && webhook.automatic !== false && (!webhook.events || webhook.events.includes(type))) {
        state.owed.push(event.id)
        void enqueue(event)
      }
      return event
    },
    causedBy: (request) => {
      cause = request
    },
    resend: (id) => enqueue(find(state.events, 'event', id)),
    deliver: enqueue,
    settled: async () => {
      let seen: Promise<unknown> | undefined
      while (seen !== queue) {
        seen = queue
        await seen
      }
    },
    setWebhook: (next) => {
      webhook = next
    },
    deliveries,
    stop: () => stopped.abort(),
  }
}

function envelope(
  type: string,
  object: object,
  previous: Record<string, unknown> | undefined,
  { created, request }: { created: number; request: StripeEvent['request'] },
): StripeEvent {
  return {
    id: newId('evt_1', 23),
    object: 'event',
    api_version: API_VERSION,
    created,
    data: {
      object: structuredClone({ ...object }),
      ...(previous ? { previous_attributes: structuredClone(previous) } : {}),
    },
    livemode: false,
    pending_webhooks: 1,
    request: { ...request },
    type,
  }
}

function isWorthRetrying({ status }: Delivery): boolean {
  return status === 0 || status >= 500
}

async function attempt(
  event: StripeEvent,
  webhook: Webhook | undefined,
  stopped: AbortSignal,
): Promise<Delivery> {
  const delivery = { event: event.id, type: event.type, status: 0, at: Date.now() }
  if (!webhook || stopped.aborted) return delivery
  const payload = JSON.stringify(event, null, 2)
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'stripe-signature': await signature(payload, webhook.secret ?? WEBHOOK_SECRET),
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      },
      body: payload,
      redirect: 'manual',
      signal: AbortSignal.any([stopped, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]),
    })
    await response.body?.cancel()
    return { ...delivery, status: response.status }
  } catch {
    return delivery
  }
}

/** The `stripe-signature` header of a payload, of this moment. */
function signature(payload: string, secret: string): Promise<string> {
  return new Stripe('sk_test_unused').webhooks.generateTestHeaderStringAsync({ payload, secret })
}

async function pause(ms: number, stopped: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    stopped.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
