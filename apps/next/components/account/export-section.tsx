'use client'

import { Button, Text } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { exportAccount } from '../../lib/gateway.ts'
import { saveFile } from '../../lib/save-file.ts'
import { ProblemNotice } from '../problem-notice.tsx'
import { Section } from '../section.tsx'
import { useAction } from '../use-action.ts'

/** All that is kept of the account, as a file. */
export function ExportSection() {
  const download = useAction(async (getToken) => {
    const content = JSON.stringify(await exportAccount(getToken), null, 2)
    saveFile(`faregate-account-${new Date().toISOString().slice(0, 10)}.json`, 'application/json', content)
  })
  return (
    <Section
      id="export"
      title="Download my data"
      description="The account, its entries, payments and usage, as JSON. Prompts and answers are not in it: they are never kept."
      actions={
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          loading={download.isRunning}
          onClick={() => void download.run()}
        >
          Download
        </Button>
      }
    >
      {download.problem && <ProblemNotice problem={download.problem} onRetry={() => void download.run()} />}
      <Text size="sm" c="dimmed">
        Conversations stay in this browser, under Chat.
      </Text>
    </Section>
  )
}
