/**
 * What the simulated Stripe account holds: Stripe's own types, as they go over the wire, so that the compiler says
 * which field of an object is missing. Relations are kept by id and expanded when a caller asks.
 */
import type Stripe from 'stripe'

/** A type of the SDK as JSON carries it and as it is kept: relations are ids, decimals are text. */
export type Stored<Value> = string extends Value
  ? Exclude<Value, object>
  : Value extends Stripe.Decimal
    ? string
    : Value extends readonly (infer Item)[]
      ? Stored<Item>[]
      : Value extends object
        ? { [Key in keyof Value]: Stored<Value[Key]> }
        : Value

export type Charge = Stored<Stripe.Charge>
export type CheckoutSession = Stored<Stripe.Checkout.Session>
export type Coupon = Stored<Stripe.Coupon>
export type Customer = Stored<Stripe.Customer>
export type Dispute = Stored<Stripe.Dispute>
export type Invoice = Stored<Stripe.Invoice>
export type InvoiceLine = Stored<Stripe.InvoiceLineItem>
export type InvoicePayment = Stored<Stripe.InvoicePayment>
export type LineItem = Stored<Stripe.LineItem>
export type MeterEvent = Stored<Stripe.Billing.MeterEvent>
export type PaymentIntent = Stored<Stripe.PaymentIntent>
export type PaymentMethod = Stored<Stripe.PaymentMethod>
export type PortalSession = Stored<Stripe.BillingPortal.Session>
export type Price = Stored<Stripe.Price>
export type Product = Stored<Stripe.Product>
export type PromotionCode = Stored<Stripe.PromotionCode>
export type Refund = Stored<Stripe.Refund>
export type Subscription = Stored<Stripe.Subscription>
export type SubscriptionItem = Stored<Stripe.SubscriptionItem>

/** An event in Stripe's envelope. */
export type StripeEvent = {
  id: string
  object: 'event'
  api_version: string
  created: number
  livemode: false
  pending_webhooks: number
  type: string
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> }
  request: { id: string | null; idempotency_key: string | null }
}

/** How a simulated means of payment behaves: like Stripe's test cards, and like a bank debit that settles later. */
export type Behaviour =
  | 'succeeds'
  | 'declined'
  | 'declined_later'
  | 'authentication_required'
  | 'async_succeeds'
  | 'async_fails'

/** A payment whose money is still on its way. */
export type Settlement = { paymentIntent: string; succeeds: boolean; at: number }

/** The answer that an idempotency key stands for. */
export type IdempotentAnswer = { fingerprint: string; status: number; body: string; at: number }

/** Objects of one kind by id, in the order of their creation. */
export type Collection<Item> = Record<string, Item>

/** The whole account. */
export type State = {
  baseUrl: string
  customers: Collection<Customer>
  deletedCustomers: string[]
  products: Collection<Product>
  prices: Collection<Price>
  coupons: Collection<Coupon>
  promotionCodes: Collection<PromotionCode>
  paymentMethods: Collection<PaymentMethod>
  behaviours: Collection<Behaviour>
  paymentIntents: Collection<PaymentIntent>
  charges: Collection<Charge>
  refunds: Collection<Refund>
  disputes: Collection<Dispute>
  sessions: Collection<CheckoutSession>
  /** By session. */
  lineItems: Collection<LineItem[]>
  /** What a session was asked to do when it completes, by session. */
  intentions: Collection<CheckoutIntention>
  subscriptions: Collection<Subscription>
  /** Money owed or due back for changes in the middle of a period, by subscription, in cents. */
  prorations: Collection<number>
  invoices: Collection<Invoice>
  invoicePayments: Collection<InvoicePayment>
  portalSessions: Collection<PortalSession>
  meterEvents: Collection<MeterEvent>
  settlements: Settlement[]
  events: Collection<StripeEvent>
  /** Ids of events that no endpoint has taken yet. */
  owed: string[]
  idempotency: Collection<IdempotentAnswer>
}

/** The parts of a session's parameters that Stripe keeps but does not show on the session. */
export type CheckoutIntention = {
  payment: {
    metadata: Record<string, string>
    setup_future_usage: 'off_session' | 'on_session' | null
    description: string | null
    receipt_email: string | null
  }
  subscription: { metadata: Record<string, string>; description: string | null }
}

/** What every part of the simulator works with. */
export type World = {
  state: State
  /** Seconds since 1970. */
  now: () => number
  /** Tells the endpoint, after the request that caused it: `object` is copied as it is at this moment. */
  emit: (type: string, object: object, previous?: Record<string, unknown>) => StripeEvent
  /** A tax on top of the price where a session asks for automatic tax. */
  taxPercent: number
  /** How long a bank debit is on its way. */
  asyncPaymentDelayMs: number
}
