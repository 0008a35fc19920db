import { auth } from '@clerk/nextjs/server'
import Link from 'next/link'
import { Ask } from '../components/ask.tsx'
import { hasClerkKeys, isClerkSimulated } from '../lib/settings.ts'

export default async function Page() {
  // The layout says then what to do, and shows nothing else.
  if (!hasClerkKeys()) return null
  const { userId } = await auth()
  return userId ? <Ask /> : <Welcome />
}

function Welcome() {
  return (
    <main className="narrow">
      <h1>Your login is your AI key.</h1>
      <p className="lead">
        Sign in, ask a model from your browser, and watch the answer stream in while your balance falls by
        what it cost. There is no API key to paste: the gateway knows you by your session.
      </p>
      <ol className="steps">
        <li>
          <strong>Sign in.</strong> Clerk gives the browser a token that lives for a minute and is yours
          alone.
        </li>
        <li>
          <strong>Ask.</strong> The OpenAI SDK sends it as the key. The gateway checks you, your plan and your
          credits.
        </li>
        <li>
          <strong>Pay for what came.</strong> The answer is metered as it streams and charged to the
          microcredit.
        </li>
      </ol>
      <Link className="button primary" href="/sign-in">
        Sign in
      </Link>
      {isClerkSimulated() && (
        <p className="note">Clerk is simulated here: the sign-in page lists the users you can be.</p>
      )}
    </main>
  )
}
