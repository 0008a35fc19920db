/** Entries: the append-only record of everything that changed a balance. Folding them gives the balance again. */
import type { Usage } from './pricing.ts'

/** How a dispatched request ended. */
export type Ended = 'complete' | 'stopped' | 'cut' | 'error' | 'lapsed'

/**
 * One line of an account's books. `id` is unique within the account: the hold's id for a charge, the business
 * object's key for a grant. `credits` is signed, in microcredits: what the line adds to available + held − debt.
 */
export type Entry = {
  id: string
  /** Milliseconds since 1970. */
  at: number
  kind: 'grant' | 'charge' | 'expire' | 'revoke'
  credits: number
  /** The person who spent. */
  member?: string
  keyId?: string
  model?: string
  usage?: Usage
  ended?: Ended
  /** Whether the charge rests on evidence instead of the provider's own usage. */
  estimated?: boolean
  requestId?: string
  /** The grant that the line made, expired or revoked. */
  grantId?: string
  source?: GrantSource
  reason?: string
  /** Price row and provider cost in pico-USD (decimal digits), for the operator's margin. */
  priceVersion?: string
  upstreamPicoUsd?: string
}

/** Where credits came from. Plan allowances burn before what was bought, and do not repay debt. */
export type GrantSource = 'allowance' | 'operator' | 'purchase'
