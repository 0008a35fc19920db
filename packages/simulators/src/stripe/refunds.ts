/** Refunds. Each tells of itself and of its charge, whose `amount_refunded` counts all of them up. */
import { invalid, missing } from './errors.ts'
import { page } from './lists.ts'
import { allowOnly, choice, integer, metadata, type Params, text } from './params.ts'
import type { ApiCall, ApiRoute } from './routes.ts'
import { find, newestFirst, newId } from './state.ts'
import type { Charge, Refund, World } from './types.ts'

/** What the API knows about refunds. */
export const refundRoutes: ApiRoute[] = [
  { method: 'POST', pattern: '/v1/refunds', handle: create },
  { method: 'GET', pattern: '/v1/refunds', handle: list },
  { method: 'GET', pattern: '/v1/refunds/:id', handle: refundOf },
  {
    method: 'POST',
    pattern: '/v1/refunds/:id',
    handle: (call) => {
      const refund = refundOf(call)
      refund.metadata = metadata(call.params, refund.metadata ?? {})
      return refund
    },
  },
]

function refundOf({ world, path }: ApiCall): Refund {
  return find(world.state.refunds, 'refund', path.id ?? '')
}

function list({ world, params }: ApiCall): object {
  const charge = text(params, 'charge')
  const intent = text(params, 'payment_intent')
  const items = newestFirst(world.state.refunds).filter(
    (each) => (!charge || each.charge === charge) && (!intent || each.payment_intent === intent),
  )
  return page(items, params, '/v1/refunds')
}

/** The charge that parameters name by itself or by its payment intent. */
export function chargeOf(world: World, params: Params): Charge {
  const { state } = world
  const chargeId = text(params, 'charge')
  if (chargeId) return find(state.charges, 'charge', chargeId, 'charge')
  const intentId = text(params, 'payment_intent')
  if (!intentId) throw missing('payment_intent')
  const intent = find(state.paymentIntents, 'payment_intent', intentId, 'payment_intent')
  if (!intent.latest_charge || intent.status !== 'succeeded') {
    throw invalid(
      `This PaymentIntent (${intentId}) does not have a successful charge to refund.`,
      'payment_intent',
    )
  }
  return find(state.charges, 'charge', intent.latest_charge)
}

function create({ world, params }: ApiCall): object {
  allowOnly(params, ['amount', 'charge', 'metadata', 'payment_intent', 'reason'])
  return refundCharge(world, chargeOf(world, params), {
    amount: integer(params, 'amount'),
    reason: choice(params, 'reason', ['duplicate', 'fraudulent', 'requested_by_customer']) ?? null,
    metadata: metadata(params),
  })
}

/** Gives money back: all that is left, or an amount. */
export function refundCharge(
  world: World,
  charge: Charge,
  options: {
    amount?: number | undefined
    reason?: Refund['reason']
    metadata?: Record<string, string>
  } = {},
): Refund {
  const left = charge.amount_captured - charge.amount_refunded
  if (charge.status !== 'succeeded') throw invalid(`Charge ${charge.id} has not succeeded.`, 'charge')
  if (charge.disputed && !wasWon(world, charge))
    throw invalid(
      `Charge ${charge.id} has been charged back; cannot issue a refund.`,
      undefined,
      'charge_disputed',
    )
  if (left === 0)
    throw invalid(`Charge ${charge.id} has already been refunded.`, undefined, 'charge_already_refunded')
  const amount = options.amount ?? left
  if (amount < 1)
    throw invalid('This value must be greater than or equal to 1.', 'amount', 'parameter_invalid_integer')
  if (amount > left) {
    throw invalid(
      `Refund amount ($${(amount / 100).toFixed(2)}) is greater than unrefunded amount on charge ($${(left / 100).toFixed(2)})`,
      'amount',
    )
  }
  const refund = newRefund(world, charge, {
    amount,
    reason: options.reason ?? null,
    metadata: options.metadata ?? {},
  })
  const previous = { amount_refunded: charge.amount_refunded, refunded: charge.refunded }
  charge.amount_refunded += amount
  charge.refunded = charge.amount_refunded === charge.amount_captured
  world.emit('refund.created', refund)
  world.emit(
    'charge.refunded',
    charge,
    charge.refunded ? previous : { amount_refunded: previous.amount_refunded },
  )
  return refund
}

function wasWon(world: World, charge: Charge): boolean {
  return Object.values(world.state.disputes).some(
    (each) => each.charge === charge.id && each.status === 'won',
  )
}

function newRefund(
  world: World,
  charge: Charge,
  options: Pick<Refund, 'amount' | 'reason' | 'metadata'>,
): Refund {
  const refund: Refund = {
    ...options,
    id: newId('re_3', 23),
    object: 'refund',
    balance_transaction: newId('txn_3', 23),
    charge: charge.id,
    created: world.now(),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: {
      card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' },
      type: 'card',
    },
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  }
  world.state.refunds[refund.id] = refund
  return refund
}

/** The bank sends a refund back: the money stays with the merchant, and the charge counts as not refunded by it. */
export function failRefund(world: World, id: string): Refund {
  const refund = find(world.state.refunds, 'refund', id, 'refund')
  if (refund.status === 'failed') return refund
  const charge = find(world.state.charges, 'charge', refund.charge ?? '')
  const previous = { status: refund.status }
  Object.assign(refund, {
    status: 'failed',
    failure_reason: 'lost_or_stolen_card',
    failure_balance_transaction: newId('txn_3', 23),
  })
  charge.amount_refunded -= refund.amount
  charge.refunded = false
  world.emit('refund.updated', refund, previous)
  world.emit('charge.refund.updated', refund, previous)
  world.emit('refund.failed', refund)
  return refund
}
