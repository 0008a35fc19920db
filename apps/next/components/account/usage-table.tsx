import { Table } from '@mantine/core'
import type { UsageRow } from '../../lib/contract.ts'
import { formatCount, formatCredits } from '../../lib/format.ts'
import { WideTable } from '../wide-table.tsx'

/** Usage in figures: what the charts show, and the tokens. */
export function UsageTable({
  caption,
  dimension,
  rows,
}: {
  caption: string
  dimension: string
  rows: (UsageRow & { name: string })[]
}) {
  return (
    <WideTable caption={caption} minWidth={460}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{dimension}</Table.Th>
          <Table.Th ta="right">Requests</Table.Th>
          <Table.Th ta="right">Tokens in</Table.Th>
          <Table.Th ta="right">Tokens out</Table.Th>
          <Table.Th ta="right">Credits</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(({ name, requests, inputTokens, outputTokens, credits }) => (
          <Table.Tr key={name}>
            <Table.Td>{name}</Table.Td>
            <Table.Td ta="right">{formatCount(requests)}</Table.Td>
            <Table.Td ta="right">{formatCount(inputTokens)}</Table.Td>
            <Table.Td ta="right">{formatCount(outputTokens)}</Table.Td>
            <Table.Td ta="right">{formatCredits(credits)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  )
}
