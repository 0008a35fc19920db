/** Models from the config: each with a provider that exists and a price that was given on purpose. */
import type { Model } from '../core/catalog.ts'
import { ok } from '../core/result.ts'
import { type ConfigError, type Fault, pathOf, suggestion } from './errors.ts'
import { resolveCataloguePrices, resolvePrices, resolveRate } from './resolve-prices.ts'
import type { ProviderConfig } from './schema.ts'
import type { ModelPart, Sections } from './sections.ts'

const outputTokensDefault = 4096

const anyRate = { numerator: 0, denominator: 1 }

type Fail = (field: string, message: string, within?: Fault['path']) => void
type Found = { models: Map<string, Model>; used: Set<string>; errors: ConfigError[]; warnings: string[] }

/** `used` names the providers that models refer to. */
export function resolveModels(sections: Sections): Found {
  const found: Found = { models: new Map(), used: new Set(), errors: [], warnings: [] }
  for (const [id, config] of sections.models) {
    if (config !== undefined) resolveModel(id, config, sections, found)
  }
  if (sections.models.size === 0) {
    found.errors.push({ path: 'models', message: 'has none: name at least one model that callers may use' })
  }
  return found
}

function resolveModel(id: string, config: ModelPart, sections: Sections, found: Found): void {
  const fail: Fail = (field, message, within = []) => {
    found.errors.push({ path: pathOf(['models', id, field, ...within]), message })
  }
  const provider = providerOf(config, sections, fail)
  if (config.provider !== undefined) found.used.add(config.provider)
  const cap = config.outputTokensMax ?? null
  if (cap !== null && config.outputTokensDefault !== undefined && config.outputTokensDefault > cap) {
    fail('outputTokensDefault', `is above outputTokensMax (${cap}): lower it, or raise the other`)
  }
  const prices = pricesOf(id, config, provider?.type, sections, fail)
  if (prices === null || config.provider === undefined) return
  if (config.tools && prices.some(({ price }) => price.toolCall === undefined)) {
    fail('tools', 'needs perThousandToolCalls in the price, since the provider asks for each call')
  }
  if (config.price === undefined && provider?.baseUrl !== undefined) {
    found.warnings.push(
      `models.${id} takes the catalogue's price for ${provider.type}, and its provider has a baseUrl of its own: give it a price if another is asked there.`,
    )
  }
  found.models.set(id, {
    id,
    provider: config.provider,
    upstreamModel: config.upstreamModel ?? id,
    prices,
    outputTokensMax: cap,
    outputTokensDefault:
      config.outputTokensDefault ?? Math.min(outputTokensDefault, cap ?? Number.POSITIVE_INFINITY),
    reasoning: config.reasoning ?? true,
    onDisconnect: config.onDisconnect ?? 'abort',
    allowParameters: [...(config.allowParameters ?? [])],
    media: {
      remote: config.media?.remote ?? false,
      imageTokensMax: config.media?.imageTokensMax ?? null,
      audioSecondsMax: config.media?.audioSecondsMax ?? null,
    },
    tools: config.tools ?? null,
  })
}

function providerOf(config: ModelPart, sections: Sections, fail: Fail): ProviderConfig | undefined {
  const { provider } = config
  if (provider !== undefined && !sections.providers.has(provider)) {
    fail('provider', `"${provider}" is not in providers; ${suggestion(provider, sections.providers.keys())}`)
  }
  return provider === undefined ? undefined : sections.providers.get(provider)
}

/** The operator's own prices, else the catalogue's. */
function pricesOf(
  id: string,
  config: ModelPart,
  type: ProviderConfig['type'] | undefined,
  sections: Sections,
  fail: Fail,
): Model['prices'] | null {
  const creditUsd = sections.credit?.usd
  const percent = config.markupPercent ?? sections.markupPercent ?? 0
  // What is wrong with the credit or the general markup is told once, elsewhere; the price is checked all the
  // same.
  const rate = creditUsd === undefined ? ok(anyRate) : resolveRate(creditUsd, percent)
  if (!rate.ok && config.markupPercent !== undefined) fail('markupPercent', rate.error)
  const markup = { rate: rate.ok ? rate.value : anyRate, percent }
  if (config.price === undefined) {
    // Whose prices they would be is not known: what is wrong with the provider was told.
    if (type === undefined) return null
    const listed = resolveCataloguePrices(type, config.upstreamModel ?? id, markup)
    if (listed.ok) return listed.value
    fail('price', listed.error)
    return null
  }
  const prices = resolvePrices(config.price, markup)
  if (prices.ok) return prices.value
  for (const { path, message } of prices.error) fail('price', message, path)
  return null
}
