'use client'

import { useAuth, useSession } from '@clerk/nextjs'
import { SignedOut } from '../lib/account.ts'
import { describeProblem } from '../lib/problems.ts'
import { DEFAULT_MODEL } from '../lib/settings.ts'
import { AnswerCard } from './answer-card.tsx'
import { BalanceCard } from './balance-card.tsx'
import { ProblemNotice } from './problem.tsx'
import { PromptForm } from './prompt-form.tsx'
import { type Asker, useAnswer } from './use-answer.ts'
import { useBalance } from './use-balance.ts'

/** The signed-in page: a prompt, its streamed answer, and the balance that pays for it. */
export function Ask() {
  const { getToken, isLoaded, isSignedIn, orgId } = useAuth()
  // Unlike useAuth, this has no session for the moment after signing in in which there is no token either.
  const { session } = useSession()
  const balance = useBalance(getToken, session ? `${session.id} ${orgId}` : undefined)
  const { answer, ask, stop } = useAnswer()
  const firstName = session?.user.firstName

  const submit = async (asker: Asker, prompt: string) => {
    await ask(asker, { prompt, model: DEFAULT_MODEL, getToken })
    await balance.refresh()
  }

  // Signed out in another tab: the server rendered this page for somebody who has left since.
  const signedOut = isLoaded && !isSignedIn ? describeProblem(new SignedOut()) : undefined
  if (signedOut) {
    return (
      <main className="narrow">
        <ProblemNotice problem={signedOut} />
      </main>
    )
  }
  return (
    <main className="ask">
      <div className="ask-main">
        <h1>Hello{firstName ? `, ${firstName}` : ''}.</h1>
        <PromptForm
          busy={answer.state === 'waiting' || answer.state === 'streaming'}
          onAsk={(asker, prompt) => void submit(asker, prompt)}
          onStop={stop}
        />
        <AnswerCard answer={answer} />
      </div>
      <aside>
        <BalanceCard balance={balance} />
      </aside>
    </main>
  )
}
