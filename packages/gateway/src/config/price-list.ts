/** A config's models with their prices, whatever the environment lacks: what an operator reads before going live. */
import type { Model } from '../core/catalog.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { ConfigError } from './errors.ts'
import { resolveModels } from './resolve-models.ts'
import { decimalText } from './resolve-prices.ts'
import { readSections } from './sections.ts'

/** What the config sells: the price of a credit in US dollars, what credits are called, and the models. */
export type PriceList = { creditUsd: string; creditName: string; models: readonly Model[] }

/** The prices of a config, or all that is wrong with its shape and its models. */
export function readPriceList(config: unknown): Result<PriceList, ConfigError[]> {
  const { sections, errors: shapeErrors } = readSections(config)
  const found = resolveModels(sections)
  const errors = shapeErrors.length > 0 ? shapeErrors : found.errors
  if (errors.length > 0 || sections.credit === undefined) return err(errors)
  return ok({
    creditUsd: decimalText(sections.credit.usd),
    creditName: sections.credit.name ?? 'credits',
    models: [...found.models.values()],
  })
}
