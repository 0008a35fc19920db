'use client'

import { Button, Card, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import type { Account, CreditPack, Model, Offers } from '../../lib/contract.ts'
import { formatBalance, formatCredits, formatUsd } from '../../lib/format.ts'
import { readModels, readUsage, startCheckout } from '../../lib/gateway.ts'
import { describeMessagePrice, describeWorth } from '../../lib/offer-words.ts'
import { averageMessage, type MessageSize } from '../../lib/price.ts'
import { ProblemNotice } from '../problem-notice.tsx'
import { useAction } from '../use-action.ts'
import { useLoaded } from '../use-loaded.ts'

/** The packs on sale. A click goes to Stripe's page. */
export function PackCards({ offers, account }: { offers: Offers; account: Account }) {
  const worth = useLoaded('worth', async (getToken) => {
    const [models, usage] = await Promise.all([readModels(getToken), readUsage(getToken, { by: 'model' })])
    return { models, size: averageMessage(usage.data) }
  })
  const buy = useAction<string>(async (getToken, pack) => {
    const { url } = await startCheckout(getToken, { pack, returnUrl: `${location.origin}/buy` })
    location.assign(url)
  })
  if (offers.data.length === 0) {
    return (
      <Text c="dimmed" py="md">
        No packs of credits are on sale.
      </Text>
    )
  }
  return (
    <Stack component="section" gap="md" aria-label="Packs of credits">
      {buy.problem && <ProblemNotice problem={buy.problem} />}
      <SimpleGrid cols={{ base: 1, sm: 2, md: 3 }} spacing="lg">
        {offers.data.map((pack) => (
          <PackCard
            key={pack.id}
            pack={pack}
            available={account.credits.available - account.credits.debt}
            worth={worth.value}
            mayBuy={offers.canBuy && offers.stripe}
            isBusy={buy.isRunning}
            onBuy={() => void buy.run(pack.id)}
          />
        ))}
      </SimpleGrid>
    </Stack>
  )
}

function PackCard({
  pack: { name, credits, price },
  available,
  worth,
  mayBuy,
  isBusy,
  onBuy,
}: {
  pack: CreditPack
  available: number
  worth: { models: Model[]; size: MessageSize } | undefined
  mayBuy: boolean
  isBusy: boolean
  onBuy: () => void
}) {
  const bought = worth && describeWorth(worth.models, worth.size, credits)
  const each = worth && describeMessagePrice(worth.models, worth.size, { credits, usd: price.usd })
  return (
    <Card withBorder component="article" padding="lg">
      <Stack gap="xs" h="100%">
        <Title order={2} size="h4">
          {name}
        </Title>
        <Text fz={30} fw={650} lh={1.1} c="bright">
          {formatUsd(price.usd)}
        </Text>
        <Text fw={500}>{formatCredits(credits)} credits</Text>
        <Text size="sm" c="dimmed" mih={64}>
          {bought && `${bought}.`} {each && `That is ${each}.`}
        </Text>
        <Text size="sm" c="dimmed" mt="auto">
          Your balance becomes {formatBalance(available + credits)}.
        </Text>
        <Button
          fullWidth
          disabled={!mayBuy || isBusy}
          onClick={onBuy}
          {...(mayBuy && { 'aria-label': `Buy ${name} for ${formatUsd(price.usd)}` })}
        >
          {mayBuy ? `Buy ${name}` : 'You cannot buy here'}
        </Button>
      </Stack>
    </Card>
  )
}
