'use client'

import { Button, Code, Skeleton, Stack, Table, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import type { Key } from '../../lib/contract.ts'
import { formatCredits, formatDateAndTime } from '../../lib/format.ts'
import { readKeys, revokeKey } from '../../lib/gateway.ts'
import { FAREGATE_URL } from '../../lib/settings.ts'
import { ConfirmModal } from '../confirm-modal.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { Section } from '../section.tsx'
import { useAction } from '../use-action.ts'
import { useLoaded } from '../use-loaded.ts'
import { WideTable } from '../wide-table.tsx'
import { NewKeyModal } from './new-key-modal.tsx'

/** Faregate keys: for what has no session, such as a script or an agent. */
export function Keys() {
  const keys = useLoaded('keys', readKeys)
  const [isMaking, making] = useDisclosure()
  return (
    <Section
      id="keys"
      title="Keys"
      description={
        <>
          A session token lives a minute. What runs without you, such as a script, an agent or a command line,
          takes a key instead: as the API key of any OpenAI SDK, with the base URL <Code>{FAREGATE_URL}</Code>
          . It spends these credits, up to its own cap, until it ends or you revoke it.
        </>
      }
      actions={
        <Button size="sm" leftSection={<IconPlus size={16} aria-hidden />} onClick={making.open}>
          New key
        </Button>
      }
    >
      {keys.problem && <ProblemNotice problem={keys.problem} onRetry={() => void keys.reload()} />}
      {!keys.value && !keys.problem && (
        <Stack gap="sm" aria-busy="true">
          <Skeleton h={36} />
          <Skeleton h={36} />
        </Stack>
      )}
      {keys.value?.length === 0 && (
        <Text size="sm" c="dimmed" ta="center" py="lg">
          You have no keys.
        </Text>
      )}
      {keys.value && keys.value.length > 0 && <KeyTable keys={keys.value} onChange={keys.reload} />}
      <NewKeyModal opened={isMaking} onClose={making.close} onMade={keys.reload} />
    </Section>
  )
}

function KeyTable({ keys, onChange }: { keys: Key[]; onChange: () => Promise<void> }) {
  const [chosen, setChosen] = useState<Key>()
  const revoke = useAction<Key>(async (getToken, { id }) => {
    await revokeKey(getToken, id)
    setChosen(undefined)
    await onChange()
  })
  return (
    <>
      <WideTable caption="Your keys that still live" minWidth={560}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Made</Table.Th>
            <Table.Th>Ends</Table.Th>
            <Table.Th ta="right">Spent, of at most</Table.Th>
            <Table.Th ta="right">Action</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {keys.map((key) => (
            <KeyRow key={key.id} value={key} onRevoke={() => setChosen(key)} />
          ))}
        </Table.Tbody>
      </WideTable>
      <ConfirmModal
        opened={chosen !== undefined}
        title={`Revoke ${chosen ? nameOf(chosen) : 'the key'}?`}
        confirm="Revoke"
        action={revoke}
        onConfirm={() => chosen && void revoke.run(chosen)}
        onClose={() => setChosen(undefined)}
      >
        <Text size="sm">What uses it is refused from now on. This cannot be taken back.</Text>
      </ConfirmModal>
    </>
  )
}

function KeyRow({ value, onRevoke }: { value: Key; onRevoke: () => void }) {
  const { createdAt, expiresAt, creditsMax, creditsSpent } = value
  return (
    <Table.Tr>
      <Table.Td>{nameOf(value)}</Table.Td>
      <Table.Td>
        <time dateTime={createdAt}>{formatDateAndTime(createdAt)}</time>
      </Table.Td>
      <Table.Td>
        <time dateTime={expiresAt}>{formatDateAndTime(expiresAt)}</time>
      </Table.Td>
      <Table.Td ta="right">
        {formatCredits(creditsSpent)} of {creditsMax === null ? 'all' : formatCredits(creditsMax)}
      </Table.Td>
      <Table.Td ta="right">
        <Button size="compact-sm" variant="default" onClick={onRevoke} aria-label={`Revoke ${nameOf(value)}`}>
          Revoke
        </Button>
      </Table.Td>
    </Table.Tr>
  )
}

function nameOf({ name, id }: Key): string {
  return name || `${id.slice(0, 12)}…`
}
