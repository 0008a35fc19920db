import { Container, Group, Text } from '@mantine/core'
import { FAREGATE_URL } from '../../lib/settings.ts'

/** The last line of every page but the chat. */
export function Footer() {
  return (
    <Container component="footer" size="lg" py="lg" mih="5rem">
      <Group justify="space-between" gap="xs">
        <Text size="sm" c="dimmed">
          Faregate: signed-in users call AI models with their login.
        </Text>
        <Text size="sm" c="dimmed" ff="monospace">
          {new URL(FAREGATE_URL).host}
        </Text>
      </Group>
    </Container>
  )
}
