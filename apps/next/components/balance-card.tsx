import { formatCredits } from '../lib/account.ts'
import { ProblemNotice } from './problem.tsx'
import type { Balance } from './use-balance.ts'

/** What the account has, on what plan, and what is set aside for an answer under way. */
export function BalanceCard({ balance }: { balance: Balance }) {
  const { account, problem } = balance
  if (problem && !account) return <ProblemNotice problem={problem} />
  return (
    <section className="card balance" aria-labelledby="balance-title">
      <h2 id="balance-title">Balance</h2>
      <p className="amount" aria-live="polite">
        <span data-testid="balance">{account ? formatCredits(account.credits.available) : '…'}</span> credits
      </p>
      <dl>
        <div>
          <dt>Plan</dt>
          <dd>{account?.plan ?? '…'}</dd>
        </div>
        {account && Number(account.credits.held) > 0 && (
          <div>
            <dt>Held</dt>
            <dd>{formatCredits(account.credits.held)}</dd>
          </div>
        )}
        <div>
          <dt>Account</dt>
          <dd>
            <code>{account?.id ?? '…'}</code>
          </dd>
        </div>
      </dl>
    </section>
  )
}
