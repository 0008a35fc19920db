/**
 * What an operator writes, as a type whose docstrings an editor shows field by field. schema.ts checks the
 * same at start, for JSON too; a test keeps the two alike. (Types inferred from the schema lose their
 * docstrings.)
 */

/** A decimal, as a number or, where every digit counts, as text: `0.25`, `'0.25'`. Never read as a float. */
export type Decimal = number | string

/** The argument of `defineConfig`, or the same as JSON. */
export type FaregateConfig = {
  /** What a credit is. */
  credit: {
    /** What one credit is sold for, in US dollars. Fixed once accounts exist. */
    usd: Decimal
    /** What users see a credit called. Default: `credits`. */
    name?: string
  }
  /** Added to the providers' prices, in percent; a model may set its own. Default: 0. */
  markupPercent?: Decimal
  /** Where models are, by a name of your own. Keys come from the environment. */
  providers: Record<string, ProviderOptions>
  /** What you sell, by the name that callers use. */
  models: Record<string, ModelOptions>
  /** Who may use what, how much, and what they are given. */
  plans: Record<string, PlanOptions>
  /** The plan of everyone who is on no other. It must serve everyone, not organizations alone. */
  defaultPlan: string
  /** Whose tokens are accepted. Clerk itself is named by `CLERK_PUBLISHABLE_KEY` or `CLERK_JWT_KEY`. */
  identity?: IdentityOptions
  /** Which websites may call from a browser. Default: `identity.authorizedParties`. */
  cors?: { origins: string[] }
  /** Credits for sale, by a name of your own. */
  creditPacks?: Record<string, { name: string; credits: Decimal; price: { usd: Decimal } }>
  /** How credits are sold. */
  payments?: {
    /** Roles that may buy for their organization. Default: `['admin']`. */
    buyRoles?: string[]
    /** Stripe adds tax. Default: false. */
    automaticTax?: boolean
    /** Buyers may enter promotion codes. Default: false. */
    promotionCodes?: boolean
    /** The most packs that auto top-up buys for one account in a UTC day. Default: 3. */
    autoTopUpsPerDay?: number
    /**
     * Reports what is charged to a meter at Stripe, by its event name, as whole millionths of a credit. Of accounts
     * that are Stripe customers. Default: nothing is reported.
     */
    meter?: { eventName: string }
  }
  /**
   * A request parameter that Faregate does not know: `refuse` the request (default), or `drop` it and say so.
   */
  unknownParameters?: 'refuse' | 'drop'
  /** How long to wait for a provider, in milliseconds. */
  timeouts?: {
    /** For its first sign of an answer. Default: 600000. */
    headersMs?: number
    /** In silence within an answer. Default: 180000. */
    idleMs?: number
    /** For the whole. Default: 900000. */
    totalMs?: number
  }
  /** How large and how slow a request may be. */
  limits?: {
    /** Default: 4194304 (4 MiB). */
    bodyBytesMax?: number
    /** For the whole body to arrive. Default: 15000. */
    bodyTimeoutMs?: number
    /** Of requests that carry a file (transcriptions). Default: 27262976 (26 MiB). */
    uploadBytesMax?: number
    /** For such a body to arrive. Default: 120000. */
    uploadTimeoutMs?: number
  }
  /** How far an answer is read on after its client has left. */
  drain?: {
    /** The most answers at once; the rest are stopped and charged on evidence. Default: 100. */
    concurrentMax?: number
    /** The longest, in milliseconds. Cloudflare Workers allow less than 30000. Default: 20000. */
    timeMs?: number
  }
  /** What is done for requests with an `Idempotency-Key`, which are never sent twice within a day. */
  idempotency?: {
    /**
     * Keeps their whole answers, of at most 1 MiB, in the store for a day, so that a repeat gets the answer again in
     * place of a 409. What models wrote for your users is then at rest in your database and its backups. Default: false.
     */
    storeAnswers?: boolean
  }
}

