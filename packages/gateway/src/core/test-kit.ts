/**
 * What the core's tests share: a catalogue with plain figures, builders of commands, and a ledger that keeps a
 * store's rows in maps. Rows are frozen when written, so a decision that changed its input would throw.
 */
import { runCommand } from '../stores/rows.ts'
import { type Account, type GrantRecord, type Hold, newAccount } from './account.ts'
import type { Catalog, Limits, Plan } from './catalog.ts'
import type { Command, CreateKey, Grant, ReplyOf, Reserve } from './command.ts'
import type { Decision, Retired } from './draft.ts'
import type { Entry } from './entry.ts'
import type { KeyUse } from './idempotency.ts'
import type { Payment } from './payment.ts'
import type { Price, Usage } from './pricing.ts'
import type { Refusal } from './refusal.ts'
import type { Result } from './result.ts'

/** How many times the usual number of runs the property tests make, and how long each may take. */
export const runsFactor = Number(process.env.FAREGATE_PROPERTY_RUNS ?? 1)
export const propertyTimeout = { timeout: 30_000 * Math.max(1, runsFactor) }

/** 23 November 2026, noon UTC. */
export const noon = Date.UTC(2026, 10, 23, 12)
export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
/** One credit in microcredits. */
export const credit = 1_000_000

/** Prices per token in pico-USD; 8,000 pico-USD are one microcredit: markup 25 % at $0.01 a credit. */
export function priceOf(over: Partial<Price> = {}): Price {
  const rate = { numerator: 1, denominator: 8000 }
  return { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, perRequest: 0, rate, version: 'test', ...over }
}

/** One microcredit per token of input or output. */
export const unitPrice = priceOf({ input: 8000, cachedInput: 8000, cacheWrite: 8000, output: 8000 })

export function usageOf(inputTokens: number, outputTokens: number, over: Partial<Usage> = {}): Usage {
  return { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens, ...over }
}

export function planOf(id: string, over: Partial<Plan> = {}): Plan {
  const keys = { ttlSecondsMax: 86_400, creditsMax: null, countMax: 5 }
  const base = { slugs: [id], audience: 'anyone', models: '*', allowance: 0, outputTokensMax: null } as const
  return { id, ...base, limits: { models: {} }, keys, ...over }
}

/** A plan's limits, in total and by model. */
export function limitsOf(total: Limits, models: Record<string, Limits> = {}): Plan['limits'] {
  return { ...total, models }
}

/** A catalogue of these plans; the first is the default. */
export function catalogOf(first: Plan, ...others: Plan[]): Catalog {
  const plans = [first, ...others]
  return {
    models: new Map(),
    plans: new Map(plans.map((plan) => [plan.id, plan])),
    planBySlug: new Map(plans.flatMap((plan) => plan.slugs.map((slug) => [slug, plan]))),
    defaultPlan: first,
  }
}

export function reserveOf(id: string, over: Partial<Reserve> = {}): Reserve {
  return {
    kind: 'reserve',
    id,
    member: 'clerk:user_1',
    payer: 'user',
    planClaim: null,
    keyHash: null,
    model: 'fast',
    price: unitPrice,
    inputTokens: 0,
    choices: 1,
    output: { asked: 100, default: 4096, max: null },
    ...over,
  }
}

export function grantOf(id: string, credits: number, over: Partial<Grant> = {}): Grant {
  return { kind: 'grant', id, credits, source: 'purchase', reason: 'test', expiresAt: null, ...over }
}

export function keyOf(id: string, over: Partial<CreateKey> = {}): CreateKey {
  const base = { payer: 'user', planClaim: null, by: 'user', ttlSeconds: null, creditsMax: null } as const
  return { kind: 'createKey', id, name: id, hash: `hash-${id}`, member: 'clerk:user_1', ...base, ...over }
}

export function settleOf(holdId: string, usage: Usage): Command & { kind: 'settle' } {
  return { kind: 'settle', holdId, usage, ended: 'complete', estimated: false }
}

