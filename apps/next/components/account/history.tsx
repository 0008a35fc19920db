'use client'

import { Button, Group, SegmentedControl, Skeleton, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { Entry, Listing } from '../../lib/contract.ts'
import { type GetToken, readEntries } from '../../lib/gateway.ts'
import { useCredits } from '../credits-provider.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { Section } from '../section.tsx'
import { useAction } from '../use-action.ts'
import { useLoaded } from '../use-loaded.ts'
import { CsvDownload } from './csv-download.tsx'
import { EntryTable } from './entry-table.tsx'

const PAGE_SIZE = 50
const FILTERS = [
  { value: 'all', label: 'All' },
  { value: 'charge', label: 'Answers' },
  { value: 'credits', label: 'Credits in and out' },
]

/** Everything that changed the balance, newest first. */
export function History() {
  const { payer } = useCredits()
  const first = useLoaded('entries', readPage)
  return (
    <Section
      id="history"
      title="History"
      description="Everything that changed the balance, newest first."
      actions={<CsvDownload />}
    >
      {first.problem && <ProblemNotice problem={first.problem} onRetry={() => void first.reload()} />}
      {!first.value && !first.problem && <HistorySkeleton />}
      {first.value && <Pages key={payer} first={first.value} />}
    </Section>
  )
}

function readPage(getToken: GetToken, cursor?: string): Promise<Listing<Entry>> {
  return readEntries(getToken, { limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) })
}

function Pages({ first }: { first: Listing<Entry> }) {
  const [older, setOlder] = useState<Listing<Entry>>({ data: [], nextCursor: first.nextCursor })
  const [filter, setFilter] = useState('all')
  const { nextCursor } = older
  const more = useAction(async (getToken) => {
    if (nextCursor === null) return
    const page = await readPage(getToken, nextCursor)
    setOlder(({ data }) => ({ data: [...data, ...page.data], nextCursor: page.nextCursor }))
  })
  const entries = [...first.data, ...older.data]
  const shown = entries.filter(
    ({ kind }) => filter === 'all' || (kind === 'charge') === (filter === 'charge'),
  )
  return (
    <Stack gap="md">
      <Group>
        <SegmentedControl data={FILTERS} value={filter} onChange={setFilter} aria-label="What to show" />
      </Group>
      {shown.length > 0 ? (
        <EntryTable entries={shown} />
      ) : (
        <Text size="sm" c="dimmed" ta="center" py="lg">
          {entries.length === 0 ? 'Nothing has happened on this account yet.' : 'None among these entries.'}
        </Text>
      )}
      {more.problem && <ProblemNotice problem={more.problem} onRetry={() => void more.run()} />}
      {nextCursor !== null && (
        <Group justify="center">
          <Button variant="default" onClick={() => void more.run()} loading={more.isRunning}>
            Show older entries
          </Button>
        </Group>
      )}
    </Stack>
  )
}

function HistorySkeleton() {
  return (
    <Stack gap="sm" aria-busy="true">
      {['a', 'b', 'c', 'd', 'e', 'f'].map((name) => (
        <Skeleton key={name} h={36} />
      ))}
    </Stack>
  )
}
