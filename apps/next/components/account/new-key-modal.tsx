'use client'

import {
  ActionIcon,
  Button,
  Code,
  CopyButton,
  Group,
  Modal,
  NumberInput,
  Select,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { type FormEvent, useState } from 'react'
import type { NewKey } from '../../lib/contract.ts'
import { createKey } from '../../lib/gateway.ts'
import { Notice } from '../notice.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { useAction } from '../use-action.ts'

const LIVES = [
  { value: '900', label: '15 minutes' },
  { value: '3600', label: 'An hour' },
  { value: '86400', label: 'A day' },
  { value: '604800', label: 'A week' },
  { value: '2592000', label: '30 days' },
  { value: '7776000', label: '90 days' },
]

/** Makes a key, and shows its secret this once. */
export function NewKeyModal({
  opened,
  onClose,
  onMade,
}: {
  opened: boolean
  onClose: () => void
  onMade: () => Promise<void>
}) {
  const [secret, setSecret] = useState<string>()
  const close = () => {
    setSecret(undefined)
    onClose()
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={secret ? 'Copy the key now' : 'New key'}
      centered
      closeOnClickOutside={!secret}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {secret ? (
        <Secret secret={secret} onDone={close} />
      ) : (
        <NewKeyForm
          onMade={async (made) => {
            setSecret(made)
            await onMade()
          }}
        />
      )}
    </Modal>
  )
}

function NewKeyForm({ onMade }: { onMade: (secret: string) => Promise<void> }) {
  const [name, setName] = useState('')
  const [life, setLife] = useState<string | null>('900')
  const [cap, setCap] = useState<number | string>('')
  const make = useAction<NewKey>(async (getToken, asked) => {
    const { key } = await createKey(getToken, asked)
    await onMade(key)
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void make.run({
      name: name.trim(),
      ttlSeconds: Number(life ?? 900),
      ...(typeof cap === 'number' && { creditsMax: cap }),
    })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="Name"
          description="What it is for, so that you know it again."
          placeholder="Nightly report"
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <Select
          label="Lives for"
          description="Your plan may allow less; it says so then."
          data={LIVES}
          value={life}
          onChange={setLife}
          allowDeselect={false}
        />
        <NumberInput
          label="May spend at most"
          description="In credits. Left empty, the plan’s own cap holds."
          min={0.000001}
          decimalScale={6}
          allowNegative={false}
          value={cap}
          onChange={setCap}
          suffix=" credits"
        />
        {make.problem && <ProblemNotice problem={make.problem} />}
        <Group justify="flex-end">
          <Button type="submit" loading={make.isRunning}>
            Make the key
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Secret({ secret, onDone }: { secret: string; onDone: () => void }) {
  return (
    <Stack gap="md">
      <Notice tone="warning" title="It is shown this once">
        Only a hash of it is kept. Whoever has it can spend these credits.
      </Notice>
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }} data-testid="secret">
          {secret}
        </Code>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <ActionIcon variant="default" size="lg" onClick={copy} aria-label="Copy the key">
              {copied ? <IconCheck size={18} aria-hidden /> : <IconCopy size={18} aria-hidden />}
            </ActionIcon>
          )}
        </CopyButton>
      </Group>
      <Text size="sm" c="dimmed">
        Put it where your script keeps its secrets, never into its source.
      </Text>
      <Group justify="flex-end">
        <Button onClick={onDone}>I have it</Button>
      </Group>
    </Stack>
  )
}
