/**
 * Random steps in an account's life. A step names what it acts on by a number, which is resolved against what
 * exists when it runs: so any part of a sequence is a sequence, and fast-check can shrink it.
 */
import fc from 'fast-check'
import type { Command, Reserve } from './command.ts'
import { affordableOutputTokens, type Price, type Usage } from './pricing.ts'
import { catalogOf, credit, day, type Ledger, limitsOf, minute, planOf, priceOf, second } from './test-kit.ts'

const keys = { ttlSecondsMax: 86_400, creditsMax: 30 * credit, countMax: 3 }

/** Plans of every sort: with and without allowance, limited, short of output, for organizations. */
export const catalog = catalogOf(
  planOf('free', { allowance: 50 * credit, keys }),
  planOf('pro', { allowance: 200 * credit, slugs: ['pro', 'pro_yearly'], outputTokensMax: 6000, keys }),
  planOf('bare', { models: ['fast'], keys }),
  planOf('team', { allowance: 300 * credit, audience: 'organization', keys }),
  planOf('tight', {
    allowance: 20 * credit,
    limits: limitsOf(
      { requestsPerMinute: 4, tokensPerMinute: 9000, concurrentRequests: 2, creditsPerDay: 40 * credit },
      { fast: { requestsPerMinute: 3 } },
    ),
    keys,
  }),
)

/** Token prices with awkward fractions, dear cache writes, a flat price and a free one. */
export const prices: readonly Price[] = [
  priceOf({ input: 2_000_000, cachedInput: 200_000, cacheWrite: 2_500_000, output: 8_000_000 }),
  priceOf({
    input: 7_777_777,
    cachedInput: 9_999_999,
    output: 1,
    rate: { numerator: 7, denominator: 30_001 },
  }),
  priceOf({ output: 15_000_000, perRequest: 12_345 }),
  priceOf({ input: 30_000_000, output: 0 }),
  priceOf({ perRequest: 4 * credit }),
  priceOf(),
]

export type Step =
  | { do: 'wait'; ms: number }
  | { do: 'grant'; credits: number; source: 'operator' | 'purchase'; lifeMs: number | null }
  | ({ do: 'reserve'; claim: string | null; organization: boolean; model: string; price: number } & {
      do: 'reserve'
      inputTokens: number
      choices: number
      asked: number | null | 'affordable' | 'one too many'
      max: number | null
      key: number | null
    })
  | { do: 'checkpoint' | 'settle'; pick: number; part: number; split: [number, number]; beyond: boolean }
  | { do: 'release' | 'revokeKey' | 'replay'; pick: number }
  /** `overdue` waits until the lease is over. */
  | { do: 'lapse'; pick: number; overdue: boolean }
  | { do: 'revoke'; pick: number | null; credits: number | null }
  | { do: 'restore'; pick: number; credits: number }
  | { do: 'setPlan'; plan: string | null; forMs: number | null }
  | { do: 'setBlocked'; blocked: boolean }
  | { do: 'createKey'; operator: boolean; ttlSeconds: number | null; creditsMax: number | null }

const pick = fc.nat(1000)
const microcredits = fc.oneof(
  fc.nat(300 * credit),
  fc.nat(5 * credit),
  fc.constantFrom(0, 1, credit, 100 * credit),
)
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 2 })

const wait = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 90 * second }) },
    { weight: 1, arbitrary: fc.constantFrom(-day, day, -minute, 31 * day) },
    { weight: 2, arbitrary: fc.constantFrom(60 * second, 60 * second - 1) },
  ),
})

const reserve = fc.record({
  do: fc.constant('reserve' as const),
  claim: fc.constantFrom(null, 'bare', 'free', 'pro', 'pro_yearly', 'bare', 'team', 'tight', 'nonsense'),
  organization: fc.boolean(),
  model: fc.constantFrom('fast', 'slow'),
  price: fc.nat(prices.length - 1),
  inputTokens: fc.oneof(fc.nat(3000), fc.nat(200_000)),
  choices: fc.constantFrom(1, 1, 1, 2, 5),
  asked: fc.oneof(
    fc.constant(null),
    fc.nat(9000),
    fc.constantFrom('affordable' as const, 'one too many' as const, Number.MAX_SAFE_INTEGER),
  ),
  max: fc.constantFrom(null, null, 100, 8192),
  key: fc.option(pick, { nil: null, freq: 3 }),
})

const use = fc.record({
  do: fc.constantFrom('checkpoint' as const, 'settle' as const, 'settle' as const),
  pick,
  part: fc.double({ min: 0, max: 1, noNaN: true }),
  split: fc.tuple(fc.nat(100), fc.nat(100)),
  beyond: fc.boolean(),
})

