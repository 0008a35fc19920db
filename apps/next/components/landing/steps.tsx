import { SimpleGrid, Text, ThemeIcon, Title } from '@mantine/core'
import { IconCoins, IconMessage, IconUserCheck } from '@tabler/icons-react'
import classes from './landing.module.css'

const STEPS = [
  {
    title: 'Sign in',
    text: 'Clerk gives the browser a session token. It lives for a minute and opens one account: the user’s own, or that of the organization that pays.',
    icon: IconUserCheck,
  },
  {
    title: 'Ask',
    text: 'The OpenAI SDK sends that token as its key. The gateway checks who it is, what the plan allows, and sets aside what the answer may cost at most.',
    icon: IconMessage,
  },
  {
    title: 'Pay for what came',
    text: 'The answer is metered as it streams. What was not used goes back at once, and stopping early costs only what was written.',
    icon: IconCoins,
  },
]

/** The three steps from a login to a paid answer. */
export function Steps() {
  return (
    <SimpleGrid component="ol" cols={{ base: 1, sm: 3 }} spacing={40} className={classes.steps}>
      {STEPS.map(({ title, text, icon: Icon }) => (
        <li key={title}>
          <ThemeIcon variant="light" size={44} radius="md">
            <Icon size={22} aria-hidden />
          </ThemeIcon>
          <Title order={3} size="h4" mt="md" mb={6}>
            {title}
          </Title>
          <Text c="dimmed">{text}</Text>
        </li>
      ))}
    </SimpleGrid>
  )
}
