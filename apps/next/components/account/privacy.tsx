'use client'

import { Stack } from '@mantine/core'
import { DeleteSection } from './delete-section.tsx'
import { ExportSection } from './export-section.tsx'

/** What is kept, to take along or to have deleted. */
export function Privacy() {
  return (
    <Stack gap="lg">
      <ExportSection />
      <DeleteSection />
    </Stack>
  )
}
