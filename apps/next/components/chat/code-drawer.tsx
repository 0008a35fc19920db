'use client'

import { Drawer, Text } from '@mantine/core'
import type { Way } from '../../lib/conversation.ts'
import { browserCode, routeCode } from '../../lib/snippets.ts'
import { Markdown } from '../markdown.tsx'

/** The code of the way that is in use, to copy. */
export function CodeDrawer({
  way,
  model,
  opened,
  onClose,
}: {
  way: Way
  model: string
  opened: boolean
  onClose: () => void
}) {
  const code = way === 'browser' ? browserCode(model) : routeCode(model)
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="lg"
      title={way === 'browser' ? 'Ask from the browser' : 'Ask through a server route'}
    >
      <Text size="sm" c="dimmed" mb="md">
        {way === 'browser'
          ? 'The OpenAI SDK calls the gateway with the user’s own session token as its key.'
          : 'A route of your app calls the gateway with the AI SDK, for the user whose request it serves.'}
      </Text>
      <Markdown text={`\`\`\`ts\n${code}\n\`\`\``} />
    </Drawer>
  )
}
