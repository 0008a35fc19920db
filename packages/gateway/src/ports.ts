/**
 * The seams of the house: what the pipeline needs from the outside world, as types and nothing else.
 * Adapters (issuers, stores, endpoints, providers) implement these; only the apps choose which.
 */
import type { Account, Uses } from './core/account.ts'
import type { Model } from './core/catalog.ts'
import type { CloseReply, Command, ReplyOf } from './core/command.ts'
import type { Entry } from './core/entry.ts'
import type { Payment } from './core/payment.ts'
import type { Price, Usage } from './core/pricing.ts'
import type { Refusal } from './core/refusal.ts'
import type { Result } from './core/result.ts'

/** The time now in milliseconds since 1970 (UTC). Always passed in, never read from a global. */
export type Clock = () => number

/** The web's `fetch`; injected so that tests and runtimes can bring their own. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** Who is calling and who pays. Made by an issuer from a verified token, or from a Faregate key. */
export type Identity = {
  /** The paying account: `clerk:user_2a`, `clerk:org_7`, `<issuer>:user:<sub>` or `<issuer>:org:<id>`. */
  accountId: string
  payer: 'user' | 'organization'
  /** The person who spends, as an account id; absent for a Faregate key, whose record in the account names it. */
  member?: string
  /** The plan's slug in the token, without its scope, if the issuer gives one. */
  planClaim?: string
  /** The caller's role in the paying organization, if one pays (`admin`, without `org:`). */
  role?: string
  /** For a Faregate key: SHA-256 of the whole key, hexadecimal. The account decides whether it still holds. */
  keyHash?: string
}

/** A request's credentials as they came: the token and the browser's `Origin`, if any. */
export type Credentials = { token: string; origin: string | null }

/** Verifies the tokens of one kind of identity provider. */
export type Issuer = {
  name: string
  /** Whether a token with this unverified `iss` is this issuer's to verify. */
  handles(issuerClaim: string): boolean
  /** Verifies signature and claims; `now` in milliseconds. Returns the expiry (ms) up to which it may be cached. */
  verify(
    credentials: Credentials,
    now: number,
  ): Promise<Result<{ identity: Identity; expiresAt: number; azp: string | null }, Refusal>>
}

/** Says who is calling, from the request's headers; `now` in milliseconds. Refuses with 401, 403 or 503. */
export type Authenticate = (headers: Headers, now: number) => Promise<Result<Identity, Refusal>>

export type EntryQuery = { limit: number; cursor?: string; requestId?: string }
export type EntryPage = { data: Entry[]; nextCursor: string | null }

export type PaymentQuery = { limit: number; cursor?: string; id?: string }
export type PaymentPage = { data: Payment[]; nextCursor: string | null }

/** Which sums to read: UTC days counted since 1970, both included. */
export type UsageQuery = { from: number; to: number; by: 'day' | 'model' | 'member' }
/** Sums of the answers of one day, model or member; `credits` in microcredits. */
export type UsageSum = {
  key: string | number
  requests: number
  inputTokens: number
  outputTokens: number
  credits: number
}

/** A request that came with an Idempotency-Key: the key's SHA-256 (hexadecimal), and the request's own id. */
export type RequestKey = { keyHash: string; requestId: string }

/** A whole answer as it went out, without the headers that depend on who asks. `body` has at most 1 MiB. */
export type KeptAnswer = { status: number; headers: Record<string, string>; body: Uint8Array<ArrayBuffer> }

