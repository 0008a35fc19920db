/** For pages that only signed-in people see. */
import { auth } from '@clerk/nextjs/server'
import { hasClerkKeys } from './settings.ts'

/**
 * The user's id; sends everybody else to the sign-in page and back here afterwards. Undefined where Clerk is not set
 * up: the layout says then what to do, and shows nothing else.
 */
export async function requireUser(): Promise<string | undefined> {
  if (!hasClerkKeys()) return undefined
  const { userId, redirectToSignIn } = await auth()
  return userId ?? redirectToSignIn()
}
