import { Anchor, Badge, Group, Text } from '@mantine/core'
import Link from 'next/link'
import type { Account, Subscription } from '../../lib/contract.ts'
import { formatCredits, formatDate } from '../../lib/format.ts'
import { Notice } from '../notice.tsx'
import { Section } from '../section.tsx'

/** The plan in force, what pays for it, and the way to another. */
export function PlanSection({ account }: { account: Account }) {
  const { plan } = account
  const subscription = subscriptionToTell(account)
  const { nextAllowance } = account.credits
  return (
    <Section
      id="plan"
      title="Plan"
      actions={
        <Anchor component={Link} href="/buy#plans" size="sm">
          {subscription ? 'Change plan' : 'See plans'}
        </Anchor>
      }
    >
      <Group gap="sm">
        <Text fz="xl" fw={650} c="bright" data-testid="plan">
          {plan}
        </Text>
        {subscription && <Badge {...BADGES[subscription.status]} variant="dot" tt="none" />}
      </Group>
      <Text size="sm" c="dimmed">
        {nextAllowance
          ? `Gives ${formatCredits(nextAllowance.credits)} credits a month.`
          : 'Gives no monthly credits: what is spent is bought.'}
      </Text>
      {subscription && <SubscriptionState subscription={subscription} />}
    </Section>
  )
}

const BADGES = {
  active: { color: 'gate', children: 'active' },
  canceled: { color: 'yellow', children: 'canceled' },
  past_due: { color: 'red', children: 'payment overdue' },
  ended: { color: 'gray', children: 'ended' },
  upcoming: { color: 'blue', children: 'begins soon' },
} as const

/**
 * The subscription, if it says something. One without an end is that of a plan that costs nothing; that one has ended
 * is told only where its plan is over with it.
 */
export function subscriptionToTell({ plan, subscription }: Account): Subscription | null {
  if (!subscription || subscription.periodEnd === null) return null
  return subscription.status === 'ended' && subscription.plan === plan ? null : subscription
}

/** What a subscription's state means, with its dates. */
export function SubscriptionState({ subscription }: { subscription: Subscription }) {
  const { status, plan, periodStart, periodEnd } = subscription
  if (status === 'past_due') {
    return (
      <Notice
        tone="error"
        title={`The last payment for ${plan} did not go through`}
        actions={
          <Anchor component={Link} href="/buy#plans" size="sm">
            Manage the plan
          </Anchor>
        }
      >
        The plan may rest until it is paid. Update the card where plans are managed.
      </Notice>
    )
  }
  return <Text size="sm">{describeSubscription({ status, plan, periodStart, periodEnd })}</Text>
}

function describeSubscription({
  status,
  plan,
  periodStart,
  periodEnd,
}: Omit<Subscription, 'provider' | 'status'> & {
  status: Exclude<Subscription['status'], 'past_due'>
}): string {
  switch (status) {
    case 'active':
      return periodEnd ? `Paid, and renews on ${formatDate(periodEnd)}.` : 'In force.'
    case 'canceled':
      return periodEnd
        ? `Canceled: still in force until ${formatDate(periodEnd)}, and not renewed.`
        : 'Canceled: not renewed.'
    case 'upcoming':
      return `${plan} begins on ${formatDate(periodStart)}.`
    case 'ended':
      return periodEnd ? `${plan} ended on ${formatDate(periodEnd)}.` : `${plan} has ended.`
  }
}
