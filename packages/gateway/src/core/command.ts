/** Everything that can be asked of an account, as data. A store runs each through `decide` in one transaction. */
import type { Account, GrantRecord, Hold, Key, Uses } from './account.ts'
import type { Ended, Entry, GrantSource } from './entry.ts'
import type { FirstUse, IdempotencyKey } from './idempotency.ts'
import type { LimitReport } from './limits.ts'
import { type NewPayment, type Offer, type Payment, type PaymentFact, referenceWith } from './payment.ts'
import type { Payer } from './plans.ts'
import type { Price, Usage } from './pricing.ts'
import type { Subscription } from './subscription.ts'

/** Sets credits aside for one request, or refuses it. `id` is the request's id and the hold's. */
export type Reserve = {
  kind: 'reserve'
  id: string
  /** Null for a Faregate key, whose record names the member. */
  member: string | null
  payer: Payer
  planClaim: string | null
  keyHash: string | null
  model: string
  price: Price
  /** Upper bound on the input's tokens. */
  inputTokens: number
  /** Upper bounds on what else it can use. */
  uses?: Uses
  choices: number
  output: {
    /** The caller's own cap per choice, or null. */
    asked: number | null
    default: number
    /** The model's maximum, or null. */
    max: number | null
    /** Whether what was asked is what will come: it is refused where a cap would be lowered. */
    fixed?: true
  }
  /** What came with an Idempotency-Key; absent for a request without one. */
  idempotency?: IdempotencyKey
}

/** Records what a live request has cost so far, and renews its lease. */
export type Checkpoint = { kind: 'checkpoint'; holdId: string; usage: Usage }

/** Ends a hold with a charge for what was used. */
export type Settle = { kind: 'settle'; holdId: string; usage: Usage; ended: Ended; estimated: boolean }

/** Ends a hold without a charge: nothing was dispatched, or the provider refused it. */
export type Release = { kind: 'release'; holdId: string }

/** Ends a hold whose lease ran out. Charges what it surely cost; does nothing while the lease is alive. */
export type Lapse = { kind: 'lapse'; holdId: string }

/** Adds credits. `id` is the business object's key: the same id grants once. Microcredits. */
export type Grant = {
  kind: 'grant'
  id: string
  credits: number
  source: Exclude<GrantSource, 'allowance'>
  reason: string
  expiresAt: number | null
}

/**
 * Takes credits back. With a grant, from that grant, then from other purchases, then as debt, in total at most
 * what it gave; `credits` null means all that is left to take. Without a grant, only from what is available.
 */
export type Revoke = {
  kind: 'revoke'
  id: string
  grantId: string | null
  credits: number | null
  reason: string
}

/** Gives back what a revocation of this grant took: a dispute that was won. */
export type Restore = { kind: 'restore'; id: string; grantId: string; credits: number; reason: string }

export type SetPlan = { kind: 'setPlan'; plan: string | null; until: number | null }

export type SetBlocked = { kind: 'setBlocked'; blocked: boolean }

/** Adds a Faregate key. `by: 'operator'` is not bound by the plan's key limits. */
export type CreateKey = {
  kind: 'createKey'
  id: string
  name: string
  hash: string
  member: string
  payer: Payer
  planClaim: string | null
  by: 'user' | 'operator'
  ttlSeconds: number | null
  creditsMax: number | null
}

/** Ends a key at once. `member` limits it to that person's keys; null for the operator. */
export type RevokeKey = { kind: 'revokeKey'; id: string; member: string | null }

/** Writes a purchase down, before the payment provider is asked. */
export type OpenPayment = { kind: 'openPayment'; payment: NewPayment }

/** Takes in what the provider said of a payment of this account. */
export type RecordPayment = { kind: 'recordPayment'; id: string; fact: PaymentFact }

/** The operator's word on a payment that could not be matched. Microcredits that it gives. */
export type ResolvePayment = { kind: 'resolvePayment'; id: string; credits: number }

/** Remembers the payment provider's customer. The first one stays, unless it is named as one that is gone there. */
export type SetCustomer = { kind: 'setCustomer'; customer: string; replaces: string | null }

/** Takes in what a billing provider says of a subscription. */
export type RecordSubscription = { kind: 'recordSubscription'; subscription: Subscription }

/** Turns auto top-up on (again), or off with null. `threshold` in microcredits. */
export type SetAutoTopUp = { kind: 'setAutoTopUp'; topUp: { pack: string; threshold: number } | null }

/** Begins an auto top-up if one is due. `id` names the payment; `offers` are the packs by name. */
export type BeginTopUp = {
  kind: 'beginTopUp'
  id: string
  offers: Readonly<Record<string, Offer>>
  perDayMax: number
}

/** Ends an account: its books move to `pseudonym`. `block` shuts it for good. */
export type CloseAccount = { kind: 'closeAccount'; pseudonym: string; block: boolean }

