/**
 * Who is signed in where. Each browser has a client of its own, so two browsers can be two users.
 * Bounded: the browser that was quiet for longest is forgotten first.
 */
import type { SimulatedUser } from './directory.ts'
import { randomId } from './random-id.ts'

const BROWSERS_MAX = 500

/** A session of one browser. */
export type BrowserSession = {
  id: string
  userId: string
  organizationId: string | null
  createdAt: number
  lastActiveAt: number
}

/** A sign-in that has named its user and still owes the password. */
export type SignInAttempt = { id: string; userId: string }

/** A sign-up that still owes its email address or its password. */
export type SignUpAttempt = {
  id: string
  email: string | null
  passwordHash: string | null
  firstName: string | null
  lastName: string | null
}

/** One browser's client. Its `updatedAt` changes with who is signed in, and only then. */
export type Browser = {
  id: string
  clientId: string
  session: BrowserSession | null
  signIn: SignInAttempt | null
  signUp: SignUpAttempt | null
  createdAt: number
  updatedAt: number
}

/** The browsers of an instance. */
export type Browsers = {
  create: () => Browser
  /** The browser of this id; one that a restart forgot is taken in again, signed out. */
  find: (id: string) => Browser
  signIn: (browser: Browser, user: SimulatedUser) => BrowserSession
  signOut: (browser: Browser) => void
  activate: (session: BrowserSession, organizationId: string | null) => void
  /** The browsers that a user is signed in to. */
  ofUser: (userId: string) => { browser: Browser; session: BrowserSession }[]
  /** Takes an organization out of the sessions where it is active: of all its members, or of one. */
  forgetOrganization: (organizationId: string, userId?: string) => void
  all: () => Browser[]
}

/** Makes the store of browsers, from what a state file kept; `changed` is told of every change to keep. */
export function createBrowsers(options: {
  now: () => number
  stored?: Browser[]
  changed: () => void
}): Browsers {
  const { now, changed } = options
  // A file of an earlier version knows no sign-ups.
  const browsers = new Map(
    (options.stored ?? []).map((browser) => [browser.id, { ...browser, signUp: browser.signUp ?? null }]),
  )
  const add = (id: string): Browser => {
    const browser = {
      id,
      clientId: `client_${randomId()}`,
      session: null,
      signIn: null,
      signUp: null,
      createdAt: now(),
      updatedAt: now(),
    }
    browsers.set(id, browser)
    const oldest = browsers.keys().next()
    if (browsers.size > BROWSERS_MAX && !oldest.done) browsers.delete(oldest.value)
    return browser
  }
  return {
    create: () => add(`dvb_${randomId()}`),
    find: (id) => {
      const browser = browsers.get(id)
      if (!browser) return add(id)
      // Insertion order is the order of last use.
      browsers.delete(id)
      browsers.set(id, browser)
      return browser
    },
    signIn: (browser, user) => {
      const at = now()
      const session = {
        id: `sess_${randomId()}`,
        userId: user.id,
        organizationId: user.startsIn,
        createdAt: at,
        lastActiveAt: at,
      }
      browser.session = session
      browser.signIn = null
      browser.signUp = null
      browser.updatedAt = at
      changed()
      return session
    },
    signOut: (browser) => {
      browser.session = null
      browser.signIn = null
      browser.updatedAt = now()
      changed()
    },
    ...createSwitches(browsers, options),
    ofUser: (userId) =>
      [...browsers.values()].flatMap((browser) =>
        browser.session?.userId === userId ? [{ browser, session: browser.session }] : [],
      ),
    all: () => [...browsers.values()],
  }
}

function createSwitches(
  browsers: Map<string, Browser>,
  { now, changed }: { now: () => number; changed: () => void },
): Pick<Browsers, 'activate' | 'forgetOrganization'> {
  return {
    activate: (session, organizationId) => {
      session.organizationId = organizationId
      session.lastActiveAt = now()
      changed()
    },
    forgetOrganization: (organizationId, userId) => {
      for (const { session } of browsers.values()) {
        if (session?.organizationId !== organizationId) continue
        if (userId === undefined || session.userId === userId) session.organizationId = null
      }
      changed()
    },
  }
}
