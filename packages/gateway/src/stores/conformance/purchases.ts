/** What the conformance tests buy, and what the payment provider and the billing provider say of it. */
import type { BeginTopUp, OpenPayment, RecordPayment } from '../../core/command.ts'
import type { NewPayment, PaymentFact } from '../../core/payment.ts'
import type { Subscription } from '../../core/subscription.ts'
import { uniqueId } from './fixtures.ts'

/** 2,000 microcredits for 10.00 USD. */
export const pack = { credits: 2000, subtotal: 1000 } as const

export function openPaymentOf(id = uniqueId('pay'), over: Partial<NewPayment> = {}): OpenPayment {
  const member = 'test:user:member'
  const sold = { kind: 'pack', member, pack: 'starter', currency: 'usd', ...pack } as const
  return { kind: 'openPayment', payment: { id, ...sold, ...over } }
}

/** The provider's payment that pays for the purchase `id`. */
export function referenceOf(id: string): string {
  return `pi_${id}`
}

export function saidOf(id: string, fact: PaymentFact): RecordPayment {
  return { kind: 'recordPayment', id, fact }
}

/** It was paid as it was asked, by a card that was kept. */
export function paidOf(id: string, subtotal: number = pack.subtotal): RecordPayment {
  const paid = { reference: referenceOf(id), paid: 1000, subtotal, currency: 'usd', savedCard: true }
  return saidOf(id, { type: 'paid', ...paid })
}

/** So much was refunded of it by now. */
export function refundedOf(id: string, amount: number): RecordPayment {
  return saidOf(id, { type: 'refundedTotal', reference: referenceOf(id), amount, paid: 1000 })
}

export function subscriptionOf(now: number, over: Partial<Subscription> = {}): Subscription {
  return {
    id: 'stripe:sub_1',
    provider: 'stripe',
    plan: 'monthly',
    status: 'active',
    periodStart: now - 1_000_000,
    periodEnd: now + 1_000_000_000,
    version: 1,
    ...over,
  }
}

export const autoTopUp = {
  kind: 'setAutoTopUp',
  topUp: { pack: 'starter', threshold: 2000 },
} as const

export function beginTopUpOf(id = uniqueId('top')): BeginTopUp {
  return { kind: 'beginTopUp', id, offers: { starter: pack }, perDayMax: 2 }
}
