/**
 * Who may buy for an account, and end it: somebody who pays for themselves, and in an organization those with one of
 * the operator's buying roles. A Faregate key is left with programs, and may neither.
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import type { Identity } from '../ports.ts'

type Who = Pick<Identity, 'payer' | 'role' | 'keyHash'>

/** Whether this caller may spend money on the account that pays, or end it. */
export function mayBuy({ payer, role, keyHash }: Who, buyRoles: readonly string[]): boolean {
  if (keyHash !== undefined) return false
  return payer === 'user' || (role !== undefined && buyRoles.includes(role))
}

/** The refusal for a caller who may not. */
export function notABuyer({ keyHash }: Who, buyRoles: readonly string[]): Refusal {
  if (keyHash !== undefined) {
    return refusal('not_allowed', 'This needs a session token: a Faregate key can neither buy nor delete.')
  }
  const roles = buyRoles.length > 0 ? `members with the role ${buyRoles.join(' or ')}` : 'no members'
  return refusal('not_allowed', `In this organization, ${roles} may do this.`)
}
