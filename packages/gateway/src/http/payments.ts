/** Purchases as they are listed: to their buyer, and with what the payment provider said of them to the operator. */
import { z } from 'zod'
import { creditsOf } from '../core/credits.ts'
import { type Payment, reversedAmount } from '../core/payment.ts'
import { paymentView } from '../core/view.ts'
import type { PaymentPage, PaymentQuery } from '../ports.ts'

/** Query of the payments routes. */
export const paymentQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z
    .string()
    .regex(/^[\w:.-]{1,200}$/, 'must be the nextCursor of an earlier page')
    .optional(),
})

/** The store's query of a parsed one. */
export function toPaymentQuery({ limit, cursor }: z.infer<typeof paymentQuery>): PaymentQuery {
  return { limit, ...(cursor !== undefined && { cursor }) }
}

/** A page of purchases. */
export function paymentPageView(
  { data, nextCursor }: PaymentPage,
  view: (payment: Payment) => Record<string, unknown> = paymentView,
): { data: unknown[]; nextCursor: string | null } {
  return { data: data.map(view), nextCursor }
}

/** A purchase as the operator sees it. `refunded` counts disputes that were not won, too. */
export function operatorPaymentView(payment: Payment): Record<string, unknown> {
  const { member, reference, failure, problem, reversed, currency } = payment
  return {
    ...paymentView(payment),
    member,
    reference,
    failure,
    problem,
    refunded: { amount: reversedAmount(payment) / 100, currency },
    creditsReversed: creditsOf(reversed),
  }
}
