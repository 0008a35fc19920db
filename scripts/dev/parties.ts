/** The outside parties of dev mode: each is the real one where there are keys for it, and its simulator where not. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startClerkSimulator } from '../../packages/simulators/src/clerk.ts'
import { startProviderSimulator } from '../../packages/simulators/src/provider.ts'
import { startStripeSimulator } from '../../packages/simulators/src/stripe.ts'
import { type Environment, withoutEmpty } from './environment.ts'
import { devFolder, freePort } from './processes.ts'

/** Who stands for one outside party, as the banner says it. */
export type Party = { name: string; real: boolean; where: string }

type Own = { gateway: Environment; web: Environment }

/** Clerk, or its simulator: what the gateway and the web app must know of it. */
export async function identity(
  { gateway, web }: Own,
  webPort: number,
  gatewayUrl: string,
): Promise<{ gateway: Environment; web: Environment; party: Party }> {
  const publishableKey = gateway['CLERK_PUBLISHABLE_KEY'] ?? web['NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY']
  if (publishableKey !== undefined || gateway['CLERK_JWT_KEY'] !== undefined) {
    return {
      gateway: withoutEmpty({ CLERK_PUBLISHABLE_KEY: publishableKey }),
      web: withoutEmpty({
        NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: publishableKey,
        CLERK_SECRET_KEY: gateway['CLERK_SECRET_KEY'],
        CLERK_JWT_KEY: gateway['CLERK_JWT_KEY'],
      }),
      party: { name: 'identity', real: true, where: 'Clerk' },
    }
  }
  const port = Number(gateway['FAREGATE_DEV_CLERK_PORT'] ?? 4100)
  await freePort(port)
  const secret = signingSecret()
  const clerk = await startClerkSimulator({
    port,
    appUrl: `http://localhost:${webPort}`,
    stateFile: `${devFolder}/clerk.json`,
    webhook: { url: `${gatewayUrl}/webhooks/clerk`, secret },
    // Without Clerk Billing tokens name no plan, and plans are sold through Stripe.
    billing: gateway['FAREGATE_DEV_CLERK_BILLING'] !== 'off',
  })
  return {
    gateway: {
      CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
      CLERK_JWT_KEY: clerk.jwtKey,
      CLERK_WEBHOOK_SIGNING_SECRET: secret,
      FAREGATE_DEV_CLERK_URL: clerk.url,
    },
    web: clerk.environment,
    party: { name: 'identity', real: false, where: `simulated Clerk on ${clerk.url}` },
  }
}

/** What each provider's key and address are called, and whether its address ends in /v1. */
const PROVIDERS = [
  { name: 'OpenAI', key: 'OPENAI_API_KEY', url: 'OPENAI_BASE_URL', versioned: true },
  { name: 'Anthropic', key: 'ANTHROPIC_API_KEY', url: 'ANTHROPIC_BASE_URL', versioned: false },
  { name: 'Gemini', key: 'GEMINI_API_KEY', url: 'GEMINI_BASE_URL', versioned: false },
] as const

/** Model providers: each is the real one with its key, else a simulated one whose answers cost nothing. */
export async function modelProvider(gateway: Environment): Promise<{ gateway: Environment; party: Party }> {
  const real = PROVIDERS.filter(({ key }) => gateway[key] !== undefined)
  const missing = PROVIDERS.filter(({ key }) => gateway[key] === undefined)
  const names = real.map(({ name, url }) => gateway[url] ?? name).join(', ')
  if (missing.length === 0) return { gateway: {}, party: { name: 'models', real: true, where: names } }
  const provider = await startProviderSimulator({})
  const stands = missing.flatMap(({ key, url, versioned }) => [
    [key, 'simulated'] as const,
    [url, versioned ? provider.url : provider.origin] as const,
  ])
  const simulated = `simulated ${missing.map(({ name }) => name).join(', ')} on ${provider.origin}`
  return {
    gateway: Object.fromEntries(stands),
    party: {
      name: 'models',
      real: real.length > 0,
      where: real.length > 0 ? `${names}; not real: ${simulated}` : simulated,
    },
  }
}

/** Stripe, or its simulator, where no money moves. */
export async function payments(
  gateway: Environment,
  gatewayUrl: string,
): Promise<{ gateway: Environment; party: Party }> {
  if (gateway['STRIPE_SECRET_KEY'] !== undefined) {
    return { gateway: {}, party: { name: 'payments', real: true, where: 'Stripe' } }
  }
  const port = Number(gateway['FAREGATE_DEV_STRIPE_PORT'] ?? 4200)
  await freePort(port)
  const stripe = await startStripeSimulator({
    port,
    stateFile: `${devFolder}/stripe.json`,
    webhook: { url: `${gatewayUrl}/webhooks/stripe`, secret: signingSecret() },
    prices: await pricesOf(gateway['FAREGATE_CONFIG']),
  })
  return {
    gateway: stripe.environment,
    party: { name: 'payments', real: false, where: `simulated Stripe on ${stripe.url}` },
  }
}

/** The Stripe prices that the config's plans name, at a made-up amount. */
async function pricesOf(configPath: string | undefined) {
  const path = pathToFileURL(resolve(configPath ?? 'faregate.config.ts')).href
  const module = await import(path, path.endsWith('.json') ? { with: { type: 'json' } } : {})
  // Whatever is wrong with it, the gateway says so at its own start.
  const plans: Record<string, { stripePrices?: string[] }> = module.default?.plans ?? {}
  return Object.entries(plans).flatMap(([plan, { stripePrices = [] }]) =>
    stripePrices.map((id) => ({ id, product: plan, unit_amount: 2000, interval: 'month' as const })),
  )
}

function signingSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`
}