/** The durable ledger. A method that cannot reach its storage throws `StoreUnavailable`; nothing was decided then. */
export type Store = {
  /** Decides one command inside a transaction of the account and answers only when it is durable. */
  apply<C extends Command>(accountId: string, command: C): Promise<Result<ReplyOf<C>, Refusal>>
  /** The account as stored; a fresh one if it has never been seen. Writes nothing. */
  read(accountId: string): Promise<Account>
  /** The account's entries, newest first. */
  entries(accountId: string, query: EntryQuery): Promise<EntryPage>
  /** The account's purchases, newest first. */
  payments(accountId: string, query: PaymentQuery): Promise<PaymentPage>
  /** What was used, summed by one dimension and ordered by it. */
  usage(accountId: string, query: UsageQuery): Promise<UsageSum[]>
  /**
   * Keeps a request's answer for as long as its Idempotency-Key stands for that request: a day at most. Does nothing
   * where the key does not.
   */
  keepAnswer(accountId: string, key: RequestKey, answer: KeptAnswer): Promise<void>
  /** The answer that was kept of a request, or null. */
  answer(accountId: string, key: RequestKey): Promise<KeptAnswer | null>
  /** Throws when the store cannot take commands now. */
  ready(): Promise<void>
  /** Ends timers and waits for what is queued. */
  close(): Promise<void>
}

/** A charge on its way out of the ledger: `entry.credits` is negative, and `customer` is the payment provider's. */
export type OutgoingCharge = { accountId: string; customer: string; entry: Entry }

/**
 * Takes charges in that have left the ledger, such as a meter at Stripe. The same charge may come again, with the same
 * entry's id, and must count once.
 */
export type Sink = {
  /**
   * Delivers charges, oldest first; resolves to how many of them, from the first on, are done: delivered, known
   * before, or refused for good. The rest comes again later. Begins no more once `signal` is aborted.
   */
  deliver(charges: readonly OutgoingCharge[], signal?: AbortSignal): Promise<number>
}

/** Thrown by stores when storage cannot be reached; the request is answered 503 and nothing is dispatched. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
}

/** How a model provider is reached: plain data. */
export type Provider = {
  name: string
  /** Without a trailing slash, e.g. `https://api.openai.com/v1`. From the config alone. */
  baseUrl: string
  /** Headers that carry the operator's key. */
  headers: Record<string, string>
  /**
   * Path by endpoint id, e.g. `{ 'chat-completions': '/chat/completions' }`, where `{model}` stands for the model's
   * name at the provider; an endpoint that is absent is not spoken.
   */
  paths: Record<string, string>
  /** The most tokens that the provider may add to what the request's bytes bound, per message or tool (its chat framing). */
  overheadTokens: { base: number; perItem: number }
  /** Whether `user`, `store` and such may be added to a request; some compatible servers refuse what they do not know. */
  addFields: boolean
  /** The one field by which it knows a chat's output cap; without it the caller's own is kept. */
  outputCapField?: OutputCapField
  /** How a chat's stream is made to tell its usage; `include_usage` where absent. */
  streamOptions?: StreamUsage
}

export type OutputCapField = 'max_completion_tokens' | 'max_tokens'

/**
 * What brings the usage of a chat's stream: `include_usage` asks for it at the end, `continuous_usage` for running
 * totals too (vLLM), and `none` is for those that tell it unasked, of which some refuse `stream_options`.
 */
export type StreamUsage = 'include_usage' | 'continuous_usage' | 'none'

/** A model request as it came. */
export type RawRequest = {
  /** The whole address as it was called, query included. */
  url: string
  body: Uint8Array
  /** The caller's headers. None goes on by itself; a wire may read those that are part of it, such as an API version. */
  headers: Headers
  /** The model that the path names, on wires that name it there. */
  model: string | null
}

