/** What may be thrown on the way to an answer, besides what `fetch` and the SDK throw themselves. */

/** The gateway refused, in its own words and code. */
export class Refused extends Error {
  readonly status: number
  readonly code: string
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Nobody is signed in, so there is no token to send. */
export class SignedOut extends Error {}

/** Reads a refusal in OpenAI's error shape, whoever sent it. */
export async function refusalOf(response: Response): Promise<Refused> {
  const body: { error?: { code?: string; message?: string } } = await response.json().catch(() => ({}))
  return new Refused(
    response.status,
    body.error?.code ?? '',
    body.error?.message ?? `The answer was ${response.status}.`,
    secondsOf(response.headers.get('retry-after')),
  )
}

/** The seconds of a `retry-after` header; undefined where there is none. */
export function secondsOf(header: string | null | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds : undefined
}
