import { Container, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** The frame of a page that is not the chat: its title, what it is for, and its parts one below the other. */
export function Page({
  title,
  lead,
  actions,
  children,
}: {
  title: string
  lead?: ReactNode
  actions?: ReactNode
  children?: ReactNode
}) {
  return (
    <Container size="lg" py={{ base: 'lg', sm: 48 }}>
      <Stack gap="xl">
        <Group justify="space-between" align="flex-end">
          <div>
            <Title order={1}>{title}</Title>
            {lead && (
              <Text c="dimmed" mt="xs" maw={640}>
                {lead}
              </Text>
            )}
          </div>
          {actions}
        </Group>
        {children}
      </Stack>
    </Container>
  )
}
