import { ActionIcon, CopyButton, Group, Loader, Stack, Text, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy, IconRefresh } from '@tabler/icons-react'
import { memo } from 'react'
import { type Answer, isUnderWay, textOf } from '../../lib/conversation.ts'
import { formatCredits } from '../../lib/format.ts'
import { Markdown } from '../markdown.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { ToolCallView } from './tool-call-view.tsx'

/** An answer as it comes: text, calls of functions, what it cost, or why there is none. */
export const AnswerView = memo(function AnswerView({
  answer,
  onRetry,
}: {
  answer: Answer
  onRetry: (() => void) | undefined
}) {
  const { parts, state, problem } = answer
  const busy = isUnderWay(answer)
  return (
    <article aria-label="Answer" aria-busy={busy} data-testid="answer" data-state={state}>
      <Stack gap="md">
        {parts.map((part, index) =>
          part.kind === 'text' ? (
            // Parts are only ever added at the end.
            <Markdown key={index} text={part.text} />
          ) : (
            <ToolCallView key={part.call.id} call={part.call} busy={busy} />
          ),
        )}
        {state === 'waiting' && (
          <Group gap="xs" c="dimmed">
            <Loader size="sm" type="dots" color="gray" aria-hidden />
            <Text size="sm">Waiting for the first word…</Text>
          </Group>
        )}
        {problem && <ProblemNotice problem={problem} onRetry={onRetry} />}
        {!busy && <AnswerFooter answer={answer} onRetry={problem ? undefined : onRetry} />}
      </Stack>
    </article>
  )
})

function AnswerFooter({ answer, onRetry }: { answer: Answer; onRetry: (() => void) | undefined }) {
  const text = textOf(answer)
  return (
    <Group gap={4} wrap="nowrap">
      {text && (
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? 'Copied' : 'Copy the answer'}>
              <ActionIcon
                variant="subtle"
                color="gray"
                c="dimmed"
                onClick={copy}
                aria-label="Copy the answer"
              >
                {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      )}
      {onRetry && (
        <Tooltip label="Answer again">
          <ActionIcon variant="subtle" color="gray" c="dimmed" onClick={onRetry} aria-label="Answer again">
            <IconRefresh size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
      <Text size="xs" c="dimmed" data-testid="cost" data-cost={answer.cost}>
        {noteOf(answer)}
      </Text>
    </Group>
  )
}

/** Such as "0.0123 credits · fast · browser". */
function noteOf({ state, cost, model, way }: Answer): string {
  const notes = [
    ...(state === 'stopped' ? ['Stopped'] : []),
    ...(cost === undefined ? [] : [`${formatCredits(cost)} credits`]),
    model,
    way === 'browser' ? 'browser' : 'server route',
  ]
  return notes.join(' · ')
}
