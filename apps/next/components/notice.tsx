import { Alert, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconHourglassLow, IconInfoCircle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './notice.module.css'

const ICONS = {
  error: IconAlertTriangle,
  warning: IconAlertTriangle,
  waiting: IconHourglassLow,
  good: IconCircleCheck,
  plain: IconInfoCircle,
}

/** Something to know before anything else, and what to do about it. It looks like a problem's notice. */
export function Notice({
  tone,
  title,
  actions,
  onClose,
  children,
}: {
  tone: keyof typeof ICONS
  title: string
  actions?: ReactNode
  onClose?: () => void
  children: ReactNode
}) {
  const Icon = ICONS[tone]
  return (
    <Alert
      variant="default"
      title={title}
      icon={<Icon aria-hidden className={classes.icon ?? ''} />}
      className={classes.notice ?? ''}
      mod={{ tone }}
      role={tone === 'error' ? 'alert' : 'status'}
      {...(onClose && { withCloseButton: true, onClose, closeButtonLabel: 'Close this notice' })}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{children}</Text>
        {actions}
      </Stack>
    </Alert>
  )
}
