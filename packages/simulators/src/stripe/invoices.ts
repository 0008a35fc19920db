/** Invoices: of subscriptions' periods and changes, and of one-off payments that asked for one. */
import { blankInvoiceFields } from './blanks.ts'
import { attemptPayment, createIntent } from './charging.ts'
import { page, search } from './lists.ts'
import { choice, text } from './params.ts'
import type { ApiCall, ApiRoute } from './routes.ts'
import { find, newestFirst, newId } from './state.ts'
import type {
  Invoice,
  InvoiceLine,
  PaymentIntent,
  PaymentMethod,
  Price,
  Subscription,
  World,
} from './types.ts'

/** What the API knows about invoices. */
export const invoiceRoutes: ApiRoute[] = [
  { method: 'GET', pattern: '/v1/invoices', handle: listInvoices },
  {
    method: 'GET',
    pattern: '/v1/invoices/search',
    handle: ({ world, params }) => search(newestFirst(world.state.invoices), params, '/v1/invoices/search'),
  },
  {
    method: 'GET',
    pattern: '/v1/invoices/:id',
    handle: ({ world, path }) => find(world.state.invoices, 'invoice', path.id ?? ''),
  },
  { method: 'GET', pattern: '/v1/invoice_payments', handle: listPayments },
]

function listInvoices({ world, params }: ApiCall): object {
  const customer = text(params, 'customer')
  const subscription = text(params, 'subscription')
  const status = choice(params, 'status', ['draft', 'open', 'paid', 'uncollectible', 'void'])
  const items = newestFirst(world.state.invoices).filter(
    (each) =>
      (!customer || each.customer === customer) &&
      (!subscription || each.parent?.subscription_details?.subscription === subscription) &&
      (!status || each.status === status),
  )
  return page(items, params, '/v1/invoices')
}

function listPayments({ world, params }: ApiCall): object {
  const invoice = text(params, 'invoice')
  const payment = params.values.payment
  const intent =
    typeof payment === 'object' && !Array.isArray(payment) && typeof payment.payment_intent === 'string'
      ? payment.payment_intent
      : undefined
  const items = newestFirst(world.state.invoicePayments).filter(
    (each) => (!invoice || each.invoice === invoice) && (!intent || each.payment.payment_intent === intent),
  )
  return page(items, params, '/v1/invoice_payments')
}

/** A line before it is on an invoice. */
export type NewLine = {
  description: string
  amount: number
  quantity: number
  price: Price | null
  period: { start: number; end: number }
  subscriptionItem: string | null
}

/** What an invoice is made of. */
export type InvoiceOptions = {
  customer: string
  subscription: Subscription | null
  reason: 'subscription_create' | 'subscription_cycle' | 'subscription_update' | 'manual'
  lines: NewLine[]
  /** What the invoice says it covers: Stripe names the period that is over, the lines the one that begins. */
  period?: { start: number; end: number }
  discount?: number
  tax?: number
  metadata?: Record<string, string>
}

/** Makes an invoice that is final and open. */
export function createInvoice(world: World, options: InvoiceOptions): Invoice {
  const invoice = blankInvoice(world, options)
  invoice.lines = {
    object: 'list',
    data: options.lines.map((line) => invoiceLine(invoice.id, line, options.subscription)),
    has_more: false,
    url: `/v1/invoices/${invoice.id}/lines`,
  }
  world.state.invoices[invoice.id] = invoice
  world.emit('invoice.created', { ...invoice, status: 'draft' })
  const customer = find(world.state.customers, 'customer', options.customer)
  const sequence = customer.next_invoice_sequence ?? 1
  customer.next_invoice_sequence = sequence + 1
  invoice.number = `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`
  invoice.status = 'open'
  invoice.status_transitions.finalized_at = world.now()
  world.emit('invoice.finalized', invoice)
  return invoice
}

function invoiceLine(invoice: string, line: NewLine, subscription: Subscription | null): InvoiceLine {
  return {
    id: newId('il_1', 23),
    object: 'line_item',
    amount: line.amount,
    currency: line.price?.currency ?? 'usd',
    description: line.description,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice,
    livemode: false,
    metadata: {},
    parent: subscription
      ? {
          invoice_item_details: null,
          subscription_item_details: {
            invoice_item: null,
            proration: line.price === null,
            proration_details: { credited_items: null },
            subscription: subscription.id,
            subscription_item: line.subscriptionItem ?? '',
          },
          type: 'subscription_item_details',
        }
      : null,
    period: line.period,
    pretax_credit_amounts: [],
    pricing: line.price
      ? {
          price_details: { price: line.price.id, product: line.price.product },
          type: 'price_details',
          unit_amount_decimal: line.price.unit_amount_decimal,
        }
      : null,
    quantity: line.quantity,
    quantity_decimal: String(line.quantity),
    subscription: subscription?.id ?? null,
    subtotal: line.amount,
    taxes: [],
  }
}

