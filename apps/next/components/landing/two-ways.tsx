import { Grid, GridCol, Stack, Tabs, TabsList, TabsPanel, TabsTab, Text, Title } from '@mantine/core'
import { DEFAULT_MODEL } from '../../lib/settings.ts'
import { browserCode, routeCode } from '../../lib/snippets.ts'
import { Markdown } from '../markdown.tsx'

/** Both ways to call a model, as code to copy. */
export function TwoWays() {
  return (
    <Grid gap={{ base: 32, md: 64 }}>
      <GridCol span={{ base: 12, md: 4 }}>
        <Stack gap="md">
          <Title order={2} id="ways-title">
            From the browser, or through your server
          </Title>
          <Text c="dimmed">
            A key in a browser is a leak, unless it is worth nothing to anybody else. A session token is: it
            ends within a minute, and it spends only its owner’s credits.
          </Text>
          <Text c="dimmed">
            Where prompts or functions belong on a server, a route passes the same token on. Either way the
            user’s own account pays, and OpenAI’s SDK, the AI SDK or plain fetch work as they are.
          </Text>
        </Stack>
      </GridCol>
      <GridCol span={{ base: 12, md: 8 }} miw={0}>
        <Tabs defaultValue="browser">
          <TabsList mb="md">
            <TabsTab value="browser">Browser</TabsTab>
            <TabsTab value="route">Server route</TabsTab>
          </TabsList>
          <TabsPanel value="browser">
            <Markdown text={`\`\`\`ts\n${browserCode(DEFAULT_MODEL)}\n\`\`\``} />
          </TabsPanel>
          <TabsPanel value="route">
            <Markdown text={`\`\`\`ts\n${routeCode(DEFAULT_MODEL)}\n\`\`\``} />
          </TabsPanel>
        </Tabs>
      </GridCol>
    </Grid>
  )
}
