import { BarsList } from '@mantine/charts'
import type { UsageRow } from '../../lib/contract.ts'
import { formatBalance } from '../../lib/format.ts'

const BAR = { backgroundColor: 'light-dark(var(--mantine-color-gate-2), var(--mantine-color-gate-8))' }

/** Credits by something that has a name, as bars that bear it, dearest first. */
export function ShareChart({
  dimension,
  rows,
}: {
  dimension: string
  rows: (UsageRow & { name: string })[]
}) {
  return (
    <BarsList
      data={rows.map(({ name, credits }) => ({ name, value: credits }))}
      valueFormatter={formatBalance}
      barsLabel={dimension}
      valueLabel="Credits"
      minBarSize={120}
      getBarProps={() => ({ style: BAR })}
      barTextColor="var(--mantine-color-text)"
    />
  )
}
