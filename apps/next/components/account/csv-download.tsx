'use client'

import { Button, Group, Text } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { CSV_ENTRIES_MAX, entriesAsCsv } from '../../lib/entries.ts'
import { formatCount } from '../../lib/format.ts'
import { saveFile } from '../../lib/save-file.ts'
import { ProblemNotice } from '../problem-notice.tsx'
import { useAction } from '../use-action.ts'

/** All entries as a file, read page by page; it can be called off. */
export function CsvDownload() {
  const [count, setCount] = useState(0)
  const [isCut, setIsCut] = useState(false)
  const stop = useRef<AbortController>(undefined)
  const download = useAction(async (getToken) => {
    const controller = new AbortController()
    stop.current = controller
    setCount(0)
    setIsCut(false)
    const read = await entriesAsCsv(getToken, controller.signal, setCount)
    if (!read) return
    saveFile(`entries-${new Date().toISOString().slice(0, 10)}.csv`, 'text/csv;charset=utf-8', read.csv)
    setIsCut(!read.isWhole)
  })
  useEffect(() => () => stop.current?.abort(), [])
  if (download.problem) {
    return <ProblemNotice problem={download.problem} onRetry={() => void download.run()} />
  }
  return (
    <Group gap="xs">
      {download.isRunning ? (
        <Button variant="default" size="sm" onClick={() => stop.current?.abort()}>
          Cancel
        </Button>
      ) : (
        <Button
          variant="default"
          size="sm"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => void download.run()}
        >
          Download CSV
        </Button>
      )}
      <Text size="sm" c="dimmed" role="status">
        {download.isRunning && `${formatCount(count)} entries so far`}
        {isCut && `Only the newest ${formatCount(CSV_ENTRIES_MAX)} are in the file.`}
      </Text>
    </Group>
  )
}
