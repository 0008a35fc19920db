import type { Account } from '../../lib/contract.ts'
import { formatCount, formatCredits } from '../../lib/format.ts'
import { LinkButton } from '../link-button.tsx'
import { Notice } from '../notice.tsx'

/** What somebody should know before anything else: blocked, in debt, a payment that is looked into. */
export function AccountNotices({ account }: { account: Account }) {
  const { debt } = account.credits
  return (
    <>
      {account.blocked && (
        <Notice tone="error" title="This account is blocked">
          Nothing can be asked with it. The people who run this app know why.
        </Notice>
      )}
      {debt > 0 && (
        <Notice
          tone="error"
          title={`The account owes ${formatCredits(debt)} credits`}
          actions={
            <LinkButton href="/buy" size="xs">
              Buy credits
            </LinkButton>
          }
        >
          A payment was taken back after its credits had been spent. Until that is made up for, nothing can be
          asked. The next credits that are bought repay it first; allowances do not.
        </Notice>
      )}
      <PaymentsBeingChecked count={account.paymentsBeingChecked ?? 0} />
    </>
  )
}

/** Says that money has come which could not be matched yet. */
function PaymentsBeingChecked({ count }: { count: number }) {
  if (count === 0) return null
  const what = count === 1 ? 'A payment is' : `${formatCount(count)} payments are`
  return (
    <Notice tone="waiting" title={`${what} being checked`}>
      The money has come, but it could not be matched with what was bought. Somebody is looking at it; you
      need not pay again.
    </Notice>
  )
}
