'use client'

import { PricingTable, useAuth } from '@clerk/nextjs'
import { Box, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'
import type { Account, Offers } from '../../lib/contract.ts'
import { SubscriptionState, subscriptionToTell } from '../account/plan-section.tsx'
import { useCredits } from '../credits-provider.tsx'
import { Hydrated } from '../hydrated.tsx'
import { PlanCards } from './plan-cards.tsx'
import { RefreshPlan } from './refresh-plan.tsx'

/** Plans, by whoever sells them: Clerk Billing where tokens name a plan, else Stripe where it lists some. */
export function PlansSection({ offers, account }: { offers: Offers; account: Account }) {
  const { sessionClaims, orgId } = useAuth()
  const { refresh } = useCredits()
  const claim = sessionClaims?.pla
  const known = useRef(claim)
  useEffect(() => {
    if (known.current !== claim) void refresh()
    known.current = claim
  }, [claim, refresh])
  if (typeof claim === 'string') {
    return (
      <PlansFrame account={account}>
        <Hydrated>
          <PricingTable
            for={orgId ? 'organization' : 'user'}
            newSubscriptionRedirectUrl="/buy?checkout=done"
          />
        </Hydrated>
        <RefreshPlan />
      </PlansFrame>
    )
  }
  if (offers.plans.length === 0) return null
  return (
    <PlansFrame account={account}>
      <PlanCards offers={offers} account={account} />
    </PlansFrame>
  )
}

function PlansFrame({ account, children }: { account: Account; children: ReactNode }) {
  const subscription = subscriptionToTell(account)
  const frame = useRef<HTMLDivElement>(null)
  // The address may name this part before it is there.
  useEffect(() => {
    if (location.hash === '#plans') frame.current?.scrollIntoView()
  }, [])
  return (
    <Box
      component="section"
      id="plans"
      aria-labelledby="plans-title"
      ref={frame}
      pt="md"
      style={{ scrollMarginTop: 60 }}
    >
      <Stack gap="md">
        <div>
          <Title order={2} id="plans-title">
            Plans
          </Title>
          <Text c="dimmed" mt={4} maw={640}>
            A plan decides which models you may ask and gives credits every month. A new plan’s models and
            credits are there as soon as it begins; one that you leave stays until the end of the time that is
            paid for.
          </Text>
        </div>
        {subscription && <SubscriptionState subscription={subscription} />}
        {children}
      </Stack>
    </Box>
  )
}
