/** What a cut request of a dearer tier is charged, where the provider had told its input but perhaps not yet its tier. */
import { expect, test } from 'vitest'
import { priceOf, usageOf } from '../core/test-kit.ts'
import type { Dispatch } from './call.ts'
import { metered } from './settle.ts'

const price = priceOf({ input: 8000, output: 8000, serviceTiers: { priority: 200 } })

/** A stream that was cut after it had told 10 tokens of input, of a request that may be served at the dearer tier. */
function cut(told: { serviceTier?: string }, mayBeDearer: boolean): Dispatch {
  const uses = mayBeDearer ? { uses: { serviceTier: true as const } } : {}
  const hold = { price, inputTokens: 100, outputTokensMax: 50, choices: 1, ...uses }
  const usage = usageOf(10, 1, told)
  const way = {
    tap: { usage: () => ({ usage, stage: 'running', invalid: false }), outputTokensSeen: () => 5 },
    ask: { stream: true, mayReason: false },
    model: { reasoning: false },
    reply: { hold },
    startedAt: 0,
    firstOutputAt: 0,
    whole: false,
  }
  return way as unknown as Dispatch
}

test.each([
  ['dearest that was asked for, while none is told', {}, true, { serviceTier: 'priority' }],
  ['one that is told', { serviceTier: 'priority' }, true, { serviceTier: 'priority' }],
  ['standard one, once that is told', { serviceTier: 'standard' }, true, {}],
  ['standard one where no other was asked for', {}, false, {}],
])('a cut stream is charged at the %s', (_, told, mayBeDearer, tier) => {
  expect(metered(cut(told, mayBeDearer), 0)).toEqual({ usage: usageOf(10, 5, tier), estimated: true })
})
