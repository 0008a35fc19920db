/** What the tests of the simulated Stripe share: a running one, the real SDK, an endpoint that verifies, a browser of forms. */
import { createServer } from 'node:http'
import Stripe from 'stripe'
import { afterEach } from 'vitest'
import { type StripeSimulator, type StripeSimulatorOptions, startStripeSimulator } from '../stripe.ts'

export const PRICES = [
  { id: 'price_pro_month', product: 'Pro', unit_amount: 2000, interval: 'month' },
  { id: 'price_team_month', product: 'Team', unit_amount: 5000, interval: 'month' },
  { id: 'price_pro_year', product: 'Pro (yearly)', unit_amount: 20_000, interval: 'year' },
] as const

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** An endpoint: what it took, verified with the SDK, and the statuses that it answers next (200 when none are left). */
export type Endpoint = {
  url: string
  secret: string
  taken: Stripe.Event[]
  answers: number[]
  refused: number
}

/** Starts an endpoint on a free port. */
export async function startEndpoint(): Promise<Endpoint> {
  const endpoint: Endpoint = { url: '', secret: 'whsec_of_the_test', taken: [], answers: [], refused: 0 }
  const stripe = new Stripe('sk_test_unused')
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const status = endpoint.answers.shift() ?? 200
      const header = request.headers['stripe-signature'] ?? ''
      stripe.webhooks
        .constructEventAsync(Buffer.concat(chunks).toString(), header, endpoint.secret)
        .then((event) => {
          if (status === 200) endpoint.taken.push(event)
          else endpoint.refused += 1
          response.writeHead(status).end()
        })
        .catch(() => response.writeHead(400).end())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  endpoint.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/webhooks/stripe`
  cleanups.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return endpoint
}

/** Starts a simulator, an endpoint for its events, and the real SDK against it. */
export async function start(options: StripeSimulatorOptions = {}) {
  const endpoint = await startEndpoint()
  const { url, secret } = endpoint
  const simulator = await startStripeSimulator({ webhook: { url, secret }, prices: [...PRICES], ...options })
  cleanups.push(simulator.stop)
  return { simulator, endpoint, stripe: sdk(simulator) }
}

/** The SDK as an application has it. */
export function sdk(simulator: StripeSimulator, key = simulator.secretKey): Stripe {
  const { hostname, port } = new URL(simulator.url)
  return new Stripe(key, { host: hostname, port: Number(port), protocol: 'http', maxNetworkRetries: 0 })
}

/** A checkout of one pack, as the gateway makes it. */
export function packCheckout(stripe: Stripe, changes: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  return stripe.checkout.sessions.create({
    mode: 'payment',
    line_items: [
      {
        price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: 'Starter: 1,000 credits' } },
        quantity: 1,
      },
    ],
    client_reference_id: 'clerk:user_2a',
    metadata: { faregate_account: 'clerk:user_2a', faregate_payment: 'pay_1' },
    payment_intent_data: { metadata: { faregate_payment: 'pay_1' }, setup_future_usage: 'off_session' },
    success_url: 'http://localhost:3000/buy?checkout=done&session={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://localhost:3000/buy?checkout=canceled',
    ...changes,
  })
}

/** Submits a page's form as a browser does: where it leads to, and what is shown there unless that is another site. */
export async function submit(url: string | null, fields: Record<string, string>) {
  const response = await fetch(url ?? '', {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
  })
  const location = response.headers.get('location')
  const shown = location?.startsWith('/') ? await fetch(new URL(location, url ?? '')) : response
  return { status: response.status, location, text: await shown.text() }
}

/** Pays on the hosted page. */
export function payOnPage(url: string | null, behaviour = 'succeeds') {
  return submit(url, { action: 'pay', email: 'ada@example.com', behaviour })
}

/** The types of events, in order. */
export function typesOf(events: { type: string }[]): string[] {
  return events.map(({ type }) => type)
}
