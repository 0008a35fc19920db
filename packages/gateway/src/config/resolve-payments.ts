/** How credits are sold: the config's packs and choices, and Stripe's keys from the environment. */
import { addressProblem } from './addresses.ts'
import { type Environment, valueOf } from './environment.ts'
import type { ConfigError } from './errors.ts'
import type { Sections } from './sections.ts'

/** Stripe's keys and address. */
export type StripeSettings = {
  secretKey: string
  /** What events may be signed with; two while one is replaced. */
  webhookSecrets: string[]
  /** Where Stripe is, if elsewhere than at Stripe; null for Stripe. */
  apiUrl: string | null
}

export type PaymentSettings = {
  buyRoles: string[]
  automaticTax: boolean
  promotionCodes: boolean
  autoTopUpsPerDay: number
  /** The meter at Stripe that usage is reported to; null for none. */
  meter: { eventName: string } | null
  /** Null without a key: then nothing is sold. */
  stripe: StripeSettings | null
}

type Found = { payments: PaymentSettings; errors: ConfigError[]; warnings: string[] }

/** Resolves what selling needs. */
export function resolvePayments(sections: Sections, sellsPlans: boolean, env: Environment): Found {
  const errors: ConfigError[] = []
  const stripe = stripeOf(env, errors)
  const { payments } = sections
  const meter = payments?.meter ?? null
  if (meter !== null && stripe === null && errors.length === 0) {
    const message =
      "needs STRIPE_SECRET_KEY: usage is reported to Stripe's account. Give the key, or leave out meter"
    errors.push({ path: 'payments.meter', message })
  }
  const sells = sections.creditPacks.size > 0 || sellsPlans
  const warnings =
    stripe === null && sells && errors.length === 0
      ? ['STRIPE_SECRET_KEY is not set, so that nobody can buy the packs and plans of the config.']
      : []
  return {
    payments: {
      buyRoles: [...(payments?.buyRoles ?? ['admin'])],
      automaticTax: payments?.automaticTax ?? false,
      promotionCodes: payments?.promotionCodes ?? false,
      autoTopUpsPerDay: payments?.autoTopUpsPerDay ?? 3,
      meter,
      stripe,
    },
    errors,
    warnings,
  }
}

function stripeOf(env: Environment, errors: ConfigError[]): StripeSettings | null {
  const fail = (path: string, message: string) => {
    errors.push({ path, message })
    return null
  }
  const secretKey = valueOf(env, 'STRIPE_SECRET_KEY')
  const secrets = valueOf(env, 'STRIPE_WEBHOOK_SECRET')?.split(',') ?? []
  const apiUrl = valueOf(env, 'STRIPE_API_URL') ?? null
  if (secretKey === undefined) {
    if (secrets.length === 0) return null
    return fail('STRIPE_SECRET_KEY', 'is missing beside STRIPE_WEBHOOK_SECRET: give both, or neither')
  }
  if (!/^[rs]k_(?:test|live)_\w+$/.test(secretKey)) {
    return fail(
      'STRIPE_SECRET_KEY',
      'must be a secret key (sk_test_… or sk_live_…) or a restricted one (rk_…): find it in the dashboard under Developers, API keys',
    )
  }
  const webhookSecrets = secrets.map((secret) => secret.trim())
  if (webhookSecrets.length === 0) {
    const message =
      'is missing, so that what is paid would give no credits: add an endpoint for /webhooks/stripe at Stripe and give its signing secret (whsec_…)'
    return fail('STRIPE_WEBHOOK_SECRET', message)
  }
  if (webhookSecrets.some((secret) => !/^whsec_\S{8,}$/.test(secret))) {
    return fail(
      'STRIPE_WEBHOOK_SECRET',
      'must be a signing secret (whsec_…), or two with a comma between them',
    )
  }
  const problem = apiUrl === null ? null : addressProblem(apiUrl)
  return problem === null ? { secretKey, webhookSecrets, apiUrl } : fail('STRIPE_API_URL', problem)
}