/** How an attempt to have an invoice paid ended. */
export type InvoiceOutcome = 'paid' | 'processing' | 'failed'

/** Has an invoice paid, by a given intent or by a new one on a means of payment. */
export function payInvoice(
  world: World,
  invoice: Invoice,
  method: PaymentMethod | undefined,
  { offSession, refuse = false }: { offSession: boolean; refuse?: boolean },
): InvoiceOutcome {
  if (invoice.amount_remaining === 0) {
    markPaid(world, invoice, null)
    return 'paid'
  }
  invoice.attempted = true
  invoice.attempt_count += 1
  if (!method) return markFailed(world, invoice)
  const intent = createIntent(world, {
    amount: invoice.amount_remaining,
    currency: invoice.currency,
    customer: invoice.customer,
    description: invoice.parent?.subscription_details ? 'Subscription payment' : null,
    receiptEmail: invoice.customer_email,
  })
  addPayment(world, invoice, intent)
  const attempt = attemptPayment(world, intent, method, { offSession, refuse })
  if (attempt.outcome === 'processing') return 'processing'
  if (attempt.outcome === 'declined') return markFailed(world, invoice)
  markPaid(world, invoice, intent)
  return 'paid'
}

/** Notes which payment is for an invoice. */
export function addPayment(world: World, invoice: Invoice, intent: PaymentIntent): void {
  const id = newId('inpay_1', 23)
  world.state.invoicePayments[id] = {
    id,
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: intent.amount,
    created: world.now(),
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent.id, type: 'payment_intent' },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  }
}

/** An invoice is paid, by an intent or because there was nothing to pay. */
export function markPaid(world: World, invoice: Invoice, intent: PaymentIntent | null): void {
  const payment = Object.values(world.state.invoicePayments).find(
    (each) => each.invoice === invoice.id && each.payment.payment_intent === intent?.id,
  )
  if (payment) {
    payment.status = 'paid'
    payment.amount_paid = payment.amount_requested
    payment.status_transitions.paid_at = world.now()
  }
  invoice.status = 'paid'
  invoice.attempted = true
  invoice.amount_paid = invoice.amount_due
  invoice.amount_remaining = 0
  invoice.status_transitions.paid_at = world.now()
  invoice.next_payment_attempt = null
  world.emit('invoice.paid', invoice)
  world.emit('invoice.payment_succeeded', invoice)
  if (payment) world.emit('invoice_payment.paid', payment)
}

/** An attempt to have an invoice paid failed; it stays open. */
export function markFailed(world: World, invoice: Invoice): 'failed' {
  invoice.next_payment_attempt = world.now() + 3 * 86_400
  world.emit('invoice.payment_failed', invoice)
  return 'failed'
}

function blankInvoice(world: World, options: InvoiceOptions): Invoice {
  const { subscription } = options
  const id = newId('in_1', 23)
  const customer = find(world.state.customers, 'customer', options.customer)
  const subtotal = options.lines.reduce((all, { amount }) => all + amount, 0)
  const withoutTax = Math.max(0, subtotal - (options.discount ?? 0))
  const total = withoutTax + (options.tax ?? 0)
  const [firstLine] = options.lines
  return {
    ...blankInvoiceFields(),
    ...amounts(subtotal, withoutTax, total),
    id,
    object: 'invoice',
    automatic_tax: {
      disabled_reason: null,
      enabled: options.tax !== undefined,
      liability: options.tax === undefined ? null : { type: 'self' },
      provider: options.tax === undefined ? null : 'stripe',
      status: options.tax === undefined ? null : 'complete',
    },
    billing_reason: options.reason,
    created: world.now(),
    currency: subscription?.currency ?? firstLine?.price?.currency ?? 'usd',
    customer: customer.id,
    customer_email: customer.email,
    customer_name: customer.name ?? null,
    effective_at: world.now(),
    hosted_invoice_url: `${world.state.baseUrl}/invoices/${id}`,
    metadata: options.metadata ?? {},
    parent: subscription
      ? {
          quote_details: null,
          subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
          type: 'subscription_details',
        }
      : null,
    period_end: options.period?.end ?? world.now(),
    period_start: options.period?.start ?? world.now(),
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    webhooks_delivered_at: world.now(),
  }
}

function amounts(subtotal: number, withoutTax: number, total: number) {
  return {
    amount_due: total,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_remaining: total,
    amount_shipping: 0,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    starting_balance: 0,
    subtotal,
    subtotal_excluding_tax: subtotal,
    total,
    total_discount_amounts: [],
    total_excluding_tax: withoutTax,
    total_pretax_credit_amounts: [],
    total_taxes: [],
  }
}
