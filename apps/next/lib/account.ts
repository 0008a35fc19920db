/** Reads the signed-in user's account from the gateway. */
import { FAREGATE_URL } from './settings.ts'

/** A user's or organization's account, as `GET /v1/account` tells it. Amounts are decimals of a credit. */
export type Account = {
  id: string
  plan: string
  credits: { available: number | string; held: number | string }
}

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

/** Reads the account of a token's owner; throws Refused, or TypeError where nothing answers. */
export async function readAccount(token: string): Promise<Account> {
  const response = await fetch(`${FAREGATE_URL}/v1/account`, {
    headers: { authorization: `Bearer ${token}` },
  })
  if (!response.ok) throw await refusalOf(response)
  return response.json()
}

/** Reads a refusal in OpenAI's error shape, whoever sent it. */
export async function refusalOf(response: Response): Promise<Refused> {
  const body: { error?: { code?: string; message?: string } } = await response.json().catch(() => ({}))
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new Refused(
    response.status,
    body.error?.code ?? '',
    body.error?.message ?? `The answer was ${response.status}.`,
    Number.isFinite(retryAfter) ? retryAfter : undefined,
  )
}

const CREDITS = new Intl.NumberFormat('en', { maximumFractionDigits: 6 })

/** Credits for people: at most six decimals, which is all a balance has. */
export function formatCredits(credits: number | string): string {
  return CREDITS.format(Number(credits))
}
