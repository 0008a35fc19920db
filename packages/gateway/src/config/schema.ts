/**
 * The config's shape, checked: what faregate-config.ts explains field by field. Strict, so that a typing
 * error is no silent default. What needs more than one field, or the environment, is checked in resolve.ts.
 */
import { z } from 'zod'
import { standardTiers } from '../core/pricing.ts'
import {
  address,
  creditAmount,
  day,
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
const longContextRowsMax = 4
const datedPricesMax = 32
const environmentName = text('the name of an environment variable, e.g. OPENAI_API_KEY', /^[A-Z][A-Z0-9_]*$/)
const usdPerMillion = decimal('USD per million tokens, before markup')
const secretHint = 'keys do not belong in this file: put it in the environment and name it with apiKeyEnv'

export const creditSchema = strict({
  usd: decimal('the price of one credit in US dollars, e.g. 0.01'),
  name: text('a word such as "credits"').optional(),
})

export const providerSchema = strict(
  {
    type: oneOf(
      'openai',
      'anthropic',
      'gemini',
      'azure',
      'groq',
      'openrouter',
      'deepseek',
      'mistral',
      'vllm',
      'ollama',
      'openai-compatible',
    ),
    baseUrl: address('its address, e.g. http://127.0.0.1:11434/v1').optional(),
    apiKeyEnv: environmentName.optional(),
    apiVersion: text(
      "a version of Azure's interface, e.g. 2024-10-21",
      /^\d{4}-\d{2}-\d{2}(?:-preview)?$/,
    ).optional(),
  },
  { apiKey: secretHint, key: secretHint, secret: secretHint },
)

/** USD per million tokens of every kind. */
const ratesShape = {
  input: usdPerMillion.optional(),
  cachedInput: usdPerMillion.optional(),
  cacheWrite: usdPerMillion.optional(),
  longCacheWrite: usdPerMillion.optional(),
  output: usdPerMillion.optional(),
  audioInput: usdPerMillion.optional(),
  cachedAudioInput: usdPerMillion.optional(),
  imageInput: usdPerMillion.optional(),
  audioOutput: usdPerMillion.optional(),
  imageOutput: usdPerMillion.optional(),
}

const longContextSchema = strict({
  inputTokensAbove: whole('a number of input tokens', 1, tokensMax),
  ...ratesShape,
  input: usdPerMillion,
  output: usdPerMillion,
})

function tierNameProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text'
  if (standardTiers.has(value)) return 'is the standard tier, which costs what the price says: remove it'
  return /^[a-z][a-z0-9_-]{0,31}$/.test(value) ? null : 'must be a name such as priority or flex'
}

const tokenPriceShape = strict(
  {
    ...ratesShape,
    perThousandToolCalls: decimal('USD per 1,000 calls, before markup').optional(),
    perMinuteOfAudio: decimal('USD per minute, before markup').optional(),
    perMillionCharacters: decimal('USD per million characters, before markup').optional(),
    longContext: listOf('prices of longer inputs', longContextSchema)
      .max(longContextRowsMax, `has more than ${longContextRowsMax} rows`)
      .optional(),
    serviceTiers: z
      .record(leaf<string>("a service tier's name", tierNameProblem), whole('a percentage', 1, 10_000), {
        error: () => 'must be an object of percentages by service tier, such as { priority: 200 }',
      })
      .optional(),
  },
  {},
  ['creditsPerRequest'],
)

/** Whatever names credits is a price in credits, so that what is wrong with it is told of that form. */
const tokenPriceSchema = z
  .custom<z.input<typeof tokenPriceShape>>(
    (value) => typeof value !== 'object' || value === null || !('creditsPerRequest' in value),
    { abort: true },
  )
  .pipe(tokenPriceShape)

const priceForms = [
  strict({ creditsPerRequest: creditAmount('credits for each answer') }),
  tokenPriceSchema,
  z.literal('free'),
] as const
const priceWords =
  "must be { input, output } in USD per million tokens, { creditsPerRequest } in credits, or 'free'"

const datedPricesSchema = listOf(
  'prices by date',
  strict({ from: day().optional(), price: z.union(priceForms, { error: () => priceWords }) }),
)
  .min(1, 'is empty')
  .max(datedPricesMax, `has more than ${datedPricesMax} rows`)
  .superRefine((rows, context) => {
    for (const [index, { from }] of rows.entries()) {
      const message = dateProblem(from, rows[index - 1])
      if (message !== null) context.addIssue({ code: 'custom', path: [index, 'from'], message })
    }
  })

function dateProblem(
  from: string | undefined,
  before: { from?: string | undefined } | undefined,
): string | null {
  if (before === undefined) {
    return from === undefined ? null : 'must not be in the first price: before that day there would be none'
  }
  if (from === undefined) return 'is missing: give a date such as "2027-01-01"'
  // Dates of this form sort as texts.
  return before.from !== undefined && from <= before.from
    ? `must be later than ${before.from}: sort the prices, oldest first`
    : null
}

export const priceSchema = z.union([...priceForms, datedPricesSchema], { error: () => priceWords })

export const modelSchema = strict({
  provider: nameOf('provider'),
  upstreamModel: text("the model's name at the provider", /^[\x21-\x7e]{1,128}$/).optional(),
  price: priceSchema.optional(),
  markupPercent: decimal('a percentage, e.g. 25').optional(),
  outputTokensMax: whole('a number of tokens', 1, tokensMax).optional(),
  outputTokensDefault: whole('a number of tokens', 1, tokensMax).optional(),
  reasoning: flag().optional(),
  onDisconnect: oneOf('abort', 'drain').optional(),
  allowParameters: listOf('parameter names', text('a parameter name', /^[A-Za-z_][\w.-]*$/)).optional(),
  tools: strict({
    callsMax: whole('a number of calls', 1, 1000),
    inputTokensPerCall: whole('a number of tokens', 0, tokensMax),
  }).optional(),
  media: strict({
    remote: flag().optional(),
    imageTokensMax: whole('a number of tokens', 1, tokensMax).optional(),
    audioSecondsMax: whole('seconds', 1, 86_400).optional(),
  }).optional(),
})

