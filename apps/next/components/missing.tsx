import { Code, List, ListItem, Text } from '@mantine/core'
import { Page } from './page.tsx'

/** What to do where neither Clerk nor its simulator is set up. */
export function Missing() {
  return (
    <Page
      title="Clerk is not set up"
      lead="This app signs people in with Clerk, and neither Clerk’s keys nor the simulator of Clerk are in its environment."
    >
      <List spacing="md" maw={640}>
        <ListItem>
          <Text>
            To try it without keys, run <Code>pnpm dev</Code> in the root of the repository: that starts the
            gateway, the simulators and this app together.
          </Text>
        </ListItem>
        <ListItem>
          <Text>
            With keys, set <Code>NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY</Code> and <Code>CLERK_SECRET_KEY</Code> in
            the root’s <Code>.env</Code> or in <Code>apps/next/.env</Code>, and start again.
          </Text>
        </ListItem>
      </List>
    </Page>
  )
}
