'use client'

import { useAuth, useSession } from '@clerk/nextjs'
import { type FormEvent, useState } from 'react'
import { SignedOut } from '../lib/account.ts'
import { askFromBrowser, askThroughRoute } from '../lib/ask.ts'
import { describeProblem } from '../lib/problems.ts'
import { DEFAULT_MODEL } from '../lib/settings.ts'
import { AnswerCard } from './answer-card.tsx'
import { BalanceCard } from './balance-card.tsx'
import { ProblemNotice } from './problem.tsx'
import { type Asker, useAnswer } from './use-answer.ts'
import { useBalance } from './use-balance.ts'

const SUGGESTION = 'Explain in three sentences what a fare gate does.'

/** The signed-in page: a prompt, its streamed answer, and the balance that pays for it. */
export function Ask() {
  const { getToken, isLoaded, isSignedIn, orgId } = useAuth()
  // Unlike useAuth, this has no session for the moment after signing in in which there is no token either.
  const { session } = useSession()
  const balance = useBalance(getToken, session ? `${session.id} ${orgId}` : undefined)
  const { answer, ask, stop } = useAnswer()
  const [prompt, setPrompt] = useState(SUGGESTION)
  const firstName = session?.user.firstName
  const busy = answer.state === 'waiting' || answer.state === 'streaming'

  const submit = async (asker: Asker) => {
    if (busy || prompt.trim() === '') return
    await ask(asker, { prompt, model: DEFAULT_MODEL, getToken })
    await balance.refresh()
  }
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    void submit(askFromBrowser)
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
        <form onSubmit={onSubmit}>
          <label htmlFor="prompt">Your prompt</label>
          <textarea id="prompt" rows={4} value={prompt} onChange={(event) => setPrompt(event.target.value)} />
          <div className="actions">
            {busy ? (
              <button className="button" type="button" onClick={stop}>
                Stop
              </button>
            ) : (
              <>
                <button className="button primary" type="submit" disabled={prompt.trim() === ''}>
                  Ask from the browser
                </button>
                <button
                  className="button"
                  type="button"
                  disabled={prompt.trim() === ''}
                  onClick={() => void submit(askThroughRoute)}
                >
                  Ask through the server
                </button>
              </>
            )}
            <span className="model">
              Model <code>{DEFAULT_MODEL}</code>
            </span>
          </div>
        </form>
        <AnswerCard answer={answer} />
      </div>
      <aside>
        <BalanceCard balance={balance} />
      </aside>
    </main>
  )
}