const limitShape = {
  requestsPerMinute: whole('requests a minute').optional(),
  tokensPerMinute: whole('tokens a minute').optional(),
  concurrentRequests: whole('requests at once').optional(),
  creditsPerDay: creditAmount('credits a day').optional(),
}

export const planSchema = strict({
  slugs: listOf('plan slugs', text("a plan's slug")).optional(),
  stripePrices: listOf('Stripe prices', text('a Stripe price such as price_1…', /^price_\w+$/)).optional(),
  for: oneOf('anyone', 'organization').optional(),
  models: z.union([z.literal('*'), listOf('model names', nameOf('model'))], {
    error: ({ input }) =>
      `${input === undefined ? 'is missing: give' : 'must be'} a list of model names, or '*' for all`,
  }),
  allowance: strict({
    credits: creditAmount('credits'),
    every: oneOf('month'),
  }).optional(),
  limits: strict({ ...limitShape, models: named('model', strict(limitShape)).optional() }).optional(),
  outputTokensMax: whole('a number of tokens', 1, tokensMax).optional(),
  keys: strict({
    ttlSecondsMax: whole('seconds', 60, 10 * 365 * 86_400).optional(),
    creditsMax: z.union([creditAmount('credits'), z.literal('unlimited')]).optional(),
    countMax: whole('a number of keys', 0, 100).optional(),
  }).optional(),
})

export const issuerSchema = strict({
  issuer: address('the exact "iss" of its tokens, e.g. https://auth.example.com'),
  audience: z.union(
    [text('the "aud" of its tokens'), listOf('audiences', text('an audience')).min(1, 'is empty')],
    {
      error: ({ input }) =>
        `${input === undefined ? 'is missing: give' : 'must be'} the "aud" of its tokens, or a list; without it, tokens made for other services would be accepted`,
    },
  ),
  algorithms: listOf(
    'algorithms',
    leaf<string>('RS256, PS256, ES256 (or 384, 512) or EdDSA', algorithmProblem),
  ).min(1, 'is empty'),
  jwksUrl: address('the address of its keys').optional(),
  tokenLifetimeMaxSeconds: whole('seconds', 1, 7 * 86_400).optional(),
  planClaim: text('the path of a claim').optional(),
  organizationClaim: text('the path of a claim').optional(),
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
  authorizedParties: listOf('origins', origin()).optional(),
  payer: oneOf('organization', 'user').optional(),
  allowImpersonation: flag().optional(),
  issuers: z
    .record(leaf<string>("an issuer's name", issuerNameProblem), issuerSchema, {
      error: () => 'must be an object of issuers by name',
    })
    .optional(),
})

export const creditPackSchema = strict({
  name: text('what buyers see'),
  credits: creditAmount('credits'),
  price: strict({ usd: decimal('US dollars, e.g. 10') }),
})

const milliseconds = whole('milliseconds', 1, timerMax)

/** The whole config. */
export const configSchema = strict({
  credit: creditSchema,
  markupPercent: decimal('a percentage, e.g. 25').optional(),
  providers: named('provider', providerSchema),
  models: named('model', modelSchema),
  plans: named('plan', planSchema),
  defaultPlan: nameOf('plan'),
  identity: identitySchema.optional(),
  cors: strict({ origins: listOf('origins', origin()) }).optional(),
  creditPacks: named('pack', creditPackSchema).optional(),
  payments: strict({
    buyRoles: listOf('roles', text('a role')).optional(),
    automaticTax: flag().optional(),
    promotionCodes: flag().optional(),
    autoTopUpsPerDay: whole('top-ups a day', 1, 100).optional(),
    meter: strict({
      eventName: text('the event name of a meter at Stripe, of at most 100 characters', /^\S.{0,99}$/u),
    }).optional(),
  }).optional(),
  unknownParameters: oneOf('refuse', 'drop').optional(),
  timeouts: strict({
    headersMs: milliseconds.optional(),
    idleMs: milliseconds.optional(),
    totalMs: milliseconds.optional(),
  }).optional(),
  limits: strict({
    bodyBytesMax: whole('bytes', 1024, 256 * 1024 * 1024).optional(),
    bodyTimeoutMs: milliseconds.optional(),
    uploadBytesMax: whole('bytes', 1024, 256 * 1024 * 1024).optional(),
    uploadTimeoutMs: milliseconds.optional(),
  }).optional(),
  drain: strict({
    concurrentMax: whole('a number of answers', 0, 100_000).optional(),
    timeMs: whole('milliseconds', 0, timerMax).optional(),
  }).optional(),
  idempotency: strict({ storeAnswers: flag().optional() }).optional(),
})

export type ProviderConfig = z.output<typeof providerSchema>
export type ModelConfig = z.output<typeof modelSchema>
export type PricesConfig = z.output<typeof priceSchema>
export type PriceConfig = Exclude<PricesConfig, readonly unknown[]>
export type TokenPriceConfig = z.output<typeof tokenPriceSchema>
export type PlanConfig = z.output<typeof planSchema>
export type IdentityConfig = z.output<typeof identitySchema>
export type IssuerConfig = z.output<typeof issuerSchema>
export type CreditPackConfig = z.output<typeof creditPackSchema>
