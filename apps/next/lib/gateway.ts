/**
 * The gateway's account routes, one function each. All take Clerk's `getToken`, which keeps the token until it is
 * about to end, and throw `Refused` where the gateway says no, `SignedOut` where nobody is signed in, and `TypeError`
 * where nothing answers.
 */
import type {
  Account,
  AutoTopUp,
  Deleted,
  Entry,
  Key,
  Listing,
  MadeKey,
  Model,
  NewKey,
  Offers,
  Payment,
  Usage,
  UsageDimension,
} from './contract.ts'
import { refusalOf, SignedOut } from './refused.ts'
import { FAREGATE_URL } from './settings.ts'

/** Clerk's `getToken` of `useAuth()` or of `auth()`. */
export type GetToken = () => Promise<string | null>

type Query = Record<string, string | number | undefined>

/** The account that pays: the active organization's, else the user's own. */
export function readAccount(getToken: GetToken): Promise<Account> {
  return ask(getToken, 'GET', '/v1/account')
}

/** The models of the caller's plan. */
export async function readModels(getToken: GetToken): Promise<Model[]> {
  const { data }: { data: Model[] } = await ask(getToken, 'GET', '/v1/models')
  return data
}

/** The account's history, or the entries of one request. */
export function readEntries(
  getToken: GetToken,
  query: { limit?: number; cursor?: string; requestId?: string } = {},
): Promise<Listing<Entry>> {
  return ask(getToken, 'GET', withQuery('/v1/account/entries', query))
}

/** Sums of usage; the last 30 days by day, unless asked otherwise. Days as `2026-11-24`, UTC. */
export function readUsage(
  getToken: GetToken,
  query: { from?: string; to?: string; by?: UsageDimension } = {},
): Promise<Usage> {
  return ask(getToken, 'GET', withQuery('/v1/account/usage', query))
}

/** The account's purchases. */
export function readPayments(
  getToken: GetToken,
  query: { limit?: number; cursor?: string } = {},
): Promise<Listing<Payment>> {
  return ask(getToken, 'GET', withQuery('/v1/account/payments', query))
}

/** Where Stripe shows the receipt of a payment. */
export async function receiptUrl(getToken: GetToken, paymentId: string): Promise<string> {
  const path = `/v1/account/payments/${encodeURIComponent(paymentId)}/receipt`
  const { url }: { url: string } = await ask(getToken, 'GET', path)
  return url
}

/** What is on sale. */
export function readCreditPacks(getToken: GetToken): Promise<Offers> {
  return ask(getToken, 'GET', '/v1/credit-packs')
}

/** Starts to buy a pack or a plan; send the browser to `url`. */
export function startCheckout(
  getToken: GetToken,
  what: ({ pack: string } | { plan: string }) & { returnUrl?: string },
): Promise<{ id: string; url: string }> {
  return ask(getToken, 'POST', '/v1/account/checkouts', what)
}

/** Opens Stripe's customer portal; send the browser to `url`. */
export function openPortal(getToken: GetToken, returnUrl?: string): Promise<{ url: string }> {
  return ask(getToken, 'POST', '/v1/account/portal', returnUrl ? { returnUrl } : {})
}

/** Turns buying by itself on or off. */
export async function setAutoTopUp(
  getToken: GetToken,
  setting: { off: true } | { pack: string; threshold: number },
): Promise<AutoTopUp | null> {
  const answer: { autoTopUp: AutoTopUp | null } = await ask(
    getToken,
    'PUT',
    '/v1/account/auto-top-up',
    setting,
  )
  return answer.autoTopUp
}

/** All that the gateway knows of the account, as JSON to download. */
export function exportAccount(getToken: GetToken): Promise<unknown> {
  return ask(getToken, 'GET', '/v1/account/export')
}

/** Deletes the account for good. */
export function deleteAccount(getToken: GetToken): Promise<Deleted> {
  return ask(getToken, 'DELETE', '/v1/account')
}

/** The caller's own Faregate keys that still live. */
export async function readKeys(getToken: GetToken): Promise<Key[]> {
  const { data }: { data: Key[] } = await ask(getToken, 'GET', '/v1/keys')
  return data
}

/** Makes a Faregate key within what the plan allows. */
export function createKey(getToken: GetToken, asked: NewKey): Promise<MadeKey> {
  return ask(getToken, 'POST', '/v1/keys', asked)
}

/** Ends a Faregate key at once. */
export async function revokeKey(getToken: GetToken, id: string): Promise<void> {
  await ask(getToken, 'DELETE', `/v1/keys/${encodeURIComponent(id)}`)
}

async function ask<Answer>(
  getToken: GetToken,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const token = await getToken()
  if (!token) throw new SignedOut()
  const response = await fetch(`${FAREGATE_URL}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw await refusalOf(response)
  return response.json()
}

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`
}
