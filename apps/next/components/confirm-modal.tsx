'use client'

import { Button, Group, Modal, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { ProblemNotice } from './problem-notice.tsx'
import type { Action } from './use-action.ts'

/** Asks before something is done that cannot be taken back, and shows what went wrong. */
export function ConfirmModal({
  opened,
  title,
  confirm,
  isReady = true,
  action,
  onConfirm,
  onClose,
  children,
}: {
  opened: boolean
  title: string
  /** What the button says that does it. */
  confirm: string
  /** Whether it may be done yet. */
  isReady?: boolean
  action: Pick<Action<never>, 'isRunning' | 'problem' | 'clear'>
  onConfirm: () => void
  onClose: () => void
  children: ReactNode
}) {
  const close = () => {
    action.clear()
    onClose()
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={title}
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Stack gap="md">
        {children}
        {action.problem && <ProblemNotice problem={action.problem} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={close}>
            Keep it
          </Button>
          <Button color="red.8" loading={action.isRunning} disabled={!isReady} onClick={onConfirm}>
            {confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
