/** No window admits more than its limit, and none less: compared with a list of all that was admitted. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Limits } from './catalog.ts'
import {
  catalogOf,
  createLedger,
  credit,
  day,
  grantOf,
  limitsOf,
  minute,
  planOf,
  propertyTimeout,
  reserveOf,
  runsFactor,
  settleOf,
  usageOf,
} from './test-kit.ts'

const numRuns = 1000 * runsFactor

type Seen = { model: string; at: number; tokens: number; credits: number; open: boolean }

const maybe = (max: number) => fc.option(fc.integer({ min: 1, max }), { nil: null, freq: 2 })
const anyLimits = fc
  .record({ requests: maybe(5), tokens: maybe(900), concurrent: maybe(4), credits: maybe(2000) })
  .map(
    ({ requests, tokens, concurrent, credits }): Limits => ({
      ...(requests !== null && { requestsPerMinute: requests }),
      ...(tokens !== null && { tokensPerMinute: tokens }),
      ...(concurrent !== null && { concurrentRequests: concurrent }),
      ...(credits !== null && { creditsPerDay: credits }),
    }),
  )

const step = fc.record({
  waitMs: fc.oneof(fc.nat(5000), fc.nat(40_000), fc.nat(5 * 60 * minute)),
  model: fc.constantFrom('fast', 'slow'),
  asked: fc.nat(500),
  /** Ends an earlier request, with this much of what it asked for; null admits a new one. */
  end: fc.option(fc.record({ pick: fc.nat(100), used: fc.nat(500) }), { nil: null, freq: 2 }),
})

const same = (a: number, b: number, length: number) => Math.floor(a / length) === Math.floor(b / length)

/** Whether one more request fits one set of limits, given all that was admitted under it. */
function fits(limits: Limits, seen: Seen[], tokens: number, now: number): boolean {
  const inMinute = seen.filter(({ at }) => same(at, now, minute))
  const tokensUsed = inMinute.reduce((sum, one) => sum + one.tokens, 0)
  const creditsUsed = seen.filter(({ at }) => same(at, now, day)).reduce((sum, one) => sum + one.credits, 0)
  return (
    inMinute.length < (limits.requestsPerMinute ?? 1e9) &&
    tokensUsed + tokens <= (limits.tokensPerMinute ?? 1e9) &&
    seen.filter(({ open }) => open).length < (limits.concurrentRequests ?? 1e9) &&
    creditsUsed + tokens <= (limits.creditsPerDay ?? 1e9)
  )
}

describe('for every plan', () => {
  test('a request is admitted exactly when all its windows have room', propertyTimeout, () => {
    fc.assert(
      fc.property(
        anyLimits,
        anyLimits,
        fc.array(step, { maxLength: 40, size: 'max' }),
        (total, fast, steps) => {
          const ledger = createLedger(catalogOf(planOf('free', { limits: limitsOf(total, { fast }) })))
          ledger.accept(grantOf('pi_1', 1000 * credit))
          const seen = new Map<string, Seen>()
          for (const [n, { waitMs, model, asked, end }] of steps.entries()) {
            ledger.now += waitMs
            const open = [...seen].filter(([, one]) => one.open)
            const [id, ending] = open[(end?.pick ?? 0) % Math.max(1, open.length)] ?? []
            if (end && id && ending) {
              const used = Math.min(end.used, ending.tokens)
              ledger.accept(settleOf(id, usageOf(0, used)))
              seen.set(id, { ...ending, tokens: used, credits: used, open: false })
              continue
            }
            const all = [...seen.values()]
            const ofModel = all.filter((one) => one.model === model)
            const fitting =
              fits(total, all, asked, ledger.now) &&
              (model !== 'fast' || fits(fast, ofModel, asked, ledger.now))
            const request = reserveOf(`r${n}`, { model, output: { asked, default: 0, max: null } })
            expect(ledger.run(request).ok).toBe(fitting)
            if (fitting) {
              seen.set(request.id, { model, at: ledger.now, tokens: asked, credits: asked, open: true })
            }
          }
        },
      ),
      { numRuns },
    )
  })
})
