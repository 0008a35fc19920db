'use client'

import { Badge, Button, Card, Group, List, ListItem, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import type { Account, Offers, PlanOffer } from '../../lib/contract.ts'
import { formatCredits, formatUsd } from '../../lib/format.ts'
import { openPortal, startCheckout } from '../../lib/gateway.ts'
import { ProblemNotice } from '../problem-notice.tsx'
import { useAction } from '../use-action.ts'

/** The plans that Stripe sells. A click goes to its checkout, a change to its portal. */
export function PlanCards({ offers, account }: { offers: Offers; account: Account }) {
  const subscribe = useAction<string>(async (getToken, plan) => {
    const returnUrl = `${location.origin}/buy?plan=${encodeURIComponent(plan)}`
    const { url } = await startCheckout(getToken, { plan, returnUrl })
    location.assign(url)
  })
  const manage = useAction(async (getToken) => {
    const { url } = await openPortal(getToken, `${location.origin}/buy`)
    location.assign(url)
  })
  const problem = subscribe.problem ?? manage.problem
  const isSubscribed = account.subscription?.provider === 'stripe' && account.subscription.status !== 'ended'
  return (
    <Stack gap="md">
      {problem && <ProblemNotice problem={problem} />}
      <SimpleGrid cols={{ base: 1, sm: 2, md: 3 }} spacing="lg">
        {offers.plans.map((plan) => (
          <PlanCard
            key={plan.id}
            plan={plan}
            isCurrent={account.plan === plan.id}
            mayBuy={offers.canBuy && offers.stripe}
            isBusy={subscribe.isRunning}
            onSubscribe={() => void subscribe.run(plan.id)}
          />
        ))}
      </SimpleGrid>
      {isSubscribed && (
        <Group gap="sm">
          <Button
            variant="default"
            loading={manage.isRunning}
            disabled={!offers.canBuy}
            onClick={() => void manage.run()}
          >
            Manage subscription
          </Button>
          <Text size="sm" c="dimmed">
            Change the card, the plan, or cancel, on Stripe’s page.
          </Text>
        </Group>
      )}
    </Stack>
  )
}

function PlanCard({
  plan: { id, credits, models, price },
  isCurrent,
  mayBuy,
  isBusy,
  onSubscribe,
}: {
  plan: PlanOffer
  isCurrent: boolean
  mayBuy: boolean
  isBusy: boolean
  onSubscribe: () => void
}) {
  return (
    <Card withBorder component="article" padding="lg">
      <Stack gap="xs" h="100%">
        <Group justify="space-between">
          <Title order={3} size="h4">
            {id}
          </Title>
          {isCurrent && (
            <Badge variant="dot" tt="none">
              your plan
            </Badge>
          )}
        </Group>
        {price ? (
          <Text fz={30} fw={650} lh={1.1} c="bright">
            {formatUsd(price.usd)}
            <Text component="span" size="sm" c="dimmed" fw={400}>
              {' '}
              a {price.every}
            </Text>
          </Text>
        ) : (
          <Text c="dimmed">The price is on the next page.</Text>
        )}
        <Text fw={500}>
          {credits > 0 ? `${formatCredits(credits)} credits a month` : 'No monthly credits'}
        </Text>
        <List size="sm" c="dimmed" spacing={2}>
          {models.map((model) => (
            <ListItem key={model} ff="monospace">
              {model}
            </ListItem>
          ))}
        </List>
        <Button
          mt="auto"
          fullWidth
          variant={isCurrent ? 'default' : 'filled'}
          disabled={!mayBuy || isCurrent || isBusy}
          onClick={onSubscribe}
          aria-label={isCurrent ? `${id} is your plan` : `Subscribe to ${id}`}
        >
          {isCurrent ? 'Your plan' : 'Subscribe'}
        </Button>
      </Stack>
    </Card>
  )
}
