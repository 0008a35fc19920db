/** Payments and auto top-up in plain words. */
import type { Payment } from './contract.ts'

/** What became of a payment: a word for the list, and what it means. */
export type StatusWords = { label: string; meaning: string; color: 'gate' | 'yellow' | 'red' | 'gray' }

const STATUSES: Record<Payment['status'], StatusWords> = {
  open: { label: 'not paid', meaning: 'The checkout was left, and nothing was charged.', color: 'gray' },
  pending: {
    label: 'waiting for the bank',
    meaning: 'The bank has not confirmed it yet. The credits come as soon as it does.',
    color: 'yellow',
  },
  paid: { label: 'paid', meaning: 'The credits are on the account.', color: 'gate' },
  partly_refunded: {
    label: 'partly refunded',
    meaning: 'A part was paid back, and its credits were taken back.',
    color: 'gray',
  },
  refunded: {
    label: 'refunded',
    meaning: 'It was paid back, and its credits were taken back.',
    color: 'gray',
  },
  disputed: {
    label: 'disputed',
    meaning: 'It was disputed at the bank. Its credits are taken back until that is decided.',
    color: 'red',
  },
  checking: {
    label: 'being checked',
    meaning: 'The money has come, but it could not be matched. Somebody is looking at it.',
    color: 'yellow',
  },
  failed: { label: 'failed', meaning: 'The bank declined it, and nothing was charged.', color: 'red' },
}

/** Says what became of a payment. */
export function describeStatus(status: Payment['status']): StatusWords {
  return STATUSES[status]
}

/** Whether Stripe has a receipt of it. */
export function hasReceipt({ status, paid }: Payment): boolean {
  return paid !== null || ['paid', 'partly_refunded', 'refunded', 'disputed'].includes(status)
}

/** Why auto top-up stopped, and how to go on. */
export function describeStop(reason: string | null): { why: string; remedy: string } {
  switch (reason) {
    case 'authentication_required':
      return {
        why: 'The bank wants you to confirm each payment with this card, which cannot be done while you are away.',
        remedy: 'Buy a pack with another card, then turn auto top-up on again.',
      }
    case 'payment_reversed':
      return {
        why: 'A payment was refunded or disputed, so nothing more is bought by itself.',
        remedy: 'Once that is settled, turn it on again.',
      }
    case 'pack_not_sold':
      return {
        why: 'The pack that it bought is not sold any more.',
        remedy: 'Choose another and turn it on again.',
      }
    case 'no_answer':
      return {
        why: 'The payment provider never said what became of the last attempt.',
        remedy: 'See under receipts whether it was paid, then turn it on again.',
      }
    case 'no_saved_card':
      return {
        why: 'There is no card on file any more.',
        remedy: 'Buy a pack once by card, then turn it on again.',
      }
    default:
      return {
        why: 'The bank declined the card.',
        remedy:
          'Buy a pack with another card, or change the card where payments are managed; then turn it on again.',
      }
  }
}
