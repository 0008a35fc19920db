import { describe, expect, test } from 'vitest'
import type { Limits } from './catalog.ts'
import {
  catalogOf,
  createLedger,
  credit,
  day,
  grantOf,
  hour,
  limitsOf,
  minute,
  noon,
  planOf,
  reserveOf,
  second,
  settleOf,
  usageOf,
} from './test-kit.ts'

/** A rich account on a plan of these limits. */
function ledgerWith(total: Limits, models: Record<string, Limits> = {}) {
  const ledger = createLedger(catalogOf(planOf('free', { limits: limitsOf(total, models) })))
  ledger.accept(grantOf('pi_1', 1000 * credit))
  return ledger
}

const asking = (id: string, tokens: number, model = 'fast') =>
  reserveOf(id, { model, output: { asked: tokens, default: 0, max: null } })

describe('requests a minute', () => {
  test('are admitted up to the limit and again in the next UTC minute', () => {
    const ledger = ledgerWith({ requestsPerMinute: 2 })
    ledger.now = noon + 59_001
    ledger.accept(asking('a', 1))
    ledger.accept(asking('b', 1))
    const refused = ledger.refuse(asking('c', 1))
    expect(refused).toMatchObject({ code: 'rate_limited', retryAfterMs: 999 })
    expect(refused.message).toBe('Your plan allows 2 requests a minute. Try again in 1 s.')
    ledger.now = noon + minute - 1
    expect(ledger.refuse(asking('c', 1)).retryAfterMs).toBe(1)
    ledger.now = noon + minute
    ledger.accept(asking('c', 1))
  })

  test('are counted when they end without a charge, and not when they were refused', () => {
    const ledger = ledgerWith({ requestsPerMinute: 2, tokensPerMinute: 100 })
    for (let n = 0; n < 5; n += 1) ledger.refuse(asking(`no${n}`, 101))
    ledger.accept(asking('a', 1))
    ledger.accept({ kind: 'release', holdId: 'a' })
    ledger.accept(asking('b', 1))
    expect(ledger.refuse(asking('c', 1)).message).toContain('2 requests a minute')
  })

  test('have their own count for a model that the plan limits', () => {
    const ledger = ledgerWith({ requestsPerMinute: 3 }, { fast: { requestsPerMinute: 1 } })
    ledger.accept(asking('a', 1))
    expect(ledger.refuse(asking('b', 1)).message).toContain('Your plan for the model fast allows 1 requests')
    ledger.accept(asking('c', 1, 'slow'))
    ledger.accept(asking('d', 1, 'slow'))
    expect(ledger.refuse(asking('e', 1, 'slow')).message).toContain('Your plan allows 3 requests')
  })
})

describe('tokens a minute', () => {
  test('count input and output of all choices as held', () => {
    const ledger = ledgerWith({ tokensPerMinute: 1000 })
    const request = (id: string, asked: number) =>
      reserveOf(id, { inputTokens: 100, choices: 2, output: { asked, default: 0, max: null } })
    ledger.accept(request('a', 250))
    const refused = ledger.refuse(request('b', 151))
    expect(refused).toMatchObject({ code: 'rate_limited', retryAfterMs: minute })
    expect(refused.message).toContain('may use 402 tokens, and 400 of the 1000 a minute')
    ledger.accept(request('b', 150))
  })

  test('are corrected to what was used, in the minute that reserved them', () => {
    const ledger = ledgerWith({ tokensPerMinute: 1000 })
    ledger.accept(asking('a', 900))
    ledger.accept(settleOf('a', usageOf(30, 70)))
    expect(ledger.account().windows.minute).toMatchObject({
      total: { requests: 1, tokens: 100 },
      models: { fast: { requests: 1, tokens: 100 } },
    })
    ledger.accept(asking('b', 900))
    ledger.accept({ kind: 'release', holdId: 'b' })
    ledger.accept(asking('c', 900))
    expect(ledger.refuse(asking('d', 1)).code).toBe('rate_limited')
  })

  test('of a request that was released count for nothing, though it had many choices', () => {
    const ledger = ledgerWith({ tokensPerMinute: 1000, creditsPerDay: 1000, requestsPerMinute: 9 })
    const output = { asked: 300, default: 0, max: null }
    ledger.accept(reserveOf('a', { choices: 3, inputTokens: 100, output }))
    expect(ledger.refuse(asking('b', 1)).message).toContain('may use 1 tokens, and 0 of the 1000')
    ledger.accept({ kind: 'release', holdId: 'a' })
    expect(ledger.account().windows).toMatchObject({
      minute: { total: { requests: 1, tokens: 0 }, models: { fast: { requests: 1, tokens: 0 } } },
      day: { total: 0, models: { fast: 0 } },
    })
    const { limits } = ledger.accept(asking('c', 1000))
    expect(limits).toMatchObject({ tokensPerMinute: { remaining: 0 }, creditsPerDay: { remaining: 0 } })
  })

  test('of an older minute correct nothing in this one', () => {
    const ledger = ledgerWith({ tokensPerMinute: 1000 })
    ledger.accept(asking('a', 900))
    ledger.now += minute
    ledger.accept(asking('b', 500))
    ledger.accept(settleOf('a', usageOf(0, 0)))
    expect(ledger.account().windows.minute.total).toEqual({ requests: 1, tokens: 500 })
    expect(ledger.refuse(asking('c', 501)).code).toBe('rate_limited')
  })

  test('that no window can hold are 400, not a 429 that no wait helps, be the window full or empty', () => {
    const ledger = ledgerWith(
      { tokensPerMinute: 1000, requestsPerMinute: 1 },
      { fast: { tokensPerMinute: 400 } },
    )
    expect(ledger.refuse(asking('a', 1001)).code).toBe('request_too_large_for_plan')
    expect(ledger.refuse(asking('b', 401)).message).toContain('401 tokens, and your plan for the model fast')
    ledger.accept(asking('c', 400))
    expect(ledger.refuse(asking('d', 401)).code).toBe('request_too_large_for_plan')
    expect(ledger.refuse(asking('e', 400)).code).toBe('rate_limited')
  })
})

