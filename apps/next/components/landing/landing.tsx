import { Container, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { isClerkSimulated } from '../../lib/settings.ts'
import { TWO_LINES } from '../../lib/snippets.ts'
import { LinkButton } from '../link-button.tsx'
import { Markdown } from '../markdown.tsx'
import classes from './landing.module.css'
import { Steps } from './steps.tsx'
import { TwoWays } from './two-ways.tsx'

/** What people see who are not signed in: what this is, how little it takes, and the way in. */
export function Landing() {
  return (
    <>
      <Container size="lg" className={classes.hero}>
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing={{ base: 40, md: 64 }} verticalSpacing={40}>
          <Stack gap="lg" justify="center">
            <Title order={1} className={classes.title}>
              Your login is your AI key.
            </Title>
            <Text size="lg" c="dimmed" maw={520}>
              Signed-in users call AI models straight from the app, and pay with prepaid credits. No API key
              to paste, none to leak: the gateway knows who asks, holds what an answer may cost, and charges
              what it did cost.
            </Text>
            <CallToAction />
            {isClerkSimulated() && (
              <Text size="sm" c="dimmed">
                Clerk is simulated here: the sign-in page lists the people you can be.
              </Text>
            )}
          </Stack>
          <Stack gap="xs" justify="center" miw={0}>
            <Text size="sm" fw={600}>
              Two lines change in your app
            </Text>
            <Markdown text={`\`\`\`diff\n${TWO_LINES}\n\`\`\``} />
          </Stack>
        </SimpleGrid>
      </Container>
      <section className={classes.band} aria-labelledby="steps-title">
        <Container size="lg">
          <Title order={2} id="steps-title" mb="xl">
            From sign-in to answer
          </Title>
          <Steps />
        </Container>
      </section>
      <Container component="section" size="lg" py={{ base: 48, sm: 80 }} aria-labelledby="ways-title">
        <TwoWays />
      </Container>
      <section className={classes.band} aria-labelledby="start-title">
        <Container size="lg">
          <Group justify="space-between" gap="xl">
            <div>
              <Title order={2} id="start-title">
                Try it with credits on the house
              </Title>
              <Text c="dimmed" mt={4}>
                New accounts start with an allowance. See what an answer costs before you buy anything.
              </Text>
            </div>
            <CallToAction />
          </Group>
        </Container>
      </section>
    </>
  )
}

function CallToAction() {
  return (
    <Group gap="sm">
      <LinkButton href="/sign-up" size="md">
        Create an account
      </LinkButton>
      <LinkButton href="/sign-in" size="md" variant="default">
        Sign in
      </LinkButton>
    </Group>
  )
}
