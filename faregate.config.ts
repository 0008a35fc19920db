/**
 * What this gateway sells, to whom and for how much. It runs as it is; an editor explains each field.
 * Keys are never written here: they come from the environment (.env, see .env.example).
 */
import { defineConfig } from './packages/gateway/src/config/define-config.ts'

export default defineConfig({
  // Users see credits, not dollars. Here one is sold for a cent.
  credit: { usd: 0.01, name: 'credits' },
  // What you add to the providers' prices.
  markupPercent: 25,

  providers: {
    openai: { type: 'openai' },
    // Each in its own words, with ANTHROPIC_API_KEY and GEMINI_API_KEY:
    // anthropic: { type: 'anthropic' },
    // gemini: { type: 'gemini' },
    // A model on your own machine or network needs no key:
    // local: { type: 'ollama', baseUrl: 'http://127.0.0.1:11434/v1' },
  },

  // By the name that callers use. Prices come from the catalogue (`pnpm prices` shows them), unless you give your own.
  models: {
    'gpt-5-mini': { provider: 'openai', outputTokensMax: 32_768 },
    'gpt-5.1': { provider: 'openai', outputTokensMax: 32_768 },
    // A name of your own stays when the model behind it changes. The price is the provider's, in USD per million tokens.
    fast: {
      provider: 'openai',
      upstreamModel: 'gpt-5-nano',
      price: { input: 0.05, cachedInput: 0.005, output: 0.4 },
      outputTokensMax: 8192,
    },
  },

  // `slugs` are the names of your plans in Clerk Billing, or wherever tokens get their plan from.
  plans: {
    free: {
      slugs: ['free_user', 'free_org'],
      models: ['fast', 'gpt-5-mini'],
      allowance: { credits: 50, every: 'month' },
      limits: { requestsPerMinute: 20, tokensPerMinute: 200_000, concurrentRequests: 4, creditsPerDay: 20 },
    },
    pro: {
      slugs: ['pro'],
      models: '*',
      allowance: { credits: 2000, every: 'month' },
      limits: { concurrentRequests: 20 },
      // To sell it through Stripe instead of Clerk Billing, name its price there:
      // stripePrices: ['price_…'],
      // Keys for agents, cron jobs and command lines may live for 90 days.
      keys: { ttlSecondsMax: 7_776_000 },
    },
    team: {
      slugs: ['team'],
      for: 'organization',
      models: '*',
      allowance: { credits: 10_000, every: 'month' },
    },
    // No allowance: every credit is bought, or granted by you.
    payAsYouGo: { slugs: ['pay_as_you_go'], models: '*' },
  },
  defaultPlan: 'free',

  // What users can buy once STRIPE_SECRET_KEY is set. Bought credits do not expire.
  creditPacks: {
    starter: { name: 'Starter', credits: 1000, price: { usd: 10 } },
    plus: { name: 'Plus', credits: 3000, price: { usd: 27 } },
    studio: { name: 'Studio', credits: 10_000, price: { usd: 80 } },
  },
  payments: { promotionCodes: true },

  identity: {
    // Where your web app is served. Tokens from other origins are refused; so are browsers elsewhere (CORS).
    authorizedParties: ['http://localhost:3000'],
    // With an active organization in the token, its account pays.
    payer: 'organization',
  },
})
