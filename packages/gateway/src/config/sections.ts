/**
 * Reads a config of unknown shape into its parts. One wrong part does not hide what is wrong with the others:
 * the parts that can be read are handed on, so that an operator is told every error at once.
 */
import type { z } from 'zod'
import { type ConfigError, errorsOf, pathOf } from './errors.ts'
import { salvage } from './salvage.ts'
import type { CreditPackConfig, ModelConfig, PlanConfig, ProviderConfig } from './schema.ts'
import { configSchema, creditPackSchema, modelSchema, planSchema, providerSchema } from './schema.ts'

type Config = z.output<typeof configSchema>

/** Named parts; undefined for one that is there but cannot be read, which was told already. */
export type Named<T> = ReadonlyMap<string, T | undefined>

type Part<T> = { [K in keyof T]?: T[K] | undefined }
/** What could be read of a model or a plan: in a config without errors, all of it. */
export type ModelPart = Part<ModelConfig>
export type PlanPart = Part<PlanConfig>

/** The parts of a config. What is absent or cannot be read is undefined. */
export type Sections = Partial<Omit<Config, 'providers' | 'models' | 'plans' | 'creditPacks'>> & {
  providers: Named<ProviderConfig>
  models: Named<ModelPart>
  plans: Named<PlanPart>
  creditPacks: Named<CreditPackConfig>
  /** Whether any issuers are named, readable or not. */
  issuersNamed: boolean
}

const depthMax = 16

/** The parts of a config, and all that is wrong with its shape. */
export function readSections(config: unknown): { sections: Sections; errors: ConfigError[] } {
  const parsed = configSchema.safeParse(config)
  const errors = [...reservedKeys(config, []), ...(parsed.success ? [] : errorsOf(parsed.error.issues))]
  const raw = isRecord(config) ? config : {}
  const { shape } = configSchema
  const sections: Sections = {
    ...part('credit', shape.credit, raw),
    ...part('markupPercent', shape.markupPercent, raw),
    ...part('defaultPlan', shape.defaultPlan, raw),
    ...part('identity', shape.identity, raw),
    ...part('cors', shape.cors, raw),
    ...part('payments', shape.payments, raw),
    ...part('unknownParameters', shape.unknownParameters, raw),
    ...part('timeouts', shape.timeouts, raw),
    ...part('limits', shape.limits, raw),
    ...part('drain', shape.drain, raw),
    ...part('idempotency', shape.idempotency, raw),
    providers: entries(raw.providers, providerSchema),
    models: entries(raw.models, modelSchema.partial()),
    plans: entries(raw.plans, planSchema.partial()),
    creditPacks: entries(raw.creditPacks, creditPackSchema),
    issuersNamed: namesAny(raw.identity, 'issuers'),
  }
  return { sections, errors }
}

function part<K extends string, S extends z.ZodType>(
  key: K,
  schema: S,
  raw: Record<string, unknown>,
): { [name in K]?: z.output<S> } {
  const found: { [name in K]?: z.output<S> } = {}
  const value = salvage(schema, raw[key])
  if (value !== undefined) found[key] = value
  return found
}

function entries<S extends z.ZodType>(value: unknown, schema: S): Map<string, z.output<S> | undefined> {
  const all = isRecord(value) ? Object.entries(value) : []
  return new Map(all.map(([name, entry]) => [name, salvage(schema, entry)]))
}

function namesAny(value: unknown, key: string): boolean {
  const names = isRecord(value) ? value[key] : undefined
  return isRecord(names) && Object.keys(names).length > 0
}

/** `__proto__` as a key, which JSON can hold and which parsers pass over in silence. */
function reservedKeys(value: unknown, path: readonly PropertyKey[]): ConfigError[] {
  if (typeof value !== 'object' || value === null) return []
  if (path.length > depthMax) return [{ path: pathOf(path), message: 'is nested too deeply' }]
  const own = Object.hasOwn(value, '__proto__')
    ? [{ path: pathOf([...path, '__proto__']), message: 'is a name that JavaScript keeps for itself' }]
    : []
  const below = Object.entries(value).flatMap(([key, entry]) => reservedKeys(entry, [...path, key]))
  return [...own, ...below]
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
