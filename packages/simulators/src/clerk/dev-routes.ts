/** What only a simulator has: a token for the asking, the list of seeded users, and time that moves on command. */
import type { Billing, BillingAction } from './billing.ts'
import type { Directory } from './directory.ts'
import { json, type Route, type RouteCall } from './http.ts'
import { TOKEN_LIFE_SECONDS, type TokenRequest } from './tokens.ts'

/** What the routes stand on. */
export type DevParts = {
  mint: (request: TokenRequest) => string
  directory: Directory
  billing: Billing
  now: () => number
}

const ACTIONS: BillingAction[] = ['endPeriod', 'renew', 'pastDue']

/** The routes under `/dev`. */
export function devRoutes(parts: DevParts): Route[] {
  return [
    { method: 'POST', pattern: '/dev/token', handle: ({ fields }) => devToken(parts, fields) },
    { method: 'POST', pattern: '/dev/billing', handle: ({ fields }) => devBilling(parts, fields) },
    {
      method: 'GET',
      pattern: '/dev/users',
      handle: () =>
        json({
          // Whoever signed up, or changed the password, has one that is nobody's business.
          users: parts.directory
            .users()
            .flatMap(({ name, email, password, about }) =>
              password === null ? [] : [{ name, email, password, about }],
            ),
        }),
    },
  ]
}

function devToken(parts: DevParts, fields: RouteCall['fields']): Response {
  try {
    const token = parts.mint({
      user: fields.user ?? undefined,
      plan: fields.plan ?? undefined,
      organization: fields.organization,
    })
    const expiresAt = (Math.floor(parts.now() / 1000) + TOKEN_LIFE_SECONDS) * 1000
    return json({ token, expiresAt: new Date(expiresAt).toISOString() })
  } catch (error) {
    return problem(400, error instanceof Error ? error.message : 'no such user')
  }
}

function devBilling({ billing, directory }: DevParts, fields: RouteCall['fields']): Response {
  if (!billing.enabled) return problem(404, 'billing is off')
  const { user, organization } = fields
  const payer = organization
    ? directory.organizationByReference(organization)
    : directory.userByReference(user ?? '')
  if (!payer)
    return problem(400, 'give `user` (a name, email address or id) or `organization` (a slug or id)')
  const action = ACTIONS.find((known) => known === fields.action)
  if (!action) return problem(400, `\`action\` is one of ${ACTIONS.join(', ')}`)
  const refusal = billing.control(payer.id, action)
  if (refusal !== undefined) return problem(409, refusal)
  return json({
    payer: payer.id,
    plan: billing.planSlug(payer.id),
    items: billing.subscription(payer.id).items,
  })
}

function problem(status: number, message: string): Response {
  return json({ error: { message } }, status)
}
