import { Card, Code, Stack, Text, Title } from '@mantine/core'

type SeededUser = { name: string; email: string; password: string; about: string }

/** Who one can sign in as where Clerk is simulated. */
export async function SeededUsers() {
  const users = await readSeededUsers()
  if (users.length === 0) return null
  return (
    <Card withBorder component="section" aria-labelledby="seeded-title" maw={400} w="100%">
      <Title order={2} size="h4" id="seeded-title">
        Clerk is simulated here
      </Title>
      <Text size="sm" c="dimmed" mt={4}>
        Sign in as one of these. The password of each is <Code>{users[0]?.password}</Code>
      </Text>
      <Stack component="ul" gap="sm" mt="md" p={0} style={{ listStyle: 'none' }}>
        {users.map((user) => (
          <li key={user.email}>
            <Code>{user.email}</Code>
            <Text size="sm" c="dimmed">
              {user.about}
            </Text>
          </li>
        ))}
      </Stack>
    </Card>
  )
}

/** The simulator's users; none if it does not answer, as then signing in says so itself. */
async function readSeededUsers(): Promise<SeededUser[]> {
  try {
    const response = await fetch(`${process.env.NEXT_PUBLIC_CLERK_PROXY_URL}/dev/users`, {
      cache: 'no-store',
    })
    const { users }: { users: SeededUser[] } = await response.json()
    return users
  } catch {
    return []
  }
}
