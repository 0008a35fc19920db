'use client'

import { Skeleton, Stack, Table, Text } from '@mantine/core'
import type { Account, Model, UsageRow } from '../../lib/contract.ts'
import { readModels, readUsage } from '../../lib/gateway.ts'
import { averageMessage, type MessageSize, messagesLeft } from '../../lib/price.ts'
import { ProblemNotice } from '../problem-notice.tsx'
import { Section } from '../section.tsx'
import { useLoaded } from '../use-loaded.ts'

/** What the balance means: how many messages it pays for, by model. */
export function WorthSection({ account }: { account: Account }) {
  const { value, problem, reload } = useLoaded('worth', async (getToken) => {
    const [models, usage] = await Promise.all([readModels(getToken), readUsage(getToken, { by: 'model' })])
    return { models, rows: usage.data }
  })
  return (
    <Section id="worth" title="What it pays for" description={value ? explainSize(value.rows) : ' '}>
      {problem && <ProblemNotice problem={problem} onRetry={() => void reload()} />}
      {!value && !problem && (
        <Stack gap="sm" aria-busy="true">
          <Skeleton h={28} />
          <Skeleton h={28} />
          <Skeleton h={28} />
        </Stack>
      )}
      {value && (
        <WorthTable
          models={value.models}
          size={averageMessage(value.rows)}
          available={account.credits.available}
        />
      )}
    </Section>
  )
}

function explainSize(rows: UsageRow[]): string {
  return rows.length > 0
    ? 'Reckoned by your own average message of the last 30 days.'
    : 'Reckoned for a message and an answer of about 300 words each.'
}

function WorthTable({ models, size, available }: { models: Model[]; size: MessageSize; available: number }) {
  if (models.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        Your plan has no models.
      </Text>
    )
  }
  return (
    <Table captionSide="top" verticalSpacing={6} horizontalSpacing={0}>
      <Table.Caption ta="left" mt={0} mb={4}>
        The models of your plan
      </Table.Caption>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Model</Table.Th>
          <Table.Th ta="right">With this balance</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {models.map(({ id, faregate }) => (
          <Table.Tr key={id}>
            <Table.Td ff="monospace">{id}</Table.Td>
            <Table.Td ta="right">{messagesLeft(faregate, size, available) ?? 'price not told'}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
