/**
 * Whose tokens are accepted: Clerk from the environment, other issuers from the config; none at all is an
 * error.
 */
import { jwtKeyProblem, publishableKeyProblem, webhookSecretProblem } from './clerk-keys.ts'
import { type Environment, type Mode, valueOf } from './environment.ts'
import { type ConfigError, pathOf } from './errors.ts'
import type { IdentityConfig, IssuerConfig } from './schema.ts'

/** Clerk's part: at least one of `publishableKey` and `jwtKey` (PEM as it was written) is there. */
export type ClerkSettings = {
  publishableKey?: string
  jwtKey?: string
  secretKey?: string
  /** Clerk's webhooks are signed with it (`whsec_…`); without it they are not taken in. */
  webhookSecret?: string
  authorizedParties: string[]
  payer: 'user' | 'organization'
  allowImpersonation: boolean
}

/** One OpenID Connect issuer. */
export type OidcSettings = {
  name: string
  issuer: string
  audience: string[]
  algorithms: string[]
  tokenLifetimeMaxSeconds: number
  jwksUrl?: string
  planClaim?: string
  organizationClaim?: string
  roleClaim?: string
  payer: 'user' | 'organization'
}

export type IdentitySettings = { clerk: ClerkSettings | null; oidc: OidcSettings[] }

type Found = { identity: IdentitySettings; errors: ConfigError[]; warnings: string[] }

const tokenLifetimeDefaultSeconds = 600

/** `issuersNamed`: the config names issuers, though perhaps none that could be read. */
export function resolveIdentity(
  config: IdentityConfig | undefined,
  issuersNamed: boolean,
  env: Environment,
  mode: Mode,
): Found {
  const { clerk, errors, warnings } = resolveClerk(config, env, mode)
  const oidc = Object.entries(config?.issuers ?? {}).map(([name, issuer]) =>
    oidcSettings(name, issuer, config?.payer ?? 'organization'),
  )
  errors.push(...issuerErrors(oidc))
  if (clerk === null && oidc.length === 0 && !issuersNamed && errors.length === 0)
    errors.push(noIdentity(env))
  return { identity: { clerk, oidc }, errors, warnings }
}

function resolveClerk(
  config: IdentityConfig | undefined,
  env: Environment,
  mode: Mode,
): { clerk: ClerkSettings | null; errors: ConfigError[]; warnings: string[] } {
  const errors: ConfigError[] = []
  const warnings: string[] = []
  const publishableKey = valueOf(env, 'CLERK_PUBLISHABLE_KEY')
  const jwtKey = valueOf(env, 'CLERK_JWT_KEY')
  const secretKey = valueOf(env, 'CLERK_SECRET_KEY')
  const webhookSecret = valueOf(env, 'CLERK_WEBHOOK_SIGNING_SECRET')
  const wrongSecret = webhookSecret === undefined ? null : webhookSecretProblem(webhookSecret)
  const wrongPublishable = publishableKey === undefined ? null : publishableKeyProblem(publishableKey)
  const wrongJwt = jwtKey === undefined ? null : jwtKeyProblem(jwtKey)
  if (wrongPublishable !== null) errors.push({ path: 'CLERK_PUBLISHABLE_KEY', message: wrongPublishable })
  if (wrongJwt !== null) errors.push({ path: 'CLERK_JWT_KEY', message: wrongJwt })
  if (wrongSecret !== null) errors.push({ path: 'CLERK_WEBHOOK_SIGNING_SECRET', message: wrongSecret })
  if (publishableKey?.startsWith('pk_test_') && mode === 'production') {
    warnings.push('CLERK_PUBLISHABLE_KEY is of a development instance (pk_test_…), and this is production.')
  }
  if (publishableKey === undefined && jwtKey === undefined) {
    if (webhookSecret !== undefined) {
      warnings.push(
        "CLERK_WEBHOOK_SIGNING_SECRET is set, but Clerk's tokens are not accepted here: it has no use.",
      )
    }
    return { clerk: null, errors, warnings }
  }
  const authorizedParties = config?.authorizedParties ?? []
  if (authorizedParties.length === 0) {
    warnings.push(
      'identity.authorizedParties is empty, so that no browser can call: name the origins where your app is served.',
    )
  }
  const clerk: ClerkSettings = {
    ...(publishableKey !== undefined && { publishableKey }),
    ...(jwtKey !== undefined && { jwtKey }),
    ...(secretKey !== undefined && { secretKey }),
    ...(webhookSecret !== undefined && { webhookSecret }),
    authorizedParties: [...authorizedParties],
    payer: config?.payer ?? 'organization',
    allowImpersonation: config?.allowImpersonation ?? false,
  }
  return { clerk, errors, warnings }
}

function oidcSettings(name: string, config: IssuerConfig, payer: 'user' | 'organization'): OidcSettings {
  const { jwksUrl, planClaim, organizationClaim, roleClaim } = config
  return {
    name,
    issuer: config.issuer,
    audience: typeof config.audience === 'string' ? [config.audience] : [...config.audience],
    algorithms: [...config.algorithms],
    tokenLifetimeMaxSeconds: config.tokenLifetimeMaxSeconds ?? tokenLifetimeDefaultSeconds,
    ...(jwksUrl !== undefined && { jwksUrl }),
    ...(planClaim !== undefined && { planClaim }),
    ...(organizationClaim !== undefined && { organizationClaim }),
    ...(roleClaim !== undefined && { roleClaim }),
    payer,
  }
}

/** Their addresses were checked with their shape. */
function issuerErrors(issuers: readonly OidcSettings[]): ConfigError[] {
  const errors: ConfigError[] = []
  const seen = new Map<string, string>()
  for (const { name, issuer } of issuers) {
    const first = seen.get(issuer)
    if (first !== undefined) {
      const message = `is the issuer of "${first}" too: one user would have two accounts, so keep one of them`
      errors.push({ path: pathOf(['identity', 'issuers', name, 'issuer']), message })
    }
    seen.set(issuer, first ?? name)
  }
  return errors
}

function noIdentity(env: Environment): ConfigError {
  const hint =
    valueOf(env, 'NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY') === undefined
      ? ''
      : ' (NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY is set, but only the web app reads that: give the same value here)'
  return {
    path: 'identity',
    message: `has nobody whose tokens to accept. With Clerk: set CLERK_PUBLISHABLE_KEY${hint}, or CLERK_JWT_KEY. With another provider: add it to identity.issuers in the config`,
  }
}
