'use client'

import { useUser } from '@clerk/nextjs'
import { Button, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import classes from './chat.module.css'

const SUGGESTIONS = [
  'Explain in three sentences what a fare gate does.',
  'What is the weather in London?',
  'Write a TypeScript function that groups a list by a key.',
  'Compare three ways to pay for AI in a table.',
]

/** A new chat: a greeting, and what one could ask. */
export function EmptyChat({ onPick }: { onPick: (prompt: string) => void }) {
  const { user } = useUser()
  return (
    <div className={classes.scroller}>
      <Stack className={classes.measure} justify="center" mih="100%" py="xl" gap="lg">
        <div>
          <Title order={2} fz={{ base: '1.6rem', sm: '2rem' }}>
            Hello{user?.firstName ? `, ${user.firstName}` : ''}.
          </Title>
          <Text c="dimmed" mt={4}>
            Ask something. Each answer says what it cost, and nothing else is charged.
          </Text>
        </div>
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
          {SUGGESTIONS.map((prompt) => (
            <Button
              key={prompt}
              variant="default"
              fw={400}
              className={classes.suggestion}
              justify="flex-start"
              styles={{ label: { whiteSpace: 'normal', lineHeight: 1.45 } }}
              onClick={() => onPick(prompt)}
            >
              {prompt}
            </Button>
          ))}
        </SimpleGrid>
      </Stack>
    </div>
  )
}
