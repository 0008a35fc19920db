/**
 * A stand-in for Stripe, for development without keys and for tests: the part of the API that Faregate sells credits
 * and plans with, hosted checkout and portal pages for people, and signed webhooks. The real `stripe` SDK speaks to it
 * (`new Stripe(secretKey, { host, port, protocol: 'http' })`). It listens on loopback, moves no money and must never be
 * started in production.
 *
 * It does not stand on the `emulate` package: that has no idempotency keys, inline prices, metadata of payment intents,
 * event envelopes, refunds or subscriptions, and an account that is half there and half here could not be kept in one
 * file. So every route is ours, in the shapes of the SDK's own types.
 */
import { listen } from './clerk/http.ts'
import { answerApi } from './stripe/api.ts'
import { catalogueRoutes, promotionRoutes, type SeededPrice, seedCatalogue } from './stripe/catalogue.ts'
import { checkoutRoutes, expireSession } from './stripe/checkout.ts'
import { settleDue } from './stripe/complete-checkout.ts'
import { type Controls, createControls } from './stripe/controls.ts'
import { customerRoutes } from './stripe/customers.ts'
import { disputeRoutes } from './stripe/disputes.ts'
import { eventRoutes } from './stripe/event-routes.ts'
import { createEvents, type Delivery, type Events, WEBHOOK_SECRET, type Webhook } from './stripe/events.ts'
import { invoiceRoutes } from './stripe/invoices.ts'
import { meterRoutes } from './stripe/meter-events.ts'
import { paymentRoutes } from './stripe/payments.ts'
import { portalRoutes } from './stripe/portal.ts'
import { refundRoutes } from './stripe/refunds.ts'
import type { ApiRoute } from './stripe/routes.ts'
import { answerDev, answerPage } from './stripe/site.ts'
import { emptyState, prune, readState, writeState } from './stripe/state.ts'
import { subscriptionRoutes } from './stripe/subscription-routes.ts'
import { renewDue } from './stripe/subscriptions.ts'
import type { MeterEvent, StripeEvent, World } from './stripe/types.ts'

export type { SeededPrice } from './stripe/catalogue.ts'
export type { Controls, PaymentReference, SubscriptionAction } from './stripe/controls.ts'
export type { Delivery, Webhook } from './stripe/events.ts'
export type { Behaviour, StripeEvent } from './stripe/types.ts'

/** What the API does instead of its work: answer 500, or never answer. */
export type Fault = 'ok' | 'error' | 'hang'

/** How the simulator is started. */
export type StripeSimulatorOptions = {
  /** 0, the default, takes any free port. */
  port?: number
  /** The address to listen on; browsers come by `http://localhost:PORT` all the same. */
  host?: string
  /** Where events go; it can be set later too. Without it they are only recorded. */
  webhook?: Webhook
  /** Recurring prices that exist from the start. */
  prices?: SeededPrice[]
  /** A JSON file that keeps the account, so that a restart forgets nothing. Without it all is new. */
  stateFile?: string
  /** What a session with automatic tax adds to its prices; 0 by default. */
  taxPercent?: number
  /** How long a payment that comes later takes; 3 s by default. */
  asyncPaymentDelayMs?: number
  /** The clock, in ms. */
  now?: () => number
}

/** A running simulator. */
export type StripeSimulator = Controls & {
  url: string
  secretKey: string
  webhookSecret: string
  /** The variables that point the gateway here. */
  environment: Record<string, string>
  /** Everything that happened so far, oldest first, sent or not. */
  readonly events: StripeEvent[]
  /** Every try at delivering an event. */
  deliveries: Delivery[]
  readonly meterEvents: MeterEvent[]
  /** Sends a recorded event once more. */
  resend: (eventId: string) => Promise<Delivery>
  /** Sends an event of the caller's own making, signed like any other. */
  deliver: (event: StripeEvent) => Promise<Delivery>
  /** Resolves when no event waits to be sent. */
  settled: () => Promise<void>
  setWebhook: (webhook: Webhook | undefined) => void
  /** Set to break the API. */
  faults: { api: Fault }
  stop: () => Promise<void>
}

const SECRET_KEY = 'sk_test_simulated'
const TICK_MS = 1000

const routes: ApiRoute[] = [
  ...customerRoutes,
  ...catalogueRoutes,
  ...promotionRoutes,
  ...checkoutRoutes,
  ...paymentRoutes,
  ...refundRoutes,
  ...disputeRoutes,
  ...subscriptionRoutes,
  ...invoiceRoutes,
  ...portalRoutes,
  ...meterRoutes,
  ...eventRoutes,
]

