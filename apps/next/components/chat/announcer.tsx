'use client'

import { VisuallyHidden } from '@mantine/core'
import { type Message, textOf } from '../../lib/conversation.ts'
import { formatCredits } from '../../lib/format.ts'

const CHARACTERS_MAX = 1000

/** Tells those who listen to the page what has happened: once when an answer begins, and its text when it is whole. */
export function Announcer({ message }: { message: Message | undefined }) {
  return (
    <VisuallyHidden role="status" aria-live="polite">
      {message?.role === 'assistant' ? announce(message) : ''}
    </VisuallyHidden>
  )
}

function announce(answer: Extract<Message, { role: 'assistant' }>): string {
  const cost = answer.cost === undefined ? '' : ` It cost ${formatCredits(answer.cost)} credits.`
  switch (answer.state) {
    case 'waiting':
    case 'streaming':
      return 'The answer is coming.'
    case 'done':
      return `${textOf(answer).slice(0, CHARACTERS_MAX)}${cost}`
    case 'stopped':
      return `The answer was stopped.${cost}`
    case 'failed':
      // The notice in its place speaks for itself.
      return ''
  }
}
