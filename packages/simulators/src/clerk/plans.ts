/** What can be subscribed to in the simulated instance: the plans whose slugs `faregate.config.ts` names. */

/** Who pays for a plan. */
export type PayerType = 'user' | 'org'

/** A plan of Clerk Billing; prices are in US cents a month. */
export type Plan = {
  id: string
  slug: string
  name: string
  description: string
  payerType: PayerType
  priceCents: number
  /** The plan that everybody is on who has subscribed to none; nobody can cancel it. */
  isDefault: boolean
  /** Whether the pricing table shows it. */
  isPublic: boolean
}

/** Every plan. */
export const PLANS: Plan[] = [
  plan('free_user', 'Free', 'user', 0, { isDefault: true }),
  plan('pro', 'Pro', 'user', 2000),
  plan('pay_as_you_go', 'Pay as you go', 'user', 0, { isPublic: false }),
  plan('free_org', 'Free', 'org', 0, { isDefault: true }),
  plan('team', 'Team', 'org', 10_000),
]

/** The kind of payer that an id names. */
export function payerTypeOf(payerId: string): PayerType {
  return payerId.startsWith('org_') ? 'org' : 'user'
}

/** The plan of a slug; throws for one that does not exist. */
export function planOfSlug(slug: string): Plan {
  const found = PLANS.find((candidate) => candidate.slug === slug)
  if (!found) throw new Error(`no plan '${slug}' is simulated`)
  return found
}

/** The plan that a payer is on who has subscribed to none. */
export function defaultPlan(payerType: PayerType): Plan {
  return planOfSlug(payerType === 'org' ? 'free_org' : 'free_user')
}

/** An amount as Clerk writes it. */
export function money(cents: number): object {
  return {
    amount: cents,
    amount_formatted: (cents / 100).toFixed(2),
    currency: 'USD',
    currency_symbol: '$',
  }
}

/** A plan as the components and the Backend API see it. */
export function planResource(each: Plan): object {
  return {
    id: each.id,
    object: 'commerce_plan',
    name: each.name,
    slug: each.slug,
    description: each.description,
    fee: money(each.priceCents),
    annual_fee: null,
    annual_monthly_fee: null,
    is_default: each.isDefault,
    is_recurring: each.priceCents > 0,
    has_base_fee: each.priceCents > 0,
    for_payer_type: each.payerType,
    publicly_visible: each.isPublic,
    avatar_url: null,
    features: [],
    free_trial_days: null,
    free_trial_enabled: false,
  }
}

/** The same day and hour a month later, or the last day of a month that is shorter. */
export function monthAfter(at: number): number {
  const start = new Date(at)
  const end = new Date(at)
  end.setUTCMonth(start.getUTCMonth() + 1)
  if (end.getUTCDate() !== start.getUTCDate()) end.setUTCDate(0)
  return end.getTime()
}

function plan(
  slug: string,
  name: string,
  payerType: PayerType,
  priceCents: number,
  settings: { isDefault?: boolean; isPublic?: boolean } = {},
): Plan {
  const about = priceCents === 0 ? 'Try the models' : 'Every model, and credits each month'
  return {
    id: `cplan_${slug}`,
    slug,
    name,
    description: slug === 'pay_as_you_go' ? 'Every model, for credits that you buy' : about,
    payerType,
    priceCents,
    isDefault: settings.isDefault ?? false,
    isPublic: settings.isPublic ?? true,
  }
}
