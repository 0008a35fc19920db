/** Tokens that must be refused: for each its status and words, and that nothing was written, charged or sent. */
import { createHmac } from 'node:crypto'
import { startClerkSimulator } from '@faregate/simulators/clerk'
import { expect, it } from 'vitest'
import { keyed, newUser } from '../harness/calls.ts'
import { accountIdOf, expectUntouched } from '../harness/operator.ts'
import { type ExpectedRefusal, expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'

type Overrides = { claims?: Record<string, unknown>; header?: Record<string, unknown> }
type Case = {
  name: string
  expected: Partial<ExpectedRefusal>
  headers(stack: Stack, user: string): Promise<Record<string, string>>
}

const APP = 'http://localhost:3000'
const nowSeconds = () => Math.floor(Date.now() / 1000)
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** A case whose token is right but for these claims and header parameters. */
function minted(
  name: string,
  overrides: () => Overrides,
  expected: Partial<ExpectedRefusal> = {},
  more: Record<string, string> = {},
): Case {
  const headers: Case['headers'] = async ({ clerk }, user) => ({
    ...bearer(await clerk.mint({ user, overrides: overrides() })),
    ...more,
  })
  return { name, expected, headers }
}

/** A case whose token is made of a good one. */
function altered(
  name: string,
  alter: (token: string, stack: Stack) => string,
  expected: Partial<ExpectedRefusal> = {},
): Case {
  const headers: Case['headers'] = async (stack, user) =>
    bearer(alter(await stack.clerk.mint({ user }), stack))
  return { name, expected, headers }
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function decode(part = ''): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
}

const times: Case[] = [
  minted(
    'expired 6 s ago',
    () => ({ claims: { iat: nowSeconds() - 66, nbf: nowSeconds() - 76, exp: nowSeconds() - 6 } }),
    { code: 'token_expired', says: 'getToken()' },
  ),
  minted('not valid before 30 s from now', () => ({ claims: { nbf: nowSeconds() + 30 } }), { says: 'nbf' }),
  minted(
    'issued 30 s from now',
    () => ({ claims: { iat: nowSeconds() + 30, exp: nowSeconds() + 60, nbf: undefined } }),
    { says: 'clocks' },
  ),
  minted('alive for 601 s', () => ({ claims: { exp: nowSeconds() + 601, iat: nowSeconds() } }), {
    says: '601 seconds',
  }),
  minted('alive for ever', () => ({ claims: { exp: 99_999_999_999 } })),
  minted('expiring before it was issued', () => ({ claims: { exp: nowSeconds() - 1, iat: nowSeconds() } })),
  minted('fractions of seconds', () => ({ claims: { exp: nowSeconds() + 30.5 } })),
  minted('times as text', () => ({ claims: { exp: String(nowSeconds() + 30) } })),
  ...['exp', 'iat', 'sub', 'iss', 'sid'].map((claim) =>
    minted(`without ${claim}`, () => ({ claims: { [claim]: undefined } })),
  ),
]

const headers: Case[] = [
  minted('alg none over a good signature', () => ({ header: { alg: 'none' } }), { says: 'algorithm' }),
  altered('alg none without a signature', (token) => {
    const [head, claims] = token.split('.')
    return `${encode({ ...decode(head), alg: 'none' })}.${claims}.`
  }),
  altered(
    'HS256 signed with the public key',
    (token, { clerk }) => {
      const [head, claims] = token.split('.')
      const signed = `${encode({ ...decode(head), alg: 'HS256' })}.${claims}`
      return `${signed}.${createHmac('sha256', clerk.jwtKey).update(signed).digest('base64url')}`
    },
    { says: 'algorithm' },
  ),
  minted('PS256', () => ({ header: { alg: 'PS256' } }), { says: 'algorithm' }),
  ...['crit', 'jku', 'jwk', 'x5u', 'x5c'].map((name) =>
    minted(
      `header ${name}`,
      () => ({ header: { [name]: name === 'crit' ? ['b64'] : 'http://127.0.0.1:1/keys' } }),
      {
        says: name,
      },
    ),
  ),
  minted('OAuth token (typ at+jwt)', () => ({ header: { typ: 'at+jwt' } }), { says: 'getToken()' }),
  minted('machine token (cat)', () => ({ header: { cat: 'cl_B7d4PD222AAA' } }), { says: 'machine token' }),
]

const kinds: Case[] = [
  minted('machine token (sub mch_…)', () => ({ claims: { sub: 'mch_1', sid: undefined } }), {
    says: 'machine token',
  }),
  minted(
    'JWT template (no sid, no v)',
    () => ({ claims: { sid: undefined, v: undefined, pla: undefined, sts: undefined } }),
    { says: 'without a template' },
  ),
  minted('sub that is no user', () => ({ claims: { sub: 'org_1' } })),
  minted('sub with a path in it', () => ({ claims: { sub: 'user_../../org_1' } })),
  minted('claims of version 3', () => ({ claims: { v: 3 } }), { says: '"v"' }),
  minted(
    'another issuer, signed by the same key',
    () => ({ claims: { iss: 'https://clerk.other.example' } }),
    {
      says: 'issuer',
    },
  ),
  minted('the issuer with a slash', () => ({ claims: { iss: 'https://127.0.0.1/' } })),
  minted('pla that cannot be read', () => ({ claims: { pla: 'pro' } }), { says: 'pla' }),
  minted('an organization without an id', () => ({ claims: { o: { rol: 'admin' } } }), {
    says: 'organization',
  }),
  minted('a session that ended', () => ({ claims: { sts: 'expired' } }), { says: 'not active' }),
  minted('a pending session', () => ({ claims: { sts: 'pending' } }), {
    status: 403,
    code: 'session_pending',
    says: 'open steps',
  }),
  minted('an impersonated user', () => ({ claims: { act: { sub: 'user_admin' } } }), {
    status: 403,
    code: 'impersonation_refused',
  }),
]

const parties: Case[] = [
  minted('azp of another app', () => ({ claims: { azp: 'https://evil.example' } }), {
    says: 'authorizedParties',
  }),
  minted('azp that is no text', () => ({ claims: { azp: [APP] } })),
  minted(
    'azp missing in a browser',
    () => ({ claims: { azp: undefined } }),
    { says: 'azp' },
    { origin: APP },
  ),
  minted(
    'a good azp, sent from another origin',
    () => ({}),
    { says: 'azp' },
    { origin: 'http://localhost:3001' },
  ),
  minted('a good azp, sent from nowhere (Origin: null)', () => ({}), {}, { origin: 'null' }),
  minted(
    'azp and Origin of one other app',
    () => ({ claims: { azp: 'https://evil.example' } }),
    {},
    {
      origin: 'https://evil.example',
    },
  ),
]

const shapes: Case[] = [
  { name: 'no token', expected: { says: 'Authorization: Bearer' }, headers: async () => ({}) },
  { name: 'an empty bearer', expected: {}, headers: async () => ({ authorization: 'Bearer ' }) },
  {
    name: 'another scheme',
    expected: { says: 'Bearer' },
    headers: async () => ({ authorization: 'Basic dXNlcjpwYXNz' }),
  },
  ...['junk', 'a.b.c', '..', `${'e'.repeat(60)}.e30.x`, `${encode(null)}.${encode(1)}.AAAA`].map(
    (token, index): Case => ({ name: `junk ${index + 1}`, expected: {}, headers: async () => bearer(token) }),
  ),
  minted('more than 8 KiB', () => ({ claims: { padding: 'x'.repeat(6200) } }), { says: '8192' }),
  altered('a padded signature', (token) => `${token}=`, { says: 'base64url' }),
  altered('a signature with a bit that no decoder reads', (token) => {
    const last = token.at(-1) ?? ''
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    return token.slice(0, -1) + (alphabet[alphabet.indexOf(last) ^ 1] ?? 'A')
  }),
  altered(
    "another user's claims under a good signature",
    (token) => {
      const [head, claims, signature] = token.split('.')
      return `${head}.${encode({ ...decode(claims), sub: 'user_victim' })}.${signature}`
    },
    { says: 'signature' },
  ),
  altered('four parts', (token) => `${token}.e30`),
  {
    name: "a model provider's key",
    expected: { says: 'gateway' },
    headers: async () => bearer('sk-proj-abc'),
  },
  { name: 'a Clerk API key', expected: { says: 'Clerk API key' }, headers: async () => bearer('ak_abc') },
  {
    name: 'two different tokens',
    expected: { says: 'Two different' },
    headers: async ({ clerk }, user) => ({
      ...bearer(await clerk.mint({ user })),
      'x-api-key': await clerk.mint({ user: newUser() }),
    }),
  },
  {
    name: 'the key of another instance with the same issuer',
    expected: { says: 'signature' },
    headers: async ({ clerk }, user) => {
      const other = await startClerkSimulator()
      const token = await other.mint({ user, overrides: { claims: { iss: clerk.issuer } } })
      await other.stop()
      return bearer(token)
    },
  },
]

/** Every bad token: refused in words, nothing written and nothing sent. */
export function refusedTokens(stack: () => Stack): void {
  it.concurrent.each([...shapes, ...times, ...headers, ...kinds, ...parties])('40x: $name', async (one) => {
    const user = newUser()
    const answer = await fetch(`${stack().url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(await one.headers(stack(), user)) },
      body: JSON.stringify(keyed(user)),
    })
    const expected = { status: 401, code: 'invalid_token', ...one.expected }
    await expectRefusal(answer, expected)
    expect(answer.headers.get('www-authenticate')).toBe(expected.status === 401 ? 'Bearer' : null)
    expect(stack().provider.billFor(user)).toBeUndefined()
    await expectUntouched(stack(), accountIdOf(user))
  })
}
