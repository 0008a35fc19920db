import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

/** A table with a caption. Where it is wider than the screen it scrolls by itself, by keyboard too. */
export function WideTable({
  caption,
  minWidth,
  children,
}: {
  caption: string
  minWidth: number
  children: ReactNode
}) {
  return (
    <Table.ScrollContainer minWidth={minWidth} type="native" tabIndex={0} role="region" aria-label={caption}>
      <Table captionSide="top" verticalSpacing={8} tabularNums>
        <Table.Caption ta="left" mt={0} mb={4}>
          {caption}
        </Table.Caption>
        {children}
      </Table>
    </Table.ScrollContainer>
  )
}
