import { ActionIcon, Button, Group, SegmentedControl, Text } from '@mantine/core'
import { IconCode, IconHistory } from '@tabler/icons-react'
import type { Way } from '../../lib/conversation.ts'
import classes from './chat.module.css'

const WAYS = [
  { value: 'browser', label: 'Browser' },
  { value: 'route', label: 'Server route' },
]

/** What is open, which way it is asked, and the code of that way. */
export function TopBar({
  title,
  way,
  onWay,
  onList,
  onCode,
}: {
  title: string | undefined
  way: Way
  onWay: (way: Way) => void
  onList: () => void
  onCode: () => void
}) {
  return (
    <div className={classes.bar}>
      <ActionIcon
        variant="subtle"
        color="gray"
        c="dimmed"
        size="lg"
        hiddenFrom="md"
        onClick={onList}
        aria-label="Conversations"
      >
        <IconHistory size={20} aria-hidden />
      </ActionIcon>
      <Text fw={600} size="sm" truncate visibleFrom="sm">
        {title ?? 'New chat'}
      </Text>
      <Group gap="xs" wrap="nowrap">
        <SegmentedControl
          size="xs"
          data={WAYS}
          value={way}
          onChange={(value) => onWay(value === 'route' ? 'route' : 'browser')}
          aria-label="Which way to ask"
        />
        <Button variant="default" size="xs" leftSection={<IconCode size={16} aria-hidden />} onClick={onCode}>
          Code
        </Button>
      </Group>
    </div>
  )
}