/** Starts a simulated Stripe account. */
export async function startStripeSimulator(options: StripeSimulatorOptions = {}): Promise<StripeSimulator> {
  const { stateFile, taxPercent = 0, asyncPaymentDelayMs = 3000, now = Date.now } = options
  const seconds = () => Math.floor(now() / 1000)
  const front: { answer: (request: Request) => Promise<Response> } = {
    answer: async () => new Response('starting', { status: 503 }),
  }
  const server = await listen((request) => front.answer(request), {
    port: options.port ?? 0,
    host: options.host ?? '127.0.0.1',
  })
  const url = `http://localhost:${server.port}`
  const state = (stateFile && readState(stateFile, url)) || emptyState(url)
  const events = createEvents(state, {
    now: seconds,
    changed: () => save(),
    ...(options.webhook ? { webhook: options.webhook } : {}),
  })
  const world: World = { state, now: seconds, emit: events.emit, taxPercent, asyncPaymentDelayMs }
  seedCatalogue(world, options.prices ?? [])
  let stopped = false
  const save = () => {
    if (stopped) return
    prune(state)
    if (stateFile) writeState(stateFile, state)
  }
  const controls = saving(createControls(world), save)
  const faults: StripeSimulator['faults'] = { api: 'ok' }
  front.answer = createFront({ world, events, controls, faults, save })
  const ticking = setInterval(() => {
    if (tick(world)) save()
  }, TICK_MS)
  ticking.unref()
  save()
  const webhookSecret = options.webhook?.secret ?? WEBHOOK_SECRET
  // Assigned, not spread, so that what is read anew each time stays so.
  return Object.assign(surface({ url, world, events, faults, webhookSecret }), controls, {
    stop: async () => {
      clearInterval(ticking)
      events.stop()
      save()
      stopped = true
      await server.stop()
    },
  })
}

type SurfaceParts = Pick<StripeSimulator, 'url' | 'faults' | 'webhookSecret'> & {
  world: World
  events: Events
}

/** What its starter sees, besides the controls. */
function surface({ url, world, events, faults, webhookSecret }: SurfaceParts) {
  return {
    url,
    secretKey: SECRET_KEY,
    webhookSecret,
    environment: { STRIPE_SECRET_KEY: SECRET_KEY, STRIPE_WEBHOOK_SECRET: webhookSecret, STRIPE_API_URL: url },
    get events() {
      return Object.values(world.state.events)
    },
    get meterEvents() {
      return Object.values(world.state.meterEvents)
    },
    deliveries: events.deliveries,
    resend: events.resend,
    deliver: events.deliver,
    settled: events.settled,
    setWebhook: events.setWebhook,
    faults,
  }
}

/** Controls that leave the file up to date. */
function saving(controls: Controls, save: () => void): Controls {
  const saved = <Arguments extends unknown[], Result>(control: (...given: Arguments) => Result) => {
    return (...given: Arguments): Result => {
      try {
        return control(...given)
      } finally {
        save()
      }
    }
  }
  return {
    payCheckout: saved(controls.payCheckout),
    expireCheckout: saved(controls.expireCheckout),
    settlePayments: saved(controls.settlePayments),
    refund: saved(controls.refund),
    failRefund: saved(controls.failRefund),
    dispute: saved(controls.dispute),
    closeDispute: saved(controls.closeDispute),
    subscription: saved(controls.subscription),
  }
}

function createFront(parts: {
  world: World
  events: Events
  controls: Controls
  faults: StripeSimulator['faults']
  save: () => void
}): (request: Request) => Promise<Response> {
  const { world, events, faults, save } = parts
  const answer = async (request: Request, url: URL): Promise<Response> => {
    if (url.pathname.startsWith('/dev/')) return answerDev(parts, request, url)
    if (!/^\/v\d\//.test(url.pathname)) return answerPage(parts, request, url)
    if (faults.api === 'hang') return new Promise<Response>(() => {})
    if (faults.api === 'error')
      return Response.json({ error: { type: 'api_error', message: 'simulated fault' } }, { status: 500 })
    return answerApi({ world, events, routes, secretKey: SECRET_KEY }, request, url)
  }
  return async (request) => {
    const changed = tick(world)
    const response = await answer(request, new URL(request.url))
    if (changed || request.method !== 'GET') save()
    return response
  }
}

/** What time does by itself: sessions expire, money arrives, periods end. True where something did. */
function tick(world: World): boolean {
  const before = Object.keys(world.state.events).length
  for (const session of Object.values(world.state.sessions)) {
    if (session.status === 'open' && session.expires_at <= world.now()) expireSession(world, session)
  }
  settleDue(world)
  renewDue(world)
  return Object.keys(world.state.events).length !== before
}
