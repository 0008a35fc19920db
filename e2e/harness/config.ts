/** The config of the tests: round prices, so that charges can be worked out by hand, and tight limits in plans of their own. */

/**
 * One credit is a dollar and there is no markup, so a token of `fast` costs 1 microcredit of input and 2 of output.
 * A plan's slug is its name.
 */
export function testConfig(providerUrl: string): Record<string, unknown> {
  return {
    credit: { usd: 1 },
    providers: {
      openai: { type: 'openai' },
      anthropic: { type: 'anthropic' },
      gemini: { type: 'gemini' },
      // It speaks no TLS.
      untrusted: { type: 'openai-compatible', baseUrl: providerUrl.replace('http:', 'https:') },
      // Nobody listens on port 1, and no such name is ever given out.
      refusing: { type: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' },
      unnamed: {
        type: 'openai-compatible',
        baseUrl: 'https://provider.invalid/v1',
        apiKeyEnv: 'OPENAI_API_KEY',
      },
      ...dialects(providerUrl),
    },
    models: { ...models(), ...otherModels(), ...soundModels() },
    plans: {
      free: { slugs: ['free_user'], models: '*', allowance: { credits: 10, every: 'month' }, limits: {} },
      pro: {
        models: '*',
        allowance: { credits: 1000, every: 'month' },
        limits: {},
        keys: { ttlSecondsMax: 86_400 },
        stripePrices: ['price_pro_month'],
      },
      none: { models: '*', limits: {} },
      basic: { models: ['fast'], allowance: { credits: 10, every: 'month' }, limits: {} },
      slow: { models: '*', allowance: { credits: 10, every: 'month' }, limits: { requestsPerMinute: 2 } },
      narrow: { models: '*', allowance: { credits: 10, every: 'month' }, limits: { concurrentRequests: 2 } },
      short: { models: '*', allowance: { credits: 10, every: 'month' }, limits: { tokensPerMinute: 5000 } },
      daily: { models: '*', allowance: { credits: 10, every: 'month' }, limits: { creditsPerDay: 0.02 } },
      max: { models: '*', allowance: { credits: 5000, every: 'month' }, stripePrices: ['price_max_month'] },
      team: { for: 'organization', models: '*', allowance: { credits: 100, every: 'month' }, limits: {} },
    },
    defaultPlan: 'free',
    creditPacks: {
      starter: { name: 'Starter', credits: 100, price: { usd: 10 } },
      large: { name: 'Large', credits: 1000, price: { usd: 80 } },
    },
    payments: { promotionCodes: true, autoTopUpsPerDay: 2 },
    identity: { authorizedParties: ['http://localhost:3000'], payer: 'organization' },
    timeouts: { headersMs: 2000, idleMs: 1500, totalMs: 20_000 },
    limits: { bodyTimeoutMs: 2000 },
    drain: { concurrentMax: 10, timeMs: 3000 },
  }
}

/** The keys of those who speak OpenAI with an accent, in their own variables, and where Azure is. */
export function dialectEnvironment(providerUrl: string): Record<string, string> {
  const keys = ['AZURE_OPENAI', 'DEEPSEEK', 'GROQ', 'MISTRAL', 'OPENROUTER']
  const named = keys.map((name) => [`${name}_API_KEY`, `canary-${name.toLowerCase()}-0123456789`])
  return { ...Object.fromEntries(named), AZURE_OPENAI_ENDPOINT: originOf(providerUrl) }
}

function originOf(providerUrl: string): string {
  return new URL(providerUrl).origin
}

/** Each below the path that it has at home. */
function dialects(providerUrl: string): Record<string, unknown> {
  const origin = originOf(providerUrl)
  return {
    azure: { type: 'azure' },
    'azure-dated': { type: 'azure', baseUrl: `${origin}/`, apiVersion: '2024-10-21' },
    deepseek: { type: 'deepseek', baseUrl: origin },
    groq: { type: 'groq', baseUrl: `${origin}/openai/v1` },
    mistral: { type: 'mistral', baseUrl: providerUrl },
    ollama: { type: 'ollama', baseUrl: providerUrl },
    openrouter: { type: 'openrouter', baseUrl: providerUrl },
    vllm: { type: 'vllm', baseUrl: providerUrl },
    xai: { type: 'openai-compatible', baseUrl: providerUrl },
  }
}

/** A search costs 10,000 microcredits, and what priority serves twice as much. */
function searching(price: object): Record<string, unknown> {
  return {
    provider: 'openai',
    upstreamModel: 'gpt-5-mini',
    price: { ...price, perThousandToolCalls: 10, serviceTiers: { priority: 200, flex: 50 } },
    reasoning: false,
    tools: { callsMax: 3, inputTokensPerCall: 1000 },
  }
}

function models(): Record<string, unknown> {
  const price = { input: 1, cachedInput: 0.5, output: 2 }
  // A model for each, by its name.
  const accented = Object.keys(dialects('http://localhost')).map((provider) => [
    provider,
    { provider, upstreamModel: `${provider}/best`, price, reasoning: false },
  ])
  return {
    ...Object.fromEntries(accented),
    fast: { provider: 'openai', upstreamModel: 'gpt-5-mini', price, reasoning: false },
    deep: { provider: 'openai', upstreamModel: 'o9', price },
    drained: {
      provider: 'openai',
      upstreamModel: 'gpt-5-mini',
      price,
      reasoning: false,
      onDisconnect: 'drain',
    },
    capped: {
      provider: 'openai',
      upstreamModel: 'gpt-5-mini',
      price,
      reasoning: false,
      outputTokensMax: 1000,
    },
    caching: {
      provider: 'openai',
      upstreamModel: 'gpt-5.6',
      price: { ...price, cacheWrite: 4 },
      reasoning: false,
    },
    untrusted: { provider: 'untrusted', upstreamModel: 'any', price },
    refusing: { provider: 'refusing', upstreamModel: 'any', price },
    unnamed: { provider: 'unnamed', upstreamModel: 'any', price },
    free: { provider: 'openai', upstreamModel: 'gpt-oss', price: 'free', reasoning: false },
    dear: {
      provider: 'openai',
      upstreamModel: 'gpt-5-mini',
      price: { creditsPerRequest: 20 },
      reasoning: false,
    },
    flat: {
      provider: 'openai',
      upstreamModel: 'gpt-5-mini',
      price: { creditsPerRequest: 0.25 },
      reasoning: false,
    },
    searching: searching(price),
  }
}

/** Models of sound. */
function soundModels(): Record<string, unknown> {
  const price = { input: 1, cachedInput: 0.5, output: 2 }
  return {
    // A character costs a microcredit.
    voice: { provider: 'openai', upstreamModel: 'tts-1', price: { perMillionCharacters: 1 } },
    singer: {
      provider: 'openai',
      upstreamModel: 'gpt-4o-mini-tts',
      price: { input: 1, output: 2, audioOutput: 4 },
      outputTokensMax: 500,
    },
    // It sees, hears and speaks, and has tiers.
    omni: {
      provider: 'openai',
      upstreamModel: 'gpt-audio',
      price: {
        ...price,
        ...{ imageInput: 2, audioInput: 3, cachedAudioInput: 2.5, audioOutput: 4 },
        serviceTiers: { priority: 200, flex: 50 },
      },
      reasoning: false,
    },
    // A second costs 100 microcredits.
    listener: { provider: 'openai', upstreamModel: 'whisper-1', price: { perMinuteOfAudio: 0.006 } },
    scribe: {
      provider: 'openai',
      upstreamModel: 'gpt-4o-transcribe',
      price: { input: 1, output: 2, audioInput: 3 },
      reasoning: false,
    },
    ...anthropicModels(),
  }
}

/** Of Anthropic's wire: one with a price for all that it may cost, and one that thinks, with a price for text alone. */
function anthropicModels(): Record<string, unknown> {
  const price = { input: 1, cachedInput: 0.5, cacheWrite: 3, output: 2 }
  return {
    claude: {
      provider: 'anthropic',
      upstreamModel: 'claude-sonnet-5',
      price: { ...price, longCacheWrite: 4, perThousandToolCalls: 10, serviceTiers: { priority: 200 } },
      tools: { callsMax: 3, inputTokensPerCall: 2000 },
      reasoning: false,
    },
    thinker: { provider: 'anthropic', upstreamModel: 'claude-opus-5', price },
  }
}

/** Models that write no text: of vectors, verdicts and pictures. A token that is drawn costs 3 microcredits. */
function otherModels(): Record<string, unknown> {
  const price = { input: 1, cachedInput: 0.5, output: 2 }
  const drawn = { ...price, imageOutput: 3 }
  const verdicts = 'omni-moderation-latest'
  return {
    gem: { provider: 'gemini', upstreamModel: 'gemini-2.5-flash', price, reasoning: false },
    painter: { provider: 'gemini', upstreamModel: 'gemini-2.5-flash-image', price: drawn, reasoning: false },
    vectors: { provider: 'openai', upstreamModel: 'text-embedding-3-small', price: { input: 1, output: 0 } },
    [verdicts]: { provider: 'openai', price: 'free' },
    guard: { provider: 'openai', upstreamModel: verdicts, price: { creditsPerRequest: 0.25 } },
    picture: { provider: 'openai', upstreamModel: 'gpt-image-2', price: drawn },
    thumbnail: { provider: 'openai', upstreamModel: 'gpt-image-2', price: drawn, outputTokensMax: 1000 },
    sketch: { provider: 'openai', upstreamModel: 'gpt-image-1.5', price: drawn },
    poster: { provider: 'openai', upstreamModel: 'dall-e-3', price: { creditsPerRequest: 0.25 } },
  }
}
