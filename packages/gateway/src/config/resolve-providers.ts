/**
 * Providers from the config and their keys from the environment. A key that is missing matters only to a
 * model.
 */
import type { Provider } from '../ports.ts'
import { anthropic } from '../providers/anthropic.ts'
import { gemini } from '../providers/gemini.ts'
import { openai } from '../providers/openai.ts'
import { openaiCompatible } from '../providers/openai-compatible.ts'
import { addressProblem, isNear } from './addresses.ts'
import { type Environment, valueOf } from './environment.ts'
import { type ConfigError, pathOf } from './errors.ts'
import type { ProviderConfig } from './schema.ts'
import type { Named } from './sections.ts'

const variables = {
  openai: { key: 'OPENAI_API_KEY', baseUrl: 'OPENAI_BASE_URL' },
  anthropic: { key: 'ANTHROPIC_API_KEY', baseUrl: 'ANTHROPIC_BASE_URL' },
  gemini: { key: 'GEMINI_API_KEY', baseUrl: 'GEMINI_BASE_URL' },
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
    // Without its key a provider that nothing uses is left out; a wrong address is wrong all the same.
    else if (used.has(name) || !found.keyMissing) errors.push(found.error)
  }
  return { providers, errors: unique(errors) }
}

type Found = { provider: Provider } | { error: ConfigError; keyMissing: boolean }

function resolveProvider(name: string, config: ProviderConfig, env: Environment): Found {
  const own = config.type === 'openai-compatible' ? null : variables[config.type]
  const fromEnv = own === null ? undefined : valueOf(env, own.baseUrl)
  // The config's own address was checked with its shape.
  const problem = config.baseUrl === undefined && fromEnv !== undefined ? addressProblem(fromEnv) : null
  if (problem !== null) {
    return { error: { path: own?.baseUrl ?? name, message: problem }, keyMissing: false }
  }
  const address = config.baseUrl ?? fromEnv
  if (config.type === 'openai-compatible' && address === undefined) {
    const message = 'is missing: give its address, e.g. http://127.0.0.1:11434/v1'
    return { error: { path: pathOf(['providers', name, 'baseUrl']), message }, keyMissing: false }
  }
  const keyName = config.apiKeyEnv ?? own?.key
  const apiKey = keyName === undefined ? undefined : valueOf(env, keyName)
  if (apiKey !== undefined && /[^\x21-\x7e]/.test(apiKey)) {
    const message = 'holds characters that no key has, such as a space or a line break: copy it again'
    return { error: { path: keyName ?? name, message }, keyMissing: false }
  }
  const provider = build(name, config, address?.replace(/\/+$/, ''), apiKey)
  if (provider !== null) return { provider }
  return { error: { path: pathOf(['providers', name]), message: keyMessage(keyName) }, keyMissing: true }
}

/** Null when the key is missing and needed. */
function build(
  name: string,
  config: ProviderConfig,
  baseUrl: string | undefined,
  apiKey: string | undefined,
) {
  if (config.type === 'openai-compatible') {
    if (baseUrl === undefined) return null
    const open = apiKey !== undefined || isNear(baseUrl)
    return open ? openaiCompatible({ name, baseUrl, apiKey }) : null
  }
  if (apiKey === undefined) return null
  return { openai, anthropic, gemini }[config.type]({ name, baseUrl, apiKey })
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
