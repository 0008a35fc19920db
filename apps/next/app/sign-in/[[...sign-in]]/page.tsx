import { SignIn } from '@clerk/nextjs'
import { Hydrated } from '../../../components/hydrated.tsx'
import { isClerkSimulated } from '../../../lib/settings.ts'

type SeededUser = { name: string; email: string; password: string; about: string }

export default async function SignInPage() {
  const seeded = isClerkSimulated() ? await readSeededUsers() : []
  return (
    <main className="sign-in">
      <div className="sign-in-form">
        <Hydrated>
          <SignIn />
        </Hydrated>
      </div>
      {seeded.length > 0 && <SeededUsers users={seeded} />}
    </main>
  )
}

/** The simulator's users; none if it does not answer, as then signing in says so itself. */
async function readSeededUsers(): Promise<SeededUser[]> {
  try {
    const response = await fetch(`${process.env.NEXT_PUBLIC_CLERK_PROXY_URL}/dev/users`, {
      cache: 'no-store',
    })
    const { users }: { users: SeededUser[] } = await response.json()
    return users
  } catch {
    return []
  }
}

function SeededUsers({ users }: { users: SeededUser[] }) {
  return (
    <section className="card seeded" aria-labelledby="seeded-title">
      <h2 id="seeded-title">Clerk is simulated</h2>
      <p>
        Sign in as one of these. The password of each is <code>{users[0]?.password}</code>
      </p>
      <ul>
        {users.map((user) => (
          <li key={user.email}>
            <code>{user.email}</code>
            <span>{user.about}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
