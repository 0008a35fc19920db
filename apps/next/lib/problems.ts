/** Says in words what went wrong and what to do about it, whoever noticed: the SDK, the gateway or the route. */
import OpenAI from 'openai'
import { Refused, SignedOut, secondsOf } from './refused.ts'
import { FAREGATE_URL } from './settings.ts'

/** A failure as the page shows it; plain data, so that it can be kept with the conversation. */
export type Problem = {
  tone: 'error' | 'warning'
  title: string
  /** What happened, in the gateway's own words where it had some. */
  detail: string
  /** What to do about it. */
  remedy: string
  link?: { href: string; label: string }
  /** Whether the same request may succeed later. */
  canRetry: boolean
  /** From when on it may, in milliseconds of the epoch. */
  retryAt?: number
}

const SIGN_IN = { href: '/sign-in', label: 'Sign in' }
const BUY = { href: '/buy', label: 'Buy credits' }
const PLANS = { href: '/buy#plans', label: 'See plans' }
const BREAK = 'The connection ended before the answer did.'

/**
 * Turns anything thrown while asking or reading the account into a problem; undefined if the user stopped it.
 * `hasBegun` tells that part of an answer had come: what fails then has broken off.
 */
export function describeProblem(error: unknown, hasBegun = false): Problem | undefined {
  if (isAbort(error)) return undefined
  // The SDK wraps what its `apiKey` function throws.
  if (error instanceof SignedOut || causeOf(error) instanceof SignedOut) {
    return signedOut('There is no session, so there is no token to send.')
  }
  if (error instanceof OpenAI.APIConnectionError) return hasBegun ? brokenOff(BREAK) : unreachable()
  if (error instanceof OpenAI.APIError) {
    return error.status === undefined ? brokenOff(error.message) : describeRefusal(refusedOf(error))
  }
  if (error instanceof Refused) return describeRefusal(error)
  // fetch throws a bare TypeError where nothing answers, and where an answer breaks off.
  if (error instanceof TypeError) return hasBegun ? brokenOff(BREAK) : unreachable()
  return {
    tone: 'error',
    title: 'Something failed in this page',
    detail: error instanceof Error ? error.message : String(error),
    remedy: 'Reload the page and try again.',
    canRetry: true,
  }
}

/** An answer that ended because the balance could not pay for more of it. */
export function cutForCredits(): Problem {
  return {
    tone: 'warning',
    title: 'The answer was cut: the credits ran out',
    detail: 'The balance paid for what you see, and for no more.',
    remedy: 'Buy credits, then ask again.',
    link: BUY,
    canRetry: true,
  }
}

/** An answer that ended at the most that one answer may be. */
export function cutForLength(): Problem {
  return {
    tone: 'warning',
    title: 'The answer reached its longest',
    detail: 'A single answer on this model ends here.',
    remedy: 'Ask the model to go on.',
    canRetry: false,
  }
}

function isAbort(error: unknown): boolean {
  if (error instanceof OpenAI.APIUserAbortError) return true
  return error instanceof Error && error.name === 'AbortError'
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}

/** The SDK's error, as the refusal that it was made from. */
function refusedOf(error: InstanceType<typeof OpenAI.APIError>): Refused {
  const body: unknown = error.error
  const message =
    typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : error.message
  return new Refused(
    error.status ?? 500,
    error.code ?? '',
    message,
    secondsOf(error.headers?.get('retry-after')),
  )
}

function describeRefusal({ status, code, message, retryAfterSeconds }: Refused): Problem {
  if (code === 'gateway_unreachable') return unreachable()
  if (status === 401) return code === 'invalid_token' ? notAccepted(message) : signedOut(message)
  if (status === 402) return outOfCredits(code, message)
  if (status === 403) return notAllowed(code, message)
  if (status === 429) {
    return {
      tone: 'warning',
      title: 'Too much at once',
      detail: message,
      remedy: 'Nothing was charged.',
      canRetry: true,
      retryAt: Date.now() + 1000 * (retryAfterSeconds ?? 5),
    }
  }
  if (code === 'requests_under_way') {
    return {
      tone: 'warning',
      title: 'Answers are under way',
      detail: message,
      remedy: 'Wait until they have ended, then try again.',
      canRetry: true,
    }
  }
  if (status >= 500) return noAnswer(code, message)
  return {
    tone: 'error',
    title: code === 'model_not_found' ? 'There is no such model' : 'The request was refused',
    detail: message,
    remedy: 'Nothing was charged.',
    canRetry: false,
  }
}

function signedOut(detail: string): Problem {
  const remedy = 'Sign in again and ask once more.'
  return { tone: 'warning', title: 'You are signed out', detail, remedy, link: SIGN_IN, canRetry: true }
}

function notAccepted(detail: string): Problem {
  return {
    tone: 'error',
    title: 'The gateway did not accept your session',
    detail,
    remedy:
      'Sign in again. If that does not help, the gateway’s configuration is for another Clerk instance or for a page ' +
      'at another address (identity.authorizedParties).',
    link: SIGN_IN,
    canRetry: true,
  }
}

function outOfCredits(code: string, detail: string): Problem {
  if (code === 'account_in_debt') {
    return {
      tone: 'error',
      title: 'The account is in debt',
      detail,
      remedy: 'A payment was taken back. The next credits that are bought repay it.',
      link: BUY,
      canRetry: true,
    }
  }
  return {
    tone: 'warning',
    title: 'Not enough credits',
    detail,
    remedy: 'Nothing was charged.',
    link: BUY,
    canRetry: true,
  }
}

function notAllowed(code: string, detail: string): Problem {
  if (code === 'model_not_in_plan') {
    return {
      tone: 'warning',
      title: 'Your plan does not include this model',
      detail,
      remedy: 'Choose another model, or a plan that has it.',
      link: PLANS,
      canRetry: false,
    }
  }
  if (code === 'blocked') {
    return {
      tone: 'error',
      title: 'This account is blocked',
      detail,
      remedy: 'Ask the people who run this app why.',
      canRetry: false,
    }
  }
  return {
    tone: 'error',
    title: 'Not allowed',
    detail,
    remedy: 'Somebody with more rights can do it.',
    canRetry: false,
  }
}

function noAnswer(code: string, detail: string): Problem {
  const isProvider = code.startsWith('upstream')
  return {
    tone: 'error',
    title: isProvider ? 'The model’s provider gave no answer' : 'No answer could be had',
    detail,
    remedy: 'Nothing is wrong with your account. Try again in a minute.',
    canRetry: true,
  }
}

/** A stream that ended with an error instead of its end. */
function brokenOff(detail: string): Problem {
  return {
    tone: 'error',
    title: 'The answer broke off',
    detail,
    remedy: 'What was written is charged, the rest is not.',
    canRetry: true,
  }
}

function unreachable(): Problem {
  return {
    tone: 'error',
    title: 'The gateway does not answer',
    detail: `Nothing readable came back from ${FAREGATE_URL}.`,
    remedy:
      'Start everything with pnpm dev in the root of the repository. If the gateway runs elsewhere, name it in ' +
      'NEXT_PUBLIC_FAREGATE_URL, and this page’s origin in identity.authorizedParties of faregate.config.ts.',
    canRetry: true,
  }
}
