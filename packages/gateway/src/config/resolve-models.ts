/** Models from the config: each with a provider that exists and a price that was given on purpose. */
import type { Model } from '../core/catalog.ts'
import type { Price } from '../core/pricing.ts'
import { type ConfigError, pathOf, suggestion } from './errors.ts'
import { resolvePrice, resolveRate } from './resolve-prices.ts'
import type { ModelConfig } from './schema.ts'
import type { Sections } from './sections.ts'

const outputTokensDefault = 4096

// TODO(wires): drop a type from here when its endpoint is built.
const wiresToCome: readonly string[] = ['anthropic', 'gemini']

type Found = { models: Map<string, Model>; used: Set<string>; errors: ConfigError[]; warnings: string[] }

/** `used` names the providers that models refer to. */
export function resolveModels(sections: Sections): Found {
  const found: Found = { models: new Map(), used: new Set(), errors: [], warnings: [] }
  for (const [id, config] of sections.models) {
    if (config !== null) resolveModel(id, config, sections, found)
  }
  return found
}

function resolveModel(id: string, config: ModelConfig, sections: Sections, found: Found): void {
  const fail = (field: string, message: string) => {
    found.errors.push({ path: pathOf(['models', id, field]), message })
  }
  found.used.add(config.provider)
  const provider = sections.providers.get(config.provider)
  if (provider === undefined) {
    const near = suggestion(config.provider, sections.providers.keys())
    fail('provider', `"${config.provider}" is not in providers; ${near}`)
  }
  if (provider && wiresToCome.includes(provider.type)) {
    found.warnings.push(
      `models.${id} is on a provider of type ${provider.type}, whose wire Faregate does not speak yet: calls to it are refused.`,
    )
  }
  const cap = config.outputTokensMax ?? null
  if (cap !== null && config.outputTokensDefault !== undefined && config.outputTokensDefault > cap) {
    fail('outputTokensDefault', `is above outputTokensMax (${cap}): lower it, or raise the other`)
  }
  const price = priceOf(config, sections, fail)
  if (price === null) return
  found.models.set(id, {
    id,
    provider: config.provider,
    upstreamModel: config.upstreamModel ?? id,
    price,
    outputTokensMax: cap,
    outputTokensDefault:
      config.outputTokensDefault ?? Math.min(outputTokensDefault, cap ?? Number.POSITIVE_INFINITY),
    reasoning: config.reasoning ?? true,
    onDisconnect: config.onDisconnect ?? 'abort',
    allowParameters: [...(config.allowParameters ?? [])],
    outputCapField: provider?.type === 'openai' ? 'max_completion_tokens' : 'max_tokens',
  })
}

function priceOf(
  config: ModelConfig,
  sections: Sections,
  fail: (field: string, message: string) => void,
): Price | null {
  if (config.price === undefined) {
    fail(
      'price',
      "is missing: give { input, output } in USD per million tokens, { creditsPerRequest: … }, or 'free' if that is meant",
    )
    return null
  }
  const creditUsd = sections.credit?.usd
  const markup = config.markupPercent ?? sections.markupPercent ?? 0
  // A credit that cannot be read was told already; there is no rate to check then.
  const rate = creditUsd === undefined ? null : resolveRate(creditUsd, markup)
  if (rate === null) return null
  if (!rate.ok) {
    // The general markup is told once, by resolve.ts.
    if (config.markupPercent !== undefined) fail('markupPercent', rate.error)
    return null
  }
  const price = resolvePrice(config.price, rate.value, markup)
  if (price.ok) return price.value
  fail('price', price.error)
  return null
}
