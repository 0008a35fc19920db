/** What the tests of purchases share: a pack for 10 dollars, and what the payment provider says of it. */
import type { OpenPayment, RecordPayment } from './command.ts'
import type { Dispute, NewPayment, PaymentFact } from './payment.ts'
import { credit } from './test-kit.ts'

/** 1,000 credits for 10.00 USD. */
export const pack = { credits: 1000 * credit, subtotal: 1000 } as const

type Paid = Extract<PaymentFact, { type: 'paid' }>

export function openOf(id: string, over: Partial<NewPayment> = {}): OpenPayment {
  const sold = { kind: 'pack', member: 'clerk:user_1', pack: 'starter', currency: 'usd', ...pack } as const
  return { kind: 'openPayment', payment: { id, ...sold, ...over } }
}

export function saidOf(id: string, fact: PaymentFact): RecordPayment {
  return { kind: 'recordPayment', id, fact }
}

/** Paid as it was asked, with 10 % of tax on top. */
export function paidOf(reference = 'pi_1', over: Partial<Paid> = {}): Paid {
  return { type: 'paid', reference, paid: 1100, subtotal: 1000, currency: 'usd', savedCard: false, ...over }
}

export function refundOf(id: string, amount: number, failed = false, reference = 'pi_1'): PaymentFact {
  return { type: 'refund', reference, id, amount, failed }
}

export function totalOf(amount: number, paid = 1100, reference = 'pi_1'): PaymentFact {
  return { type: 'refundedTotal', reference, amount, paid }
}

export function disputeOf(
  id: string,
  state: Dispute['state'],
  amount = 1100,
  reference = 'pi_1',
): PaymentFact {
  return { type: 'dispute', reference, id, amount, state }
}