export type Command =
  | Reserve
  | Checkpoint
  | Settle
  | Release
  | Lapse
  | Grant
  | Revoke
  | Restore
  | SetPlan
  | SetBlocked
  | CreateKey
  | RevokeKey
  | OpenPayment
  | RecordPayment
  | ResolvePayment
  | SetCustomer
  | RecordSubscription
  | SetAutoTopUp
  | BeginTopUp
  | CloseAccount

export type ReserveReply = {
  hold: Hold
  plan: string
  /** Microcredits left after the hold. */
  available: number
  /** Whether the caller's own cap was lowered, or a missing one set. */
  clamped: boolean
  limits: LimitReport
  unknownPlanClaim: string | null
}

/**
 * `charged` and `available` in microcredits. `ended` is null for a checkpoint or a lease that is still alive.
 * `topUpDue` asks whoever settled to begin an auto top-up.
 */
export type EndReply = {
  charged: number
  available: number
  ended: Ended | null
  estimated: boolean
  topUpDue?: true
}

/** `moved` is what this command granted or took, in microcredits; a repeat reports the first time's. */
export type GrantReply = { entryId: string; moved: number; available: number; debt: number }

export type AccountReply = { account: Account }
export type KeyReply = { key: Key }

export type PaymentReply = { payment: Payment }
export type CustomerReply = { customer: string }
export type SubscriptionReply = { subscription: Subscription }
/** The payment to ask the provider for, and what it buys; null when none is due. */
export type TopUpReply = { paymentId: string | null; offer: Offer | null }
/** The id that the books have now, and the microcredits that were bought and not spent. */
export type CloseReply = { pseudonym: string; unspentPurchased: number }

type Replies = {
  reserve: ReserveReply
  checkpoint: EndReply
  settle: EndReply
  release: EndReply
  lapse: EndReply
  grant: GrantReply
  revoke: GrantReply
  restore: GrantReply
  setPlan: AccountReply
  setBlocked: AccountReply
  createKey: KeyReply
  revokeKey: KeyReply
  openPayment: PaymentReply
  recordPayment: PaymentReply
  resolvePayment: PaymentReply
  setCustomer: CustomerReply
  recordSubscription: SubscriptionReply
  setAutoTopUp: AccountReply
  beginTopUp: TopUpReply
  closeAccount: CloseReply
}

export type ReplyOf<C extends Command> = Replies[C['kind']]

/** What a store must look up, beside the account, before `decide` can run. */
export type Lookup = {
  holdId?: string
  entryId?: string
  grantId?: string
  paymentId?: string
  /** Another account. */
  accountId?: string
}

/** What was found. Absent means that there is none. */
export type Found = {
  hold?: Hold | undefined
  entry?: Entry | undefined
  grant?: GrantRecord | undefined
  payment?: Payment | undefined
  /** The first use of the Idempotency-Key that the command is about. */
  first?: FirstUse | undefined
  /** The other account that was asked for; a fresh one if it has never been seen. */
  other?: Account | undefined
}

/** The rows that a command's decision depends on. */
export function lookupOf(command: Command): Lookup {
  switch (command.kind) {
    case 'reserve':
      return { holdId: command.id, entryId: command.id }
    case 'checkpoint':
    case 'settle':
    case 'release':
    case 'lapse':
      return { holdId: command.holdId, entryId: command.holdId }
    case 'grant':
      return { entryId: command.id }
    case 'revoke':
      return { entryId: command.id, ...(command.grantId !== null && { grantId: command.grantId }) }
    case 'restore':
      return { entryId: command.id, grantId: command.grantId }
    case 'openPayment':
      return { paymentId: command.payment.id }
    case 'recordPayment':
    case 'resolvePayment':
    case 'beginTopUp':
      return { paymentId: command.id }
    case 'closeAccount':
      return { accountId: command.pseudonym }
    default:
      return {}
  }
}

/** The key whose first use a command's decision depends on. A key is let go by the release of its own request alone. */
export function idempotencyKeyOf(command: Command, hold: Hold | undefined): string | undefined {
  if (command.kind === 'reserve' && !hold) return command.idempotency?.keyHash
  return command.kind === 'release' ? hold?.idempotencyKeyHash : undefined
}

/** The grant that a payment makes, or made: that of its provider's payment, which can grant once. */
export function grantOfPayment(command: Command, payment: Payment | undefined): string | undefined {
  const reference =
    command.kind === 'recordPayment' ? referenceWith(payment, command.fact) : (payment?.reference ?? null)
  return reference === null ? undefined : paymentGrantId(reference)
}

/** The id of the grant that a payment makes: its provider's payment, which can grant once. */
export function paymentGrantId(reference: string): string {
  return `stripe:${reference}`
}
