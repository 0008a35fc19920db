'use client'

import { SimpleGrid, Skeleton, Stack } from '@mantine/core'
import { useCredits } from '../credits-provider.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { AccountNotices } from './account-notices.tsx'
import { BalanceSection } from './balance-section.tsx'
import { LimitsSection } from './limits-section.tsx'
import { PlanSection } from './plan-section.tsx'
import { WorthSection } from './worth-section.tsx'

/** What there is, what it is worth, and what bounds it. */
export function Overview() {
  const { account, problem, refresh } = useCredits()
  if (!account) {
    return problem ? <ProblemNotice problem={problem} onRetry={() => void refresh()} /> : <OverviewSkeleton />
  }
  return (
    <Stack gap="lg">
      {problem && <ProblemNotice problem={problem} onRetry={() => void refresh()} />}
      <AccountNotices account={account} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <BalanceSection account={account} />
        <WorthSection account={account} />
        <PlanSection account={account} />
        <LimitsSection limits={account.limits} />
      </SimpleGrid>
    </Stack>
  )
}

function OverviewSkeleton() {
  return (
    <SimpleGrid
      cols={{ base: 1, md: 2 }}
      spacing="lg"
      role="status"
      aria-busy="true"
      aria-label="The account is being read"
    >
      {['balance', 'worth', 'plan', 'limits'].map((name, index) => (
        <Skeleton key={name} h={index < 2 ? 330 : 250} />
      ))}
    </SimpleGrid>
  )
}
