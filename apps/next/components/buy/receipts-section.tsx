'use client'

import { Badge, Button, Group, Skeleton, Stack, Table, Text, Tooltip } from '@mantine/core'
import { useState } from 'react'
import type { CreditPack, Listing, Payment } from '../../lib/contract.ts'
import { formatCredits, formatDate, formatUsd } from '../../lib/format.ts'
import { type GetToken, readPayments, receiptUrl } from '../../lib/gateway.ts'
import { describeStatus, hasReceipt } from '../../lib/payment-words.ts'
import { useCredits } from '../credits-provider.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { Section } from '../section.tsx'
import { useAction } from '../use-action.ts'
import type { Loaded } from '../use-loaded.ts'
import { WideTable } from '../wide-table.tsx'

/** What was bought, and Stripe's receipts of it. */
export function ReceiptsSection({
  payments: { value, problem, reload },
  packs,
}: {
  payments: Loaded<Listing<Payment>>
  packs: CreditPack[]
}) {
  const { payer } = useCredits()
  return (
    <Section id="receipts" title="Receipts" description="What was bought on this account, newest first.">
      {problem && <ProblemNotice problem={problem} onRetry={() => void reload()} />}
      {!value && !problem && <Skeleton h={120} aria-busy="true" />}
      {value?.data.length === 0 && (
        <Text size="sm" c="dimmed" ta="center" py="lg">
          Nothing was bought yet.
        </Text>
      )}
      {value && value.data.length > 0 && (
        <Payments key={`${payer} ${value.data[0]?.id}`} first={value} packs={packs} />
      )}
    </Section>
  )
}

function Payments({ first, packs }: { first: Listing<Payment>; packs: CreditPack[] }) {
  const [older, setOlder] = useState<Listing<Payment>>({ data: [], nextCursor: first.nextCursor })
  const { nextCursor } = older
  const more = useAction(async (getToken) => {
    if (nextCursor === null) return
    const page = await readPayments(getToken, { cursor: nextCursor })
    setOlder(({ data }) => ({ data: [...data, ...page.data], nextCursor: page.nextCursor }))
  })
  const receipt = useAction<string>(openReceipt)
  return (
    <Stack gap="md">
      {receipt.problem && <ProblemNotice problem={receipt.problem} />}
      <WideTable caption="Payments of the account" minWidth={500}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Date</Table.Th>
            <Table.Th>What</Table.Th>
            <Table.Th ta="right" visibleFrom="sm">
              Credits
            </Table.Th>
            <Table.Th ta="right">Paid</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th ta="right">Receipt</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {[...first.data, ...older.data].map((payment) => (
            <PaymentRow
              key={payment.id}
              payment={payment}
              name={packs.find(({ id }) => id === payment.pack)?.name ?? payment.pack}
              onReceipt={() => void receipt.run(payment.id)}
            />
          ))}
        </Table.Tbody>
      </WideTable>
      {more.problem && <ProblemNotice problem={more.problem} onRetry={() => void more.run()} />}
      {nextCursor !== null && (
        <Group justify="center">
          <Button variant="default" onClick={() => void more.run()} loading={more.isRunning}>
            Show older payments
          </Button>
        </Group>
      )}
    </Stack>
  )
}

function PaymentRow({ payment, name, onReceipt }: { payment: Payment; name: string; onReceipt: () => void }) {
  const { at, kind, credits, price, paid, status } = payment
  const { label, meaning, color } = describeStatus(status)
  return (
    <Table.Tr>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <time dateTime={at}>{formatDate(at)}</time>
      </Table.Td>
      <Table.Td>
        {name}
        {kind === 'topUp' && ', by auto top-up'}
      </Table.Td>
      <Table.Td ta="right" visibleFrom="sm">
        {formatCredits(credits)}
      </Table.Td>
      <Table.Td ta="right">{paid ? formatUsd(paid.amount) : `${formatUsd(price.usd)} asked`}</Table.Td>
      <Table.Td>
        <Tooltip label={meaning} multiline maw={280} events={{ hover: true, focus: true, touch: true }}>
          <Badge
            component="button"
            type="button"
            variant="dot"
            color={color}
            tt="none"
            style={{ cursor: 'help' }}
          >
            {label}
          </Badge>
        </Tooltip>
      </Table.Td>
      <Table.Td ta="right">
        {hasReceipt(payment) && (
          <Button size="compact-sm" variant="default" onClick={onReceipt} aria-label={`Receipt for ${name}`}>
            Receipt
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

/** Opens the tab at once, as browsers let only a click do that, and fills it when the address is known. */
async function openReceipt(getToken: GetToken, paymentId: string): Promise<void> {
  const tab = window.open('', '_blank')
  try {
    const url = await receiptUrl(getToken, paymentId)
    if (!tab) return location.assign(url)
    tab.opener = null
    tab.location.href = url
  } catch (error) {
    tab?.close()
    throw error
  }
}
