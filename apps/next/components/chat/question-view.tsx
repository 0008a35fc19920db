import { ActionIcon, Group, Tooltip } from '@mantine/core'
import { IconPencil } from '@tabler/icons-react'
import { memo } from 'react'
import type { Question } from '../../lib/conversation.ts'
import classes from './chat.module.css'

/** What the user asked, with a way to ask it differently. */
export const QuestionView = memo(function QuestionView({
  question,
  onEdit,
}: {
  question: Question
  onEdit: ((question: Question) => void) | undefined
}) {
  return (
    <article className={classes.question} aria-label="You">
      <div className={classes.bubble}>{question.text}</div>
      {onEdit && (
        <Group justify="flex-end" mt={2}>
          <Tooltip label="Edit and ask again">
            <ActionIcon
              variant="subtle"
              color="gray"
              c="dimmed"
              size="sm"
              onClick={() => onEdit(question)}
              aria-label="Edit and ask again"
            >
              <IconPencil size={14} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
      )}
    </article>
  )
})
