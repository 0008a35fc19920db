'use client'

import { useOrganization } from '@clerk/nextjs'
import { Code } from '@mantine/core'
import type { Account, Offers } from '../../lib/contract.ts'
import { Notice } from '../notice.tsx'

/** Why something cannot be bought here and now, if so. */
export function BuyNotices({ offers, account }: { offers: Offers; account: Account }) {
  const { organization } = useOrganization()
  const name = organization?.name ?? 'your organization'
  if (!offers.stripe) {
    return (
      <Notice tone="plain" title="No credits are sold here yet">
        {process.env.NODE_ENV === 'development' ? (
          <>
            For whoever runs this: set <Code>STRIPE_SECRET_KEY</Code> in <Code>.env</Code>, or start with{' '}
            <Code>pnpm dev</Code>, which simulates Stripe.
          </>
        ) : (
          'The people who run this app have not set up payments. Allowances of plans still come.'
        )}
      </Notice>
    )
  }
  if (!offers.canBuy && account.payer === 'organization') {
    return (
      <Notice tone="plain" title={`You cannot buy for ${name}`}>
        {name} pays for what its members ask, and only those who manage it may buy, usually its admins. Ask
        one of them, or choose your own account as the payer at the top.
      </Notice>
    )
  }
  return null
}