describe('concurrent requests', () => {
  test('are the open holds, freed by any ending', () => {
    const ledger = ledgerWith({ concurrentRequests: 2 }, { fast: { concurrentRequests: 1 } })
    ledger.accept(asking('a', 1))
    expect(ledger.refuse(asking('b', 1))).toMatchObject({ code: 'rate_limited', retryAfterMs: second })
    ledger.accept(asking('c', 1, 'slow'))
    expect(ledger.refuse(asking('d', 1, 'slow')).message).toContain('2 requests are under way')
    ledger.accept(settleOf('a', usageOf(0, 1)))
    ledger.accept(asking('e', 1))
    ledger.now += day
    expect(ledger.refuse(asking('f', 1)).code).toBe('rate_limited')
    ledger.accept({ kind: 'lapse', holdId: 'e' })
    ledger.accept({ kind: 'release', holdId: 'c' })
    ledger.accept(asking('g', 1))
    expect(ledger.account().open).toEqual({ total: 1, models: { fast: 1 } })
  })
})

describe('credits a day', () => {
  test('count the worst case, then what was charged, until the next UTC day', () => {
    const ledger = ledgerWith({ creditsPerDay: 1000 })
    ledger.accept(asking('a', 900))
    const refused = ledger.refuse(asking('b', 101))
    expect(refused).toMatchObject({ code: 'rate_limited', retryAfterMs: 12 * hour })
    expect(refused.message).toContain('may cost 0.000101 credits, and 0.0001 of the 0.001 a day')
    ledger.accept(settleOf('a', usageOf(0, 100)))
    ledger.accept(asking('b', 900))
    expect(ledger.account().windows.day).toMatchObject({ total: 1000, models: { fast: 1000 } })
    ledger.now = noon + 12 * hour
    ledger.accept(asking('c', 1000))
    ledger.accept(settleOf('b', usageOf(0, 0)))
    expect(ledger.account().windows.day).toMatchObject({ total: 1000, models: { fast: 1000 } })
  })

  test('more than a day’s for one request is 400', () => {
    const full = ledgerWith({ creditsPerDay: 1000 })
    full.accept(asking('a', 1000))
    expect(full.refuse(asking('b', 1)).message).toContain('and 0 of the 0.001 a day')
    const ledger = ledgerWith({ creditsPerDay: 1000 }, { fast: { creditsPerDay: 500 } })
    expect(ledger.refuse(asking('a', 1001)).code).toBe('request_too_large_for_plan')
    expect(ledger.refuse(asking('a', 501)).code).toBe('request_too_large_for_plan')
    ledger.accept(asking('a', 500))
    expect(ledger.refuse(asking('b', 1)).message).toContain('a day that your plan for the model fast allows')
    ledger.accept(asking('c', 500, 'slow'))
    expect(ledger.refuse(asking('d', 1, 'slow')).message).toContain('a day that your plan allows')
  })
})

describe('the report', () => {
  test('says what is left of each limit that is set, after the request', () => {
    const ledger = ledgerWith({
      requestsPerMinute: 5,
      tokensPerMinute: 1000,
      concurrentRequests: 2,
      creditsPerDay: 700,
    })
    ledger.now += 1500
    const { limits } = ledger.accept(asking('a', 600))
    expect(limits).toEqual({
      requestsPerMinute: { limit: 5, remaining: 4, resetsAt: noon + minute },
      tokensPerMinute: { limit: 1000, remaining: 400, resetsAt: noon + minute },
      concurrentRequests: { limit: 2, remaining: 1, resetsAt: noon + 1500 },
      creditsPerDay: { limit: 700, remaining: 100, resetsAt: noon + 12 * hour },
    })
    expect(ledgerWith({}).accept(asking('a', 1)).limits).toEqual({})
  })
})
