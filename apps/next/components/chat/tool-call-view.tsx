import { Code, Group, Loader, Text } from '@mantine/core'
import { IconCheck, IconTool } from '@tabler/icons-react'
import type { ToolCall } from '../../lib/conversation.ts'
import classes from './chat.module.css'

/** A function that the model calls: its name, the arguments as they come, and what it answered. */
export function ToolCallView({ call, busy }: { call: ToolCall; busy: boolean }) {
  const isRunning = busy && call.result === undefined
  return (
    <div className={classes.call} data-testid="tool-call">
      <Group gap="xs" wrap="nowrap">
        <IconTool size={16} aria-hidden />
        <Text size="sm" fw={600} ff="monospace">
          {call.name}
        </Text>
        {isRunning && <Loader size={14} color="gray" aria-label="Running" />}
        {call.result !== undefined && (
          <IconCheck size={16} color="var(--mantine-primary-color-filled)" aria-label="Done" />
        )}
      </Group>
      <Row label="Arguments" json={call.arguments} />
      {call.result !== undefined && <Row label="Result" json={call.result} />}
    </div>
  )
}

function Row({ label, json }: { label: string; json: string }) {
  return (
    <Group gap="xs" mt={6} wrap="nowrap" align="baseline">
      <Text size="xs" c="dimmed" w={72} flex="none">
        {label}
      </Text>
      <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{json || '…'}</Code>
    </Group>
  )
}
