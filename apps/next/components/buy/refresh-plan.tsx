'use client'

import { useAuth } from '@clerk/nextjs'
import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useCredits } from '../credits-provider.tsx'

/** Clerk's plan is in the token, so a change shows with the next one: this asks for it at once. */
export function RefreshPlan() {
  const { getToken } = useAuth()
  const { account, refresh } = useCredits()
  const [isRunning, setIsRunning] = useState(false)
  const read = async () => {
    setIsRunning(true)
    await getToken({ skipCache: true })
    await refresh()
    setIsRunning(false)
  }
  return (
    <Group gap="sm">
      <Text size="sm" c="dimmed">
        In force now: {account?.plan}. A change shows within a minute.
      </Text>
      <Button size="compact-sm" variant="default" loading={isRunning} onClick={() => void read()}>
        Look now
      </Button>
    </Group>
  )
}
