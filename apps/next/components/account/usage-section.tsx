'use client'

import { Group, SegmentedControl, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { UsageDimension, UsageRow } from '../../lib/contract.ts'
import { lastDays } from '../../lib/days.ts'
import { formatBalance, formatCount } from '../../lib/format.ts'
import { readUsage } from '../../lib/gateway.ts'
import { useCredits } from '../credits-provider.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { Section } from '../section.tsx'
import { type Loaded, useLoaded } from '../use-loaded.ts'
import { DayChart } from './day-chart.tsx'
import { ShareChart } from './share-chart.tsx'
import { UsageTable } from './usage-table.tsx'
import { useMemberNames } from './use-member-names.ts'

const RANGES = [7, 30, 90].map((days) => ({ value: String(days), label: `${days} days` }))
const FORMS = [
  { value: 'chart', label: 'Charts' },
  { value: 'table', label: 'Tables' },
]

/** What was used: by day, by model, and in an organization by member. */
export function UsageSection() {
  const { account } = useCredits()
  const [range, setRange] = useState('30')
  const [form, setForm] = useState('chart')
  const days = lastDays(Number(range), Date.now())
  const isOrganization = account?.payer === 'organization'
  const part = { days, isTable: form === 'table' }
  return (
    <Stack gap="lg">
      <Group justify="space-between" gap="sm">
        <SegmentedControl data={RANGES} value={range} onChange={setRange} aria-label="How far back" />
        <SegmentedControl data={FORMS} value={form} onChange={setForm} aria-label="Charts or tables" />
      </Group>
      <ByDay {...part} />
      <SimpleGrid cols={{ base: 1, md: isOrganization ? 2 : 1 }} spacing="lg">
        <ByModel {...part} />
        {isOrganization && <ByMember {...part} />}
      </SimpleGrid>
    </Stack>
  )
}

type Part = { days: string[]; isTable: boolean }

function ByDay({ days, isTable }: Part) {
  const usage = useUsage(days, 'day')
  const byDay = new Map((usage.value ?? []).map((row) => [row.day, row]))
  const unused = { requests: 0, inputTokens: 0, outputTokens: 0, credits: 0 }
  const rows = days.map((day) => ({ ...(byDay.get(day) ?? unused), day }))
  return (
    <Section id="by-day" title="By day" description="Credits spent on each day, in UTC.">
      <Reading usage={usage} height={300}>
        {(found) => (
          <>
            <Totals rows={found} />
            {isTable ? (
              <UsageTable
                caption="Usage by day, newest first"
                dimension="Day"
                rows={found.toReversed().map((row) => ({ ...row, name: row.day ?? '' }))}
              />
            ) : (
              <DayChart rows={rows} />
            )}
          </>
        )}
      </Reading>
    </Section>
  )
}

function ByModel({ days, isTable }: Part) {
  const usage = useUsage(days, 'model')
  return (
    <Section id="by-model" title="By model">
      <Reading usage={usage} height={160}>
        {(found) => {
          const rows = byCredits(found).map((row) => ({ ...row, name: row.model ?? 'unknown' }))
          return isTable ? (
            <UsageTable caption="Usage by model, dearest first" dimension="Model" rows={rows} />
          ) : (
            <ShareChart dimension="Model" rows={rows} />
          )
        }}
      </Reading>
    </Section>
  )
}

function ByMember({ days, isTable }: Part) {
  const usage = useUsage(days, 'member')
  const nameOf = useMemberNames()
  return (
    <Section id="by-member" title="By member" description="Who in the organization spent what.">
      <Reading usage={usage} height={160}>
        {(found) => {
          const rows = byCredits(found).map((row) => ({ ...row, name: nameOf(row.member) }))
          return isTable ? (
            <UsageTable caption="Usage by member, dearest first" dimension="Member" rows={rows} />
          ) : (
            <ShareChart dimension="Member" rows={rows} />
          )
        }}
      </Reading>
    </Section>
  )
}

function useUsage(days: string[], by: UsageDimension): Loaded<UsageRow[]> {
  const [from, to] = [days[0] ?? '', days.at(-1) ?? '']
  return useLoaded(`usage ${by} ${from} ${to}`, async (getToken) => {
    const { data } = await readUsage(getToken, { from, to, by })
    return data
  })
}

/** What was read, or what stands in its place; while another range is being read, the old stays, paler. */
function Reading({
  usage: { value, problem, isLoading, reload },
  height,
  children,
}: {
  usage: Loaded<UsageRow[]>
  height: number
  children: (rows: UsageRow[]) => React.ReactNode
}) {
  if (problem) return <ProblemNotice problem={problem} onRetry={() => void reload()} />
  if (!value) return <Skeleton h={height} aria-busy="true" />
  if (value.length === 0) {
    return (
      <Text size="sm" c="dimmed" mih={height} ta="center" pt="xl">
        Nothing was used in these days.
      </Text>
    )
  }
  return (
    <Stack gap="md" aria-busy={isLoading} opacity={isLoading ? 0.6 : 1}>
      {children(value)}
    </Stack>
  )
}

function Totals({ rows }: { rows: UsageRow[] }) {
  const sum = (count: (row: UsageRow) => number) => rows.reduce((total, row) => total + count(row), 0)
  const totals = [
    { label: 'Credits', value: formatBalance(sum(({ credits }) => credits)) },
    { label: 'Requests', value: formatCount(sum(({ requests }) => requests)) },
    { label: 'Tokens in', value: formatCount(sum(({ inputTokens }) => inputTokens)) },
    { label: 'Tokens out', value: formatCount(sum(({ outputTokens }) => outputTokens)) },
  ]
  return (
    <SimpleGrid component="dl" cols={{ base: 2, sm: 4 }} spacing="sm" m={0}>
      {totals.map(({ label, value }) => (
        <div key={label}>
          <Text component="dt" size="sm" c="dimmed">
            {label}
          </Text>
          <Text component="dd" m={0} fw={600} fz="lg" data-testid={`total-${label}`}>
            {value}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  )
}

function byCredits(rows: UsageRow[]): UsageRow[] {
  return rows.toSorted((a, b) => b.credits - a.credits)
}