/** Where models are. */
export type ProviderOptions = {
  /**
   * Who it is. `openai-compatible` is any other server that speaks OpenAI's chat completions. Models of `azure` are
   * called by their deployments: `upstreamModel` is a deployment's name.
   */
  type:
    | 'openai'
    | 'anthropic'
    | 'gemini'
    | 'azure'
    | 'groq'
    | 'openrouter'
    | 'deepseek'
    | 'mistral'
    | 'vllm'
    | 'ollama'
    | 'openai-compatible'
  /**
   * Its address, up to the part before `/chat/completions`, e.g. `http://127.0.0.1:11434/v1`; of `azure` the
   * resource's, e.g. `https://my-resource.openai.azure.com`. Needed for `vllm`, `ollama` and `openai-compatible`, and
   * for `azure` unless `AZURE_OPENAI_ENDPOINT` has it. Default for the others: their variable (`OPENAI_BASE_URL`,
   * `ANTHROPIC_BASE_URL`, `GEMINI_BASE_URL`), else their own.
   */
  baseUrl?: string
  /**
   * The environment variable with the key. Default: the provider's own, e.g. `OPENAI_API_KEY`, `GROQ_API_KEY`,
   * `AZURE_OPENAI_API_KEY`. `vllm`, `ollama` and `openai-compatible` have no default, and on a loopback or private
   * address they may have no key.
   */
  apiKeyEnv?: string
  /**
   * Of `azure` alone: the version of its dated interface, e.g. `2024-10-21`. Default: the interface without versions,
   * `/openai/v1`.
   */
  apiVersion?: string
}

/** What a model costs you, or your users. */
export type PriceOptions =
  | TokenPrice
  | { /** Credits for each answer (choice, picture); markup does not apply. */ creditsPerRequest: Decimal }
  | 'free'

/** A price that begins on a date. */
export type DatedPriceOptions = {
  /** The first day that it holds, from midnight UTC: `2027-01-01`. The first price has none: it held before. */
  from?: string
  price: PriceOptions
}

/** USD per million tokens as the provider asks, before markup. */
export type TokenRates = {
  /** USD per million input tokens. Needed, with `output`, where anything is priced by the token. */
  input?: Decimal
  /** Input read from the provider's cache. Default: `input`. */
  cachedInput?: Decimal
  /** Input written to the provider's cache, which some charge more for. Default: `input`. */
  cacheWrite?: Decimal
  /** Input written to a cache that keeps it longer (an hour at Anthropic). Default: such requests are refused. */
  longCacheWrite?: Decimal
  /** USD per million output tokens, reasoning included. */
  output?: Decimal
  /** Sound that is heard. Default: requests with sound are refused. */
  audioInput?: Decimal
  /** Sound read from the cache. Default: `audioInput`. */
  cachedAudioInput?: Decimal
  /** Pictures that are seen, where they cost another price than text. Default: `input`. */
  imageInput?: Decimal
  /** Sound that is spoken. Default: requests for sound are refused. */
  audioOutput?: Decimal
  /** Pictures that are drawn. Default: `output` where a model writes nothing else, else pictures are refused. */
  imageOutput?: Decimal
}

/** What the provider asks, before markup, each as it counts. */
export type TokenPrice = TokenRates & {
  /** USD per 1,000 calls of tools that the provider runs, such as a web search. See `tools` of the model. */
  perThousandToolCalls?: Decimal
  /** USD per minute of sound that is transcribed; charged by the second. */
  perMinuteOfAudio?: Decimal
  /** USD per million characters that are spoken. */
  perMillionCharacters?: Decimal
  /**
   * What a request costs, as a whole, once its input is longer. Each row names the same kinds of tokens as the price
   * itself; shortest first.
   */
  longContext?: (TokenRates & { inputTokensAbove: number; input: Decimal; output: Decimal })[]
  /**
   * What other service tiers cost, in percent of the rates, by the provider's name for them: `{ priority: 200 }`.
   * A tier that has no price here cannot be asked for.
   */
  serviceTiers?: Record<string, number>
}

