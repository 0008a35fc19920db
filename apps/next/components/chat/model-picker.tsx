'use client'

import { Button, Group, Menu, Text } from '@mantine/core'
import { IconCheck, IconChevronDown } from '@tabler/icons-react'
import type { Model } from '../../lib/contract.ts'
import { type MessageSize, messagesLeft } from '../../lib/price.ts'
import { useCredits } from '../credits-provider.tsx'

/** The models of the plan, each with its price in words. */
export function ModelPicker({
  models,
  size,
  model,
  setModel,
}: {
  models: Model[]
  size: MessageSize
  model: string
  setModel: (model: string) => void
}) {
  const { account } = useCredits()
  const available = account?.credits.available
  const wordsOf = (id: string) =>
    messagesLeft(models.find((each) => each.id === id)?.faregate, size, available)
  const words = wordsOf(model)
  return (
    <Group gap={4} wrap="nowrap" miw={0}>
      <Menu position="top-start" shadow="md">
        <Menu.Target>
          <Button
            variant="subtle"
            color="gray"
            c="bright"
            size="compact-sm"
            fw={500}
            rightSection={<IconChevronDown size={14} aria-hidden />}
            aria-label={`Model: ${model}`}
          >
            {model}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Models of your plan</Menu.Label>
          {models.map(({ id }) => (
            <Menu.Item
              key={id}
              role="menuitemradio"
              aria-checked={id === model}
              rightSection={id === model && <IconCheck size={16} aria-hidden />}
              onClick={() => setModel(id)}
            >
              <Text size="sm">{id}</Text>
              <Text size="xs" c="dimmed">
                {wordsOf(id)}
              </Text>
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {words && (
        <Text size="xs" c="dimmed" truncate>
          {words}
        </Text>
      )}
    </Group>
  )
}
