/** What the environment says, for pages and for the browser. `.env.example` explains each variable. */

/** Where the gateway is, as the browser reaches it, without a trailing slash. */
export const FAREGATE_URL = (process.env.NEXT_PUBLIC_FAREGATE_URL || 'http://localhost:8080').replace(
  /\/+$/,
  '',
)

/** The model that a new conversation asks, if the plan has it: a name from `faregate.config.ts`. */
export const DEFAULT_MODEL = 'fast'

/** Whether Clerk, or its simulator, is set up. */
export function hasClerkKeys(): boolean {
  return Boolean(process.env.NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY && process.env.CLERK_SECRET_KEY)
}

/** Whether the simulator stands in for Clerk. */
export function isClerkSimulated(): boolean {
  return process.env.NEXT_PUBLIC_FAREGATE_SIMULATED_CLERK === '1'
}