/** One model that you sell. */
export type ModelOptions = {
  /** The name of an entry in `providers`. */
  provider: string
  /** The model's name at the provider. Default: its name here. */
  upstreamModel?: string
  /**
   * `{ input, cachedInput?, cacheWrite?, output, … }` in USD per million tokens, before markup;
   * `{ creditsPerRequest }`; or `'free'`; or several by the date they begin on, oldest first:
   * `[{ price: … }, { from: '2027-01-01', price: … }]`. Default, on a provider of type openai, anthropic, gemini,
   * groq, deepseek or mistral: what the catalogue has for exactly this `upstreamModel`; `pnpm prices` shows it.
   */
  price?: PriceOptions | DatedPriceOptions[]
  /** This model's own markup in percent, in place of the general one. */
  markupPercent?: Decimal
  /**
   * The most output tokens of one choice; more is clamped. Default: no cap but the caller's credits and plan. Speech
   * and transcripts that are priced by the token cannot be capped in a request: for them it is your word on what the
   * model writes at most, and needed (but for gpt-4o-transcribe, which writes 2,000 by OpenAI's own).
   */
  outputTokensMax?: number
  /** The output cap of a request that names none, as far as its credits go. Default: 4096. */
  outputTokensDefault?: number
  /**
   * Whether it may think out of sight, so that its silence may be paid work. Default: true, the safe side.
   */
  reasoning?: boolean
  /** When the client hangs up: stop the provider and charge what was made (`abort`, default), or read on. */
  onDisconnect?: 'abort' | 'drain'
  /**
   * Request parameters to let through that Faregate does not know. They must not change what a request costs.
   */
  allowParameters?: string[]
  /**
   * Lets requests ask for tools that the provider runs, such as a web search: the most calls of one request, and the
   * most input tokens that each may add. The price needs `perThousandToolCalls`. Default: such requests are refused.
   */
  tools?: { callsMax: number; inputTokensPerCall: number }
  /** What pictures and sound in requests may be. */
  media?: {
    /** Whether they may come from addresses that the provider fetches. Default: false. */
    remote?: boolean
    /**
     * The most tokens that one picture costs, seen or drawn; with `creditsPerRequest` too, where a picture that takes more
     * is refused. Default: what its provider says of any picture.
     */
    imageTokensMax?: number
    /**
     * The longest recording, in seconds. Default: what WAV and MP3 hold; of other formats 1,500 for gpt-4o-transcribe,
     * which takes no longer ones, and for other models they are refused.
     */
    audioSecondsMax?: number
  }
}

/** Rate limits; one that is absent does not limit. */
export type LimitOptions = {
  /** Requests in each clock minute. */
  requestsPerMinute?: number
  /** Input and output tokens in each clock minute. */
  tokensPerMinute?: number
  /** Requests under way at once. */
  concurrentRequests?: number
  /** Credits in each UTC day. */
  creditsPerDay?: Decimal
}

/** One plan. */
export type PlanOptions = {
  /**
   * Plan names in tokens and billing that mean this one, without Clerk's `u:` or `o:`. Default: its own name.
   */
  slugs?: string[]
  /** Stripe prices that mean this plan. */
  stripePrices?: string[]
  /** Whom it serves: everyone (default), or organizations alone, which then get its allowance. */
  for?: 'anyone' | 'organization'
  /** The models it may use, or `'*'` for all. */
  models: '*' | string[]
  /** Credits given each month to whoever is on the plan. Default: none. */
  allowance?: { credits: Decimal; every: 'month' }
  /** Rate limits, per account; `models` sets some for one model. Default: none but credits. */
  limits?: LimitOptions & { models?: Record<string, LimitOptions> }
  /** The most output tokens of one choice on this plan. */
  outputTokensMax?: number
  /** The Faregate keys that users of the plan may make for themselves. */
  keys?: {
    /** The longest life of a key, in seconds. Default: 900. */
    ttlSecondsMax?: number
    /** The most credits that one key may spend, or `'unlimited'`. Default: a month's allowance, or 100. */
    creditsMax?: Decimal
    /** The most keys at a time, 0 for none. Default: 10. */
    countMax?: number
  }
}

/** Whose tokens are accepted, and who pays. */
export type IdentityOptions = {
  /** The web origins whose tokens are accepted: where your app is served, e.g. `https://app.example.com`. */
  authorizedParties?: string[]
  /** Who pays while an organization is active in the token: it (default), or still the user. */
  payer?: 'organization' | 'user'
  /** Accept tokens of support staff who are signed in as a user. Default: false. */
  allowImpersonation?: boolean
  /** OpenID Connect issuers beside Clerk, by a short name that begins their account ids. */
  issuers?: Record<string, IssuerOptions>
}

/** One OpenID Connect issuer. */
export type IssuerOptions = {
  /** The exact `iss` of its tokens. */
  issuer: string
  /** Who the tokens must be for (`aud`): one, or a list of which any will do. */
  audience: string | string[]
  /** Signature algorithms to accept, e.g. `['ES256']`; RS, PS and ES with 256, 384 or 512, and EdDSA. */
  algorithms: string[]
  /** Where its keys are. Default: what its `/.well-known/openid-configuration` says. */
  jwksUrl?: string
  /** The longest life of a token to accept, in seconds. Default: 600. */
  tokenLifetimeMaxSeconds?: number
  /** Where a token names the plan, e.g. `app_metadata.plan`. */
  planClaim?: string
  /** Where a token names the organization. */
  organizationClaim?: string
  /** Where a token names the role in the organization. */
  roleClaim?: string
}