export type Ledger = {
  now: number
  account(): Account
  readonly holds: ReadonlyMap<string, Hold>
  readonly entries: readonly Entry[]
  readonly records: ReadonlyMap<string, GrantRecord>
  readonly payments: ReadonlyMap<string, Payment>
  /** First uses of Idempotency-Keys, by the keys' hashes. */
  readonly keyUses: ReadonlyMap<string, KeyUse>
  /** The books of accounts that were closed, by their new ids. */
  readonly retired: ReadonlyMap<string, Retired>
  /** How often rows were written. */
  readonly writes: number
  run<C extends Command>(command: C): Result<ReplyOf<C>, Refusal>
  /** Runs a command that must be accepted. */
  accept<C extends Command>(command: C): ReplyOf<C>
  /** Runs a command that must be refused, and checks that nothing was written. */
  refuse(command: Command): Refusal
}

/** One account's rows in maps. A second entry of the same id throws, as a store's key would. */
export function createLedger(catalog: Catalog, start = noon, id = 'clerk:user_1'): Ledger {
  let account: Account | null = null
  const holds = new Map<string, Hold>()
  const entries = new Map<string, Entry>()
  const records = new Map<string, GrantRecord>()
  const payments = new Map<string, Payment>()
  const keyUses = new Map<string, KeyUse>()
  const retired = new Map<string, Retired>()
  const list: Entry[] = []
  let writes = 0
  const rows = {
    account: (of: string, now: number) => {
      const known = of === id ? account : retired.get(of)?.account
      return known ?? deepFreeze(newAccount(of, now))
    },
    hold: (_: string, holdId: string) => holds.get(holdId),
    entry: (_: string, entryId: string) => entries.get(entryId),
    grant: (_: string, grantId: string) => records.get(grantId),
    payment: (_: string, paymentId: string) => payments.get(paymentId),
    keyUse: (_: string, keyHash: string) => keyUses.get(keyHash),
    write: (_: string, decision: Parameters<Parameters<typeof runCommand>[0]['write']>[1]) => {
      writes += 1
      deepFreeze(decision)
      if (decision.retired) {
        const all = [...list, ...decision.retired.entries]
        retired.set(decision.retired.id, { ...decision.retired, entries: all })
        for (const rows of [entries, records, payments, keyUses]) rows.clear()
        list.length = 0
      }
      if (decision.account) account = decision.account
      for (const entry of decision.entries) {
        if (entries.has(entry.id)) throw new Error(`two entries have the id ${entry.id}`)
        entries.set(entry.id, entry)
        list.push(entry)
      }
      for (const record of decision.records) records.set(record.id, record)
      if (decision.payment) payments.set(decision.payment.id, decision.payment)
      writeKeyUse(keyUses, decision.keyUse)
      if (decision.hold && 'put' in decision.hold) holds.set(decision.hold.put.id, decision.hold.put)
      else if (decision.hold) holds.delete(decision.hold.drop)
    },
  }
  const ledger: Ledger = {
    now: start,
    account: () => rows.account(id, ledger.now),
    holds,
    entries: list,
    records,
    payments,
    keyUses,
    retired,
    get writes() {
      return writes
    },
    run: (command) => runCommand(rows, id, command, { now: ledger.now, catalog }),
    accept(command) {
      const result = ledger.run(command)
      if (!result.ok) throw new Error(`${command.kind} was refused: ${result.error.message}`)
      return result.value
    },
    refuse(command) {
      const before = writes
      const result = ledger.run(command)
      if (result.ok) throw new Error(`${command.kind} was accepted`)
      if (writes !== before) throw new Error(`${command.kind} was refused and yet wrote`)
      return result.error
    },
  }
  return ledger
}

function writeKeyUse(keyUses: Map<string, KeyUse>, keyUse: Decision<unknown>['keyUse']): void {
  if (keyUse && 'put' in keyUse) keyUses.set(keyUse.put.keyHash, keyUse.put)
  else if (keyUse) keyUses.delete(keyUse.drop)
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) deepFreeze(inner)
  return value
}
