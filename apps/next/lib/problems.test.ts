import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { describeProblem } from './problems.ts'
import { Refused, SignedOut } from './refused.ts'

const sdkError = (status: number, code: string, headers: Record<string, string> = {}) =>
  OpenAI.APIError.generate(
    status,
    { error: { code, message: 'In the gateway’s words.' } },
    '',
    new Headers(headers),
  )

describe('a problem', () => {
  it.each([
    [401, 'token_expired', 'You are signed out', '/sign-in'],
    [401, 'invalid_token', 'The gateway did not accept your session', '/sign-in'],
    [402, 'insufficient_credits', 'Not enough credits', '/buy'],
    [402, 'account_in_debt', 'The account is in debt', '/buy'],
    [403, 'model_not_in_plan', 'Your plan does not include this model', '/buy#plans'],
    [403, 'blocked', 'This account is blocked', undefined],
    [404, 'model_not_found', 'There is no such model', undefined],
    [429, 'rate_limited', 'Too much at once', undefined],
    [502, 'upstream_unavailable', 'The model’s provider gave no answer', undefined],
    [503, 'store_unavailable', 'No answer could be had', undefined],
    [502, 'gateway_unreachable', 'The gateway does not answer', undefined],
  ])('%i %s reads the same from the SDK and from the route', (status, code, title, href) => {
    for (const error of [sdkError(status, code), new Refused(status, code, 'In the gateway’s words.')]) {
      const problem = describeProblem(error)
      expect(problem?.title).toBe(title)
      expect(problem?.link?.href).toBe(href)
      if (code !== 'gateway_unreachable') expect(problem?.detail).toBe('In the gateway’s words.')
    }
  })

  it('429 says when to try again', () => {
    const earliest = Date.now() + 12_000
    for (const error of [
      sdkError(429, 'rate_limited', { 'retry-after': '12' }),
      new Refused(429, 'rate_limited', '', 12),
    ]) {
      const { retryAt = 0, canRetry } = describeProblem(error) ?? {}
      expect(canRetry).toBe(true)
      expect(retryAt).toBeGreaterThanOrEqual(earliest)
      expect(retryAt).toBeLessThan(earliest + 10_000)
    }
  })

  it('is none where the user stopped the answer', () => {
    expect(describeProblem(new OpenAI.APIUserAbortError())).toBeUndefined()
    expect(describeProblem(new DOMException('', 'AbortError'))).toBeUndefined()
  })

  it('tells nothing that answers from an answer that broke off', () => {
    for (const error of [new TypeError('fetch failed'), new OpenAI.APIConnectionError({})]) {
      expect(describeProblem(error)?.title).toBe('The gateway does not answer')
      expect(describeProblem(error, true)?.title).toBe('The answer broke off')
    }
  })

  it('knows that nobody is signed in', () => {
    expect(describeProblem(new SignedOut())?.link?.href).toBe('/sign-in')
  })
})
