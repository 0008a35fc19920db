/**
 * Puts the runtime-neutral parts together: issuers, endpoints, pipeline and routes. A runtime brings the rest: the
 * store, its `fetch`, a quick hash, and a place to log to.
 */
import { createClerkWebhook } from './billing/clerk-webhooks.ts'
import { createStripeBilling } from './billing/stripe.ts'
import { createStripeMeter } from './billing/stripe-meter.ts'
import type { Settings } from './config/resolve.ts'
import { countTokens } from './endpoints/anthropic/count-tokens.ts'
import { messages } from './endpoints/anthropic/messages.ts'
import { generateContent, streamGenerateContent } from './endpoints/gemini/generate-content.ts'
import { chatCompletions } from './endpoints/openai/chat-completions.ts'
import { embeddings } from './endpoints/openai/embeddings.ts'
import { images } from './endpoints/openai/images.ts'
import { moderations } from './endpoints/openai/moderations.ts'
import { responses } from './endpoints/openai/responses.ts'
import { speech } from './endpoints/openai/speech.ts'
import { transcriptions } from './endpoints/openai/transcriptions.ts'
import { type App, createApp } from './http/app.ts'
import { createCloser } from './http/close.ts'
import type { ModelRoute } from './http/model-call.ts'
import { createAuthenticator } from './issuers/authenticate.ts'
import { createClerkIssuer } from './issuers/clerk.ts'
import { createOidcIssuer } from './issuers/oidc.ts'
import { webSha256 } from './issuers/sha256.ts'
import type { Log, Pipeline } from './pipeline/call.ts'
import { type OpenOutlet, openTransformOutlet } from './pipeline/outlet.ts'
import type { Billing, Clock, Closer, Endpoint, Fetch, Issuer, Sink, Store, Webhook } from './ports.ts'

export type GatewayOptions = {
  settings: Settings
  store: Store
  fetch?: Fetch
  clock?: Clock
  steadyClock?: Clock
  /** SHA-256 as lower-case hexadecimal; Web Crypto by default. */
  sha256?: Pipeline['sha256']
  /** Where streamed answers leave; a TransformStream by default. */
  openOutlet?: OpenOutlet
  log?: Log
  /** Keeps background work of the issuers alive where a runtime ends it with its request. */
  keepAlive?: (work: Promise<unknown>) => void
  /** Where a simulated Clerk mints development tokens; only in dev mode. */
  devClerkUrl?: string | undefined
}

/** The model endpoints and where each is served. */
const modelRoutes: readonly ModelRoute[] = [
  openAiRoute('/chat/completions', chatCompletions),
  geminiRoute('generateContent', generateContent),
  geminiRoute('streamGenerateContent', streamGenerateContent),
  openAiRoute('/responses', responses),
  openAiRoute('/embeddings', embeddings),
  openAiRoute('/moderations', moderations),
  openAiRoute('/images/generations', images),
  openAiRoute('/audio/speech', speech),
  openAiRoute('/audio/transcriptions', transcriptions),
  { paths: ['/messages', '/v1/messages'], endpoint: messages },
  { paths: ['/messages/count_tokens', '/v1/messages/count_tokens'], endpoint: countTokens },
]

/** OpenAI's SDKs have `/v1` in their base URL, or leave it out where the gateway's own is given. */
function openAiRoute(path: string, endpoint: Endpoint): ModelRoute {
  return { paths: [path, `/v1${path}`], endpoint }
}

/** Gemini's SDKs can be told to call `v1`. The name before the method may hold slashes: `models/…`, `tunedModels/…`. */
function geminiRoute(method: string, endpoint: Endpoint): ModelRoute {
  return { paths: ['/v1beta', '/v1'].map((prefix) => `${prefix}/:call{.+:${method}}`), endpoint }
}

