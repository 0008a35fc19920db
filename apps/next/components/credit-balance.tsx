'use client'

import { Button, Tooltip } from '@mantine/core'
import { IconCoins } from '@tabler/icons-react'
import Link from 'next/link'
import { formatBalance, formatCredits } from '../lib/format.ts'
import { useCredits } from './credits-provider.tsx'

/** What the account has, live, as a link to the account. It says `…` until that is known. */
export function CreditBalance() {
  const { account } = useCredits()
  const credits = account?.credits
  const isEmpty = credits !== undefined && credits.available <= 0
  return (
    <Tooltip label={credits ? explain(credits) : 'The balance is being read'} multiline maw={280}>
      <Button
        component={Link}
        href="/account"
        variant="default"
        size="sm"
        radius="xl"
        px="sm"
        leftSection={
          <IconCoins size={16} aria-hidden color={isEmpty ? 'var(--mantine-color-error)' : undefined} />
        }
        style={{ fontVariantNumeric: 'tabular-nums' }}
      >
        <data value={credits?.available ?? ''} data-testid="balance">
          {credits ? formatBalance(credits.available) : '…'}
        </data>
        &nbsp;credits
      </Button>
    </Tooltip>
  )
}

function explain({ available, held, debt }: { available: number; held: number; debt: number }): string {
  const parts = [`${formatCredits(available)} credits to spend`]
  if (held > 0) parts.push(`${formatCredits(held)} set aside for answers under way`)
  if (debt > 0) parts.push(`${formatCredits(debt)} owed`)
  return parts.join(', ')
}
