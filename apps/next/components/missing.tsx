/** What to do where neither Clerk nor its simulator is set up. */
export function Missing() {
  return (
    <main className="narrow">
      <h1>Clerk is not set up</h1>
      <p>
        This page signs people in with Clerk, and neither Clerk’s keys nor the simulator of Clerk are in its
        environment.
      </p>
      <p>
        To try it without keys, run <code>pnpm dev</code> in the root of the repository: that starts the
        gateway, the simulators and this page together.
      </p>
      <p>
        With keys, set <code>NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY</code> and <code>CLERK_SECRET_KEY</code> in the
        root’s <code>.env</code> or in <code>apps/next/.env</code>, and start again.
      </p>
    </main>
  )
}
