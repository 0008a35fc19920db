/** Says in words what went wrong and what to do about it, whoever noticed: the SDK, the gateway or the route. */
import OpenAI from 'openai'
import { Refused, SignedOut } from './account.ts'
import { FAREGATE_URL } from './settings.ts'

/** A failure as the page shows it. */
export type Problem = {
  title: string
  /** What happened, in the gateway's own words where it had some. */
  detail: string
  /** What to do about it. */
  remedy: string
  link?: { href: string; label: string }
}

const BREAK = 'The connection ended before the answer did.'
const SIGN_IN = { href: '/sign-in', label: 'Sign in' }

/**
 * Turns anything thrown while asking or reading the balance into a problem; undefined if the user stopped it.
 * `hasBegun` tells that part of an answer had come: what fails then has broken off.
 */
export function describeProblem(error: unknown, hasBegun = false): Problem | undefined {
  if (error instanceof OpenAI.APIUserAbortError) return undefined
  if (error instanceof DOMException && error.name === 'AbortError') return undefined
  if (error instanceof SignedOut) {
    return {
      title: 'You are signed out',
      detail: 'There is no session, so there is no token to send.',
      remedy: 'Sign in again and ask once more.',
      link: SIGN_IN,
    }
  }
  if (error instanceof OpenAI.APIConnectionError) return unreachable()
  if (error instanceof OpenAI.APIError) return describeSdkError(error)
  if (error instanceof Refused) return describeRefusal(error)
  // fetch throws a bare TypeError where nothing answers, and where an answer breaks off.
  if (error instanceof TypeError) return hasBegun ? brokenOff(BREAK) : unreachable()
  return {
    title: 'Something failed in this page',
    detail: error instanceof Error ? error.message : String(error),
    remedy: 'Reload the page and try again.',
  }
}

function describeSdkError(error: InstanceType<typeof OpenAI.APIError>): Problem {
  if (error.status === undefined) return brokenOff(error.message)
  const body = error.error
  const message =
    typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : error.message
  const retryAfter = Number(error.headers?.get('retry-after') ?? Number.NaN)
  return describeRefusal(
    new Refused(
      error.status,
      error.code ?? '',
      message,
      Number.isFinite(retryAfter) ? retryAfter : undefined,
    ),
  )
}

function describeRefusal({ status, code, message, retryAfterSeconds }: Refused): Problem {
  if (code === 'gateway_unreachable') return unreachable()
  if (status === 401) {
    return {
      title: 'You are signed out',
      detail: message,
      remedy: 'Sign in again and ask once more.',
      link: SIGN_IN,
    }
  }
  if (status === 402) {
    return {
      title: code === 'account_in_debt' ? 'The account is in debt' : 'Not enough credits',
      detail: message,
      remedy: 'Ask for less, buy credits, or wait for the next allowance of your plan.',
    }
  }
  if (status === 403) {
    return {
      title: code === 'model_not_in_plan' ? 'Your plan does not include this model' : 'Not allowed',
      detail: message,
      remedy: 'Choose another model, or move to a plan that allows this.',
    }
  }
  if (status === 429) {
    const wait = retryAfterSeconds === undefined ? 'a moment' : seconds(retryAfterSeconds)
    return {
      title: 'Too much at once',
      detail: message,
      remedy: `Wait ${wait} and ask again. Nothing was charged.`,
    }
  }
  if (status >= 500) {
    return {
      title: 'No answer could be had',
      detail: message,
      remedy: 'Nothing is wrong with your account. Try again in a minute.',
    }
  }
  return { title: 'The request was refused', detail: message, remedy: 'Change the request and ask again.' }
}

function seconds(count: number): string {
  return count === 1 ? 'one second' : `${Math.ceil(count)} seconds`
}

/** A stream that ended with an error instead of its end. */
function brokenOff(message: string): Problem {
  return {
    title: 'The answer broke off',
    detail: message,
    remedy: 'What was written is charged, the rest is not. Ask again if you need the whole.',
  }
}

function unreachable(): Problem {
  return {
    title: 'The gateway does not answer',
    detail: `Nothing readable came back from ${FAREGATE_URL}.`,
    remedy:
      'Start everything with pnpm dev in the root of the repository. If the gateway runs elsewhere, name it in ' +
      'NEXT_PUBLIC_FAREGATE_URL, and this page’s origin in identity.authorizedParties of faregate.config.ts.',
  }
}
