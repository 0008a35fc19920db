/**
 * What must hold of an account whatever was done to it, said a second time and as plainly as can be: the tests
 * compare the core with this. Nothing here calls the core's arithmetic.
 */
import { expect } from 'vitest'
import type { Account, Grant, Hold } from './account.ts'
import type { Command } from './command.ts'
import type { Entry } from './entry.ts'
import type { Price, Usage } from './pricing.ts'
import type { Ledger } from './test-kit.ts'

const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0)

/** Microcredits of a cost by long division, the remainder rounded up once. */
export function referenceCharge(price: Price, cost: bigint): bigint {
  const { numerator, denominator } = price.rate
  const product = cost * BigInt(numerator)
  const rest = product % BigInt(denominator)
  return product / BigInt(denominator) + (rest > 0n ? 1n : 0n) + BigInt(price.perRequest)
}

/** What this usage costs, without any bound. */
export function referenceCost(price: Price, usage: Usage): bigint {
  const plain = usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens
  const parts: [number, number][] = [
    [plain, price.input],
    [usage.cachedInputTokens, price.cachedInput],
    [usage.cacheWriteTokens, price.cacheWrite],
    [usage.outputTokens, price.output],
  ]
  return parts.reduce((cost, [count, each]) => cost + BigInt(count) * BigInt(each), 0n)
}

/** The most that a request of these tokens can cost: all of its input at the dearest rate. */
export function referenceMax(price: Price, inputTokens: number, outputTokens: number): bigint {
  const plain = usage(inputTokens, outputTokens)
  const rates = [
    plain,
    { ...plain, cachedInputTokens: inputTokens },
    { ...plain, cacheWriteTokens: inputTokens },
  ]
  return rates
    .map((each) => referenceCharge(price, referenceCost(price, each)))
    .reduce((most, each) => (each > most ? each : most))
}

export function usage(inputTokens: number, outputTokens: number): Usage {
  return { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens }
}

/** Invariant 1, by the state and by folding the entries. */
export function checkConservation(account: Account, entries: readonly Entry[]): void {
  const available = sum(account.grants.map((grant) => grant.available))
  const held = sum(account.grants.map((grant) => grant.held))
  const { granted, revoked, charged, expired } = account.totals
  const of = (kind: Entry['kind']) =>
    sum(entries.filter((entry) => entry.kind === kind).map((e) => e.credits))
  expect([of('grant'), of('revoke') + 0, of('charge') + 0, of('expire') + 0]).toEqual([
    granted,
    0 - revoked,
    0 - charged,
    0 - expired,
  ])
  expect(sum(entries.map(({ credits }) => credits))).toBe(available + held - account.debt)
  expect(granted - revoked).toBe(available + held + charged + expired - account.debt)
  for (const { id, credits, kind } of entries) {
    expect(Number.isSafeInteger(credits) && !Object.is(credits, -0), `${id} is a whole number`).toBe(true)
    expect(kind === 'grant' ? credits >= 0 : credits <= 0, `${id} has its kind's sign`).toBe(true)
  }
}

/** Every held credit is named by an open hold, and every counter counts what is there. */
export function checkHolds(account: Account, holds: ReadonlyMap<string, Hold>): void {
  const open = [...holds.values()]
  const draws = open.flatMap((hold) => hold.draws)
  expect(new Set(account.grants.map(({ id }) => id)).size).toBe(account.grants.length)
  for (const grant of account.grants) {
    expect(grant.available >= 0 && grant.available + grant.held > 0).toBe(true)
    expect(grant.held).toBe(sum(draws.filter((d) => d.grantId === grant.id).map((d) => d.amount)))
  }
  expect(sum(account.grants.map((grant) => grant.held))).toBe(sum(open.map(({ amount }) => amount)))
  for (const hold of open) {
    expect(sum(hold.draws.map(({ amount }) => amount))).toBe(hold.amount)
    expect(hold.draws.every(({ amount }) => amount > 0)).toBe(true)
    expect(hold.checkpoint >= 0 && hold.checkpoint <= hold.amount).toBe(true)
  }
  expect(account.open.total).toBe(open.length)
  const models: Record<string, number> = {}
  for (const { model } of open) models[model] = (models[model] ?? 0) + 1
  expect(account.open.models).toEqual(models)
  for (const key of account.keys) {
    expect(key.held).toBe(sum(open.filter(({ keyId }) => keyId === key.id).map(({ amount }) => amount)))
    expect(key.spent + key.held).toBeLessThanOrEqual(key.creditsMax ?? Number.POSITIVE_INFINITY)
  }
}

/** Each hold ended at most once, and not while it is open. */
export function checkEndings({ holds, entries }: Ledger): void {
  const ended = entries.filter(({ kind }) => kind === 'charge').map(({ id }) => id)
  expect(new Set(ended).size).toBe(ended.length)
  for (const id of ended) expect(holds.has(id), `${id} has ended and is open`).toBe(false)
}

/** Revocations of a grant take no more than it gave; restorations give no more than was taken. */
export function checkRevocations({ entries, records }: Ledger, accepted: readonly Command[]): void {
  const restoredTo = new Map(
    accepted.flatMap((c) => (c.kind === 'restore' ? [[c.id, c.grantId] as const] : [])),
  )
  for (const record of records.values()) {
    const taken =
      0 - sum(entries.filter((e) => e.kind === 'revoke' && e.grantId === record.id).map((e) => e.credits))
    const given = sum(entries.filter((e) => restoredTo.get(e.id) === record.id).map((e) => e.credits))
    expect(record.revoked).toBe(taken - given)
    expect(record.revoked >= 0 && record.revoked <= record.granted).toBe(true)
  }
}

/** The month of a plan's allowance that must be granted at `now`, if any: its entry's id, by walking the calendar. */
export function dueMonth(plan: string, entries: readonly Entry[], now: number): string | null {
  const prefix = `plan:${plan}:`
  const given = entries
    .filter(({ id, kind }) => kind === 'grant' && id.startsWith(prefix))
    .map(({ id }) => id)
  const first = given[0] === undefined ? now : Date.parse(given[0].slice(prefix.length))
  let months = -1
  while (monthAfter(first, months + 1) <= now) months += 1
  const id = prefix + new Date(monthAfter(first, months)).toISOString()
  const later = given.some((other) => other >= id)
  return months < 0 || later ? null : id
}

function monthAfter(first: number, months: number): number {
  const date = new Date(first)
  const month = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1))
  const lastDay = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).getUTCDate()
  return month.setUTCDate(Math.min(date.getUTCDate(), lastDay)) + (first % 86_400_000)
}

const ranks = ['allowance', 'operator', 'purchase']

/** Whether `a` must burn before `b`. */
export function burnsBefore(a: Grant, b: Grant): boolean {
  const [endA, endB] = [a.expiresAt ?? Number.MAX_VALUE, b.expiresAt ?? Number.MAX_VALUE]
  if (endA !== endB) return endA < endB
  if (a.source !== b.source) return ranks.indexOf(a.source) < ranks.indexOf(b.source)
  return a.at === b.at ? a.id < b.id : a.at < b.at
}

/** What is available of these grants at `now`. */
export function liveAvailable(grants: readonly Grant[], now: number): number {
  return sum(grants.filter((grant) => !isOver(grant, now)).map((grant) => grant.available))
}

export function isOver(grant: Grant, now: number): boolean {
  return grant.expiresAt !== null && grant.expiresAt <= now
}

/** Nothing that is past its expiry is left to spend. */
export function checkExpiries(account: Account, now: number): void {
  for (const grant of account.grants) if (isOver(grant, now)) expect(grant.available).toBe(0)
}