/** What an endpoint's parser found in a request: all that the quote, the forwarding and the meter need. */
export type ModelRequest = {
  model: string
  /** Whether the answer comes as server-sent events. */
  stream: boolean
  /** Whether the answer is no text but bytes of its own kind (sound), which go on as they come. */
  binary?: true
  /** Whether the provider asks nothing for this request, whatever the model's price (counting tokens). */
  free?: true
  /** Whether the caller asked to see usage in the stream. */
  includeUsage: boolean
  /** Whether the caller asked to see running totals in the stream. */
  runningUsage?: true
  /** Output tokens asked for per choice, if given. */
  outputTokensAsked: number | null
  /** Whether that is what the answer takes (a picture, a vector), since nothing in the request could cap it. */
  outputFixed?: true
  choices: number
  /** Messages, tools and other parts that each may cost the provider's framing tokens. */
  items: number
  /** Whether the model may reason out of sight for this request (false when effort is `none`). */
  mayReason: boolean
  /** Names of unknown parameters that were dropped. */
  dropped: string[]
  /** Builds what goes on, with the output cap that was granted. Changes only the fields that must. */
  forward(options: ForwardOptions): Outgoing
  /** Upper bound on the UTF-8 bytes of the forwarded text, whatever the cap, without inline media. */
  forwardedBytesMax: number
  /** The most input tokens that the provider may add of its own accord, such as what its tools find. */
  addedTokensMax?: number
  /**
   * Upper bounds on what else the request can use. Its sound and picture tokens come on top of the text's; `answers`
   * is set from `choices`.
   */
  uses?: Omit<Uses, 'answers'>
  /** The fewest bytes that a token of the answer's sound has, for evidence; where it may have sound. */
  soundBytesPerToken?: number
}

/** What goes on to the provider: the body, and headers of the wire. A form brings its own content type. */
export type Outgoing = { body: string | FormData; headers?: Record<string, string> }

/** `upstreamModel` has at most 128 bytes, `userHash` at most 64 ASCII characters: the byte bound counts on it. */
export type ForwardOptions = {
  upstreamModel: string
  outputTokensMax: number
  userHash: string
  /** The one field by which the upstream knows the cap; without it the caller's own, else `max_completion_tokens`. */
  outputCapField?: OutputCapField | undefined
  /** False for upstreams that refuse fields they do not know: then `user`, `store` and such are only overwritten. */
  addFields?: boolean
  /** How usage is asked for in a stream; `include_usage` where absent. */
  streamOptions?: StreamUsage | undefined
}

/** What the parser may let through beyond the endpoint's own allow-list, and what it needs to know of models. */
export type ParseOptions = {
  unknownParameters: 'refuse' | 'drop'
  /** The model of that name and the price that holds now; null where there is none. */
  find(model: string): { model: Model; price: Price } | null
}

/**
 * What one server-sent event means for the books.
 * - `running`: goes on without its usage, a running total that only the gateway asked for.
 * - `usage`: kept back until the charge is known, and shown only to callers who asked for it.
 * - `done`: the answer's end, which goes on as it is; `last`: the end that shows usage; `failed`: the same, where the
 *   provider says that it failed.
 * - `error`: an error in place of the rest; `invalid`: one that this wire cannot hold.
 */
export type EventKind = 'pass' | 'running' | 'usage' | 'done' | 'last' | 'failed' | 'error' | 'invalid'

/**
 * Reported usage. `running`: so far, more will come. `last`: the total if the answer ends properly here. `final`: the
 * total, whatever becomes of the connection. `invalid` when it cannot be true.
 */
export type Reading = { usage: Usage; stage: 'running' | 'last' | 'final'; invalid: boolean }

/** Reads usage off an answer as it passes. One per request; it never changes bytes. */
export type Tap = {
  /** Takes the `data` of one server-sent event, `[DONE]` included, and its `event` name if it has one. */
  event(data: string, name?: string | null): EventKind
  /** A good answer of bytes (`binary`) has begun. */
  began?(): void
  /** Takes a whole buffered answer, parsed. False when it is not an answer of this wire. */
  body(json: unknown): boolean
  /** The provider's reported usage, or null while none was seen. */
  usage(): Reading | null
  /** The most tokens that the output seen so far can be: its UTF-8 bytes where it is text. */
  outputTokensSeen(): number
  /** Whether any visible output was seen. */
  started(): boolean
  /**
   * Whether the answer has said its last word. Of wires whose streams end with their connection: one that ends before
   * that was broken off. Where it is absent, a connection that ends in good order ends the answer.
   */
  ended?(): boolean
}

/** The receipt that is shown to the caller inside `usage`, in credits. */
export type Receipt = { creditsCharged: number; creditsAvailable: number }

/** What a provider said when it refused: bounded, and without ids or keys of the operator's account. */
export type ProviderError = { message: string; type: string; param: string | null; code: string | null }

