'use client'

import { Button, Group, NumberInput, Select, SimpleGrid, Stack, Switch, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Account, AutoTopUp, Offers } from '../../lib/contract.ts'
import { formatCredits, formatUsd } from '../../lib/format.ts'
import { setAutoTopUp } from '../../lib/gateway.ts'
import { describeStop } from '../../lib/payment-words.ts'
import { useCredits } from '../credits-provider.tsx'
import { Notice } from '../notice.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { Section } from '../section.tsx'
import { useAction } from '../use-action.ts'

/** Off, its track would be lost on a dark card. */
const SWITCH = { track: { boxShadow: 'inset 0 0 0 1px var(--mantine-color-default-border)' } }

type Setting = Parameters<typeof setAutoTopUp>[1]

/** Buying a pack by itself when the balance runs low. */
export function AutoTopUpSection({ offers, account }: { offers: Offers; account: Account }) {
  const { refresh } = useCredits()
  const { autoTopUp = null, savedCard = false } = account
  const [isWanted, setIsWanted] = useState(autoTopUp !== null)
  const save = useAction<Setting>(async (getToken, setting) => {
    await setAutoTopUp(getToken, setting)
    await refresh()
  })
  const why = whyNot({ offers, savedCard, autoTopUp })
  const isOpen = isWanted || autoTopUp !== null
  const toggle = (wanted: boolean) => {
    setIsWanted(wanted)
    if (!wanted && autoTopUp) void save.run({ off: true })
  }
  return (
    <Section
      id="auto-top-up"
      title="Auto top-up"
      description="Buys a pack by itself with the card on file when the balance runs low, a few times a day at most."
      actions={
        <Switch
          label={switchLabel(autoTopUp, isWanted)}
          styles={SWITCH}
          aria-label="Auto top-up"
          checked={isOpen}
          disabled={why !== undefined || save.isRunning}
          onChange={(event) => toggle(event.currentTarget.checked)}
        />
      }
    >
      {why && (
        <Text size="sm" c="dimmed">
          {why}
        </Text>
      )}
      {autoTopUp && <TopUpState autoTopUp={autoTopUp} offers={offers} />}
      {isOpen && !why && (
        <TopUpForm
          offers={offers}
          autoTopUp={autoTopUp}
          isSaving={save.isRunning}
          onSave={(setting) => void save.run(setting)}
        />
      )}
      {save.problem && <ProblemNotice problem={save.problem} />}
    </Section>
  )
}

function switchLabel(autoTopUp: AutoTopUp | null, isWanted: boolean): string {
  if (autoTopUp) return autoTopUp.state === 'stopped' ? 'Stopped' : 'On'
  return isWanted ? 'Not on yet' : 'Off'
}

function whyNot({
  offers,
  savedCard,
  autoTopUp,
}: {
  offers: Offers
  savedCard: boolean
  autoTopUp: AutoTopUp | null
}): string | undefined {
  if (!offers.canBuy) return 'Only those who may buy can change it.'
  if (offers.data.length === 0) return 'There is no pack that it could buy.'
  if (autoTopUp?.state === 'under_way') return 'It can be changed when the purchase under way has ended.'
  if (!savedCard && !autoTopUp) return 'Buy a pack once by card first: that keeps the card for this.'
  return undefined
}

function TopUpState({ autoTopUp, offers }: { autoTopUp: AutoTopUp; offers: Offers }) {
  const { pack, threshold, state, reason } = autoTopUp
  const name = offers.data.find(({ id }) => id === pack)?.name ?? pack
  if (state === 'under_way') {
    return (
      <Notice tone="waiting" title="A pack is being bought">
        The bank was asked for {name}. The credits come as soon as it confirms.
      </Notice>
    )
  }
  if (state === 'stopped') {
    const { why, remedy } = describeStop(reason)
    return (
      <Notice tone="error" title="Auto top-up has stopped">
        {why} {remedy}
      </Notice>
    )
  }
  return (
    <Text size="sm">
      Buys {name} when fewer than {formatCredits(threshold)} credits are left.
    </Text>
  )
}

function TopUpForm({
  offers,
  autoTopUp,
  isSaving,
  onSave,
}: {
  offers: Offers
  autoTopUp: AutoTopUp | null
  isSaving: boolean
  onSave: (setting: Setting) => void
}) {
  const sold = offers.data.some(({ id }) => id === autoTopUp?.pack)
  const [pack, setPack] = useState<string | null>((sold && autoTopUp?.pack) || (offers.data[0]?.id ?? null))
  const [threshold, setThreshold] = useState<number | string>(autoTopUp?.threshold ?? 100)
  const isValid = pack !== null && typeof threshold === 'number' && threshold > 0
  const isChanged = pack !== autoTopUp?.pack || threshold !== autoTopUp?.threshold
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isValid) onSave({ pack, threshold })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Select
            label="Pack"
            data={offers.data.map(({ id, name, credits, price }) => ({
              value: id,
              label: `${name}: ${formatCredits(credits)} credits for ${formatUsd(price.usd)}`,
            }))}
            value={pack}
            onChange={setPack}
            allowDeselect={false}
          />
          <NumberInput
            label="When fewer are left than"
            suffix=" credits"
            min={0}
            allowNegative={false}
            thousandSeparator=","
            value={threshold}
            onChange={setThreshold}
          />
        </SimpleGrid>
        <Group justify="flex-end">
          <Button
            type="submit"
            loading={isSaving}
            disabled={!isValid || (autoTopUp?.state === 'on' && !isChanged)}
          >
            {buttonLabel(autoTopUp)}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function buttonLabel(autoTopUp: AutoTopUp | null): string {
  if (!autoTopUp) return 'Turn on'
  return autoTopUp.state === 'stopped' ? 'Turn on again' : 'Save'
}
