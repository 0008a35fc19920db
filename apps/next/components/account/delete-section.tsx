'use client'

import { useClerk } from '@clerk/nextjs'
import { Button, Group, List, ListItem, Skeleton, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import type { Account, Deleted } from '../../lib/contract.ts'
import { formatCredits } from '../../lib/format.ts'
import { deleteAccount } from '../../lib/gateway.ts'
import { ConfirmModal } from '../confirm-modal.tsx'
import { useCredits } from '../credits-provider.tsx'
import { Notice } from '../notice.tsx'
import { Section } from '../section.tsx'
import { type Action, useAction } from '../use-action.ts'

const PHRASE = 'delete'

/** The end of the account, for those who may decide it. */
export function DeleteSection() {
  const { account, refresh } = useCredits()
  const [deleted, setDeleted] = useState<Deleted>()
  const [isAsking, asking] = useDisclosure()
  const remove = useAction(async (getToken) => {
    setDeleted(await deleteAccount(getToken))
    asking.close()
    await refresh()
  })
  if (deleted) return <Gone deleted={deleted} />
  if (!account) return <Skeleton h={140} />
  const isOrganization = account.payer === 'organization'
  const mayNot = isOrganization && account.canBuy === false
  const what = isOrganization ? 'the organization’s account' : 'my account'
  return (
    <Section
      id="delete"
      title={`Delete ${what}`}
      description="Its credits, its history and its keys here. The login stays; that one is deleted under its own profile."
      actions={
        <Button color="red.8" disabled={mayNot} onClick={asking.open} aria-describedby="delete-reason">
          Delete…
        </Button>
      }
    >
      <Text size="sm" c="dimmed" id="delete-reason">
        {mayNot
          ? 'Only those who may buy for the organization can delete its account.'
          : 'This cannot be taken back.'}
      </Text>
      <DeleteModal account={account} opened={isAsking} action={remove} onClose={asking.close} />
    </Section>
  )
}

function DeleteModal({
  account,
  opened,
  action,
  onClose,
}: {
  account: Account
  opened: boolean
  action: Action<void>
  onClose: () => void
}) {
  const [typed, setTyped] = useState('')
  const { subscription, credits } = account
  const { available, grants } = credits
  const purchased = grants
    .filter(({ source }) => source === 'purchase')
    .reduce((sum, { remaining }) => sum + remaining, 0)
  return (
    <ConfirmModal
      opened={opened}
      title="Delete the account for good?"
      confirm="Delete for good"
      isReady={typed.trim().toLowerCase() === PHRASE}
      action={action}
      onConfirm={() => void action.run()}
      onClose={() => {
        setTyped('')
        onClose()
      }}
    >
      <Text size="sm">What is lost:</Text>
      <List size="sm" spacing={4}>
        <ListItem>
          {formatCredits(available)} credits
          {purchased > 0 && `, of which ${formatCredits(purchased)} were bought and are unspent`}
        </ListItem>
        <ListItem>the history, the usage and the list of payments</ListItem>
        <ListItem>all keys: what uses them is refused at once</ListItem>
        {account.autoTopUp && <ListItem>auto top-up: nothing is bought any more</ListItem>}
      </List>
      {subscription && subscription.status !== 'ended' && (
        <Notice tone="warning" title={`The subscription of ${subscription.plan}`}>
          {subscription.provider === 'stripe'
            ? 'It ends at once, and what is left of its paid time is lost.'
            : 'It is a contract of its own: cancel it first, under Buy, or it goes on being charged.'}
        </Notice>
      )}
      <TextInput
        label={`Type “${PHRASE}” to confirm`}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
    </ConfirmModal>
  )
}

function Gone({ deleted: { unspentPurchasedCredits } }: { deleted: Deleted }) {
  const { signOut } = useClerk()
  return (
    <Section id="delete" title="The account is deleted">
      <Stack gap="sm" role="status">
        <Text size="sm">
          {unspentPurchasedCredits > 0
            ? `${formatCredits(unspentPurchasedCredits)} bought credits were unspent. Whether they are paid back is up to the people who run this app: tell them that figure.`
            : 'No bought credits were left in it.'}{' '}
          Your login still works; asking again begins a new account.
        </Text>
        <Group>
          <Button variant="default" onClick={() => void signOut()}>
            Sign out
          </Button>
        </Group>
      </Stack>
    </Section>
  )
}
