/** What every refusal must look like on OpenAI's wire, checked in one place. */
import { expect } from 'vitest'

export type ExpectedRefusal = {
  status: number
  code: string
  param?: string
  /** Whether the same request may succeed later; otherwise SDKs must be told not to try. */
  retry?: boolean
  /** Part of the message: what happened, or what to do. */
  says?: RegExp | string
}

/** Checks status, body shape, code and headers of a refusal, and returns its message. */
export async function expectRefusal(answer: Response, expected: ExpectedRefusal): Promise<string> {
  const text = await answer.text()
  expect(answer.status, text).toBe(expected.status)
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{24,40}$/)
  expect(answer.headers.get('x-should-retry')).toBe(expected.retry ? null : 'false')
  const body = JSON.parse(text) as { error: { message: string } }
  expect(body).toEqual({
    error: {
      message: expect.stringMatching(/^.{20,}[.)]$/s),
      type: expect.stringMatching(/^[a-z_]+$/),
      param: expected.param ?? null,
      code: expected.code,
    },
  })
  if (expected.says !== undefined) expect(body.error.message).toMatch(expected.says)
  return body.error.message
}

/** The seconds after which a refusal says to come back. */
export function retryAfter(answer: Response): number {
  const seconds = answer.headers.get('retry-after') ?? ''
  expect(seconds).toMatch(/^\d+$/)
  return Number(seconds)
}
