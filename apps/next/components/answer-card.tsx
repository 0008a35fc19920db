import { formatCredits } from '../lib/account.ts'
import { ProblemNotice } from './problem.tsx'
import type { Answer } from './use-answer.ts'

/** The answer as it comes, what it cost, or why there is none. */
export function AnswerCard({ answer }: { answer: Answer }) {
  const { state, text, problem } = answer
  if (state === 'idle') return null
  const busy = state === 'waiting' || state === 'streaming'
  return (
    <section className="answer" aria-labelledby="answer-title" aria-busy={busy}>
      <h2 id="answer-title">Answer</h2>
      {(text || busy) && (
        <div className="card answer-text" data-testid="answer" data-state={state}>
          {text || <span className="waiting">Waiting for the first word…</span>}
        </div>
      )}
      {problem && <ProblemNotice problem={problem} />}
      <p className="cost" role="status">
        {costOf(answer)}
      </p>
    </section>
  )
}

function costOf({ state, receipt }: Answer): string {
  if (state === 'stopped') return 'Stopped. What was written until then is charged.'
  if (state !== 'done') return ''
  if (!receipt) return 'Done. The balance shows what is left.'
  const { creditsCharged, creditsAvailable } = receipt
  return `This answer cost ${formatCredits(creditsCharged)} credits. ${formatCredits(creditsAvailable)} are left.`
}
