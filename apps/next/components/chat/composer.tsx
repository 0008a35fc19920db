'use client'

import { ActionIcon, Button, Group, Textarea, Tooltip } from '@mantine/core'
import { IconArrowUp, IconPlayerStopFilled } from '@tabler/icons-react'
import type { FormEvent, KeyboardEvent, ReactNode, RefObject } from 'react'
import classes from './chat.module.css'

type Props = {
  inputRef: RefObject<HTMLTextAreaElement | null>
  draft: string
  onDraft: (draft: string) => void
  /** Where an earlier question is being edited, how to leave it as it is. */
  onCancelEdit: (() => void) | undefined
  isBusy: boolean
  onSend: (text: string) => void
  onStop: () => void
  picker: ReactNode
}

/** Where a question is written: Enter asks, Shift and Enter begin a new line. */
export function Composer(props: Props) {
  const { inputRef, draft, onDraft, onCancelEdit, isBusy, onSend, onStop } = props
  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    if (!isBusy && draft.trim() !== '') onSend(draft.trim())
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes a character, Enter belongs to it.
    if (event.key === 'Escape') onCancelEdit?.()
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    submit()
  }
  return (
    <form className={`${classes.measure} ${classes.composer}`} onSubmit={submit}>
      <div className={classes.box}>
        <Textarea
          ref={inputRef}
          variant="unstyled"
          aria-label="Your message"
          placeholder="Ask something"
          autosize
          minRows={1}
          maxRows={8}
          px="xs"
          value={draft}
          onChange={(event) => onDraft(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          classNames={{ input: `${classes.input}` }}
        />
        <Group justify="space-between" wrap="nowrap" mt={4}>
          {props.picker}
          <Group gap="xs" wrap="nowrap">
            {onCancelEdit && (
              <Button variant="subtle" color="gray" size="xs" onClick={onCancelEdit}>
                Cancel the edit
              </Button>
            )}
            <SendOrStop
              isBusy={isBusy}
              isEmpty={draft.trim() === ''}
              onStop={() => {
                onStop()
                inputRef.current?.focus()
              }}
            />
          </Group>
        </Group>
      </div>
    </form>
  )
}

function SendOrStop({ isBusy, isEmpty, onStop }: { isBusy: boolean; isEmpty: boolean; onStop: () => void }) {
  if (isBusy) {
    return (
      <Tooltip label="Stop">
        <ActionIcon key="stop" size="lg" radius="xl" variant="default" onClick={onStop} aria-label="Stop">
          <IconPlayerStopFilled size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
    )
  }
  return (
    <ActionIcon key="send" type="submit" size="lg" radius="xl" disabled={isEmpty} aria-label="Send">
      <IconArrowUp size={18} aria-hidden />
    </ActionIcon>
  )
}
