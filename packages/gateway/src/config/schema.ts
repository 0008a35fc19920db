/**
 * The config's shape: what an operator may write, field by field. Plain data, so that the same config can be
 * JSON. What needs more than one field, or the environment, is checked in resolve.ts.
 */
import { z } from 'zod'
import {
  address,
  creditAmount,
  decimal,
  flag,
  leaf,
  listOf,
  named,
  nameOf,
  nameProblem,
  oneOf,
  origin,
  strict,
  text,
  whole,
} from './leaves.ts'

const timerMax = 2_147_483_647
const tokensMax = 1_000_000_000
const environmentName = text('the name of an environment variable, e.g. OPENAI_API_KEY', /^[A-Z][A-Z0-9_]*$/)
const usdPerMillion = decimal('USD per million tokens, before markup')
const secretHint = 'keys do not belong in this file: put it in the environment and name it with apiKeyEnv'

export const creditSchema = strict({
  /** What one credit is sold for, in US dollars. Fixed once accounts exist. */
  usd: decimal('the price of one credit in US dollars, e.g. 0.01'),
  /** What users see a credit called. Default: `credits`. */
  name: text('a word such as "credits"').optional(),
})

export const providerSchema = strict(
  {
    /**
     * Whose it is; `openai-compatible` is any server that speaks chat completions: Ollama, vLLM, OpenRouter …
     */
    type: oneOf('openai', 'openai-compatible', 'anthropic', 'gemini'),
    /**
     * Its address, up to the part before `/chat/completions`, e.g. `http://127.0.0.1:11434/v1`. Needed for
     * `openai-compatible`. Default for the others: their variable (`OPENAI_BASE_URL`), else their own.
     */
    baseUrl: address('its address, e.g. http://127.0.0.1:11434/v1').optional(),
    /**
     * The environment variable with the key. Default: the provider's own, e.g. `OPENAI_API_KEY`.
     * An `openai-compatible` server on a loopback or private address may have none.
     */
    apiKeyEnv: environmentName.optional(),
  },
  { apiKey: secretHint, key: secretHint, secret: secretHint },
)

/** USD per million tokens as the provider asks, before markup. */
const tokenPriceSchema = strict({
  input: usdPerMillion,
  /** Input read from the provider's cache. Default: `input`. */
  cachedInput: usdPerMillion.optional(),
  /** Input written to the provider's cache. Default: `input`. */
  cacheWrite: usdPerMillion.optional(),
  output: usdPerMillion,
})

export const priceSchema = z.union(
  [
    tokenPriceSchema,
    strict({
      /** A fixed price for each answered request, in credits; markup does not apply. */
      creditsPerRequest: creditAmount('credits for each request'),
    }),
    z.literal('free'),
  ],
  {
    error: () =>
      "must be { input, output } in USD per million tokens, { creditsPerRequest } in credits, or 'free'",
  },
)

export const modelSchema = strict({
  /** The name of an entry in `providers`. */
  provider: nameOf('provider'),
  /** The model's name at the provider. Default: its name here. */
  upstreamModel: text("the model's name at the provider", /^[\x21-\x7e]{1,128}$/).optional(),
  /**
   * `{ input, cachedInput?, cacheWrite?, output }` in USD per million tokens, `{ creditsPerRequest }`, or
   * `'free'`.
   */
  price: priceSchema.optional(),
  /** This model's own markup in percent, in place of the general one. */
  markupPercent: decimal('a percentage, e.g. 25').optional(),
  /**
   * The most output tokens of one choice; more is clamped. Default: no cap but the caller's credits and plan.
   */
  outputTokensMax: whole('a number of tokens', 1, tokensMax).optional(),
  /** The output cap of a request that names none, as far as its credits go. Default: 4096. */
  outputTokensDefault: whole('a number of tokens', 1, tokensMax).optional(),
  /**
   * Whether it may think out of sight, so that its silence may be paid work. Default: true, the safe side.
   */
  reasoning: flag().optional(),
  /** When the client hangs up: stop the provider and charge what was made (`abort`, default), or read on. */
  onDisconnect: oneOf('abort', 'drain').optional(),
  /**
   * Request parameters to let through that Faregate does not know. They must not change what a request costs.
   */
  allowParameters: listOf('parameter names', text('a parameter name', /^[A-Za-z_][\w.-]*$/)).optional(),
})

