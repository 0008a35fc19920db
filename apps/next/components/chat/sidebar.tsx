'use client'

import { ActionIcon, Button, Group, NavLink, Stack, Text, Tooltip } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import type { Conversation } from '../../lib/conversation.ts'
import classes from './chat.module.css'

type Actions = {
  openId: string | undefined
  onSelect: (id: string | undefined) => void
  onRemove: (id: string) => void
  onRestore: (conversation: Conversation) => void
}

/** The conversations that this browser keeps, the latest first. */
export function Sidebar({ conversations, ...actions }: { conversations: Conversation[] } & Actions) {
  return (
    <Stack gap="sm">
      <Button
        variant="default"
        leftSection={<IconPlus size={16} aria-hidden />}
        onClick={() => actions.onSelect(undefined)}
      >
        New chat
      </Button>
      <Stack component="ul" gap={2} p={0} m={0} style={{ listStyle: 'none' }}>
        {conversations.map((conversation) => (
          <Item key={conversation.id} conversation={conversation} {...actions} />
        ))}
      </Stack>
      <Text size="xs" c="dimmed" px="xs">
        {conversations.length === 0
          ? 'Your conversations appear here. They stay in this browser.'
          : 'Kept in this browser only.'}
      </Text>
    </Stack>
  )
}

function Item({
  conversation,
  openId,
  onSelect,
  onRemove,
  onRestore,
}: { conversation: Conversation } & Actions) {
  const { id, title } = conversation
  const isOpen = id === openId
  const remove = () => {
    onRemove(id)
    if (isOpen) onSelect(undefined)
    const notification = notifications.show({
      message: (
        <Group justify="space-between" wrap="nowrap">
          <Text size="sm">The conversation is deleted.</Text>
          <Button
            size="compact-sm"
            variant="subtle"
            onClick={() => {
              onRestore(conversation)
              notifications.hide(notification)
            }}
          >
            Undo
          </Button>
        </Group>
      ),
    })
  }
  return (
    <Group component="li" gap={2} wrap="nowrap">
      <NavLink
        component="button"
        type="button"
        label={title}
        noWrap
        className={classes.item}
        active={isOpen}
        aria-current={isOpen ? 'true' : undefined}
        onClick={() => onSelect(id)}
      />
      <Tooltip label="Delete">
        <ActionIcon
          variant="subtle"
          className={classes.item}
          c="dimmed"
          onClick={remove}
          aria-label={`Delete “${title}”`}
        >
          <IconTrash size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  )
}
