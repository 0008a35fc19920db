'use client'

import { BarChart } from '@mantine/charts'
import type { UsageRow } from '../../lib/contract.ts'
import { formatBalance, formatDay } from '../../lib/format.ts'

/** Credits by day as bars. Its figures are in the table that the reader can switch to. */
export function DayChart({ rows }: { rows: (UsageRow & { day: string })[] }) {
  return (
    <BarChart
      h={240}
      data={rows.map(({ day, credits }) => ({ day: formatDay(day), Credits: credits }))}
      dataKey="day"
      series={[{ name: 'Credits', color: 'gate.5' }]}
      valueFormatter={formatBalance}
      tickLine="none"
      maxBarWidth={28}
      xAxisProps={{ minTickGap: 24, interval: 'equidistantPreserveStart' }}
      yAxisProps={{ width: 56 }}
      barProps={{ radius: [3, 3, 0, 0], isAnimationActive: false }}
      accessibilityLayer={false}
      role="img"
      aria-label={describe(rows)}
    />
  )
}

function describe(rows: (UsageRow & { day: string })[]): string {
  const most = rows.toSorted((a, b) => b.credits - a.credits)[0]
  const sum = rows.reduce((total, { credits }) => total + credits, 0)
  const whole = `Bars of the credits spent on each of ${rows.length} days, ${formatBalance(sum)} in all.`
  return most ? `${whole} The most were ${formatBalance(most.credits)} on ${formatDay(most.day)}.` : whole
}
