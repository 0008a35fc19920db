import { Alert, Button, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconHourglassLow } from '@tabler/icons-react'
import Link from 'next/link'
import type { Account } from '../../lib/contract.ts'
import { formatCount, formatCredits } from '../../lib/format.ts'

/** What somebody should know before anything else: blocked, in debt, a payment that is looked into. */
export function AccountNotices({ account }: { account: Account }) {
  const { debt } = account.credits
  return (
    <>
      {account.blocked && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title="This account is blocked">
          Nothing can be asked with it. The people who run this app know why.
        </Alert>
      )}
      {debt > 0 && (
        <Alert
          color="red"
          icon={<IconAlertTriangle aria-hidden />}
          title={`The account owes ${formatCredits(debt)} credits`}
        >
          <Stack gap="xs" align="flex-start">
            <Text size="sm">
              A payment was taken back after its credits had been spent. Until that is made up for, nothing
              can be asked. The next credits that are bought repay it first; allowances do not.
            </Text>
            <Button component={Link} href="/buy" size="xs">
              Buy credits
            </Button>
          </Stack>
        </Alert>
      )}
      <PaymentsBeingChecked count={account.paymentsBeingChecked ?? 0} />
    </>
  )
}

/** Says that money has come which could not be matched yet. */
export function PaymentsBeingChecked({ count }: { count: number }) {
  if (count === 0) return null
  const what = count === 1 ? 'A payment is' : `${formatCount(count)} payments are`
  return (
    <Alert color="yellow" icon={<IconHourglassLow aria-hidden />} title={`${what} being checked`}>
      The money has come, but it could not be matched with what was bought. Somebody is looking at it; you
      need not pay again.
    </Alert>
  )
}