/** How a family of endpoints words what is not an answer. */
export type Wire = {
  /** The body for a refusal of ours. */
  refusal(refusal: Refusal): unknown
  /** The body for the provider's own refusal of the request. */
  rejection(status: number, error: ProviderError): unknown
  /** The server-sent event, whole, that ends a stream with an error which SDKs raise. */
  errorEvent(refusal: Refusal): string
  /** Whether its clients bear comments in a stream. */
  comments: boolean
  /** The header in which its SDKs look for a request's id, where that is not `x-request-id`. */
  requestIdHeader?: string
}

/** One wire endpoint: its parser, its tap and its words. */
export type Endpoint = {
  id: string
  wire: Wire
  /** Refuses what is no strict input of this wire, and every field that it does not know. */
  parse(
    request: RawRequest,
    options: ParseOptions,
  ): Result<ModelRequest, Refusal> | Promise<Result<ModelRequest, Refusal>>
  tap(request: ModelRequest, provider?: Pick<Provider, 'streamOptions'>): Tap
  /** Puts the receipt into the `usage` object of an answer's or a frame's JSON text. */
  withReceipt(jsonText: string, receipt: Receipt): string
  /** Takes the `usage` object out of a frame's JSON text; of wires whose tap tells of `running` events. */
  withoutUsage?(jsonText: string): string
  /**
   * Edits what the provider says of a failure in an answer's or a frame's JSON text; of wires whose answers may say that
   * they failed.
   */
  withFailure?(jsonText: string, edit: (words: string) => string): string
  /** The most bytes of an answer that comes whole, and of one event of a stream, where the usual is too little. */
  answerBytesMax?: number
  eventBytesMax?: number
  /** Whether its requests carry a file, and so may be larger and slower than others. */
  takesFiles?: true
}

/** Who buys, and for which account. */
export type Buyer = { accountId: string; member: string }

/** A plan as its seller lists it; `price` is null while the seller cannot be asked. */
export type PlanForSale = { id: string; price: { usd: number; every: 'month' | 'year' } | null }

/** A hosted page to send the browser to, and the id of what it is for. */
export type Checkout = { id: string; url: string }

/** Sells credits and plans, and takes in what the seller says of them. Methods throw nothing that a refusal can say. */
export type Billing = {
  /** Begins the purchase of a pack: written down first, then asked for. The browser goes to `url`. */
  buyPack(buyer: Buyer, pack: string, returnUrl: string): Promise<Result<Checkout, Refusal>>
  /** Begins a subscription; whoever has one already is sent to where it can be changed. */
  subscribe(buyer: Buyer, plan: string, returnUrl: string): Promise<Result<Checkout, Refusal>>
  /** The page where a customer changes or cancels what they subscribed to. */
  portal(accountId: string, returnUrl: string): Promise<Result<{ url: string }, Refusal>>
  receipt(accountId: string, paymentId: string): Promise<Result<{ url: string }, Refusal>>
  /** The plans that are sold here. */
  plans(): Promise<PlanForSale[]>
  /** Begins an auto top-up if one is due. Never throws: what fails is on the books or comes again. */
  topUp(accountId: string): Promise<void>
  /** Ends what the account would go on paying for, before its books are closed. Throws when that fails. */
  forget(accountId: string): Promise<void>
  webhook: Webhook
}

/**
 * Ends what an account still pays for elsewhere, before it is closed: nobody pays for what is gone. Throws when it
 * cannot; the account is not closed then.
 */
export type BeforeClose = (accountId: string) => Promise<void>

/** Ends an account; `block` shuts it for good. 409 while requests run, 503 while its payments cannot be ended. */
export type Closer = (accountId: string, how: { block: boolean }) => Promise<Result<CloseReply, Refusal>>

/**
 * Takes in a signed event, once or many times. Refuses a bad signature; what should be sent again it refuses with 503,
 * or throws.
 */
export type Webhook = (request: Request) => Promise<Result<void, Refusal>>
