'use client'

import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconHourglassLow } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import type { Problem } from '../lib/problems.ts'
import { LinkButton } from './link-button.tsx'
import classes from './problem-notice.module.css'

/**
 * A failure in words: what happened, what to do, and the way there. `onRetry` offers to try again, where that can
 * help: at once, or when the time has come that the gateway named.
 */
export function ProblemNotice({
  problem,
  onRetry,
}: {
  problem: Problem
  onRetry?: (() => void) | undefined
}) {
  const { title, detail, remedy, link, retryAt } = problem
  const waits = retryAt !== undefined
  const Icon = waits ? IconHourglassLow : IconAlertTriangle
  return (
    <Alert
      variant="default"
      title={title}
      icon={<Icon aria-hidden />}
      className={classes.notice}
      mod={{ tone: problem.tone }}
      data-testid="problem"
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {detail} {remedy}
        </Text>
        <Group gap="xs">
          {link && (
            <LinkButton href={link.href} size="xs">
              {link.label}
            </LinkButton>
          )}
          {onRetry && problem.canRetry && <RetryButton retryAt={retryAt} onRetry={onRetry} />}
        </Group>
      </Stack>
    </Alert>
  )
}

/** Counts down to `retryAt` (milliseconds of the epoch), then lets the reader try again. */
function RetryButton({ retryAt = 0, onRetry }: { retryAt?: number | undefined; onRetry: () => void }) {
  const seconds = useSecondsUntil(retryAt)
  return (
    <Button size="xs" variant="default" disabled={seconds > 0} onClick={onRetry}>
      {seconds > 0 ? `Try again in ${seconds} s` : 'Try again'}
    </Button>
  )
}

function useSecondsUntil(time: number): number {
  const left = () => Math.max(0, Math.ceil((time - Date.now()) / 1000))
  const [seconds, setSeconds] = useState(left)
  useEffect(() => {
    setSeconds(left())
    const timer = setInterval(() => {
      setSeconds(left())
      if (left() === 0) clearInterval(timer)
    }, 250)
    return () => clearInterval(timer)
  }, [time])
  return seconds
}
