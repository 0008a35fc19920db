'use client'

import { SimpleGrid, Skeleton, Stack } from '@mantine/core'
import { readCreditPacks, readPayments } from '../../lib/gateway.ts'
import { AccountNotices } from '../account/account-notices.tsx'
import { useCredits } from '../credits-provider.tsx'
import { Page } from '../page.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { useLoaded } from '../use-loaded.ts'
import { AutoTopUpSection } from './auto-top-up-section.tsx'
import { BuyNotices } from './buy-notices.tsx'
import { CheckoutReturn } from './checkout-return.tsx'
import { PackCards } from './pack-cards.tsx'
import { PlansSection } from './plans-section.tsx'
import { ReceiptsSection } from './receipts-section.tsx'

const PAYMENTS_PAGE = 20

/** Where credits and plans are bought, and what was bought. */
export function BuyView() {
  const { account, problem, refresh } = useCredits()
  const offers = useLoaded('offers', readCreditPacks)
  const payments = useLoaded('payments', (getToken) => readPayments(getToken, { limit: PAYMENTS_PAGE }))
  const failed = offers.problem ?? (account ? undefined : problem)
  return (
    <Page
      title="Buy credits"
      lead="Credits are paid for once, and every answer takes what it cost. You pay on Stripe’s page; no card number comes here."
    >
      <Stack gap="lg">
        <CheckoutReturn onArrived={payments.reload} />
        {account && <AccountNotices account={account} />}
        {failed && (
          <ProblemNotice problem={failed} onRetry={() => void Promise.all([offers.reload(), refresh()])} />
        )}
        {offers.value && account ? (
          <>
            <BuyNotices offers={offers.value} account={account} />
            <PackCards offers={offers.value} account={account} />
            <PlansSection offers={offers.value} account={account} />
            {offers.value.stripe && (
              <AutoTopUpSection key={account.id} offers={offers.value} account={account} />
            )}
          </>
        ) : (
          !failed && <BuySkeleton />
        )}
        <ReceiptsSection payments={payments} packs={offers.value?.data ?? []} />
      </Stack>
    </Page>
  )
}

function BuySkeleton() {
  return (
    <Stack gap="lg" role="status" aria-busy="true" aria-label="What is on sale is being read">
      <SimpleGrid cols={{ base: 1, sm: 2, md: 3 }} spacing="lg">
        <Skeleton h={250} />
        <Skeleton h={250} visibleFrom="sm" />
        <Skeleton h={250} visibleFrom="md" />
      </SimpleGrid>
      <Skeleton h={260} />
    </Stack>
  )
}
