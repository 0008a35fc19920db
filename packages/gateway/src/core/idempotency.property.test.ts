/**
 * However requests with keys, their endings and the clock interleave: within a day a key is charged at most once, and
 * whoever is refused for a key is refused because of a request that was not given back.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  catalogOf,
  createLedger,
  credit,
  day,
  grantOf,
  hour,
  type Ledger,
  minute,
  planOf,
  propertyTimeout,
  reserveOf,
  runsFactor,
  settleOf,
  usageOf,
} from './test-kit.ts'

type Step =
  | { do: 'send'; key: number; body: number }
  | { do: 'settle' | 'release' | 'lapse'; pick: number }
  | { do: 'wait'; ms: number }

const pick = fc.nat(100)
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), key: fc.nat(1), body: fc.nat(1) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('settle' as const, 'settle' as const, 'release' as const, 'lapse' as const),
      pick,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, minute, 7 * hour, day) }),
  },
)

/** A request that was admitted. Its key stands for it until it is given back. */
type Sent = { id: string; key: number; body: number; at: number; state: 'open' | 'charged' | 'released' }

const catalog = catalogOf(planOf('free'))

function send(ledger: Ledger, sent: Sent[], { key, body }: Step & { do: 'send' }): void {
  const id = `r${ledger.now}-${sent.length}-${ledger.writes}`
  const idempotency = { keyHash: `key${key}`, requestHash: `body${body}` }
  const holder = sent.findLast(
    (each) => each.key === key && each.state !== 'released' && isStanding(each, ledger.now),
  )
  const result = ledger.run(reserveOf(id, { inputTokens: 10, idempotency }))
  expect(result.ok).toBe(holder === undefined)
  if (result.ok) sent.push({ id, key, body, at: ledger.now, state: 'open' })
  else {
    expect(result.error.first).toEqual({
      requestId: holder?.id,
      repeated: holder?.body === body && holder.state === 'charged',
    })
  }
}

function isStanding({ state, at }: Sent, now: number): boolean {
  return state === 'open' || now - at < day
}

function end(ledger: Ledger, sent: Sent[], step: Step & { pick: number }): void {
  const open = sent.filter(({ state }) => state === 'open')
  const request = open[step.pick % Math.max(1, open.length)]
  if (!request) return
  if (step.do === 'settle') ledger.accept(settleOf(request.id, usageOf(10, 20)))
  else if (step.do === 'release') ledger.accept({ kind: 'release', holdId: request.id })
  else {
    ledger.now += minute
    ledger.accept({ kind: 'lapse', holdId: request.id })
  }
  request.state = step.do === 'release' ? 'released' : 'charged'
}

test(
  'a key is charged once a day at most, and is free once its request was given back',
  propertyTimeout,
  () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60, size: 'max' }), (run) => {
        const ledger = createLedger(catalog)
        ledger.accept(grantOf('bought', 1000 * credit))
        const sent: Sent[] = []
        for (const step of run) {
          if (step.do === 'wait') ledger.now += step.ms
          else if (step.do === 'send') send(ledger, sent, step)
          else end(ledger, sent, step)
        }
        const charged = ledger.entries.filter(({ credits }) => credits < 0)
        for (const key of [0, 1]) {
          const times = sent
            .filter((each) => each.key === key && charged.some(({ id }) => id === each.id))
            .map(({ at }) => at)
          for (const [index, at] of times.entries()) {
            if (index > 0) expect(at - (times[index - 1] ?? at)).toBeGreaterThanOrEqual(day)
          }
        }
        expect(charged).toHaveLength(sent.filter(({ state }) => state === 'charged').length)
      }),
      { numRuns: 1000 * runsFactor },
    )
  },
)
