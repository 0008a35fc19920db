/** The SDK's client of Stripe, with nothing of a runtime's own: the same on workerd, Bun and Node. */
import Stripe from 'stripe'
import type { Fetch } from '../ports.ts'

export type StripeClientOptions = { timeoutMs?: number; retriesMax?: number }

/** Makes a client; nothing is asked yet. `apiUrl` is null for Stripe itself. */
export function createStripeClient(
  { secretKey, apiUrl }: { secretKey: string; apiUrl: string | null },
  fetch: Fetch,
  { timeoutMs = 20_000, retriesMax = 2 }: StripeClientOptions = {},
): Stripe {
  const at = apiUrl === null ? null : new URL(apiUrl)
  const call: Fetch = (input, init) => fetch(input, init)
  return new Stripe(secretKey, {
    // Only called; what else a runtime hangs on its own `fetch` is not used.
    httpClient: Stripe.createFetchHttpClient(call as typeof globalThis.fetch),
    telemetry: false,
    timeout: timeoutMs,
    maxNetworkRetries: retriesMax,
    appInfo: { name: 'Faregate' },
    ...(at && {
      host: at.hostname,
      port: at.port || (at.protocol === 'https:' ? '443' : '80'),
      protocol: at.protocol === 'https:' ? 'https' : 'http',
    }),
  })
}
