/** OpenAI's `service_tier`: the tier that is asked for has a price here, or is the standard one. */
import type { Price } from '../../core/pricing.ts'
import { type Refusal, refusal } from '../../core/refusal.ts'

/** The tier that a request asks for, where that is not the standard one. */
export function askedTier(tier: unknown): string | null {
  const isStandard = tier === undefined || tier === null || tier === 'auto' || tier === 'default'
  return isStandard ? null : String(tier)
}

/** 400 for a tier that has no price. */
export function faultInTier(tier: unknown, price: Price | undefined): Refusal | null {
  const asked = askedTier(tier)
  if (asked === null || Object.hasOwn(price?.serviceTiers ?? {}, asked)) return null
  const message = `This value of 'service_tier' is not supported: it must be "auto" or "default", other tiers have no price here.`
  return refusal('unsupported_parameter', message, { param: 'service_tier' })
}
