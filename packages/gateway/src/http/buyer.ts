/** Who may buy for an account: its user, and of an organization those whose role the operator names. */
import { type Refusal, refusal } from '../core/refusal.ts'
import type { Identity } from '../ports.ts'

/** Whether this caller may spend the payer's money. A Faregate key never may. */
export function mayBuy(identity: Identity, buyRoles: readonly string[]): boolean {
  if (identity.keyHash !== undefined || identity.member === undefined) return false
  return identity.payer === 'user' || (identity.role !== undefined && buyRoles.includes(identity.role))
}

/** The refusal for who may not. */
export function mayNotBuy(identity: Identity, buyRoles: readonly string[]): Refusal {
  const message =
    identity.keyHash !== undefined
      ? 'Buying needs a session token, not a Faregate key.'
      : `Only these roles may buy for the organization: ${buyRoles.join(', ')}.`
  return refusal('not_allowed', message)
}
