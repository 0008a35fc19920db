/** Routes on an account's books that need what only a payment provider, or a fault, can bring about. */
import { signClerkEvent } from '@faregate/simulators/clerk'
import { describe, expect, test } from 'vitest'
import { contractExample, goodEnv, settingsOf } from '../config/test-kit.ts'
import type { PaymentFact } from '../core/payment.ts'
import { createGateway } from '../gateway.ts'
import { createFaregateKey } from '../issuers/faregate-key.ts'
import { type Store, StoreUnavailable } from '../ports.ts'
import { createMemoryStore, type MemoryStore } from '../stores/memory.ts'
import { createCloser } from './close.ts'
import { exportAnswer } from './export.ts'

const ID = 'clerk:user_books'
const ADMIN = `/admin/accounts/${encodeURIComponent(ID)}`
const SECRET = `whsec_${btoa('the-secret-of-these-tests')}`
const env: Record<string, string | undefined> = {
  ...goodEnv,
  LOCAL_KEY: 'k',
  CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
}

const ok = <T>(result: { ok: true; value: T } | { ok: false; error: { message: string } }): T => {
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

type Call = (path: string, method?: string, body?: unknown) => Promise<{ status: number; json: unknown }>
type Bench = { store: MemoryStore; operator: Call; user: Call; clerk(event: unknown): Promise<number> }

/** A gateway in memory whose user has a Faregate key. `away` makes its store unreachable. */
async function open(config: unknown = contractExample, away = false): Promise<Bench> {
  const settings = settingsOf(config, env)
  const store = createMemoryStore({ catalog: settings.catalog })
  const unreachable = async (): Promise<never> => {
    throw new StoreUnavailable('away')
  }
  const seen: Store = away ? { ...store, apply: unreachable, read: unreachable } : store
  const gateway = createGateway({ settings, store: seen, log: () => {} })
  const { key, hash } = await createFaregateKey(ID)
  ok(
    await store.apply(ID, {
      kind: 'createKey',
      id: 'key_1',
      name: '',
      hash,
      member: ID,
      payer: 'user',
      planClaim: null,
      by: 'operator',
      ttlSeconds: null,
      creditsMax: null,
    }),
  )
  const caller =
    (token: string): Call =>
    async (path, method = 'GET', body) => {
      const init = { method, headers: { authorization: `Bearer ${token}` } }
      const sent = body === undefined ? init : { ...init, body: JSON.stringify(body) }
      const answer = await gateway(new Request(`http://gateway${path}`, sent), () => {})
      return { status: answer.status, json: await answer.json() }
    }
  const clerk = async (event: unknown) => {
    const { body, headers } = signClerkEvent(SECRET, event)
    const request = new Request('http://gateway/webhooks/clerk', { method: 'POST', headers, body })
    return (await gateway(request, () => {})).status
  }
  return { store, operator: caller('an-admin-key-of-length'), user: caller(key), clerk }
}

async function buy(store: Store, id: string, fact?: PaymentFact): Promise<void> {
  const sold = { id, kind: 'pack', member: ID, pack: 'starter', credits: 1_000_000_000 } as const
  ok(await store.apply(ID, { kind: 'openPayment', payment: { ...sold, subtotal: 1000, currency: 'usd' } }))
  if (fact) ok(await store.apply(ID, { kind: 'recordPayment', id, fact }))
}

function paid(reference: string, subtotal = 1000): PaymentFact {
  return { type: 'paid', reference, paid: subtotal, subtotal, currency: 'usd', savedCard: false }
}

const listed = {
  id: 'pay_1',
  at: expect.stringMatching(/^\d{4}-.*Z$/),
  kind: 'pack',
  pack: 'starter',
  credits: 1000,
  price: { usd: 10 },
  paid: null,
  status: 'open',
}

describe('purchases', () => {
  test('200: they are listed newest first, page by page, to their buyer and to the operator', async () => {
    const { store, operator, user } = await open()
    await buy(store, 'pay_1')
    await buy(store, 'pay_2', paid('pi_2'))
    await buy(store, 'pay_3', { type: 'failed', reason: 'card_declined' })
    const first = await user('/v1/account/payments?limit=2')
    const second = { ...listed, id: 'pay_2', status: 'paid', paid: { amount: 10, currency: 'usd' } }
    expect(first).toEqual({
      status: 200,
      json: { data: [{ ...listed, id: 'pay_3', status: 'failed' }, second], nextCursor: 'pay_2' },
    })
    expect((await user('/v1/account/payments?limit=2&cursor=pay_2')).json).toEqual({
      data: [listed],
      nextCursor: null,
    })
    const shown = await operator(`${ADMIN}/payments`)
    expect(shown.json).toMatchObject({
      data: [{ failure: 'card_declined', reference: null }, { reference: 'pi_2', member: ID }, {}],
    })
    const { json } = await operator(`${ADMIN}/export`)
    expect(json).toMatchObject({ payments: [{ id: 'pay_3' }, { id: 'pay_2' }, { id: 'pay_1' }] })
  })

  test('200: one that could not be matched gives what the operator says, once', async () => {
    const { store, operator, user } = await open()
    await buy(store, 'pay_1', paid('pi_1', 700))
    expect((await user('/v1/account')).json).toMatchObject({ paymentsBeingChecked: 1 })
    const before = (await operator(`${ADMIN}/payments`)).json
    expect(before).toMatchObject({ data: [{ status: 'checking', problem: expect.stringContaining('700') }] })
    const resolve = (credits: unknown) => operator(`${ADMIN}/payments/pay_1/resolve`, 'POST', { credits })
    for (let count = 0; count < 2; count += 1) {
      expect(await resolve(700)).toMatchObject({
        status: 200,
        json: { id: 'pay_1', status: 'paid', credits: 700, problem: null },
      })
    }
    expect(await resolve(800)).toMatchObject({
      status: 409,
      json: { error: { code: 'idempotency_conflict' } },
    })
    expect((await store.read(ID)).totals.granted).toBe(700_000_000)
    expect((await user('/v1/account')).json).toMatchObject({ paymentsBeingChecked: 0 })
  })

  test('200: it may give nothing', async () => {
    const { store, operator } = await open()
    await buy(store, 'pay_1', paid('pi_1', 700))
    const path = `${ADMIN}/payments/pay_1/resolve`
    expect(await operator(path, 'POST', { credits: 0 })).toMatchObject({ status: 200, json: { credits: 0 } })
    expect((await store.read(ID)).totals.granted).toBe(0)
    expect((await store.read(ID)).billing.checking).toBe(0)
  })

  test('404 and 400: no such payment, no such amount', async () => {
    const { operator } = await open()
    const path = `${ADMIN}/payments/pay_9/resolve`
    expect(await operator(path, 'POST', { credits: 5 })).toMatchObject({ status: 404 })
    for (const credits of [-1, 'many', 0.0000001, 1e10, null]) {
      expect(await operator(path, 'POST', { credits })).toMatchObject({
        status: 400,
        json: { error: { param: 'credits' } },
      })
    }
  })
})

const minute = { perMinuteOfAudio: 0.006, perMillionCharacters: 15 }

describe('prices', () => {
  test('200: models cost the provider’s price with the markup, in credits', async () => {
    const { user } = await open()
    const { json } = await user('/v1/models/fast')
    expect(json).toMatchObject({
      faregate: {
        creditsPerMillionInputTokens: 31.25,
        creditsPerMillionOutputTokens: 250,
        creditsPerRequest: 0,
      },
    })
  })

  test('200: every kind that is priced is shown as it costs now, and what longer requests cost', async () => {
    const row = { input: 1, cachedInput: 0.1, output: 4, audioInput: 10 }
    const longContext = [{ inputTokensAbove: 200_000, ...row, output: 8 }]
    const now = { ...row, perThousandToolCalls: 10, longContext, serviceTiers: { priority: 200 } }
    const models = {
      ...contractExample.models,
      rich: { provider: 'openai', price: [{ price: now }, { from: '9999-01-01', price: 'free' }] },
      heard: { provider: 'openai', price: [{ price: 'free' }, { from: '2020-01-01', price: minute }] },
    }
    const plans = { free: { models: '*' } }
    const { user } = await open({ ...contractExample, markupPercent: 0, models, plans })
    const shown = {
      creditsPerMillionInputTokens: 100,
      creditsPerMillionCachedInputTokens: 10,
      creditsPerMillionAudioInputTokens: 1000,
    }
    expect((await user('/v1/models/rich')).json).toMatchObject({
      faregate: {
        ...shown,
        creditsPerMillionOutputTokens: 400,
        creditsPerRequest: 0,
        creditsPerThousandToolCalls: 1000,
        longContext: [{ inputTokensAbove: 200_000, ...shown, creditsPerMillionOutputTokens: 800 }],
        serviceTiers: { priority: 200 },
      },
    })
    expect((await user('/v1/models/heard')).json).toHaveProperty('faregate', {
      creditsPerMillionInputTokens: 0,
      creditsPerMillionOutputTokens: 0,
      creditsPerRequest: 0,
      creditsPerMinuteOfAudio: 0.6,
      creditsPerMillionCharacters: 1500,
    })
  })
})

describe('the download', () => {
  const grantAll = async (store: Store, count: number) => {
    for (let each = 0; each < count; each += 1) {
      const grant = {
        kind: 'grant',
        id: `g${each}`,
        credits: 1,
        source: 'operator',
        expiresAt: null,
      } as const
      ok(await store.apply(ID, { ...grant, reason: 'x' }))
      ok(
        await store.apply(ID, {
          kind: 'revoke',
          id: `r${each}`,
          grantId: `g${each}`,
          credits: 1,
          reason: 'x',
        }),
      )
    }
  }
  const watched = (store: Store, failAt: number) => {
    const pages: number[] = []
    const entries: Store['entries'] = async (id, query) => {
      pages.push(query.limit)
      if (pages.length === failAt) throw new StoreUnavailable('away')
      return store.entries(id, query)
    }
    return { pages, store: { ...store, entries } }
  }

  test('200: every entry once, page by page as it is read', async () => {
    const { store, operator } = await open()
    await grantAll(store, 601)
    const { pages, store: seen } = watched(store, 0)
    const reader = exportAnswer(seen, ID, { id: ID }, 0).body?.getReader()
    await reader?.read()
    // What nobody has read yet is not read from the store, but for what is made ready.
    expect(pages.length).toBeLessThan(3)
    await reader?.cancel()
    const { json } = await operator(`${ADMIN}/export`)
    const { entries } = json as { entries: { id: string }[] }
    const { data } = await store.entries(ID, { limit: 5000 })
    expect(data).toHaveLength(1202)
    expect(entries.map(({ id }) => id)).toEqual(data.map(({ id }) => id))
  })

  test('it breaks off when the store goes, and does not look whole', async () => {
    const { store } = await open()
    await grantAll(store, 301)
    const { pages, store: seen } = watched(store, 2)
    await expect(exportAnswer(seen, ID, { id: ID }, 0).text()).rejects.toThrow('away')
    expect(pages).toEqual([500, 500])
  })
})

describe('closing', () => {
  test('200: what was bought and not spent is named, and once', async () => {
    const { store, operator } = await open()
    await buy(store, 'pay_1', paid('pi_1'))
    const answer = await operator(ADMIN, 'DELETE')
    expect(answer).toMatchObject({ status: 200, json: { id: ID, unspentPurchasedCredits: 1000 } })
    const { reference } = answer.json as { reference: string }
    const books = (await operator(`/admin/accounts/${reference}/payments`)).json
    expect(books).toMatchObject({ data: [{ id: 'pay_1', member: null, reference: 'pi_1' }] })
    expect((await operator(`${ADMIN}/payments`)).json).toEqual({ data: [], nextCursor: null })
    expect(await operator(ADMIN, 'DELETE')).toMatchObject({ json: { unspentPurchasedCredits: 0 } })
  })

  test('503: while what it pays for elsewhere cannot be ended, nothing is closed', async () => {
    const { store } = await open()
    await buy(store, 'pay_1', paid('pi_1'))
    const events: string[] = []
    const close = createCloser({
      store,
      log: (_level, event) => events.push(event),
      beforeClose: async () => {
        throw new Error('Stripe is away')
      },
    })
    expect(await close(ID, { block: true })).toMatchObject({
      ok: false,
      error: { code: 'payments_unavailable', message: expect.not.stringContaining('Stripe is away') },
    })
    expect(events).toEqual(['before_close_failed'])
    expect(await store.read(ID)).toMatchObject({ blocked: false, totals: { granted: 1_000_000_000 } })
  })

  test('what it pays for elsewhere ends first, and nothing ends while requests run', async () => {
    const { store } = await open()
    const asked: string[] = []
    const beforeClose = async (id: string) => void asked.push(id)
    const busy: Pick<Store, 'read'> = {
      read: async (id) => ({ ...(await store.read(id)), open: { total: 2, models: {} } }),
    }
    const refused = createCloser({ store: { ...store, ...busy }, log: () => {}, beforeClose })
    expect(await refused(ID, { block: false })).toMatchObject({ error: { code: 'requests_under_way' } })
    expect(asked).toEqual([])
    const close = createCloser({ store, log: () => {}, beforeClose })
    const closed = ok(await close(ID, { block: true }))
    expect(asked).toEqual([ID])
    expect(await store.read(ID)).toMatchObject({ blocked: true, closed: true, keys: [] })
    // Closed for good: a second time moves nothing, and the first books stay.
    const { version } = await store.read(ID)
    const again = ok(await close(ID, { block: true }))
    expect((await store.read(ID)).version).toBe(version)
    expect((await store.read(again.pseudonym)).version).toBe(0)
    expect((await store.read(closed.pseudonym)).version).toBeGreaterThan(0)
  })

  test('an operator who lets somebody in again hears of their plans again', async () => {
    const { store, operator, clerk } = await open()
    expect(await clerk({ type: 'user.deleted', timestamp: 1, data: { id: 'user_books' } })).toBe(200)
    const item = {
      id: 'i1',
      status: 'active',
      period_start: 5,
      period_end: null,
      plan: { slug: 'pro' },
      payer: { user_id: 'user_books' },
    }
    const event = { type: 'subscriptionItem.active', timestamp: 9, data: item }
    expect(await clerk(event)).toBe(200)
    expect((await store.read(ID)).subscriptions).toEqual([])
    expect((await operator(`${ADMIN}/blocked`, 'PUT', { blocked: false })).status).toBe(200)
    expect(await clerk(event)).toBe(200)
    expect((await operator(ADMIN)).json).toMatchObject({ plan: 'pro', blocked: false })
  })
})

describe('Clerk’s events', () => {
  test('200: with users who pay for themselves, what is said of organizations changes nothing', async () => {
    const config = { ...contractExample, identity: { ...contractExample.identity, payer: 'user' } }
    const { store, clerk } = await open(config)
    const team = { id: 'i1', status: 'active', period_start: 5, period_end: null, plan: { slug: 'team' } }
    const data = { ...team, payer: { organization_id: 'org_1' } }
    expect(await clerk({ type: 'subscriptionItem.active', timestamp: 1, data })).toBe(200)
    expect(await clerk({ type: 'organization.deleted', timestamp: 2, data: { id: 'org_1' } })).toBe(200)
    expect((await store.read('clerk:org_1')).version).toBe(0)
  })

  test('503: while the store is away they are to come again', async () => {
    const { clerk } = await open(contractExample, true)
    const data = { id: 'user_books' }
    expect(await clerk({ type: 'user.deleted', timestamp: 1, data })).toBe(503)
    const item = {
      id: 'i1',
      status: 'active',
      period_start: 5,
      plan: { slug: 'pro' },
      payer: { user_id: 'user_books' },
    }
    expect(await clerk({ type: 'subscriptionItem.active', timestamp: 1, data: item })).toBe(503)
    expect(await clerk({ type: 'user.created', timestamp: 1, data })).toBe(200)
  })

  test('404: without a secret, or without Clerk, there is no such route', async () => {
    const without = { ...env, CLERK_WEBHOOK_SIGNING_SECRET: undefined }
    const elsewhere = { ...env, CLERK_PUBLISHABLE_KEY: undefined }
    for (const given of [without, elsewhere]) {
      const settings = settingsOf(contractExample, given)
      const store = createMemoryStore({ catalog: settings.catalog })
      const gateway = createGateway({ settings, store, log: () => {} })
      const { body, headers } = signClerkEvent(SECRET, { type: 'user.created', data: {} })
      const request = new Request('http://gateway/webhooks/clerk', { method: 'POST', headers, body })
      expect((await gateway(request, () => {})).status).toBe(404)
    }
    expect(settingsOf(contractExample, elsewhere).warnings.join()).toContain('CLERK_WEBHOOK_SIGNING_SECRET')
  })
})
