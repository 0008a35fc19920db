/** What an operator sees and does: the books of an account, grants, plans. */
import { expect } from 'vitest'
import { asOperator, call, type Entry } from './calls.ts'
import { ADMIN_KEY, type Stack } from './stack.ts'

export type AdminView = {
  id: string
  plan: string
  credits: { available: number; held: number; debt: number; grants: { source: string; remaining: number }[] }
  limits: Record<string, { limit: number; remaining: number; resetsAt: string }>
  blocked: boolean
  recordedPlan: { plan: string; until: string | null } | null
  claimedPlan: string | null
  totals: { granted: number; revoked: number; charged: number; expired: number }
  keys: { id: string; member: string; creditsSpent: number }[]
}

export type AdminEntry = Entry & { member?: string; keyId?: string; grantId?: string; source?: string }

/** The account id of a Clerk user or organization. */
export function accountIdOf(reference: string): string {
  return `clerk:${reference}`
}

export function adminPath(accountId: string, rest = ''): string {
  return `/admin/accounts/${encodeURIComponent(accountId)}${rest}`
}

export async function showAccount(stack: Stack, accountId: string): Promise<AdminView> {
  const answer = await asOperator(stack, adminPath(accountId))
  const text = await answer.text()
  expect(answer.status, text).toBe(200)
  return JSON.parse(text) as AdminView
}

/** All entries of an account, newest first. */
export async function entriesOf(stack: Stack, accountId: string): Promise<AdminEntry[]> {
  const all: AdminEntry[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = `/entries?limit=500${cursor && `&cursor=${cursor}`}`
    const answer = await asOperator(stack, adminPath(accountId, query))
    expect(answer.status).toBe(200)
    const page = (await answer.json()) as { data: AdminEntry[]; nextCursor: string | null }
    all.push(...page.data)
    cursor = page.nextCursor
  }
  return all
}

/** Gives credits; must succeed. Returns the grant's id. */
export async function giveCredits(
  stack: Stack,
  accountId: string,
  credits: number | string,
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await call(stack, ADMIN_KEY, adminPath(accountId, '/grants'), {
    body: { credits, reason: 'test' },
    headers,
  })
  const text = await answer.text()
  expect(answer.status, text).toBe(201)
  return (JSON.parse(text) as { id: string }).id
}

export async function setPlan(stack: Stack, accountId: string, plan: string | null): Promise<void> {
  const answer = await asOperator(stack, adminPath(accountId, '/plan'), { plan }, 'PUT')
  expect(answer.status, await answer.text()).toBe(200)
}

/** Microcredits of a decimal figure from the wire. */
export function micro(credits: number): number {
  return Math.round(credits * 1_000_000)
}

/**
 * Invariant 1 from the outside: totals, entries and balance tell the same story. Puts the account on the plan `none`
 * first, for what is due but not yet given is shown too. Returns the balance, in microcredits.
 */
export async function expectConserved(stack: Stack, accountId: string): Promise<number> {
  await setPlan(stack, accountId, 'none')
  const view = await showAccount(stack, accountId)
  const { granted, revoked, charged, expired } = view.totals
  const { available, held, debt } = view.credits
  expect(micro(granted) - micro(revoked)).toBe(
    micro(available) + micro(held) + micro(charged) + micro(expired) - micro(debt),
  )
  const entries = await entriesOf(stack, accountId)
  expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length)
  const folded = entries.reduce((sum, { credits }) => sum + micro(credits), 0)
  expect(folded).toBe(micro(available) + micro(held) - micro(debt))
  const sum = (kind: string) =>
    entries.filter((entry) => entry.kind === kind).reduce((total, { credits }) => total + micro(credits), 0)
  expect(sum('grant')).toBe(micro(granted))
  expect(0 - sum('charge')).toBe(micro(charged))
  expect(0 - sum('revoke')).toBe(micro(revoked))
  expect(0 - sum('expire')).toBe(micro(expired))
  return micro(available)
}

/** That nothing was written for an account: no entry, no sum, no hold. */
export async function expectUntouched(stack: Stack, accountId: string): Promise<void> {
  expect(await entriesOf(stack, accountId)).toEqual([])
  const { totals, credits } = await showAccount(stack, accountId)
  expect(totals).toEqual({ granted: 0, revoked: 0, charged: 0, expired: 0 })
  expect(credits.held).toBe(0)
}