const limitShape = {
  /** Requests in each clock minute. */
  requestsPerMinute: whole('requests a minute').optional(),
  /** Input and output tokens in each clock minute. */
  tokensPerMinute: whole('tokens a minute').optional(),
  /** Requests under way at once. */
  concurrentRequests: whole('requests at once').optional(),
  /** Credits in each UTC day. */
  creditsPerDay: creditAmount('credits a day').optional(),
}

export const planSchema = strict({
  /**
   * Plan names in tokens and billing that mean this one, without Clerk's `u:` or `o:`. Default: its own name.
   */
  slugs: listOf('plan slugs', text("a plan's slug")).optional(),
  /** Stripe prices that mean this plan. */
  stripePrices: listOf('Stripe prices', text('a Stripe price such as price_1…', /^price_\w+$/)).optional(),
  /** Whom it serves: everyone (default), or organizations alone. */
  for: oneOf('anyone', 'organization').optional(),
  /** The models it may use, or `'*'` for all. */
  models: z.union([z.literal('*'), listOf('model names', nameOf('model'))], {
    error: ({ input }) =>
      `${input === undefined ? 'is missing: give' : 'must be'} a list of model names, or '*' for all`,
  }),
  /** Credits given each month to whoever is on the plan. Default: none. */
  allowance: strict({
    credits: creditAmount('credits'),
    every: oneOf('month'),
  }).optional(),
  /** Rate limits, per account; `models` sets some for one model. Default: none but credits. */
  limits: strict({ ...limitShape, models: named('model', strict(limitShape)).optional() }).optional(),
  /** The most output tokens of one choice on this plan. */
  outputTokensMax: whole('a number of tokens', 1, tokensMax).optional(),
  /** The Faregate keys that users of the plan may make for themselves. */
  keys: strict({
    /** The longest life of a key, in seconds. Default: 900. */
    ttlSecondsMax: whole('seconds', 60, 10 * 365 * 86_400).optional(),
    /** The most credits that one key may spend. Default: a month's allowance, or 100. */
    creditsMax: z.union([creditAmount('credits'), z.literal('unlimited')]).optional(),
    /** The most keys at a time, 0 for none. Default: 10. */
    countMax: whole('a number of keys', 0, 100).optional(),
  }).optional(),
})

export const issuerSchema = strict({
  /** The exact `iss` of its tokens. */
  issuer: address('the exact "iss" of its tokens, e.g. https://auth.example.com'),
  /** Who the tokens must be for (`aud`): one, or a list of which any will do. */
  audience: z.union(
    [text('the "aud" of its tokens'), listOf('audiences', text('an audience')).min(1, 'is empty')],
    {
      error: ({ input }) =>
        `${input === undefined ? 'is missing: give' : 'must be'} the "aud" of its tokens, or a list; without it, tokens made for other services would be accepted`,
    },
  ),
  /** Signature algorithms to accept, e.g. `['ES256']`. */
  algorithms: listOf(
    'algorithms',
    leaf<string>('RS256, PS256, ES256 (or 384, 512) or EdDSA', algorithmProblem),
  ).min(1, 'is empty'),
  /** Where its keys are. Default: what its `/.well-known/openid-configuration` says. */
  jwksUrl: address('the address of its keys').optional(),
  /** The longest life of a token to accept, in seconds. Default: 600. */
  tokenLifetimeMaxSeconds: whole('seconds', 1, 7 * 86_400).optional(),
  /** Where a token names the plan, e.g. `app_metadata.plan`. */
  planClaim: text('the path of a claim').optional(),
  /** Where a token names the organization. */
  organizationClaim: text('the path of a claim').optional(),
  /** Where a token names the role in the organization. */
  roleClaim: text('the path of a claim').optional(),
})

function algorithmProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text'
  if (/^HS|^none$/i.test(value)) return 'is not safe here: whoever checks such a token could also make one'
  return /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519)$/.test(value) ? null : 'is not a known algorithm'
}

function issuerNameProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text'
  if (value === 'clerk') return 'is the name of the built-in Clerk issuer; choose another'
  if (nameProblem(value) !== null) return nameProblem(value)
  return /^[A-Za-z0-9_-]{1,32}$/.test(value) ? null : 'may hold only letters, digits, - and _, at most 32'
}