/** Makes the function that serves every request of a gateway. */
export function createGateway(options: GatewayOptions): App {
  const { settings, store, clock = Date.now, sha256 = webSha256, log = logJson } = options
  const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const billing = billingOf(options, { fetch, clock, log })
  const pipeline: Pipeline = {
    catalog: settings.catalog,
    store,
    providers: settings.providers,
    authenticate: createAuthenticator({ issuers: issuersOf(options, fetch, log), sha256 }),
    settings,
    clock,
    steadyClock: options.steadyClock ?? (() => performance.now()),
    fetch,
    sha256,
    openOutlet: options.openOutlet ?? openTransformOutlet,
    log,
    drains: { count: 0 },
    topUp: billing ? (accountId) => billing.topUp(accountId) : null,
  }
  const { devClerkUrl } = options
  const close = createCloser({ store, log, ...(billing && { beforeClose: billing.forget }) })
  return createApp({
    pipeline,
    modelRoutes,
    corsOrigins: settings.cors.origins,
    adminKeys: settings.adminKeys,
    buyRoles: settings.payments.buyRoles,
    sales: { billing, packs: settings.creditPacks, returnOrigins: settings.cors.origins },
    close,
    webhooks: {
      ...(billing && { '/webhooks/stripe': billing.webhook }),
      ...clerkWebhookOf(options, close, log),
    },
    devToken: devClerkUrl === undefined ? undefined : (request) => mintDevToken(devClerkUrl, request, fetch),
  })
}

type Means = { fetch: Fetch; clock: Clock; log: Log }

/** Who sells, if there is a key for it. */
function billingOf({ settings, store }: GatewayOptions, means: Means): Billing | null {
  const { payments, creditPacks: packs, stripePrices, creditName } = settings
  const { stripe, meter: _meter, ...choices } = payments
  if (stripe === null) return null
  return createStripeBilling({ settings: stripe, store, packs, stripePrices, choices, creditName, ...means })
}

/** Where charges go on to, for the store to deliver them: the meter that the config names, if it names one. */
export function createMeter({ payments }: Settings, means: Partial<Means> = {}): Sink | null {
  const { meter, stripe } = payments
  if (meter === null || stripe === null) return null
  const { clock = Date.now, log = logJson } = means
  const fetch: Fetch = means.fetch ?? ((input, init) => globalThis.fetch(input, init))
  return createStripeMeter({ settings: stripe, ...meter, fetch, clock, log })
}

function issuersOf({ settings, keepAlive }: GatewayOptions, fetch: Fetch, log: Log): Issuer[] {
  const { clerk, oidc } = settings.identity
  const common = {
    fetch,
    onKeysFailure: (problem: string) => log('warn', 'identity_keys_unavailable', { problem }),
    ...(keepAlive && { keepAlive }),
  }
  const issuers = oidc.map((issuer) => createOidcIssuer({ ...issuer, ...common }))
  return clerk ? [createClerkIssuer({ ...clerk, ...common }), ...issuers] : issuers
}

function clerkWebhookOf(
  { settings, store }: GatewayOptions,
  close: Closer,
  log: Log,
): Record<string, Webhook> {
  const { catalog, identity } = settings
  if (identity.clerk?.webhookSecret === undefined) return {}
  const { webhookSecret, payer } = identity.clerk
  const parts = { signingSecret: webhookSecret, payer, catalog, store, close, log }
  return { '/webhooks/clerk': createClerkWebhook(parts) }
}

async function mintDevToken(clerkUrl: string, request: Request, fetch: Fetch): Promise<Response> {
  const body = await request.text()
  const answer = await fetch(`${clerkUrl}/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: body === '' ? '{}' : body,
  })
  const headers = { 'content-type': 'application/json' }
  return new Response(await answer.text(), { status: answer.status, headers })
}

/** One JSON line an event. Facts are ids, names and figures; never a token, a key or a prompt. */
export const logJson: Log = (level, event, facts) => {
  console[level](JSON.stringify({ at: new Date().toISOString(), level, event, ...facts }))
}