/** One random step; those that use credits come oftenest. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: wait },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      credits: microcredits,
      source: fc.constantFrom('operator' as const, 'purchase' as const),
      lifeMs: orNull(fc.constantFrom(second, minute, 12 * 60 * minute, 40 * day)),
    }),
  },
  { weight: 9, arbitrary: reserve },
  { weight: 8, arbitrary: use },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), pick }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('lapse' as const), pick, overdue: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('replay' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('revoke' as const),
      pick: fc.option(pick, { nil: null, freq: 4 }),
      credits: orNull(microcredits),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), pick, credits: microcredits }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setPlan' as const),
      plan: fc.constantFrom(null, 'free', 'pro', 'bare', 'team', 'tight', 'nonsense'),
      forMs: orNull(fc.constantFrom(minute, 10 * day)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('setBlocked' as const), blocked: fc.nat(3).map((n) => n === 0) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('createKey' as const),
      operator: fc.boolean(),
      ttlSeconds: orNull(fc.constantFrom(1, 60, 86_400, 86_401)),
      creditsMax: orNull(microcredits),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revokeKey' as const), pick }) },
)

/** The command that a step means now; null for one that has nothing to act on. `history` is what ran before. */
export function commandOf(
  step: Exclude<Step, { do: 'wait' }>,
  ledger: Ledger,
  history: Command[],
): Command | null {
  const id = `${step.do}-${history.length}`
  switch (step.do) {
    case 'grant': {
      const expiresAt = step.lifeMs === null ? null : ledger.now + step.lifeMs
      return { kind: 'grant', id, credits: step.credits, source: step.source, reason: 'test', expiresAt }
    }
    case 'reserve':
      return reserveCommand(step, id, ledger)
    case 'checkpoint':
    case 'settle':
      return useCommand(step, ledger)
    case 'release':
    case 'lapse': {
      const hold = chosen([...ledger.holds.values()], step.pick)
      if (!hold) return null
      if (step.do === 'lapse' && step.overdue) ledger.now = Math.max(ledger.now, hold.leaseUntil)
      return { kind: step.do, holdId: hold.id }
    }
    case 'revoke':
      return revokeCommand(step, id, ledger)
    case 'restore': {
      const grantId = chosen([...ledger.records.keys()], step.pick)
      return grantId === undefined
        ? null
        : { kind: 'restore', id, grantId, credits: step.credits, reason: 'test' }
    }
    case 'setPlan':
      return { kind: 'setPlan', plan: step.plan, until: step.forMs === null ? null : ledger.now + step.forMs }
    case 'setBlocked':
      return { kind: 'setBlocked', blocked: step.blocked }
    case 'createKey': {
      const { ttlSeconds, creditsMax } = step
      const base = { payer: 'user', planClaim: null, by: step.operator ? 'operator' : 'user' } as const
      return {
        kind: 'createKey',
        id,
        name: id,
        hash: `hash-${id}`,
        member: 'm',
        ...base,
        ttlSeconds,
        creditsMax,
      }
    }
    case 'revokeKey': {
      const key = chosen(ledger.account().keys, step.pick)
      return key ? { kind: 'revokeKey', id: key.id, member: null } : null
    }
    case 'replay':
      // A key's id is made afresh for each request, so only a revoked key could meet its own making again.
      return (
        chosen(
          history.filter(({ kind }) => kind !== 'createKey'),
          step.pick,
        ) ?? null
      )
  }
}

function reserveCommand(step: Step & { do: 'reserve' }, id: string, ledger: Ledger): Reserve {
  const { inputTokens, choices, model, max } = step
  const price = prices[step.price] ?? priceOf()
  const key = step.key === null ? undefined : chosen(ledger.account().keys, step.key)
  const available = ledger.account().grants.reduce((sum, grant) => sum + grant.available, 0)
  const affordable = Math.floor(affordableOutputTokens(price, { inputTokens }, available) / choices)
  const exact = Number.isFinite(affordable) ? affordable : 1000
  const asked = step.asked === 'affordable' ? exact : step.asked === 'one too many' ? exact + 1 : step.asked
  return {
    kind: 'reserve',
    id,
    member: key ? null : 'm',
    payer: step.organization ? 'organization' : 'user',
    planClaim: key ? null : step.claim,
    keyHash: key?.hash ?? null,
    model,
    price,
    inputTokens,
    choices,
    output: { asked, default: 4096, max },
  }
}

function useCommand(step: Step & { do: 'checkpoint' | 'settle' }, ledger: Ledger): Command | null {
  const hold = chosen([...ledger.holds.values()], step.pick)
  if (!hold) return null
  const scale = (tokens: number) => Math.floor(tokens * step.part) * (step.beyond ? 3 : 1)
  const inputTokens = scale(hold.inputTokens)
  const cachedInputTokens = Math.floor((inputTokens * step.split[0]) / 100)
  const cacheWriteTokens = Math.floor(((inputTokens - cachedInputTokens) * step.split[1]) / 100)
  const outputTokens = scale(Math.min(hold.outputTokensMax * hold.choices, 100_000))
  const usage: Usage = { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens }
  if (step.do === 'checkpoint') return { kind: 'checkpoint', holdId: hold.id, usage }
  return { kind: 'settle', holdId: hold.id, usage, ended: 'complete', estimated: step.part > 0.5 }
}

function revokeCommand(step: Step & { do: 'revoke' }, id: string, ledger: Ledger): Command | null {
  const { credits } = step
  const grantId = step.pick === null ? null : chosen([...ledger.records.keys()], step.pick)
  return grantId === undefined ? null : { kind: 'revoke', id, grantId, credits, reason: 'test' }
}

function chosen<T>(items: readonly T[], number: number): T | undefined {
  return items[number % Math.max(1, items.length)]
}
