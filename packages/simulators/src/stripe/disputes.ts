/** Disputes: a customer's bank takes a payment back, and gives it again if the dispute is won. */
import { invalid } from './errors.ts'
import { page } from './lists.ts'
import { metadata, text } from './params.ts'
import type { ApiCall, ApiRoute } from './routes.ts'
import { find, newestFirst, newId } from './state.ts'
import type { Charge, Dispute, World } from './types.ts'

const FEE_CENTS = 1500
const DUE_SECONDS = 9 * 86_400

/** What the API knows about disputes. Closing one over the API accepts it: it is lost. */
export const disputeRoutes: ApiRoute[] = [
  { method: 'GET', pattern: '/v1/disputes', handle: list },
  { method: 'GET', pattern: '/v1/disputes/:id', handle: disputeOf },
  {
    method: 'POST',
    pattern: '/v1/disputes/:id',
    handle: (call) => {
      const dispute = disputeOf(call)
      dispute.metadata = metadata(call.params, dispute.metadata)
      return dispute
    },
  },
  {
    method: 'POST',
    pattern: '/v1/disputes/:id/close',
    handle: (call) => closeDispute(call.world, disputeOf(call).id, 'lost'),
  },
]

function disputeOf({ world, path }: ApiCall): Dispute {
  return find(world.state.disputes, 'dispute', path.id ?? '')
}

function list({ world, params }: ApiCall): object {
  const charge = text(params, 'charge')
  const intent = text(params, 'payment_intent')
  const items = newestFirst(world.state.disputes).filter(
    (each) => (!charge || each.charge === charge) && (!intent || each.payment_intent === intent),
  )
  return page(items, params, '/v1/disputes')
}

/** Opens a dispute; the bank takes the money at once. */
export function openDispute(
  world: World,
  charge: Charge,
  {
    amount = charge.amount - charge.amount_refunded,
    reason = 'fraudulent',
  }: { amount?: number | undefined; reason?: string | undefined } = {},
): Dispute {
  if (charge.status !== 'succeeded') throw invalid(`Charge ${charge.id} has not succeeded.`, 'charge')
  if (charge.disputed) throw invalid(`Charge ${charge.id} is disputed already.`, 'charge')
  if (amount < 1 || amount > charge.amount)
    throw invalid('The disputed amount must be between 1 and the charge’s.', 'amount')
  const dispute = newDispute(world, charge, amount, reason)
  world.state.disputes[dispute.id] = dispute
  charge.disputed = true
  world.emit('charge.dispute.created', dispute)
  dispute.balance_transactions.push(movement(world, dispute, -amount, FEE_CENTS))
  world.emit('charge.dispute.funds_withdrawn', dispute)
  return dispute
}

/** Ends a dispute; a won one brings the money back. */
export function closeDispute(world: World, id: string, outcome: 'won' | 'lost'): Dispute {
  const dispute = find(world.state.disputes, 'dispute', id, 'dispute')
  if (dispute.status === 'won' || dispute.status === 'lost') throw invalid('This dispute is already closed.')
  dispute.status = outcome
  if (outcome === 'won') {
    dispute.balance_transactions.push(movement(world, dispute, dispute.amount, -FEE_CENTS))
    world.emit('charge.dispute.funds_reinstated', dispute)
  }
  world.emit('charge.dispute.closed', dispute)
  return dispute
}

function movement(
  world: World,
  dispute: Dispute,
  amount: number,
  fee: number,
): Dispute['balance_transactions'][number] {
  return {
    id: newId('txn_1', 23),
    object: 'balance_transaction',
    amount,
    available_on: world.now(),
    balance_type: 'payments',
    created: world.now(),
    currency: dispute.currency,
    description: `Chargeback ${amount < 0 ? 'withdrawal' : 'reversal'} for ${dispute.charge}`,
    exchange_rate: null,
    fee,
    fee_details: [
      {
        amount: fee,
        application: null,
        currency: dispute.currency,
        description: 'Dispute fee',
        type: 'stripe_fee',
      },
    ],
    net: amount - fee,
    reporting_category: amount < 0 ? 'dispute' : 'dispute_reversal',
    source: dispute.id,
    status: 'available',
    type: 'adjustment',
  }
}

function newDispute(world: World, charge: Charge, amount: number, reason: string): Dispute {
  return {
    id: newId('du_1', 23),
    object: 'dispute',
    amount,
    balance_transactions: [],
    charge: charge.id,
    created: world.now(),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: { ...NO_EVIDENCE, customer_email_address: charge.billing_details.email },
    evidence_details: {
      due_by: world.now() + DUE_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'manual',
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: { brand: 'visa', case_type: 'chargeback', network: 'visa', network_reason_code: '10.4' },
      type: 'card',
    },
    reason,
    status: 'needs_response',
  }
}

const NO_EVIDENCE: Dispute['evidence'] = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
}
