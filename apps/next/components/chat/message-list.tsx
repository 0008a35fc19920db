'use client'

import { Button } from '@mantine/core'
import { IconArrowDown } from '@tabler/icons-react'
import { type UIEvent, useCallback, useLayoutEffect, useRef, useState } from 'react'
import type { Message, Question } from '../../lib/conversation.ts'
import { isUnderWay } from '../../lib/conversation.ts'
import { AnswerView } from './answer-view.tsx'
import classes from './chat.module.css'
import { QuestionView } from './question-view.tsx'

/** How near to the end still counts as reading along, in pixels. */
const NEAR = 80

/** The messages. It scrolls along with an answer, unless the reader has scrolled up. */
export function MessageList({
  messages,
  onRetry,
  onEdit,
}: {
  messages: Message[]
  onRetry: () => void
  onEdit: (question: Question) => void
}) {
  const { scroller, follows, follow, onScroll } = useFollowing(messages)
  const count = messages.length
  return (
    <section
      ref={scroller}
      className={classes.scroller}
      aria-label="Messages"
      tabIndex={0}
      onScroll={onScroll}
    >
      <div className={`${classes.measure} ${classes.list}`}>
        {messages.map((message, index) =>
          message.role === 'user' ? (
            <QuestionView
              key={message.id}
              question={message}
              onEdit={isUnderWay(messages.at(-1)) ? undefined : onEdit}
            />
          ) : (
            <AnswerView
              key={message.id}
              answer={message}
              onRetry={index === count - 1 ? onRetry : undefined}
            />
          ),
        )}
      </div>
      {!follows && (
        <Button
          variant="default"
          size="xs"
          radius="xl"
          pos="sticky"
          bottom={12}
          display="block"
          mx="auto"
          leftSection={<IconArrowDown size={14} aria-hidden />}
          onClick={follow}
        >
          Latest
        </Button>
      )}
    </section>
  )
}

/** Keeps the end of the messages in view, until the reader scrolls away from it. */
function useFollowing(messages: Message[]) {
  const scroller = useRef<HTMLElement>(null)
  const [follows, setFollows] = useState(true)
  const follow = useCallback(() => {
    setFollows(true)
    const element = scroller.current
    if (element) element.scrollTop = element.scrollHeight
  }, [])
  useLayoutEffect(() => {
    if (follows) follow()
  }, [messages, follows, follow])
  // A question of one's own is always brought into view.
  useLayoutEffect(follow, [messages.length, follow])
  const onScroll = ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }: UIEvent<HTMLElement>) =>
    setFollows(scrollHeight - scrollTop - clientHeight < NEAR)
  return { scroller, follows, follow, onScroll }
}
