/**
 * What the gateway's account routes answer, as types. Credits are decimals of a credit, times ISO 8601.
 * Fields that a gateway of an earlier version does not send yet are optional.
 */

/** How much of a limit is left, and when it is whole again. */
export type LimitStatus = { limit: number; remaining: number; resetsAt: string }

/** The limits that a plan may have; those it has not are absent. */
export type LimitName = 'requestsPerMinute' | 'tokensPerMinute' | 'concurrentRequests' | 'creditsPerDay'

/** Credits of one kind: an allowance of the plan, a gift of the operator, or bought. */
export type Grant = {
  source: 'allowance' | 'operator' | 'purchase'
  remaining: number
  expiresAt: string | null
}

/** A plan that is paid for. `canceled` is still in force until `periodEnd`. */
export type Subscription = {
  provider: 'clerk' | 'stripe'
  plan: string
  status: 'active' | 'canceled' | 'past_due' | 'ended' | 'upcoming'
  periodStart: string
  periodEnd: string | null
}

/** Buying a pack by itself whenever the balance falls below the threshold. */
export type AutoTopUp = {
  pack: string
  threshold: number
  state: 'on' | 'under_way' | 'stopped'
  reason: string | null
}

/** A user's or organization's account: `GET /v1/account`. */
export type Account = {
  id: string
  plan: string
  payer?: 'user' | 'organization'
  canBuy?: boolean
  credits: {
    available: number
    held: number
    debt: number
    grants: Grant[]
    nextAllowance: { credits: number; at: string } | null
  }
  limits: Partial<Record<LimitName, LimitStatus>>
  blocked: boolean
  subscription?: Subscription | null
  autoTopUp?: AutoTopUp | null
  savedCard?: boolean
  paymentsBeingChecked?: number
}

/** What a model costs; what does not apply is 0, and a free model is 0 throughout. */
export type ModelPrice = {
  creditsPerMillionInputTokens: number
  creditsPerMillionOutputTokens: number
  creditsPerRequest: number
  /** Of models that hear or speak and are not priced by the token. */
  creditsPerMinuteOfAudio?: number
  creditsPerMillionCharacters?: number
}

/** A model of the caller's plan: `GET /v1/models`. */
export type Model = { id: string; owned_by: string; faregate?: ModelPrice }

/** One line of the account's history: `GET /v1/account/entries`. `credits` is signed. */
export type Entry = {
  id: string
  at: string
  kind: 'grant' | 'charge' | 'expire' | 'revoke'
  credits: number
  member?: string
  /** The Faregate key that the request came with. */
  keyId?: string
  model?: string
  usage?: Record<string, unknown>
  ended?: 'complete' | 'stopped' | 'cut' | 'error' | 'lapsed'
  estimated?: boolean
  requestId?: string
  source?: string
  reason?: string
}

/** What usage is summed by. */
export type UsageDimension = 'day' | 'model' | 'member'

/** A sum of usage; only the dimension that was asked for is present. Days are UTC. */
export type UsageRow = {
  day?: string
  model?: string
  member?: string
  requests: number
  inputTokens: number
  outputTokens: number
  credits: number
}

/** Usage from a day to another, both included: `GET /v1/account/usage`. Days without use are absent. */
export type Usage = { from: string; to: string; data: UsageRow[] }

/** A purchase. `open` was never paid; `checking` is money that could not be matched yet. */
export type Payment = {
  id: string
  at: string
  kind: 'pack' | 'topUp'
  pack: string
  credits: number
  price: { usd: number }
  paid: { amount: number; currency: string } | null
  status: 'open' | 'pending' | 'paid' | 'partly_refunded' | 'refunded' | 'disputed' | 'checking' | 'failed'
}

/** A pack of credits on sale. */
export type CreditPack = { id: string; name: string; credits: number; price: { usd: number } }

/** A plan; `credits` is its monthly allowance, `price` null where it is not sold here. */
export type PlanOffer = {
  id: string
  credits: number
  models: string[]
  price: { usd: number; every: 'month' | 'year' } | null
}

/** What is on sale, and whether the caller may buy it: `GET /v1/credit-packs`. */
export type Offers = { data: CreditPack[]; plans: PlanOffer[]; canBuy: boolean; stripe: boolean }

/** A page of a list, newest first. */
export type Listing<Item> = { data: Item[]; nextCursor: string | null }

/** What an answer cost and what is left; the gateway adds it to a stream's last usage. */
export type Receipt = { creditsCharged: number; creditsAvailable: number }

/** What became of a deleted account. */
export type Deleted = { deleted: true; id: string; unspentPurchasedCredits: number }

/** A Faregate key without its secret: `GET /v1/keys`. A key without `creditsMax` may spend all that the account has. */
export type Key = {
  id: string
  name: string
  createdAt: string
  expiresAt: string
  creditsMax: number | null
  creditsSpent: number
}

/** What is asked of a new key; what is left out, the plan decides. */
export type NewKey = { name?: string; ttlSeconds?: number; creditsMax?: number }

/** A key just made, with its secret: it is told this once. */
export type MadeKey = Key & { key: string }
