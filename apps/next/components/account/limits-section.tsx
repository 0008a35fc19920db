'use client'

import { Group, Progress, Stack, Text } from '@mantine/core'
import type { Account, LimitName, LimitStatus } from '../../lib/contract.ts'
import { formatBalance, formatWait } from '../../lib/format.ts'
import { Section } from '../section.tsx'
import { useNow } from '../use-now.ts'

const LIMITS: { name: LimitName; label: string }[] = [
  { name: 'requestsPerMinute', label: 'Requests a minute' },
  { name: 'tokensPerMinute', label: 'Tokens a minute' },
  { name: 'concurrentRequests', label: 'Requests at once' },
  { name: 'creditsPerDay', label: 'Credits a day' },
]

/** What bounds the plan, and how much of each is left right now. */
export function LimitsSection({ limits }: { limits: Account['limits'] }) {
  const set = LIMITS.filter(({ name }) => limits[name])
  return (
    <Section id="limits" title="Limits" description="Days and minutes are those of UTC.">
      {set.length === 0 ? (
        <Text size="sm" c="dimmed">
          Your plan has no limits but its credits.
        </Text>
      ) : (
        <Stack gap="md">
          {set.map(({ name, label }) => {
            const status = limits[name]
            return status && <LimitBar key={name} name={name} label={label} status={status} />
          })}
        </Stack>
      )}
    </Section>
  )
}

function LimitBar({ name, label, status }: { name: LimitName; label: string; status: LimitStatus }) {
  const now = useNow(1000)
  const waitMs = new Date(status.resetsAt).getTime() - now
  const isTimed = name !== 'concurrentRequests'
  // Its window is over, and nothing has been asked in the next one that this page knows of.
  const remaining = isTimed && waitMs <= 0 ? status.limit : status.remaining
  const left = `${formatBalance(remaining)} of ${formatBalance(status.limit)} left`
  const isUsed = remaining < status.limit
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <Text size="sm" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
          {left}
          {isTimed && isUsed && (
            <>
              , whole again <time dateTime={status.resetsAt}>{formatWait(waitMs)}</time>
            </>
          )}
        </Text>
      </Group>
      <Progress
        value={(remaining / status.limit) * 100}
        color={remaining === 0 ? 'red' : 'gate'}
        aria-label={`${label}: ${left}`}
      />
    </Stack>
  )
}
