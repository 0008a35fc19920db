'use client'

import { Badge, Group, Table, Text, Tooltip } from '@mantine/core'
import { type ReactNode } from 'react'
import type { Entry } from '../../lib/contract.ts'
import { describeEntry, ESTIMATED, tokensOf } from '../../lib/entries.ts'
import { formatChange, formatCount, formatDateAndTime } from '../../lib/format.ts'
import { useCredits } from '../credits-provider.tsx'
import { WideTable } from '../wide-table.tsx'
import { useMemberNames } from './use-member-names.ts'

const GAIN = { fw: 600, c: 'var(--mantine-primary-color-light-color)' }

/** Entries as a table; an organization's say who it was. */
export function EntryTable({ entries }: { entries: Entry[] }) {
  const { account } = useCredits()
  const nameOf = useMemberNames()
  const withMember = account?.payer === 'organization'
  return (
    <WideTable caption="Entries of the account, with your local time" minWidth={withMember ? 460 : 320}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>When</Table.Th>
          <Table.Th>What</Table.Th>
          {withMember && <Table.Th>Member</Table.Th>}
          <Table.Th ta="right" visibleFrom="sm">
            Tokens in / out
          </Table.Th>
          <Table.Th ta="right">Credits</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {entries.map((entry) => (
          <Table.Tr key={entry.id + entry.kind}>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>
              <time dateTime={entry.at}>{formatDateAndTime(entry.at)}</time>
            </Table.Td>
            <Table.Td>
              <What entry={entry} />
            </Table.Td>
            {withMember && <Table.Td>{entry.member ? nameOf(entry.member) : ''}</Table.Td>}
            <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }} visibleFrom="sm">
              {describeTokens(entry)}
            </Table.Td>
            <Table.Td ta="right" {...(entry.credits > 0 && GAIN)}>
              {formatChange(entry.credits)}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  )
}

function What({ entry }: { entry: Entry }) {
  const { title, remark } = describeEntry(entry)
  const isUnusual = entry.ended !== undefined && entry.ended !== 'complete'
  return (
    <Group gap={8}>
      <Text component="span" size="sm">
        {title}
      </Text>
      {entry.model && (
        <Text component="span" size="sm" ff="monospace" c="dimmed">
          {entry.model}
        </Text>
      )}
      {isUnusual && remark && <Remark text={remark}>{entry.ended}</Remark>}
      {entry.kind !== 'charge' && remark && (
        <Text component="span" size="sm" c="dimmed">
          {remark}
        </Text>
      )}
      {entry.estimated && <Remark text={ESTIMATED}>estimated</Remark>}
      {entry.keyId && <Remark text={`Asked with the key ${entry.keyId}`}>by key</Remark>}
    </Group>
  )
}

/** A word whose meaning opens under the pointer, the finger or the keyboard's focus. */
function Remark({ text, children }: { text: string; children: ReactNode }) {
  return (
    <Tooltip label={text} multiline maw={280} events={{ hover: true, focus: true, touch: true }}>
      <Badge component="button" type="button" variant="default" tt="none" fw={500} style={{ cursor: 'help' }}>
        {children}
      </Badge>
    </Tooltip>
  )
}

function describeTokens(entry: Entry): string {
  const tokens = tokensOf(entry)
  return tokens ? `${formatCount(tokens.input)} / ${formatCount(tokens.output)}` : ''
}
