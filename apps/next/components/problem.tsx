import Link from 'next/link'
import type { Problem } from '../lib/problems.ts'

/** A failure in words: what happened and what to do. */
export function ProblemNotice({ problem }: { problem: Problem }) {
  return (
    <div className="problem" role="alert">
      <h3>{problem.title}</h3>
      <p>{problem.detail}</p>
      <p>{problem.remedy}</p>
      {problem.link && (
        <Link className="button" href={problem.link.href}>
          {problem.link.label}
        </Link>
      )}
    </div>
  )
}
