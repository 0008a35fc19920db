/** A Clerk instance on the test's bench: its keys, its JWKS endpoint and one line to judge a token. */
import type { Identity } from '../../ports.ts'
import { type ClerkOptions, createClerkIssuer } from '../clerk.ts'
import { clerkClaims, fakeWeb, jwksOf, makeKey, now, pemOf, sign } from './tokens.ts'

export const app = 'https://app.shop.test'
export const publishableKey = `pk_test_${btoa('clerk.shop.test$')}`
export const jwksUrl = 'https://clerk.shop.test/.well-known/jwks.json'
export const user: Identity = { accountId: 'clerk:user_2a', payer: 'user', member: 'clerk:user_2a' }

export type Asked = { options?: Partial<ClerkOptions>; origin?: string | null; at?: number }

/** Makes the instance; `stranger` signs under the instance's key id with another key. */
export async function clerkBench() {
  const key = await makeKey('RS256', 'ins_1')
  const rs512 = await makeKey('RS512', 'ins_512')
  const stranger = await makeKey('RS256', 'ins_1')
  const pem = await pemOf(key)

  function setUp(options: Partial<ClerkOptions> = {}) {
    const web = fakeWeb({ [jwksUrl]: jwksOf(key, rs512) })
    const base: ClerkOptions = {
      publishableKey,
      authorizedParties: [app],
      payer: 'organization',
      fetch: web.fetch,
    }
    return { web, issuer: createClerkIssuer({ ...base, ...options }) }
  }

  /** Verifies a token: the identity or the refusal's code, and how many requests that took. */
  async function verdict(token: string, { options = {}, origin = null, at = now }: Asked = {}) {
    const { issuer, web } = setUp(options)
    const result = await issuer.verify({ token, origin }, at)
    return { got: result.ok ? result.value.identity : result.error.code, asked: web.asked.length, result }
  }

  async function claimsVerdict(claims: Record<string, unknown>, asked: Asked = {}) {
    return (await verdict(await sign(key, clerkClaims(claims)), asked)).got
  }
  return { key, rs512, stranger, pem, setUp, verdict, claimsVerdict }
}