export const identitySchema = strict({
  /** The web origins whose tokens are accepted: where your app is served, e.g. `https://app.example.com`. */
  authorizedParties: listOf('origins', origin()).optional(),
  /** Who pays while an organization is active in the token: it (default), or still the user. */
  payer: oneOf('organization', 'user').optional(),
  /** Accept tokens of support staff who are signed in as a user. Default: false. */
  allowImpersonation: flag().optional(),
  /** OpenID Connect issuers beside Clerk, by a short name that begins their account ids. */
  issuers: z
    .record(leaf<string>("an issuer's name", issuerNameProblem), issuerSchema, {
      error: () => 'must be an object of issuers by name',
    })
    .optional(),
})

export const creditPackSchema = strict({
  /** What buyers see. */
  name: text('what buyers see'),
  credits: creditAmount('credits'),
  price: strict({ usd: decimal('US dollars, e.g. 10') }),
})

const milliseconds = whole('milliseconds', 1, timerMax)

/** The whole config. */
export const configSchema = strict({
  /** What a credit is. */
  credit: creditSchema,
  /** Added to the providers' prices, in percent; a model may set its own. Default: 0. */
  markupPercent: decimal('a percentage, e.g. 25').optional(),
  /** Where models are, by a name of your own. Keys come from the environment. */
  providers: named('provider', providerSchema),
  /** What you sell, by the name that callers use. */
  models: named('model', modelSchema),
  /** Who may use what, how much, and what they are given. */
  plans: named('plan', planSchema),
  /** The plan of everyone who is on no other. */
  defaultPlan: nameOf('plan'),
  /** Whose tokens are accepted. */
  identity: identitySchema.optional(),
  /** Which websites may call from a browser. Default: `identity.authorizedParties`. */
  cors: strict({ origins: listOf('origins', origin()) }).optional(),
  /** Credits for sale, by a name of your own. */
  creditPacks: named('pack', creditPackSchema).optional(),
  /** How credits are sold. */
  payments: strict({
    /** Roles that may buy for their organization. Default: `['admin']`. */
    buyRoles: listOf('roles', text('a role')).optional(),
    /** Stripe adds tax. Default: false. */
    automaticTax: flag().optional(),
    /** Buyers may enter promotion codes. Default: false. */
    promotionCodes: flag().optional(),
  }).optional(),
  /**
   * A request parameter that Faregate does not know: `refuse` the request (default), or `drop` it and say so.
   */
  unknownParameters: oneOf('refuse', 'drop').optional(),
  /** How long to wait for a provider, in milliseconds. */
  timeouts: strict({
    /** For its first sign of an answer. Default: 600000. */
    headersMs: milliseconds.optional(),
    /** In silence within an answer. Default: 180000. */
    idleMs: milliseconds.optional(),
    /** For the whole. Default: 900000. */
    totalMs: milliseconds.optional(),
  }).optional(),
  /** How large and how slow a request may be. */
  limits: strict({
    /** Default: 4194304 (4 MiB). */
    bodyBytesMax: whole('bytes', 1024, 256 * 1024 * 1024).optional(),
    /** Default: 15000. */
    bodyTimeoutMs: milliseconds.optional(),
  }).optional(),
  /** How far an answer is read on after its client has left. */
  drain: strict({
    /** The most answers at once; the rest are stopped and charged on evidence. Default: 100. */
    concurrentMax: whole('a number of answers', 0, 100_000).optional(),
    /** The longest, in milliseconds. Cloudflare Workers allow less than 30000. Default: 20000. */
    timeMs: whole('milliseconds', 0, timerMax).optional(),
  }).optional(),
})

/** What an operator writes: the argument of `defineConfig`, or the same as JSON. */
export type FaregateConfig = z.input<typeof configSchema>
export type ProviderConfig = z.output<typeof providerSchema>
export type ModelConfig = z.output<typeof modelSchema>
export type PriceConfig = z.output<typeof priceSchema>
export type PlanConfig = z.output<typeof planSchema>
export type IdentityConfig = z.output<typeof identitySchema>
export type IssuerConfig = z.output<typeof issuerSchema>
export type CreditPackConfig = z.output<typeof creditPackSchema>
