/**
 * Providers from the config and their keys from the environment. A key that is missing matters only to a
 * model.
 */
import type { Provider } from '../ports.ts'
import { anthropic } from '../providers/anthropic.ts'
import { azure } from '../providers/azure.ts'
import { dialect, dialects } from '../providers/dialects.ts'
import { gemini } from '../providers/gemini.ts'
import { openai } from '../providers/openai.ts'
import { openaiCompatible } from '../providers/openai-compatible.ts'
import { addressProblem, isNear } from './addresses.ts'
import { type Environment, valueOf } from './environment.ts'
import { type ConfigError, pathOf } from './errors.ts'
import type { ProviderConfig } from './schema.ts'
import type { Named } from './sections.ts'

/**
 * The variables by which a provider's owner knows its key and its address. Whoever has no variable for a key may do
 * without one nearby. `example`: an address, for those who have none of their own.
 */
const known: Record<ProviderConfig['type'], { key?: string; baseUrl?: string; example?: string }> = {
  openai: { key: 'OPENAI_API_KEY', baseUrl: 'OPENAI_BASE_URL' },
  anthropic: { key: 'ANTHROPIC_API_KEY', baseUrl: 'ANTHROPIC_BASE_URL' },
  gemini: { key: 'GEMINI_API_KEY', baseUrl: 'GEMINI_BASE_URL' },
  azure: {
    key: 'AZURE_OPENAI_API_KEY',
    baseUrl: 'AZURE_OPENAI_ENDPOINT',
    example: 'https://my-resource.openai.azure.com',
  },
  groq: { key: 'GROQ_API_KEY' },
  openrouter: { key: 'OPENROUTER_API_KEY' },
  deepseek: { key: 'DEEPSEEK_API_KEY' },
  mistral: { key: 'MISTRAL_API_KEY' },
  vllm: { example: 'http://127.0.0.1:8000/v1' },
  ollama: { example: 'http://127.0.0.1:11434/v1' },
  'openai-compatible': { example: 'http://127.0.0.1:8000/v1' },
}

/** `used`: the names of the providers that a model needs. */
export function resolveProviders(
  configs: Named<ProviderConfig>,
  used: ReadonlySet<string>,
  env: Environment,
): { providers: Map<string, Provider>; errors: ConfigError[] } {
  const providers = new Map<string, Provider>()
  const errors: ConfigError[] = []
  for (const [name, config] of configs) {
    if (config === undefined) continue
    const found = resolveProvider(name, config, env)
    if ('provider' in found) providers.set(name, found.provider)
    // Without its variables a provider that nothing uses is left out; a wrong address is wrong all the same.
    else if (used.has(name) || !found.absent) errors.push(found.error)
  }
  return { providers, errors: unique(errors) }
}

/** `absent`: what is wrong is only that the environment lacks something, which no model may need. */
type Found = { provider: Provider } | { error: ConfigError; absent: boolean }

function resolveProvider(name: string, config: ProviderConfig, env: Environment): Found {
  const own = known[config.type]
  const wrong = (path: string, message: string): Found => ({ error: { path, message }, absent: false })
  if (config.apiVersion !== undefined && config.type !== 'azure') {
    return wrong(pathOf(['providers', name, 'apiVersion']), 'is for providers of type azure: remove it')
  }
  const fromEnv = own.baseUrl === undefined ? undefined : valueOf(env, own.baseUrl)
  // The config's own address was checked with its shape.
  const problem = config.baseUrl === undefined && fromEnv !== undefined ? addressProblem(fromEnv) : null
  if (problem !== null) return wrong(own.baseUrl ?? name, problem)
  const baseUrl = (config.baseUrl ?? fromEnv)?.replace(/\/+$/, '')
  if (baseUrl === undefined && own.example !== undefined) {
    const variable = own.baseUrl === undefined ? '' : `, or set ${own.baseUrl} in the environment`
    const message = `is missing: give its address, e.g. ${own.example}${variable}`
    const path = pathOf(['providers', name, 'baseUrl'])
    return { error: { path, message }, absent: own.baseUrl !== undefined }
  }
  const keyName = config.apiKeyEnv ?? own.key
  const apiKey = keyName === undefined ? undefined : valueOf(env, keyName)
  if (apiKey !== undefined && /[^\x21-\x7e]/.test(apiKey)) {
    const message = 'holds characters that no key has, such as a space or a line break: copy it again'
    return wrong(keyName ?? name, message)
  }
  const provider = build(name, config, baseUrl, apiKey)
  if (provider !== null) return { provider }
  return { error: { path: pathOf(['providers', name]), message: keyMessage(keyName) }, absent: true }
}

/** Null when the key is missing and needed. */
function build(
  name: string,
  { type, apiVersion }: ProviderConfig,
  given: string | undefined,
  apiKey: string | undefined,
): Provider | null {
  if (type === 'openai' || type === 'anthropic' || type === 'gemini') {
    if (apiKey === undefined) return null
    return { openai, anthropic, gemini }[type]({ name, baseUrl: given, apiKey })
  }
  const isDialect = type !== 'azure' && type !== 'openai-compatible'
  const baseUrl = given ?? (isDialect ? dialects[type].baseUrl : null)
  if (baseUrl === null) return null
  if (apiKey === undefined && (known[type].key !== undefined || !isNear(baseUrl))) return null
  if (isDialect) return dialect(type, { name, baseUrl, apiKey })
  if (type === 'openai-compatible') return openaiCompatible({ name, baseUrl, apiKey })
  return apiKey === undefined ? null : azure({ name, baseUrl, apiKey, apiVersion })
}

function keyMessage(keyName: string | undefined): string {
  return keyName === undefined
    ? 'needs a key, as it is neither on this machine nor in a private network: set apiKeyEnv to the name of the environment variable that holds it'
    : `is used by a model but has no key: set ${keyName} in the environment, or remove the models that use it`
}

/** One wrong variable may serve several providers. */
function unique(errors: readonly ConfigError[]): ConfigError[] {
  const seen = new Map(errors.map((error) => [`${error.path}\n${error.message}`, error]))
  return [...seen.values()]
}
