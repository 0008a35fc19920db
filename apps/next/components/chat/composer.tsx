'use client'

import { ActionIcon, Button, Group, Textarea, Tooltip } from '@mantine/core'
import { IconArrowUp, IconPlayerStopFilled } from '@tabler/icons-react'
import type { FormEvent, KeyboardEvent, RefObject } from 'react'
import type { Model } from '../../lib/contract.ts'
import type { MessageSize } from '../../lib/price.ts'
import classes from './chat.module.css'
import { ModelPicker } from './model-picker.tsx'

type Props = {
  inputRef: RefObject<HTMLTextAreaElement | null>
  draft: string
  onDraft: (draft: string) => void
  isEditing: boolean
  onCancelEdit: () => void
  isBusy: boolean
  onSend: (text: string) => void
  onStop: () => void
  models: Model[]
  size: MessageSize
  model: string
  onModel: (model: string) => void
}

/** Where a question is written: Enter asks, Shift and Enter begin a new line. */
export function Composer(props: Props) {
  const { inputRef, draft, onDraft, isEditing, onCancelEdit, isBusy, onSend, onStop } = props
  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    if (!isBusy && draft.trim() !== '') onSend(draft.trim())
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes a character, Enter belongs to it.
    if (event.key === 'Escape' && isEditing) onCancelEdit()
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
          <ModelPicker {...props} />
          <Group gap="xs" wrap="nowrap">
            {isEditing && (
              <Button variant="subtle" color="gray" size="xs" onClick={onCancelEdit}>
                Cancel the edit
              </Button>
            )}
            {isBusy ? (
              <Tooltip label="Stop">
                <ActionIcon
                  key="stop"
                  size="lg"
                  radius="xl"
                  variant="default"
                  onClick={() => {
                    onStop()
                    inputRef.current?.focus()
                  }}
                  aria-label="Stop"
                >
                  <IconPlayerStopFilled size={16} aria-hidden />
                </ActionIcon>
              </Tooltip>
            ) : (
              <ActionIcon
                key="send"
                type="submit"
                size="lg"
                radius="xl"
                disabled={draft.trim() === ''}
                aria-label="Send"
              >
                <IconArrowUp size={18} aria-hidden />
              </ActionIcon>
            )}
          </Group>
        </Group>
      </div>
    </form>
  )
}
