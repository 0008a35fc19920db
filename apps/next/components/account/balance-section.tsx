import { Group, Progress, Stack, Table, Text } from '@mantine/core'
import type { Account, Grant } from '../../lib/contract.ts'
import { formatBalance, formatCredits, formatDate, formatWait } from '../../lib/format.ts'
import { Section } from '../section.tsx'

const SOURCES = {
  allowance: 'Allowance of the plan',
  operator: 'Given by the operator',
  purchase: 'Bought',
} as const

/** What can be spent, what is set aside, and where it came from. */
export function BalanceSection({ account }: { account: Account }) {
  const { available, held, grants, nextAllowance } = account.credits
  return (
    <Section id="balance" title="Balance">
      <div>
        <Group gap="xs" align="baseline">
          <Text
            component="span"
            fz={36}
            fw={650}
            lh={1.1}
            c="bright"
            style={{ fontVariantNumeric: 'tabular-nums' }}
          >
            <data value={available} data-testid="available">
              {formatBalance(available)}
            </data>
          </Text>
          <Text component="span" c="dimmed">
            credits to spend
          </Text>
        </Group>
        <Text size="sm" c="dimmed" mt={4}>
          {held > 0
            ? `${formatCredits(held)} more are set aside for answers under way; what they do not use comes back.`
            : 'Nothing is set aside for answers under way.'}
        </Text>
      </div>
      {nextAllowance && <AllowanceProgress grants={grants} next={nextAllowance} />}
      <GrantTable grants={grants} />
    </Section>
  )
}

function AllowanceProgress({ grants, next }: { grants: Grant[]; next: { credits: number; at: string } }) {
  const left = grants
    .filter(({ source }) => source === 'allowance')
    .reduce((sum, { remaining }) => sum + remaining, 0)
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          Allowance
        </Text>
        <Text size="sm" c="dimmed">
          {formatBalance(left)} of {formatBalance(next.credits)} left
        </Text>
      </Group>
      <Progress
        value={next.credits > 0 ? Math.min(100, (left / next.credits) * 100) : 0}
        aria-label={`Allowance: ${formatBalance(left)} of ${formatBalance(next.credits)} credits left`}
      />
      <Text size="sm" c="dimmed">
        {formatBalance(next.credits)} new ones on <time dateTime={next.at}>{formatDate(next.at)}</time>,{' '}
        {formatWait(new Date(next.at).getTime() - Date.now())}. What is left of these then ends.
      </Text>
    </Stack>
  )
}

function GrantTable({ grants }: { grants: Grant[] }) {
  if (grants.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        There are no credits. They come with a plan’s allowance, from the operator, or by buying some.
      </Text>
    )
  }
  return (
    <Table captionSide="top" verticalSpacing={6} horizontalSpacing={0} tabularNums>
      <Table.Caption ta="left" mt={0} mb={4}>
        Where they came from, in the order in which they are spent
      </Table.Caption>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Source</Table.Th>
          <Table.Th>Until</Table.Th>
          <Table.Th ta="right">Left</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {grants.map(({ source, remaining, expiresAt }, index) => (
          <Table.Tr key={`${source} ${expiresAt} ${index}`}>
            <Table.Td>{SOURCES[source]}</Table.Td>
            <Table.Td>
              {expiresAt ? <time dateTime={expiresAt}>{formatDate(expiresAt)}</time> : 'No end'}
            </Table.Td>
            <Table.Td ta="right">{formatCredits(remaining)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
